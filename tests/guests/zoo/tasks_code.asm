; SPDX-License-Identifier: MIT
; Ways from task to task for tasks.c, and its tasks of 16 bits and of V86 mode.
BITS 32
global far_pointer, far_call, far_jump, push_there
global task16_begin, task16, task16_seen, task_v86, task_v86_end

section .data
far_pointer:	dd 0
		dw 0, 0
task16_seen:	times 4 dd 0

section .text
far_call:
	call	far [far_pointer]
	ret
far_jump:
	jmp	far [far_pointer]
	ret
; void push_there(u32): a stack that is not there
push_there:
	mov	eax, esp
	mov	esp, [esp + 4]
	push	eax
	ud2

BITS 16
task16_begin:
; As a task of 16 bits: what it was given, and what it leaves.
task16:	mov	[dword task16_seen], ax
	inc	ax
	mov	word [dword task16_seen + 2], sp
	push	ax
	pushf
	pop	dx
	mov	[dword task16_seen + 4], dx
	pop	ax
	iret
	jmp	task16

; A V86 task, at its segment's offset 0: counts in AX, and ends each round by HLT.
task_v86:
	inc	ax
	push	ax
	pop	bx
	mov	[0x100], bx
	hlt
	jmp	task_v86
task_v86_end:
