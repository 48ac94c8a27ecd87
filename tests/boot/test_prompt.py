# SPDX-License-Identifier: MIT
"""The prompt itself: several commands in a line, quotes, scripts, help, Ctrl-C, and noise.

One test:  /usr/bin/python3 -m pytest tests/boot/test_prompt.py -k scripts
"""
import os
import random
import re

from guests import check_bystander, vm
from prompt import Prompt

NOISE = int(os.environ.get("NOISE_KIB", 16))  # `make check-noise`: 1,024
SUM = r"SUM \d+ \w+ \d+ \w+ ticks \d+"

SCRIPTS = {
    "good.rl": b"# a comment; echo not this\r\n\n  echo one; echo \"two; three\"\r\n"
               b"\tsource inner.rl\necho 'last \"word\"'",
    "inner.rl": b"echo inside\n",
    "bad.rl": b"echo before\nnonsense\necho never\n",
    "outer.rl": b"source bad.rl\necho never\n",
    "deep.rl": b"echo again\nsource deep.rl\n",
    "long.rl": b"echo begins\necho " + b"x" * 300 + b"\necho never\n",
    "binary.rl": bytes(range(256)) * 4,
}

ANSWERS = [
    ("echo a; echo b;echo c", r"\na\nb\nc\n"), ("echo 'a; b' \"c;  d\" e;", r"\na; b c;  d e\n"),
    ("; ;;", ""), ("echo \"a", "a quote is not closed"),
    ("echo 'a; echo b", "a quote is not closed"), ("nonsense; echo b", r"unknown command.*\nb\n"),
    ("echo", r"\n\n"), ("# echo a; echo b", r"(?<!\na)\n.*"),
    ("source good.rl", r"\none\ntwo; three\ninside\nlast \"word\"\n"),
    ("source", r"source MODULE\n"), ("source nothing.rl", "no boot module is called nothing.rl"),
    ("source good.rl inner.rl", "source MODULE"),
    ("source bad.rl; echo not",
     r"\nbefore\nnonsense: unknown command[^\n]*\nbad.rl: ended at line 2\n"),
    ("source outer.rl", r"\nbefore\nnonsense: unknown command[^\n]*\nbad.rl: ended at line 2\n"),
    ("source deep.rl", r"(\nagain){4}\n[^\n]*too many scripts inside each other"),
    ("source long.rl", r"\nbegins\nlong.rl: line 2 is too long"),
    ("source binary.rl", "binary.rl: "), ("help", r"\nhelp +\[COMMAND \| TOPIC\] +what"),
    ("help", r"help TOPIC: prompt machine"),
    ("help echo", r"echo WORD\.\.\.\n    print the words\nexamples:\n    echo "),
    ("help see", r"\ndisas "), ("help measure", r"\nexits "), ("help vm list", r"vm list"),
    ("help nothing", "no command and no topic is called nothing"),
    ("help x y z", "memory at a linear address"), ("help x/4d", "memory at a linear address"),
]


def test_scripts():
    """What is typed in one line, and what scripts do."""
    with Prompt([vm("a", "bystander", "", "auto")], files=SCRIPTS, modules=SCRIPTS) as m:
        m.wait_line("a: SUM")
        m.quiet("a")
        for command, answer in ANSWERS:
            said = m.ask(command)
            assert re.search(answer, said), "%s: %s" % (command, said)
            assert "never" not in said and "\nnot\n" not in said, said
        # Each command is told with examples.
        listed = m.ask("help").split("help COMMAND:")[0]
        for name in set(re.findall(r"(?m)^([a-z]+) [^\n]*  ?\S", listed)) - {"help", "memory"}:
            assert re.search(r"examples:\n    %s" % name, m.ask("help " + name)), name
        # Ctrl-C ends what is printed, and what was to come: here it arrives
        # while the first command prints.
        m.process.send("x/8000b 0; echo never\r\x03echo alive\r")
        m.expect(r"\^C", r"\nalive\r*\n")
        assert "never" not in m.process.before.split("\n", 1)[1], m.process.before
        m.process.send("resume a\r")
        m.wait_line(r"a: SUM [^\n]*\n")


