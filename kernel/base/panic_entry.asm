; SPDX-License-Identifier: MIT
; Where panic() and a failed ASSERT begin: all registers are saved as they are, as a trap saves
; them.
;
; void panic(const char *fmt, ...)	the registers of a call; the arguments are among them
; assert_failed				called by ASSERT's assembly, which loads no register for it
;
; Each builds struct trap_frame (arch/trap/trap.h). RIP in it is the return address of the call, and
; RSP is the caller's.
BITS 64
extern panic_called, panic_asserted
global panic, assert_failed

%include "offsets.inc"
%include "arch/trap/frame.inc"

; The addition changes flags: they are pushed first.
%macro save_frame 0
	pushfq
	push	byte 0
	mov	[rsp], ss
	push	rsp
	add	qword [rsp], 24
	push	qword [rsp + 16]	; the flags
	push	byte 0
	mov	[rsp], cs
	push	qword [rsp + 40]	; the return address
	push	byte 0			; error code and vector: none
	push	byte 0
	push_registers
	cld
	mov	rbx, rsp
%endmacro

section .text
; va_list (System V ABI, AMD64 supplement, 3.5.7) says where the six registers lie, and the stack.
panic:
	save_frame
	push	r9
	push	r8
	push	rcx
	push	rdx
	push	rsi
	push	rdi
	mov	rax, rsp
	push	rax
	push	qword [rbx + FRAME_RSP]
	push	dword 8			; bytes of the six that are used up: fmt
	mov	dword [rsp + 4], 48	; of all six: no vector registers lie behind them
	mov	rdx, rsp
	mov	rsi, rdi
	mov	rdi, rbx
	and	rsp, -16
	call	panic_called
	ud2

assert_failed:
	save_frame
	mov	rdi, rsp
	mov	rsi, [rsp + FRAME_RIP]
	and	rsp, -16
	call	panic_asserted
	ud2
