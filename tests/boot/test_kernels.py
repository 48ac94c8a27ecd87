# SPDX-License-Identifier: MIT
"""What else speaks the boot protocol: memtest86+ runs; what needs a BIOS or long mode, or is no
kernel, is refused by name.

Alone:  make guests && /usr/bin/python3 -m pytest tests/boot/test_kernels.py
"""
from machine import Machine

CONFIG = """
[vm lkrn]
kernel = ipxe.lkrn
[vm memdisk]
kernel = memdisk
[vm wide]
kernel = memtest86+x64.bin
[vm archive]
kernel = initrd.gz
[vm memtest]
memory  = 16M
kernel  = memtest86+ia32.bin
cmdline = console=ttyS0,115200
"""
REFUSED = [
    ("lkrn: ipxe.lkrn", r'starts in real mode only \(code32_start is 0\) and needs a BIOS'),
    ("memdisk: memdisk",
     r'"MEMDISK 6[^"]*": starts in real mode only \(syssize is 0\) and needs a BIOS'),
    (r"wide: memtest86\+x64.bin", r'"Memtest86\+ v6.10": a 64-bit kernel: this VM is 32-bit'),
    ("archive: initrd.gz", "not a Linux kernel but a gzip file"),
]


def test_kernels():
    with Machine(CONFIG) as m:
        for who, why in REFUSED:
            m.expect(who + ": [^\n]*" + why)
        m.expect("memtest: 16M", r"Memtest86\+ v6.10", r"\[(Address test|Moving inversions), ",
                 r"Errors: 0 ")
