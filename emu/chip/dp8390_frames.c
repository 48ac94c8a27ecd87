/* SPDX-License-Identifier: MIT */
/*
 * Frames of a DP8390. Received ones lie in a ring of pages from PSTART to before PSTOP, each
 * behind a header, from a page's begin on. CURR is where the next one goes, and none reaches BNRY,
 * which the guest moves. As in the chip a page is followed by the next one, or by PSTART if that is
 * PSTOP: registers that make no sense lead around 256 pages at most, and a frame takes few.
 *
 * While the ring has no room for the longest frame, frames wait outside, as on a full-duplex link
 * with flow control. A chip on a cable would lose one and set OVW, and Linux then stands still for
 * 10 ms. OVW is left for a ring that is empty and yet too small.
 */
#include "emu/chip/dp8390_frames.h"

#include "emu/snap/crc32.h"
#include "kernel/base/bytes.h"
#include "kernel/base/string.h"

#define FRAME_PADDED 60u   /* the shortest on a cable, without its checksum */
#define TALLY_MAX    0xc0u /* data sheet, 10.3 */
#define TALLY_FULL   0x80u
#define TALLY_MISSED 2u
#define BUDGET	     16u /* frames of one call */

void dp8390_sync(struct dp8390 *d)
{
	bool level = d->isr & d->imr;

	if (level != d->level) {
		d->level = level;
		irq_set(&d->irq, level);
	}
}

void dp8390_raise(struct dp8390 *d, u8 bits)
{
	d->isr |= bits;
	dp8390_sync(d);
}

static void count(struct dp8390 *d, unsigned which)
{
	if (d->tally[which] < TALLY_MAX)
		d->tally[which]++;
	if (d->tally[which] >= TALLY_FULL)
		dp8390_raise(d, ISR_CNT);
}

/* --- Which frames are for it (data sheet, 9) */

static bool is_multicast(const u8 *frame)
{
	return frame[0] & 1;
}

/* The six upper bits of the CRC, which is the register's content mirrored and not inverted. */
static unsigned hash(const u8 *address)
{
	u32 crc = ~crc32_update(0, address, NIC_MAC);
	unsigned h = 0;

	for (unsigned i = 0; i < 6; i++, crc >>= 1)
		h = h << 1 | (crc & 1);
	return h;
}

static bool accepts(const struct dp8390 *d, const u8 *frame)
{
	static const u8 broadcast[NIC_MAC] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	unsigned h;

	if (!memcmp(frame, broadcast, NIC_MAC))
		return d->rcr & RCR_AB;
	if (!is_multicast(frame))
		return (d->rcr & RCR_PRO) || !memcmp(frame, d->par, NIC_MAC);
	h = hash(frame);
	return (d->rcr & RCR_AM) && (d->mar[h / 8] & BIT(h % 8));
}

/* --- The ring */

static u8 next_page(const struct dp8390 *d, u8 page)
{
	u8 next = (u8)(page + 1);

	return next == d->pstop ? d->pstart : next;
}

/* Linux puts BNRY a page before the next frame, and that is before PSTART if the frame is the first
 * of the ring. The chip would not find BNRY in its ring then, and write over what is unread. */
static u8 boundary(const struct dp8390 *d)
{
	return (u8)(d->bnry + 1) == d->pstart ? (u8)(d->pstop - 1) : d->bnry;
}

/* The page behind so many from CURR on; false: BNRY is among them. */
static bool room_for(const struct dp8390 *d, u32 length, u8 *next)
{
	u32 pages = (RING_HEADER + length + DP8390_CRC + DP8390_PAGE - 1) / DP8390_PAGE;

	*next = d->curr;
	while (pages--) {
		*next = next_page(d, *next);
		if (*next == boundary(d))
			return false;
	}
	return true;
}

/* Drivers leave BNRY at the page before the next frame; Send Packet leaves it there. */
static bool ring_is_empty(const struct dp8390 *d)
{
	return d->curr == boundary(d) || d->curr == next_page(d, boundary(d));
}

