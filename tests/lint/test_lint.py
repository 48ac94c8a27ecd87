# SPDX-License-Identifier: MIT
"""The rules of tests/lint/lint.py find what they are for: each is broken once in a copy of the
tree."""
import os
import re
import shutil
import subprocess
import sys

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HOST_CODE = """/* SPDX-License-Identifier: MIT */
#include "emu/dev/bus.h"

void bus_init(struct bus *b)
{
	__asm__ volatile("cpuid" ::"a"(b) : "ebx", "ecx", "edx");
}
"""


def git(tree, *args):
    subprocess.run(["git", *args], cwd=tree, check=True, stdout=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A copy of what is tracked here, with links to the objects."""
    there = str(tmp_path_factory.mktemp("tree"))
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, stdout=subprocess.PIPE, text=True,
                             check=True).stdout.splitlines()
    for name in tracked:
        if os.path.isfile(os.path.join(ROOT, name)):
            os.makedirs(os.path.join(there, os.path.dirname(name)), exist_ok=True)
            shutil.copy(os.path.join(ROOT, name), os.path.join(there, name))
    os.makedirs(os.path.join(there, "build"))
    for objects in ("host", "mon"):
        subprocess.run(["cp", "-rs", os.path.join(ROOT, "build", objects),
                        os.path.join(there, "build", objects)], check=True)
    git(there, "init", "-q")
    git(there, "add", "-A")
    return there


def lint(tree, *rules):
    """All rules, or only these: each seed is looked at by the rule that it breaks, and by no
    other."""
    p = subprocess.run([sys.executable, "tests/lint/lint.py", *rules], cwd=tree,
                       stdout=subprocess.PIPE, text=True, check=False)
    return p.returncode, p.stdout


class Seed:
    """A file of the tree with other contents for a while."""

    def __init__(self, tree, name, contents=None, append=""):
        self.path, self.tree, self.name = os.path.join(tree, name), tree, name
        self.old = open(self.path, encoding="utf-8").read() if os.path.exists(self.path) else None
        self.new = contents if contents is not None else self.old + append

    def __enter__(self):
        self.put(self.new)

    def __exit__(self, *_):
        self.put(self.old)

    def put(self, contents):
        if contents is None:
            os.unlink(self.path)
        else:
            with open(self.path, "w", encoding="utf-8") as f:
                f.write(contents)
        git(self.tree, "add", "-A")


def test_the_tree_is_clean(tree):
    code, out = lint(tree)
    assert code == 0, out


@pytest.mark.parametrize("rule, name, append, line", [
    ("layering", "emu/dev/bus.c", '#include "vmm/vm/vm.h"\n',
     "emu/dev/bus.c: may not include vmm/vm/vm.h"),
    ("layering", "arch/trap/irq.h", '#include "kernel/console/console.h"\n',
     "arch/trap/irq.h: may not include kernel/console/console.h"),
    ("prototypes", "vmm/state/vm.c", "int seeded(void);\n",
     "vmm/state/vm.c: declares seeded(), which belongs in a header"),
    ("prototypes", "vmm/state/vm.c", "extern void seeded(int first,\n\t\t   int second);\n",
     "vmm/state/vm.c: declares seeded(), which belongs in a header"),
    ("panics", "emu/dev/bus.c", "static void seeded(void)\n{\n\tpanic(\"seeded\");\n}\n",
     "emu/dev/bus.c: seeded() is not in docs/panics.md"),
    ("size", "emu/dev/bus.c", "\n" * 900, "emu/dev/bus.c: "),
    ("width", "docs/tour.md", "long " * 20 + "x\n", "docs/tour.md:"),
    ("width", "emu/dev/bus.c", "/*\t" + "long " * 19 + "*/\n", "emu/dev/bus.c:"),
    ("width", "iso/run", "# " + "long " * 20 + "x\n", "iso/run:"),
    ("phrases", "emu/dev/bus.c", "/* It is written " + "all the " + "same. */\n", 'emu/dev/bus.c:'),
    ("paths", "docs/tour.md", "`emu/dev/gone.c`\n", "docs/tour.md:"),
    ("paths", "emu/dev/bus.c", "/* See docs/" + "gone.md. */\n", "emu/dev/bus.c:"),
    ("walk", "docs/life-of-an-exit.md", "`seeded` in `vmm/run/run.c`\n",
     "docs/life-of-an-exit.md: no seeded in vmm/run/run.c"),
    ("layers", "docs/layers.txt", "20 seeded -> nobody\n", "docs/layers.txt: not what"),
    ("formatting", "emu/dev/bus.c", "static int  badly (void);\n",
     "emu/dev/bus.c: not formatted (make format)"),
])
def test_additions(tree, rule, name, append, line):
    with Seed(tree, name, append=append):
        code, out = lint(tree, rule)
    assert code == 1 and "lint: " + line in out, out


@pytest.mark.parametrize("rule, name, contents, line", [
    ("spdx", "emu/dev/seeded.h", "#pragma once\n", "emu/dev/seeded.h: no SPDX line"),
    ("opening", "emu/dev/seeded.c",
     '/* SPDX-License-Identifier: MIT */\n#include "emu/dev/bus.h"\n',
     "emu/dev/seeded.c: no opening comment"),
    ("unique", "vmm/vm/bus.h", "/* SPDX-License-Identifier: MIT */\n",
     "vmm/vm/bus.h: the same name as emu/dev/bus.h"),
    ("top_level", "extra/seeded.txt", "\n", "extra: not in the layout"),
])
def test_new_files(tree, rule, name, contents, line):
    os.makedirs(os.path.join(tree, os.path.dirname(name)), exist_ok=True)
    with Seed(tree, name, contents):
        code, out = lint(tree, rule)
    assert code == 1 and "lint: " + line in out, out


class Object:
    """An object of the tree with other contents for a while."""

    def __init__(self, tree, name, source, *flags):
        self.path = os.path.join(tree, "build", name)
        self.real = os.readlink(self.path)
        os.unlink(self.path)
        subprocess.run(["gcc", "-I.", *flags, "-x", "c", "-c", "-", "-o", self.path], cwd=tree,
                       input=source, text=True, check=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.unlink(self.path)
        os.symlink(self.real, self.path)


def test_a_host_instruction_in_a_pure_folder(tree):
    with Object(tree, "host/emu/dev/bus.o", HOST_CODE):
        code, out = lint(tree, "pure")
    there = "lint: emu/dev/bus.c: bus_init() holds a host instruction: cpuid"
    assert code == 1 and there in out, out


def test_a_call_upwards(tree):
    with Object(tree, "mon/emu/dev/bus.o",
                "void vmm_start(void); void bus_init(void) { vmm_start(); }", "-flto"):
        code, out = lint(tree, "layers")
    assert code == 1 and re.search(r"lint: emu/dev/bus: may not use vmm/\w+/vmm: vmm_start",
                                   out), out


def test_a_circle_of_calls(tree):
    with Object(tree, "mon/emu/dev/bus.o",
                "void board_reset(void); void bus_init(void) { board_reset(); }", "-flto"):
        code, out = lint(tree, "layers")
    assert code == 1 and re.search(r"lint: a circle of folders: [^\n]*emu/board[^\n]* emu/dev",
                                   out), out
