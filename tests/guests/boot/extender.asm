; SPDX-License-Identifier: MIT
; A DOS extender's ways, as a floppy: what BIOS says of memory, block moves by the BIOS, 16-bit
; protected mode at CPL 3 with an LDT, a 16-bit task state and gates, segments in rows of 64 KiB
; that are brought when they are used; each timer tick and each BIOS call reflected to real mode and
; back by CR0; BIOS calls out of 32-bit code. It prints lines on COM1: those of bare QEMU, but for
; lines that begin with two blanks. Port 501h ends it.
;   nasm -f bin -o extender extender.asm
CPU 686
BITS 16
SECTORS		equ 10			; of this program

%include "tests/guests/boot/floppy.inc"
%include "tests/guests/boot/pm16.inc"

STACK0		equ 0x6800		; of CPL 0
STACK3		equ 0x6000
BUFFER		equ 0xc000		; a sector
EXTENDED	equ 0x200000
IRQ_BASE	equ 0x50
; INT: the real mode interrupt AL of program's CPL 3, registers in rm.
REAL_CALL	equ 0x31
TICKS		equ 0x46c

next:	call	memory
	call	block_moves
	call	irqs_to_50
	call	protected
	call	wide
	call	irqs_back
	begin	"out"
	mov	ax, [TICKS]
.tick:	cmp	ax, [TICKS]
	je	.tick
	finish
	quit

; --- What BIOS says of memory

memory:	begin	"memory"
	mov	ax, 0xe801
	int	0x15
	call	flag
	cmp	ax, cx
	sete	al
	call	hex
	cmp	bx, dx
	sete	al
	call	hex
	mov	ah, 0x88
	int	0x15
	call	flag
	cmp	ax, 0x3000			; 12 MiB at least
	setae	al
	call	hex
	int	0x12
	call	word_
	finish
	begin	"e820"
	xor	ebx, ebx
	mov	bp, 2				; the two first ones
.entry:	mov	eax, 0xe820
	mov	edx, 0x534d4150
	mov	ecx, 20
	mov	di, BUFFER
	int	0x15
	jc	.end
	show_word [BUFFER + 2]
	show_word [BUFFER]
	show_word [BUFFER + 10]
	show_word [BUFFER + 8]
	show	[BUFFER + 16]
	dec	bp
	jnz	.entry
.end:	finish
	begin	"e820 without its mark"
	mov	eax, 0xe820
	xor	edx, edx
	mov	ecx, 20
	int	0x15
	call	flag
	finish
	ret

; --- INT 15h AH=87h: down and up, over several places

block_moves:
	begin	"block moves"
	mov	cx, 20
	xor	bp, bp
.round:	push	cx
	mov	di, BUFFER
	mov	ax, cx
	mov	cx, 256
.fill:	stosw
	imul	ax, 77
	inc	ax
	loop	.fill
	mov	dword [move_from + 2], BUFFER | 0x93000000
	mov	dword [move_to + 2], EXTENDED | 0x93000000
	pop	ax
	push	ax
	add	[move_to + 3], al		; another page each time
	call	move
	mov	di, BUFFER
	mov	cx, 256
	xor	ax, ax
	rep	stosw
	mov	eax, [move_to + 2]
	mov	[move_from + 2], eax
	mov	dword [move_to + 2], BUFFER | 0x93000000
	call	move
	mov	si, BUFFER
	mov	cx, 256
.sum:	lodsw
	add	bp, ax
	rol	bp, 1
	loop	.sum
	pop	cx
	loop	.round
	show_word bp
	finish
	ret
move:	mov	si, move_table
	mov	cx, 256
	mov	ah, 0x87
	int	0x15
	ret

; --- The first 8259 away from the exceptions

irqs_to_50:
	cli
	mov	si, 8 * 4
	mov	di, IRQ_BASE * 4
	mov	cx, 16
	rep	movsw
	mov	ah, IRQ_BASE
	jmp	set_irqs
irqs_back:
	mov	ah, 8
set_irqs:
	cli
	in	al, 0x21
	mov	bl, al
	mov	al, 0x11
	out	0x20, al
	mov	al, ah
	out	0x21, al
	mov	al, 4
	out	0x21, al
	mov	al, 1
	out	0x21, al
	mov	al, bl
	out	0x21, al
	sti
	ret

