# SPDX-License-Identifier: MIT
"""What docs/gdb.md tells students: Debian's gdb goes with tests/guests/student from the reset
vector to its first page fault, by the commands of the document, and answers what it says.
After a change of what is printed, this puts what is printed now into the document:

    GDB_TUTORIAL=write /usr/bin/python3 -m pytest tests/boot/test_gdb_tutorial.py
"""
import os
import re

from gdbclient import Gdb, line
from guests import build
from machine import ROOT, Machine
from test_tutorial import rewritten, tutorial

DOCUMENT = os.path.join(ROOT, "docs/gdb.md")
HEADING = "## From a boot sector to a page fault"
PROMPT = "    (gdb) "
CONFIG = """[ringleader]
exit = poweroff
[vm student]
memory = 16M
floppy = student
boot = floppy
autostart = no
gdb = com2
"""


def masked(text):
    """How much of the shadow tables is there depends on the engine's state."""
    return re.sub(r"shadow  pde .*", "shadow", text)


def ask(gdb, command):
    return [text.rstrip().replace("\t", "    ")
            for text in gdb.ask(command).split("\n") if text.strip()]


def test_tutorial(tmp_path, monkeypatch):
    build()
    with open(DOCUMENT, encoding="utf-8") as f:
        text = f.read()
    begin, end, steps = tutorial(text, HEADING, PROMPT)
    path, extra = line(tmp_path)
    monkeypatch.chdir(os.path.join(ROOT, "build/test-guests"))  # student.elf is there
    with Machine(CONFIG, extra=extra) as m:
        m.expect("gdb may come")
        with Gdb(path) as gdb:
            answers = [ask(gdb, command) for command, _ in steps]
    if os.environ.get("GDB_TUTORIAL") == "write":
        with open(DOCUMENT, "w", encoding="utf-8") as f:
            f.write(text[:begin] + rewritten(text[begin:end], answers, PROMPT) + text[end:])
        return
    assert len(steps) > 30
    for (command, expected), said in zip(steps, answers):
        assert [masked(x) for x in said] == [masked(x) for x in expected], command
    said = dict(zip((command for command, _ in steps), answers))
    assert said["print squares[1024]"][0].endswith("= %d" % 1024 ** 2)
