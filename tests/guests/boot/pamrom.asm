; SPDX-License-Identifier: MIT
; A firmware of our own, 128 KiB, that attacks the switching of memory by the PAM registers: what
; each view holds, code that is switched under itself and under its caller (16 and 32 bits), page
; tables that are switched, DMA into switched memory, A20, and every way back to the reset
; vector. Lines go to COM1. They are those of bare QEMU (-bios), but for lines that begin with
; two blanks. Port 501h ends it.
;   nasm -f bin -o pamrom pamrom.asm
CPU 686

PCI_ADDRESS	equ 0xcf8
PCI_DATA	equ 0xcfc
EXIT		equ 0x501
STAGE		equ 0x50		; in CMOS: how often it has started
ROUNDS		equ 64
ROM		equ 0xfffe0000		; where the ROM is seen whatever PAM says
LOW_CODE	equ 0x8000		; routines copied to RAM that nothing switches
REQUEST		equ 0x9000		; fw_cfg's
DIRECTORY	equ 0x10000

; --- E0000h: what the ROM shows of the parts there ------------------------------------------------

section .low start=0 vstart=0xe0000 align=1
	times 0xe4000 - 0xe0000 db 0
far16:	mov	al, 'o'			; E400:0000
	retf
BITS 32
	times 0xe4010 - 0xe0000 - ($ - $$) db 0
near32:	mov	eax, 'o'		; E4010h
	ret
	times 0xe8000 - 0xe0000 - ($ - $$) db 0
	times 0x1000 db 0x52		; E8000h
	; E9000h: a page table. Page 30h is at 21000h; in RAM it will be at 22000h.
%assign page 0
%rep 1024
 %if page == 0x30
	dd	0x21063
 %else
	dd	page * 0x1000 + 0x63
 %endif
 %assign page page + 1
%endrep
	times 0xf0000 - 0xe0000 - ($ - $$) db 0

; --- F0000h ---------------------------------------------------------------------------------------

section .high start=0x10000 vstart=0 align=1
BITS 16
start:
	cli
	cld
	xor	ax, ax
	mov	ss, ax
	mov	sp, 0x7000
	mov	ds, ax
	mov	es, ax
	mov	al, STAGE
	out	0x70, al
	in	al, 0x71
	cmp	al, 5
	jb	.known
	xor	al, al			; power-on
.known:
	movzx	bx, al
	inc	al
	out	0x71, al
	mov	si, text_start
	call	say
	mov	al, bl
	call	hex
	call	end_line
	shl	bx, 1
	jmp	[cs:stages + bx]
stages:	dw	first, by_kbc, by_port92, by_triple_fault, done

; AL to register BL of the host bridge
pam:
	push	dx
	push	eax
	mov	eax, 0x80000000
	mov	al, bl
	and	al, 0xfc
	mov	dx, PCI_ADDRESS
	out	dx, eax
	pop	eax
	movzx	dx, bl
	and	dx, 3
	add	dx, PCI_DATA
	out	dx, al
	pop	dx
	ret

%macro set_pam 2			; register, value
	mov	bl, %1
	mov	al, %2
	call	pam
%endmacro

; --- Text

%include "tests/guests/boot/serial.inc"

counts:					; CL and CH
	mov	al, cl
	call	hex
	mov	al, ch
	call	hex
	jmp	end_line

; --- 1. What reads and writes of E8000h find

first:
	mov	si, text_views
	call	say
	mov	ax, 0xe800
	mov	es, ax
	mov	cl, 0x11
	call	try			; power-on: the ROM
	set_pam	0x5f, 3
	call	try
	set_pam	0x5f, 0
	call	try
	set_pam	0x5f, 1
	call	try
	set_pam	0x5f, 3
	call	try
	call	end_line
	mov	si, text_copy		; reads the ROM, writes the RAM: QEMU does not know it
	call	say
	set_pam	0x5f, 2
	call	try
	set_pam	0x5f, 3
	call	try
	call	end_line
	jmp	parts
try:	mov	al, [es:0]		; what is there, and after a write of CL
	call	hex
	mov	[es:0], cl
	mov	al, [es:0]
	call	hex
	add	cl, 0x11
	ret

; --- 2. Each part has its own memory behind it

parts:	mov	si, text_parts
	call	say
	xor	cx, cx
