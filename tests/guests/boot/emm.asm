; SPDX-License-Identifier: MIT
; A memory manager as EMM386 is one, as a floppy: V86 mode under paging, with a page frame at D0000h
; whose pages are switched under the program, code and data among them, through a page directory
; that maps itself; and a change of page tables, GDT, IDT, LDT and TR in one go, as VCPI does it. It
; prints lines on COM1: those of bare QEMU. Port 501h ends it.
;   nasm -f bin -o emm emm.asm
CPU 686
BITS 16
SECTORS		equ 10			; of this program

%include "tests/guests/boot/floppy.inc"
%include "tests/guests/boot/v86.inc"

DIRECTORY	equ 0x50000		; and its table for the first 4 MiB
TABLE		equ 0x51000
DIRECTORY2	equ 0x52000		; the other side of VCPI's
TABLE2		equ 0x53000
BANKS		equ 0x200000		; what the frame shows
FRAME_PAGE	equ 0xd0
SELF		equ 0xffc00000		; the tables, where the directory maps itself
USER		equ 7			; present, writable, of programs

next:
	call	make_tables
	mov	dword [v86_cr3], DIRECTORY
	mov	dword [v86_service], service
	mov	ax, program
	mov	bl, 3
	call	v86_run
	begin	"out"
	show_word [result]
	finish
	quit

make_tables:
	mov	ax, DIRECTORY >> 4
	mov	es, ax
	xor	di, di
	mov	cx, 0x4000 / 2
	xor	ax, ax
	rep	stosw
	mov	dword [es:0], TABLE | USER
	mov	dword [es:0xffc], DIRECTORY | 3
	mov	dword [es:0x2000], TABLE2 | USER
	mov	eax, USER
	mov	di, 0x1000
	mov	cx, 1024
.page:	mov	[es:di], eax
	mov	[es:di + 0x2000], eax
	add	eax, 0x1000
	add	di, 4
	loop	.page
	mov	dword [es:0x3000 + FRAME_PAGE * 4], (BANKS + 0x3000) | USER
	push	ds
	pop	es
	ret

; --- The program, in V86 mode

%macro map 2				; page of the frame, bank; both may be registers of 8 bits
	mov	bh, %1
	mov	bl, %2
	mov	ah, 0
	int	0x40
%endmacro

program:
	mov	ax, 0xd000
	mov	es, ax
	begin	"banks"				; MOV AL, n; RETF in each
	mov	cx, 4
.fill:	mov	dl, cl
	dec	dl
	map	0, dl
	mov	byte [es:0], 0xb0
	mov	[es:1], dl
	mov	byte [es:2], 0xcb
	mov	[es:0x100], cx
	loop	.fill
	xor	bp, bp
	mov	cx, 200
.call:	mov	dl, cl
	and	dl, 3
	map	0, dl
	call	0xd000:0
	movzx	ax, al
	add	bp, ax
	add	bp, [es:0x100]
	loop	.call
	show_word bp
	finish

	; A bank twice in the frame: code that is changed through the other page.
	begin	"alias"
	map	0, 1
	map	1, 1
	mov	cx, 100
	xor	bp, bp
.alias:	mov	[es:0x1001], cl
	call	0xd000:0
	movzx	ax, al
	add	bp, ax
	call	0xd100:0
	movzx	ax, al
	add	bp, ax
	loop	.alias
	show_word bp
	finish

	begin	"bios"				; the BIOS' data through V86 mode, and its screen
	mov	ah, 0x0f
	int	0x10
	show	al
	int	0x12
	cmp	ax, 600
	setae	al
	call	hex
	finish

	begin	"vcpi"				; the other side sees bank 3 at D0000h
	map	0, 2
	mov	cx, 20
	xor	bp, bp
.switch:
	mov	ah, 1
	int	0x40
	movzx	ax, al
	add	bp, ax
	call	0xd000:0
	movzx	ax, al
	add	bp, ax
	loop	.switch
	show_word bp
	finish

	; An instruction of which each page of the frame holds a half.
	begin	"across"
	map	0, 0
	map	1, 2
	mov	word [es:0xffe], 0x00b8		; MOV AX, ?? 00
	mov	word [es:0x1000], 0xcb12
	map	1, 3
	mov	word [es:0x1000], 0xcb34
	mov	cx, 60
	xor	bp, bp
