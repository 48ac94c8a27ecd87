# SPDX-License-Identifier: MIT
"""Networks between VMs: Debian's drivers of each card send to each other, and a machine boots
Debian by its network card, from another one.

Alone:  make guests && /usr/bin/python3 -m pytest tests/boot/test_network.py
"""
import os
import re
import subprocess
import tempfile

import pytest

from machine import GUESTS, ROOT, Machine

DRIVERS = {
    "virtio": ("virtio", "virtio_ring", "virtio_pci_modern_dev", "virtio_pci_legacy_dev",
               "virtio_pci", "failover", "net_failover", "virtio_net"),
    "ne2000": ("8390", "ne2k-pci"),
}

# Brings the card of that kind up with that address.
UP = """#!/bin/sh
cd /lib/modules/$(uname -r)
case $1 in
virtio) modules="%s" ;;
*) modules="%s" ;;
esac
for m in $modules; do insmod $m.ko || echo bad $m; done
ifconfig eth0 $2 netmask 255.255.255.0 up
""" % (" ".join(DRIVERS["virtio"]), " ".join(DRIVERS["ne2000"]))

# A file to give out, and its sum; the one that came.
GIVE = """#!/bin/sh
mkdir -p /www
dd if=/dev/urandom of=/www/file bs=1k count=4000 2> /dev/null
httpd -h /www
md5sum < /www/file
"""
TAKE = """#!/bin/sh
wget -q -O /tmp/file http://$1/file
md5sum < /tmp/file
"""

# Gives out addresses, and what is in /www.
SERVE = """#!/bin/sh
httpd -h /www
touch /leases
udhcpd -f /udhcpd.conf &
"""
UDHCPD = """start 10.0.0.10
end 10.0.0.20
interface eth0
lease_file /leases
boot_file http://10.0.0.1/script
option subnet 255.255.255.0
siaddr 10.0.0.1
"""
SCRIPT = """#!ipxe
echo The script of ${next-server} is here
kernel vmlinuz console=ttyS0 quiet ip=${ip}
initrd initrd.gz
boot
"""

VM = """[vm %s]
memory = 96M
kernel = vmlinuz-686
initrd = network.gz
cmdline = console=ttyS0 quiet
engine = %s
net0 = lan,card=%s%s
"""


def guest_file(name):
    with open(os.path.join(GUESTS, name), "rb") as f:
        return f.read()


