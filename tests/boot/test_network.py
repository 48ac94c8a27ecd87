# SPDX-License-Identifier: MIT
"""Networks between VMs: Debian's drivers of each card send to each other, and a machine boots by
its network card from another one.

Alone:  make guests && /usr/bin/python3 -m pytest tests/boot/test_network.py
"""
import re

import pytest

from machine import Machine

DRIVERS = {
    "virtio": ("virtio", "virtio_ring", "virtio_pci_modern_dev", "virtio_pci_legacy_dev",
               "virtio_pci", "failover", "net_failover", "virtio_net"),
    "ne2000": ("8390", "ne2k-pci"),
}

VM = """[vm %s]
memory = 96M
kernel = vmlinuz-686
initrd = virtio.gz
cmdline = console=ttyS0 quiet
engine = %s
net0 = lan,card=%s%s
"""


def insert(m, card):
    m.run("cd /lib/modules/$(uname -r); for m in %s; do insmod $m.ko || echo bad $m; done; cd"
          % " ".join(DRIVERS[card]))


class Pair(Machine):
    """Two Debians in one network."""

    def __init__(self, engine, card, keys=""):
        super().__init__("[ringleader]\n" + VM % ("one", engine, card, ",mac=52:4c:00:00:01:01")
                         + keys + VM % ("two", engine, card, "") + keys)
        self.expect("Type 'poweroff -f'", r"guest:[^#]*# ")

    def turn(self, name):
        """The console to that VM."""
        self.prompt()
        self.process.send("console %s\r" % name)
        self.expect(r"console: %s[^\n]*\n" % name)
        self.process.send("\r")
        self.expect(r"# ")

    def up(self, name, card, address):
        self.turn(name)
        insert(self, card)
        self.run("ifconfig eth0 %s netmask 255.255.255.0 up" % address)


def copy(m, url):
    """A file from this VM, two, to the other one; its bytes are the same there."""
    m.run("mkdir -p /tmp; dd if=/dev/urandom of=/tmp/data bs=1k count=500; busybox httpd -h /tmp")
    sums = [m.run("md5sum /tmp/data").split()[0]]
    m.turn("one")
    print(m.run("mkdir -p /tmp; time wget -q -O /tmp/data %s" % url))
    sums.append(m.run("md5sum /tmp/data").split()[0])
    assert len(sums[0]) == 32 and sums[0] == sums[1], sums


@pytest.mark.parametrize("engine,card,keys", [
    ("auto", "virtio", "apic = yes\n"),
    ("auto", "ne2000", ""),
])
def test_two(engine, card, keys):
    with Pair(engine, card, keys) as m:
        m.up("one", card, "10.0.0.1")
        assert "52:4c:00:00:01:01" in m.run("cat /sys/class/net/eth0/address")
        m.up("two", card, "10.0.0.2")
        said = m.run("ping -c 5 -s 1400 10.0.0.1")
        assert "5 packets received" in said, said
        print(said)
        print(m.run("cat /proc/net/arp"))
        copy(m, "http://10.0.0.2/data")
        m.prompt()
        print(m.monitor("net"))