/* Puts bytes at *at, which goes on behind them. flip: 1 exchanges the bytes of each word. */
static void put(struct dp8390 *d, u16 *at, const u8 *bytes, u32 n, u16 flip)
{
	while (n) {
		u32 piece = MIN(n, DP8390_PAGE - *at % DP8390_PAGE);

		if (!flip && ne2000_is_ram(*at))
			memcpy(ne2000_ram(&d->memory, *at), bytes, piece);
		for (u32 i = 0; flip && i < piece; i++)
			ne2000_write(&d->memory, (u16)(*at + i) ^ flip, bytes[i]);
		bytes += piece;
		n -= piece;
		*at = (u16)(*at + piece);
		if (*at == d->pstop * DP8390_PAGE)
			*at = (u16)(d->pstart * DP8390_PAGE);
	}
}

/* length: without its checksum, which stands behind it. */
static void store(struct dp8390 *d, u32 length, u8 next)
{
	u8 header[RING_HEADER] = { [RING_STATUS] = d->rsr, [RING_NEXT] = next };
	u16 flip = (d->dcr & (DCR_WTS | DCR_BOS)) == (DCR_WTS | DCR_BOS);

	put_le16(&header[RING_COUNT], length + DP8390_CRC);
	d->clda = (u16)(d->curr * DP8390_PAGE);
	put(d, &d->clda, header, RING_HEADER, 0);
	put(d, &d->clda, d->frame, length + DP8390_CRC, flip);
	d->curr = d->local_next = next;
	dp8390_raise(d, ISR_PRX);
}

static void miss(struct dp8390 *d, u8 status)
{
	d->rsr = status;
	count(d, TALLY_MISSED);
}

/* --- Reception */

static void append_crc(struct dp8390 *d, u32 length)
{
	put_le32(d->frame + length, crc32_update(0, d->frame, length));
}

static void receive(struct dp8390 *d, u32 length)
{
	u8 next, status = is_multicast(d->frame) ? RSR_PHY : 0;

	if (!accepts(d, d->frame))
		return;
	if (d->rcr & RCR_MON) {
		miss(d, status | RSR_MPA | RSR_DIS);
		return;
	}
	if (length < FRAME_PADDED) {
		memset(d->frame + length, 0, FRAME_PADDED - length);
		length = FRAME_PADDED;
	}
	if (!room_for(d, length, &next)) {
		d->overflow = true;
		miss(d, status | RSR_MPA);
		dp8390_raise(d, ISR_OVW);
		return;
	}
	append_crc(d, length);
	d->rsr = status | RSR_PRX;
	store(d, length, next);
}

static bool hears(const struct dp8390 *d)
{
	return dp8390_running(d) && !TCR_LB(d->tcr);
}

/* What it does not hear is lost at once. */
static bool has_room(const struct dp8390 *d)
{
	u8 next;

	if (!hears(d) || (d->rcr & RCR_MON))
		return true;
	return !d->overflow && (room_for(d, NIC_FRAME_MAX, &next) || ring_is_empty(d));
}

void dp8390_fetch(void *dp8390)
{
	struct dp8390 *d = dp8390;

	if (!d->host->frame_in)
		return;
	for (unsigned i = 0; i < BUDGET; i++) {
		u32 length = has_room(d) ? d->host->frame_in(d->host->ctx, d->unit, d->frame) : 0;

		if (!length)
			return;
		if (hears(d) && length >= NIC_FRAME_MIN && length <= NIC_FRAME_MAX)
			receive(d, length);
	}
	completion_post(d->completions, &d->more);
}

void dp8390_fetch_later(struct dp8390 *d)
{
	if (d->host->frame_in && has_room(d))
		completion_post(d->completions, &d->more);
}

/*
 * Linux takes nine frames out of the ring, and clears PRX then, whatever is left. On a cable the
 * next frame sets it again. Here as many come at once as there is room for, and behind a full ring
 * none comes at all before BNRY is moved: both would stand still.
 */
void dp8390_received(struct dp8390 *d)
{
	if (hears(d) && !(d->rcr & RCR_MON) && !ring_is_empty(d))
		dp8390_raise(d, ISR_PRX);
}

void dp8390_move_bnry(struct dp8390 *d, u8 page)
{
	d->bnry = page;
	d->overflow = false;
	dp8390_fetch(d);
}

/* --- Transmission */

/* Is what stands behind a frame its checksum? length: of both. */
static bool crc_is_right(const struct dp8390 *d, u32 length)
{
	return length >= DP8390_CRC && get_le32(d->frame + length - DP8390_CRC) ==
					       crc32_update(0, d->frame, length - DP8390_CRC);
}

