# SPDX-License-Identifier: MIT
"""Boots our image in Bochs until the guest's kernel has written so many lines, or until its shell asks (make bochs).

Exit status 0 when that came, 1 when Bochs ended, the monitor or the guest panicked, or it took longer than --seconds.
"""
import argparse
import os
import re
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
WORK = os.path.join(ROOT, "build", "bochs")

MACHINE = """
display_library: rfb, options="timeout=0"
config_interface: textconfig
plugin_ctrl: unmapped=1, biosdev=1, speaker=0, extfpuirq=1, parallel=0, serial=1
cpu: model=%(cpu)s, count=1, ips=50000000, reset_on_triple_fault=0
memory: guest=512, host=512
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

# The example: a small guest whose kernel speaks early.
CONFIG = """
[ringleader]
exit = poweroff
[vm debian]
memory  = 64M
kernel  = vmlinuz-686
initrd  = initrd.gz
cmdline = console=ttyS0 earlyprintk=serial,ttyS0
engine  = auto
"""
KERNEL_LINE = re.compile(r"^\[ {0,4}\d+\.\d{6}\] ", re.MULTILINE)
OURS = re.compile(r"^\[ {0,3}\d+\.\d{6}\] (Ringleader|memory:|ACPI: \d|clock:|interrupts:|PCI:|start-up|debian:)", re.MULTILINE)
TROUBLE = re.compile(r"PANIC:|Kernel panic|Oops|BUG:|cannot run here|triple fault")


def read(path):
    try:
        with open(path, "rb") as f:
            return f.read().decode("latin-1").replace("\r", "")
    except FileNotFoundError:
        return ""


def prepare(options):
    os.makedirs(WORK, exist_ok=True)
    config = options.config
    if not config:
        config = os.path.join(ROOT, "build", "guests", "bochs.conf")
        with open(config, "w") as f:
            f.write(CONFIG)
    names = {n: os.path.join(WORK, n) for n in ("image", "serial", "log")}
    subprocess.run([os.path.join(ROOT, "iso/mkimage"), "-o", names["image"], config], check=True)
    if os.path.exists(names["serial"]):
        os.remove(names["serial"])
    with open(os.path.join(WORK, "bochsrc"), "w") as f:
        f.write(MACHINE % dict(names, cpu=options.cpu))
    with open(os.path.join(WORK, "commands"), "w") as f:
        f.write("continue\n")  # Debian's Bochs is built with its debugger
    return names


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--lines", type=int, default=30)
    parser.add_argument("--shell", action="store_true")
    parser.add_argument("--config")
    parser.add_argument("--cpu", default="corei7_haswell_4770")
    parser.add_argument("--seconds", type=int, default=1500)
    options = parser.parse_args()
    names = prepare(options)
    begin = time.monotonic()
    with open(os.path.join(WORK, "output"), "w") as out, open("/dev/zero") as never:
        bochs = subprocess.Popen(["bochs", "-q", "-f", os.path.join(WORK, "bochsrc"), "-rc", os.path.join(WORK, "commands")],
                                 stdin=never, stdout=out, stderr=subprocess.STDOUT)
    verdict = "took longer than %d seconds" % options.seconds
    text = ""
    try:
        while time.monotonic() - begin < options.seconds:
            ended = bochs.poll() is not None
            text = read(names["serial"])
            lines = len(KERNEL_LINE.findall(text)) - len(OURS.findall(text))
            if TROUBLE.search(text):
                verdict = "trouble: " + TROUBLE.search(text).group()
                break
            if "guest:/root#" in text if options.shell else lines >= options.lines:
                verdict = None
                break
            if ended:
                verdict = "Bochs ended: see %s" % names["log"]
                break
            time.sleep(1)
    finally:
        if bochs.poll() is None:
            bochs.kill()
        bochs.wait()
    print(text)
    print("bochs: %s after %d s" % (verdict or "reached", time.monotonic() - begin))
    return 1 if verdict else 0


if __name__ == "__main__":
    sys.exit(main())
