/* SPDX-License-Identifier: MIT */
/*
 * CPU models (emu/cpu/cpu_model.h): each is of one piece. What CPUID tells, CR4 and the MSRs have,
 * and nothing else. Alone: make build/unit/test_cpu_model && build/unit/test_cpu_model
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "emu/cpu/cpu_model.h"
#include "kernel/hw/x86.h"

static u32 edx_of(const struct cpu_model *m, u32 leaf)
{
	u32 id[4];

	cpu_model_cpuid(m, leaf, false, id);
	return id[3];
}

static void same(bool told, bool there)
{
	assert_int_equal(told, there);
}

static void test_of_one_piece(void **state)
{
	(void)state;
	assert_null(cpu_model_of(MODEL_HOST));
	for (u32 n = MODEL_HOST + 1; n < MODELS; n++) {
		const struct cpu_model *m = cpu_model_of((enum cpu_model_name)n);
		u32 edx = edx_of(m, 1), extended = m->extended ? edx_of(m, 0x80000001) : 0;

		assert_string_equal(cpu_model_word(n), m->name);
		same(edx & CPUID_SEP, cpu_model_has_msr(m, MSR_SYSENTER_CS));
		same(edx & BIT(16), cpu_model_has_msr(m, MSR_PAT));
		same(edx & BIT(12), cpu_model_has_msr(m, 0x2ff));
		same(edx & BIT(12), cpu_model_has_msr(m, 0xfe));
		same(edx & BIT(4), cpu_model_has_msr(m, MSR_TSC));
		same(extended & BIT(20), cpu_model_has_msr(m, MSR_EFER));
		assert_false(cpu_model_has_msr(m, 0xc0000081));
		same(edx & BIT(1), m->cr4 & CR4_VME);
		same(edx & BIT(2), m->cr4 & CR4_DE);
		same(edx & BIT(3), m->cr4 & CR4_PSE);
		same(edx & BIT(6), m->cr4 & CR4_PAE);
		same(edx & BIT(13), m->cr4 & CR4_PGE);
		same(edx & CPUID_FXSR, m->cr4 & CR4_OSFXSR);
		same(edx & CPUID_SSE, m->cr4 & CR4_OSXMMEXCPT);
		assert_false(m->cr4 & CR4_OSXSAVE);
		/* what the virtual CPU does not have: MCE, MCA, PSE-36, HTT; long mode, SYSCALL */
		assert_false(edx & (BIT(7) | BIT(14) | BIT(17) | BIT(28)));
		assert_false(extended & (BIT(11) | BIT(29) | BIT(30) | BIT(31)));
	}
}

static void test_leaves(void **state)
{
	const struct cpu_model *p3 = cpu_model_of(MODEL_PENTIUM3),
			       *k8 = cpu_model_of(MODEL_ATHLON64);
	u32 id[4], last[4];
	char brand[49] = "";

	(void)state;
	cpu_model_cpuid(p3, 0, false, id);
	assert_int_equal(id[0], 2);
	assert_memory_equal(&id[1], "Genu", 4);
	assert_memory_equal(&id[3], "ineI", 4);
	assert_memory_equal(&id[2], "ntel", 4);
	/* Intel's last leaf answers for what is behind, and AMD's are zeros. */
	cpu_model_cpuid(p3, 2, false, last);
	cpu_model_cpuid(p3, 0x80000000, false, id);
	assert_memory_equal(id, last, sizeof(id));
	cpu_model_cpuid(k8, 2, false, id);
	assert_int_equal(id[0] | id[1] | id[2] | id[3], 0);
	for (u32 i = 0; i < 3; i++) {
		cpu_model_cpuid(k8, 0x80000002 + i, false, id);
		memcpy(brand + i * 16, id, 16);
	}
	assert_string_equal(brand, "AMD Athlon(tm) 64 Processor 3200+");
	cpu_model_cpuid(k8, 0x80000009, false, id);
	assert_int_equal(id[0] | id[1] | id[2] | id[3], 0);
	cpu_model_cpuid(k8, 0x80000001, true, id);
	assert_true(id[3] & CPUID_APIC);
	cpu_model_cpuid(p3, 1, true, id);
	assert_true(id[3] & CPUID_APIC);
}

static void test_lacks(void **state)
{
	const struct cpu_model *k8 = cpu_model_of(MODEL_ATHLON64);

	(void)state;
	assert_null(cpu_model_lacks(k8, ~0u, ~0u));
	assert_string_equal(cpu_model_lacks(k8, ~0u, ~BIT(20)), "NX");
	assert_string_equal(cpu_model_lacks(k8, ~CPUID_SSE2, ~0u), "SSE2");
	assert_null(cpu_model_lacks(cpu_model_of(MODEL_PENTIUM3), ~CPUID_SSE2, 0));
	assert_string_equal(cpu_model_lacks(cpu_model_of(MODEL_PENTIUM2), ~CPUID_CMOV, 0), "CMOV");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_of_one_piece),
		cmocka_unit_test(test_leaves),
		cmocka_unit_test(test_lacks),
	};

	return cmocka_run_group_tests_name("cpu_model", tests, NULL, NULL);
}
