; SPDX-License-Identifier: MIT
; A boot sector, for docs/gdb.md: it loads a kernel and enters it in protected mode, no more.
CPU 586
BITS 16
extern kernel, page_fault
global boot, page_fault_entry

section .boot progbits alloc exec write
boot:	jmp	0:begin			; some BIOSes come by 07C0h:0
begin:	xor	ax, ax
	mov	ds, ax
	mov	es, ax
	mov	ss, ax
	mov	sp, boot
	mov	ax, 0x200 + SECTORS	; INT 13h, read: from sector 2 of track 0 on
	mov	bx, boot + 512
	mov	cx, 2
	mov	dh, 0
	int	0x13
	jc	$
protect:
	cli
	lgdt	[gdtr]
	mov	eax, cr0
	or	al, 1
	mov	cr0, eax
	jmp	dword 8:wide

BITS 32
wide:	mov	ax, 16
	mov	ds, ax
	mov	es, ax
	mov	ss, ax
	mov	esp, boot
	call	kernel
	hlt

	align	8
gdt:	dq	0
	dq	0x00cf9b000000ffff	; code, 4 GiB
	dq	0x00cf93000000ffff	; data
gdtr:	dw	gdtr - gdt - 1
	dd	gdt
	times	510 - ($ - $$) db 0
	dw	0xaa55

section .text
; The processor has pushed an error code.
page_fault_entry:
	pusha
	mov	eax, cr2
	push	eax
	call	page_fault
	pop	eax
	popa
	add	esp, 4
	iret
