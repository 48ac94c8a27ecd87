; SPDX-License-Identifier: MIT
; As programs for the 80286 came back from protected mode: the processor alone is reset, and
; the BIOS goes on where the byte 0Fh of CMOS and the pointer at 0040:0067 say. Each way that
; pulses INIT, with each of the BIOS' ways to go on. It prints a line on COM1 for each. QEMU
; knows INIT from the local APIC only, and resets the whole machine otherwise: a second boot
; ends there. Port 501h ends it.
;   nasm -f bin -o back16 back16.asm
CPU 686
BITS 16
SECTORS		equ 6			; of this program

%include "tests/guests/boot/floppy.inc"

RETURN		equ 0x467		; 0040:0067
HIGH		equ 0x180000		; memory above 1 MiB
STACK		equ 0x6f00		; where the BIOS finds CS:IP, for codes 0Bh and 0Ch

next:
	call	high_word
	cmp	dx, 0xbeef
	je	again.end
	mov	byte [round], 0
again:
	movzx	bx, byte [round]
	cmp	bl, ROUNDS
	jb	.go
	call	many

.end:	finish
	quit
.go:	shl	bx, 3
	lea	si, [rounds + bx]
	mov	[this], si
	mov	di, [si]		; the way's name
	xchg	si, di
	call	say
	show	[di + 4]		; the code
	mov	byte [mark], 0x5a
	fninit
	fldpi
	mov	al, 0xde		; timer and LPT2, which nobody has
	out	0x21, al
	mov	bx, back
	call	leave_real		; comes back by INIT

; --- SS:SP is the BIOS' own, DS whatever it left
back:	cli
	xor	ax, ax
	mov	ds, ax
	mov	es, ax
	mov	ss, ax
	mov	sp, 0x7000
	call	look
	inc	byte [round]
	jmp	again

look:	say_	"back"
	smsw	ax
	and	al, 1
	call	hex
	mov	al, 0x0f
	call	cmos
	call	hex
	show	[mark]
	call	high_word
	say_	"memory"
	xchg	ax, dx
	call	word_
	say_	"chips"
	in	al, 0x21
	call	hex
	mov	al, 0x0a		; the timer goes on, and its controller sees it
	out	0x20, al
.tick:	in	al, 0x20
	test	al, 1
	jz	.tick
	say_	"fpu"
	fxam
	fnstsw	ax
	and	ah, 0x45		; C3, C2, C0: 4, a normal number
	mov	al, ah
	call	hex
	finish
	ret

; A thousand times, by the keyboard controller: what it leaves behind is nothing.
many:	mov	word [left], 1000
.next:	mov	word [this], many_round
	mov	bx, .back
	call	leave_real
.back:	xor	ax, ax
	mov	ds, ax
	mov	es, ax
	mov	ss, ax
	mov	sp, 0x6ffe		; with the address that leads out of here
	dec	word [left]
	jnz	.next
	begin	"many"
	call	high_word
	show_word dx
	finish
	ret

; --- Into protected mode of 16 bits, as an 80286 has it, and out of it by INIT. BX: where to go on

leave_real:
	cli
	mov	si, [this]
	mov	al, [si + 4]
	mov	[RETURN], bx		; a far pointer
	mov	[RETURN + 2], cs
	cmp	al, 0x0b
	jb	.code
	mov	[STACK], bx		; or where one lies, and flags
	mov	[STACK + 2], cs
	mov	word [STACK + 4], 2
	mov	word [RETURN], STACK
	mov	word [RETURN + 2], 0
.code:	mov	ah, al
	mov	al, 0x0f
	out	0x70, al
	mov	al, ah
	out	0x71, al
	in	al, 0x92
	or	al, 2
	out	0x92, al
	lgdt	[gdtr]
	mov	ax, 1
	lmsw	ax
	jmp	0x10:.protected
.protected:
	mov	ax, 0x18		; HIGH
	mov	es, ax
	mov	word [es:0x1234], 0xbeef
	mov	si, [this]
	jmp	[si + 2]

by_apic:
	mov	ax, 0x20
	mov	es, ax
	mov	dword [es:0x310], 0	; the command: INIT, to processor 0
	mov	dword [es:0x300], 0x4500
	jmp	$
by_kbc:	in	al, 0x64
	test	al, 2
	jnz	by_kbc
	mov	al, 0xfe
	out	0x64, al
	jmp	$
by_output:
	in	al, 0x64
	test	al, 2
	jnz	by_output
	mov	al, 0xd1
	out	0x64, al
.wait:	in	al, 0x64
	test	al, 2
	jnz	.wait
	mov	al, 0xde
	out	0x60, al
	jmp	$
by_port92:
	in	al, 0x92
	or	al, 1
	out	0x92, al
	jmp	$
by_cf9:	mov	dx, 0xcf9
	mov	al, 4
	out	dx, al
	jmp	$
by_triple_fault:
	lidt	[no_idt]
	int3
	jmp	$

; DX: the word above 1 MiB, as the BIOS moves it.
high_word:
	push	si
	mov	ah, 0x87
	mov	cx, 1
	mov	si, move
	int	0x15
	mov	dx, [moved]
	pop	si
	ret

cmos:	out	0x70, al
	in	al, 0x71
	ret

%macro way 3				; text, code's address, code of CMOS
	dw	%1, %2
	db	%3, 0, 0, 0
%endmacro

rounds:	way	text_apic, by_apic, 5
	way	text_apic, by_apic, 0x0a
	way	text_apic, by_apic, 0x0b
	way	text_apic, by_apic, 0x0c
	way	text_kbc, by_kbc, 5
	way	text_kbc, by_kbc, 0x0a
	way	text_kbc, by_kbc, 0x0b
	way	text_kbc, by_kbc, 0x0c
	way	text_output, by_output, 0x0a
	way	text_port92, by_port92, 5
	way	text_port92, by_port92, 0x0a
	way	text_cf9, by_cf9, 0x0a
	way	text_triple, by_triple_fault, 5
	way	text_triple, by_triple_fault, 0x0a
ROUNDS		equ ($ - rounds) / 8
many_round:	way	0, by_kbc, 0x0a

text_apic:	db "local APIC ", 0
text_kbc:	db "keyboard controller ", 0
text_output:	db "output port ", 0
text_port92:	db "port 92h ", 0
text_cf9:	db "port CF9h ", 0
text_triple:	db "triple fault ", 0

round:	db 0
mark:	db 0
left:	dw 0
this:	dw 0
moved:	dw 0
no_idt:	dw 0
	dd 0

	align	8
gdt:	dq	0
	dq	0x000092000000ffff	; 08h data, 64 KiB from 0
	dq	0x00009a000000ffff	; 10h code
	dq	0x000092180000ffff	; 18h data, HIGH
	dq	0xfe0092e00000ffff	; 20h data, the local APIC
gdtr:	dw	$ - gdt - 1
	dd	gdt
move:	dq	0, 0			; as INT 15h AH=87h wants it
	dw	0xffff, 0x1234
	db	HIGH >> 16, 0x93, 0, 0
	dw	0xffff, moved
	db	0, 0x93, 0, 0
	dq	0, 0

	fill_floppy
