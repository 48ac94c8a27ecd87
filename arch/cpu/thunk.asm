; SPDX-License-Identifier: MIT
; Retpolines for -mindirect-branch=thunk-extern: an indirect branch that the branch target buffer,
; which a guest may have trained, cannot steer. The return stack is fresh from the call, and a wrong
; guess spins harmlessly at .wait.
BITS 64
section .text

%macro thunk 1
	global	__x86_indirect_thunk_%1
	align	16
__x86_indirect_thunk_%1:
	call	%%target
%%wait:
	pause
	lfence
	jmp	%%wait
%%target:
	mov	[rsp], %1
	ret
%endmacro

	thunk	rax
	thunk	rbx
	thunk	rcx
	thunk	rdx
	thunk	rsi
	thunk	rdi
	thunk	rbp
	thunk	r8
	thunk	r9
	thunk	r10
	thunk	r11
	thunk	r12
	thunk	r13
	thunk	r14
	thunk	r15
