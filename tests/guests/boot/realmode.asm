; SPDX-License-Identifier: MIT
; What programs of real mode do to a PC, as a floppy: A20, segments of 4 GiB, code that changes
; itself, faults. It prints lines on COM1: those of bare QEMU, but for lines that begin with
; two blanks. Port 501h ends it.
;   nasm -f bin -o realmode realmode.asm
CPU 686
BITS 16
SECTORS		equ 24			; of this program

%include "tests/guests/boot/floppy.inc"

; Code and data that the wrap of 1 MiB leads to, by FFFFh:LOW + 10h too.
LOW		equ 0x600
HIGH		equ LOW + 0x10
DMA		equ 0xc000		; a page that the floppy's DMA writes to

next:
	call	a20
	call	wrap
	call	unreal
	call	self_modifying
	call	far_transfers
	call	read_over_code
	call	beside_code
	call	faults
	quit

; --- A20. Each of its switches in turn, the others left alone: QEMU's last writer wins, and so says
; --- nothing else.

a20:
	mov	ax, 0xffff
	mov	es, ax
	mov	word [LOW], 0x1111
	begin	"a20 port 92"
	call	port92_on
	call	seen
	call	port92_off
	call	seen
	call	port92_on
	call	seen
	finish
	begin	"a20 keyboard's port"
	mov	bl, 0xdd
	call	keyboard_port
	call	seen
	mov	bl, 0xdf
	call	keyboard_port
	call	seen
	finish
	begin	"a20 keyboard's commands"
	mov	al, 0xdd
	call	keyboard_command
	call	seen
	mov	al, 0xdf
	call	keyboard_command
	call	seen
	finish
	begin	"a20 bios"
	mov	ax, 0x2400
	int	0x15
	call	seen
	mov	ax, 0x2402
	int	0x15
	show	al
	mov	ax, 0x2401
	int	0x15
	call	seen
	finish

	begin	"a20 code"			; of two places at one address
	push	ds
	pop	es
	mov	si, returns_one
	mov	di, LOW
	call	put_code
	mov	si, returns_two
	mov	di, HIGH
	push	0xffff
	pop	es
	call	put_code
	mov	cx, 40
	xor	bp, bp
.turn:	call	port92_on
	call	0xffff:HIGH
	movzx	ax, al
	add	bp, ax				; 2
	call	port92_off
	call	0xffff:HIGH
	movzx	ax, al
	shl	ax, 4
	add	bp, ax				; 10h
	loop	.turn
	call	port92_on
	show_word bp
	finish
	ret

; With the line, what is at FFFFh:HIGH, and the low word after a write there.
seen:
	mov	word [LOW], 0x1111
	mov	word [es:HIGH], 0x2222
	show_word [LOW]
	mov	word [LOW], 0x3333
	show_word [es:HIGH]
	ret

put_code:				; from SI to ES:DI, 16 bytes
	push	cx
	mov	cx, 16
	rep	movsb
	pop	cx
	ret
returns_one:
	mov	al, 1
	retf
	times 16 - ($ - returns_one) nop
returns_two:
	mov	al, 2
	retf
	times 16 - ($ - returns_two) nop

port92_on:
	in	al, 0x92
	or	al, 2
	and	al, 0xfe
	out	0x92, al
	ret
port92_off:
	in	al, 0x92
	and	al, 0xfc
	out	0x92, al
	ret
keyboard_ready:
	in	al, 0x64
	test	al, 2
	jnz	keyboard_ready
	ret
keyboard_port:				; BL
	call	keyboard_ready
	mov	al, 0xd1
	out	0x64, al
	call	keyboard_ready
	mov	al, bl
	out	0x60, al
	jmp	keyboard_ready
keyboard_command:			; AL
	push	ax
	call	keyboard_ready
	pop	ax
	out	0x64, al
	jmp	keyboard_ready

; --- An instruction of which half lies below 1 MiB and half beyond, or at 0. The host bridge gives
; --- its first half RAM.

PAM		equ 0x80000000 | 0x58

wrap:
	begin	"across 1 MiB"
	mov	eax, PAM
	mov	dx, 0xcf8
	out	dx, eax
	mov	dx, 0xcfd			; PAM0: F0000h to FFFFFh
	in	al, dx
	mov	bl, al
	or	al, 0x30
	out	dx, al
	mov	ax, 0xffff
	mov	es, ax
	push	word [es:0x0c]
	push	word [es:0x0e]
	push	word [0]
	mov	word [es:0x0e], 0x34b8		; MOV AX, ?34h
	mov	word [es:0x10], 0xcb12		; 12h, RETF
	cli
	mov	word [0], 0xcb56
	mov	cx, 20
	xor	bp, bp
