; SPDX-License-Identifier: MIT
; A PC's chips by their ports, from real mode, as a floppy: 8259A, 8254, RTC and the
; screen's retrace, and loops that wait for them. It prints lines on COM1: those of
; bare QEMU. Port 501h ends it.
;   nasm -f bin -o chips16 chips16.asm
CPU 686
BITS 16
SECTORS		equ 8			; of this program

%include "tests/guests/boot/floppy.inc"

next:
	call	interrupts
	call	timer
	call	clock
	call	smram
	quit

; --- 8259A: other vectors, IRR and ISR, poll mode, automatic EOI, by the timer's line

PIC		equ 0x20
PIT		equ 0x40

interrupts:
	begin	"pic"
	cli
	in	al, PIC + 1
	mov	[.masks], al
	in	al, 0xa1
	mov	[.masks + 1], al
	mov	bl, 0x50
	mov	bh, 0x01
	call	pic_start
	mov	word [0x50 * 4], .timer
	mov	word [0x50 * 4 + 2], 0
	mov	byte [.count], 0
	mov	al, 0xfe			; the timer only
	out	PIC + 1, al
	sti
	call	one_shot
.wait:	cmp	byte [.count], 1
	jne	.wait
	show	[.isr]				; read in the handler: in service
	cli
	call	one_shot			; pending with IF clear
	call	wait_irr
	show	al
	mov	al, 0x0c			; a poll acknowledges it
	out	PIC, al
	in	al, PIC
	call	hex
	mov	al, 0x0b
	out	PIC, al
	in	al, PIC
	call	hex
	mov	al, 0x60			; specific EOI
	out	PIC, al
	in	al, PIC
	call	hex
	sti					; nothing is left of it
	nop
	nop
	cli
	show	[.count]
	mov	bl, 0x50			; automatic EOI
	mov	bh, 0x03
	call	pic_start
	mov	al, 0xfe
	out	PIC + 1, al
	mov	byte [.silent], 1
	call	one_shot
	sti
.again:	cmp	byte [.count], 2
	jne	.again
	cli
	call	one_shot
	sti
.third:	cmp	byte [.count], 3
	jne	.third
	cli
	mov	al, 0x0b
	out	PIC, al
	in	al, PIC
	call	hex
	mov	bl, 0x08			; as the BIOS had it
	mov	bh, 0x01
	call	pic_start
	mov	al, [.masks]
	out	PIC + 1, al
	mov	al, [.masks + 1]
	out	0xa1, al
	mov	al, 0x34			; mode 2, 65536
	out	PIT + 3, al
	mov	al, 0
	out	PIT, al
	out	PIT, al
	sti
	hlt					; the BIOS' clock runs again
	finish
	ret
.masks:	dw	0
.count:	db	0
.isr:	db	0
.silent: db	0
.timer:	push	ax
	inc	byte [cs:.count]
	cmp	byte [cs:.silent], 0
	jne	.done
	mov	al, 0x0b
	out	PIC, al
	in	al, PIC
	mov	[cs:.isr], al
	mov	al, 0x20
	out	PIC, al
.done:	pop	ax
	iret

; Vectors from BL on, the second's 8 more, ICW4 in BH; everything is masked.
pic_start:
	mov	al, 0x11
	out	PIC, al
	out	0xa0, al
	mov	al, bl
	out	PIC + 1, al
	add	al, 8
	cmp	bl, 8
	jne	.second
	mov	al, 0x70
.second:
	out	0xa1, al
	mov	al, 4
	out	PIC + 1, al
	mov	al, 2
	out	0xa1, al
	mov	al, bh
	out	PIC + 1, al
	mov	al, 1
	out	0xa1, al
	mov	al, 0xff
	out	PIC + 1, al
	out	0xa1, al
	ret
one_shot:				; mode 0: one edge
	mov	al, 0x30
	out	PIT + 3, al
	mov	al, 0x00
	out	PIT, al
	mov	al, 2
	out	PIT, al
	ret
wait_irr:				; until the timer's request is there; AL: IRR
	mov	al, 0x0a
	out	PIC, al
	in	al, PIC
	test	al, 1
	jz	wait_irr
	ret

; --- 8254: the speaker's counter by its gate, against the other counter; latches and status

timer:
	begin	"pit"
	cli
	mov	al, 0x34			; counter 0: mode 2, 65536
	out	PIT + 3, al
	mov	al, 0
	out	PIT, al
	out	PIT, al
	; Trials: while a host is busy elsewhere, counter 0 goes round.
	mov	cx, 200
.again:	in	al, 0x61
	and	al, 0xfc
	out	0x61, al
	mov	al, 0xb0			; counter 2: mode 0, 20000, its gate closed
	out	PIT + 3, al
	mov	al, 20000 & 0xff
	out	PIT + 2, al
	mov	al, 20000 >> 8
	out	PIT + 2, al
	in	al, 0x61
	and	al, 0x20			; its output is low
	mov	dl, al
	call	count0
	mov	bx, ax
	in	al, 0x61
	or	al, 1
	out	0x61, al
.wait:	in	al, 0x61
	test	al, 0x20
	jz	.wait
	call	count0
	sub	bx, ax				; counts down
	cmp	bx, 20000
	jae	.whole
	loop	.again
