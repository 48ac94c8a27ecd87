# SPDX-License-Identifier: MIT
"""The rules of the house that a program can check. Prints each violation, then `N rules kept, N
broken`.

    lint.py [RULE...]   all, or these, by the names of their functions
"""
import os
import re
import subprocess
import sys

import layers as layers_py

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SOURCE = (".c", ".h", ".asm", ".py", ".mk", ".ld")
# What everybody may include: types and facts.
EVERYBODY = ("kernel/base/", "kernel/hw/")
# Who may include whom.
LAYERS = {
    "boot": {"boot", "arch", "kernel", "drivers", "emu", "vmm"},
    "arch": {"arch", "kernel/base"},
    "kernel": {"kernel", "arch"},
    "drivers": {"drivers", "kernel", "arch"},
    "emu": {"emu"},
    "vmm": {"vmm", "emu", "kernel", "arch"},
}
# Exceptions, each with its reason.
ALLOWED = {}
LINES = 700


def files():
    out = subprocess.run(["git", "ls-files"], cwd=ROOT, stdout=subprocess.PIPE, text=True,
                         check=True).stdout
    return [f for f in out.splitlines() if os.path.isfile(os.path.join(ROOT, f))]


def text(name):
    with open(os.path.join(ROOT, name), encoding="utf-8", errors="replace") as f:
        return f.read()


def spdx(names):
    """Every source file says its licence in its first two lines."""
    for n in names:
        if n.endswith(SOURCE) and not any("SPDX-License-Identifier: MIT" in line
                                          for line in text(n).splitlines()[:2]):
            yield n + ": no SPDX line"


def size(names):
    """No source file is longer than the limit."""
    for n in names:
        lines = text(n).count("\n")
        if n.endswith(SOURCE) and lines > LINES:
            yield "%s: %d lines, more than %d" % (n, lines, LINES)


def unique(names):
    """A basename answers the question where something is."""
    seen = {}
    for n in names:
        base = os.path.basename(n)
        if n.endswith((".c", ".h", ".asm")) and seen.setdefault(base, n) != n:
            yield "%s: the same name as %s" % (n, seen[base])


def layer_ok(layer, include):
    top = include.split("/")[0]
    if include.startswith(EVERYBODY) or (layer, include) in ALLOWED:
        return True
    return top in LAYERS[layer] or any(include.startswith(p + "/") for p in LAYERS[layer])


def layering(names):
    """Includes follow the layers of docs/tour.md."""
    for n in names:
        layer = n.split("/")[0]
        if layer not in LAYERS or not n.endswith((".c", ".h")):
            continue
        if n.startswith(EVERYBODY):
            continue
        for include in re.findall(r'^#include "([^"]+)"', text(n), re.MULTILINE):
            if not layer_ok(layer, include):
                yield "%s: may not include %s" % (n, include)


def layers(names):
    """Nobody calls upwards, by the symbols of the monitor's objects; nobody calls or includes in a
    circle."""
    # What kernel/base declares everybody may call, whoever defines it (memory: kernel/mem in the
    # monitor, malloc on the host).
    base = "\n".join(text(n) for n in names if n.startswith("kernel/base/") and n.endswith(".h"))
    used, graph = layers_py.sources(), None
    try:
        graph = layers_py.edges(used, "build")
    except SystemExit as e:
        yield str(e)
        return
    for (a, b), reasons in sorted(graph.items()):
        # Includes are the rule layering's.
        why = [r for r in reasons if not r.startswith('"') and not re.search(r"\b%s\(" % r, base)]
        if why and not layer_ok(a.split("/")[0], b + ".h") and not a.startswith(EVERYBODY):
            yield "%s: may not use %s: %s" % (a, b, " ".join(why))
    if text("docs/layers.txt").splitlines() != layers_py.folder_lines(used, graph):
        yield "docs/layers.txt: not what `tests/lint/layers.py -f` prints"
    modules = {layers_py.module_of(n) for n in used}
    for kind, nodes, edges in (("modules", modules, graph),
                               ("folders", {os.path.dirname(n) for n in modules},
                                layers_py.folder_edges(graph))):
        for part in layers_py.circles(nodes, edges):
            yield "a circle of %s: %s" % (kind, " ".join(part))


def top_level(names):
    """The layout of the top level is fixed."""
    allowed = {"Makefile", "boot", "arch", "kernel", "vmm", "emu", "drivers", "tests", "iso",
               "docs", "README.md", "LICENSE"}
    for top in sorted({n.split("/")[0] for n in names}):
        if top not in allowed and not top.startswith("."):
            yield top + ": not in the layout"


def formatting(names):
    """clang-format would change nothing."""
    code = [n for n in names if n.endswith((".c", ".h"))]
    p = subprocess.run(["clang-format", "--dry-run", *code], cwd=ROOT, stderr=subprocess.PIPE,
                       text=True, check=False)
    for n in sorted(set(re.findall(r"^([^ :]+):\d+:\d+: warning: code should be clang-formatted",
                                   p.stderr, re.MULTILINE))):
        yield n + ": not formatted (make format)"
    if p.returncode:
        yield "clang-format: " + p.stderr.strip()[-200:]


# Columns as displayed, with tabs of 8.
WIDTH = 100
# Their lines are paragraphs, table rows or data.
UNBROKEN = (".hex", ".txt", "LICENSE")
# Not English, or not a fact: "except that", "still", the fact itself are meant.
PHRASES = re.compile(r"\ball the same\b|'s affair\b|\bsee the header\b", re.IGNORECASE)


def width(names):
    """Text fits the page: no line is too long, outside of a document's tables and code."""
    for n in names:
        fenced = False
        for number, line in enumerate([] if n.endswith(UNBROKEN) else text(n).splitlines(), 1):
            fenced ^= line.startswith("```")
            apart = n.endswith(".md") and (fenced or line.startswith(("|", "    ", "#", "<", "!")))
            if len(line.expandtabs(8)) > WIDTH and not apart:
                yield "%s:%d: more than %d columns" % (n, number, WIDTH)


def opening(names):
    """A source file says its job right behind its licence."""
    begins = {".c": ("/*", "//"), ".h": ("/*",), ".asm": (";",), ".py": ('"""',), ".mk": ("# ",),
              ".ld": ("/*",)}
    for n in names:
        rest = [line for line in text(n).splitlines()[:4] if "SPDX" not in line
                and not line.startswith("#!")]
        if n.endswith(SOURCE) and not (rest and rest[0].startswith(begins[os.path.splitext(n)[1]])):
            yield n + ": no opening comment"


def phrases(names):
    """Phrases that hide a fact, or that readers stumble over."""
    for n in names:
        if n.endswith(SOURCE + (".md", ".def")) and not n.startswith("tests/lint/"):
            for number, line in enumerate(text(n).splitlines(), 1):
                for m in PHRASES.finditer(line):
                    yield '%s:%d: "%s"' % (n, number, m[0])


NAMED_FILE = re.compile(
    r"(?<![\w./{*<-])((?:[\w-]+/)*)([a-z][a-z0-9_-]*\.(?:c|h|asm|def|py|mk|md))\b")


def paths(names):
    """A file that the documentation or a comment names is where it says."""
    there, bases = set(names), {os.path.basename(n) for n in names}
    for n in names:
        if not n.endswith(SOURCE + (".md", ".def")) or n.startswith("tests/lint/"):
            continue
        for number, line in enumerate(text(n).splitlines(), 1):
            for m in NAMED_FILE.finditer(line):
                top = m[1].split("/")[0]
                gone = m[0] not in there and (top in LAYERS or top in ("tests", "iso", "docs"))
                if gone or not top and n.endswith(".md") and m[2] not in bases:
                    yield "%s:%d: there is no %s" % (n, number, m[0])


PROTOTYPE = re.compile(r"^(?!static\b|return\b|typedef\b|_Static_assert)(?:extern\s+)?"
                       r"[a-z_][\w \t*]*?\b(\w+)\([^;{}]*\)[^;{}]*;", re.MULTILINE)


def prototypes(names):
    """A function is declared in a header, once for who defines and who calls it."""
    for n in names:
        if n.endswith(".c") and n.split("/")[0] in LAYERS:
            for m in PROTOTYPE.finditer(text(n)):
                if m[1] != "__attribute__" and "section(" not in m[0]:
                    yield "%s: declares %s(), which belongs in a header" % (n, m[1])


# What a process has no use for, or may not have: privileged instructions, and those that show or
# change the machine below.
HOST_INSTRUCTION = re.compile(
    r"\t((?:rep\w* )?(?:ins|outs)[bwl]?|in|out|cli|sti|hlt|clts|[ls][gi]dt|[ls]ldt|l?str|ltr"
    r"|[ls]msw|inv\w+|wbinvd|(?:rd|wr)msr|x[sg]etbv|cpuid|rdtscp?|rdpmc|swapgs|sys\w+|int|iret\w*"
    r"|lret\w*|ver[rw]|lar|lsl|f?xsave\w*|f?xrstor\w*|fn?save|frstor|[sc]tac|monitor|mwait)\b"
    r"|\tmov\w* [^\n]*%(?:cr\d|dr\d|db\d|[defgs]s$)")


