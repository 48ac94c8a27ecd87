/* SPDX-License-Identifier: MIT */
/*
 * The host machine's memory and environment (struct cpu_env). Signals are in machine_trap.c.
 */
#define _GNU_SOURCE
#include "tests/host/machine.h"

#include <asm/prctl.h>
#include <cpuid.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "emu/cpu/semantics.h"
#include "kernel/base/alloc.h"
#include "kernel/base/error.h"
#include "kernel/base/log.h"
#include "kernel/base/string.h"
#include "tests/host/machine_trap.h"
#include "tests/host/upper.h"

#define WINDOW	   (8 * GiB) /* guests never form an address above 4 GiB plus one operand */
#define CACHE_SIZE (4u * MiB)
/* The fence, and the place that signals, each with what must fault before and behind it. */
#define FENCE_AT   RECOMP_FENCE
#define SIGNAL_AT  (FENCE_AT + RECOMP_FENCED)
#define POLLS_SIZE (SIGNAL_AT + RECOMP_FENCED)

static struct machine *machine_of(struct cpu *cpu)
{
	return cpu->env_ctx;
}

static u8 *window(const struct machine *m, gla_t gla)
{
	return (u8 *)(m->base + gla);
}

/* --- The linear space --- */

static void unmap_window(struct machine *m)
{
	/* Page by page: one call for the whole window would be as correct, and slower. */
	for (unsigned i = 0; i < m->mappings; i++) {
		gla_t page = m->mapping[i].page;

		mprotect(window(m, page), PAGE_SIZE, PROT_NONE);
		if (!page)
			mprotect(window(m, 0) + 4 * GiB, PAGE_SIZE, PROT_NONE);
	}
	m->mappings = 0;
}

void machine_unmap(struct machine *m)
{
	unmap_window(m);
	softtlb_flush(&m->cpu);
}

static bool map_at(struct machine *m, u8 *at, const u8 *ram, int prot)
{
	return mmap(at, PAGE_SIZE, prot, MAP_SHARED | MAP_FIXED, m->fd, ram - m->ram) == at;
}

static enum env_pf env_page_fault(struct cpu *cpu, gla_t gla, unsigned access)
{
	struct machine *m = machine_of(cpu);
	gla_t page = gla & ~(PAGE_SIZE - 1);
	bool user = access & ACCESS_USER, writable, watched;
	struct pagewalk w;
	const u8 *ram;
	int prot;

	if (cpu_walk(cpu, gla, access, &w) != CPU_NEXT)
		return ENV_PF_FAULT;
	ram = gpmem_ptr(cpu->mem, w.gpa & PAGE_MASK, false);
	if (!ram || !gpmem_is_writable(gpmem_find(cpu->mem, w.gpa)))
		return ENV_PF_SLOW;
	if (ram < m->ram || ram >= m->ram + m->ram_size) /* a device's, behind a window */
		return ENV_PF_SLOW;
	if (cpu_debug_watches(cpu, gla))
		return ENV_PF_SLOW;
	watched = gpmem_watches(cpu->mem, w.gpa) != 0;
	if (watched && (access & ACCESS_WRITE))
		return ENV_PF_SLOW;
	writable = w.writable || (!user && !(cpu->cr0 & CR0_WP));
	prot = PROT_READ | (writable && w.dirty && !watched ? PROT_WRITE : 0);
	if (m->mappings == MACHINE_MAPPINGS)
		machine_unmap(m);
	if (!map_at(m, window(m, page), ram, prot) ||
	    (!page && !map_at(m, window(m, 0) + 4 * GiB, ram, prot)))
		return ENV_PF_SLOW; /* page 0 without the right to map it */
	m->mapping[m->mappings++] = (struct machine_mapping){ page, w.gpa & PAGE_MASK };
	return ENV_PF_RESUME;
}

static void protect(void *ctx, gpa_t gpa, bool on)
{
	struct machine *m = ctx;

	for (unsigned i = 0; on && i < m->mappings; i++) {
		if (m->mapping[i].gpa != (gpa & PAGE_MASK))
			continue;
		mprotect(window(m, m->mapping[i].page), PAGE_SIZE, PROT_READ);
		if (!m->mapping[i].page)
			mprotect(window(m, 0) + 4 * GiB, PAGE_SIZE, PROT_READ);
	}
}

