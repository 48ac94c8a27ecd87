; SPDX-License-Identifier: MIT
; A floppy that starts a kernel of tests/guests/lib as a PC does: the boot sector loads this, this
; reads the kernel by INT 13h, half a track at a time, has the BIOS copy it above 1 MiB (INT 15h
; AH=87h), and enters it in protected mode with A20 on.
;   nasm -f bin -DKERNEL='"build/guests/rings"' -DKERNEL_SECTORS=n -o rings.img floppy.asm
CPU 686
BITS 16
SECTORS		equ 3			; of this program; the kernel is behind it

%include "tests/guests/boot/floppy.inc"

BUFFER		equ 0x10000
ENTRY		equ 0x100000
HEAD		equ 2			; sectors of the kernel that are real-mode code
CHUNK		equ 9
TRACK		equ 18
BOOT_PAGE	equ 0x9000
; Linux' boot protocol: where the boot page holds the command line's address.
CMDLINE		equ 0x228

next:	mov	si, SECTORS + HEAD	; the sector to read
.chunk:	mov	ax, si
	mov	bl, TRACK
	div	bl			; AL: track of both heads; AH: sector of it
	mov	cl, ah
	inc	cl
	mov	ch, al
	shr	ch, 1
	mov	dh, al
	and	dh, 1
	mov	al, TRACK		; to the middle or the end of the track
	cmp	ah, CHUNK
	jae	.half
	mov	al, CHUNK
.half:	sub	al, ah
	movzx	di, al
	mov	ah, 2
	mov	dl, [boot_drive]
	mov	bx, BUFFER >> 4
	mov	es, bx
	xor	bx, bx
	int	0x13
	jc	.failed
	xor	ax, ax
	mov	es, ax
	push	si
	mov	cx, di
	shl	cx, 8			; words
	mov	si, move
	mov	ah, 0x87
	int	0x15
	pop	si
	jc	.failed
	movzx	eax, di
	shl	eax, 9
	add	[move + 0x1a], ax	; 24 bits of where it goes to
	adc	byte [move + 0x1c], 0
	add	si, di
	cmp	si, SECTORS + KERNEL_SECTORS
	jb	.chunk

	mov	ax, 0x2401		; A20
	int	0x15
	cli
	mov	dword [BOOT_PAGE + CMDLINE], cmdline
	lgdt	[gdtr]
	mov	eax, cr0
	or	al, 1
	mov	cr0, eax
	mov	esi, BOOT_PAGE
	jmp	dword 0x10:ENTRY
.failed:
	mov	si, text_failed
	call	say
	quit
cmdline:
	db	0

	align	8
gdt:	dq	0, 0
	dq	0x00cf9b000000ffff
	dq	0x00cf93000000ffff
gdtr:	dw	$ - gdt - 1
	dd	gdt
	align	8
move:	times	16 db 0			; INT 15h AH=87h: its own two, from, to, its own two
	dw	0xffff, BUFFER & 0xffff
	db	BUFFER >> 16, 0x93, 0, 0
	dw	0xffff, ENTRY & 0xffff
	db	ENTRY >> 16, 0x93, 0, 0
	times	16 db 0

	times	SECTORS * 512 - ($ - $$) db 0
	incbin	KERNEL
	times	2880 * 512 - ($ - $$) db 0
