/* SPDX-License-Identifier: MIT */
/*
 * The rows.
 */
#include "vmm/cmd/stat_tables.h"

#include "emu/block/recomp_config.h"
#include "vmm/mmu/shadow.h"

#define ROW(type, field, words)                             \
	{                                                   \
#field, words, offsetof(struct type, field) \
	}

static const struct stat_row recomp_row[] = {
	ROW(recomp_stats, blocks, "blocks translated"),
	ROW(recomp_stats, blocks_evicted, "blocks thrown away when the cache was full"),
	ROW(recomp_stats, cache_flushes, "times that the cache was full"),
	ROW(recomp_stats, guest_insns, "guest instructions translated"),
	ROW(recomp_stats, guest_bytes, "bytes of them"),
	ROW(recomp_stats, host_bytes, "bytes of code made of them"),
	ROW(recomp_stats, dispatches, "ways through the dispatcher"),
	ROW(recomp_stats, lookup_misses, "blocks searched by their address"),
	ROW(recomp_stats, hard_execs, "instructions done by C"),
	ROW(recomp_stats, faults_resolved, "page faults resolved"),
	ROW(recomp_stats, faults_delivered, "faults delivered to the guest"),
	ROW(recomp_stats, slow_accesses, "accesses to memory done by C"),
	ROW(recomp_stats, smc_writes, "writes to pages with code"),
	ROW(recomp_stats, smc_blocks, "blocks dropped by them"),
	ROW(recomp_stats, patches, "changed immediates taken over"),
	ROW(recomp_stats, mixed_pages, "pages found to mix code and data"),
	ROW(recomp_stats, stale_blocks, "blocks found changed when entered"),
	ROW(recomp_stats, verified_blocks, "blocks proven confined"),
	ROW(recomp_stats, code_used, "bytes of code in the cache"),
	ROW(recomp_stats, arena_used, "bytes of its tables"),
	ROW(recomp_stats, slots_used, "jumps between blocks"),
	ROW(recomp_stats, went_on, "stays that went on behind C"),
	ROW(recomp_stats, loop_calls, "calls of counted loops"),
	ROW(recomp_stats, loop_rounds, "iterations that these have done"),
};

const struct stat_table stat_recomp = { recomp_row, ARRAY_SIZE(recomp_row) };

static const struct stat_row shadow_row[] = {
	ROW(shadow_stats, roots_created, "address spaces made"),
	ROW(shadow_stats, roots_reused, "address spaces found again"),
	ROW(shadow_stats, roots_switched, "address spaces switched to"),
	ROW(shadow_stats, switch_pages, "pages flushed by switches"),
	ROW(shadow_stats, switch_all, "switches that flushed all"),
	ROW(shadow_stats, tables_created, "tables made"),
	ROW(shadow_stats, tables_flushed, "tables thrown away"),
	ROW(shadow_stats, pool_flushes, "times that the pool was empty"),
	ROW(shadow_stats, evictions, "tables given up for room"),
	ROW(shadow_stats, faults_filled, "page faults that filled an entry"),
	ROW(shadow_stats, faults_guest, "page faults that are the guest's own"),
	ROW(shadow_stats, faults_slow, "page faults of devices and watched pages"),
	ROW(shadow_stats, tracked_writes, "writes to the guest's page tables"),
	ROW(shadow_stats, prefetched, "entries filled in advance"),
	ROW(shadow_stats, pages_used, "pages in use"),
};

const struct stat_table stat_shadow = { shadow_row, ARRAY_SIZE(shadow_row) };
