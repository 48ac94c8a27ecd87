; SPDX-License-Identifier: MIT
; A sieve over 60,000 bytes with a 16-bit or a 32-bit index, the same instructions in both: as a
; real-mode program (flat at linear 10000h, CS = DS = SS = 1000h, ES = 2000h for the flags) or, with
; -DWIDE, as a 32-bit one. Result: the count of primes.
%ifdef WIDE
	bits 32
%define _ax eax
%define _bx ebx
%define _cx ecx
%define _dx edx
%define _si esi
%define _di edi
%define flag(r) [flags + r]
	section .text
	global bench
bench:
	push ebx
	push esi
	push edi
	push ebp
%else
	bits 16
%define _ax ax
%define _bx bx
%define _cx cx
%define _dx dx
%define _si si
%define _di di
%define flag(r) [es:r]
	org 0
%endif
LIMIT equ 30000
ROUNDS equ 300
	mov _dx, ROUNDS
round:
	xor _di, _di
	mov _cx, LIMIT
	xor _ax, _ax
clear:	mov flag(_di), al
	inc _di
	dec _cx
	jnz clear
	xor _cx, _cx		; primes
	mov _si, 2
next:	cmp byte flag(_si), 0
	jne composite
	call mark
	inc _cx
composite:
	inc _si
	cmp _si, LIMIT
	jb next
	dec _dx
	jnz round
	mov _ax, _cx
%ifdef WIDE
	pop ebp
	pop edi
	pop esi
	pop ebx
	ret
%else
	mov si, ax
	hlt
%endif
mark:	push _si
	mov _bx, _si
	add _bx, _si
multiple:
	cmp _bx, LIMIT
	jae marked
	mov byte flag(_bx), 1
	add _bx, _si
	jmp multiple
marked:	pop _si
	ret
%ifdef WIDE
	section .bss
flags:	resb LIMIT
	section .note.GNU-stack noalloc noexec nowrite progbits
%endif
