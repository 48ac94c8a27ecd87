; SPDX-License-Identifier: MIT
; A task of GNU Mach: its entry, Mach's traps, and the instructions that fault.
;
; Mach is called through the call gate 7:0, with the trap's number in EAX and its arguments
; where a C function finds them.
	bits 32
	section .text

	global _start
	extern main, readonly_page
_start:
	mov eax, [esp]
	lea edx, [esp + 4]
	push edx
	push eax
	call main			; never returns
	ud2

%macro TRAP 2
	global %1
%1:
	mov eax, %2
	call 7:0
	ret
%endmacro

	TRAP mach_msg_trap, -25
	TRAP mach_reply_port, -26
	TRAP mach_thread_self, -27
	TRAP mach_task_self, -28
	TRAP mach_host_self, -29
	TRAP thread_switch, -61

; Each of these faults at its first instruction that can. Where they end does not matter:
; their thread is sent to the next.
faulting:
.divide:
	xor edx, edx
	xor ecx, ecx
	div ecx
.undefined:
	ud2
.breakpoint:
	int3
.step:
	pushf
	or dword [esp], 100h		; TF
	popf
	nop
	nop
.overflow:
	mov eax, 7fffffffh
	inc eax
	into
.bound:
	mov eax, 5
	bound eax, [.bounds]
.unmapped:
	mov eax, [0a0000000h]
.readonly:
	mov [readonly_page], eax
.halt:
	hlt
.port:
	in al, 71h
.selector:
	mov eax, 4b3h			; beyond the GDT's end
	mov fs, eax
.gate:
	jmp 7:0				; a jump cannot go inward
.bounds:
	dd 1, 4

	global faults, faults_end
	align 4
faults:
	dd faulting.divide, faulting.undefined, faulting.breakpoint, faulting.step
	dd faulting.overflow, faulting.bound, faulting.unmapped, faulting.readonly
	dd faulting.halt, faulting.port, faulting.selector, faulting.gate
faults_end:

; u32 segment_read(u32 selector, u32 offset): through FS, which stays loaded.
	global segment_read
segment_read:
	mov fs, [esp + 4]
	mov eax, [esp + 8]
	mov eax, [fs:eax]
	ret