def pure(names):
    """No host instruction is in the objects of the pure folders, which the host library is made
    of."""
    makefile = text("tests/host.mk").replace("\\\n\t", "")
    folders, elsewhere = (re.search(r"^%s := (.*)$" % v, makefile, re.MULTILINE)[1]
                          for v in ("PURE", "HOST_STANDS_IN"))
    folders = folders.replace("*", "[a-z]+")
    inside = re.compile("(?:%s)/[^/]+\\.c" % folders.replace(" ", "|"))
    for n in names:
        if not inside.fullmatch(n) or n in elsewhere.split():
            continue
        o = os.path.join("build", "host", n[:-2] + ".o")
        p = subprocess.run(["objdump", "-d", "--no-show-raw-insn", o], cwd=ROOT,
                           capture_output=True, text=True, check=False)
        if p.returncode:
            yield "%s: no object: make lint builds it" % n
            continue
        function = ""
        for line in p.stdout.splitlines():
            start = re.match(r"[0-9a-f]+ <([^>]+)>:", line)
            function = start[1] if start else function
            if HOST_INSTRUCTION.search(line):
                yield "%s: %s() holds a host instruction: %s" % (n, function,
                                                                 " ".join(line.split("\t")[1:]))


# What docs/panics.md lists: calls that end the machine, and instructions of ring 0 that may fault.
ENDS = re.compile(r"\b(ASSERT|panic|trap_fatal)\(")
FAULTS = re.compile(r'"[^"\n]*\b(f?xrstor|frstor|fldenv|xsetbv|wrmsr|lldt|ltr|lgdt|lidt|iretq?'
                    r'|ldmxcsr|lretq)\b'
                    r'|"[^"\n]*\bmov[^"\n]*, ?%%(cr|dr|ds|es|fs|gs|ss)')
# A comment, or the definition of ASSERT.
HARMLESS = re.compile(r"\s*(/?\*|panic\(\"%s:%d)")
IRET = re.compile(r"^\s+iretq?\b")


def dangers(name):
    """The functions (in assembly: the label right before) of a file that hold one, except
    definitions and comments."""
    begin = r"\w.*?\b(\w+)\([^;]*$" if name.endswith((".c", ".h")) else r"(\w+):"
    function, found = "", set()
    for line in text(name).splitlines():
        start = re.match(begin, line)
        if start and not line.startswith("#"):
            function = start[1]
        elif name.endswith(".asm") and IRET.match(line):
            found.add(function)
        elif line.startswith(("\t", " ")) and not HARMLESS.match(line) \
                and (ENDS.search(line) or FAULTS.search(line)):
            found.add(function)
    return {(name, f) for f in found}


def panics(names):
    """docs/panics.md names every way to end the machine, and says why no guest has it."""
    layers = ("vmm/", "emu/", "arch/", "kernel/", "drivers/")
    there = set().union(*(dangers(n) for n in names if n.startswith(layers)
                          and n.endswith((".c", ".h", ".asm"))))
    rows = re.findall(r"^\| `([^`]+)` \| ([^|]+) \|", text("docs/panics.md"), re.MULTILINE)
    listed = {(name, f) for name, functions in rows for f in re.findall(r"`(\w+)`", functions)}
    for name, f in sorted(there - listed):
        yield "%s: %s() is not in docs/panics.md" % (name, f)
    for name, f in sorted(listed - there):
        yield "docs/panics.md: %s: %s() has nothing of the kind" % (name, f)


def walk(_):
    """The functions that docs/life-of-an-exit.md names are where it says."""
    page = text("docs/life-of-an-exit.md")
    steps = re.findall(r"`(\w+)`\s+in\s+`([\w/]+\.(?:c|asm))`", page)
    if len(steps) < 20:
        yield "docs/life-of-an-exit.md: names %d functions with their files" % len(steps)
    for function, name in steps:
        there = (r"^%s:" if name.endswith(".asm") else r"^\w[^;\n]*\b%s\([^;]*?\)\n\{") % function
        if not os.path.exists(os.path.join(ROOT, name)) \
                or not re.search(there, text(name), re.MULTILINE):
            yield "docs/life-of-an-exit.md: no %s in %s" % (function, name)


RULES = (spdx, size, unique, layering, prototypes, pure, layers, top_level, panics, walk, width,
         opening, phrases, paths, formatting)


def main(wanted):
    unknown = set(wanted) - {r.__name__ for r in RULES}
    if unknown:
        sys.exit("lint: no rule is called %s" % " ".join(sorted(unknown)))
    names, kept, broken = files(), 0, 0
    for rule in (r for r in RULES if not wanted or r.__name__ in wanted):
        found = list(rule(names))
        for line in found:
            print("lint:", line)
        kept, broken = kept + (not found), broken + bool(found)
    print("%d rules kept, %d broken" % (kept, broken))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
