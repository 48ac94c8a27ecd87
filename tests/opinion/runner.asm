; SPDX-License-Identifier: MIT
;
; A boot disk that runs the unit tests' guests on another processor (opinion.py makes it and
; reads the answers). Sector 0 boots, sectors 1..32 are this file's rest, then come the cases,
; each two sectors of state (tests/unit/guest_dump.h) and its pages. All are read to 2 MiB
; first; then, one after another:
;
;   1. the guest's memory, below 2 MiB
;   2. its tables, TR, LDTR, debug registers
;   3. in, by a far jump or IRET
;   4. every HLT where it may end was made a CALL to `leave`, which writes what it finds to port E9h
;
; The runner lives in the guest's last 128 KiB, where the tests' page tables map it, too.

SECTORS	equ 32		; of stage 2
RUNNER	equ 0x1e0000
STATE	equ 0x1e8000
STATE_SIZE equ 1024
RESULT	equ 0x1e9000
STACK	equ 0x1ee000
LEAVE_AT	equ 0x1f0000	; known to opinion.py
CASES	equ 0x200000
LOW	equ 0x10000	; where the BIOS reads to

; struct, in guest_dump.h's order
S_GPR	equ 4
S_EIP	equ 36
S_FLAGS	equ 40
S_CR0	equ 44
S_CR2	equ 48
S_CR3	equ 52
S_CR4	equ 56
S_DR	equ 60		; 0..3, 6, 7
S_GDTR	equ 84
S_IDTR	equ 92
S_SEG	equ 100		; ES CS SS DS FS GS TR LDTR: selector, descriptor
S_MSR	equ 196		; SYSENTER CS, ESP, EIP
S_CPL	equ 208
S_PAGES	equ 212
S_PAGE	equ 216
S_FPU	equ 512
OSFXSR	equ 1 << 9

	bits 16
	org 0x7c00
	jmp 0:start
start:	xor ax, ax
	mov ds, ax
	mov es, ax
	mov ss, ax
	mov sp, 0x7c00
	mov [drive], dl
	mov word [packet + 2], SECTORS
	mov word [packet + 4], stage2
	mov word [packet + 6], 0
	mov dword [packet + 8], 1
	call read
	jmp stage2
read:	mov si, packet
	mov ah, 0x42
	mov dl, [drive]
	int 0x13
	jc $
	ret
drive:	db 0
	align 4
packet:	db 16, 0
	dw 0, 0, 0
	dq 0
	times 504 - ($ - $$) db 0
total:	dd 0		; sectors of cases; opinion.py writes it
	dw 0, 0xaa55

stage2:	in al, 0x92
	or al, 2
	out 0x92, al
	cli
	mov dword [packet + 8], 1 + SECTORS
	mov edi, CASES
.more:	mov eax, [total]
	test eax, eax
	jz .done
	cmp eax, 64
	jbe .few
	mov eax, 64
.few:	sub [total], eax
	mov [packet + 2], ax
	mov word [packet + 4], 0
	mov word [packet + 6], LOW >> 4
	mov ebp, eax
	push edi
	push ebp
	call read
	pop ebp
	pop edi
	add [packet + 8], ebp
	call unreal
	mov esi, LOW
	mov ecx, ebp
	shl ecx, 7
	a32 rep movsd
	xor ax, ax
	mov ds, ax
	mov es, ax
	jmp .more
.done:	lgdt [gdtr]
	mov eax, cr0
	or al, 1
	mov cr0, eax
	jmp dword 8:flat
unreal:	cli
	lgdt [gdtr]
	mov eax, cr0
	or al, 1
	mov cr0, eax
	mov bx, 16
	mov ds, bx
	mov es, bx
	and al, 0xfe
	mov cr0, eax
	xor bx, bx
	mov ds, bx
	mov es, bx
	ret
	bits 32
flat:	mov ax, 16
	mov ds, ax
	mov es, ax
	mov ss, ax
	mov esi, runner_image
	mov edi, RUNNER
	mov ecx, runner_end - runner_start
	rep movsb
	mov esi, leave_image
	mov edi, LEAVE_AT
	mov ecx, leave_end - leave_start
	rep movsb
	jmp RUNNER
	align 8
gdt:	dq 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
gdtr:	dw 23
	dd gdt

; --- The runner, at RUNNER. EBP: the case.
	align 16, db 0
runner_image:
	section .runner vstart=RUNNER align=16 follows=.text
runner_start:
	cld
	mov al, 0xff		; no interrupts, whatever IF is
	out 0x21, al
	out 0xa1, al
	mov dword [next_case], CASES
one:	lgdt [own_gdtr]
	mov esp, STACK
	mov ebp, [next_case]
	cmp dword [ebp], 'CASE'
	jne all_done
	; 1. memory; the BIOS's page 0 goes, too
	xor edi, edi
	xor eax, eax
	mov ecx, 0x60000 / 4
	rep stosd
	mov edi, 0x100000
	mov ecx, 0x2000 / 4
	rep stosd
	mov esi, ebp
	mov edi, STATE
	mov ecx, STATE_SIZE / 4
	rep movsd
	mov edx, [ebp + S_PAGES]
	xor ebx, ebx
