# SPDX-License-Identifier: MIT
"""Differences between Bochs 2.7 and ours that are not ours to mend: in which test, what may differ
(every difference must match), and why."""
import re

STACK1 = r"\[b7[0-9a-f]{2}\]"  # the inner stack of the tests' checks
RULES = [
    ("call_gate", "checks", STACK1,
     "it pushes parameters and frame before it finds the fault; below the new stack pointer"),
    ("deliver", "checks", STACK1, "likewise"),
    ("deliver", "checks", r"vector 0c, there vector 0d|\[bfe8\]",
     "room on the new stack is checked before the handler's offset (SDM 2 INT n);"
     " Bochs has it the other way round"),
    ("deliver", "double_fault_by_task_gate", r"\[3026\]",
     "RF in what a double fault saves: no manual says"),
    ("iret", "checks", r"vector 0c, there vector 0b",
     "a stack segment that is not present: #SS by the pseudo-code of IRET,"
     " #NP by its list of exceptions"),
    ("task_switch", "tss_must_be_writable", r"\[102d\]",
     "it marks the old task available before it finds that it cannot save it"),
    ("task_switch", "checks_in_the_new_task", r"\[affe\]",
     "CS against its RPL goes before SS against CPL (SDM 3A table 7-1);"
     " Bochs has it the other way round"),
    ("debug", "data_breakpoints", r"at 6001, there vector 01|esp|dr6|\[9f",
     "the runner's own CALL writes where the breakpoint is"),
    ("debug", "port_breakpoints", r"at 6002, there vector 01|esp|dr6|\[9f",
     "REP OUTS with a count of 0 accesses no port"),
    ("debug", "aliases_and_fixed_bits", r"edx ffff0400, there ffff0c00|dr7",
     "bit 11 of DR7 is reserved without RTM"),
    ("single_step", "hlt_is_trapped", r"vector 01, there it does not end",
     "its HLT sleeps through a single step (SDM 2 HLT: a debug exception ends it)"),
    ("single_step", "mov_ss_then_int", r"vector 01, there vector 40|esp|dr6|\[9f",
     "it forgets the breakpoint that MOV SS holds off when INT n follows;"
     " processors do not (CVE-2018-8897)"),
    ("fpu_error", "pointers_from_the_middle", r"\[81(0c|0d|10|12|13)\] 00, there ",
     "FNSAVE without an error: AMD's processors, on which our x87 instructions run,"
     " keep no pointers then; Intel's and Bochs do"),
    ("fpu_error", "pointers_are_the_guests", r"\[805e\] 02, there 00",
     "FXSAVE: bit 17 of MXCSR_MASK, AMD's misaligned SSE"),
    ("fpu_error", "fxsave_needs_no_osfxsr", r"\[801e\] 02, there 00", "likewise"),
    ("align", "data_types", r"\[8004\]",
     "SGDT stores its word before it finds its doubleword misaligned"),
    ("random_guests", "random",
     r"\[1[01][0-9a-f][5d]\] [0-9a-f][13579bdf], there [0-9a-f][02468ace]$",
     "a transfer that fails later has set the accessed bit of its code segment:"
     " allowed, see semantics.h"),
]


def switched(case):
    """A task switch was part of it."""
    return case.start.r["tr"] != case.end.r["tr"]


def random_rule(case, found):
    """Where random guests come upon the same things, and upon some that only they meet."""
    if switched(case) and all(re.match(r"\[bfe8\]|\[10[0-9a-f][5d]\]", d) for d in found):
        return ("which segment of the new task is looked at first: table 7-1's order here;"
                " SS, data, CS in Bochs")
    if switched(case) and all(re.match(r"esp |\[9[0-9a-f]{3}\]|\[bf[0-9a-f]{2}\]", d)
                              for d in found) and case.vector() in (0x0A, 0x0B):
        return ("the stack that the handler gets when the new task's CS is no good:"
                " its TSS's here, the task's own in Bochs")
    addresses = re.fullmatch(r"cr2 ([0-9a-f]+), there ([0-9a-f]+)", found[0])
    if len(found) == 1 and addresses and abs(int(addresses[1], 16) - int(addresses[2], 16)) < 0x200:
        return ("which part of a frame, a table entry or a pair of TSSs is touched first"
                " is nowhere written down")
    if switched(case) and found == ["vector 0a, there it does not end"]:
        return "likewise, and that stack is nowhere"
    if case.vector() == 0x0E and found == ["[bfe8] 07, there 03"]:
        return ("pushes to call a conforming segment of ring 0 from ring 3:"
                " with the rights of CPL 3 here, of the DPL in Bochs")
    if case.vector() == 0x0E and re.match(r"cr2 1", found[0]) \
            and any(d.startswith("tr ") for d in found):
        return ("a busy bit that cannot be written: nothing has happened here,"
                " Bochs is in the new task already")
    if switched(case) and case.start.r["eflags"] & 1 << 8 \
            and found[0] == "vector 01, there vector 30":
        return ("single step over a task switch: a trap in the new task here,"
                " forgotten in Bochs; no manual says")
    if case.code()[0] in (0xCF, 0x66) and case.vector() == 0x0D \
            and not re.match(r"vector 0d, there vector (?!01)", found[0]) \
            and (case.start.r["eflags"] | case.popped(2)) & 1 << 17 and case.popped(0) > 0xFFFF:
        return ("IRET in or to V86 mode with EIP above FFFFh: its own fault here (SDM 2 IRET),"
                " the next fetch's in Bochs")
    return None


def explained(which, case, found):
    program, _, function = case.name.removeprefix("test_").split("-")
    for p, f, pattern, reason in RULES:
        if which == "bochs" and (p, f) == (program,
                                           function) and all(re.match(pattern, d) for d in found):
            return reason
    return random_rule(case,
                       found) if which == "bochs" and program == "random_guests" and found else None