/* What is too short or too long for an Ethernet is lost on it, and so is what has a wrong checksum,
 * if the driver brings its own. */
static void send(struct dp8390 *d, u32 length)
{
	if (d->tcr & TCR_CRC)
		length = crc_is_right(d, length) ? length - DP8390_CRC : 0;
	if (d->host->frame_out && length >= NIC_FRAME_MIN && length <= NIC_FRAME_MAX)
		d->host->frame_out(d->host->ctx, d->unit, d->frame, length);
}

/* Every step-th byte of the transmit buffer. */
static void gather(struct dp8390 *d, u16 at, u32 length, u16 step, u16 flip)
{
	if (step == 1 && !flip && ne2000_is_ram(at) && at % NE2000_RAM + length <= NE2000_RAM) {
		memcpy(d->frame, ne2000_ram(&d->memory, at), length);
		return;
	}
	for (u32 i = 0; i < length; i++, at = (u16)(at + step))
		d->frame[i] = ne2000_read(&d->memory, at ^ flip);
}

static void send_out(struct dp8390 *d)
{
	u16 flip = (d->dcr & (DCR_WTS | DCR_BOS)) == (DCR_WTS | DCR_BOS);

	d->tsr = TSR_PTX | TSR_ND;
	if (d->tbcr <= sizeof(d->frame)) {
		gather(d, (u16)(d->tpsr * DP8390_PAGE), d->tbcr, 1, flip);
		send(d, d->tbcr);
	}
	dp8390_raise(d, ISR_PTX);
}

/* The FIFO goes round; behind the last byte is the count, its upper byte twice (data sheet, 12). */
static void fill_fifo(struct dp8390 *d, u32 length)
{
	u8 end[3] = { (u8)length, (u8)(length >> 8), (u8)(length >> 8) };
	u32 at = length > DP8390_FIFO ? length - DP8390_FIFO : 0;

	for (; at < length; at++)
		d->fifo[at % DP8390_FIFO] = d->frame[at];
	for (unsigned i = 0; i < sizeof(end); i++)
		d->fifo[(length + i) % DP8390_FIFO] = end[i];
	d->fifo_at = 0;
}

/* What the receiver says of its own frame. There is one CRC generator: what appends a checksum
 * cannot check it. Errors are told of frames for this station alone. */
static u8 looped_status(const struct dp8390 *d, u32 length)
{
	u8 status = is_multicast(d->frame) ? RSR_PHY : 0;

	if (!accepts(d, d->frame))
		return RSR_PRX;
	if ((d->tcr & TCR_CRC) && crc_is_right(d, length))
		return status | RSR_PRX;
	return status | RSR_CRC;
}

/*
 * Nothing goes to memory. Only every other byte of words takes part, the upper ones unless BOS is
 * set. Results are the data sheet's (12); that a wrong checksum is RXE, too, is National's AN-937
 * (6.3), which looked at chips. What is longer than a frame is cut.
 */
static void loop_back(struct dp8390 *d)
{
	static const u8 tsr[4] = { 0, TSR_CDH | TSR_CRS, TSR_CDH, 0 };
	bool words = d->dcr & DCR_WTS;
	u16 first = (u16)(d->tpsr * DP8390_PAGE + (words && !(d->dcr & DCR_BOS)));
	u32 length = (u32)MIN((u32)d->tbcr / (words ? 2 : 1), NIC_FRAME_MAX);

	memset(d->frame, 0, NIC_FRAME_MIN);
	gather(d, first, length, words ? 2 : 1, 0);
	if (TCR_LB(d->tcr) == 3) /* onto the cable */
		send(d, length);
	if (!(d->tcr & TCR_CRC)) {
		append_crc(d, length);
		length += DP8390_CRC;
	}
	fill_fifo(d, length);
	d->rsr = looped_status(d, length);
	d->tsr = TSR_PTX | TSR_ND | tsr[TCR_LB(d->tcr)];
	dp8390_raise(d, ISR_PTX | (d->rsr & RSR_CRC ? ISR_RXE : 0));
}

void dp8390_transmit(struct dp8390 *d)
{
	if (TCR_LB(d->tcr))
		loop_back(d);
	else
		send_out(d);
	d->address = (u16)(d->tpsr * DP8390_PAGE + d->tbcr);
}