def initramfs(files):
    """Debian with drivers of cards, and these files."""
    with tempfile.TemporaryDirectory() as folder:
        for name, data in files.items():
            path = os.path.join(folder, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as f:
                f.write(data if isinstance(data, bytes) else data.encode())
        packed = subprocess.check_output([os.path.join(ROOT, "iso/pack-initramfs"), folder])
    return guest_file("virtio.gz") + packed


class Network(Machine):
    """VMs, the first one at the console."""

    def __init__(self, config, files, media=None):
        super().__init__(config, files={"network.gz": initramfs(files), **(media or {})})
        self.shell()

    def turn(self, name):
        """The console to that VM, which has its shell."""
        self.prompt()
        self.process.send("console %s\r" % name)
        self.expect(r"console: %s[^\n]*\n" % name)
        self.process.send("\r")
        self.expect(r"# ")

    def counts(self):
        """Of each VM's first card: frames sent, received, lost."""
        self.prompt()
        said = self.monitor("net")
        self.guest()
        rows = re.findall(r"(\w+) +net0 +lan +([\w:]{17}) +(\d+) +\d+ +(\d+) +\d+ +(\d+)", said)
        return {row[0]: (row[1], *map(int, row[2:])) for row in rows}


@pytest.mark.parametrize("engine,card,keys", [
    ("auto", "virtio", "apic = yes\n"),
    ("recompile", "virtio", "virtio = legacy\n"),
    ("auto", "ne2000", ""),
    ("ring1", "ne2000", "apic = yes\n"),
])
def test_two(engine, card, keys):
    config = ("[ringleader]\n" + VM % ("one", engine, card, ",mac=52:4c:00:00:01:01") + keys
              + VM % ("two", engine, card, "") + keys)
    with Network(config, {"up": UP, "give": GIVE, "take": TAKE}) as m:
        m.run("sh /up %s 10.0.0.1" % card)
        assert "52:4c:00:00:01:01" in m.run("cat /sys/class/net/eth0/address")
        wanted = m.run("sh /give")
        m.turn("two")
        m.run("sh /up %s 10.0.0.2" % card)
        assert "3 packets received" in m.run("ping -c 3 -s 1472 10.0.0.1")
        assert m.run("sh /take 10.0.0.1") == wanted
        own = m.run("cat /sys/class/net/eth0/address").strip()
        counts = m.counts()
        assert counts["one"][0] == "52:4c:00:00:01:01" and counts["two"][0] == own
        # 1,460 bytes of the file in a frame; acknowledgements may be fewer.
        assert counts["one"][1] > 4000 * 1024 // 1460 and counts["two"][1] > 100
        assert counts["two"][2] + counts["two"][3] == counts["one"][1]


@pytest.mark.parametrize("card", ["virtio", "ne2000"])
def test_stands(card):
    """A machine that stands holds up nobody: what its port cannot keep is lost, and it is there
    again afterwards."""
    config = "[ringleader]\n" + VM % ("one", "auto", card, "") + VM % ("two", "auto", card, "")
    with Network(config, {"up": UP}) as m:
        m.run("sh /up %s 10.0.0.1" % card)
        m.turn("two")
        m.run("sh /up %s 10.0.0.2" % card)
        assert "1 packets received" in m.run("ping -c 1 10.0.0.1")
        m.turn("one")
        m.prompt()
        m.monitor("pause two")
        m.guest()
        lost = m.counts()["two"][3]
        assert " 0 packets received" in m.run("ping -c 200 -i 0.01 -W 1 10.0.0.2 || true")
        assert 40 <= m.counts()["two"][3] - lost <= 200
        m.prompt()
        m.monitor("resume two")
        m.guest()
        assert re.search(r"[123] packets received", m.run("ping -c 3 10.0.0.2"))


@pytest.mark.parametrize("engine,card", [("auto", "virtio"), ("recompile", "ne2000")])
def test_boot(engine, card):
    """A PC without a drive: iPXE in its card's ROM asks for an address, and loads a script, a
    kernel and a RAM disk from another VM."""
    config = ("[ringleader]\n" + VM % ("server", "auto", "virtio", "")
              + "[vm client]\nmemory = 96M\nengine = %s\nboot = network\nnet0 = lan,card=%s\n"
              "autostart = no\nsercon = yes\n" % (engine, card))
    files = {"up": UP, "serve": SERVE, "udhcpd.conf": UDHCPD, "www/script": SCRIPT,
             "www/vmlinuz": guest_file("vmlinuz-686"), "www/initrd.gz": guest_file("initrd.gz")}
    with Network(config, files) as m:
        m.run("sh /up virtio 10.0.0.1")
        m.run("sh /serve")
        m.prompt()
        m.monitor("resume client")
        m.process.send("console client\r")
        m.expect("The script of 10.0.0.1 is here", r"guest:[^#]*# ")
        assert "ip=10.0.0.1" in m.run("cat /proc/cmdline")
        assert m.counts()["client"][2] > (5 << 20) // 1460


def test_isa():
    """iPXE's own driver of the card on ISA, from its CD: it asks, and loads the script."""
    config = ("[ringleader]\n" + VM % ("server", "auto", "virtio", "")
              + "[vm client]\nmemory = 32M\ncdrom = ipxe.iso\nboot = cdrom\nsercon = yes\n"
              "net0 = lan,card=ne2000-isa\nautostart = no\n")
    with open(os.path.join(ROOT, "build/os/ipxe.iso"), "rb") as f:
        iso = f.read()
    files = {"up": UP, "serve": SERVE, "udhcpd.conf": UDHCPD,
             "www/script": "#!ipxe\necho The script of ${next-server} is here\nifstat\n"}
    with Network(config, files, {"ipxe.iso": iso}) as m:
        m.run("sh /up virtio 10.0.0.1")
        m.run("sh /serve")
        m.prompt()
        m.monitor("resume client")
        m.process.send("console client\r")
        m.expect("The script of 10.0.0.1 is here", r"using ne on ISA0300 \(open\)",
                 r"TX:\d+ TXE:0 RX:\d+")  # RXE are protocols that iPXE does not know
