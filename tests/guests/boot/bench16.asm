; SPDX-License-Identifier: MIT
; Work of 16-bit programs, with its cost by the TSC: in real mode, in 16-bit protected mode at CPL 3
; and in V86 mode, with a system call each 100 instructions; and calls of the BIOS out of protected
; mode, as boot loaders make them. It prints a line for each: name, checksum and TSC difference.
; tests/bench/bench16.py compares them with bare QEMU's.
;   nasm -f bin -o bench16 bench16.asm
CPU 686
BITS 16
SECTORS		equ 40			; of this program

%include "tests/guests/boot/floppy.inc"
%include "tests/guests/boot/v86.inc"

FLAGS		equ 0x2000		; segments of data
HEAP		equ 0x3000
SCRATCH		equ 0x5000		; a word of data, apart from all code

%macro measured 3			; name, what sets up (a call) or nop, function
	%2
	mov	si, %%name
	mov	ax, %3
	call	measure
	jmp	%%over
%%name:	db	"bench ", %1, " ", 0
%%over:
%endmacro

next:
	cli
	mov	dword [v86_cr3], 0
	mov	al, 0xff			; no interrupt disturbs
	out	0x21, al
	out	0xa1, al
	measured "sieve", nop, sieve
	measured "compiled", nop, compiled
	measured "calls-real", nop, calls_real
	measured "calls-pm16", nop, calls_protected
	measured "calls-v86-iopl3", nop, calls_v86_3
	measured "calls-v86-iopl0", nop, calls_v86_0
	measured "calls-bios", nop, calls_bios
	quit

measure:				; AX: a function that returns a sum in BX; SI: its name
	push	si
	mov	[.function], ax
	rdtsc
	mov	[.before], eax
	mov	[.before + 4], edx
	call	[.function]
	rdtsc
	sub	eax, [.before]
	sbb	edx, [.before + 4]
	pop	si
	call	say
	push	ax
	mov	ax, bx
	call	word_
	pop	ax
	mov	[.before], eax
	mov	[.before + 4], edx
	mov	si, .before + 5			; hexadecimal, the top first
	mov	cx, 6
.byte:	mov	al, [si]
	call	hex
	dec	si
	loop	.byte
	jmp	end_line
	align	8
.before: dq	0
.function: dw	0

; --- A sieve of 30,000 bytes in another segment

LIMIT		equ 30000

sieve:
	mov	ax, FLAGS
	mov	es, ax
	mov	dx, 40
.round:	xor	di, di
	mov	cx, LIMIT
	xor	ax, ax
.clear:	mov	[es:di], al
	inc	di
	dec	cx
	jnz	.clear
	xor	cx, cx
	mov	si, 2
.next:	cmp	byte [es:si], 0
	jne	.composite
	call	.mark
	inc	cx
.composite:
	inc	si
	cmp	si, LIMIT
	jb	.next
	dec	dx
	jnz	.round
	mov	bx, cx
	ret
.mark:	push	si
	mov	bx, si
	add	bx, si
.multiple:
	cmp	bx, LIMIT
	jae	.marked
	mov	byte [es:bx], 1
	add	bx, si
	jmp	.multiple
.marked: pop	si
	ret

; --- What compilers for DOS make of C in the large model: far calls, frames by BP, pointers by LES,
; --- 32-bit sums of 16-bit halves, tables of jumps, string instructions, MUL and DIV

compiled:
	mov	ax, HEAP
	mov	es, ax
	xor	di, di
	; struct { int key; char tag; char count; long sum; } [500]
	mov	cx, 2000
	xor	ax, ax
	rep	stosw
	push	word 600			; rounds
	call	0:main_
	add	sp, 2
	mov	bx, ax
	push	ds
	pop	es
	ret

main_:					; int main(int rounds)
	push	bp
	mov	bp, sp
	sub	sp, 4
	push	si
	push	di
	xor	si, si
	mov	word [bp - 2], 0
	jmp	.test
.round:	xor	di, di
.record:
	push	word HEAP			; update(&records[di], di * 7 + round)
	mov	ax, di
	shl	ax, 3
	push	ax
	mov	ax, di
	mov	dx, 7
	imul	dx
	add	ax, si
	push	ax
	call	0:update_
	add	sp, 6
	add	[bp - 2], ax
	inc	di
	cmp	di, 500
	jl	.record
	inc	si
.test:	cmp	si, [bp + 6]
	jl	.round
	mov	ax, [bp - 2]
	pop	di
	pop	si
	mov	sp, bp
	pop	bp
	retf