static void switched(void *ctx, gpa_t start, u64 size)
{
	struct machine *m = ctx;

	(void)start;
	(void)size;
	softtlb_flush(&m->cpu);
	machine_unmap(m);
}

static void new_mapping(struct machine *m)
{
	m->mapping_number++;
	recomp_set_mapping(m->cpu.recomp, false, m->mapping_number);
	recomp_set_mapping(m->cpu.recomp, true, m->mapping_number);
}

static void env_code_runs(struct cpu *cpu, bool runs)
{
	struct machine *m = machine_of(cpu);

	/* The window shows what one CPL sees; the TLBs know both. */
	if (runs && m->window_cpl3 != (cpu->cpl == 3)) {
		m->window_cpl3 = cpu->cpl == 3;
		unmap_window(m);
	}
	if (m->code_runs)
		m->code_runs(m, runs);
}

static void env_code_sought(struct cpu *cpu)
{
	(void)cpu;
}

static bool env_code_found(struct cpu *cpu, gla_t gla)
{
	(void)cpu;
	(void)gla;
	return true;
}

static void env_paging_changed(struct cpu *cpu, unsigned what)
{
	(void)what;
	machine_unmap(machine_of(cpu));
	new_mapping(machine_of(cpu));
}

static void env_watch_changed(struct cpu *cpu)
{
	machine_unmap(machine_of(cpu));
}

static void env_invlpg(struct cpu *cpu, gla_t gla)
{
	(void)gla;
	env_paging_changed(cpu, PAGING_CR3);
}

void machine_wrote(struct machine *m, gpa_t gpa, u32 len)
{
	gpmem_written(&m->mem, gpa, len);
}

/* --- The rest of the environment --- */

static void log_port(struct machine *m, u16 port, unsigned size, bool write, u32 value)
{
	m->port[m->ports++ % MACHINE_PORT_LOG] =
		(struct machine_port){ port, (u8)size, write, value };
}

static u32 env_io_read(struct cpu *cpu, u16 port, unsigned size)
{
	struct machine *m = machine_of(cpu);
	u32 value = m->port_value ? m->port_value(m, port, size) : 0xffffffff;

	log_port(m, port, size, false, value);
	return value;
}

static void env_io_write(struct cpu *cpu, u16 port, unsigned size, u32 value)
{
	log_port(machine_of(cpu), port, size, true, value);
}

/* Now one, now several, as devices do. */
static u32 at_once(const struct machine *m, u32 n)
{
	return MIN(n, 1 + m->ports % 7);
}

static u32 env_io_read_many(struct cpu *cpu, u16 port, unsigned size, void *to, u32 n)
{
	n = at_once(machine_of(cpu), n);
	for (u32 i = 0; i < n; i++) {
		u32 v = env_io_read(cpu, port, size);

		memcpy((u8 *)to + i * size, &v, size);
	}
	return n;
}

static u32 env_io_write_many(struct cpu *cpu, u16 port, unsigned size, const void *from, u32 n)
{
	n = at_once(machine_of(cpu), n);
	for (u32 i = 0; i < n; i++) {
		u32 v = 0;

		memcpy(&v, (const u8 *)from + i * size, size);
		env_io_write(cpu, port, size, v);
	}
	return n;
}

static int env_intr_ack(struct cpu *cpu)
{
	struct machine *m = machine_of(cpu);
	int vector = m->pending_vector;

	m->pending_vector = -1;
	cpu->events &= ~CPU_EVENT_INTR;
	return vector;
}

static void nothing(struct cpu *cpu)
{
	(void)cpu; /* the stubs switch the FPU: its state is in cpu->fpu whenever C runs */
}

/* The stubs switch x87 and SSE; the upper halves of YMM are where the guest left them. */
static void env_fpu_save(struct cpu *cpu)
{
	u8 *image = cpu->fpu.image, any = 0;

	upper_store(image + XSTATE_AVX);
	for (unsigned i = 0; i < UPPER_SIZE; i++)
		any |= image[XSTATE_AVX + i];
	image[XSTATE_HEADER] = (u8)(3 | (any ? 4 : 0));
}

