; SPDX-License-Identifier: MIT
; How a test guest begins: the head of a bzImage, and two ways in.
;
; Ringleader enters at the 32-bit entry point, 100000h; QEMU's -kernel runs the real-mode part,
; which goes there, too. Both pass ESI, the address of the page that holds the setup header and with
; it the command line's address.
global start
extern guest_begin, bss_start, bss_end

KDS equ 0x18

section .setup
BITS 16
setup:
	times 0x1f1 - ($ - setup) db 0
	db 1			; setup_sects
	times 0x1fe - ($ - setup) db 0
	dw 0xaa55
	jmp	short real	; over the header, whose end this also tells
	db "HdrS"
	dw 0x20f
	times 0x211 - ($ - setup) db 0
	db 1			; loaded high
	times 0x22c - ($ - setup) db 0
	dd 0x7fffffff
	times 0x238 - ($ - setup) db 0
	dd 255			; longest command line
	times 0x268 - ($ - setup) db 0
real:
	cli
	mov	si, cs
	sub	si, 0x20	; setup code is entered at the header's segment + 20h
	mov	ds, si
	movzx	esi, si
	shl	esi, 4
	lea	eax, [esi + gdt - setup]
	mov	[gdtr - setup + 2], eax
	lgdt	[gdtr - setup]
	mov	eax, cr0
	or	al, 1
	mov	cr0, eax
	jmp	dword 0x10:0x100000
	align	8
gdt:	dq 0, 0
	dq 0x00cf9b000000ffff
	dq 0x00cf93000000ffff
gdtr:	dw 31
	dd 0
	times 0x400 - ($ - setup) db 0

section .start
BITS 32
start:
	mov	ax, KDS
	mov	ds, eax
	mov	es, eax
	mov	ss, eax
	xor	eax, eax
	mov	fs, eax
	mov	gs, eax
	mov	esp, stack_top
	cld
	mov	edi, bss_start
	mov	ecx, bss_end
	sub	ecx, edi
	rep	stosb
	push	esi
	call	guest_begin
	cli
	hlt

section .stack nobits
	resb 16384
stack_top:
