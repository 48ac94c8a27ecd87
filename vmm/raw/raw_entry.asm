; SPDX-License-Identifier: MIT
; Into guest code and out again.
;
; raw_enter() saves the callee-saved registers, makes the present stack pointer RSP0 (so that the
; next trap from guest code pushes below), pushes the five IRETQ words of the frame to this stack
; and goes. raw_unwind() is its return.
;
; FRAME_*: offsets in struct trap_frame (arch/trap/trap.h), from arch/offsets.c.
BITS 64
default rel
%include "offsets.inc"

extern speculation_verw, speculation_selector
global raw_enter, raw_unwind, raw_load_segments, raw_read_segments
global raw_entry_begin, raw_entry_end

section .text

; void raw_enter(const struct trap_frame *frame, const u32 gpr[8], u64 *unwind_rsp, u64 *rsp0)
raw_enter:
	push	rbx
	push	rbp
	push	r12
	push	r13
	push	r14
	push	r15
	mov	[rdx], rsp
	mov	[rcx], rsp
	push	qword [rdi + FRAME_SS]
	push	qword [rdi + FRAME_RSP]
	push	qword [rdi + FRAME_RFLAGS]
	push	qword [rdi + FRAME_CS]
	push	qword [rdi + FRAME_RIP]
	mov	eax, [rsi + 4 * 0]	; by the guest's numbers: EAX ECX EDX EBX ESP EBP ESI EDI
	mov	ecx, [rsi + 4 * 1]
	mov	edx, [rsi + 4 * 2]
	mov	ebx, [rsi + 4 * 3]
	mov	ebp, [rsi + 4 * 5]
	mov	edi, [rsi + 4 * 7]
	mov	esi, [rsi + 4 * 6]
	; Nothing of the monitor's in registers that a later REX-less switch could show.
	xor	r8d, r8d
	xor	r9d, r9d
	xor	r10d, r10d
	xor	r11d, r11d
	xor	r12d, r12d
	xor	r13d, r13d
	xor	r14d, r14d
	xor	r15d, r15d
	cmp	byte [speculation_verw], 0
	je	raw_entry_begin
	verw	[speculation_selector]
raw_entry_begin:
	iretq
raw_entry_iret_end:

; void raw_unwind(u64 rsp): returns from raw_enter
raw_unwind:
	mov	rsp, rdi
	pop	r15
	pop	r14
	pop	r13
	pop	r12
	pop	rbp
	pop	rbx
	ret

; void raw_load_segments(u64 sel): ES, DS, FS, GS, from the low word up
raw_load_segments:
	movzx	eax, di
	mov	es, eax
	shr	rdi, 16
	movzx	eax, di
	mov	ds, eax
	shr	rdi, 16
	movzx	eax, di
	mov	fs, eax
	shr	rdi, 16
	mov	eax, edi
	mov	gs, eax
raw_entry_end:
	ret

; u64 raw_read_segments(void): in the same order
raw_read_segments:
	mov	eax, gs
	movzx	eax, ax
	shl	rax, 16
	mov	ecx, fs
	mov	ax, cx
	shl	rax, 16
	mov	ecx, ds
	mov	ax, cx
	shl	rax, 16
	mov	ecx, es
	mov	ax, cx
	ret