; Interrupt BX of real mode, with and back to the registers in rm
reflect:
	shl	bx, 2
	mov	[rm.vector], bx
	inc	word [reflected]
	call	leave_
	mov	bx, [rm.vector]
	mov	eax, [bx]
	mov	[rm.far], eax
	mov	ax, [rm.ax]
	mov	bx, [rm.bx]
	mov	cx, [rm.cx]
	mov	dx, [rm.dx]
	mov	si, [rm.si]
	mov	di, [rm.di]
	pushf
	call	far [rm.far]
	pushf
	cli
	cld
	mov	[cs:rm.ax], ax
	xor	ax, ax
	mov	ds, ax
	mov	[rm.bx], bx
	mov	[rm.cx], cx
	mov	[rm.dx], dx
	pop	word [rm.flags]
	jmp	enter

; --- 16-bit protected mode

protected:
	mov	[saved_sp], sp
	call	enter
	mov	byte [gdt + TASK + 5], 0x81	; a task state of 16 bits
	mov	ax, TASK
	ltr	ax
	mov	ax, LOCAL
	lldt	ax
	push	word DATA3
	push	word STACK3
	push	word USER_CODE
	push	word user
	sti
	retf

BASE_LOW	equ 0x0400

user:						; at CPL 3
	mov	ax, DATA3
	mov	ds, ax
	mov	es, ax

	mov	cx, 8				; rows of 64 KiB, each brought at its first use
	mov	bx, ROW
.row:	mov	es, bx
	xor	di, di
	mov	ax, cx
	push	cx
	mov	cx, 0x8000
.fill:	stosw
	imul	ax, 13
	add	ax, 7
	loop	.fill
	pop	cx
	add	bx, 8
	loop	.row
	xor	dx, dx
	mov	bx, ROW
	mov	cx, 8
.sums:	mov	fs, bx
	xor	si, si
.sum:	add	dx, [fs:si]
	rol	dx, 1
	add	si, 2
	jnz	.sum
	add	bx, 8
	loop	.sums
	mov	[sum_rows], dx

	mov	ax, BIOS_DATA			; three ticks, while it works
	mov	gs, ax
	mov	bx, [gs:0x6c]
	xor	ecx, ecx
.work:	inc	ecx
	mov	ax, cx
	mul	ax
	xor	dx, dx
	div	word [seven]
	mov	ax, [gs:0x6c]
	sub	ax, bx
	cmp	ax, 3
	jb	.work

	mov	ax, 0x0201			; the floppy's second sector by the BIOS
	mov	[rm.ax], ax
	mov	word [rm.cx], 2
	movzx	ax, byte [boot_drive]
	mov	[rm.dx], ax
	mov	word [rm.bx], BUFFER
	mov	al, 0x13
	int	REAL_CALL
	mov	si, BUFFER
	mov	di, 0x7e00
	mov	ax, ds
	mov	es, ax
	mov	cx, 8				; of code, which does not change
	repe	cmpsw
	sete	[same]
	mov	ax, [rm.ax]
	mov	[status], ax
	mov	cx, 30
.calls:	mov	word [rm.ax], 0x0f00
	mov	al, 0x10
	int	REAL_CALL
	mov	ax, [rm.ax]
	add	[sum_calls], ax
	loop	.calls

	mov	word [resume], .no_io		; what CPL 3 must not
	in	al, 0x21
.no_io:	mov	word [resume], .no_cli
	cli
.no_cli:
	mov	word [resume], .no_selector
	mov	ax, 0x0ff7
	mov	fs, ax
.no_selector:
	mov	word [resume], .no_jump
	jmp	USER_SMALL:0x40
.no_jump:
	mov	word [resume], .no_store	; and what TCG lets it
	mov	[cs:0], ax
.no_store:
	mov	word [resume], .no_limit
	mov	ax, BIOS_DATA
	mov	fs, ax
	mov	ax, [fs:0x2ff]			; one byte too far