.page:	cmp ebx, edx
	je .there
	movzx edi, word [STATE + S_PAGE + ebx * 2]
	shl edi, 12
	mov ecx, 1024
	rep movsd
	inc ebx
	jmp .page
.there:	mov [next_case], esi

	mov eax, OSFXSR		; XMM and MXCSR as well
	mov cr4, eax
	fxrstor [STATE + S_FPU]
	mov ebp, STATE		; 2. tables
	lgdt [ebp + S_GDTR]
	lidt [ebp + S_IDTR]
	mov ebx, [ebp + S_GDTR + 2]
	mov esi, ebp
	add esi, S_SEG + 12 * 6
	and byte [esi + 4 + 5], 0xfd	; LTR wants an available one
	call slot
	ltr [esi]
	call unslot
	add esi, 12
	xor eax, eax
	test byte [esi + 4 + 5], 0x80
	jz .noldt
	call slot
	mov ax, [esi]
.noldt:	lldt ax
	call unslot
	xor edx, edx
	mov ecx, 0x174
	mov eax, [ebp + S_MSR]
	wrmsr
	inc ecx
	mov eax, [ebp + S_MSR + 4]
	wrmsr
	inc ecx
	mov eax, [ebp + S_MSR + 8]
	wrmsr
	mov eax, [ebp + S_CR4]
	mov cr4, eax
	mov eax, [ebp + S_CR2]
	mov cr2, eax
	mov eax, [ebp + S_DR]
	mov dr0, eax
	mov eax, [ebp + S_DR + 4]
	mov dr1, eax
	mov eax, [ebp + S_DR + 8]
	mov dr2, eax
	mov eax, [ebp + S_DR + 12]
	mov dr3, eax
	mov eax, [ebp + S_DR + 16]
	mov dr6, eax
	test dword [ebp + S_FLAGS], 0x20000
	jnz to_v86
	mov esi, STATE + S_SEG
	call slot
	mov es, [esi]
	call unslot
	mov esi, STATE + S_SEG + 12 * 4
	call slot
	mov fs, [esi]
	call unslot
	mov esi, STATE + S_SEG + 12 * 5
	call slot
	mov gs, [esi]
	call unslot
	cmp dword [ebp + S_CPL], 0
	jne to_outer
	test dword [ebp + S_FLAGS], 0x10100
	jnz to_inner_iret

	; 3a. ring 0, by a far jump: no stack is needed
	push dword [ebp + S_FLAGS]
	popfd
	mov eax, [ebp + S_EIP]
	mov [jump_to], eax
	mov eax, [ebp + S_SEG + 12]
	mov [jump_to + 4], ax
	call paging_and_dr7
	mov eax, [ebp + S_SEG + 36]
	mov [data_sel], ax
	mov ss, [STATE + S_SEG + 24]
	mov esp, [STATE + S_GPR + 16]
	mov eax, [STATE + S_GPR]
	mov ecx, [STATE + S_GPR + 4]
	mov edx, [STATE + S_GPR + 8]
	mov ebx, [STATE + S_GPR + 12]
	mov esi, [STATE + S_GPR + 24]
	mov edi, [STATE + S_GPR + 28]
	mov ebp, [STATE + S_GPR + 20]
	mov ds, [data_sel]
	jmp far [cs:jump_to]

	; 3b. ring 0 with TF or RF, by IRET from the guest's own stack
to_inner_iret:
	mov edi, [ebp + S_GPR + 16]
	sub edi, 12
	mov eax, [ebp + S_EIP]
	mov [edi], eax
	mov eax, [ebp + S_SEG + 12]
	mov [edi + 4], eax
	mov eax, [ebp + S_FLAGS]
	mov [edi + 8], eax
	call paging_and_dr7
	mov ss, [STATE + S_SEG + 24]
	mov esp, edi
	jmp registers

	; 3c. ring 1 to 3
to_outer:
	push dword [ebp + S_SEG + 24]
	push dword [ebp + S_GPR + 16]
frame:	push dword [ebp + S_FLAGS]
	push dword [ebp + S_SEG + 12]
	push dword [ebp + S_EIP]
	call paging_and_dr7
registers:
	mov eax, [STATE + S_SEG + 36]
	mov [data_sel], ax
	mov eax, [STATE + S_GPR]
	mov ecx, [STATE + S_GPR + 4]
	mov edx, [STATE + S_GPR + 8]
	mov ebx, [STATE + S_GPR + 12]
	mov esi, [STATE + S_GPR + 24]
	mov edi, [STATE + S_GPR + 28]
	mov ebp, [STATE + S_GPR + 20]
	mov ds, [data_sel]
	iretd

	; 3d. V86 mode
