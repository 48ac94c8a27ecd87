# SPDX-License-Identifier: MIT
"""The unmodified gdb, driven as a person drives it, at the socket of a serial line."""
import os
import re

import pexpect

from machine import ROOT, TIMEOUT

PROMPT = "(gdb) "


def line(folder, name="com2"):
    """A serial line that is a socket: its path, and QEMU's arguments, which leave out the lines
    between the console and this one."""
    path = os.path.join(str(folder), name)
    return path, ["-serial", "null"] * (int(name[3:]) - 2) + [
        "-chardev", "socket,id=%s,path=%s,server=on,wait=off" % (name, path),
        "-serial", "chardev:" + name]


def guest_elf(name):
    return os.path.join(ROOT, "build/test-guests/%s.elf" % name)


class Gdb:
    """Each command's output, which a mark ends: a command that fails may bring a prompt more."""

    def __init__(self, target, *arguments):
        self.marks = 0
        settings = ("pagination off", "width 0", "confirm off", "remotetimeout 60",
                    "style enabled off")
        options = [word for text in settings for word in ("-ex", "set " + text)]
        self.process = pexpect.spawn("gdb", ["-q", "-nx", *options, *arguments], timeout=TIMEOUT,
                                     encoding="latin-1", echo=False,
                                     env={**os.environ, "TERM": "dumb"})
        self.process.delaybeforesend = None
        test = os.environ.get("PYTEST_CURRENT_TEST", "gdb")
        name = test.split("::")[-1].split(" ")[0].replace("/", "_")
        os.makedirs(os.path.join(ROOT, "build/logs"), exist_ok=True)
        self.log = open(os.path.join(ROOT, "build/logs", name + ".gdb.log"), "a")
        self.process.logfile_read = self.log
        self.process.expect_exact(PROMPT)
        self.ask("target remote " + target)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.process.close(force=True)
        self.log.close()

    def ask(self, command):
        self.marks += 1
        self.process.send("%s\necho <%d>\\n\n" % (command, self.marks))
        self.process.expect(r"<%d>\r*\n" % self.marks)
        said = self.process.before.replace("\r", "").replace(PROMPT, "")
        self.process.expect_exact(PROMPT)
        return said

    def start(self, command):
        """One that does not come back by itself."""
        self.process.send(command + "\n")
        self.process.expect("Continuing")

    def stopped(self):
        """What it says when it comes back."""
        self.process.expect_exact(PROMPT)
        return self.process.before.replace("\r", "")

    def interrupt(self):
        self.process.send("\x03")
        return self.stopped()

    def value(self, what):
        said = self.ask("p/x " + what)
        found = re.search(r"= (?:0x)?([0-9a-f]+)", said)
        assert found, (what, said)
        return int(found[1], 16)

    def steps(self, count):
        """The linear EIP behind each of so many steps."""
        self.process.send("set $n = 0\nwhile $n < %d\nstepi\noutput/x $pc\necho  <- eip\\n\n"
                          "set $n = $n + 1\nend\necho all done\\n\n" % count)
        self.process.expect(r"all done\r*\n")
        text = self.process.before
        self.process.expect_exact(PROMPT)
        return [int(x, 16) for x in re.findall(r"0x([0-9a-f]+) ?<- eip", text)]
