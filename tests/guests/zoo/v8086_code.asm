; SPDX-License-Identifier: MIT
; The program that v8086.c's monitor runs in V86 mode, as a DOS program with an extender would be:
; it hooks interrupts, asks services of the monitor by INT 67h, and switches to protected mode and
; back. And the monitor's parts that C cannot say.
BITS 32
extern page_directory, zoo_gdt
global v86_go, v86_way, dos_begin, dos_end, vcpi_enter, vcpi_server
global server_gdtr, server_idtr, server_flags, tss_selector

BASE		equ 0x30000		; where it lies
RESULTS		equ 0x1800		; in the program's segment; what it may show
TICKS		equ 0x1880
SCRATCH		equ 0x1900

section .data
v86_way:	times 9 dd 0		; EIP, CS, EFLAGS, ESP, SS, ES, DS, FS, GS
server_gdtr:	dw 0
		dd 0
server_idtr:	dw 0
		dd 0
server_flags:	dd 0
tss_selector:	dd 0

section .text
v86_go:	mov	esp, v86_way
	iret

; void vcpi_enter(u32 linear): CR3, GDTR's and IDTR's addresses, LDT and TR, EIP and CS
; of the client
vcpi_enter:
	cli
	mov	esi, [esp + 4]
	mov	eax, [esi]
	mov	cr3, eax
	mov	edi, [esi + 4]
	lgdt	[edi]
	mov	edi, [esi + 8]
	lidt	[edi]
	lldt	[esi + 12]
	ltr	[esi + 14]
	jmp	far [esi + 16]

; The client's far call, AX = DE0Ch, DS flat: on its stack lies the frame of V86 mode behind the
; return address. Its tables of pages map this as the server's do.
vcpi_server:
	cli
	cmp	ax, 0xde0c
	jne	.other
	lea	ebx, [esp + 8]
	mov	eax, page_directory
	mov	cr3, eax
	lgdt	[server_gdtr]
	lidt	[server_idtr]
	mov	esi, 0x18
	mov	ss, esi
	mov	ds, esi
	mov	es, esi
	xor	eax, eax
	lldt	ax
	mov	eax, [zoo_gdt]
	mov	esi, [tss_selector]
	and	byte [eax + esi + 5], ~2	; not busy
	ltr	si
	mov	eax, [server_flags]
	mov	[ebx + 8], eax
	mov	esp, ebx
	iret
.other:	mov	edx, cr0			; DE07h: read CR0
	retf

BITS 16
dos_begin:
%define at(label) (label - dos_begin)
	mov	ax, cs
	mov	ds, ax
	cld
	xor	ax, ax
	mov	es, ax
	mov	di, RESULTS			; DI: where the next result goes
	mov	word [es:0x21 * 4], at(service)
	mov	[es:0x21 * 4 + 2], cs
	mov	word [es:0x61 * 4], at(inner)
	mov	[es:0x61 * 4 + 2], cs
	mov	word [es:8 * 4], at(tick)
	mov	[es:8 * 4 + 2], cs
	mov	word [es:1 * 4], at(step)
	mov	[es:1 * 4 + 2], cs
	mov	word [TICKS], 0

%macro result 1
	mov	ax, %1
	mov	[di], ax
	add	di, 2
%endmacro

	xor	dx, dx				; services, with CF as the answer
	mov	cx, 200
.service:
	mov	ax, cx
	clc
	int	0x21
	adc	dx, ax
	loop	.service
	result	dx

	cli					; flags
	pushf
	pop	ax
	and	ax, 0x200
	result	ax
	sti
	pushf
	pop	ax
	and	ax, 0x200
	result	ax
	xor	dx, dx
	mov	cx, 100
.flags:	mov	ax, 0x0002
	test	cl, 1
	jz	.push
	mov	ax, 0x0ed7 & ~0x100		; IF, DF, OF and the arithmetic ones
.push:	push	ax
	popf
	pushf
	pop	ax
	cld
	and	ax, 0x0ed5
	add	dx, ax
	ror	dx, 1
	loop	.flags
	result	dx
	push	cs				; IRET with each
	pop	ax
	xor	dx, dx
	mov	cx, 20
.iret:	mov	ax, 0x0202
	test	cl, 1
	jz	.image
	mov	ax, 0x08d5
.image:	push	ax
	push	cs
	push	word at(.back)
	iret
.back:	pushf
	pop	ax
	and	ax, 0x0ed5
	add	dx, ax
	ror	dx, 1
	sti
	loop	.iret
	result	dx

	mov	dx, 0x300			; a device that the monitor makes
	mov	cx, 20
	xor	bx, bx
.in:	in	al, dx
	out	dx, al
	xor	ah, ah
	add	bx, ax
	in	ax, dx
	out	dx, ax
	add	bx, ax
	in	al, 0xe8
	out	0xe9, al
	rol	bx, 1
	loop	.in
	result	bx
	in	eax, dx
	add	ax, 7
	out	dx, eax
	push	ds
	pop	es
	push	di
	mov	di, SCRATCH
	mov	cx, 10
	rep	insw
	mov	si, SCRATCH
	mov	cx, 20
	rep	outsb
	pop	di
	in	ax, dx
	result	ax
	in	al, 0x61			; one that is open
	in	al, 0x80
	out	0x80, al

	; Interrupts, waited for by asking and by HLT; none while they are off.
	mov	word [TICKS], 0
	sti
.ticks:	cmp	word [TICKS], 3
	jb	.ticks
.halt:	hlt
	cmp	word [TICKS], 6
	jb	.halt
	cli
	mov	ax, [TICKS]
	mov	bx, ax
	mov	ah, 0x80			; the monitor waits until it owes one
	int	0x67
	mov	dx, [TICKS]
	sub	dx, bx
	result	dx
	sti
	nop
	nop
	mov	dx, [TICKS]
	sub	dx, bx
	cmp	dx, 0
	setne	dl
	result	dx

	mov	word [SCRATCH], 0		; single steps
	pushf
	pop	ax
	or	ah, 1
	push	ax
	popf
	nop
	mov	ax, 1
	add	ax, bx
	xor	ax, ax
	pushf
	pop	ax
	and	ah, 0xfe
	push	ax
	popf
	mov	ax, [SCRATCH]
	result	ax

	call	ems
	call	vcpi
	int	0x20

service:				; AX: three times that, CF if odd; within it another service
	push	bp
	mov	bp, sp
	push	bx
	mov	bx, ax
	int	0x61
	add	ax, bx
	and	byte [bp + 6], ~1
	test	ax, 1
	jz	.even
	or	byte [bp + 6], 1
.even:	pop	bx
	pop	bp
	iret
inner:	sti
	shl	ax, 1
	iret
tick:	push	ds
	push	cs
	pop	ds
	inc	word [TICKS]
	pop	ds
	iret
step:	push	bp
	mov	bp, sp
	push	ax
	mov	ax, [bp + 2]			; where
	sub	ax, at(dos_begin.halt)
	add	[cs:SCRATCH], ax
	pop	ax
	pop	bp
	iret

; --- Expanded memory: AH = 44h maps BX at page AL of the frame, AH = 57h copies pages

%macro ems_map 2
	mov	ax, 0x4400 | %1
	mov	bx, %2
	int	0x67
%endmacro

ems:	push	di
	mov	ax, 0xe000
	mov	es, ax
	; Each page gets its number, and code that returns it.
	mov	cx, 32
.fill:	mov	bx, cx
	dec	bx
	mov	ax, 0x4402
	int	0x67
	mov	byte [es:0x8000], 0xb8		; MOV AX, n; RETF
	mov	[es:0x8001], bx
	mov	byte [es:0x8003], 0xcb
	mov	[es:0xbffe], bx
	loop	.fill
	xor	bp, bp
	mov	cx, 100
.walk:	mov	bx, cx
	and	bx, 31
	mov	ax, 0x4400
	int	0x67
	xor	bx, 9
	mov	ax, 0x4403
	int	0x67
	call	0xe000:0			; both hold code
	add	bp, ax
	call	0xec00:0
	shl	ax, 1
	add	bp, ax
	add	bp, [es:0x3ffe]
	rol	bp, 1
	loop	.walk
	; One page at two places: code is changed through the other.
	ems_map	0, 5
	ems_map	1, 5
	mov	cx, 50
.alias:	mov	[es:0x4001], cx
	call	0xe000:0
	add	bp, ax
	mov	[es:0x0001], bp
	call	0xe400:0
	add	bp, ax
	loop	.alias
	ems_map	0, 1				; a string over four pages of the frame
	ems_map	1, 3
	ems_map	2, 5
	ems_map	3, 7
	push	ds
	mov	si, 0x3f00
	mov	di, 0x3f00
	push	es
	pop	ds
	mov	cx, 0x4200
.copy:	lodsb
	add	al, cl
	stosb
	loop	.copy
	pop	ds
	ems_map	0, 5
	mov	cx, 0x1000
	xor	si, si
.sum:	add	bp, [es:si]
	rol	bp, 1
	add	si, 2
	loop	.sum
	pop	di
	push	ds
	pop	es
	result	bp
	ret

; --- As VCPI: AX = DE01h puts three descriptors for the server's segments at DS:SI and says its
; --- entry in EBX; AX = DE0Ch switches

CLIENT_CODE	equ 8
CLIENT_DATA	equ 0x10
CLIENT_FLAT	equ 0x18
SERVER_CODE	equ 0x20			; and the two behind
CLIENT_TSS	equ 0x38
CLIENT_LDT	equ 0x40
LDT_DATA	equ 4

