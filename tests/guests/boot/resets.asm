; SPDX-License-Identifier: MIT
; A floppy that works with the BIOS for a while and then resets the machine, in one of all ways; how
; long and how, the TSC says. It prints a line on COM1 each time that it was loaded.
;   nasm -f bin -o resets resets.asm
CPU 686
BITS 16
SECTORS		equ 3			; of this program

%include "tests/guests/boot/floppy.inc"

next:	call	random
	and	ax, 63
	inc	ax
	mov	bp, ax
.work:	mov	ax, 0x0201			; a sector of the floppy
	mov	bx, 0x9000
	mov	cx, 2
	xor	dx, dx
	int	0x13
	mov	ah, 1
	int	0x16
	mov	ah, 0
	int	0x1a
	dec	bp
	jnz	.work
	call	random
	and	ax, 7
	mov	bx, ax
	add	bx, bx
	jmp	[ways + bx]

random:	rdtsc
	mov	cx, 40503
	mul	cx
	mov	ax, dx
	ret

by_kbc:	in	al, 0x64
	test	al, 2
	jnz	by_kbc
	mov	al, 0xfe
	out	0x64, al
	jmp	$
by_port92:
	mov	al, 3
	out	0x92, al
	jmp	$
by_cf9:	mov	dx, 0xcf9
	mov	al, 2
	out	dx, al
	mov	al, 6
	out	dx, al
	jmp	$
by_cf9_soft:
	mov	dx, 0xcf9
	mov	al, 4
	out	dx, al
	jmp	$
by_triple_fault:
	cli
	lidt	[no_idt]
	int3
	jmp	$
by_vector:
	jmp	0xffff:0
by_protected:				; a triple fault of protected mode
	cli
	lgdt	[no_idt]
	lidt	[no_idt]
	mov	eax, cr0
	or	al, 1
	mov	cr0, eax
	mov	ax, 8
	mov	ds, ax
	jmp	$
by_nothing:				; the outside resets it
	sti
	hlt
	jmp	by_nothing

ways:	dw	by_kbc, by_port92, by_cf9, by_cf9_soft, by_triple_fault
	dw	by_vector, by_protected, by_nothing
no_idt:	dw	0
	dd	0

	fill_floppy
