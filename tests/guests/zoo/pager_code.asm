; SPDX-License-Identifier: MIT
; A function for pager.c to map.
BITS 32
global returns, returns_end

section .text
returns:
	mov	eax, 0x11223344
	ret
returns_end:
