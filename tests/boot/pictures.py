# SPDX-License-Identifier: MIT
"""Pictures of screens: width, height, and three bytes for each dot."""
import importlib.machinery
import importlib.util
import os
import re
import zlib

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


def dump_sum(m, name):
    """Width, height and the CRC-32 of all dots, by the prompt, and back to the guest."""
    m.prompt()
    m.process.send("screendump %s sum\r" % name)
    m.expect(r"%s: (\d+) by (\d+), sum ([0-9a-f]{8})" % name)
    found = int(m.process.match[1]), int(m.process.match[2]), int(m.process.match[3], 16)
    m.guest()
    return found


def picture_sum(picture):
    return (*picture[:2], zlib.crc32(picture[2]))