static void env_fpu_load(struct cpu *cpu)
{
	upper_load(cpu->fpu.image + XSTATE_AVX);
}

static void env_fpu_pointers(struct cpu *cpu, struct cpu_fpu_pointers *p, bool set)
{
	u8 *image = cpu->fpu.image;

	if (set) {
		memcpy(image + 8, &p->ip, 4);
		memcpy(image + 12, &p->cs, 2);
		memcpy(image + 16, &p->data, 4);
		memcpy(image + 20, &p->ds, 2);
	} else {
		memcpy(&p->ip, image + 8, 4);
		memcpy(&p->cs, image + 12, 2);
		memcpy(&p->data, image + 16, 4);
		memcpy(&p->ds, image + 20, 2);
	}
}

static void env_fpu_error(struct cpu *cpu)
{
	struct machine *m = machine_of(cpu);

	m->fpu_errors++;
	m->pending_vector = m->fpu_error_vector;
	recomp_signal(cpu, CPU_EVENT_INTR);
}

static void env_cpuid(struct cpu *cpu, u32 leaf, u32 subleaf, u32 out[4])
{
	(void)cpu;
	__cpuid_count(leaf, subleaf, out[0], out[1], out[2], out[3]);
}

static u64 env_tsc(struct cpu *cpu)
{
	(void)cpu;
	return __builtin_ia32_rdtsc();
}

static int env_msr_read(struct cpu *cpu, u32 index, u64 *value)
{
	(void)cpu;
	(void)index;
	(void)value;
	return E_NOENT;
}

static int env_msr_write(struct cpu *cpu, u32 index, u64 value)
{
	(void)cpu;
	(void)index;
	(void)value;
	return E_NOENT;
}

static void env_kill(struct cpu *cpu, const char *why)
{
	machine_of(cpu)->killed = why;
	recomp_signal(cpu, CPU_EVENT_YIELD);
}

static bool env_want_leave(struct cpu *cpu)
{
	return machine_of(cpu)->leave;
}

static const struct cpu_env host_env = {
	.io_read = env_io_read,
	.io_write = env_io_write,
	.io_read_many = env_io_read_many,
	.io_write_many = env_io_write_many,
	.intr_ack = env_intr_ack,
	.page_fault = env_page_fault,
	.paging_changed = env_paging_changed,
	.invlpg = env_invlpg,
	.watch_changed = env_watch_changed,
	.code_sought = env_code_sought,
	.code_found = env_code_found,
	.code_runs = env_code_runs,
	.tables_changed = nothing,
	.control_changed = nothing,
	.fpu_save = env_fpu_save,
	.fpu_load = env_fpu_load,
	.fpu_pointers = env_fpu_pointers,
	.fpu_error = env_fpu_error,
	.cpuid = env_cpuid,
	.tsc = env_tsc,
	.msr_read = env_msr_read,
	.msr_write = env_msr_write,
	.kill = env_kill,
	.want_leave = env_want_leave,
};

/* --- Life --- */

static bool reserve_window(struct machine *m, bool base_0)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | (base_0 ? MAP_FIXED : 0);
	void *p = mmap(NULL, WINDOW, PROT_NONE, flags, -1, 0);

	if (p == MAP_FAILED)
		return false;
	m->base = (u64)p;
	return true;
}

static bool base_0_possible(void)
{
	static int somewhere;
	u64 image = (u64)&somewhere, stack = (u64)__builtin_frame_address(0);

	return image >= WINDOW && stack >= WINDOW;
}

