; SPDX-License-Identifier: MIT
; PAIR, given on the command line, 16 times in a loop of 100,000; the driver
; subtracts the loop with NONE.
	bits 32
	section .text
	global bench
%macro NONE 0
%endmacro
%macro CLISTI 0
	cli
	sti
%endmacro
%macro PUSHFPOPF 0
	pushfd
	popfd
%endmacro
%macro CALLRET 0
	call leaf
%endmacro
bench:	mov ecx, 100000
	xor eax, eax
	align 64
again:
%rep 16
	PAIR
%endrep
	add eax, ecx
	dec ecx
	jnz again
	ret
	align 64
leaf:	ret
	section .note.GNU-stack noalloc noexec nowrite progbits
