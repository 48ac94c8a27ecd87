# SPDX-License-Identifier: MIT
"""Asks another processor what the unit tests' guests do: runs the unit tests with GUEST_DUMP, puts
every guest on a boot disk (runner.asm), boots that in Bochs or QEMU, and compares registers and
memory at the end with ours.

    make opinion, or python3 tests/opinion/opinion.py [bochs|qemu] [-v] [-r COUNT SEED]

-r: random guests (random_guests.c) instead of the tests'.

Prints each difference that expected.py does not explain, then `N agree, N differ, N explained`.
Exit status 0 if none differs."""
import os
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from expected import explained  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TESTS = ["call_gate", "task_switch", "iret", "v86", "deliver", "debug", "single_step", "segment",
         "fpu_error", "align", "control"]
LEAVE, HANDLERS = 0x1F0000, 0x4000
STAGE2 = 32
STATE_SIZE, RESULT_SIZE = 1024, 256  # of struct guest_image; of what the runner reports of it
REGIONS = [(0x1000, 0x1000), (0x3000, 0x1000), (0x8000, 0x6000)]  # as runner.asm reports them
GPR = ["eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"]
SEG = ["es", "cs", "ss", "ds", "fs", "gs", "tr", "ldtr"]


class State:
    """struct guest_image, and memory by page."""

    def __init__(self, data):
        words = struct.unpack_from("<21I", data)
        self.r = dict(zip(GPR, words[1:9]))
        self.r.update(zip(["eip", "eflags", "cr0", "cr2", "cr3", "cr4", "dr0", "dr1", "dr2", "dr3",
                           "dr6", "dr7"], words[9:21]))
        self.seg = [struct.unpack_from("<III", data, 100 + 12 * i) for i in range(8)]
        self.r.update((n, s[0] & 0xFFFF) for n, s in zip(SEG, self.seg))
        self.base = {n: s[1] >> 16 | (s[2] & 0xFF) << 16 | s[2] & 0xFF000000 for n,
                     s in zip(SEG, self.seg)}
        self.end, self.endless = struct.unpack_from("<II", data, 496)
        self.size, self.page = STATE_SIZE, {}
        (self.pages,) = struct.unpack_from("<I", data, 212)
        for number in struct.unpack_from("<%dH" % self.pages, data, 216):
            self.page[number] = data[self.size:self.size + 4096]
            self.size += 4096

    def memory(self, start, length):
        return b"".join(self.page.get(p, bytes(4096))
                        for p in range(start >> 12, (start + length) >> 12))


def stack_at(state):
    """The linear address of the top of the stack; SP alone counts on a 16-bit one."""
    esp = state.r["esp"] if state.seg[2][2] & 1 << 22 else state.r["esp"] & 0xFFFF
    return (state.base["ss"] + esp) & 0xFFFFFFFF


class Case:
    def __init__(self, path):
        with open(path, "rb") as f:
            data = f.read()
        self.name = os.path.basename(path)
        self.start = State(data)
        self.image = bytearray(data[:self.start.size])
        self.end = State(data[self.start.size:])
        self.end_at = (self.end.base["cs"] + self.end.r["eip"] - 1) & 0xFFFFFFFF

    def code(self):
        at = (self.start.base["cs"] + self.start.r["eip"]) & 0xFFFFFFFF
        return self.start.memory(at & ~0xFFF, 8192)[at & 0xFFF:(at & 0xFFF) + 16]

    def popped(self, n):
        """The n-th dword that the guest finds on its stack."""
        at = stack_at(self.start)
        return struct.unpack_from("<I", self.start.memory(at & ~0xFFF, 8192),
                                  (at & 0xFFF) + 4 * n)[0]

    def vector(self):
        at = self.end.r["eip"] - 1 - HANDLERS
        return at // 16 if 0 <= at < 4096 else None

    def reports(self):
        """Can the runner be CALLed where it ends: from 32-bit code that reaches it, with a stack
        that goes up to ESP?"""
        cs, ss = (self.end.seg[i] for i in (1, 2))
        limits = [(s[1] & 0xFFFF | s[2] & 0xF0000) << 12 | 0xFFF if s[2] & 1 << 23
                  else s[1] & 0xFFFF | s[2] & 0xF0000 for s in (cs, ss)]
        return (bool(cs[2] & 1 << 22) and limits[0] > LEAVE and stack_at(self.end) < 2 << 20
                and limits[1] >= self.end.r["esp"] & (-1 if ss[2] & 1 << 22 else 0xFFFF))

    def call_leave(self, at, linear=None):
        """Turns the HLT at this physical address into CALL leave."""
        number, offset = at >> 12, at & 0xFFF
        if number not in self.start.page:
            return
        where = STATE_SIZE + 4096 * list(self.start.page).index(number) + offset
        code = b"\xe8" + struct.pack("<I", (LEAVE - (linear or at) - 5) & 0xFFFFFFFF)
        self.image[where:where + 5] = code[:4096 - offset]

    def disk_image(self):
        for vector in range(256):
            self.call_leave(HANDLERS + 16 * vector)
        if not self.end.endless and not HANDLERS <= self.end_at < HANDLERS + 4096:
            self.call_leave(self.end.end, self.end_at)
        return bytes(self.image)


def collect(folder, count, seed):
    commands = [["build/opinion/random_guests", count,
                 seed]] if count else [["build/unit/test_" + t] for t in TESTS]
    subprocess.run(["make", "-s", *(c[0] for c in commands)], cwd=ROOT, check=True)
    for c in commands:
        subprocess.run(c, cwd=ROOT, env={**os.environ, "GUEST_DUMP": folder}, check=True,
                       stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
    return [c for c in (Case(os.path.join(folder, f)) for f in sorted(os.listdir(folder)))
            if c.reports()]


def make_disk(path, cases):
    code = os.path.join(os.path.dirname(path), "runner.bin")
    subprocess.run(["nasm", "-f", "bin", "-o", code,
                    os.path.join(ROOT, "tests/opinion/runner.asm")], check=True)
    with open(code, "rb") as f:
        boot = bytearray(f.read().ljust((1 + STAGE2) * 512, b"\0"))
    data = b"".join(c.disk_image() for c in cases) + bytes(512)
    struct.pack_into("<I", boot, 504, len(data) // 512)
    cylinders = (len(boot) + len(data)) // (16 * 63 * 512) + 1
    with open(path, "wb") as f:
        f.write((bytes(boot) + data).ljust(cylinders * 16 * 63 * 512, b"\0"))
    return cylinders


BOCHS = """megs: 128
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/vgabios/vgabios.bin
cpu: model=corei7_sandy_bridge_2600k, reset_on_triple_fault=0, ips=50000000
ata0-master: type=disk, path="%s", mode=flat, cylinders=%d, heads=16, spt=63
boot: disk
display_library: rfb, options="timeout=0"
speaker: enabled=0
sound: waveoutdrv=dummy, waveindrv=dummy, midioutdrv=dummy
plugin_ctrl: speaker=0
port_e9_hack: enabled=1
clock: sync=none
log: %s
panic: action=fatal
error: action=ignore
"""


def read(path):
    if not os.path.exists(path):
        return b""
    with open(path, "rb") as f:
        return f.read()


def watch(command, out, stuck):
    """Runs until the runner says DONE, stuck() says that it never will, or 20 s bring nothing."""
    idle, last = 0, -1
    if os.path.exists(out):
        os.remove(out)
    with open(os.devnull, "r+b") as null, open(out + ".stdout", "wb") as stdout:
        p = subprocess.Popen(command, stdin=null, stdout=stdout, stderr=null)
        while p.poll() is None and idle < 80 and not read(out).endswith(b"DONE") and not stuck():
            time.sleep(0.25)
            idle = idle + 1 if os.path.exists(out) and os.path.getsize(out) == last else 0
            last = os.path.getsize(out) if os.path.exists(out) else -1
        p.kill()
        p.wait()
    return read(out)


def boot_bochs(folder, disk, cylinders):
    conf, log, commands = (os.path.join(folder, n) for n in ("bochsrc", "log", "commands"))
    with open(conf, "w") as f:
        f.write(BOCHS % (disk, cylinders, log))
    with open(commands, "w") as f:
        f.write("c\n")
    for stale in (log, disk + ".lock"):
        if os.path.exists(stale):
            os.remove(stale)
    out = os.path.join(folder, "out")
    return watch(["sh", "-c", "exec bochs -q -f %s -rc %s > %s" % (conf, commands, out)], out,
                 lambda: b"HLT instruction with IF=0" in read(log) or b"shutdown" in read(log))


def boot_qemu(folder, disk, _):
    out = os.path.join(folder, "out")
    return watch(["qemu-system-i386", "-accel", "tcg", "-cpu", "max", "-m", "128", "-display",
                  "none", "-monitor", "none",
                  "-no-reboot", "-drive", "format=raw,file=" + disk, "-chardev",
                  "file,id=e9,path=" + out,
                  "-device", "isa-debugcon,iobase=0xe9,chardev=e9", "-device", "isa-debug-exit"],
                 out, lambda: False)


def differences(case, theirs, memory):
    """What is not as in our end state."""
    ours, found = case.end.r, []
    for n in GPR + ["eflags", "cr0", "cr2", "cr3", "dr6", "dr7"] + SEG:
        if ours[n] != theirs.r[n]:
            found.append("%s %x, there %x" % (n, ours[n], theirs.r[n]))
    # Below the stack pointers lies what the runner pushed.
    free = [stack_at(case.end), stack_at(case.start)]
    at = 0
    for start, length in REGIONS:
        mine = case.end.memory(start, length)
        for i in range(0, length):
            a = start + i
            if mine[i] != memory[at + i] and not any(e - 16 <= a < e for e in free):
                if not case.end_at <= a < case.end_at + 5:
                    found.append("[%x] %02x, there %02x" % (a, mine[i], memory[at + i]))
        at += length
    return found


def vector_of(eip):
    at = eip - HANDLERS
    return "vector %02x" % (at // 16) if 0 <= at < 4096 else "at %x" % eip


def compare(case, theirs, memory):
    if case.end.endless:
        return ["it does not end, there %s" % vector_of(theirs.r["eip"] - 5)]
    found = differences(case, theirs, memory)
    if theirs.r["eip"] - 5 != (case.end.r["eip"] - 1) & 0xFFFFFFFF:
        found.insert(0, "%s, there %s" % (vector_of(case.end.r["eip"] - 1),
                                          vector_of(theirs.r["eip"] - 5)))
    return found


def answers(cases, boot, folder):
    """The differences of each case, in order; a case that never ends over there is one, and the
    others go on in another boot."""
    size = RESULT_SIZE + sum(n for _, n in REGIONS)
    disk = os.path.join(folder, "disk.img")
    while cases:
        output = boot(folder, disk, make_disk(disk, cases))
        start = output.find(b"CASE")
        records = [output[at:at + size]
                   for at in range(start, len(output) - size + 1, size)] if start >= 0 else []
        for case, record in zip(cases, records):
            yield case, compare(case, State(record[:RESULT_SIZE] + bytes(STATE_SIZE - RESULT_SIZE)),
                                record[RESULT_SIZE:])
        if len(records) < len(cases):
            case = cases[len(records)]
            yield case, [] if case.end.endless else [
                "%s, there it does not end" % vector_of(case.end.r["eip"] - 1)]
        cases = cases[len(records) + 1:]


def main():
    which = "qemu" if "qemu" in sys.argv else "bochs"
    count, seed = sys.argv[sys.argv.index("-r") + 1:][:2] if "-r" in sys.argv else ("", "")
    counts = {"agree": 0, "differ": 0, "explained": 0}
    if which == "qemu":
        print("QEMU checks no segment limits and saves no RF:"
              " its differences are not explained one by one")
    with tempfile.TemporaryDirectory() as folder:
        dumps = os.path.join(folder, "dumps")
        os.mkdir(dumps)
        for case, found in answers(collect(dumps, count, seed),
                                   {"bochs": boot_bochs, "qemu": boot_qemu}[which], folder):
            reason = explained(which, case, found)
            kind = "agree" if not found else "explained" if reason else "differ"
            counts[kind] += 1
            if kind == "differ" or ("-v" in sys.argv and found):
                print("%s: %s%s" % (case.name, "; ".join(found[:12]),
                                    " (%s)" % reason if reason else ""), flush=True)
    print("%(agree)d agree, %(differ)d differ, %(explained)d explained" % counts)
    sys.exit(1 if counts["differ"] else 0)


if __name__ == "__main__":
    main()