update_:				; int update(int key, struct record far *r)
	push	bp
	mov	bp, sp
	sub	sp, 2
	push	si
	les	bx, [bp + 8]
	mov	ax, [bp + 6]
	mov	[es:bx], ax
	cwd
	add	[es:bx + 4], ax
	adc	[es:bx + 6], dx
	inc	byte [es:bx + 3]
	and	ax, 7
	mov	si, ax
	shl	si, 1
	jmp	[cs:.cases + si]
.cases:	dw	.add, .divide, .shift, .string, .add, .long, .shift, .add
.add:	mov	ax, [es:bx + 4]
	add	ax, [bp + 6]
	jmp	.out
.divide:
	mov	ax, [es:bx + 4]
	xor	dx, dx
	mov	cx, 10
	div	cx
	mov	ax, dx
	jmp	.out
.shift:	mov	ax, [es:bx + 4]
	mov	dx, [es:bx + 6]
	mov	cx, 3
.shl:	shl	ax, 1
	rcl	dx, 1
	loop	.shl
	xor	ax, dx
	jmp	.out
.string:
	push	ds				; length(format)
	push	word .text
	call	0:length_
	add	sp, 4
	jmp	.out
.text:	db	"%5d records of %s", 0
.long:	push	word [es:bx + 6]
	push	word [es:bx + 4]
	call	0:hash_
	add	sp, 4
.out:	mov	[bp - 2], ax
	les	bx, [bp + 8]
	mov	[es:bx + 2], al
	mov	ax, [bp - 2]
	pop	si
	mov	sp, bp
	pop	bp
	retf

length_:				; int length(const char far *s)
	push	bp
	mov	bp, sp
	push	di
	les	di, [bp + 6]
	xor	al, al
	mov	cx, -1
	repne	scasb
	not	cx
	dec	cx
	mov	ax, cx
	pop	di
	pop	bp
	retf

hash_:					; int hash(long n)
	push	bp
	mov	bp, sp
	push	si
	mov	ax, [bp + 6]
	mov	dx, [bp + 8]
	mov	si, 4
.turn:	mov	cx, ax
	mov	bx, 0x8405
	mul	bx
	add	ax, 1
	adc	dx, cx
	xchg	ah, al
	dec	si
	jnz	.turn
	pop	si
	pop	bp
	retf

; --- A system call each 100 instructions: the same code in three modes, with the same handler

CALLS		equ 40000

calls:					; BX
	xor	bx, bx
	mov	cx, CALLS
.call:	push	cx
	mov	cx, 19
.work:	add	bx, cx
	rol	bx, 1
	xor	[SCRATCH], bx
	mov	ax, [SCRATCH]
	loop	.work
	mov	ah, 0x30
	int	0x21
	add	bx, ax
	pop	cx
	loop	.call
	ret

dos:					; of real and V86 mode: AH = 30h, version
	cmp	ah, 0x30
	jne	.out
	mov	ax, 0x0005
.out:	iret

calls_real:
	mov	word [SCRATCH], 0
	mov	word [0x21 * 4], dos
	mov	word [0x21 * 4 + 2], 0
	jmp	calls

calls_v86_3:
	mov	bl, 3
	jmp	calls_v86
calls_v86_0:
	mov	bl, 0
calls_v86:
	mov	word [SCRATCH], 0
	mov	word [0x21 * 4], dos
	mov	word [0x21 * 4 + 2], 0
	mov	ax, .task
	call	v86_run
	mov	bx, [.sum]
	ret
.task:	call	calls
	mov	[.sum], bx
	hlt
.sum:	dw	0

; 16-bit code at CPL 3 of an LDT. Its INT 21h comes to a 16-bit handler at CPL 0,
; which reflects it as hosts of DPMI do: the client's own handler, at CPL 3 with a
; frame of its own, ends with an IRET.

CLIENT_CODE	equ 7
CLIENT_DATA	equ 15

calls_protected:
	cli
	mov	[v86_sp], sp
	mov	word [SCRATCH], 0
	lgdt	[gdtr]
	lidt	[host_idtr]
	mov	eax, cr0
	or	al, 1
	mov	cr0, eax
	jmp	PM_CODE16:.protected
.protected:
	mov	ax, PM_DATA16
	mov	ds, ax
	mov	es, ax
	mov	ss, ax
	mov	byte [gdt + PM_TSS + 5], 0x89
	mov	ax, PM_TSS
	ltr	ax
	mov	ax, HOST_LDT
	lldt	ax
	mov	ax, CLIENT_DATA
	mov	ds, ax
	mov	es, ax
	push	word CLIENT_DATA
	push	word [v86_sp]
	push	word CLIENT_CODE
	push	word .client
	retf
.client:
	call	calls
	mov	[calls_v86.sum], bx
	mov	ah, 0x4c
	int	0x21
