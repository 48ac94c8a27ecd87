#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The graph of modules: who uses whom, by the symbols of the monitor's objects and by includes.
Prints it, and each circle.

A module is a .c, .h and .asm of one name in one folder. An edge is an undefined symbol of one that
another defines, or an include. A folder depends on another if a module of it does. Exit status 0:
there is no circle, neither of modules nor of folders.

    layers.py [build directory]      wants the objects: make build/ringleader.elf
    layers.py -e FROM TO [build]     what makes the edge: the symbols and includes
    layers.py -f [build directory]   folders only: docs/layers.txt
"""
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LAYERS = ("boot", "vmm", "drivers", "emu", "kernel", "arch")
# Who is called by a symbol that a build defines: the environment that emu/ is compiled against.
COMPILED_IN = {("emu", "vcpu_env"): "CPU_ENV of boot/monitor.mk"}


def sources():
    out = subprocess.run(["git", "ls-files", *LAYERS], cwd=ROOT, stdout=subprocess.PIPE, text=True,
                         check=True).stdout
    # boot/base stands in for the VM layer where an image has none; arch/offsets.c is not linked.
    return [f for f in out.splitlines() if f.endswith((".c", ".h", ".asm"))
            and not f.startswith(("boot/base/", "arch/offsets."))
            and os.path.exists(os.path.join(ROOT, f))]


def module_of(path):
    return os.path.splitext(path)[0]


def symbols(names, build):
    """Of each module the symbols that it defines and those that it wants."""
    objects = {}
    for n in names:
        if n.endswith((".c", ".asm")):
            objects[os.path.join(build, "mon",
                                 n[:-2] + ".o" if n.endswith(".c") else n + ".o")] = module_of(n)
    missing = [o for o in objects if not os.path.exists(os.path.join(ROOT, o))]
    if missing:
        sys.exit("layers: no %s: make %s/ringleader.elf" % (missing[0], build))
    # The objects hold what gcc's link step compiles; gcc-nm reads that.
    out = subprocess.run(["gcc-nm", "-A", *sorted(objects)], cwd=ROOT, stdout=subprocess.PIPE,
                         text=True, check=True).stdout
    defined, wanted = {}, []
    for line in out.splitlines():
        m = re.match(r"(\S+?):(?:[0-9a-f]*)\s+([A-Za-z?]) (\S+)$", line)
        if not m:
            continue
        module, kind, name = objects[m[1]], m[2], m[3]
        if kind == "U":
            wanted.append((module, name))
        elif kind.isupper():
            defined[name] = module
    return defined, wanted


def edges(names, build):
    """(from, to) -> the reasons."""
    graph = {}
    defined, wanted = symbols(names, build)
    for module, name in wanted:
        to = defined.get(name)
        if to and to != module and (module.split("/")[0], name) not in COMPILED_IN:
            graph.setdefault((module, to), []).append(name)
    for n in names:
        if not n.endswith((".c", ".h")):
            continue
        with open(os.path.join(ROOT, n), encoding="utf-8") as f:
            for include in re.findall(r'^#include "([^"]+)"', f.read(), re.MULTILINE):
                if include in names and module_of(include) != module_of(n):
                    graph.setdefault((module_of(n), module_of(include)),
                                     []).append('"%s"' % include)
    return graph


def circles(nodes, graph):
    """Strongly connected components of more than one node (Tarjan)."""
    after, index, low, stack, found = {}, {}, {}, [], []
    for a, b in graph:
        after.setdefault(a, set()).add(b)

    def visit(n):
        index[n] = low[n] = len(index)
        stack.append(n)
        for m in sorted(after.get(n, ())):
            if m not in index:
                visit(m)
                low[n] = min(low[n], low[m])
            elif m in stack:
                low[n] = min(low[n], index[m])
        if low[n] == index[n]:
            part = stack[stack.index(n):]
            del stack[stack.index(n):]
            if len(part) > 1:
                found.append(sorted(part))

    for n in sorted(nodes):
        if n not in index:
            visit(n)
    return found


def folder_of(module):
    return os.path.dirname(module)


def folder_edges(graph):
    out = {}
    for (a, b), why in graph.items():
        if folder_of(a) != folder_of(b):
            out.setdefault((folder_of(a), folder_of(b)), []).append("%s -> %s" % (a, b))
    return out


def levels(nodes, graph):
    """Of each node how many lie below it in the longest way down; nodes of a circle get the
    same."""
    level, busy = {}, set()

    def of(n):
        if n in level or n in busy:
            return level.get(n, 0)
        busy.add(n)
        level[n] = 1 + max((of(b) for a, b in graph if a == n), default=-1)
        return level[n]

    for n in nodes:
        of(n)
    return level


def folder_rows(names, graph):
    """Each folder, the lowest first, with its line of docs/layers.txt."""
    folders = folder_edges(graph)
    level = levels({folder_of(module_of(n)) for n in names}, folders)
    for folder in sorted(level, key=lambda f: (level[f], f)):
        yield folder, "%2d %s -> %s" % (level[folder], folder,
                                        " ".join(sorted(b for a, b in folders if a == folder))
                                        or "nobody")


def folder_lines(names, graph):
    return [line for _, line in folder_rows(names, graph)]


def show(names, graph):
    nodes = {module_of(n) for n in names}
    for folder, line in folder_rows(names, graph):
        print(line)
        for module in sorted(n for n in nodes if folder_of(n) == folder):
            inside = sorted(os.path.basename(b) for a,
                            b in graph if a == module and folder_of(b) == folder)
            outside = sorted(b for a, b in graph if a == module and folder_of(b) != folder)
            print("    %-18s %s" % (os.path.basename(module), " ".join(inside + outside)))


def main(argv):
    edge = argv[1:3] if argv[:1] == ["-e"] else None
    only_folders = argv[:1] == ["-f"]
    rest = argv[3:] if edge else argv[1:] if only_folders else argv
    names = sources()
    graph = edges(names, rest[0] if rest else "build")
    if only_folders:
        print("\n".join(folder_lines(names, graph)))
        return 0
    if edge:
        for (a, b), why in sorted(graph.items()):
            if edge[0] in (a, folder_of(a)) and edge[1] in (b, folder_of(b)):
                print("%s -> %s: %s" % (a, b, " ".join(why)))
        return 0
    show(names, graph)
    modules = circles({module_of(n) for n in names}, graph)
    folders = circles({folder_of(module_of(n)) for n in names}, folder_edges(graph))
    for kind, found in (("modules", modules), ("folders", folders)):
        for part in found:
            print("circle of %d %s: %s" % (len(part), kind, " ".join(part)))
    print("%d modules, %d circles of modules, %d of folders" % (len({module_of(n) for n in names}),
                                                                len(modules), len(folders)))
    return 1 if modules or folders else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