.fill:	mov	al, 3
	call	set_part
	mov	al, cl
	or	al, 0xa0
	mov	[es:0], al
	mov	[es:0x3fff], al
	inc	cx
	cmp	cx, 12
	jb	.fill
	xor	cx, cx
	xor	dh, dh			; how many are as they should be
.check:	mov	al, 0			; not the RAM's
	call	set_part
	mov	dl, cl
	or	dl, 0xa0
	cmp	dl, [es:0]
	je	.next
	mov	al, 1			; and kept
	call	set_part
	cmp	dl, [es:0]
	jne	.next
	mov	byte [es:0x3fff], 0	; in vain
	cmp	dl, [es:0x3fff]
	jne	.next
	inc	dh
.next:	mov	al, 0
	call	set_part
	inc	cx
	cmp	cx, 12
	jb	.check
	mov	al, dh
	call	hex
	call	end_line
	jmp	strings
; AL to the half of part CX; ES at it. The other half becomes 0.
set_part:
	push	bx
	mov	bl, cl
	shr	bl, 1
	jnc	.low
	shl	al, 4
.low:	add	bl, 0x5a
	call	pam
	mov	ax, cx
	shl	ax, 10
	add	ax, 0xc000
	mov	es, ax
	pop	bx
	ret

; String instructions keep addresses of what they have touched.
strings:
	mov	si, text_strings
	call	say
	mov	ax, 0xe800
	mov	ds, ax
	set_pam	0x5f, 3
	mov	al, 0x77
	call	.fill
	set_pam	0x5f, 1
	mov	al, 0x88		; lost
	call	.fill
	call	.show
	set_pam	0x5f, 0
	call	.show
	set_pam	0x5f, 3
	call	.show
	mov	al, 0x99
	call	.fill
	set_pam	0x5f, 0
	mov	al, 0xaa		; lost
	call	.fill
	call	.show
	set_pam	0x5f, 3
	call	.show
	call	end_line
	jmp	unreal
.fill:	push	ds
	pop	es
	mov	di, 0x20
	mov	cx, 32
	rep	stosb
	ret
.show:	xor	ax, ax
	mov	es, ax
	mov	si, 0x20
	mov	di, 0x600
	mov	cx, 32
	rep	movsb
	mov	al, [es:0x600]
	jmp	hex

; --- 3. Code in F0000h, where this runs, is switched under itself

; DS and ES: the segments of 4 GiB that protected mode leaves.
unreal:	mov	ax, cs
	mov	ds, ax
	lgdt	[gdtr]
	mov	eax, cr0
	or	al, 1
	mov	cr0, eax
	mov	bx, 8
	mov	ds, bx
	mov	es, bx
	and	al, 0xfe
	mov	cr0, eax
	xor	ax, ax
	mov	ds, ax
	mov	es, ax
	mov	esi, 0xf0000 + shadow	; what makes the copy must run elsewhere
	mov	edi, LOW_CODE
	mov	ecx, shadow_end - shadow
	a32 rep	movsb
	call	0:LOW_CODE
	mov	si, text_flip
	call	say
	xor	cx, cx
	mov	bp, ROUNDS
.round:	mov	al, 0x00
	call	flip
	cmp	bh, 'o'
	jne	.ram
	inc	cl
.ram:	mov	al, 0x30
	call	flip
	cmp	bh, 'a'
	jne	.next
	inc	ch
.next:	dec	bp
	jnz	.round
	mov	al, cl
	call	hex
	mov	al, ch
	call	hex
	mov	al, 0x10		; read only: the patch cannot be taken back
	mov	bl, 0x59
	call	pam
	mov	byte [dword 0xf0000 + patched], 'x'
	call	flip.there
	mov	al, bh
	call	hex
	call	end_line
	jmp	callee16

flip:	mov	dx, PCI_ADDRESS
	push	eax
	mov	eax, 0x80000058
	out	dx, eax
	pop	eax
	mov	dx, PCI_DATA + 1
	out	dx, al			; what was fetched already may still be executed
	jmp	0xf000:.there
.there:	mov	bh, 'o'
patched	equ	$ - 1
	ret

