; SPDX-License-Identifier: MIT
; By IRET into another ring, to a function and back by INT 81h.
BITS 32
global ring_go, ring_main, ring_way, ring_fn, ring_arg, ring_data

section .data
ring_way:	times 5 dd 0		; EIP, CS, EFLAGS, ESP, SS
ring_fn:	dd 0
ring_arg:	dd 0
ring_data:	dd 0			; for DS and ES

section .text
; void ring_go(u32): for attempt()
ring_go:
	mov	eax, [ring_data]
	mov	ds, eax
	mov	es, eax
	mov	esp, ring_way
	iret
ring_main:				; in the other ring
	push	dword [ring_arg]
	call	[ring_fn]
	add	esp, 4
	int	0x81
