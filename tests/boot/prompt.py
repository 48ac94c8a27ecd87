# SPDX-License-Identifier: MIT
"""The prompt's commands beside guests that run."""
import os
import re
import subprocess

from guests import Guests
from machine import ROOT


def symbols(guest):
    out = subprocess.run(["nm", os.path.join(ROOT, "build/test-guests/%s.elf" % guest)],
                         stdout=subprocess.PIPE, text=True,
                         check=True).stdout
    return {m[2]: int(m[1], 16) for m in re.finditer(r"([0-9a-f]+) [tTdDbB] (\S+)", out)}


class Prompt(Guests):
    def told(self, name, what):
        """The VM stops, and says so; where."""
        self.wait_line(r"\] %s: %s ([0-9a-f]{4}):([0-9a-f]{8})\r*\n" % (name, what))
        return int(self.process.match[2], 16)

    def do(self, command, name=None, what=None):
        """A command, and where the VM stops by it."""
        self.process.send(command + "\r")
        return self.told(name, what) if name else None

    def ask(self, command):
        """A command, and what it prints while all machines stand."""
        self.process.send(command + "\r")
        self.process.send("mem\r")
        self.expect("free blocks:")
        return self.process.before.replace("\r", "")