.turn:	call	0xffff:0x000e
	add	bp, ax				; 1234h
	call	port92_off
	call	0xffff:0x000e
	add	bp, ax				; 5634h
	call	port92_on
	loop	.turn
	; A stack and data on both sides
	mov	ax, sp
	mov	[.stack], ax
	mov	ax, 0xffff
	mov	ss, ax
	mov	sp, 0x12
	push	dword 0x11223344		; 0Eh to 11h
	call	port92_off
	pop	eax
	xor	cx, cx
	mov	ss, cx
	mov	sp, [.stack]
	call	port92_on_keeps
	mov	esi, eax
	pop	word [0]
	pop	word [es:0x0e]
	pop	word [es:0x0c]
	mov	eax, PAM
	mov	dx, 0xcf8
	out	dx, eax
	mov	dx, 0xcfd
	mov	al, bl
	out	dx, al
	sti
	show_word bp
	show_word si
	shr	esi, 16
	show_word si
	finish
	begin	"read-only again"
	push	word [es:0x0e]
	mov	word [es:0x0e], 0x5555
	pop	ax
	cmp	[es:0x0e], ax
	sete	al
	call	hex
	finish
	ret
.stack:	dw	0
port92_on_keeps:
	push	ax
	call	port92_on
	pop	ax
	ret

; --- Segments of 4 GiB in real mode, and code of 32 bits there

unreal:
	cli
	lgdt	[gdtr]
	mov	eax, cr0
	or	al, 1
	mov	cr0, eax
	mov	bx, DATA32
	mov	fs, bx
	and	al, 0xfe
	mov	cr0, eax
	sti
	begin	"unreal"
	mov	esi, 0x200000
	mov	dword [fs:esi], 0x12345678
	xor	ax, ax				; a load in real mode leaves the limit
	mov	fs, ax
	mov	ax, [fs:esi]
	call	word_
	mov	ax, 0xf000
	mov	fs, ax
	mov	ax, [fs:esi - 0xf0000 + 2]
	call	word_
	mov	ecx, 0x10000			; REP with 32-bit addresses
	mov	edi, 0x300000
	xor	ax, ax
	mov	es, ax
	mov	fs, ax
	call	big_es
	mov	eax, 0x01010101
	a32 rep	stosd
	mov	eax, edi
	shr	eax, 16
	call	word_
	mov	ax, [es:edi - 2]
	call	word_
	push	ss
	pop	es
	finish

	; In real mode: the segment keeps its size until CS is loaded in protected mode.
	begin	"code of 32 bits"
	cli
	lgdt	[gdtr]
	mov	eax, cr0
	or	al, 1
	mov	cr0, eax
	jmp	CODE32:.wide
BITS 32
.wide:	and	al, 0xfe
	mov	cr0, eax
	mov	ebx, 0x00420000			; bytes that 16-bit code would read otherwise
	call	.called
	add	ebx, 0x11223344
	or	al, 1
	mov	cr0, eax
	jmp	CODE16:.narrow
.called:
	mov	ecx, [esp]			; a return address of 32 bits
	ret
BITS 16
.narrow:
	and	al, 0xfe
	mov	cr0, eax
	jmp	0:.real
.real:	sti
	show_word bx
	shr	ebx, 16
	show_word bx
	sub	cx, .wide
	show_word cx
	shr	ecx, 16
	show_word cx
	finish
	ret
big_es:	push	eax
	push	bx
	cli
	mov	eax, cr0
	or	al, 1
	mov	cr0, eax
	mov	bx, DATA32
	mov	es, bx
	and	al, 0xfe
	mov	cr0, eax
	xor	bx, bx
	mov	es, bx
	sti
	pop	bx
	pop	eax
	ret

; --- Code that changes itself

self_modifying:
	begin	"next instruction"
	mov	cx, 3000
	xor	dx, dx
.turn:	mov	[cs:.next + 1], cl
.next:	mov	al, 0
	add	dl, al
	adc	dh, 0
	loop	.turn
	show_word dx
	finish

	begin	"across pages"			; the byte that changes lies on the second page
	mov	byte [0x9fff], 0xb0		; MOV AL, ?; RET
	mov	byte [0xa001], 0xc3
	mov	cx, 300
	xor	dx, dx
.pages:	mov	[0xa000], cl
	call	0x9fff
	add	dl, al
	adc	dh, 0
	loop	.pages
	show_word dx
	mov	byte [0x9fff], 0xb4		; MOV AH: the byte on the first
	mov	byte [0xa000], 0x77
	xor	ax, ax
	call	0x9fff
	show_word ax
	finish

	begin	"by another segment"		; the same bytes, other CS
	mov	byte [0x9fff], 0xb0		; MOV AL, ?; RETF
	mov	byte [0xa001], 0xcb
	mov	cx, 300
	xor	dx, dx