static int create_ram(struct machine *m, u64 size)
{
	unsigned chunks = (unsigned)(ALIGN_UP(size, (u64)GPMEM_CHUNK_SIZE) >> GPMEM_CHUNK_SHIFT);
	u8 **chunk = mem_alloc(chunks * sizeof(*chunk));

	m->ram_size = size;
	m->fd = memfd_create("guest-ram", MFD_CLOEXEC);
	if (!chunk || m->fd < 0 || ftruncate(m->fd, (off_t)size))
		return E_NOMEM;
	m->ram = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, m->fd, 0);
	if (m->ram == MAP_FAILED)
		return E_NOMEM;
	for (unsigned i = 0; i < chunks; i++)
		chunk[i] = m->ram + ((u64)i << GPMEM_CHUNK_SHIFT);
	gpmem_init(&m->mem);
	m->mem.protect = protect;
	m->mem.switched = switched;
	m->mem.protect_ctx = m;
	return gpmem_add_ram(&m->mem, 0, size, chunk, true, "ram");
}

void machine_reset(struct machine *m)
{
	cpu_reset(&m->cpu);
	memset(&m->cpu.fpu, 0, sizeof(m->cpu.fpu));
	memcpy(&m->cpu.fpu, m->host_fpu, 32); /* control words and MXCSR mask */
	memset((u8 *)&m->cpu.fpu + 32, 0, 480);
	m->cpu.a20_mask = ~0ull;
	m->ports = 0;
	m->fpu_errors = 0;
	m->fpu_error_vector = 0x75;
	m->pending_vector = -1;
	m->leave = false;
	machine_unmap(m);
}

int machine_create(struct machine *m, u64 ram_size, unsigned flags)
{
	bool gs = !(flags & MACHINE_BASE_0);
	struct recomp_config cfg;
	int err;

	memset(m, 0, sizeof(*m));
	if (!gs && !base_0_possible())
		return E_NOSYS;
	if (!reserve_window(m, !gs))
		return gs ? E_NOMEM : E_NOSYS;
	err = create_ram(m, ram_size);
	if (err)
		return err;
	m->cache = mmap(NULL, CACHE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	m->polls = mmap(NULL, POLLS_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
			-1, 0);
	if (m->cache == MAP_FAILED || m->polls == MAP_FAILED ||
	    mprotect(m->polls + FENCE_AT, RECOMP_FENCE, PROT_READ))
		return E_NOMEM;
	if (gs && syscall(SYS_arch_prctl, ARCH_SET_GS, m->base))
		return E_NOSYS;
	__builtin_ia32_fxsave64(m->host_fpu);
	m->cpu.env = &host_env;
	m->cpu.env_ctx = m;
	m->cpu.mem = &m->mem;
	cpu_reset(&m->cpu);
	cfg = (struct recomp_config){ .cache_rw = m->cache,
				      .cache_rx = m->cache,
				      .cache_size = CACHE_SIZE,
				      .membase = m->base,
				      .membase_gs = gs,
				      .host_fpu = m->host_fpu,
				      .poll_quiet = m->polls + FENCE_AT,
				      .poll_signal = m->polls + SIGNAL_AT,
				      .verify = !(flags & MACHINE_NO_VERIFY) };
	err = recomp_create(&m->cpu, &cfg);
	if (!err)
		machine_reset(m);
	return err;
}

void machine_destroy(struct machine *m)
{
	recomp_destroy(&m->cpu);
	gpmem_destroy(&m->mem);
	munmap((void *)m->base, WINDOW);
	munmap(m->cache, CACHE_SIZE);
	munmap(m->polls, POLLS_SIZE);
	munmap(m->ram, m->ram_size);
	close(m->fd);
}

enum recomp_exit machine_run(struct machine *m)
{
	enum recomp_exit exit;

	machine_trap_begin(m);
	exit = recomp_run(&m->cpu);
	machine_trap_end();
	return exit;
}

enum recomp_exit machine_run_after_iret(struct machine *m)
{
	enum recomp_exit exit;

	machine_trap_begin(m);
	exit = recomp_run_after_iret(&m->cpu);
	machine_trap_end();
	return exit;
}

enum recomp_exit machine_step(struct machine *m)
{
	enum recomp_exit exit;

	machine_trap_begin(m);
	exit = recomp_step(&m->cpu);
	machine_trap_end();
	return exit;
}

enum recomp_exit machine_step_quietly(struct machine *m, bool *done)
{
	enum recomp_exit exit;

	machine_trap_begin(m);
	exit = recomp_step_quietly(&m->cpu, done);
	machine_trap_end();
	return exit;
}
