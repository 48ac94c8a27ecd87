; SPDX-License-Identifier: MIT
; The 256 entry stubs of the IDT, TRAP_STUB_SIZE bytes each, and the way back.
;
; The CPU has aligned RSP to 16 and pushed ss rsp rflags cs rip (and the error code); the stub
; completes struct trap_frame (arch/trap/trap.h): 23 words, so one more word aligns the stack for C.
; An interrupt gate has cleared IF TF NT RF; DF and AC may still be the guest's: C wants DF clear,
; and AC means nothing while CR0.AM or CPL 3 is missing.
BITS 64
extern trap_dispatch, speculation_verw, speculation_selector
global trap_stubs, trap_return, trap_return_iret, trap_dispatched

%include "offsets.inc"
%include "arch/trap/frame.inc"

%macro stub 1
	align	TRAP_STUB_SIZE
	; Vectors with an error code: SDM 3A table 6-1, and 1Dh, 1Eh (AMD #VC, #SX)
	%if !((%1 == 8) || (%1 >= 10 && %1 <= 14) || (%1 == 17) || (%1 == 21) \
		|| (%1 == 29) || (%1 == 30))
	push	byte 0
	%endif
	push	strict dword %1
	jmp	near trap_common
%endmacro

section .text.nobreak progbits alloc exec nowrite align=16	; arch/mem/image.h
	align	TRAP_STUB_SIZE
trap_stubs:
%assign vector 0
%rep 256
	stub	vector
%assign vector vector + 1
%endrep

	align	16
trap_common:
	cld
	push_registers
	mov	rdi, rsp
	sub	rsp, 8
	call	trap_dispatch
trap_dispatched:
	add	rsp, 8
restore:
	test	byte [rsp + FRAME_CS], 3	; back to guest code?
	jz	.ours
	cmp	byte [rel speculation_verw], 0
	je	.ours
	verw	[rel speculation_selector]
.ours:
	pop	rax
	pop	rcx
	pop	rdx
	pop	rbx
	add	rsp, 8
	pop	rbp
	pop	rsi
	pop	rdi
	pop	r8
	pop	r9
	pop	r10
	pop	r11
	pop	r12
	pop	r13
	pop	r14
	pop	r15
	add	rsp, 16
trap_return_iret:
	iretq

; void trap_return(struct trap_frame *frame)
trap_return:
	mov	rsp, rdi
	jmp	restore
