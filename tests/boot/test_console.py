# SPDX-License-Identifier: MIT
"""The console: no byte is lost either way (docs/console.md), the escape key and BREAK work while a
guest does not read, a guest's text does nothing to the operator's terminal, and what is said at
start.

One test:  /usr/bin/python3 -m pytest tests/boot/test_console.py -k paste
"""
import base64
import hashlib
import os
import random
import re
import threading
import time

import pytest

from guests import Guests, vm
from machine import ESCAPE, GUESTS, TIMEOUT, BareMachine, Machine, debian
from screen import Screen

PASTE = 64 << 10
NEIGHBOUR = vm("b", "speaker", "what=1", "auto", autostart="no")


class Sender(threading.Thread):
    """Types while the test reads: a terminal that is not read from does not take input for ever."""

    def __init__(self, machine, text):
        super().__init__(daemon=True)
        self.process, self.text = machine.process, text
        self.start()

    def run(self):
        for at in range(0, len(self.text), 512):
            self.process.send(self.text[at:at + 512])


def md5(text):
    return hashlib.md5(text.encode("latin-1")).hexdigest()


def paste_raw(m):
    """Any bytes but the keys of the monitor and of QEMU's multiplexer."""
    source = random.Random(1)
    allowed = [chr(c) for c in range(256) if c not in (0x01, 0x1d)]
    text = "".join(source.choice(allowed) for _ in range(PASTE))
    m.process.send("stty raw -echo; echo RE''ADY; head -c %d | md5sum; stty sane; echo E''ND\r"
                   % PASTE)
    m.expect("READY")
    sender = Sender(m, text)
    m.expect(r"([0-9a-f]{32}) ")
    assert m.process.match[1] == md5(text)
    m.expect("END", "# ")
    sender.join()


def paste_lines(m):
    """As a person pastes: cooked, echoed, in lines that the line discipline takes."""
    text = "".join("%04d %s\n" % (i, "abcdefghijklmnopqrstuvwxyz0123456789" * 2)
                   for i in range(PASTE // 78))
    m.process.send("cat > /tmp/f; md5sum < /tmp/f; echo E''ND\r")
    sender = Sender(m, text.replace("\n", "\r") + "\x04")
    m.expect(r"([0-9a-f]{32}) ")
    assert m.process.match[1] == md5(text)
    m.expect("END", "# ")
    sender.join()


class Output:
    """What a guest prints, read in a time that is linear in its length, unlike expect()'s."""

    def __init__(self, machine):
        self.machine, self.parts, self.length = machine, [], 0

    def read(self, mark=None, length=0):
        """Until so much was printed, or a mark, which is left out."""
        m = self.machine.process
        tail = m.buffer
        while (tail.find(mark) < 0 if mark else self.length < length):
            keep = max(0, len(tail) - len(mark or ""))
            self.parts.append(tail[:keep])
            self.length += keep
            tail = tail[keep:] + m.read_nonblocking(65536, TIMEOUT)
        if mark:
            before, _, tail = tail.partition(mark)
            self.parts.append(before)
        m.buffer = tail

    def text(self):
        """The neighbour's lines are left out, with the prompt that stepped aside for one. The
        terminal that the test reads from has put a \\r before each \\n."""
        text = re.sub(r"(\r\x1b\[K)?\[ *\d+\.\d{6}\] b: [^\n]*\r\r\n(\rrl> \x1b\[K)?", "",
                      "".join(self.parts))
        return text.replace("\r\n", "\n")


def begin_print(m, size):
    """Returns what is going to be printed."""
    with open(os.path.join(GUESTS, "busybox"), "rb") as f:
        text = base64.encodebytes(f.read()).decode()
    m.run("base64 /bin/busybox > /tmp/g")
    m.process.send("stty -opost; while cat /tmp/g; do :; done 2>/dev/null | head -c %d;"
                   " stty opost; echo E''ND; echo E''ND\r" % size)
    m.expect("E''ND\r+\n")
    return (text * (size // len(text) + 1))[:size]


def prompt_in_the_middle(m, out, command):
    """To the monitor and back. The prompt's own text is left out."""
    m.process.send(ESCAPE)
    out.read(mark="\r\r\n\rrl> ")
    m.process.send(command + "\r")
    m.expect("running", "rl> \x1b\\[K")
    m.process.send(ESCAPE)


def check_print(m, size, switches):
    wanted, out = begin_print(m, size), Output(m)
    time.sleep(2)  # nobody reads meanwhile: the line is as full as it gets
    for at in range(switches):
        out.read(length=(at + 1) * size // (switches + 1))
        prompt_in_the_middle(m, out, "vm list" if at else "resume b")
    out.read(mark="END\r")
    got = re.sub("END\r?\n$", "", out.text())  # a neighbour's line may stand inside the first one
    assert len(got) == len(wanted) and md5(got) == md5(wanted)


@pytest.mark.parametrize("engine,size", [("auto", 2 << 20), ("recompile-all", 512 << 10)])
def test_debian(engine, size):
    """64 KiB in, raw and in lines, and up to 2 MiB out, which another machine's lines and the
    prompt interrupt."""
    with Machine(debian(engine=engine) + NEIGHBOUR.replace("= auto\n", "= %s\n" % engine)) as m:
        m.shell()
        paste_raw(m)
        paste_lines(m)
        check_print(m, size, 3)


def test_debian_bare():
    with BareMachine() as m:
        m.shell()
        paste_raw(m)
        paste_lines(m)
        check_print(m, 1 << 20, 0)


def silent(name):
    """A machine that prints and never reads, on the console."""
    return vm(name, "bystander", "every=100000", "auto", serial0="console")


def test_escape_while_the_guest_does_not_read():
    """What was typed for a guest that does not read stands in front of the key, and does not hide
    it."""
    with Guests(["[ringleader]\nexit = stay\n", silent("a"), silent("b")]) as m:
        m.expect("console: a. Ctrl-] for the monitor")
        for _ in range(3):
            Sender(m, "x" * 20000 + ESCAPE)
            m.expect("rl> ")
            m.process.send("vm list\r")
            m.expect("b +running", "rl> ")
            m.process.send(ESCAPE)


def test_break_while_the_sender_waits(tmp_path):
    """More than the monitor holds: the sender waits, the state is dumped on BREAK, and what it then
    still sends is thrown away until the escape key."""
    qemu = Screen(str(tmp_path))
    with Guests(["[ringleader]\nexit = stay\n", silent("a"), silent("b")],
                extra=qemu.arguments) as m:
        m.expect("console: a. Ctrl-] for the monitor")
        sender = Sender(m, "x" * 200000 + ESCAPE)
        assert m.process.expect(["rl> ", "SUM"]) == 1
        assert sender.is_alive()
        while sender.is_alive():
            qemu.command("chardev-send-break", id="serial")
            m.expect("--- state, by BREAK ---", r"vm a: running, engine auto",
                     r"\d+ bytes of input not taken",
                     r"\+us", r"vm b: running, engine auto", "--- end of state ---")
            sender.join(1)
        m.expect("rl> ")
        m.process.send("vm list\r")
        m.expect("a +running")


def test_text_of_guests_in_the_log():
    with Guests([vm("a", "speaker", "", "auto", serial1="log"),
                 vm("b", "speaker", "", "recompile-all", serial1="log")]) as m:
        m.wait_stopped(["a", "b"])
        for name in "ab":
            lines = m.lines(name)
            assert r"one \x1b[31mred\x1b[2J\x07\x08\x7f\x9b1m\x01 end" in lines
            assert "first half, second half" in lines and "second port" in lines
            assert r"debug port: firmware \x1b]0;title\x07 says" in lines
            assert "debug port: Bochs says" in lines
            stopped = next(i for i, line in enumerate(lines) if line.startswith("stopped"))
            assert {"an end that is missing", "debug port: a last word"} <= set(lines[:stopped])
        assert not re.search(r"[\x00-\x09\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\xff]|\x1b(?!\[)",
                             m.text.split("] a: ", 1)[1])


def test_a_machine_that_did_not_start_is_listed():
    conf = "[ringleader]\nexit = stay\nescape = ctrl-a\n"
    with Guests([conf, vm("big", "sti", "", "auto", memory="3G"),
                 vm("c", "bystander", "", "auto", serial0="console")]) as m:
        m.expect("console: c. Ctrl-A for the monitor")
        m.process.send("\x01")
        m.expect("rl> ")
        text = m.monitor("vm list")
        assert re.search(r"big +refused +auto +3072M +memory = 3072M: only \d+M are free", text)
        assert re.search(r"c +running", text)
        assert "big did not start: memory = 3072M" in m.monitor("stat big")


def test_stat_says_each_thing_once():
    with Guests([vm("a", "bystander", "", "auto")]) as m:
        m.wait_line("a: SUM")
        m.quiet("a")
        m.process.send("stat -m a\r")
        m.expect(r"vm a\r*\n", r"desc\.syncs \d+")
        names = re.findall(r"^(\w+\.[\w.]+) \d+", m.process.before, re.MULTILINE)
        assert len(names) > 60 and len(names) == len(set(names)), sorted(n for n in names
                                                                         if names.count(n) > 1)
