/* SPDX-License-Identifier: MIT */
/* Unicorn, as its users run it: memory mapped, no hook but the one for INT 80h. A new engine each
 * time: nothing is translated. */
#include <stdio.h>
#include <stdlib.h>
#include <unicorn/unicorn.h>

#include "tests/bench/recompiler/bench.h"

static void on_interrupt(uc_engine *uc, uint32_t vector, void *ctx)
{
	(void)vector;
	(void)ctx;
	uc_emu_stop(uc);
}

static u64 enter(uc_engine *uc, const struct program *p)
{
	u32 data = 0x1000, flags = 0x2000, sp = 0xfff0;

	if (!p->real_mode)
		return IMAGE_BASE;
	uc_reg_write(uc, UC_X86_REG_CS, &data);
	uc_reg_write(uc, UC_X86_REG_DS, &data);
	uc_reg_write(uc, UC_X86_REG_SS, &data);
	uc_reg_write(uc, UC_X86_REG_ES, &flags);
	uc_reg_write(uc, UC_X86_REG_SP, &sp);
	return 0x10000;
}

struct measure measure_unicorn(const struct program *p)
{
	struct measure r = { 0 };
	uc_engine *uc;
	uc_hook hook;
	size_t size;
	u8 *image = image_read(p, &size);
	u64 from, start;
	uc_err err;

	if (!image || uc_open(UC_ARCH_X86, p->real_mode ? UC_MODE_16 : UC_MODE_32, &uc))
		return r;
	start = enter(uc, p);
	uc_mem_map(uc, 0, GUEST_RAM, UC_PROT_ALL);
	uc_mem_write(uc, p->real_mode ? 0x10000 : IMAGE_BASE, image, size);
	uc_hook_add(uc, &hook, UC_HOOK_INTR, (void *)on_interrupt, NULL, 1, 0);
	from = __builtin_ia32_rdtsc();
	err = uc_emu_start(uc, start, GUEST_RAM - 1, 0, 0);
	r.cycles = __builtin_ia32_rdtsc() - from;
	uc_reg_read(uc, UC_X86_REG_ESI, &r.sum);
	if (err) {
		fprintf(stderr, "%s: Unicorn: %s\n", p->path, uc_strerror(err));
		r.cycles = 0;
	}
	uc_close(uc);
	free(image);
	return r;
}
