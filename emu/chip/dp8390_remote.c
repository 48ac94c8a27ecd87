/* SPDX-License-Identifier: MIT */
/*
 * The remote DMA of the DP8390: the data port moves bytes at CRDA, or words in word mode, until
 * RBCR is 0; then RDC is set. As the local one, it goes on at PSTART where it reaches PSTOP. An
 * access that no remote DMA waits for, which would hold up the bus of a real PC for ever, reads
 * ones and writes nothing.
 */
#include "emu/chip/dp8390_remote.h"

#include "emu/chip/dp8390_frames.h"
#include "kernel/base/bytes.h"
#include "kernel/base/string.h"

static void finish_remote(struct dp8390 *d)
{
	bool sent = d->remote == REMOTE_SEND;

	if (sent)
		d->remote = REMOTE_NONE;
	dp8390_raise(d, ISR_RDC);
	if (sent)
		dp8390_move_bnry(d, d->remote_next);
}

/* The frame at BNRY, from its header on, as many bytes as the header says. */
static void begin_send(struct dp8390 *d)
{
	u16 at = (u16)(d->bnry * DP8390_PAGE);
	u8 header[RING_HEADER];

	d->remote = REMOTE_NONE;
	if (!(d->dcr & DCR_AR) || d->bnry == d->curr)
		return;
	for (unsigned i = 0; i < RING_HEADER; i++)
		header[i] = ne2000_read(&d->memory, (u16)(at + i));
	d->remote = REMOTE_SEND;
	d->remote_next = header[RING_NEXT];
	d->crda = at;
	d->rbcr = get_le16(&header[RING_COUNT]);
}

/* RD of 0 is not allowed, and leaves alone what is under way. */
void dp8390_begin_remote(struct dp8390 *d, u8 command)
{
	if (command & CR_RD_ABORT)
		d->remote = REMOTE_NONE;
	else if ((command & CR_RD_SEND) == CR_RD_SEND)
		begin_send(d);
	else if (command & CR_RD_SEND)
		d->remote = command & CR_RD_READ ? REMOTE_READ : REMOTE_WRITE;
	else
		return;
	if (d->remote != REMOTE_NONE && !d->rbcr)
		finish_remote(d);
}

static bool words(const struct dp8390 *d)
{
	return d->dcr & DCR_WTS;
}

/* So many bytes have been moved. */
static void go_on(struct dp8390 *d, u32 n)
{
	d->crda = (u16)(d->crda + n);
	if (d->crda == d->pstop * DP8390_PAGE)
		d->crda = (u16)(d->pstart * DP8390_PAGE);
	d->rbcr = n < d->rbcr ? (u16)(d->rbcr - n) : 0;
	if (!d->rbcr)
		finish_remote(d);
}

static bool gives(const struct dp8390 *d)
{
	return d->rbcr && (d->remote == REMOTE_READ || d->remote == REMOTE_SEND);
}

static bool takes(const struct dp8390 *d)
{
	return d->rbcr && d->remote == REMOTE_WRITE;
}

/* Words lie at even addresses. */
static void align(struct dp8390 *d)
{
	if (words(d))
		d->crda &= (u16)~1u;
}

/* A byte of an access moves a whole word in word mode. */
u32 dp8390_data_read(struct dp8390 *d, unsigned size)
{
	unsigned unit = words(d) ? 2 : 1;
	u32 v = 0;

	for (unsigned i = 0; i < size; i += unit) {
		u32 part = 0xffff;

		if (gives(d)) {
			align(d);
			part = ne2000_read(&d->memory, d->crda);
			if (unit == 2)
				part |= (u32)ne2000_read(&d->memory, d->crda + 1) << 8;
			go_on(d, unit);
		}
		v |= (unit == 1 ? (u8)part : part) << 8 * i;
	}
	return v;
}

void dp8390_data_write(struct dp8390 *d, unsigned size, u32 value)
{
	unsigned unit = words(d) ? 2 : 1;

	for (unsigned i = 0; i < size && takes(d); i += unit, value >>= 8 * unit) {
		align(d);
		ne2000_write(&d->memory, d->crda, (u8)value);
		if (size >= 2 && unit == 2 && d->rbcr >= 2)
			ne2000_write(&d->memory, d->crda + 1, (u8)(value >> 8));
		go_on(d, unit);
	}
}

/* How many of n bytes lie in a row in RAM and can be moved in one go by accesses of that size. */
static u32 in_a_row(struct dp8390 *d, unsigned size, u32 n)
{
	u32 stop = d->pstop * DP8390_PAGE;

	align(d);
	if (!ne2000_is_ram(d->crda) || (words(d) && size == 1))
		return 0;
	n = MIN(n, MIN((u32)d->rbcr, NE2000_RAM - d->crda % NE2000_RAM));
	if (stop > d->crda)
		n = MIN(n, stop - d->crda);
	return n / size * size;
}

u32 dp8390_data_read_many(struct dp8390 *d, unsigned size, u8 *to, u32 n)
{
	u32 bytes = gives(d) ? in_a_row(d, size, n * size) : 0;

	if (!bytes)
		return 0;
	memcpy(to, ne2000_ram(&d->memory, d->crda), bytes);
	go_on(d, bytes);
	return bytes / size;
}

u32 dp8390_data_write_many(struct dp8390 *d, unsigned size, const u8 *from, u32 n)
{
	u32 bytes = takes(d) ? in_a_row(d, size, n * size) : 0;

	if (!bytes)
		return 0;
	memcpy(ne2000_ram(&d->memory, d->crda), from, bytes);
	go_on(d, bytes);
	return bytes / size;
}
