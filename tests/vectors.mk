# SPDX-License-Identifier: MIT
# Recorded processor vectors (the public SingleStepTests/80286 suite, v1_real_mode, in the line
# format of tests/vectors/vector.h), run on the fast build of the library that diff.mk makes;
# vectors-asan has sanitizers.

VECTORS_PROGRAM := $(BUILD)/diff/vectors
VECTORS_SRC := $(wildcard tests/vectors/*.c)

$(VECTORS_PROGRAM): $(VECTORS_SRC:%.c=$(BUILD)/diff/%.o) $(DIFF_FAST)
	$(HOST_CC) -pie $^ -lz -o $@

$(VECTORS_PROGRAM)-asan: $(VECTORS_SRC:%.c=$(BUILD)/host/%.o) $(BUILD)/host/libpure.a
	$(HOST_CC) $(SAN) -pie $^ -lz -o $@

## vectors  recorded processor tests: make vectors VECTORS=path, gzipped or not
.PHONY: vectors
vectors: deps
	@$(if $(VECTORS),,echo 'usage: make vectors VECTORS=path' >&2; exit 2)
	@$(MAKE) --no-print-directory -s -j2 $(VECTORS_PROGRAM)
	@$(VECTORS_PROGRAM) $(VECTORS)

-include $(VECTORS_SRC:%.c=$(BUILD)/diff/%.d) $(VECTORS_SRC:%.c=$(BUILD)/host/%.d)
