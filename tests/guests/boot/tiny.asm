; SPDX-License-Identifier: MIT
; A kernel that starts as teaching kernels do, as a floppy: a GDT at an odd address and no IDT at
; first, 4 MiB pages that map it low and at 2 GiB, the low ones dropped, 8259s moved to 20h, the PIT
; at 100 Hz that switches two programs by their task states, each with its LDT and system calls by
; INT 80h, as Linux 0.01 did; scan codes by IRQ 1 and text on COM1 by IRQ 4. It prints lines on
; COM1: those of bare QEMU. Port 501h ends it.
;   nasm -f bin -o tiny tiny.asm
CPU 686
BITS 16
SECTORS		equ 9			; of this program

%include "tests/guests/boot/floppy.inc"

HIGH		equ 0x80000000
DIRECTORY	equ 0x11000
KERNEL_CODE	equ 8
KERNEL_DATA	equ 0x10
TASK_KERNEL	equ 0x18
TASK_A		equ 0x20
TASK_B		equ 0x28
LDT_A		equ 0x30
LDT_B		equ 0x38
USER_CODE	equ 0xf			; of each LDT
USER_DATA	equ 0x17
KERNEL_STACK	equ HIGH + 0x7000
ENOUGH		equ 20			; calls of each program
LINE_CONTROL	equ COM1 + 3

next:	cli
	lgdt	[gdtr]
	lidt	[no_idt]
	mov	eax, cr0
	or	al, 1
	mov	cr0, eax
	jmp	dword KERNEL_CODE:start32
BITS 32
start32:
	mov	ax, KERNEL_DATA
	mov	ds, eax
	mov	es, eax
	mov	ss, eax
	mov	fs, eax
	mov	gs, eax
	mov	esp, 0x7000
	xor	eax, eax			; A20, as Linux looks for it
.a20:	inc	eax
	mov	[0], eax
	cmp	eax, [0x100000]
	je	.a20
	mov	edi, DIRECTORY
	mov	ecx, 1024
	xor	eax, eax
	rep	stosd
	mov	dword [DIRECTORY], 0x87		; 4 MiB, programs' too
	mov	dword [DIRECTORY + (HIGH >> 22) * 4], 0x87
	mov	eax, cr4
	or	eax, 0x10
	mov	cr4, eax
	mov	eax, DIRECTORY
	mov	cr3, eax
	mov	eax, cr0
	or	eax, 0x80010000			; PG, WP
	mov	cr0, eax
	mov	eax, HIGH + .high
	jmp	eax
.high:	mov	esp, KERNEL_STACK
	lgdt	[HIGH + gdtr_high]
	mov	dword [HIGH + DIRECTORY], 0	; the low map goes
	mov	eax, cr3
	mov	cr3, eax
	mov	esi, HIGH + text_high
	call	print
	jmp	main

; What follows runs at 2 GiB: labels are low, hi() is where they are.
%define hi(label) (HIGH + (label))

main:	mov	edi, hi(idt)			; IDT, filled now
	mov	ecx, 0x81
.gate:	mov	eax, hi(unexpected)
	call	set_gate
	loop	.gate
	mov	edi, hi(idt) + 0x20 * 8
	mov	eax, hi(timer)
	call	set_gate
	mov	eax, hi(keyboard)
	call	set_gate
	mov	edi, hi(idt) + 0x24 * 8
	mov	eax, hi(serial)
	call	set_gate
	mov	edi, hi(idt) + 0x80 * 8
	mov	eax, hi(system_call)
	call	set_gate
	or	byte [hi(idt) + 0x80 * 8 + 5], 0x60
	lidt	[hi(idtr)]
	mov	esi, hi(pic_words)		; 8259s
	mov	ecx, 10
.pic:	movzx	edx, byte [esi]
	mov	al, [esi + 1]
	out	dx, al
	add	esi, 2
	loop	.pic
	mov	al, 0x36			; PIT: 100 Hz
	out	0x43, al
	mov	ax, 11932
	out	0x40, al
	mov	al, ah
	out	0x40, al

	call	keys
	call	interrupt_text
	mov	ax, TASK_KERNEL
	ltr	ax
	mov	al, 0xfe			; the timer alone
	out	0x21, al
	jmp	TASK_A:0			; until both programs have called enough
after:	mov	esi, hi(text_tasks)
	call	print
	cmp	dword [hi(switches)], 2
	setae	al
	call	digit
	mov	al, [hi(wrong)]
	call	digit
	mov	esi, hi(text_done)
	call	print
	mov	dx, EXIT
	mov	al, 0
	out	dx, al
	jmp	$

