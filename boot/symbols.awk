# SPDX-License-Identifier: MIT
# The table that backtraces are named from. Input: for each function of the first link, what
# addr2line says of its first instruction (the last line is the function's own file, those before
# are what was inlined there); then nm -n of them.
# Output: assembly for the second link. Names of static functions come behind the name of their
# file: other files may have functions of that name.
# .symbols comes after everything that has a name in the table, so that it may grow without moving
# it.
BEGIN {
	print "\t.section .symbols,\"a\",@progbits"
	print "\t.balign 8"
	n = 0
}
FILENAME == "-" && /^0x/ {
	at = substr($1, 3)
	next
}
FILENAME == "-" {
	file[at] = $1
	sub(/:.*/, "", file[at])
	next
}
$1 >= "ffffffff80000000" && $3 !~ /^(image_|\.)/ && $1 != last {
	address[n] = $1
	static = $2 == "t" || $3 ~ /\.lto_priv/
	sub(/\.(lto_priv|isra|part|constprop|cold).*/, "", $3)
	name[n++] = (static && file[$1] ~ /\.c$/ ? file[$1] ":" : "") $3
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