vcpi:	push	di
	mov	si, at(client_gdt) + SERVER_CODE
	mov	ax, 0xde01
	int	0x67
	mov	[at(server_entry)], ebx
	mov	word [at(server_entry) + 4], SERVER_CODE
	mov	[at(client_cr3)], edx
	xor	eax, eax			; tables by linear address
	mov	ax, cs
	shl	eax, 4
	mov	[at(client_base)], eax
	lea	ebx, [eax + at(client_gdt)]
	mov	[at(client_gdtr) + 2], ebx
	lea	ebx, [eax + at(client_idt)]
	mov	[at(client_idtr) + 2], ebx
	lea	ebx, [eax + at(client_gdtr)]
	mov	[at(switch) + 4], ebx
	lea	ebx, [eax + at(client_idtr)]
	mov	[at(switch) + 8], ebx
	mov	edx, [at(client_cr3)]
	mov	[at(switch)], edx
	mov	bx, CLIENT_CODE
	call	.base
	mov	bx, CLIENT_DATA
	call	.base
	lea	eax, [eax + at(client_tss)]
	mov	bx, CLIENT_TSS
	call	.base
	sub	eax, at(client_tss) - at(client_ldt)
	mov	bx, CLIENT_LDT
	call	.base
	mov	[at(client_return)], sp
	mov	[at(client_return) + 4], ss
	mov	dword [at(client_count)], 20	; registers are lost
.switch:
	mov	byte [at(client_gdt) + CLIENT_TSS + 5], 0x89
	mov	esi, [at(client_base)]
	add	esi, at(switch)
	mov	ax, 0xde0c
	int	0x67
.never:	jmp	.never
.back:	mov	ax, cs				; in V86 mode again
	mov	ds, ax
	add	[at(client_count) + 2], dx
	dec	word [at(client_count)]
	jnz	.switch
	pop	di
	result	[at(client_count) + 2]
	push	ds
	pop	es
	ret
.base:	mov	[at(client_gdt) + bx + 2], ax
	push	eax
	shr	eax, 16
	mov	[at(client_gdt) + bx + 4], al
	pop	eax
	ret

BITS 32
client:	mov	ax, CLIENT_DATA
	mov	ds, ax
	mov	es, ax
	mov	ss, ax
	mov	esp, at(client_stack)
	mov	ax, CLIENT_FLAT
	mov	fs, ax
	mov	ax, LDT_DATA
	mov	gs, ax
	mov	edx, [fs:0x00c00000]		; a page that only these tables have
	inc	dword [fs:0x00c00000]
	add	edx, [gs:0]
	int	0x30				; its own gate
	push	ecx
	mov	ecx, 50
.work:	rol	edx, 3
	add	edx, ecx
	mov	[fs:0x00c00000 + ecx * 4], edx
	loop	.work
	mov	eax, cr3
	mov	cr3, eax
	pop	ecx
	movzx	edx, dx
	xor	edx, [fs:0x00c00000 + 4 * 25]
	mov	ax, CLIENT_FLAT			; as the server wants it
	mov	ds, ax
	mov	ss, ax
	mov	eax, [fs:BASE + at(client_base)]
	lea	esp, [eax + at(client_stack)]
	lea	ebx, [eax + at(server_entry)]
	mov	ax, 0xde07
	push	edx
	call	far [ebx]
	and	edx, 1
	pop	eax
	add	edx, eax
	xor	eax, eax
	push	eax				; GS, FS, DS, ES
	push	eax
	push	eax
	push	eax
	push	dword [fs:BASE + at(client_return) + 4]	; SS
	push	dword [fs:BASE + at(client_return)]
	push	eax				; EFLAGS are the server's
	push	dword BASE >> 4
	push	dword at(vcpi.back)
	mov	ax, 0xde0c
	call	far [ebx]
client_gate:				; INT 30h
	add	edx, 0x100
	iret

	align	8
client_gdt:
	dq	0
	dw	0xffff, 0, 0x9a00, 0x40		; CLIENT_CODE
	dw	0xffff, 0, 0x9200, 0x40
	dw	0xffff, 0, 0x9200, 0xcf
	dq	0, 0, 0				; the server's
	dw	0x67, 0, 0x8900, 0
	dw	0x07, 0, 0x8200, 0
client_gdtr:
	dw	$ - client_gdt - 1
	dd	0
	align	8
client_idt:
	times 0x30 dq 0
	dw	at(client_gate), CLIENT_CODE, 0x8e00, 0
client_idtr:
	dw	$ - client_idt - 1
	dd	0
	align	8
client_ldt:
	dw	0xfff, 0x0000, 0x92c0, 0	; LDT_DATA: C00000h
client_tss:
	times 26 dd 0
switch:	dd	0, 0, 0
	dw	CLIENT_LDT, CLIENT_TSS
	dd	at(client)
	dw	CLIENT_CODE, 0
server_entry:
	dd	0
	dw	0, 0
client_base:	dd 0
client_cr3:	dd 0
client_count:	dw 0, 0			; and the sum
client_return:	dd 0, 0			; SP, SS
	times 64 dd 0
client_stack:
dos_end:
