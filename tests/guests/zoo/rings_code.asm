; SPDX-License-Identifier: MIT
; What rings.c calls through gates.
BITS 32
extern ring_data
global far_pointer, far_call, far_jump, gate_seen
global call_with_0, call_with_3, call_with_31, words_0, words_3, words_31
global gate32_0, gate32_3, gate32_31, gate16_begin, gate16_0, gate16_3, gate16_31
global read_ds_after, inner_ds, conforming, conforming_jump, wrap16, wrap16_end
global ring1_handler, ring_flags

section .data
far_pointer:	dd 0
		dw 0, 0
; Sum, CS, SS, ESP of the callee; what the caller's ESP lost; DS, CPL.
gate_seen:	times 8 dd 0

section .text
far_call:
	call	far [far_pointer]
	ret
far_jump:
	jmp	far [far_pointer]

%macro caller 1				; parameters
call_with_%1:
	push	ebx
	mov	ebx, esp
%assign i 0
%rep %1
	push	dword 0x01010101 * (i + 1)
 %assign i i + 1
%endrep
	call	far [far_pointer]
	sub	ebx, esp
	mov	[gate_seen + 16], ebx
	add	esp, ebx
	mov	[gate_seen + 20], ds
	mov	eax, [gate_seen]
	pop	ebx
	ret
%endmacro
	caller	0
	caller	3
	caller	31

%macro seen 0
	mov	[dword gate_seen], eax
	mov	eax, cs
	mov	[dword gate_seen + 4], eax
	mov	eax, ss
	mov	[dword gate_seen + 8], eax
	mov	[dword gate_seen + 12], ebp
%endmacro

%macro callee32 2
%1:	push	ebp
	mov	ebp, esp
	xor	eax, eax
%assign i 0
%rep %2
	rol	eax, 3
	add	eax, [ebp + 12 + 4 * i]
 %assign i i + 1
%endrep
	seen
	pop	ebp
	retf	%2 * 4
%endmacro
	callee32 gate32_0, 0
	callee32 gate32_3, 3
	callee32 gate32_31, 31

; Loads a DS of its own ring, which the way out must take away.
inner_ds:
	mov	eax, [esp + 8]
	mov	ds, eax
	retf	4
; u32 read_ds_after(u32 selector): calls inner_ds, and says DS and ES
read_ds_after:
	push	dword [esp + 4]
	call	far [far_pointer]
	mov	eax, ds
	mov	ecx, es
	shl	ecx, 16
	or	eax, ecx
	mov	ecx, [cs:ring_data]
	mov	ds, ecx
	ret

conforming:				; the caller's CPL
	mov	eax, cs
	retf
conforming_jump:
	mov	eax, cs
	int	0x81

ring1_handler:				; of an interrupt, at CPL 1: CS and the frame's CS and SS
	mov	eax, cs
	shl	eax, 8
	or	eax, [esp + 4]
	shl	eax, 8
	or	eax, [esp + 16]
	iret

; u32 ring_flags(u32 flags): POPF, and what PUSHF says
ring_flags:
	push	dword [esp + 4]
	popf
	pushf
	pop	eax
	ret

BITS 16
gate16_begin:
%macro callee16 2
%1:	push	ebp
	mov	ebp, esp
	xor	eax, eax
%assign i 0
%rep %2
	rol	eax, 3
	add	ax, [ebp + 8 + 2 * i]
 %assign i i + 1
%endrep
	seen
	pop	ebp
	retf	%2 * 2
%endmacro
	callee16 gate16_0, 0
	callee16 gate16_3, 3
	callee16 gate16_31, 31

%macro caller16 1			; whole, as its return address has 16 bits
words_%1:
	mov	ebx, esp
%assign i 0
%rep %1
	push	word 0x0101 * (i + 1)
 %assign i i + 1
%endrep
	call	dword far [dword far_pointer]
	sub	ebx, esp
	mov	[dword gate_seen + 16], ebx
	mov	[dword gate_seen + 20], ds
	mov	eax, [dword gate_seen]
	int	0x81
%endmacro
	caller16 0
	caller16 3
	caller16 31

; In a 16-bit stack segment of 64 KiB with SP = 0: pushes that wrap, a call and a return
; at the edge, ENTER and LEAVE.
wrap16:
	push	word 0x1234
	mov	eax, esp
	mov	[dword gate_seen], eax
	pop	cx
	mov	sp, 2
	push	word 0x5678
	push	word 0x9abc
	pop	dx
	pop	si
	mov	sp, 4
	call	.called
	mov	[dword gate_seen + 4], esp
	xor	sp, sp
	enter	16, 0
	mov	[bp - 2], word 0x4321
	mov	[dword gate_seen + 8], esp
	leave
	mov	[dword gate_seen + 12], esp
	pushad
	popad
	int	0x81
.called:
	mov	di, sp
	ret
wrap16_end:
