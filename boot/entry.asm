; SPDX-License-Identifier: MIT
;
; First instructions: from the boot loader's 32-bit protected mode to 64-bit C in the high half.
;
; 1. Multiboot 1 and 2 headers.
; 2. Is this a CPU that we can use?
; 3. If not: one line on COM1 and on the VGA text screen, and halt.
; 4. Page tables for the first 4 GiB, three times: at 0 (for this file only), in the direct map, and
;    (1 GiB of it) at the image's own address.
; 5. Long mode, high half, stack, boot_main(magic, info).
;
; The multiboot 1 header carries load addresses (flag bit 16): QEMU's -kernel refuses a 64-bit ELF
; file otherwise. The file is therefore laid out as one flat piece from LOAD_ADDRESS to the end of
; .data (boot/check-image proves it at link time).

extern image_load_start, image_load_end, image_bss_end	; physical, from the linker script
extern boot_tables_phys, boot_stack_phys
extern boot_main, percpu_boot_stack

%include "offsets.inc"

; --- 1. Headers -----------------------------------------------------------------------------------

section .boot.header progbits alloc noexec nowrite align=8

; Modules on page boundaries, memory map, address fields.
MB1_FLAGS	equ (1 << 0) | (1 << 1) | (1 << 16)
mb1_header:
	dd	0x1badb002
	dd	MB1_FLAGS
	dd	-(0x1badb002 + MB1_FLAGS)
	dd	mb1_header
	dd	image_load_start
	dd	image_load_end
	dd	image_bss_end
	dd	boot_entry32

	align	8
mb2_header:
	dd	0xe85250d6, 0, mb2_end - mb2_header
	dd	-(0xe85250d6 + mb2_end - mb2_header)
	align	8
	dw	4, 1			; console flags, optional: EGA text is understood
	dd	12, 2
	align	8
	; Frame buffer, optional: wanted where there is no text mode (UEFI).
	dw	5, 1
	dd	20, 1024, 768, 32
	align	8
	dw	6, 0			; modules on page boundaries
	dd	8
	align	8
	dw	0, 0
	dd	8
mb2_end:

; --- 2. Checks, 32-bit ----------------------------------------------------------------------------

BITS 32
section .boot.text progbits alloc exec nowrite align=16

global boot_entry32
boot_entry32:
	cli
	cld
	mov	esp, boot_stack_phys
	mov	edi, eax		; magic
	mov	esi, ebx		; information structure

	mov	ebp, text_loader
	cmp	edi, 0x2badb002
	je	.loader_known
	cmp	edi, 0x36d76289
	jne	fail
.loader_known:
	mov	ebp, text_long_mode	; without CPUID there is no long mode either
	pushfd
	pop	eax
	mov	ecx, eax
	xor	eax, 1 << 21		; EFLAGS.ID
	push	eax
	popfd
	pushfd
	pop	eax
	cmp	eax, ecx
	je	fail
	mov	eax, 0x80000000
	cpuid
	cmp	eax, 0x80000001
	jb	fail
	mov	eax, 0x80000001
	cpuid
	bt	edx, 29			; LM
	jnc	fail
	mov	ebp, text_lahf
	; The first 64-bit processors lack it; translated code saves flags so.
	bt	ecx, 0
	jnc	fail
	mov	ebp, text_sse2
	mov	eax, 1
	cpuid
	bt	edx, 24			; FXSR
	jnc	fail
	bt	edx, 26			; SSE2
	jnc	fail
	jmp	build_tables

; --- 3. Giving up ---------------------------------------------------------------------------------

; ebp: the reason, a string
fail:
	mov	dx, 0x3f8 + 3		; 115200 baud, 8N1, FIFO on
	mov	al, 0x80
	out	dx, al
	mov	dx, 0x3f8
	mov	al, 1
	out	dx, al
	inc	edx
	xor	eax, eax
	out	dx, al
	mov	dx, 0x3f8 + 3
	mov	al, 3
	out	dx, al
	mov	edi, 0xb8000
	mov	ebx, text_prefix
	call	fail_print
	mov	ebx, ebp
	call	fail_print
	mov	ebx, text_newline
	call	fail_print