.no_limit:
	mov	ax, USER_SMALL			; LSL and LAR know it
	lsl	bx, ax
	lar	cx, ax
	mov	[seen_limit], bx
	and	cx, 0xfe00			; not whether it was accessed
	mov	[seen_rights], cx
	int	0x40				; to CPL 0 for good
	jmp	$

finish_:				; CPL 0, real mode next
	mov	ax, DATA0
	mov	ds, ax
	mov	ss, ax
	mov	sp, [saved_sp]
	call	leave_
	sti
	begin	"rows"
	show_word [sum_rows]
	show_word [brought]
	finish
	begin	"calls"
	show_word [status]
	show	[same]
	show_word [sum_calls]
	finish
	begin	"ticks"
	mov	ax, [reflected]
	cmp	ax, 30 + 1 + 3
	setae	al
	call	hex
	finish
	begin	"faults"
	mov	si, faults
.fault:	cmp	si, [fault_at]
	jae	.end
	cmp	si, faults + 4 * 4		; the rest is not TCG's
	je	.end
	lodsw
	call	word_
	lodsw
	call	word_
	jmp	.fault
.end:	finish
	begin	"  limits"
	mov	si, faults + 4 * 4
.limit:	cmp	si, [fault_at]
	jae	.done
	lodsw
	call	word_
	lodsw
	call	word_
	jmp	.limit
.done:	finish
	begin	"limit and rights"
	show_word [seen_limit]
	show_word [seen_rights]
	finish
	ret

; Handlers, at CPL 0 with 16-bit frames: IP, CS, FLAGS, SP, SS
%macro irq_gate 1
irq_%1:	pushad
	push	ds
	push	es
	push	fs
	push	gs
	mov	bx, IRQ_BASE + %1
	jmp	irq
%endmacro
	irq_gate 0
	irq_gate 1
	irq_gate 6
irq:	mov	ax, DATA0
	mov	ds, ax
	call	reflect_keeping
	pop	gs
	pop	fs
	pop	es
	pop	ds
	popad
	iret
reflect_keeping:			; an interrupt asks and says nothing
	push	dword [rm.ax]
	push	dword [rm.cx]
	push	word [rm.flags]
	call	reflect
	pop	word [rm.flags]
	pop	dword [rm.cx]
	pop	dword [rm.ax]
	ret

real_call:				; INT 31h
	pushad
	push	ds
	push	es
	push	fs
	push	gs
	movzx	bx, al
	mov	ax, DATA0
	mov	ds, ax
	call	reflect
	pop	gs
	pop	fs
	pop	es
	pop	ds
	popad
	iret

protection:				; #GP: noted, and on where the program says
	push	bp
	mov	bp, sp
	push	ds
	push	bx
	push	ax
	mov	ax, DATA0
	mov	ds, ax
	mov	bx, [fault_at]
	mov	word [bx], 13
	mov	ax, [bp + 2]
	mov	[bx + 2], ax
	add	word [fault_at], 4
	mov	ax, [resume]
	mov	[bp + 4], ax
	pop	ax
	pop	bx
	pop	ds
	pop	bp
	add	sp, 2
	iret

missing:				; #NP: a segment is brought
	push	bp
	mov	bp, sp
	push	ds
	push	bx
	push	ax
	mov	ax, DATA0
	mov	ds, ax
	inc	word [brought]
	mov	bx, [bp + 2]
	and	bx, 0xfff8
	or	byte [ldt + bx + 5], 0x80
	pop	ax
	pop	bx
	pop	ds
	pop	bp
	add	sp, 2
	iret

; --- 32-bit code of CPL 0 that calls the BIOS: down to 16 bits, to real mode, and up again

wide:	mov	[saved_sp], sp
	call	enter
	jmp	CODE32:.wide
BITS 32
.wide:	mov	ax, FLAT
	mov	ds, eax
	mov	es, eax
	mov	ss, eax
	movzx	esp, sp
	mov	edi, EXTENDED
	mov	ecx, 20
	xor	ebx, ebx