.whole:	mov	al, dl
	call	hex
	cmp	bx, 20000
	setae	al
	call	hex
	mov	al, 0xe8			; status of counter 2: output high, mode 0
	out	PIT + 3, al
	in	al, PIT + 2
	and	al, 0xbf
	call	hex
	mov	al, 0xb6			; mode 3 with a count of 4: its output toggles
	out	PIT + 3, al
	mov	al, 0
	out	PIT + 2, al
	mov	al, 0x10
	out	PIT + 2, al
	mov	cx, 6
.high:	in	al, 0x61
	test	al, 0x20
	jz	.high
.low:	in	al, 0x61
	test	al, 0x20
	jnz	.low
	loop	.high
	mov	al, 0x90			; BCD and low byte only: 1
	out	PIT + 3, al
	mov	al, 0x55
	out	PIT + 2, al
	in	al, 0x61
	and	al, 0xfc
	out	0x61, al
	sti
	mov	bx, [0x46c]			; the BIOS' ticks go on
.tick:	hlt
	cmp	bx, [0x46c]
	je	.tick
	finish
	ret
count0:					; AX
	mov	al, 0
	out	PIT + 3, al
	in	al, PIT
	mov	ah, al
	in	al, PIT
	xchg	al, ah
	ret

; --- MC146818: update in progress, periodic and alarm interrupts; retrace of the screen

clock:
	begin	"rtc"
	call	.update
	mov	bl, al
	mov	al, 0x0c
	call	cmos
.ended:	mov	al, 0x0c			; the next update's end is noted
	call	cmos
	test	al, 0x10
	jz	.ended
	mov	al, 0
	call	cmos
	cmp	al, bl				; another second
	setne	al
	call	hex
	mov	byte [.count], 0
	cli
	mov	dword [0x70 * 4], .periodic
	in	al, 0xa1
	and	al, 0xfe
	out	0xa1, al
	mov	al, 0x0a			; 1,024 a second
	call	cmos
	and	al, 0xf0
	or	al, 6
	mov	bl, al
	mov	al, 0x0a
	call	cmos_write
	mov	al, 0x0b
	call	cmos
	mov	bl, al
	or	bl, 0x50			; periodic, and at the end of an update
	mov	al, 0x0b
	call	cmos_write
	mov	al, 0x0c
	call	cmos
	sti
.many:	hlt
	cmp	byte [.count], 40
	jb	.many
	show	[.flags]
	mov	bl, 0x02
	mov	al, 0x0b
	call	cmos_write
	finish
	begin	"retrace"
	mov	dx, 0x3da
	mov	cx, 4
.out:	in	al, dx
	test	al, 8
	jnz	.out
.in:	in	al, dx
	test	al, 8
	jz	.in
	loop	.out
	show	cl
	finish
	ret
.update:				; AL: the seconds after the end of an update
	mov	al, 0x0a
	call	cmos
	test	al, 0x80
	jz	.update
.busy:	mov	al, 0x0a
	call	cmos
	test	al, 0x80
	jnz	.busy
	mov	al, 0
	jmp	cmos
.count:	db	0
.flags:	db	0
.periodic:
	push	ax
	inc	byte [cs:.count]
	mov	al, 0x0c
	call	cmos
	and	al, 0xc0
	mov	[cs:.flags], al
	mov	al, 0x20
	out	0xa0, al
	out	PIC, al
	pop	ax
	iret
; --- SMRAM in front of the video memory, as the host bridge's register opens it; QEMU does not know
; --- the lock

BRIDGE_SMRAM	equ 0x72
ROUTINE		equ 0x3000

%macro smram_ 1				; the register
	mov	eax, 0x80000000 | (BRIDGE_SMRAM & 0xfc)
	mov	dx, 0xcf8
	out	dx, eax
	mov	dx, 0xcfc + (BRIDGE_SMRAM & 3)
	mov	al, %1
	out	dx, al
%endmacro

smram:	begin	"smram"
	mov	ax, 0xb800
	mov	es, ax
	mov	ax, 0xa000
	mov	fs, ax
	mov	word [es:0x700], 0x1741		; a character
	mov	cx, 3
.again:	smram_	0x4a
	mov	bp, [es:0x700]			; RAM's, once it was written
	mov	[es:0x700], cx
	mov	byte [fs:ROUTINE], 0xb0		; MOV AL, n; RETF
	mov	[fs:ROUTINE + 1], cl
	mov	byte [fs:ROUTINE + 2], 0xcb
	call	0xa000:ROUTINE
	call	hex
	show_word [es:0x700]
	smram_	0x0a
	show_word [es:0x700]
	cmp	cl, 3
	je	.first
	show_word bp
.first:	mov	word [es:0x700], 0x1741
	loop	.again
	mov	cx, 2000			; at full speed both ways
.flip:	smram_	0x4a
	inc	word [es:0x700]
	smram_	0x0a
	inc	word [es:0x700]
	loop	.flip
	show_word [es:0x700]
	smram_	0x4a
	show_word [es:0x700]
	smram_	0x0a
	finish
	begin	"  locked"
	smram_	0x1a
	smram_	0x4a
	in	al, dx
	call	hex
	finish
	push	ds
	pop	es
	ret

cmos:					; AL
	out	0x70, al
	in	al, 0x71
	ret
cmos_write:				; AL: BL
	out	0x70, al
	mov	al, bl
	out	0x71, al
	ret

%if $ - $$ > SECTORS * 512
 %error "SECTORS is too small"
%endif
	fill_floppy
