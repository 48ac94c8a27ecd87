# SPDX-License-Identifier: MIT
"""Pictures of screens: width, height, and three bytes for each dot."""
import importlib.machinery
import importlib.util
import os
import re

from machine import ROOT


def screen_file():
    """iso/screen-file as a module: it has no ending."""
    path = os.path.join(ROOT, "iso/screen-file")
    loader = importlib.machinery.SourceFileLoader("screen_file", path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("screen_file", loader))
    loader.exec_module(module)
    return module


decode = screen_file()


def ppm(path):
    """A picture that QEMU wrote."""
    with open(path, "rb") as f:
        data = f.read()
    width, height = map(int, re.match(rb"P6\s(\d+)\s(\d+)\s255\s", data).groups())
    return width, height, data[-3 * width * height:]


def dump(m, name):
    """screendump at the prompt, and back to the guest."""
    m.prompt()
    m.process.send("screendump %s\r" % name)
    m.expect(r"=== screen %s \d+ bytes ===" % name)
    head = m.process.after
    m.process.expect_exact("=== end ===")
    found = decode.picture(decode.stream((head + m.process.before).encode()))
    m.guest()
    return found