set_gate:				; at EDI, which goes on
	mov	[edi], ax
	mov	word [edi + 2], KERNEL_CODE
	shr	eax, 16
	mov	word [edi + 4], 0x8e00
	mov	[edi + 6], ax
	add	edi, 8
	ret

; --- Scan codes, put into the keyboard's output by the controller's command D2h

keys:	mov	esi, hi(text_keys)
	call	print
	mov	al, 0xfd
	out	0x21, al
	mov	esi, hi(scan_codes)
	mov	ecx, 6
.key:	call	.ready
	mov	al, 0xd2
	out	0x64, al
	call	.ready
	mov	eax, [hi(key_count)]
	mov	edx, eax
	mov	al, [esi]
	inc	esi
	out	0x60, al
	sti
.wait:	cmp	edx, [hi(key_count)]
	je	.wait
	cli
	loop	.key
	mov	esi, hi(key_text)
	call	print
	jmp	end_line32
.ready:	in	al, 0x64
	test	al, 2
	jnz	.ready
	ret
keyboard:
	push	eax
	push	ebx
	in	al, 0x60
	movzx	ebx, al
	test	al, 0x80
	jnz	.up
	mov	al, [hi(key_map) + ebx]
	mov	ebx, [hi(key_at)]
	mov	[hi(key_text) + ebx], al
	inc	dword [hi(key_at)]
.up:	inc	dword [hi(key_count)]
	mov	al, 0x20
	out	0x20, al
	pop	ebx
	pop	eax
	iret

; --- Text by interrupts of the transmitter

interrupt_text:
	mov	al, 0xef
	out	0x21, al
	mov	dx, COM1 + 4			; OUT2 lets interrupts through
	mov	al, 0x0b
	out	dx, al
	mov	dword [hi(text_at)], hi(text_serial)
	mov	dx, COM1 + 1
	mov	al, 2
	out	dx, al
.wait:	sti
	hlt
	cli
	cmp	byte [hi(text_sent)], 0
	je	.wait
	mov	dx, COM1 + 1
	mov	al, 0
	out	dx, al
	ret
serial:	push	eax
	push	edx
	push	esi
	mov	dx, COM1 + 2
	in	al, dx
	test	al, 1
	jnz	.none
	mov	esi, [hi(text_at)]
	mov	al, [esi]
	test	al, al
	jz	.end
	inc	dword [hi(text_at)]
	mov	dx, COM1
	out	dx, al
	jmp	.none
.end:	mov	byte [hi(text_sent)], 1
	mov	dx, COM1 + 1
	out	dx, al				; 0: no more
.none:	mov	al, 0x20
	out	0x20, al
	pop	esi
	pop	edx
	pop	eax
	iret

; --- Two programs by turns

timer:	push	eax
	push	ds
	mov	ax, KERNEL_DATA
	mov	ds, eax
	mov	al, 0x20
	out	0x20, al
	inc	dword [hi(switches)]
	cmp	dword [hi(calls)], ENOUGH
	jb	.on
	cmp	dword [hi(calls) + 4], ENOUGH
	jae	.out
.on:	str	ax
	cmp	ax, TASK_A
	je	.to_b
	jmp	TASK_A:0
	jmp	.back
.to_b:	jmp	TASK_B:0
.back:	pop	ds
	pop	eax
	iret
.out:	mov	esp, KERNEL_STACK
	mov	ax, KERNEL_DATA
	mov	es, eax
	mov	ss, eax
	jmp	after
system_call:				; EAX: what the program has counted; ECX: which one it is
	push	ds
	push	edx
	mov	dx, KERNEL_DATA
	mov	ds, edx
	inc	dword [hi(calls) + ecx * 4]
	cmp	eax, [hi(calls) + ecx * 4]
	je	.right
	mov	byte [hi(wrong)], 1
.right:	pop	edx
	pop	ds
	iret
unexpected:
	mov	esi, hi(text_failed32)
	call	print
	cli
	hlt

; Of 32 bits, at CPL 0
put32:	push	edx
	push	eax
	mov	dx, COM1 + 5
.wait:	in	al, dx
	test	al, 0x20
	jz	.wait
	pop	eax
	mov	dx, COM1
	out	dx, al
	pop	edx
	ret
print:	lodsb
	test	al, al
	jz	.end
	call	put32
	jmp	print
.end:	ret
digit:	add	al, '0'
	jmp	put32
end_line32:
	mov	al, 10
	jmp	put32

; The programs: their segments begin at 2 GiB + program, and DS:0 counts
program:
	xor	ecx, ecx
