# SPDX-License-Identifier: MIT
# The table that backtraces are named from. Input: nm -n of the first link. Output: assembly for the second.
# .symbols comes after everything that has a name in the table, so that it may grow without moving it.
BEGIN {
	print "\t.section .symbols,\"a\",@progbits"
	print "\t.balign 8"
	n = 0
}
$2 ~ /^[tT]$/ && $1 >= "ffffffff80000000" && $3 !~ /^(image_|\.)/ && $1 != last {
	address[n] = $1
	name[n++] = $3
	last = $1
}
END {
	print "\t.globl symbol_count, symbol_address, symbol_name_at, symbol_names"
	printf "symbol_count:\t.quad %d\n", n
	print "symbol_address:"
	for (i = 0; i < n; i++)
		printf "\t.quad 0x%s\n", address[i]
	print "symbol_name_at:"
	at = 0
	for (i = 0; i < n; i++) {
		printf "\t.long %d\n", at
		at += length(name[i]) + 1
	}
	print "symbol_names:"
	for (i = 0; i < n; i++)
		printf "\t.asciz \"%s\"\n", name[i]
}