; At LOW_CODE: F0000h becomes RAM with the ROM's bytes, but for one.
shadow:
	mov	eax, 0x80000058
	mov	dx, PCI_ADDRESS
	out	dx, eax
	mov	dx, PCI_DATA + 1
	mov	al, 0x30
	out	dx, al
	mov	esi, ROM + 0x10000
	mov	edi, 0xf0000
	mov	ecx, 0x4000
	a32 rep	movsd
	mov	byte [dword 0xf0000 + patched], 'a'
	retf
shadow_end:

; --- 4. Code that is called is another each time

callee16:
	set_pam	0x5e, 0x30		; E4000h
	mov	esi, ROM + 0x4000
	mov	edi, 0xe4000
	mov	ecx, 0x1000
	a32 rep	movsd
	mov	byte [dword 0xe4001], 'a'
	mov	byte [dword 0xe4011], 'a'
	mov	si, text_call16
	call	say
	xor	cx, cx
	mov	bp, ROUNDS
.round:	set_pam	0x5e, 0
	call	0xe400:0
	cmp	al, 'o'
	jne	.ram
	inc	cl
.ram:	set_pam	0x5e, 0x30
	call	0xe400:0
	cmp	al, 'a'
	jne	.next
	inc	ch
.next:	dec	bp
	jnz	.round
	call	counts
	mov	word [0x7010], after_callee32
	mov	word [0x7012], callee32
	jmp	protected

; Protected mode, flat, to the routine whose offset is at 7012h; it comes back to the one at 7010h.
protected:
	mov	ax, cs
	mov	ds, ax
	lgdt	[gdtr]
	mov	eax, cr0
	or	al, 1
	mov	cr0, eax
	jmp	dword 0x10:0xf0000 + .in
BITS 32
.in:	mov	ax, 8
	mov	ds, ax
	mov	es, ax
	mov	ss, ax
	movzx	eax, word [0x7012]
	add	eax, 0xf0000
	call	eax
	jmp	0x18:.out
BITS 16
.out:	mov	eax, cr0
	and	eax, 0x7ffffffe
	mov	cr0, eax
	jmp	0xf000:.real
.real:	xor	ax, ax
	mov	ds, ax
	mov	es, ax
	mov	ss, ax
	jmp	[0x7010]

BITS 32
pam32:					; AL to register BL
	push	eax
	mov	eax, 0x80000000
	mov	al, bl
	and	al, 0xfc
	mov	edx, PCI_ADDRESS
	out	dx, eax
	pop	eax
	movzx	edx, bl
	and	edx, 3
	add	edx, PCI_DATA
	out	dx, al
	ret

callee32:
	xor	ecx, ecx
	mov	ebp, ROUNDS
.round:	mov	bl, 0x5e
	mov	al, 0
	call	pam32
	mov	eax, 0xe4010
	call	eax
	cmp	al, 'o'
	jne	.ram
	inc	cl
.ram:	mov	bl, 0x5e
	mov	al, 0x30
	call	pam32
	mov	eax, 0xe4010
	call	eax
	cmp	al, 'a'
	jne	.next
	inc	ch
.next:	dec	ebp
	jnz	.round
	ret

BITS 16
after_callee32:
	mov	si, text_call32
	call	say
	call	counts
	mov	word [0x7010], after_tables
	mov	word [0x7012], tables
	jmp	protected

; --- 5. The page table at E9000h is another each time

BITS 32
tables:
	mov	bl, 0x5f
	mov	al, 3
	call	pam32
	mov	esi, ROM + 0x9000
	mov	edi, 0xe9000
	mov	ecx, 0x400
	rep	movsd
	mov	dword [0xe9000 + 0x30 * 4], 0x22063
	mov	dword [0x21000], 'o'
	mov	dword [0x22000], 'a'
	mov	edi, DIRECTORY
	xor	eax, eax
	mov	ecx, 0x400
	rep	stosd
	mov	dword [DIRECTORY], 0xe9063
	mov	eax, DIRECTORY
	mov	cr3, eax
	mov	eax, cr0
	or	eax, 0x80000000
	mov	cr0, eax
	xor	ecx, ecx
	mov	ebp, ROUNDS
.round:	mov	bl, 0x5f
	mov	al, 0
	call	pam32
	mov	eax, cr3
	mov	cr3, eax
	cmp	byte [0x30000], 'o'
	jne	.ram
	inc	cl