.alias:	mov	[0xa000], cl
	call	0x0900:0x0fff
	add	dl, al
	adc	dh, 0
	mov	[0xa000], ch
	call	0x0901:0x0fef
	add	dl, al
	adc	dh, 0
	loop	.alias
	show_word dx
	finish

	; A compiler's way: 200 functions at one place, each called twice.
	begin	"generated"
	mov	cx, 200
	xor	dx, dx
.make:	mov	di, 0xb000
	mov	al, 0xb8			; MOV AX, CX * 3
	stosb
	mov	ax, cx
	add	ax, cx
	add	ax, cx
	stosw
	mov	ax, 0xe0d1			; SHL AX, 1
	stosw
	mov	al, 0xc3
	stosb
	call	0xb000
	add	dx, ax
	call	0xb000
	add	dx, ax
	loop	.make
	show_word dx
	finish

	begin	"decrypted"			; backwards and in place, right in front of itself
	mov	si, .cipher_end - 1
	mov	cx, .cipher_end - .cipher
	mov	ah, 0x5a
.decrypt:
	xor	[si], ah
	dec	si
	loop	.decrypt
.cipher:
	db	0xb8 ^ 0x5a, 0x21 ^ 0x5a, 0x43 ^ 0x5a	; MOV AX, 4321h
	db	0x40 ^ 0x5a				; INC AX
.cipher_end:
	show_word ax
	finish
	ret

; --- Far transfers between segments whose selectors and offsets look alike; and a loop of nothing
; --- else, which interrupts enter

far_transfers:
	begin	"far"
	mov	dword [0xa000], 0xcb01c383	; ADD BX, 1; RETF
	mov	dword [0xb000], 0xcb10c383	; ADD BX, 10h; RETF
	xor	bx, bx
	mov	cx, 50
.call:	call	0x0a00:0
	call	0x0b00:0
	call	0x09ff:0x10
	call	far [.pointer]
	push	cs
	push	word .back
	push	word 0x0b00			; a RETF that goes there
	push	word 0
	retf
.back:	loop	.call
	show_word bx
	les	di, [.pointer]
	show_word es
	lds	si, [.pointer + 4]
	mov	cx, ds
	xor	ax, ax
	mov	ds, ax
	mov	es, ax
	show_word cx
	lfs	si, [.pointer + 4]
	mov	ax, [fs:.pointer - 0x10 + 2]	; FS has a base of 10h
	call	word_
	mov	ax, [0x46c]
.here:	jmp	0x0100:.there - 0x1000
.there:	cmp	ax, [0x46c]
	jne	.ticked
	jmp	0:.here
.ticked:
	jmp	0:.out
.out:	finish
	ret
.pointer: dw	0, 0x0a00, 0x1234
	dw	1

; --- A floppy's DMA over code that has run

read_over_code:
	begin	"read over code"
	mov	bp, 6
.turn:	mov	ax, 0x0201
	; Of track 0, head 1: the two last sectors of this program.
	mov	cx, SECTORS - 1
	sub	cl, 18
	test	bp, 1
	jz	.second
	inc	cl
.second:
	mov	dx, 0x0100
	mov	bx, DMA
	int	0x13
	jc	.failed
	call	DMA
	show	al
	dec	bp
	jnz	.turn
.failed:
	finish
	ret

; --- Operands on pages that hold code, where a store may fault in a monitor: the carry goes in
; as it was. Each line has the carry and the word afterwards, for a carry of 1 and of 0.

%macro beside 1+
	%assign CARRY_IN 1
	%rep 2
	call	beside_code.page
	mov	cl, 3
	%if CARRY_IN
	stc
	%else
	clc
	%endif
	%1
	setc	al
	show	al
	show_word [fs:8]
	%assign CARRY_IN CARRY_IN - 1
	%endrep
	finish
%endmacro

