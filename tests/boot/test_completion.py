# SPDX-License-Identifier: MIT
"""A completion that an interrupt posts while its VM runs raw is run at once, and not at the end of
the turn.

QEMU's debugger stub stops the monitor in an interrupt of raw code that nobody wants the processor
for: a shift key of the keyboard, which types nothing. There it has the monitor call what
completion_post() calls. Expected: what was posted is run before the next interrupt comes. Without a
post, raw code is resumed: the next interrupt of raw code comes first. The monitor's own code takes
interrupts on its way, too; they say nothing.
"""
import time

from gdbstub import RIP, RSI, Stub
from guests import Guests, vm
from screen import Screen

CS = 19 * 8  # in struct trap_frame, arch/trap/trap.h
TRIALS = 5


def stop_in_raw_code(stub):
    """The machine runs for a moment at least."""
    while True:
        stub.go()
        time.sleep(0.01)
        stub.stop()
        if stub.code_segment() & 3:
            return


def press_shift(stub, qemu):
    """The machine runs until the interrupt comes. QEMU takes no key while it stands."""
    handler = stub.symbol["ps2_interrupt"]
    stub.breakpoint(handler, True)
    stub.go()
    qemu.command("send-key", keys=[{"type": "qcode", "data": "shift"}], **{"hold-time": 1})
    stub.stopped()
    stub.breakpoint(handler, False)
    stub.run_to(stub.symbol["after_irq"])


def of_raw_code(stub):
    """Is the interrupt one of raw code, where the machine stands at after_irq()?"""
    return bool(stub.read_u64(stub.registers()[RSI] + CS) & 3)


def interrupt_raw_code(stub, qemu):
    """The release of the key before has an interrupt, too: it is over when raw code is stopped."""
    while True:
        stop_in_raw_code(stub)
        press_shift(stub, qemu)
        if of_raw_code(stub):
            return


def runs_completions_next(stub):
    """Or does another interrupt of raw code come first?"""
    completions, interrupt = [stub.symbol[name] for name in ("vtimers_run", "after_irq")]
    while True:
        stub.step_on()
        stub.run_to(completions, interrupt)
        if stub.registers()[RIP] == completions:
            return True
        if of_raw_code(stub):
            return False


def test_raw_code_is_left_for_a_completion(tmp_path):
    qemu, path = Screen(str(tmp_path)), str(tmp_path / "gdb")
    extra = [*qemu.arguments, "-gdb", "unix:%s,server=on,wait=off" % path]
    with Guests([vm("busy", "bystander", "ring=3 every=1000", "auto")], extra=extra) as m:
        m.wait_line(r"busy: SUM [^\n]*\n")
        stub = Stub(path)
        machine = stub.read_u64(stub.symbol["vm_list"])
        found = {False: [], True: []}
        for post in [False, True] * TRIALS:
            interrupt_raw_code(stub, qemu)
            if post:
                stub.call_at("after_irq", "host_completed", machine, "")
            found[post].append(runs_completions_next(stub))
        assert all(found[True]), found
        assert not all(found[False]), found
