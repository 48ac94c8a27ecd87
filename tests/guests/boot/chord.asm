; SPDX-License-Identifier: MIT
; A keyboard handler as of early Windows: it ends the interrupt and lets others in before it notes
; its byte, so that a second byte that comes at once overtakes the first. It prints the bytes in
; the order in which they were noted. Port 501h ends it.
;   nasm -f bin -o chord chord.asm
CPU 686
BITS 16
SECTORS		equ 4			; of this program
BYTES		equ 4
WORK		equ 2000000		; cycles between the byte and its note: 2 ms at 1 GHz

%include "tests/guests/boot/floppy.inc"

next:	cli
	mov	word [9 * 4], key
	mov	word [9 * 4 + 2], 0
	sti
	begin	"ready"
	finish
.wait:	hlt
	cmp	byte [noted], BYTES
	jne	.wait
	begin	"bytes"
	mov	bx, bytes
.show:	show	[bx]
	inc	bx
	cmp	bx, bytes + BYTES
	jne	.show
	finish
	quit

key:	pushad
	in	al, 0x60
	mov	cl, al
	mov	al, 0x20
	out	0x20, al
	sti
	rdtsc
	mov	esi, eax
.work:	rdtsc
	sub	eax, esi
	cmp	eax, WORK
	jb	.work
	cli
	movzx	bx, byte [noted]
	mov	[bytes + bx], cl
	inc	byte [noted]
	popad
	iret
noted:	db	0
bytes:	times BYTES db 0
	fill_floppy
