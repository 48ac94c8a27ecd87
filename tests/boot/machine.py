# SPDX-License-Identifier: MIT
"""A machine that boots an image of ours in QEMU: built from a configuration text, driven over its
serial line."""
import os
import shutil
import subprocess
import tempfile

import pexpect

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GUESTS = os.path.join(ROOT, "build", "guests")
# generous: machines are shared; no test depends on how fast it is
TIMEOUT = int(os.environ.get("TEST_TIMEOUT", 400))
ESCAPE = "\x1d"
# The machine's clock, the TSC among it, counts executed instructions, one a nanosecond; idle time
# passes at once.
ICOUNT = ["-icount", "shift=0,sleep=off"]
OVMF = "/usr/share/OVMF/OVMF_CODE.fd"


def debian(kernel="vmlinuz-686", engine="auto", memory="256M", initrd="initrd.gz", **more):
    """A configuration: one Debian, with whose end the machine goes off."""
    return """[ringleader]
exit = poweroff
[vm debian]
memory  = %s
kernel  = %s
initrd  = %s
cmdline = console=ttyS0
engine  = %s
""" % (memory, kernel, initrd, engine) + "".join("%s = %s\n" % pair for pair in more.items())


class Console:
    """QEMU with a guest's shell on its serial line. once: a reset ends it."""

    def __init__(self, arguments, name=None, once=True):
        self.process = pexpect.spawn("qemu-system-x86_64", [
            "-accel", "tcg", *arguments, "-display", "none", *(["-no-reboot"] if once else []),
            "-monitor", "none"],
            timeout=TIMEOUT, encoding="latin-1", echo=False)
        self.process.delaybeforesend = None
        logs = os.path.join(ROOT, "build", "logs")
        os.makedirs(logs, exist_ok=True)
        name = name or os.environ.get("PYTEST_CURRENT_TEST",
                                      "machine").split("::")[-1].split(" ")[0]
        self.log = open(os.path.join(logs, name.replace("/", "_") + ".log"), "w")
        self.process.logfile_read = self.log

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.process.close(force=True)
        self.log.close()

    def expect(self, *patterns):
        for p in patterns:
            self.process.expect(p)
        return self.process.match

    def shell(self):
        """Waits for the guest's shell."""
        self.expect("Type 'poweroff -f'", r"guest:[^#]*# ")

    def run(self, command):
        """One command in the guest's shell; its output."""
        self.process.send(command + "; echo END=$?\r")
        self.expect(r"END=\$\?\r+\n")
        self.expect(r"END=(\d+)\r")
        output, status = self.process.before, int(self.process.match.group(1))
        self.expect(r"# ")
        assert status == 0, "%s: %s" % (command, output)
        return output.replace("\r", "")

    def ended(self):
        self.expect(pexpect.EOF)

    def text(self):
        """Everything that came so far."""
        self.log.flush()
        with open(self.log.name, encoding="utf-8", newline="") as f:
            return f.read()


class BareMachine(Console):
    """The same guest without us: QEMU loads the kernel. SeaBIOS's own messages come on the same
    line."""

    def __init__(self, kernel="vmlinuz-686", cmdline="console=ttyS0", cpu="max", memory="256M",
                 name=None,
                 initrd="initrd.gz", extra=()):
        super().__init__([
            "-cpu", cpu, "-m", memory, "-chardev", "stdio,id=serial,signal=off,mux=on", "-serial",
            "chardev:serial",
            "-device", "isa-debugcon,iobase=0x402,chardev=serial",
            "-kernel", os.path.join(GUESTS, kernel), "-initrd", os.path.join(GUESTS, initrd),
            "-append", cmdline,
            *extra], name)
        # the multiplexer's own key: the keyboard goes from the debug port to the serial line
        self.process.send("\x01c")


class Machine(Console):
    """Our image. config: the text of vms.conf. media: cd, disk, virtio (fast) or usb. files:
    contents of more files by name; modules: those of them that the configuration does not name.
    com1: QEMU's other side of it, which else is driven here."""

    def __init__(self, config, cpu="max", memory="1G", media="cd", firmware="bios", arguments="",
                 extra=(),
                 name=None, files=None, modules=(), com1="stdio,signal=off,mux=off"):
        self.folder = tempfile.TemporaryDirectory()
        conf = os.path.join(self.folder.name, "vms.conf")
        with open(conf, "w") as f:
            f.write(config)
        for file in os.listdir(GUESTS):
            if file in config:
                shutil.copy(os.path.join(GUESTS, file), self.folder.name)
        for file, data in (files or {}).items():
            with open(os.path.join(self.folder.name, file), "wb") as f:
                f.write(data)
        self.image = os.path.join(self.folder.name, "out.iso")
        subprocess.run([os.path.join(ROOT, "iso/mkimage"), "-o", self.image, "-a", arguments,
                        *(word for module in modules
                          for word in ("-m", os.path.join(self.folder.name, module))), conf],
                       check=True)
        drive = {
            "cd": ["-cdrom", self.image],
            "disk": ["-drive", "file=%s,format=raw" % self.image],
            "virtio": ["-drive", "file=%s,format=raw,if=virtio" % self.image],
            "usb": ["-drive", "file=%s,format=raw,if=none,id=stick" % self.image, "-usb",
                    "-device", "usb-ehci", "-device", "usb-storage,drive=stick,bootindex=0"],
        }[media]
        if firmware == "uefi":
            drive += ["-drive", "if=pflash,format=raw,readonly=on,file=" + OVMF]
        super().__init__(["-cpu", cpu, "-m", memory, *drive, "-chardev", com1 + ",id=serial",
                          "-serial", "chardev:serial", *extra], name)

    def __exit__(self, *exc):
        super().__exit__(*exc)
        self.folder.cleanup()

    def prompt(self):
        """Turns the console to the monitor."""
        self.process.send(ESCAPE)
        self.expect("rl> ")

    def monitor(self, command):
        """One command at the monitor's prompt; its output. The line editor echoes as it likes."""
        self.process.send(command + "\r")
        self.expect(r"\n")
        self.expect(r"rl> ")
        return self.process.before.replace("\r", "")

    def guest(self):
        """Turns the console back to the VM."""
        self.process.send(ESCAPE)

    def stat(self, name):
        self.prompt()
        text = self.monitor("stat -m " + name)
        self.guest()
        pairs = (line.split() for line in text.splitlines())
        return {p[0]: int(p[1]) for p in pairs if len(p) == 2 and p[1].isdigit()}