.round:	push	ecx
	mov	[rm.ax], word 0x0201
	mov	[rm.cx], cx
	and	byte [rm.cx], 7
	inc	byte [rm.cx]
	movzx	eax, byte [boot_drive]
	mov	[rm.dx], ax
	mov	[rm.bx], word BUFFER
	mov	ebp, 0x13
	call	.bios
	mov	esi, BUFFER
	mov	ecx, 32				; the head of each sector
	rep	movsd
	mov	[rm.ax], word 0x0200
	mov	ebp, 0x16
	call	.bios
	pop	ecx
	loop	.round
	mov	esi, EXTENDED
	mov	ecx, 20 * 32
.sum:	lodsd
	add	ebx, eax
	rol	ebx, 1
	loop	.sum
	mov	[sum_wide], ebx
	mov	[resume], ebx
	jmp	CODE0:.done
.bios:	pushad
	mov	ebx, ebp
	jmp	CODE0:.narrow
BITS 16
.narrow:
	mov	ax, DATA0
	mov	ds, ax
	mov	es, ax
	mov	ss, ax
	call	reflect
	jmp	CODE32:.up
BITS 32
.up:	mov	ax, FLAT
	mov	ds, eax
	mov	es, eax
	mov	ss, eax
	popad
	ret
BITS 16
.done:	mov	ax, DATA0
	mov	ss, ax
	mov	sp, [saved_sp]
	call	leave_
	sti
	; Sectors that were written to while they ran are not compared: only that all reads worked
	begin	"wide"
	show_word [rm.flags]
	finish
	ret

; --- Data

rm:
.ax:	dw	0
.bx:	dw	0
.cx:	dw	0
.dx:	dw	0
.si:	dw	0
.di:	dw	0
.flags:	dw	0
.vector: dw	0
.far:	dd	0
reflected:	dw 0
brought:	dw 0
sum_rows:	dw 0
sum_calls:	dw 0
sum_wide:	dd 0
status:		dw 0
same:		db 0
seven:		dw 0x7fff
resume:		dd 0
seen_limit:	dw 0
seen_rights:	dw 0
fault_at:	dw faults
faults:		times 16 dd 0

	align	8
move_table:
	times	16 db 0
move_from:
	dw	0xffff, 0, 0x9300, 0
move_to:
	dw	0xffff, 0, 0x9300, 0
	times	16 db 0

	align	8
gdt:	BASE_DESCRIPTORS
TASK	equ $ - gdt
	dw	43, task, 0x8100, 0
LOCAL	equ $ - gdt
	dw	ldt_end - ldt - 1, ldt, 0x8200, 0
gdtr:	dw	$ - gdt - 1
	dd	gdt

	align	8
ldt:
USER_CODE equ $ - ldt + 7
	dw	0xffff, 0, 0xfa00, 0
DATA3	equ $ - ldt + 7
	dw	0xffff, 0, 0xf200, 0
BIOS_DATA equ $ - ldt + 7
	dw	0x2ff, 0x400, 0xf200, 0
USER_SMALL equ $ - ldt + 7
	dw	0x1f, 0x7c00, 0xfa00, 0
ROW	equ $ - ldt + 7				; not present at first
%assign n 0
%rep 8
	dw	0xffff, 0, 0x7200 | (EXTENDED >> 16) + n, 0
 %assign n n + 1
%endrep
ldt_end:

task:	dw	0, STACK0, DATA0		; of 16 bits
	times	19 dw 0

	align	8
idt:
%assign n 0
%rep 0x58
 %if n == 11
	dw	missing, CODE0, 0x8600, 0
 %elif n == 13
	dw	protection, CODE0, 0x8600, 0
 %elif n == REAL_CALL
	dw	real_call, CODE0, 0xe600, 0
 %elif n == 0x40
	dw	finish_, CODE0, 0xe600, 0
 %elif n == IRQ_BASE
	dw	irq_0, CODE0, 0x8600, 0
 %elif n == IRQ_BASE + 1
	dw	irq_1, CODE0, 0x8600, 0
 %elif n == IRQ_BASE + 6
	dw	irq_6, CODE0, 0x8600, 0
 %else
	dq	0
 %endif
 %assign n n + 1
%endrep
idtr:	dw	$ - idt - 1
	dd	idt

%if $ - $$ > SECTORS * 512
 %error "SECTORS is too small"
%endif
	fill_floppy
