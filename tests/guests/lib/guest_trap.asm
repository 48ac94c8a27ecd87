; SPDX-License-Identifier: MIT
; The 256 gates' stubs, and attempt(), which survives what it calls.
;
; These pages hold IRET and the like, so that raw ring 1 never runs them; attempt() is on a
; page of its own that it may run.
BITS 32
global trap_stubs, attempt, attempt_recover, enter_ring3, call_ring0
extern trap_handler, attempt_esp, attempt_on, trap_cs, trap_ds

KCS equ 0x10
KDS equ 0x18
UCS equ 0x23
UDS equ 0x2b
STUB_SIZE equ 16

section .dirty

; Loads are slow where they are emulated: only when needed.
%macro fresh 2
	mov	ebx, %1
	cmp	ebx, %2
	je	%%done
	mov	%1, %2
%%done:
%endmacro

%macro stub 1
	align	STUB_SIZE
	%if !((%1 == 8) || (%1 >= 10 && %1 <= 14) || (%1 == 17))
	push	byte 0
	%endif
	push	strict dword %1
	jmp	near trap_common
%endmacro

	align	STUB_SIZE
trap_stubs:
%assign vector 0
%rep 256
	stub	vector
%assign vector vector + 1
%endrep

; struct guest_frame:
;   edi esi ebp esp ebx edx ecx eax, gs fs es ds, vector error, eip cs eflags [esp ss]
trap_common:
	push	ds
	push	es
	push	fs
	push	gs
	pusha
	mov	eax, KDS
	fresh	ds, eax
	fresh	es, eax
	cld
	push	esp
	call	trap_handler
	add	esp, 4
	test	eax, eax
	jnz	recover
	popa
	pop	gs
	pop	fs
	pop	es
	pop	ds
	add	esp, 8
	iret
; The attempt failed: back into attempt(), with fresh segments and flags. EAX: CS to return to.
recover:
	mov	edx, [trap_ds]
	mov	ecx, [attempt_esp]
	test	al, 3
	jnz	.outer
	mov	esp, ecx
	jmp	.go
.outer:
	push	edx
	push	ecx
.go:	push	dword 0x202
	push	eax
	push	dword attempt_recover
	xor	eax, eax
	fresh	fs, eax
	fresh	gs, eax
	fresh	ds, edx
	fresh	es, edx
	iret

; void enter_ring3(void (*fn)(void), u32 esp): never returns
enter_ring3:
	mov	eax, [esp + 4]
	mov	ecx, [esp + 8]
	mov	edx, UDS
	mov	ds, edx
	mov	es, edx
	push	edx
	push	ecx
	push	dword 0x202
	push	dword UCS
	push	eax
	iret

section .attempt
; int attempt(void (*fn)(u32), u32 arg): the vector of the trap that ended fn, -1 if it returned
attempt:
	push	ebp
	push	ebx
	push	esi
	push	edi
	mov	[attempt_esp], esp
	mov	dword [attempt_on], 1
	push	dword [esp + 24]
	call	[esp + 24]
	mov	eax, -1
	mov	esp, [attempt_esp]
	jmp	done
attempt_recover:
	mov	eax, [attempt_on]
	shr	eax, 8		; trap_handler() left the vector there
done:	mov	dword [attempt_on], 0
	pop	edi
	pop	esi
	pop	ebx
	pop	ebp
	ret

; u32 call_ring0(u32 (*fn)(u32), u32 arg): fn in ring 0, from any ring
call_ring0:
	mov	eax, [esp + 4]
	mov	edx, [esp + 8]
	int	0x80
	ret
