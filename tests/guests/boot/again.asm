; SPDX-License-Identifier: MIT
; A boot sector of a disk that resets the machine, some times, and tells each time how far the TSC
; came meanwhile. Under -icount these are executed instructions, and what the machine idled: the
; least is of a BIOS that did not wait. tests/boot/test_firmware.py compares both sides. CMOS byte
; 40h counts, behind a mark; 44h and on have the TSC before the reset.
;   nasm -f bin -o again again.asm
CPU 686
BITS 16
EXIT		equ 0x501		; ends the VM
COUNT		equ 0x40
BEFORE		equ 0x44
MARK		equ 0x50
RESETS		equ 6

	org 0x7c00
	jmp	0:start
start:	cli
	xor	ax, ax
	mov	ds, ax
	mov	ss, ax
	mov	sp, 0x7000
	rdtsc
	mov	[now], eax
	mov	al, COUNT
	call	read
	mov	bl, al
	and	al, 0xf0
	cmp	al, MARK
	jne	.first
	call	tell
	inc	bl
	cmp	bl, MARK + RESETS
	jne	.reset
	mov	dx, EXIT
	mov	al, 0
	out	dx, al
	jmp	$
.first:	mov	bl, MARK
.reset:	mov	al, bl
	mov	bl, COUNT
	call	write
	rdtsc
	mov	bl, BEFORE
	mov	cx, 4
.byte:	call	write
	shr	eax, 8
	inc	bl
	loop	.byte
	mov	dx, 0xcf9
	mov	al, 6
	out	dx, al
	jmp	$

tell:	mov	di, before
	mov	ah, BEFORE
.byte:	mov	al, ah
	call	read
	mov	[di], al
	inc	di
	inc	ah
	cmp	ah, BEFORE + 4
	jne	.byte
	mov	eax, [now]
	cmp	eax, [before]
	jb	.begun			; anew, with the reset
	sub	eax, [before]
.begun:	mov	[now], eax
	mov	si, text
	call	say
	mov	si, now + 3
	mov	cx, 4
.hex:	mov	al, [si]
	call	hex
	dec	si
	loop	.hex
	jmp	end_line

read:	out	0x70, al		; CMOS byte AL, to AL
	in	al, 0x71
	ret
write:	xchg	al, bl			; AL to CMOS byte BL
	out	0x70, al
	xchg	al, bl
	out	0x71, al
	ret

%include "tests/guests/boot/serial.inc"

text:	db	"reset to boot sector ", 0
	align	4
now:	dd	0
before:	dd	0
	times 510 - ($ - $$) db 0
	dw	0xaa55
	times 63 * 16 * 2 * 512 - ($ - $$) db 0	; a disk of two cylinders
