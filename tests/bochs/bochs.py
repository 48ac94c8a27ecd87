# SPDX-License-Identifier: MIT
"""Our image in Bochs, its serial line in a file."""
import os
import subprocess
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
WORK = os.path.join(ROOT, "build", "bochs")

MACHINE = """
display_library: rfb, options="timeout=0"
config_interface: textconfig
plugin_ctrl: unmapped=1, biosdev=1, speaker=0, extfpuirq=1, parallel=0, serial=1
cpu: model=%(cpu)s, count=1, ips=50000000, reset_on_triple_fault=0
memory: guest=1024, host=1024
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/vgabios/vgabios.bin
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata0-master: type=cdrom, path="%(image)s", status=inserted
boot: cdrom
clock: sync=none, time0=utc
com1: enabled=1, mode=file, dev="%(serial)s"
log: "%(log)s"
panic: action=fatal
error: action=report
info: action=ignore
debug: action=ignore
"""


class Bochs:
    def __init__(self, config, cpu):
        """config: the path of a vms.conf."""
        os.makedirs(WORK, exist_ok=True)
        names = {n: os.path.join(WORK, n) for n in ("image", "serial", "log")}
        self.serial, self.log = names["serial"], names["log"]
        subprocess.run([os.path.join(ROOT, "iso/mkimage"), "-o", names["image"], config],
                       check=True)
        if os.path.exists(self.serial):
            os.remove(self.serial)
        with open(os.path.join(WORK, "bochsrc"), "w") as f:
            f.write(MACHINE % dict(names, cpu=cpu))
        with open(os.path.join(WORK, "commands"), "w") as f:
            f.write("continue\n")  # Debian's Bochs is built with its debugger
        with open(os.path.join(WORK, "output"), "w") as out, open("/dev/zero") as never:
            self.process = subprocess.Popen(
                ["bochs", "-q", "-f", os.path.join(WORK, "bochsrc"), "-rc",
                 os.path.join(WORK, "commands")],
                stdin=never, stdout=out, stderr=subprocess.STDOUT)
        self.begin = time.monotonic()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def text(self):
        try:
            with open(self.serial, "rb") as f:
                return f.read().decode("latin-1").replace("\r", "")
        except FileNotFoundError:
            return ""

    def seconds(self):
        return time.monotonic() - self.begin

    def wait(self, verdict, limit):
        """Asks verdict(text) each second until it says something: "" is good. Returns what it said,
        or what else ended it."""
        while self.seconds() < limit:
            ended = self.process.poll() is not None
            said = verdict(self.text())
            if said is not None:
                return said
            if ended:
                return "Bochs ended: see %s" % self.log
            time.sleep(1)
        return "took longer than %d seconds" % limit
