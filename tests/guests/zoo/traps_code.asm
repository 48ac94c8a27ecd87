; SPDX-License-Identifier: MIT
; What traps.c needs below the level of C: code to be stepped, SYSENTER's two sides, a V86 program.
BITS 32
global sysenter_entry, sysenter_rounds, step_int, step_iret, step_ss, step_pop_ss, step_rep, step_ud
global v86_way, v86_go, v86_reads, v86_reads_end, break_here

section .data
v86_way:	times 9 dd 0		; EIP, CS, EFLAGS, ESP, SS, ES, DS, FS, GS

section .text
sysenter_entry:				; ring 0: EAX + 1, back to EDX with ECX
	inc	eax
	sysexit
; u32 sysenter_rounds(u32 n): in ring 3
sysenter_rounds:
	push	ebx
	mov	ebx, [esp + 8]
	xor	eax, eax
.round:	mov	ecx, esp
	mov	edx, .back
	sysenter
.back:	dec	ebx
	jnz	.round
	pop	ebx
	ret

v86_go:	mov	esp, v86_way
	iret

; Each is stepped through with TF from its first instruction on: void step_x(u32)
%macro stepped 1
%1:	pushf
	or	dword [esp], 0x100
	popf
%endmacro
%macro stepped_end 0
	pushf
	and	dword [esp], ~0x100
	popf
	ret
%endmacro
	stepped step_int
	nop
	int	0x96			; no step in the handler, one behind it
	nop
	stepped_end
	stepped step_iret		; which sets TF anew
	pushf
	push	cs
	push	dword .back
	iret
.back:	nop
	stepped_end
	stepped step_ss
	mov	eax, ss
	mov	ss, eax			; no step behind this one
	nop
	nop
	stepped_end
	stepped step_pop_ss
	push	ss
	pop	ss
	nop
	stepped_end
	stepped step_rep
	push	edi
	lea	edi, [esp - 64]
	mov	ecx, 4
	xor	eax, eax
	rep	stosb			; a step for each
	pop	edi
	stepped_end
	stepped step_ud
	ud2				; its handler goes on behind it
	nop
	stepped_end

break_here:
	nop
	nop
	ret

BITS 16
v86_reads:				; SMSW and SGDT are no secrets in V86 mode
	smsw	ax
	mov	[0x100], ax
	sgdt	[0x104]
	sidt	[0x10c]
	mov	eax, 0x12345678
	smsw	eax
	and	eax, 0x8000003f
	mov	[0x114], eax
	hlt
v86_reads_end:
