; SPDX-License-Identifier: MIT
; A floppy that asks the BIOS for what it offers, and prints the answers on COM1: those of bare
; QEMU, but for lines that begin with two blanks. Port 501h ends it.
;   nasm -f bin -o services services.asm
CPU 686
BITS 16
BUFFER		equ 0x2000		; segment of what is read and written
SECTORS		equ 8			; of this program
TRACK		equ 40			; that is written to

%include "tests/guests/boot/floppy.inc"

; --- The machine

next:
	say_	"  memory"		; the tables at its end have other sizes
	int	0x12
	call	word_
	mov	ah, 0x88
	int	0x15
	call	flag
	call	word_
	xor	cx, cx
	xor	dx, dx
	mov	ax, 0xe801
	int	0x15
	call	flag
	call	word_
	mov	ax, bx
	call	word_
	call	end_line

	say_	"equipment"
	int	0x11
	call	word_
	call	end_line

	say_	"  map"
	xor	ebx, ebx
.entry:	mov	eax, 0xe820
	mov	edx, 0x534d4150
	mov	ecx, 20
	mov	di, map
	int	0x15
	jc	.done
	mov	al, [map + 16]
	call	hex
	mov	ax, [map + 2]
	call	word_
	test	ebx, ebx
	jnz	.entry
.done:	call	end_line

	say_	"a20"
	mov	ax, 0x2402
	int	0x15
	call	flag
	call	word_
	mov	ax, 0x2400
	int	0x15
	call	flag
	mov	ax, 0x2402
	int	0x15
	call	word_
	mov	ax, 0x2401
	int	0x15
	mov	ax, 0x2402
	int	0x15
	call	word_
	mov	ax, 0x2403
	int	0x15
	call	flag
	mov	ax, bx
	call	word_
	call	end_line

	say_	"block move"			; to 1 MiB and 512 bytes back
	mov	ax, 1
	mov	byte [moves + 0x13], 0
	mov	word [moves + 0x12], 0x7c00
	mov	byte [moves + 0x14], 0
	mov	word [moves + 0x1a], 0
	mov	byte [moves + 0x1c], 0x10
	mov	si, moves
	mov	cx, 256
	mov	ah, 0x87
	int	0x15
	call	flag
	mov	word [moves + 0x12], 0
	mov	byte [moves + 0x14], 0x10
	mov	word [moves + 0x1a], 0x3000
	mov	byte [moves + 0x1c], 0
	mov	si, moves
	mov	cx, 256
	mov	ah, 0x87
	int	0x15
	call	flag
	mov	si, 0x7c00
	mov	di, 0x3000
	mov	cx, 256
	repe	cmpsw
	mov	ax, cx
	call	word_
	call	end_line

	say_	"wait"
	xor	cx, cx
	mov	dx, 20000			; us
	mov	ah, 0x86
	int	0x15
	call	flag
	call	end_line

	say_	"pci"
	mov	ax, 0xb101
	xor	edi, edi
	int	0x1a
	call	flag
	call	word_
	push	edx
	pop	ax
	call	word_
	pop	ax
	call	word_
	mov	ax, 0xb102
	mov	cx, 0x7000
	mov	dx, 0x8086
	xor	si, si
	int	0x1a
	call	flag
	mov	ax, bx
	call	word_
	mov	ax, 0xb108
	mov	di, 0x60			; PIRQA
	int	0x1a
	call	flag
	mov	al, cl
	call	hex
	call	end_line

; --- Time

	say_	"ticks"
	mov	word [0x1c * 4], tick
	mov	word [0x1c * 4 + 2], 0
	cli					; both counts of one moment, however late ticks come
	mov	bx, [0x46c]
	mov	byte [ticks], 0
	sti
.wait:	hlt
	cmp	byte [ticks], 3
	jb	.wait
	mov	ah, 0
	cli
	int	0x1a
	cli
	mov	ax, [0x46c]
	sub	ax, bx
	sub	al, [ticks]			; none of them was lost
	sti
	call	hex
	mov	ah, 2
	int	0x1a
	call	flag
	mov	ah, 4
	int	0x1a
	call	flag
	mov	al, ch
	call	hex
	call	end_line

; --- Keyboard, serial port, printer

	say_	"keys"
	mov	ah, 1
	int	0x16
	lahf
	mov	al, ah
	and	al, 0x40			; ZF: none
	call	hex
	mov	ah, 5
	mov	cx, 0x1e61
	int	0x16
	call	hex
	mov	ah, 1
	int	0x16
	call	word_
	mov	ah, 0
	int	0x16
	call	word_
	mov	ah, 2
	int	0x16
	call	hex
	call	end_line

	say_	"serial"
	mov	ax, 0x00e3			; 9600 8N1
	mov	dx, 1
	int	0x14
	and	ah, 0x7f
	mov	al, ah
	call	hex
	mov	ax, 0x0158
	mov	dx, 0
	int	0x14
	call	end_line

	say_	"printer"
	mov	ah, 2
	mov	dx, 0
	int	0x17
	mov	al, ah
	call	hex
	call	end_line

