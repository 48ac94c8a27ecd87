; SPDX-License-Identifier: MIT
; A program that waits for a key as those for DOS do: it asks the BIOS, again and again. Its own
; timer handler types the key after 40 ticks. It prints the key and the ticks. Port 501h ends it.
;   nasm -f bin -o idle16 idle16.asm
CPU 686
BITS 16
SECTORS		equ 4			; of this program
TICKS		equ 40

%include "tests/guests/boot/floppy.inc"

next:	cli
	mov	word [0x1c * 4], tick
	mov	word [0x1c * 4 + 2], 0
	sti
ask:	mov	ah, 1
	int	0x16
	jz	ask
	mov	ah, 0
	int	0x16
	begin	"key"
	call	word_
	show	[ticks]
	finish
	quit

tick:	inc	byte [cs:ticks]
	cmp	byte [cs:ticks], TICKS
	jne	.out
	push	ax
	push	cx
	mov	ah, 5
	mov	cx, 0x1e61
	int	0x16
	pop	cx
	pop	ax
.out:	iret
ticks:	db	0
	fill_floppy