.half:	mov	dl, cl
	and	dl, 1
	add	dl, 2
	map	1, dl
	call	0xd000:0xffe
	add	bp, ax
	loop	.half
	show_word bp
	finish

	begin	"read only"			; and not present: the service mends the fault
	mov	ah, 2
	int	0x40
	mov	word [es:0x200], 0x4321
	show_word [es:0x200]
	finish
	mov	[result], bp
	hlt					; traps with IOPL 3, too: back to real mode
result:	dw	0

; --- The manager

BITS 32
service:
	cmp	ah, 1
	je	.vcpi
	cmp	ah, 2
	je	.restrict
	pushad
	movzx	ecx, bh				; the entry, where the directory maps its tables
	movzx	eax, bl
	shl	eax, 12
	add	eax, BANKS | USER
	mov	[SELF + (FRAME_PAGE + ecx) * 4], eax
	test	bl, 1
	jz	.all
	lea	ecx, [ecx + FRAME_PAGE]
	shl	ecx, 12
	invlpg	[ecx]
	popad
	ret
.all:	mov	eax, cr3
	mov	cr3, eax
	popad
	ret
.restrict:
	and	dword [SELF + FRAME_PAGE * 4], ~6
	invlpg	[FRAME_PAGE << 12]
	mov	word [v86_idt + 14 * 8], fault
	ret
.vcpi:	push	ebx
	push	ecx
	mov	ebx, esp
	mov	ecx, cr3
	lgdt	[other_gdtr]
	lidt	[other_idtr]
	mov	eax, DIRECTORY2
	mov	cr3, eax
	mov	byte [other_gdt + 0x28 + 5], 0x89
	mov	ax, 0x28
	ltr	ax
	mov	ax, 0x30
	lldt	ax
	jmp	0x18:.other
.other:	mov	ax, 4				; the LDT's only segment: the frame
	mov	ds, ax
	mov	dl, [1]
	mov	ax, 0x20
	mov	ds, ax
	mov	es, ax
	mov	ss, ax
	mov	esp, ebx
	mov	cr3, ecx
	lgdt	[gdtr]
	lidt	[v86_idtr]
	mov	byte [gdt + PM_TSS + 5], 0x89
	mov	ax, PM_TSS
	ltr	ax
	xor	ax, ax
	lldt	ax
	jmp	PM_CODE:.back
.back:	mov	ax, PM_DATA
	mov	ds, ax
	mov	es, ax
	mov	ss, ax
	pop	ecx
	pop	ebx
	mov	al, dl
	ret

fault:					; #PF: the page is the program's again
	push	eax
	push	ds
	mov	ax, PM_DATA
	mov	ds, ax
	mov	eax, [esp + 8]			; a store of CPL 3 to a page that is present
	and	al, 7
	cmp	al, 7
	jne	$
	or	dword [SELF + FRAME_PAGE * 4], 6
	invlpg	[FRAME_PAGE << 12]
	pop	ds
	pop	eax
	add	esp, 4
	iretd
BITS 16

	align	8
other_gdt:
	dq	0, 0, 0
	dq	0x00cf9b000000ffff		; 18h
	dq	0x00cf93000000ffff		; 20h
	dw	103, v86_tss, 0x8900, 0		; 28h
	dw	7, other_ldt, 0x8200, 0		; 30h
other_gdtr:
	dw	$ - other_gdt - 1
	dd	other_gdt
other_idtr:
	dw	0
	dd	0
	align	8
other_ldt:
	dw	0xfff, 0, 0x930d, 0		; 4: 4 KiB at D0000h
gdt:	dq	0
	PM_DESCRIPTORS
gdtr:	dw	$ - gdt - 1
	dd	gdt

%if $ - $$ > SECTORS * 512
 %error "SECTORS is too small"
%endif
	fill_floppy