; --- Floppy

	say_	"drive"
	mov	ah, 8
	mov	dl, 0
	mov	di, 0
	int	0x13
	call	flag
	call	word_
	mov	ax, cx
	call	word_
	mov	ax, dx
	call	word_
	mov	al, bl
	call	hex
	xor	ax, ax
	mov	es, ax
	mov	ah, 0x15
	mov	dl, 0
	int	0x13
	call	flag
	mov	al, ah
	call	hex
	mov	ah, 0x41			; extensions
	mov	bx, 0x55aa
	mov	dl, 0x80
	int	0x13
	call	flag
	call	end_line

	say_	"write"
	mov	ax, BUFFER
	mov	es, ax
	xor	di, di
	mov	cx, 30 * 256
	mov	ax, 0x1357
.fill:	stosw
	add	ax, 0x0101
	loop	.fill
	mov	ax, 0x0312			; both sides of a track
	mov	cx, TRACK << 8 | 1
	mov	dx, 0x0100
	call	disk
	mov	ax, 0x0312
	mov	cx, TRACK << 8 | 1
	mov	dx, 0x0000
	call	disk
	mov	ax, 0x0412			; verify
	mov	cx, TRACK << 8 | 1
	mov	dx, 0x0000
	call	disk
	call	end_line

	say_	"read"
	xor	di, di
	mov	cx, 18 * 256
	xor	ax, ax
	rep	stosw
	mov	ax, 0x0212
	mov	cx, TRACK << 8 | 1
	mov	dx, 0x0100
	call	disk
	xor	di, di
	mov	cx, 18 * 256
	mov	ax, 0x1357
.same:	scasw
	jne	.differs
	add	ax, 0x0101
	loop	.same
.differs:
	mov	ax, cx
	call	word_
	call	end_line

	say_	"over the track"		; 9 sectors, 18, and 3 of the next cylinder
	mov	ax, 0x031e
	mov	cx, (TRACK + 1) << 8 | 10
	mov	dx, 0
	call	disk
	mov	cx, 30 * 256
	call	clear
	mov	ax, 0x021e
	mov	cx, (TRACK + 1) << 8 | 10
	mov	dx, 0
	call	disk
	mov	cx, 30 * 256
	call	sum
	mov	ax, 0x0203			; the last of them alone
	mov	cx, (TRACK + 2) << 8 | 1
	mov	dx, 0
	call	disk
	mov	cx, 3 * 256
	call	sum
	call	end_line

	say_	"errors"
	; Sector 19, head 1, then cylinder 90, and no drive 2.
	mov	ax, 0x0201
	mov	cx, 0x0013
	mov	dx, 0
	call	disk
	mov	ax, 0x0201
	mov	cx, 90 << 8 | 1
	mov	dx, 0
	call	disk
	mov	ax, 0x0201
	mov	cx, 1
	mov	dx, 2
	call	disk
	mov	ax, 0x0201
	mov	cx, 1
	mov	dx, 0x80
	call	disk
	mov	ah, 1
	mov	dl, 0
	int	0x13
	mov	al, ah
	call	hex
	call	end_line

	say_	"format"
	push	ds
	pop	es
	mov	bx, sectors
	mov	ax, 0x0512
	mov	cx, TRACK << 8 | 1
	mov	dx, 0x0000
	int	0x13
	call	flag
	mov	al, ah
	call	hex
	call	end_line
	say_	"  formatted with"		; QEMU's drive keeps what was there
	mov	ax, BUFFER
	mov	es, ax
	mov	ax, 0x0201
	mov	cx, TRACK << 8 | 18
	mov	dx, 0
	call	disk
	mov	ax, [es:0]
	call	word_
	call	end_line

; --- Unreal mode: the BIOS leaves segments of 4 GiB alone

	say_	"unreal"
	cli
	push	ds
	lgdt	[gdtr]
	mov	eax, cr0
	or	al, 1
	mov	cr0, eax
	mov	bx, 8
	mov	ds, bx
	and	al, 0xfe
	mov	cr0, eax
	pop	ds
	sti
	mov	esi, 0x200000
	mov	dword [esi], 'here'
	mov	ah, 0
	int	0x1a
	mov	ah, 1
	int	0x16
	mov	eax, [esi]
	call	word_
	call	end_line

	quit

clear:	xor	di, di				; CX words at ES:0
	xor	ax, ax
	rep	stosw
	ret
sum:	xor	di, di				; of CX words at ES:0
	xor	ax, ax
.word:	add	ax, [es:di]
	rol	ax, 1
	add	di, 2
	loop	.word
	jmp	word_

disk:	xor	bx, bx				; into or out of ES:0
	int	0x13
	call	flag
	push	ax
	mov	al, ah
	call	hex
	pop	ax
	ret

tick:	inc	byte [cs:ticks]
	iret
ticks:	db	0
map:	times 24 db 0
moves:	times 16 db 0
	dw	0xffff, 0			; 10h: source
	db	0, 0x93, 0, 0
	dw	0xffff, 0			; 18h: target
	db	0, 0x93, 0, 0
	times 16 db 0
sectors:
%assign n 1
%rep 18
	db	TRACK, 0, n, 2
 %assign n n + 1
%endrep
	align	8
gdt:	dq	0
	dq	0x00cf92000000ffff
gdtr:	dw	$ - gdt - 1
	dd	gdt

	fill_floppy
