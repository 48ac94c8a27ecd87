/* SPDX-License-Identifier: MIT */
/*
 * Creates, resets and destroys a virtual CPU with its shadow tables and its recompiler.
 */
#include "vmm/run/vcpu_life.h"

#include "arch/cpu/fpu.h"
#include "arch/cpu/gdt.h"
#include "arch/cpu/processor.h"
#include "arch/mem/kmap.h"
#include "kernel/base/error.h"
#include "kernel/base/string.h"
#include "kernel/mem/page.h"
#include "vmm/run/vcpu_env.h"
#include "vmm/run/vcpu_memory.h"
#include "vmm/state/vcpu_load.h"
#include "vmm/state/vm.h"

#define CODE_CACHE_SIZE (5 * MiB) /* holds what a boot of Linux translates */
#define TABLE_ORDER	4u	  /* 64 KiB */

static int create_tables(struct vcpu *v)
{
	v->gdt = page_alloc(TABLE_ORDER);
	v->ldt = page_alloc(TABLE_ORDER);
	if (!v->gdt || !v->ldt)
		return E_NOMEM;
	memset(v->gdt, 0, GDT_SIZE);
	memset(v->ldt, 0, GDT_SIZE);
	gdt_fill_monitor(v->gdt, percpu_this());
	gdt_fill_ldt(v->gdt, v->ldt);
	shadow_desc_init(&v->desc, &v->cpu, v->gdt, v->ldt);
	return 0;
}

_Static_assert(KMAP_FENCE == RECOMP_FENCE, "what is mapped is what translated code reads");

static int create_recompiler(struct vcpu *v)
{
	struct recomp_config rc = { .cache_size = CODE_CACHE_SIZE,
				    .verify = v->vm->config.verify,
				    .code_written = v->vm->config.strict != STRICT_OFF
							    ? vcpu_code_written
							    : NULL,
				    .poll_quiet = kmap_fence(),
				    .poll_signal = (const u8 *)VCPU_POLL_TRAP };

	if (!rc.poll_quiet)
		return E_NOMEM;
	rc.cache_rx = kmap_code(rc.cache_size, &rc.cache_rw);
	if (!rc.cache_rx)
		return E_NOMEM;
	v->code_cache = rc.cache_rx;
	return recomp_create(&v->cpu, &rc);
}

int vcpu_create(struct vcpu *v, struct vm *vm, unsigned index)
{
	v->vm = vm;
	v->index = index;
	v->cpu.env = &vcpu_env;
	v->cpu.env_ctx = v;
	v->cpu.mem = &vm->mem;
	v->cpu.a20_mask = ~0ull;
	v->cpu.stops.vectors = vm->config.strict != STRICT_OFF ? CPU_STRICT : 0;
	v->cpu.model = cpu_model_of(vm->config.cpu);
	v->idle.on = v->cpu.tells_ints = vm->config.idle_detect;
	v->place_since = rdtsc();

	int err = create_recompiler(v);

	if (!err)
		err = create_tables(v);
	if (err)
		return err;
	v->shadow = shadow_create(&v->cpu, vcpu_shadow_host(v));
	if (!v->shadow)
		return E_NOMEM;
	if (vm_tlb_is_coherent(vm)) {
		softtlb_follow(&v->cpu);
		shadow_desc_follow(&v->desc);
	}
	vcpu_reset(v);
	vcpu_forget(v);
	return 0;
}

void vcpu_destroy(struct vcpu *v)
{
	vcpu_unload(v);
	percpu_this()->last_guest = NULL; /* the next VM may lie at the same address */
	if (v->shadow)
		shadow_destroy(v->shadow);
	if (v->cpu.recomp)
		recomp_destroy(&v->cpu);
	if (v->code_cache)
		kmap_code_free(v->code_cache, CODE_CACHE_SIZE);
	if (v->gdt && v->ldt)
		shadow_desc_destroy(&v->desc);
	if (v->gdt)
		page_free(v->gdt, TABLE_ORDER);
	if (v->ldt)
		page_free(v->ldt, TABLE_ORDER);
}

void vcpu_reset(struct vcpu *v)
{
	vcpu_unload(v);
	cpu_reset(&v->cpu);
	v->cpu.stops.chain_length = 0;
	fpu_reset(v->cpu.fpu.image);
	shadow_desc_invalidate(&v->desc);
	v->must_progress = v->shutdown = false;
	v->steps = 0;
}

void vcpu_init(struct vcpu *v)
{
	vcpu_unload(v);
	cpu_init(&v->cpu);
	v->cpu.stops.chain_length = 0;
	recomp_unsignal(&v->cpu, CPU_EVENT_NMI);
	v->must_progress = v->shutdown = false;
}

/* Translated code asks for raw execution at other places, and the last raw entry says nothing. */
void vcpu_engine_changed(struct vcpu *v)
{
	recomp_flush(v->cpu.recomp);
	v->fresh_written = UINT64_MAX;
	v->called = false;
}

void vcpu_forget(struct vcpu *v)
{
	recomp_flush(v->cpu.recomp);
	shadow_paging_changed(v->shadow);
	shadow_flush(v->shadow);
}