.halt:
	hlt
	jmp	.halt

fail_print:
	mov	al, [ebx]
	inc	ebx
	test	al, al
	jz	.done
	mov	ah, al
	; A port without a UART never gets ready: do not wait for ever.
	mov	ecx, 100000
	mov	dx, 0x3f8 + 5
.wait:
	in	al, dx
	test	al, 0x20
	loopz	.wait
	mov	al, ah
	mov	dx, 0x3f8
	out	dx, al
	cmp	al, ' '
	jb	fail_print
	mov	ah, 0x4f		; white on red
	mov	[edi], ax
	add	edi, 2
	jmp	fail_print
.done:
	ret

text_prefix:	db	"Ringleader cannot run here: ", 0
text_loader:	db	"it was not started by a Multiboot 1 or 2 boot loader", 0
text_long_mode:	db	"this processor has no 64-bit (long) mode", 0
text_lahf:	db	"this processor lacks LAHF and SAHF in 64-bit mode", 0
text_sse2:	db	"this processor lacks SSE2 or FXSAVE", 0
text_newline:	db	13, 10, 0

; --- 4. Page tables -------------------------------------------------------------------------------

; boot_tables: PML4, PDPT of the first 4 GiB, PDPT of the image, four page directories of
; 2 MiB pages. All zero so far.
PML4		equ 0
PDPT_LOW	equ 4096
PDPT_IMAGE	equ 8192
DIRECTORIES	equ 12288

build_tables:
	mov	ebx, boot_tables_phys
	lea	eax, [ebx + PDPT_LOW + 3]
	mov	[ebx + PML4 + 0 * 8], eax
	mov	[ebx + PML4 + 256 * 8], eax
	lea	eax, [ebx + PDPT_IMAGE + 3]
	mov	[ebx + PML4 + 511 * 8], eax
	lea	eax, [ebx + DIRECTORIES + 3]
	mov	[ebx + PDPT_IMAGE + 510 * 8], eax
	xor	ecx, ecx
.next_gib:
	mov	[ebx + PDPT_LOW + ecx * 8], eax
	add	eax, 4096
	inc	ecx
	cmp	ecx, 4
	jb	.next_gib
	mov	eax, 0x83		; present, writable, 2 MiB
	xor	ecx, ecx
.next_page:
	mov	[ebx + DIRECTORIES + ecx * 8], eax
	add	eax, 0x200000
	inc	ecx
	cmp	ecx, 2048
	jb	.next_page

; --- 5. Long mode ---------------------------------------------------------------------------------

	mov	eax, 1 << 5		; CR4 = PAE
	mov	cr4, eax
	mov	cr3, ebx
	mov	ecx, 0xc0000080		; EFER = LME: no SCE, whatever the firmware left
	mov	eax, 1 << 8
	xor	edx, edx
	wrmsr
	mov	eax, 0x80010033		; PG WP NE ET MP PE
	mov	cr0, eax
	lgdt	[boot_gdtr]
	jmp	8:long_mode

	align	8
boot_gdt:
	dq	0
	dq	0x00af9b000000ffff	; 64-bit code
	dq	0x00cf93000000ffff	; data
boot_gdtr:
	dw	boot_gdtr - boot_gdt - 1
	dq	boot_gdt

BITS 64
long_mode:
	mov	rax, high_half
	jmp	rax

section .text
high_half:
	mov	eax, 16
	mov	ds, eax
	mov	es, eax
	mov	fs, eax
	mov	gs, eax
	mov	ss, eax
	mov	rsp, percpu_boot_stack + PERCPU_STACK_SIZE
	xor	ebp, ebp		; the end of every backtrace
	mov	edi, edi
	mov	esi, esi
	push	0			; nobody called it: debuggers look no further
	jmp	boot_main

section .bss nobits alloc noexec write align=4096
global boot_tables, boot_stack
boot_tables:
	resb	7 * 4096
	resb	256
boot_stack:
