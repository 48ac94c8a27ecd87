; SPDX-License-Identifier: MIT
; Looks at what lies in the second floppy drive and in the CD drive, again and again, by the BIOS.
; It prints a line for each that changes: the first eight bytes of the floppy's sector 1 or of the
; CD's sector 16, or that nothing can be read. "the end." on the floppy ends the VM by port 501h.
;   nasm -f bin -o media16 media16.asm
CPU 686
BITS 16
SECTORS		equ 4			; of this program
BUFFER		equ 0x9000
TEXT		equ 8			; bytes

%include "tests/guests/boot/floppy.inc"

next:	call	read_floppy
	mov	di, floppy_was
	mov	si, text_floppy
	call	tell
	call	read_cd
	mov	di, cd_was
	mov	si, text_cd
	call	tell
	mov	si, floppy_was
	mov	di, text_end
	mov	cx, TEXT
	repe	cmpsb
	jne	next
	quit

; A changed medium is told once (AH = 06h). What cannot be read is dashes in the buffer.
read_floppy:
	mov	bp, 2
.again:	mov	ax, 0x0201
	mov	cx, 1
	mov	dx, 1
	mov	bx, BUFFER
	int	0x13
	jnc	out
	mov	ah, 0
	mov	dl, 1
	int	0x13
	dec	bp
	jnz	.again
	jmp	nothing
read_cd:				; what was read is written into the packet
	mov	word [packet + 2], 1
	mov	ah, 0x42
	mov	dl, 0xe0
	mov	si, packet
	int	0x13
	jnc	out
nothing:
	mov	di, BUFFER
	mov	al, '-'
	mov	cx, TEXT
	rep	stosb
out:	ret

; The name in SI, if the buffer differs from what was at DI.
tell:	push	si
	push	di
	mov	si, BUFFER
	mov	cx, TEXT
	repe	cmpsb
	pop	di
	pop	si
	je	out
	call	say
	mov	si, BUFFER
	mov	cx, TEXT
.byte:	lodsb
	call	put
	stosb
	loop	.byte
	jmp	end_line

packet:	db	16, 0
	dw	1, BUFFER, 0			; one sector
	dq	16
floppy_was: times TEXT db 0
cd_was:	times TEXT db 0
text_floppy: db	"floppy ", 0
text_cd: db	"cd ", 0
text_end: db	"the end."
	fill_floppy
