# SPDX-License-Identifier: MIT
"""The tutorial of docs/monitor.md: its commands find the planted bug of tests/guests/lost.c,
and print what the document says.

Commands are the lines of its indented text that begin with the prompt. What differs between runs is
masked: times, and the numbers that a wrong sum depends on. After a change of what is printed, this
puts what is printed now into the document:

    TUTORIAL=write /usr/bin/python3 -m pytest tests/boot/test_tutorial.py
"""
import os
import re

from guests import vm
from machine import ICOUNT, ROOT
from prompt import Prompt, symbols

DOCUMENT = os.path.join(ROOT, "docs/monitor.md")
HEADING = "## From the symptom to the instruction"
RUNS = ("cont", "step")  # these end in a stop, which is reported behind the prompt
MASKS = [(r"\[ *\d+\.\d+\]", "[TIME]"), (r"^ +\d+\.\d{6} +\d+\.\d{3}  ", "TIME  "),
         (r"the sum is \d+", "the sum is N"), (r"right \d+ times", "right N times"),
         (r"^[0-9a-f]{8}  \d+$", "N"), (r"met \d+ times", "met N times")]


def masked(line):
    for pattern, word in MASKS:
        line = re.sub(pattern, word, line)
    return line


class Tutorial(Prompt):
    def answer(self, command):
        """The lines that a command prints."""
        if command.split()[0] in RUNS:
            self.process.send(command + "\r")
            self.process.expect(r"(?s)(\[ *\d+\.\d+\] lost: (?:[a-z][^\n]* )?at [0-9a-f:]+\r*\n"
                                r".*?\] lost: [0-9a-f]{8}  [^\n]*)\n")
            text = self.process.match[1]
            return [line for line in re.sub(r"\r|\x1b\[\w*|rl> ", "", text).split("\n") if line]
        lines = self.ask(command).split("\n")
        prompts = [i for i, line in enumerate(lines) if "rl> " in line]
        return [line.rstrip() for line in lines[prompts[0] + 1:prompts[1]]]


def tutorial(text, heading=HEADING, prompt="    rl> "):
    """Where the section is; and its commands, each with the lines of its
    answer as the document has them."""
    begin = text.index(heading)
    end = text.index("\n## ", begin + 1)
    steps = []
    for line in text[begin:end].split("\n"):
        if line.startswith(prompt):
            steps.append((line[len(prompt):], []))
        elif line.startswith("    ") and steps:
            steps[-1][1].append(line[4:])
    return begin, end, steps


def rewritten(section, answers, prompt="    rl> "):
    """The section with these answers."""
    out, rest = [], list(answers)
    for line in section.split("\n"):
        if line.startswith(prompt):
            out.append(line)
            out += ["    " + said for said in rest.pop(0)]
        elif not line.startswith("    ") or not any(o.startswith(prompt) for o in out):
            out.append(line)
    return "\n".join(out)


def test_tutorial():
    with open(DOCUMENT, encoding="utf-8") as f:
        text = f.read()
    begin, end, steps = tutorial(text)
    names = "".join("%08x T %s\n" % (value, name) for name, value in symbols("lost").items())
    answers = []
    with Tutorial([vm("lost", "lost", "", "auto", symbols="lost.map")], extra=ICOUNT,
                  files={"lost.map": names.encode()}) as m:
        m.wait_line(r"\] lost: the sum is \d+, not 705082704; it was right \d+ times\r")
        m.quiet("lost")
        m.ask("echo begins")
        for command, _ in steps:
            answers.append(m.answer(command))
    if os.environ.get("TUTORIAL") == "write":
        with open(DOCUMENT, "w", encoding="utf-8") as f:
            f.write(text[:begin] + rewritten(text[begin:end], answers) + text[end:])
        return
    assert len(steps) > 10
    for (command, expected), said in zip(steps, answers):
        assert [masked(line) for line in said] == [masked(line) for line in expected], command
    # The instruction that did it: the sum is there in front of it, and gone behind it.
    stopped, sum_before, _, sum_behind = answers[-4:]
    assert re.search(r"mov ebx, \[0x\w+\]", stopped[-1])
    assert int(sum_before[0].split()[1]) > 100000 > int(sum_behind[0].split()[1])
