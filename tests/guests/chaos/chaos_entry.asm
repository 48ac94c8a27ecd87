; SPDX-License-Identifier: MIT
; Ways into and out of a round of the fuzzing kernel; chaos.h tells the whole.
BITS 32
global chaos_stubs, chaos_rescue, chaos_gate, chaos_next_round, chaos_enter
extern chaos_trap, chaos_round

KDS equ 0x18
STUB_SIZE equ 16
STACK_SIZE equ 16384

section .dirty

%macro stub 1
	align	STUB_SIZE
	%if !((%1 == 8) || (%1 >= 10 && %1 <= 14) || (%1 == 17))
	push	byte 0
	%endif
	push	strict dword %1
	jmp	near trapped
%endmacro

	align	STUB_SIZE
chaos_stubs:
%assign vector 0
%rep 256
	stub	vector
%assign vector vector + 1
%endrep

; struct guest_frame, as trap_common of guest_trap.asm builds it
trapped:
	push	ds
	push	es
	push	fs
	push	gs
	pusha
	mov	eax, KDS
	mov	ds, eax
	mov	es, eax
	cld
	push	esp
	call	chaos_trap
	add	esp, 4
	test	eax, eax
	jnz	chaos_next_round
	popa
	pop	gs
	pop	fs
	pop	es
	pop	ds
	add	esp, 8
	iret

; Entered by a task gate, a call gate, or a jump: whatever was before is forgotten.
chaos_rescue:
chaos_gate:
chaos_next_round:
	cli
	cld
	mov	eax, KDS
	mov	ds, eax
	mov	es, eax
	mov	ss, eax
	mov	esp, stack_top
	push	dword 2		; NT would make the next IRET a task switch
	popf
	clts
	call	chaos_round

; void chaos_enter(u32 victim_selector): the round's state is all in the task
chaos_enter:
	mov	eax, [esp + 4]
	push	eax
	push	dword 0
	jmp	far [esp]
	jmp	chaos_next_round	; an IRET with NT has led back

section .stack nobits
	alignb	16
	resb	STACK_SIZE
stack_top:
