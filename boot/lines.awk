# SPDX-License-Identifier: MIT
# The table that backtraces get files and lines from. Input: "address file line", sorted by address;
# of several with one address the last counts. Output: assembly for the second link.
#
# A row says from which address on which line it is: how far behind the row before, twice the
# distance of the line (zigzag), plus one if a number of the file follows. Each 64th is told in
# full, and is in the index, which ends with the end of the rows (kernel/debug/lines.c).
function hex(s,  i, v) {
	v = 0
	for (i = 1; i <= length(s); i++)
		v = v * 16 + index("0123456789abcdef", substr(s, i, 1)) - 1
	return v
}
function file_number(name) {
	if (!(name in number)) {
		number[name] = files
		file[files++] = name
	}
	return number[name]
}
function row(at, f, line,  d) {
	if (f == last_file && line == last_line)
		return
	if (rows % 64 == 0) {
		index_at[indices] = at
		printf ".Lline%d:\t.uleb128 %d, %d\n", indices++, f, line
	} else {
		d = line - last_line
		d = d < 0 ? -2 * d - 1 : 2 * d
		printf "\t.uleb128 %d, %d%s\n", at - last_at, 2 * d + (f != last_file),
			f != last_file ? ", " f : ""
	}
	rows++
	last_at = at
	last_file = f
	last_line = line
}
BEGIN {
	print "\t.globl line_rows, line_index_count, line_index_at, line_index_row"
	print "\t.globl line_file_at, line_files"
	print "line_rows:"
	rows = files = indices = 0
}
{
	at = hex(substr($1, length($1) - 7))
	if (NR > 1 && at != now_at)
		row(now_at, now_file, now_line)
	now_at = at
	now_file = file_number($2)
	now_line = $3
}
END {
	if (NR)
		row(now_at, now_file, now_line)
	index_at[indices] = 4294967295
	printf ".Lline%d:\n", indices
	print "\t.balign 4"
	printf "line_index_count:\t.long %d\n", indices
	print "line_index_at:"
	for (i = 0; i <= indices; i++)
		printf "\t.long %.0f\n", index_at[i]
	print "line_index_row:"
	for (i = 0; i <= indices; i++)
		printf "\t.long .Lline%d - line_rows\n", i
	print "line_file_at:"
	at = 0
	for (i = 0; i < files; i++) {
		printf "\t.long %d\n", at
		at += length(file[i]) + 1
	}
	print "line_files:"
	for (i = 0; i < files; i++)
		printf "\t.asciz \"%s\"\n", file[i]
}
