; SPDX-License-Identifier: MIT
; Guests that do their worst, one per value of WHAT: what each does stands at its label.
; A minimal bzImage for the 32-bit entry point.
;   nasm -f bin -DWHAT=spin -o hostile-spin hostile.asm
BITS 32
org 0x100000 - 0x400

	times 0x1f1 db 0
	db 1			; setup_sects
	times 0x1fe - ($ - $$) db 0
	dw 0xaa55
	db 0xeb, 0x66		; jump over the header, which ends at 268h
	db "HdrS"
	dw 0x20f
	times 0x211 - ($ - $$) db 0
	db 1			; loaded high
	times 0x22c - ($ - $$) db 0
	dd 0x7fffffff
	times 0x238 - ($ - $$) db 0
	dd 255
	times 0x400 - ($ - $$) db 0

entry:
	mov	esp, 0x90000
	mov	esi, hello
	mov	dx, 0x3f8
.next:	lodsb
	test	al, al
	jz	WHAT
	out	dx, al
	jmp	.next

spin:				; for ever, interrupts off
	cli
	jmp	$

halt:				; nothing can wake it
	cli
	hlt
	jmp	halt

masked:				; as a system that uses an APIC does
	mov	al, 0xff
	out	0x21, al
	out	0xa1, al
	sti
	hlt
	jmp	masked

triple:				; no IDT at all
	lidt	[null]
	int3

ports:				; a port access at every instruction
	in	al, 0x80
	out	0x80, al
	jmp	ports

string:				; a REP of 4 G iterations, over and over
	xor	edi, edi
	mov	esi, 0x100000
	mov	ecx, 0xffffffff
	mov	edi, 0x200000
	rep	lodsb
	jmp	string

faults:				; an invalid opcode, whose handler returns to it
	mov	eax, handler
	mov	[idt + 6 * 8], ax
	mov	word [idt + 6 * 8 + 2], 0x10
	mov	word [idt + 6 * 8 + 4], 0x8e00
	shr	eax, 16
	mov	[idt + 6 * 8 + 6], ax
	lidt	[idtr]
	ud2
handler:
	iret

; Control registers, tables and model-specific registers full of nonsense.
garbage:
	rdtsc
	mov	ebx, eax
	lgdt	[hello]
	mov	ecx, ebx
	mov	eax, ebx
	lidt	[idtr_garbage]
	mov	cr3, eax
	or	eax, 0x80000001
	mov	cr0, eax
	jmp	garbage

code:				; rewrites the instruction that it executes next
	mov	ebx, target
.again:	inc	byte [ebx + 1]
target:	mov	al, 0
	jmp	code.again

hello:	db "hostile guest runs", 13, 10, 0
null:	times 6 db 0
idtr:	dw 7 * 8 - 1
	dd idt
idtr_garbage:
	dw 0xffff
	dd 0xfffffff0
	align	8
idt:	times 7 dq 0
	times 0x600 db 0
