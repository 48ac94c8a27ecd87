# SPDX-License-Identifier: MIT
"""vm_kill() from every depth ends that VM alone, with its reason, and nothing of it stays.

Storms (tests/guests/storm.c) keep the monitor at some work. QEMU's debugger stub stops it at a
function deep inside that (a device, a fill of shadow tables, a translation, the middle of a
delivery, an interrupt ...) and lets it call vm_kill() there, as any of them might. Expected: the VM
is stopped, and `vm list` says why; raw code is not entered any more; `reset` revives the VM, which
is then killed at the next depth; the bystander's sums are right, and no memory is lost.

What a guest can bring about by itself, where the processor below errs, is in test_raw.py; a quota
that does not hold a single address space is in tests/unit/test_shadow_bounds.c.
"""
import re

import pexpect

from gdbstub import Stub
from guests import Guests, check_bystander, vm
from test_share import STORMS

# By storm: its engine, and where vm_kill() is called.
DEPTHS = {
    "ports": ("recompile", ["env_io_write", "bus_write", "hard_out", "recomp_hard",
                            "env_code_sought", "vcpu_load"]),
    "page_faults": ("recompile-all", ["env_page_fault", "shadow_fault", "cpu_walk", "cpu_deliver",
                                      "recomp_trap", "recomp_iret",
                                      "code_trap"]),
    "tables": ("ring1", ["raw_trap", "shadow_tables_written", "shadow_leaf_clear",
                         "shadow_link_region", "recomp_slow_write"]),
    "self_modifying": ("ring1",
                       ["block_written", "analyse_step", "translate_block", "block_insert",
                        "code_written"]),
    "cr3": ("auto", ["shadow_root", "shadow_reap", "env_paging_changed"]),
    "timer": ("ring1", ["env_intr_ack", "i8259_ack", "cpu_take_due_events", "after_irq"]),
    "faults": ("ring1", ["save_state", "raw_run", "isolation_look", "raw_may_run"]),
    "nest": ("ring1", ["ring_change_in", "cpu_deliver"]),
    "scan": ("recompile", ["recomp_interrupted"]),
    "serial": ("auto", ["vm_console_tx", "host_serial"]),
    "alarm": ("recompile", ["vtimers_run", "next_alarm"]),
    "idle": ("auto", ["vm_wakes_at", "board_wakes_at"]),
    "reset": ("auto", ["vm_start_piece", "vcpu_forget", "shadow_flush", "block_drop_all",
                       "raw_pages_reset", "vm_ram_clear",
                       "i8254_reset", "vm_load_step", "linux_boot_copy", "vm_do_request"]),
}

MISSED = 15  # of 53: functions that optimization has taken apart, others with each change
SLABS = 64  # KiB: small objects of several machines share pages


def sections():
    number = {name: n for n, (name, _) in enumerate(STORMS)}
    for name, (engine, _) in DEPTHS.items():
        more = {"initrd": "vmlinuz-686"} if name == "reset" else {}
        yield vm(name, "storm", "what=%d" % number[name], engine, autostart="no", **more)
    yield vm("bystander", "bystander", "ring=3 every=1000", "auto")


def addresses(stub):
    """Of each struct vm, which begins with its link in the list."""
    at, found = stub.symbol["vm_list"], []
    for _ in DEPTHS:
        at = stub.read_u64(at)
        found.append(at)
    return dict(zip(DEPTHS, found))


def asked(m, command, answer):
    m.process.send(command + "\r")
    m.wait_line(answer)
    return m.process.match[1]


def kill_at(m, stub, name, depth, address):
    reason = "killed in " + depth
    stub.stop()
    if not stub.call_at(depth, "vm_kill", address, reason):
        stub.go()
        return False
    entered = stub.symbol["raw_enter"]
    stub.breakpoint(entered, True)
    stub.go()
    while m.process.expect([pexpect.TIMEOUT, r"%s: stopped: [^\n]*\n" % name], timeout=2) == 0:
        assert not stub.stands(), "raw code is entered after vm_kill() in " + depth
    assert "stopped: %s\r" % reason in m.process.after
    stub.stop()
    stub.breakpoint(entered, False)
    stub.go()
    asked(m, "vm list", r"(%s +stopped [^\n]*%s)\r+\n" % (name, reason))
    return True


def free_kib(m):
    return int(asked(m, "mem", r"memory: (\d+) KiB free"))


VIDEO_MIB = 16  # of the VGA: `vm list` counts it in no column


def destroy(m, name):
    """What it says that it gives back, in KiB."""
    asked(m, "vm list", r"%s +\w+ [^\n]* 16M +(\d+)K +(\d+)K" % name)
    its = (16 + VIDEO_MIB) * 1024 + int(m.process.match[1]) + int(m.process.match[2])
    asked(m, "destroy " + name, "(%s): destroyed" % name)
    return its


def test_kill(tmp_path):
    path = str(tmp_path / "gdb")
    with Guests(sections(), extra=["-gdb", "unix:%s,server=on,wait=off" % path]) as m:
        m.wait_line(r"bystander: SUM [^\n]*\n")
        m.quiet("bystander")
        stub = Stub(path)  # the machine idles now, in the monitor
        address = addresses(stub)
        stub.go()
        before, missed = free_kib(m), []
        for name, (_, depths) in DEPTHS.items():
            m.process.send("resume %s\r" % name)
            for depth in depths:
                m.wait_line(r"%s: storm" % name)
                if not kill_at(m, stub, name, depth, address[name]):
                    missed.append(depth)
                m.process.send("reset %s\r" % name)
            asked(m, "pause " + name, name + ": (paused)")
        print("not met:", missed)
        assert len(missed) <= MISSED, missed
        asked(m, "resume bystander", r"bystander: (SUM) [^\n]*\n")
        asked(m, "pause bystander", "bystander: (paused)")
        assert free_kib(m) == before
        given = sum(destroy(m, name) for name in DEPTHS)
        assert abs(free_kib(m) - before - given) <= SLABS
        assert check_bystander(re.findall(r"bystander: (SUM [^\r\n]*)", m.text)) >= 2
