/* SPDX-License-Identifier: MIT */
/*
 * A writer of AML bytecode and resource descriptors (ACPI 3.0, chapters 6.4 and 20.2) into a
 * buffer. Scopes nest: aml_begin_* leaves its length open, aml_end closes the innermost. Beyond the
 * buffer's end nothing is written and overflow is set.
 */
#pragma once

#include "kernel/base/types.h"

#define AML_DEPTH 12

struct aml {
	u8 *buf;
	u32 cap, len;
	bool overflow;
	u32 open[AML_DEPTH]; /* where the contents of each open scope begin */
	unsigned depth;
	u32 resources; /* where the resource template in work began */
};

void aml_init(struct aml *a, u8 *buf, u32 cap);
void aml_byte(struct aml *a, u8 v);
void aml_bytes(struct aml *a, const u8 *bytes, u32 n);

/* "\\_SB.PCI0", "LNKA", "^X": segments of four characters. */
void aml_path(struct aml *a, const char *path);
void aml_integer(struct aml *a, u32 v);
void aml_string(struct aml *a, const char *s);
/* The compressed form of "PNP0A03". */
void aml_eisaid(struct aml *a, const char *id);

void aml_begin_scope(struct aml *a, const char *path);
void aml_begin_device(struct aml *a, const char *name);
/* Serialized: a method may create named objects. */
void aml_begin_method(struct aml *a, const char *name, u8 args);
void aml_begin_package(struct aml *a, u8 elements);
/* If, whose predicate the caller emits first. */
void aml_begin_if(struct aml *a);
void aml_end(struct aml *a);

/* Name (name, ...): the caller emits the value. */
void aml_name(struct aml *a, const char *name);
void aml_name_integer(struct aml *a, const char *name, u32 v);
void aml_name_eisaid(struct aml *a, const char *name, const char *id);
/* A resource template, as a value: descriptors go between begin and end. */
void aml_begin_resources(struct aml *a);
void aml_end_resources(struct aml *a);
void aml_res_io(struct aml *a, u16 base, u8 len);
void aml_res_io_fixed(struct aml *a, u16 base, u8 len);
void aml_res_irq(struct aml *a, u16 mask);	  /* edge, active high, exclusive */
void aml_res_irq_shared(struct aml *a, u16 mask); /* level, active low, shared */
void aml_res_dma(struct aml *a, u8 channels);
void aml_res_bus_range(struct aml *a, u16 first, u16 last);
void aml_res_io_range(struct aml *a, u16 first, u16 last);
void aml_res_memory_range(struct aml *a, u32 first, u32 last, bool cacheable);