def test_keys():
    """Completion of commands, VMs, registers, symbols, modules; search; what was deleted."""
    names = "00101000 T a_long_name\n00102000 T another_name\n"
    guests = [vm(n, "bystander", "", "auto", symbols="names.map") for n in ("alpha", "beta")]
    with Prompt(guests, files={"names.map": names.encode(), "some.rl": b"echo sourced\n"},
                modules=["some.rl"]) as m:
        m.wait_line("alpha: SUM")
        m.quiet("alpha", "beta")
        for typed, answer in [
                ("ec\tdone", r"\ndone\r*\n"), ("sour\tsom\t", r"\nsourced\r*\n"),
                ("use al\t; use", r"\nalpha\r*\n"), ("pau\tbe\t", "beta: paused"),
                ("x/1i a_l\t", "00101000"), ("x/1i [ei\t]; echo x", r"\nx\r*\n"),
                ("x/1i ano\t\x7f+4", "00102004"), ("echo;ech\tseveral", r"\nseveral\r*\n"),
                ("\x12sever\x05 more", r"\nseveral more\r*\n"),
                ("echo wrong right\x17\x17\x19\x1by", r"\nright *\r*\n"),
                ("help mea\t", r"\nstat "), ("info beta pi\tt\t", r"\nmode="),
                ("info kb\t", r"scanning="), ("insert beta flo\t\x03echo dropped", r"\ndropped")]:
            m.process.send(typed + "\r")
            m.expect(answer)


QUESTION = r"\x1b7\x1b\[999;999H\x1b\[6n\x1b8"
MORE = r"--more-- \d+ % \(space Enter b / n G q\)"


def shown(m):
    """Lines that a page has, behind what the key before has erased."""
    return m.process.before.replace("\x1b[K", "").replace("\r", "").strip("\n").split("\n")


def page(m, keys):
    """What a terminal of 30 rows shows behind a key."""
    m.process.send(keys)
    m.expect(MORE)
    return shown(m)


def begin_page(m, command):
    m.process.send(command + "\r")
    m.expect(QUESTION)
    first = m.process.before.split("rl> ")[-1]
    m.process.send("\x1b[30;160R")
    m.expect(MORE)
    return first.replace("\r", "").split("\n")[1:-1] + shown(m)


def test_pager():
    """A terminal that answers is given pages. One that does not,
    scripts, and who types on are not."""
    script = b"x/300b 0\necho end of script\n"
    with Prompt([vm("a", "bystander", "", "auto")], files={"long.rl": script},
                modules=["long.rl"]) as m:
        m.wait_line("a: SUM")
        m.quiet("a")
        m.process.send("help\r")  # nobody answers: it is asked once, and everything comes
        m.expect(QUESTION, "help TOPIC:", "rl> ")
        m.process.send("help\r")
        m.expect("help TOPIC:", "rl> ")
        assert "\x1b[6n" not in m.process.before
        m.guest()
        m.prompt()
        everything = m.ask("help").split("\n")[1:]  # `ask` types on: a paste
        assert "--more--" not in "".join(everything)
        assert begin_page(m, "help") == everything[:29]
        assert page(m, " ") == everything[29:58]
        assert page(m, "\r") == [everything[58]]
        assert page(m, "b") == everything[1:30]
        erased = page(m, "/^nothing\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7fmap [\r")
        assert erased[-29].startswith("map [NAME]")
        m.process.send("q")
        m.expect("rl> ")
        assert begin_page(m, "help; echo behind")
        m.process.send("q")
        m.expect(r"\x1b\[Kbehind\r*\n", "rl> ")
        assert begin_page(m, "help; echo never")
        m.process.send("\x03")
        m.expect(r"\^C", "rl> ")
        assert "never" not in m.process.before
        assert begin_page(m, "x/4000b 0")
        m.process.send("G")
        m.expect("00000f90", "rl> ")
        m.process.send("source long.rl\r")  # no question
        m.expect(r"\nend of script\r*\n", "rl> ")
        assert "\x1b[6n" not in m.process.before
        m.process.send("help\r")  # keys come instead of an answer
        m.expect(QUESTION)
        m.process.send("echo typed\r")
        m.expect("help TOPIC:", r"\ntyped\r*\n", "rl> ")
        assert begin_page(m, "hot a 0; x/4000b 0")
        m.guest()  # the console goes to the VM
        m.prompt()
        m.process.send("echo alive\r")
        m.expect(r"\nalive\r*\n")


def test_noise():
    """Random bytes at the prompt. Whatever commands it makes, the monitor and the guest run on."""
    noise = random.Random(15)
    with Prompt([vm("a", "bystander", "ring=0", "ring1"),
                 vm("b", "bystander", "ring=3", "auto")]) as m:
        m.wait_line(r"a: SUM [^\n]*\n")
        m.prompt()
        m.text = ""
        for _ in range(NOISE):
            # The escape key and the letters of `poweroff` and `reboot` would rightly end the test.
            data = bytes(noise.choice(ALPHABET) for _ in range(1024))
            m.process.send(data.decode("latin-1"))
        m.process.send("\x03\recho still here\r")
        m.expect(r"\nstill here\r*\n")
        for name in "ab":
            m.wait_line(r"%s: SUM [^\n]*\n" % name)
        for name in "ab":
            assert check_bystander([line for line in m.lines(name) if re.fullmatch(SUM, line)]) >= 1


ALPHABET = [b for b in range(256) if b not in (0x1d, ord("w"), ord("b"))]
