; SPDX-License-Identifier: MIT
; Instructions that a page of raw ring 1 may not hold, inside the immediate operands of others: the
; page analysis passes the page, and a jump into the middle runs them natively, in ring 1
; (docs/isolation.md says why that may not matter to the monitor).
;
; hide NAME, BYTES: NAME is the address of up to four bytes within a MOV EAX, imm32; what follows
; must be seen as instructions.
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
	hide hidden_far_return, 0xcb, 0x90, 0x90, 0xc3	; retf
	hide hidden_lar, 0x0f, 0x02, 0xc0, 0xc3		; lar eax, ax
	hide hidden_lsl, 0x0f, 0x03, 0xc0, 0xc3		; lsl eax, ax
; POPF and one event of two bytes.
	hide popf_nop, 0x9d, 0x90, 0x90, 0xc3
	hide popf_ud2, 0x9d, 0x0f, 0x0b, 0xc3
	hide popf_int, 0x9d, 0xcd, 0x90, 0xc3		; int 90h: interrupt gate, DPL 3
	hide popf_int_trap, 0x9d, 0xcd, 0x91, 0xc3	; int 91h: trap gate, DPL 3
	hide popf_int_nmi, 0x9d, 0xcd, 0x02, 0xc3	; int 2: DPL 0
	hide popf_int_absent, 0x9d, 0xcd, 0x92, 0xc3	; int 92h: not present
	hide popf_int3, 0x9d, 0xcc, 0x90, 0xc3
	hide popf_into, 0x9d, 0xce, 0x90, 0xc3
	hide popf_int1, 0x9d, 0xf1, 0x90, 0xc3
	hide popf_sysenter, 0x9d, 0x0f, 0x34, 0xc3
	hide popf_div, 0x9d, 0xf7, 0xf1, 0xc3		; div ecx
	hide popf_read, 0x9d, 0x8a, 0x00, 0xc3		; mov al, [eax]
	hide popf_cli, 0x9d, 0xfa, 0x90, 0xc3
	hide popf_lldt, 0x9d, 0x0f, 0x00, 0xd0		; lldt ax
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
