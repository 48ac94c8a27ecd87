; SPDX-License-Identifier: MIT
; Entry of every 32-bit program of the benchmark, the same bytes everywhere. It calls bench(),
; writes { checksum, cycles } to standard output by INT 80h, and exits. A processor without Linux
; around it stops at the first INT 80h, with the result in ESI.
	bits 32
	extern bench
	section .start
	global _start
_start:
	mov esp, stack_top
	cld
	rdtsc
	mov [result + 4], eax
	mov [result + 8], edx
	call bench
	mov [result], eax
	mov esi, eax
	rdtsc
	sub eax, [result + 4]
	sbb edx, [result + 8]
	mov [result + 4], eax
	mov [result + 8], edx
	mov eax, 4		; write(1, result, 12)
	mov ebx, 1
	mov ecx, result
	mov edx, 12
	int 0x80
	mov eax, 1		; exit(0)
	xor ebx, ebx
	int 0x80
	hlt
	section .bss
	align 16
	resb 65536
stack_top:
result:	resd 3
	section .note.GNU-stack noalloc noexec nowrite progbits
