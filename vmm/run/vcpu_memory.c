/* SPDX-License-Identifier: MIT */
/*
 * The monitor's side of shadow paging (struct shadow_host).
 */
#include "vmm/run/vcpu_memory.h"

#include "arch/cpu/processor.h"
#include "arch/mem/kmap.h"
#include "kernel/base/count.h"
#include "kernel/base/string.h"
#include "kernel/mem/page.h"
#include "vmm/run/vcpu_env.h"
#include "vmm/state/vm.h"

static void *pool_alloc(void *ctx)
{
	struct vcpu *v = ctx;
	void *p;

	if (v->vm->pool_pages >= v->vm->pool_quota)
		return NULL;
	p = page_alloc_promised();
	memset(p, 0, PAGE_SIZE);
	v->vm->pool_pages++;
	return p;
}

static void pool_free(void *ctx, void *page)
{
	struct vcpu *v = ctx;

	v->vm->pool_pages--;
	page_free_promised(page);
}

static hpa_t pool_hpa(void *ctx, const void *hva)
{
	(void)ctx;
	return kmap_hpa(hva);
}

static void flush_page(void *ctx, u64 linear)
{
	const struct vcpu *v = ctx;

	if (v->loaded_on)
		invlpg(linear);
}

/* Vcpus that are not loaded get a fresh CR3 when they are. */
static void flush_all(void *ctx)
{
	struct vcpu *v = ctx;

	if (!v->loaded_on)
		return;
	write_cr3(read_cr3());
	COUNT(v->stats.cr3_loads);
}

static void tables_followed(void *ctx)
{
	vcpu_tell_mapping(ctx);
}

static void kill(void *ctx, const char *why)
{
	const struct vcpu *v = ctx;

	vm_kill(v->vm, "%s", why);
}

const struct shadow_host *vcpu_shadow_host(struct vcpu *v)
{
	v->shadow_host = (struct shadow_host){
		.page_alloc = pool_alloc,
		.page_free = pool_free,
		.hpa = pool_hpa,
		.tlb_flush_page = flush_page,
		.tlb_flush_all = flush_all,
		.monitor_pml4 = kmap_upper_pml4(),
		.have_nx = cpu_features.nx,
		.tables_followed = vm_tlb_is_coherent(v->vm) ? tables_followed : NULL,
		.notes_old = v->vm->config.strict != STRICT_OFF,
		.quota = v->vm->pool_quota,
		.kill = kill,
		.ctx = v,
	};
	return &v->shadow_host;
}
