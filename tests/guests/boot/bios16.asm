; SPDX-License-Identifier: MIT
; A floppy that asks the BIOS for its screen (INT 10h with VBE), its hard disk and its CD (INT 13h
; with extensions), which both hold this image, and for its tables. It prints lines on COM1: those
; of bare QEMU. Port 501h ends it.
;   nasm -f bin -o bios16 bios16.asm
CPU 686
BITS 16
SECTORS		equ 8			; of this program
DISK		equ 0x80
CD		equ 0xe0		; SeaBIOS' number of the first that it has not booted from
INFO		equ 0x5000		; where answers go

%include "tests/guests/boot/floppy.inc"

next:
	begin	"mode"
	mov	ax, 0x0003
	int	0x10
	mov	ah, 0x0f
	int	0x10
	call	word_
	show	bh
	mov	ah, 2				; the cursor goes, and is where it went
	mov	bh, 0
	mov	dx, 0x0510
	int	0x10
	mov	ax, 0x0941			; AH=09h: five A
	mov	bx, 0x001e
	mov	cx, 5
	int	0x10
	mov	ax, 0x0e42			; and one B by AH=0Eh
	int	0x10
	mov	ah, 3
	mov	bh, 0
	int	0x10
	show_word dx
	show_word cx
	mov	ax, 0x0601			; a line up
	mov	bh, 0x17
	xor	cx, cx
	mov	dx, 0x184f
	int	0x10
	mov	ah, 2
	mov	bh, 0
	mov	dx, 0x0411
	int	0x10
	mov	ah, 8
	int	0x10
	call	word_
	mov	ax, 0x1a00
	int	0x10
	call	word_
	show_word bx
	mov	ax, 0x1130			; a font
	mov	bh, 6
	int	0x10
	show_word cx
	show	dl
	mov	ah, 0x12
	mov	bl, 0x10
	int	0x10
	show_word bx
	push	ds
	pop	es
	finish

	begin	"dot"				; 12h: sixteen colours
	mov	ax, 0x0012
	int	0x10
	mov	ax, 0x0c0b
	mov	bh, 0
	mov	cx, 333
	mov	dx, 222
	int	0x10
	mov	ah, 0x0d
	int	0x10
	show	al
	mov	ax, 0x1007
	mov	bx, 0x0005
	int	0x10
	show	bh
	mov	ax, 0x1015
	mov	bx, 0x003f
	int	0x10
	show	dh
	show_word cx
	finish

	begin	"vbe"
	mov	ax, 0x4f00
	mov	di, INFO
	mov	dword [di], 'VBE2'
	int	0x10
	call	word_
	show_word [INFO + 4]
	show_word [INFO + 18]
	mov	ax, 0x4f01
	mov	cx, 0x101
	mov	di, INFO
	int	0x10
	call	word_
	show_word [INFO]
	show_word [INFO + 16]
	show_word [INFO + 18]
	show_word [INFO + 20]
	show	[INFO + 25]
	mov	ax, 0x4f02
	mov	bx, 0x101
	int	0x10
	call	word_
	mov	ax, 0x4f03
	int	0x10
	show_word bx
	mov	bp, 0				; another byte in each of three windows
.window: mov	ax, 0x4f05
	mov	bx, 0
	mov	dx, bp
	int	0x10
	push	0xa000
	pop	es
	mov	ax, bp
	add	al, 0x51
	mov	[es:0x123], al
	inc	bp
	cmp	bp, 3
	jb	.window
	mov	ax, 0x4f05
	mov	bx, 0
	mov	dx, 1
	int	0x10
	show	[es:0x123]
	push	ds
	pop	es
	mov	ax, 0x4f06			; a line of 1,024 dots
	mov	bl, 0
	mov	cx, 1024
	int	0x10
	show_word bx
	show_word cx
	mov	ax, 0x4f07
	mov	bx, 0
	mov	cx, 8
	mov	dx, 16
	int	0x10
	call	word_
	mov	ax, 0x0003
	int	0x10
	finish

	begin	"disk"
	mov	dl, DISK
	call	drive
	finish
	begin	"cd"
	mov	dl, CD
	call	drive
	finish

	begin	"tables"
	mov	ah, 0xc0
	int	0x15
	call	flag
	show	[es:bx + 2]
	show	[es:bx + 5]
	push	ds
	pop	es
	mov	ah, 0x12			; shift state of 101 keys
	int	0x16
	call	word_
	finish
	quit

drive:					; DL
	mov	[packet.drive], dl
	mov	ah, 0x41
	mov	bx, 0x55aa
	int	0x13
	call	flag
	show_word bx
	show_word cx
	mov	dl, [packet.drive]
	mov	ah, 8
	xor	di, di
	int	0x13
	call	flag
	show_word cx
	show_word dx
	push	ds
	pop	es
	mov	dl, [packet.drive]
	mov	ah, 0x48
	mov	word [INFO], 26
	mov	si, INFO
	int	0x13
	call	flag
	show_word [INFO + 16]
	show_word [INFO + 24]
	mov	dl, [packet.drive]
	mov	ah, 0x42			; its first sector is this program's
	mov	si, packet
	int	0x13
	call	flag
	show	ah
	mov	ax, [INFO + 510]
	call	word_
	mov	ax, [INFO + 3]
	cmp	ax, [0x7c03]
	sete	al
	call	hex
	mov	dl, [packet.drive]
	mov	ax, 0x4300			; the same back: a CD refuses it
	mov	si, packet
	int	0x13
	call	flag
	show	ah
	mov	dl, [packet.drive]
	mov	ah, 0x44
	mov	si, packet
	int	0x13
	call	flag
	mov	dl, [packet.drive]
	mov	ah, 0x15
	int	0x13
	call	flag
	show	ah
	ret
packet:	db	16, 0
	dw	1, INFO, 0
	dq	0
.drive:	db	0
	fill_floppy
