; SPDX-License-Identifier: MIT
; Instructions that a page of raw ring 1 may not hold, inside the immediate operands of others: the page analysis passes the
; page, and a jump into the middle runs them natively, in ring 1 (docs/isolation.md says why that may not matter to the monitor).
;
; hide NAME, BYTES: NAME is the address of up to four bytes within a MOV EAX, imm32; what follows must be seen as instructions.
BITS 32
section .hidden
global hidden_page, hidden_mov_es, hidden_mov_ds, hidden_mov_fs, hidden_mov_gs, hidden_mov_ss
global hidden_les, hidden_lds, hidden_lss, hidden_lfs, hidden_lgs

%macro hide 5
	global	%1
	db 0xb8
%1:	db %2, %3, %4, %5
%endmacro

hidden_page:			; entered first, so that the analysis begins here
	ret
	hide hidden_far_jump, 0xff, 0x28, 0x90, 0xc3	; jmp far [eax]
	hide hidden_far_call, 0xff, 0x18, 0x90, 0xc3	; call far [eax]
	hide hidden_iret, 0xcf, 0x90, 0x90, 0xc3	; iret
	hide hidden_iret_word, 0x66, 0xcf, 0x90, 0xc3	; o16 iret
	hide hidden_far_return, 0xcb, 0x90, 0x90, 0xc3	; retf
	hide hidden_popf, 0x9d, 0x90, 0x90, 0xc3	; popf; nop; nop; ret
	hide hidden_pushf, 0x9c, 0x58, 0x90, 0xc3	; pushf; pop eax; nop; ret
	hide hidden_lar, 0x0f, 0x02, 0xc0, 0xc3		; lar eax, ax
	hide hidden_lsl, 0x0f, 0x03, 0xc0, 0xc3		; lsl eax, ax
	hide hidden_int1, 0xf1, 0x90, 0x90, 0xc3	; int1
	hide hidden_into, 0x9d, 0xce, 0x90, 0xc3	; popf; into
	hide hidden_sysenter_flags, 0x9d, 0x0f, 0x34, 0xc3 ; popf; sysenter
	hide hidden_mov_ss_int, 0x8e, 0xd0, 0xcd, 0x80	; mov ss, eax; int 80h
	ret
; These change a segment register and put back what ECX holds, so that they can return.
hidden_mov_es:
	mov	es, eax
	mov	es, ecx
	ret
hidden_mov_ds:
	mov	ds, eax
	mov	ds, ecx
	ret
hidden_mov_fs:
	mov	fs, eax
	mov	fs, ecx
	ret
hidden_mov_gs:
	mov	gs, eax
	mov	gs, ecx
	ret
hidden_mov_ss:
	mov	ss, eax
	mov	ss, ecx
	ret
hidden_les:
	les	eax, [eax]
	mov	es, ecx
	ret
hidden_lds:
	lds	eax, [eax]
	mov	ds, ecx
	ret
hidden_lss:
	lss	eax, [eax]
	mov	ss, ecx
	ret
hidden_lfs:
	lfs	eax, [eax]
	mov	fs, ecx
	ret
hidden_lgs:
	lgs	eax, [eax]
	mov	gs, ecx
	ret
