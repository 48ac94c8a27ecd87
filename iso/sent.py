# SPDX-License-Identifier: MIT
"""What the prompt sends over the console as text (vmm/snap/snapshot_send.h), taken
out of the log of a terminal."""
import base64
import os
import re
import sys
import zlib

HEADER, HEAD = 12, 20  # bytes of a stream's header, and of a section's


def give_up(text):
    sys.exit("%s: %s" % (os.path.basename(sys.argv[0]), text))


def sent(log, kind, what):
    """The bytes of the last one of that kind in the log."""
    begin = None
    for begin in re.finditer(rb"=== %s (\S+) (\d+) bytes ===" % kind.encode(), log):
        pass
    if not begin:
        give_up("no %s in this log" % what)
    size, out = int(begin[2]), bytearray()
    for offset, text in re.findall(rb":([0-9a-f]{8,}) ([A-Za-z0-9+/]+=*)", log[begin.end():]):
        if int(offset, 16) != len(out):
            give_up("the line of byte %x is lost" % len(out))
        try:
            out += base64.b64decode(text, validate=True)
        except ValueError:
            give_up("the line of byte %x is damaged" % len(out))
        if len(out) >= size:
            break
    if len(out) != size:
        give_up("%d bytes of %d are there" % (len(out), size))
    return bytes(out)


def sections(data):
    """(name, payload) of each section of a stream. A checksum is of all bytes up to it,
    earlier checksums left out."""
    crc, at = zlib.crc32(data[:HEADER]), HEADER
    while at < len(data):
        name = data[at:at + 12].rstrip(b"\0").decode()
        length = int.from_bytes(data[at + 16:at + 20], "little")
        end = at + HEAD + length
        crc = zlib.crc32(data[at:end], crc)
        if crc != int.from_bytes(data[end:end + 4], "little"):
            give_up("section %s is damaged" % name)
        yield name, data[at + HEAD:end]
        at = end + 4
