; SPDX-License-Identifier: MIT
; One sum in the modes of 16-bit code, round after round, as a floppy: real mode, 16-bit protected
; mode, V86 mode under a monitor of 32 bits; none of their code segments begins at 0. For debuggers:
; the labels are what is stopped at. A line tells the round, the three sums, which are the same in
; each, and how often the loops went round.
;   nasm -f bin -o modes16 modes16.asm
CPU 686
BITS 16
SECTORS		equ 24			; of this program
TURNS		equ 80			; of each loop
EVERY		equ 64			; that many rounds print a line
SEG_REAL	equ 0x7c0
SEG_V86		equ 0x780
BASE16		equ 0x7400		; of the protected segment

%include "tests/guests/boot/floppy.inc"
%include "tests/guests/boot/v86.inc"

turns		equ 0x5780		; of all loops; apart from code
sums		equ 0x5790
rounds		equ 0x57a0

next:	mov	dword [turns], 0
	mov	word [rounds], 0
round:	call	SEG_REAL:real_part - SEG_REAL * 16
	call	protected
	mov	ax, virtual
	mov	bl, 0
	call	v86_run
	inc	word [rounds]
	sti
	test	byte [rounds], EVERY - 1
	jnz	round
	begin	"round"
	show_word [rounds]
	show_word [sums]
	show_word [sums + 2]
	show_word [sums + 4]
	show_word [turns + 2]
	show_word [turns]
	finish
	jmp	round

%macro sum 2				; a label in front of the loop, where the sum goes
	mov	cx, TURNS
	xor	bx, bx
%1:	add	bx, cx
	rol	bx, 3
	inc	dword [turns]
	loop	%1
	mov	[%2], bx
%endmacro

real_part:
	sum	real_loop, sums
	pushf
	pushf
	cli
	popf
	popf
	retf

protected:
	cli
	lgdt	[gdtr]
	mov	eax, cr0
	or	al, 1
	mov	cr0, eax
	jmp	SHIFTED:.narrow - BASE16
.narrow:
	mov	ax, PM_DATA16
	mov	ds, ax
	mov	es, ax
	mov	ss, ax
	sum	protected_loop, sums + 2
	mov	si, sums + 2
	mov	di, sums + 8
	mov	cx, 4
	rep	movsb
	jmp	PM_CODE16:.back
.back:	mov	eax, cr0
	and	al, 0xfe
	mov	cr0, eax
	jmp	0:.real
.real:	xor	ax, ax
	mov	ds, ax
	mov	es, ax
	mov	ss, ax
	ret

virtual:				; in V86 mode
	call	SEG_V86:virtual_part - SEG_V86 * 16
	hlt
virtual_part:
	sum	virtual_loop, sums + 4
	pushf				; which trap
	popf
	cli
	retf

	align	8
gdt:	dq	0
	PM_DESCRIPTORS
SHIFTED		equ $ - gdt
	dw	0xffff, BASE16
	db	0, 0x9b, 0, 0
gdtr:	dw	$ - gdt - 1
	dd	gdt
	fill_floppy