.ram:	mov	bl, 0x5f
	mov	al, 3
	call	pam32
	mov	eax, cr3
	mov	cr3, eax
	cmp	byte [0x30000], 'a'
	jne	.next
	inc	ch
.next:	dec	ebp
	jnz	.round
	mov	eax, cr0
	and	eax, 0x7fffffff
	mov	cr0, eax
	ret

BITS 16
after_tables:
	mov	si, text_tables
	call	say
	call	counts

; --- 6. DMA into E8010h, the part in each state: what reads find afterwards, and the RAM

	mov	ax, 0xe800
	mov	es, ax
	mov	cl, 0
.state:	set_pam	0x5f, 3
	mov	dword [es:0x10], 'none'
	mov	bl, 0x5f
	mov	al, cl
	call	pam
	mov	dword [REQUEST], 0x0a000000	; select key 0, read
	mov	dword [REQUEST + 4], 0x04000000	; 4 bytes
	mov	dword [REQUEST + 8], 0
	mov	dword [REQUEST + 12], 0x10800e00	; E8010h
	mov	eax, 0x00900000			; REQUEST
	mov	dx, 0x518
	out	dx, eax
	mov	si, text_dma
	; QEMU reads or writes other memory, if not both are alike.
	test	cl, 3
	jpe	.say
	mov	si, text_dma2
.say:	call	say
	mov	al, cl
	call	hex
	mov	al, [es:0x10]
	call	hex
	set_pam	0x5f, 1
	mov	al, [es:0x10]
	call	hex
	call	end_line
	inc	cl
	cmp	cl, 4
	jb	.state

; --- 7. A20, by the keyboard controller

	xor	ax, ax
	mov	ds, ax
	dec	ax
	mov	es, ax
	mov	byte [0x500], 1
	mov	byte [es:0x510], 2		; 100500h
	mov	si, text_a20
	call	say
	mov	cl, 4
.gate:	mov	al, 0xdd			; off
	test	cl, 1
	jz	.write
	mov	al, 0xdf
.write:	call	kbc_output
	mov	al, [es:0x510]
	call	hex
	dec	cl
	jnz	.gate
	mov	al, 0xdf
	call	kbc_output
	call	end_line

; --- 8. Back to the reset vector, which finds the ROM

	set_pam	0x5f, 0
	set_pam	0x5e, 0
	set_pam	0x59, 0
	mov	dx, 0xcf9
	mov	al, 2
	out	dx, al
	mov	al, 6
	out	dx, al
	jmp	$
by_kbc:
	mov	al, 0xfe
	out	0x64, al
	jmp	$
by_port92:
	in	al, 0x92
	or	al, 1
	out	0x92, al
	jmp	$
by_triple_fault:
	mov	ax, cs
	mov	ds, ax
	lidt	[no_idt]
	int3
	jmp	$
done:
	mov	si, text_done
	call	say
	call	end_line
	mov	dx, EXIT
	mov	al, 0
	out	dx, al
	cli
	hlt

kbc_output:				; AL
	push	ax
	call	.ready
	mov	al, 0xd1
	out	0x64, al
	call	.ready
	pop	ax
	out	0x60, al
.ready:	push	ax
.wait:	in	al, 0x64
	test	al, 2
	jnz	.wait
	pop	ax
	ret

text_start:	db "start ", 0
text_views:	db "views ", 0
text_copy:	db "  copying ", 0
text_strings:	db "strings ", 0
text_parts:	db "parts ", 0
text_flip:	db "under itself ", 0
text_call16:	db "callee of 16 bits ", 0
text_call32:	db "callee of 32 bits ", 0
text_tables:	db "page tables ", 0
text_dma:	db "dma ", 0
text_dma2:	db "  dma ", 0
text_a20:	db "a20 ", 0
text_done:	db "done", 0

	align	8
gdt:	dq	0
	dq	0x00cf92000000ffff	; 08h data, flat
	dq	0x00cf9a000000ffff	; 10h code, flat
	dq	0x00009a0f0000ffff	; 18h code of 16 bits at F0000h
gdtr:	dw	$ - gdt - 1
	dd	0xf0000 + gdt
no_idt:	dw	0
	dd	0

	times 0xfff0 - ($ - $$) db 0
	jmp	0xf000:start
	times 0x10000 - ($ - $$) db 0xff