host_call:				; its stack: IP, CS, flags, SP, SS of the client
	push	bp
	mov	bp, sp
	push	ds
	push	bx
	cmp	ah, 0x4c
	je	.exit
	mov	bx, [bp + 8]			; a frame on the client's stack
	mov	ds, [bp + 10]
	sub	bx, 6
	push	ax
	mov	ax, [bp + 2]
	mov	[bx], ax
	mov	ax, [bp + 4]
	mov	[bx + 2], ax
	mov	ax, [bp + 6]
	mov	[bx + 4], ax
	pop	ax
	mov	[bp + 8], bx
	mov	word [bp + 2], dos
	mov	word [bp + 4], CLIENT_CODE
	pop	bx
	pop	ds
	pop	bp
	iret
.exit:	mov	ax, PM_DATA16
	mov	ds, ax
	xor	ax, ax
	lldt	ax
	push	word .back
	mov	bx, [calls_v86.sum]
	jmp	v86_leave.narrow
.back:	mov	bx, [calls_v86.sum]
	ret

; --- Protected mode of 32 bits, from which each call of the BIOS goes to real mode and back, as
; --- GRUB's do: tables and all segments are loaded each time, by way of a 16-bit segment

BIOS_CALLS	equ 1000
BIOS_DATA	equ 0x5900			; apart from all code
bios_sum	equ BIOS_DATA
bios_stack	equ BIOS_DATA + 4		; of protected mode
bios_return	equ BIOS_DATA + 8
bios_idtr	equ BIOS_DATA + 16
bios_real_idtr	equ BIOS_DATA + 24
HIGH_STACK	equ 0x80000

%macro load_all 1				; what each data segment shall have
	mov	ax, %1
	mov	ds, ax
	mov	es, ax
	mov	fs, ax
	mov	gs, ax
	mov	ss, ax
%endmacro

calls_bios:
	mov	[v86_sp], sp
	mov	dword [bios_sum], 0
	mov	dword [bios_idtr], 0
	mov	dword [bios_idtr + 4], 0
	sidt	[bios_real_idtr]
	mov	dword [bios_stack], HIGH_STACK
	movzx	esp, sp
	call	dword to_protected
BITS 32
	mov	ecx, BIOS_CALLS
.call:	push	ecx
	call	to_real
BITS 16
	mov	ax, 0x0300			; where the cursor is
	xor	bx, bx
	int	0x10
	movzx	eax, cx
	add	[bios_sum], eax
	mov	ah, 1				; is there a key?
	int	0x16
	setz	al
	movzx	eax, al
	add	[bios_sum], eax
	call	dword to_protected
BITS 32
	pop	ecx
	loop	.call
	call	to_real
BITS 16
	mov	sp, [v86_sp]
	mov	bx, [bios_sum]
	ret

BITS 32
to_real:					; the stack of protected mode is kept
	lgdt	[gdtr]
	sidt	[bios_idtr]
	lidt	[bios_real_idtr]
	mov	[bios_stack], esp
	mov	eax, [esp]
	mov	[bios_return], eax
	movzx	eax, word [v86_sp]
	sub	eax, 64
	mov	esp, eax
	load_all PM_DATA16
	jmp	PM_CODE16:.narrow
BITS 16
.narrow:
	mov	eax, cr0
	and	al, 0xfe
	mov	cr0, eax
	jmp	dword 0:.real
.real:	load_all 0
	mov	eax, [bios_return]
	push	eax
	o32 ret

to_protected:
	cli
	xor	ax, ax
	mov	ds, ax
	lgdt	[gdtr]
	mov	eax, cr0
	or	al, 1
	mov	cr0, eax
	jmp	dword PM_CODE:.wide
BITS 32
.wide:	load_all PM_DATA
	mov	eax, [esp]
	mov	[bios_return], eax
	mov	esp, [bios_stack]
	mov	eax, [bios_return]
	mov	[esp], eax
	sidt	[bios_real_idtr]
	lidt	[bios_idtr]
	ret
BITS 16

	align	8
host_idt:
	times 0x21 * 8 db 0
	dw	host_call, PM_CODE16, 0xe600, 0
host_idtr:
	dw	$ - host_idt - 1
	dd	host_idt
	align	8
ldt:	dw	0xffff, 0, 0xfa00, 0		; 7: code
	dw	0xffff, 0, 0xf200, 0		; 0Fh: data
ldt_end:
gdt:	dq	0
	PM_DESCRIPTORS
HOST_LDT	equ $ - gdt
	dw	ldt_end - ldt - 1, ldt, 0x8200, 0
gdtr:	dw	$ - gdt - 1
	dd	gdt

	fill_floppy