.count:	inc	dword [counter - program]
	mov	eax, [counter - program]
	add	ebx, eax
	rol	ebx, 3
	int	0x80
	jmp	.count
counter: dd	0
program_b:
	mov	ecx, 1
.count:	add	dword [counter_b - program_b], 1
	mov	eax, [counter_b - program_b]
	push	eax
	int	0x80
	pop	eax
	jmp	.count
counter_b: dd	0

text_high:	db "high", 10, 0
text_keys:	db "keys ", 0
text_serial:	db "text by interrupts", 10, 0
text_tasks:	db "tasks ", 0
text_done:	db 10, "done", 10, 0
text_failed32:	db "unexpected", 10, 0
pic_words:	db 0x20, 0x11, 0xa0, 0x11, 0x21, 0x20, 0xa1, 0x28
		db 0x21, 4, 0xa1, 2, 0x21, 1, 0xa1, 1, 0x21, 0xff, 0xa1, 0xff
scan_codes:	db 0x23, 0xa3, 0x17, 0x97, 0x1c, 0x9c ; H, I, Enter, down and up
key_map:	times 0x17 db '?'
		db	'i'
		times 0x1c - 0x18 db '?'
		db	'.'
		times 0x23 - 0x1d db '?'
		db	'h'
		times 0x80 - 0x24 db '?'
key_text:	times 16 db 0
key_at:		dd 0
key_count:	dd 0
text_at:	dd 0
text_sent:	db 0
wrong:		db 0
	align	4
switches:	dd 0
calls:		dd 0, 0

%macro segment_ 3			; base, type, flags and high bits of the limit
	dw	0xffff, (%1) & 0xffff
	db	((%1) >> 16) & 0xff, %2, %3, (%1) >> 24
%endmacro
%macro system_ 3			; base, limit, type
	dw	%2, (%1) & 0xffff
	db	((%1) >> 16) & 0xff, %3, 0, (%1) >> 24
%endmacro
	align	2
	db	0				; an odd address
gdt:	dq	0
	segment_ 0, 0x9a, 0xcf
	segment_ 0, 0x92, 0xcf
%define HIGH_TASK_K	(0x80000000 + task_kernel - $$ + 0x7c00)
%define HIGH_TASK_A	(0x80000000 + task_a - $$ + 0x7c00)
%define HIGH_TASK_B	(0x80000000 + task_b - $$ + 0x7c00)
%define HIGH_LDT_A	(0x80000000 + ldt_a - $$ + 0x7c00)
%define HIGH_LDT_B	(0x80000000 + ldt_b - $$ + 0x7c00)
	system_ HIGH_TASK_K, 103, 0x89
	system_ HIGH_TASK_A, 103, 0x89
	system_ HIGH_TASK_B, 103, 0x89
	system_ HIGH_LDT_A, 23, 0x82
	system_ HIGH_LDT_B, 23, 0x82
gdt_end:
gdtr:	dw	gdt_end - gdt - 1
	dd	gdt
gdtr_high:
	dw	gdt_end - gdt - 1
	dd	hi(gdt)
no_idt:	dw	0
	dd	0
idtr:	dw	0x81 * 8 - 1
	dd	hi(idt)
%define HIGH_PROGRAM_A	(0x80000000 + program - $$ + 0x7c00)
%define HIGH_PROGRAM_B	(0x80000000 + program_b - $$ + 0x7c00)
ldt_a:	dq	0
	segment_ HIGH_PROGRAM_A, 0xfa, 0x40
	segment_ HIGH_PROGRAM_A, 0xf2, 0x40
ldt_b:	dq	0
	segment_ HIGH_PROGRAM_B, 0xfa, 0x40
	segment_ HIGH_PROGRAM_B, 0xf2, 0x40

	align	4
task_kernel:
	times	26 dd 0
%macro task_ 3				; LDT, stack of CPL 0, of CPL 3
	dd	0, %2, KERNEL_DATA, 0, 0, 0, 0
	dd	DIRECTORY, 0, 0x202		; CR3, EIP, EFLAGS
	dd	0, 0, 0, 0, %3, 0, 0, 0
	dd	USER_DATA, USER_CODE, USER_DATA, USER_DATA, USER_DATA, USER_DATA, %1
	dw	0, 104
%endmacro
task_a:	task_	LDT_A, HIGH + 0x6000, 0x4000
task_b:	task_	LDT_B, HIGH + 0x6800, 0x5000
	align	8
idt:						; in memory that nobody needs, behind the program
%if $ - $$ + 0x81 * 8 > SECTORS * 512
 %error "SECTORS is too small"
%endif
	fill_floppy
