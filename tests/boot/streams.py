# SPDX-License-Identifier: MIT
"""Streams of saved machines (docs/snapshots.md), and what an attacker does to them."""
import struct
import zlib

HEADER, HEAD = 12, 20
CPU_HEAD = 250  # bytes of the processor's section before MSRs and FPU


def sections(data):
    """(name, start of the payload, its length) of each."""
    at = HEADER
    while at + HEAD <= len(data):
        length, = struct.unpack_from("<I", data, at + 16)
        yield data[at:at + 12].rstrip(b"\0").decode(), at + HEAD, length
        at += HEAD + length + 4


def seal(data):
    """The same with checksums that are right."""
    data = bytearray(data)
    crc = zlib.crc32(data[:HEADER])
    for _, at, length in list(sections(data)):
        crc = zlib.crc32(data[at - HEAD:at + length], crc)
        struct.pack_into("<I", data, at + length, crc)
    return bytes(data)


def changed(data, name, offset, value):
    """With other bytes in the payload of the first section of that name."""
    at = next(start for n, start, _ in sections(data) if n == name) + offset
    return data[:at] + value + data[at + len(value):]


def hostile(data, rng):
    """Good checksums, and a few fields of processor or devices that are anything."""
    parts = [(at, length) for name, at,
             length in sections(data) if name not in ("machine", "ram", "end") and length]
    out = bytearray(data)
    cpu = next((at, length) for name, at, length in sections(data) if name == "cpu")
    for _ in range(rng.randint(1, 4)):
        at, length = cpu if rng.random() < 0.6 else rng.choice(parts)
        where = at + rng.randrange(min(length, CPU_HEAD))
        if rng.random() < 0.5:
            out[where] ^= 1 << rng.randrange(8)
        else:
            out[where] = rng.choice([0, 1, 2, 3, 0x7f, 0x80, 0xff, rng.randrange(256)])
    return seal(out)