beside_code:
	push	0x2000
	pop	fs
	mov	dx, 0x1234
	begin	"rcl by 1"
	beside	rcl word [fs:8], 1
	begin	"rcl by cl"
	beside	rcl word [fs:8], cl
	begin	"rcl by a constant"
	beside	rcl word [fs:8], 5
	begin	"rcl of a byte"
	beside	rcl byte [fs:9], 1
	begin	"rcl of a doubleword"
	beside	rcl dword [fs:8], 1
	begin	"rcr by 1"
	beside	rcr word [fs:8], 1
	begin	"rcr by cl"
	beside	rcr word [fs:8], cl
	begin	"rcr by a constant"
	beside	rcr word [fs:8], 5
	begin	"adc"
	beside	adc word [fs:8], 0x7fff
	begin	"sbb"
	beside	sbb [fs:8], dx
	begin	"inc"
	beside	inc word [fs:8]
	begin	"neg"
	beside	neg word [fs:8]
	begin	"shl"
	beside	shl word [fs:8], 1
	begin	"rol"
	beside	rol word [fs:8], cl
	begin	"shld"
	beside	shld [fs:8], dx, cl
	begin	"btc"
	beside	btc word [fs:8], 15
	begin	"xadd"
	beside	xadd [fs:8], dx
	begin	"cmpxchg"
	beside	cmpxchg [fs:8], dx
	begin	"not"
	beside	not word [fs:8]
	ret
.page:					; another one in FS, its code executed once
	mov	ax, fs
	add	ax, 0x100
	mov	fs, ax
	mov	word [fs:8], 0x8001
	mov	word [fs:10], 0
	mov	byte [fs:0], 0xcb	; RETF
	mov	[.code + 2], ax
	call	far [.code]
	ret
.code:	dw	0, 0

; --- Faults of real mode. QEMU knows no limits of segments: the second line is not compared.

faults:
	push	ds
	pop	es
	mov	cx, 0x20
	xor	si, si
	mov	di, .saved
	rep	movsw
	mov	word [0], .zero
	mov	word [6 * 4], .undefined
	mov	word [5 * 4], .bound
	mov	word [13 * 4], .protection
	mov	word [12 * 4], .stack
	mov	word [2], 0
	mov	word [6 * 4 + 2], 0
	mov	word [5 * 4 + 2], 0
	mov	word [13 * 4 + 2], 0
	mov	word [12 * 4 + 2], 0
	begin	"faults"
	xor	bx, bx
	mov	ax, 1
	div	bh
	ud2
	mov	ax, 7
	bound	ax, [.bounds]
	sldt	ax				; only in protected mode
	finish
	begin	"  limits"
	mov	eax, 0x10000
	mov	al, [eax]
	mov	ax, [0xffff]
	mov	ebp, 0xffff
	mov	ax, [ebp]
	db	0xf0				; LOCK
	mov	ax, bx
	finish
	mov	cx, 0x20
	mov	si, .saved
	xor	di, di
	rep	movsw
	ret
.bounds: dw	1, 6
%macro fault_handler 3			; label, letter, length of the instruction
%1:	push	ax
	mov	al, %2
	call	put
	mov	al, ' '
	call	put
	pop	ax
	push	bp
	mov	bp, sp
	add	word [bp + 2], %3
	pop	bp
	iret
%endmacro
	fault_handler .zero, '0', 2
	fault_handler .bound, '5', 4
.undefined:				; of 2, 3 or 4 bytes: told by their second byte
	push	ax
	push	bx
	push	bp
	mov	bp, sp
	mov	al, '6'
	call	put
	mov	al, ' '
	call	put
	mov	bx, [bp + 6]
	mov	ax, 2
	cmp	byte [bx], 0xf0
	jne	.short
	mov	al, 3
	jmp	.skip
.short:	cmp	byte [bx + 1], 0x0b
	je	.skip
	mov	al, 3
.skip:	add	[bp + 6], ax
	pop	bp
	pop	bx
	pop	ax
	iret
.protection:
	push	ax
	push	bx
	push	bp
	mov	bp, sp
	mov	al, 'd'
	call	put
	mov	al, ' '
	call	put
	mov	bx, [bp + 6]
	mov	ax, 3
	cmp	byte [bx], 0xa1
	je	.skip
	cmp	byte [bx], 0x8b
	jne	.skip
	mov	al, 4
	jmp	.skip
.stack:	push	ax
	push	bx
	push	bp
	mov	bp, sp
	mov	al, 'c'
	call	put
	mov	al, ' '
	call	put
	mov	ax, 4
	jmp	.skip
	align	2
.saved:	times 64 dw 0

; --- Tables

	align	8
gdt:	dq	0
CODE32	equ $ - gdt
	dq	0x00cf9b000000ffff
CODE16	equ $ - gdt
	dq	0x00009b000000ffff
DATA32	equ $ - gdt
	dq	0x00cf93000000ffff
gdtr:	dw	$ - gdt - 1
	dd	gdt

%if $ - $$ > (SECTORS - 2) * 512
 %error "SECTORS is too small"
%endif
	times (SECTORS - 2) * 512 - ($ - $$) db 0
	mov	al, 1				; the two last sectors
	ret
	times (SECTORS - 1) * 512 - ($ - $$) db 0
	mov	al, 2
	ret
	fill_floppy
