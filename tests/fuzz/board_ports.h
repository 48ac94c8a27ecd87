/* SPDX-License-Identifier: MIT */
/*
 * An access to a port of a board, of each kind that the processor makes: its value is the input's.
 */
#pragma once

#include "emu/board/board.h"
#include "tests/fuzz/fuzz.h"

enum port_access { PORT_WRITE, PORT_READ, PORT_READ_MANY, PORT_WRITE_MANY };

static inline void fuzz_port(struct board *b, struct fuzz_input *in, enum port_access how, u16 port,
			     unsigned size)
{
	u8 bytes[64] = { 0 };

	switch (how) {
	case PORT_WRITE:
		board_io_write(b, port, size, fuzz_u32(in));
		break;
	case PORT_READ:
		board_io_read(b, port, size);
		break;
	case PORT_READ_MANY:
		board_io_read_many(b, port, size, bytes, sizeof(bytes) / size);
		break;
	case PORT_WRITE_MANY:
		fuzz_bytes(in, bytes, 12);
		board_io_write_many(b, port, size, bytes, 12 / size);
		break;
	}
}