to_v86:	push dword [ebp + S_SEG + 60]
	push dword [ebp + S_SEG + 48]
	push dword [ebp + S_SEG + 36]
	push dword [ebp + S_SEG]
	push dword [ebp + S_SEG + 24]
	push dword [ebp + S_GPR + 16]
	and dword [ebp + S_SEG + 36], 0 ; DS comes by IRET
	jmp frame

paging_and_dr7:
	mov eax, [ebp + S_CR3]
	mov cr3, eax
	mov eax, [ebp + S_CR0]
	mov cr0, eax
	mov eax, [ebp + S_DR + 20]
	mov dr7, eax
	ret

; ESI: selector and descriptor. The descriptor takes its place in the GDT (EBX) while it is loaded.
slot:	movzx edi, word [esi]
	and edi, 0xfff8
	jz .null
	add edi, ebx
	mov eax, [edi]
	mov [kept], eax
	mov eax, [edi + 4]
	mov [kept + 4], eax
	mov eax, [esi + 4]
	mov [edi], eax
	mov eax, [esi + 8]
	mov [edi + 4], eax
.null:	ret
unslot:	movzx edi, word [esi]
	and edi, 0xfff8
	jz .null
	add edi, ebx
	mov eax, [kept]
	mov [edi], eax
	mov eax, [kept + 4]
	mov [edi + 4], eax
.null:	ret

all_done:
	mov esi, end_text
	mov ecx, 4
	mov dx, 0xe9
	rep outsb
	mov dx, 0x8900		; Bochs: power off by the word "Shutdown"
	mov esi, shutdown
	mov ecx, 8
	rep outsb
	mov dx, 0xf4		; QEMU: isa-debug-exit
	xor eax, eax
	out dx, al
	hlt
	jmp $

end_text:  db 'DONE'
shutdown:  db 'Shutdown'
	align 8
jump_to:   dd 0, 0
data_sel:  dw 0, 0
kept:	   dd 0, 0
next_case: dd 0
own_gdt:   dq 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
own_gdtr:  dw 23
	   dd own_gdt
runner_end:

; --- 4. Out: CALLed instead of a HLT, in ring 0, on the guest's stack, with the guest's GDT.
	section .leave vstart=LEAVE_AT align=16 follows=.runner
leave_start:
	pushfd
	push eax
	push ds
	mov ax, 0x10		; DATA0 of the fixture
	mov ds, ax
	mov [RESULT + S_GPR + 4], ecx
	mov [RESULT + S_GPR + 8], edx
	mov [RESULT + S_GPR + 12], ebx
	mov [RESULT + S_GPR + 20], ebp
	mov [RESULT + S_GPR + 24], esi
	mov [RESULT + S_GPR + 28], edi
	mov eax, cr0
	mov [RESULT + S_CR0], eax
	clts
	pop eax
	mov [RESULT + S_SEG + 36], ax
	pop dword [RESULT + S_GPR]
	pop dword [RESULT + S_FLAGS]
	pop dword [RESULT + S_EIP]
	mov [RESULT + S_GPR + 16], esp
	mov eax, dr7
	mov [RESULT + S_DR + 20], eax
	xor eax, eax
	mov dr7, eax
	mov ax, es
	mov [RESULT + S_SEG], eax
	mov ax, cs
	mov [RESULT + S_SEG + 12], eax
	mov ax, ss
	mov [RESULT + S_SEG + 24], eax
	mov ax, fs
	mov [RESULT + S_SEG + 48], eax
	mov ax, gs
	mov [RESULT + S_SEG + 60], eax
	str ax
	mov [RESULT + S_SEG + 72], eax
	sldt ax
	mov [RESULT + S_SEG + 84], eax
	mov eax, cr2
	mov [RESULT + S_CR2], eax
	mov eax, cr3
	mov [RESULT + S_CR3], eax
	mov eax, dr6
	mov [RESULT + S_DR + 16], eax
	mov eax, 0x11		; no paging, protected mode
	mov cr0, eax
	xor eax, eax
	mov cr4, eax
	lgdt [own_gdtr]
	jmp 8:.own
.own:	mov ax, 16
	mov ds, ax
	mov es, ax
	mov ss, ax
	mov esp, STACK
	push dword 2		; no NT; and since POPF leaves VIF and VIP, IRET
	popfd
	push dword 2
	push dword 8
	push dword .clean
	iretd
.clean:	mov dword [RESULT], 'CASE'
	mov dx, 0xe9
	mov esi, RESULT
	mov ecx, 256
	rep outsb
	mov esi, 0x1000		; GDT, LDT
	mov ecx, 0x1000
	rep outsb
	mov esi, 0x3000		; TSSs
	mov ecx, 0x1000
	rep outsb
	mov esi, 0x8000		; data and stacks
	mov ecx, 0x6000
	rep outsb
	mov eax, one
	jmp eax
leave_end:
	section .text
leave_image equ runner_image + (runner_end - runner_start + 15) / 16 * 16
