; SPDX-License-Identifier: MIT
; The BIOS' own entries of protected mode, as a floppy: BIOS32 with the PCI BIOS, as Linux
; 2.x called it, and APM by its entries of 16 and 32 bits. It prints lines on COM1: those of
; bare QEMU. Port 501h ends it.
;   nasm -f bin -o entries entries.asm
CPU 686
BITS 16
SECTORS		equ 5			; of this program

%include "tests/guests/boot/floppy.inc"
%include "tests/guests/boot/pm16.inc"

next:	call	bios32
	call	apm
	quit

; --- BIOS32: its directory's entry tells the PCI BIOS' one

bios32:	mov	ax, 0xe000
	mov	es, ax
.look:	xor	di, di
	mov	cx, 0x1000
.at:	cmp	dword [es:di], '_32_'
	je	.found
	add	di, 16
	loop	.at
	mov	ax, es
	add	ax, 0x1000
	mov	es, ax
	jnz	.look
	begin	"no BIOS32"
	finish
	jmp	.out
.found:	mov	eax, [es:di + 4]
	mov	[entry], eax
	mov	[saved_sp], sp
	call	enter
	jmp	CODE32:.wide
BITS 32
.wide:	mov	ax, FLAT
	mov	ds, eax
	mov	es, eax
	mov	ss, eax
	movzx	esp, sp
	mov	eax, '$PCI'
	xor	ebx, ebx
	call	.far
	mov	[service], al
	add	ebx, edx			; EBX: base, EDX: entry within it
	mov	[entry], ebx
	mov	eax, 0xb101			; is it there?
	call	.far
	mov	[pci_there], eax
	mov	[pci_mark], edx
	mov	eax, 0xb10a			; the host bridge's id
	xor	ebx, ebx
	xor	edi, edi
	call	.far
	mov	[pci_id], ecx
	mov	eax, 0xb103			; an ISA bridge by its class
	mov	ecx, 0x060100
	xor	esi, esi
	call	.far
	mov	[pci_isa], bx
	mov	[pci_isa + 2], ax
	jmp	CODE0:.done
.far:	push	cs				; as a far call of a near address
	call	.near
	ret
.near:	jmp	[entry]
BITS 16
.done:	mov	ax, DATA0
	mov	ss, ax
	mov	sp, [saved_sp]
	call	leave_
	sti
	begin	"bios32"
	show	[service]
	mov	ax, [pci_there]
	and	ax, 0xff00
	call	word_
	show_word [pci_mark]
	show_word [pci_mark + 2]
	show_word [pci_id]
	show_word [pci_id + 2]
	show_word [pci_isa]
	show	[pci_isa + 3]
	finish
.out:	xor	ax, ax
	mov	es, ax
	ret

; --- APM, by its entries of 16 and of 32 bits

apm:	begin	"apm"
	mov	ax, 0x5300
	xor	bx, bx
	int	0x15
	call	flag
	call	word_
	show_word bx
	finish
	begin	"apm of 16 bits"
	mov	ax, 0x5302
	xor	bx, bx
	int	0x15
	call	flag
	jc	.no16
	mov	[apm_entry], ebx
	mov	word [apm_entry + 2], APM_CODE16
	mov	bx, APM_CODE16
	call	set_base
	mov	ax, cx
	mov	bx, APM_DATA
	call	set_base
	mov	[saved_sp], sp
	call	enter
	mov	ax, APM_DATA
	mov	ds, ax
	mov	ax, 0x530e			; the driver is of version 1.2
	xor	bx, bx
	mov	cx, 0x0102
	call	far [cs:apm_entry]
	mov	bx, DATA0
	mov	ds, bx
	mov	[apm_version], ax
	pushf
	pop	word [flags]
	call	leave_
	sti
	show_word [apm_version]
	mov	ax, [flags]
	and	ax, 1
	call	word_
	mov	ax, 0x5304
	xor	bx, bx
	int	0x15
	call	flag
.no16:	finish
	begin	"apm of 32 bits"
	mov	ax, 0x5303
	xor	bx, bx
	int	0x15
	call	flag
	jc	.no32
	mov	[apm_entry], ebx
	mov	word [apm_entry + 4], APM_CODE32
	mov	bx, APM_CODE32
	call	set_base
	mov	ax, cx
	mov	bx, APM_CODE16
	call	set_base
	mov	ax, dx
	mov	bx, APM_DATA
	call	set_base
	mov	[saved_sp], sp
	call	enter
	jmp	CODE32:.wide
BITS 32
.wide:	movzx	esp, sp
	mov	ax, FLAT
	mov	ss, eax
	mov	ax, APM_DATA
	mov	ds, eax
	mov	eax, 0x530e
	xor	ebx, ebx
	mov	ecx, 0x0102
	call	far [cs:apm_entry]
	setc	bl
	mov	cx, FLAT
	mov	ds, ecx
	mov	[apm_version], ax
	mov	[flags], bl
	jmp	CODE0:.done
BITS 16
.done:	mov	ax, DATA0
	mov	ss, ax
	call	leave_
	sti
	show_word [apm_version]
	show	[flags]
	mov	ax, 0x5304
	xor	bx, bx
	int	0x15
	call	flag
.no32:	finish
	ret
set_base:				; of descriptor BX: segment AX
	push	eax
	movzx	eax, ax
	shl	eax, 4
	mov	[gdt + bx + 2], ax
	shr	eax, 16
	mov	[gdt + bx + 4], al
	pop	eax
	ret

; --- Data

flags:		dw 0
service:	db 0
	align	4
entry:		dd 0
pci_there:	dd 0
pci_mark:	dd 0
pci_id:		dd 0
pci_isa:	dw 0, 0
apm_entry:	dd 0
		dw 0, 0
apm_version:	dw 0

	align	8
gdt:	BASE_DESCRIPTORS
APM_CODE32 equ $ - gdt				; these three in a row
	dw	0xffff, 0, 0x9a00, 0x40
APM_CODE16 equ $ - gdt
	dw	0xffff, 0, 0x9a00, 0
APM_DATA equ $ - gdt
	dw	0xffff, 0, 0x9200, 0
gdtr:	dw	$ - gdt - 1
	dd	gdt
idtr:	dw	0			; none: interrupts are off
	dd	0

%if $ - $$ > SECTORS * 512
 %error "SECTORS is too small"
%endif
	fill_floppy
