# SPDX-License-Identifier: MIT
"""iso/mkimage: what it packs, what it says, and what it leaves behind. Only the last test boots.

Alone:  /usr/bin/python3 -m pytest tests/boot/test_mkimage.py
"""
import os
import shutil
import subprocess
import tempfile

import pytest

from machine import GUESTS, ROOT, Console

MKIMAGE = os.path.join(ROOT, "iso/mkimage")
# Each is a name that one shell or the other would take apart.
NAMES = ["two  blanks ", "it's", 'a"b', "$HOME", "a}b{", "100%25", "back\\slash", "eq=ual", "#x;y",
         "*", "[a]", "ümlaut", "-o", "(hd0)"]


def mkimage(folder, *arguments, **more):
    """Its exit status and its lines; nothing is left in the folder for temporary files."""
    tmp = folder / "tmp"
    tmp.mkdir(exist_ok=True)
    p = subprocess.run([MKIMAGE, *map(str, arguments)], stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, text=True, check=False,
                       cwd=folder, env={**os.environ, "TMPDIR": str(tmp), **more})
    assert not os.path.exists(tmp) or os.listdir(tmp) == []
    return p.returncode, p.stdout.splitlines()


def packed(folder, image):
    """The image's module lines, and the files that they name."""
    out = folder / "unpacked"
    shutil.rmtree(out, ignore_errors=True)
    subprocess.run(["xorriso", "-osirrox", "on", "-indev", str(image), "-extract", "/", str(out)],
                   stderr=subprocess.DEVNULL, check=True)
    lines = [line.split() for line in (out / "boot/grub/grub.cfg").read_text().splitlines()
             if line.startswith("\tmodule2")]
    return {line[2]: (out / line[1].lstrip("/")).read_bytes() for line in lines}


def kernel():
    with open(os.path.join(GUESTS, "sti"), "rb") as f:
        return f.read()


def quote(name):
    return '"%s"' % name.replace("\\", "\\\\").replace('"', '\\"')


def test_names(tmp_path):
    """Any name works, relative and absolute, and the same file is packed once."""
    conf = tmp_path / "v m's.conf"
    text = ""
    for i, name in enumerate(NAMES):
        (tmp_path / name).write_bytes(kernel() + b"%d" % i)
        text += "[vm r%d]\nkernel = %s\n[vm a%d]\nkernel = %s\n[vm s%d]\nkernel = %s\n" % (
            i, quote(name), i, quote(str(tmp_path / name)), i, quote(name))
    conf.write_text(text)
    assert mkimage(tmp_path, conf, "-a", "exit=poweroff 'x", "-o", "out put.iso") == (0, [])
    files = packed(tmp_path, tmp_path / "out put.iso")
    assert len(files) == 1 + 2 * len(NAMES)

    def encoded(name):
        plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._/+,=@:-"
        return "".join(chr(b) if chr(b) in plain else "%%%02X" % b for b in name.encode())

    for i, name in enumerate(NAMES):
        assert files[encoded(name)] == files[encoded(str(tmp_path / name))] == kernel() + b"%d" % i


def test_size(tmp_path):
    """Beside monitor and guests there is little: both of GRUB's platforms, cut to what is used (28
    MB when they were not)."""
    (tmp_path / "k").write_bytes(kernel())
    (tmp_path / "c").write_text("[vm a]\nkernel = k\n")
    assert mkimage(tmp_path, "-o", "x.iso", "c") == (0, [])
    assert os.path.getsize(tmp_path / "x.iso") < 8 << 20


@pytest.mark.parametrize("text,line", [
    (b"[vm a]\nkernel = nothing\n", "c:2: nothing: no such file in ."),
    (b"[vm a]\nkernel = k\ninitrd = /nothing\n", "c:3: /nothing: no such file"),
    (b"[vm a]\nkernel = folder\n", "c:2: folder: is a directory in ."),
    (b"[vm a]\nkernel = k/x\n", "c:2: k/x: no such file in ."),
    (b"[vm a]\nkernel = /dev/null\n", "c:2: /dev/null: is not a regular file"),
    (b"[vm a]\nkernel = k\n\0\n", "c:3: a NUL byte: this is not a text file"),
], ids=lambda v: v[:9] if isinstance(v, str) else "")
def test_no_image(tmp_path, text, line):
    """One line with file and line, status 1, no image."""
    (tmp_path / "k").write_bytes(kernel())
    (tmp_path / "folder").mkdir()
    (tmp_path / "c").write_bytes(text)
    for arguments in (["-o", "x.iso", "c"], ["--check", "c"]):
        assert mkimage(tmp_path, *arguments) == (1, ["mkimage: " + line])
        assert not os.path.exists(tmp_path / "x.iso")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be somebody else")
def test_unreadable():
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        for name, text in (("k", kernel()), ("c", b"[vm a]\nkernel = k\n")):
            with open(os.path.join(folder, name), "wb") as f:
                f.write(text)
        os.chmod(os.path.join(folder, "k"), 0)
        program = os.path.join(folder, "check-config")
        shutil.copy(os.path.join(ROOT, "build/check-config"), program)
        p = subprocess.run(["setpriv", "--reuid=65534", "--clear-groups", program, "c"],
                           cwd=folder, stderr=subprocess.PIPE, text=True,
                           check=False)
        assert (p.returncode, p.stderr) == (2, "mkimage: c:2: k: Permission denied in .\n")


def test_firmware(tmp_path):
    """Without a kernel the package's BIOS and the screen's are packed; what is none is refused by
    name."""
    (tmp_path / "c").write_text("[vm a]\nmemory = 8M\n")
    assert mkimage(tmp_path, "-o", "x.iso", "c") == (0, [])
    files = packed(tmp_path, tmp_path / "x.iso")
    for name in ("/usr/share/seabios/bios-256k.bin", "/usr/share/seabios/vgabios-stdvga.bin"):
        with open(name, "rb") as f:
            assert files[name] == f.read()
    (tmp_path / "k").write_bytes(kernel())
    (tmp_path / "z").write_bytes(b"\0" * 1024)
    (tmp_path / "c").write_text("[vm a]\nfirmware = k\n[vm b]\nvgabios = z\n"
                                "[vm c]\nkernel = k\nboot = disk\n")
    status, said = mkimage(tmp_path, "--check", "c")
    assert status == 1 and len(said) == 3, said
    assert said[0].startswith(
        "mkimage: c:5: [vm c]: boot is given, which a machine with a kernel does not use")
    assert said[1].startswith(
        "mkimage: c:2: firmware = k: not a firmware: its size is no multiple of 64 KiB")
    assert said[2].startswith("mkimage: c:4: vgabios = z: not a ROM of an adapter")


def test_check_says_what_the_monitor_would(tmp_path):
    """Mistakes cost their machine; the image is still built. The kernels are looked into."""
    (tmp_path / "k").write_bytes(kernel())
    (tmp_path / "z").write_bytes(b"\x1f\x8b" + bytes(2000))
    (tmp_path / "c").write_text("[vm a]\nkernel = k\nmemory = 12Q\n[vm b]\nkernel = z\n"
                                "[vm c]\nkernel = k\n")
    said = ["mkimage: c:3: memory = 12Q: not a size (a number with K, M or G)",
            "mkimage: c:5: kernel = z: not a Linux kernel but a gzip file"]
    assert mkimage(tmp_path, "--check", "c") == (1, said)
    assert mkimage(tmp_path, "c", "-o", "x.iso") == (0, said)
    assert os.path.exists(tmp_path / "x.iso")
    (tmp_path / "good").write_text("[vm c]\nkernel = k\n")
    assert mkimage(tmp_path, "good", "--check") == (0, [])
    (tmp_path / "empty").write_text("")
    assert mkimage(tmp_path, "empty", "--check") == (
        1, ["mkimage: empty:1: no [vm NAME] section: there is nothing to run"])


def test_usage(tmp_path):
    code, lines = mkimage(tmp_path, "--help")
    assert code == 0 and lines[0].startswith("usage: mkimage -o OUT.iso")
    assert mkimage(tmp_path)[0] == 2
    assert mkimage(tmp_path, "-x", "c") == (1, ["mkimage: -x: no such option (mkimage --help)"])
    assert mkimage(tmp_path, "c", "-o") == (1, ["mkimage: -o needs a value (mkimage --help)"])
    assert mkimage(tmp_path, "-o", "x", "c",
                   "d") == (1, ["mkimage: d: a second configuration (mkimage --help)"])
    assert mkimage(tmp_path, "-o", "x", "c") == (1, ["mkimage: c: no such file"])
    assert mkimage(tmp_path, "-o", "x", ".") == (1, ["mkimage: .: is a directory"])


def test_surroundings(tmp_path):
    """Tools that are missing, and folders that cannot be written: one line each."""
    (tmp_path / "k").write_bytes(kernel())
    (tmp_path / "c").write_text("[vm a]\nkernel = k\n")
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("sh", "dirname", "cat", "make", "mktemp", "rm", "mkdir", "cp", "basename", "tr",
                 "sed", "grub-mkrescue"):
        os.symlink(shutil.which(name), tools / name)
    assert mkimage(tmp_path, "-o", "x.iso", "c", PATH=str(tools)) == (
        1, ["mkimage: xorriso is missing: install the package xorriso"])
    os.remove(tools / "grub-mkrescue")
    assert mkimage(tmp_path, "-o", "x.iso", "c", PATH=str(tools)) == (
        1, ["mkimage: grub-mkrescue is missing: install the package grub-common"])
    assert mkimage(tmp_path, "-o", "no/x.iso",
                   "c") == (1, ["mkimage: no/x.iso: its folder is not there or cannot be written"])
    assert mkimage(tmp_path, "-o", tools, "c") == (1, ["mkimage: %s: is a directory" % tools])
    gone = str(tmp_path / "gone")
    assert mkimage(tmp_path, "-o", "x.iso", "c",
                   TMPDIR=gone) == (1, ["mkimage: no folder can be made in %s: is it full?" % gone])


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to mount")
@pytest.mark.parametrize("room", ["64k", "1m", "2m"])
def test_full_folder(tmp_path, room):
    """So much room for temporary files."""
    (tmp_path / "k").write_bytes(kernel())
    (tmp_path / "c").write_text("[vm a]\nkernel = k\n")
    (tmp_path / "tmp").mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=" + room, "none",
                              str(tmp_path / "tmp")], stderr=subprocess.DEVNULL, check=False)
    if mounted.returncode:
        pytest.skip("mount is not allowed here")
    try:
        code, lines = mkimage(tmp_path, "-o", "x.iso", "c")
        assert code == 1 and len(lines) == 1 and "full?" in lines[0], lines
        assert not os.path.exists(tmp_path / "x.iso")
    finally:
        subprocess.run(["umount", str(tmp_path / "tmp")], check=True)


def test_names_arrive(tmp_path):
    """GRUB and the monitor find them all."""
    text = "[ringleader]\nexit = poweroff\n"
    for i, name in enumerate(NAMES):
        (tmp_path / name).write_bytes(kernel())
        text += ("[vm m%d]\nkernel = %s\nmemory = 4M\nvga = none\nserial0 = none\n"
                 "debug_exit = yes\n" % (i, quote(name)))
    (tmp_path / "c").write_text(text)
    assert mkimage(tmp_path, "-o", "x.iso", "c") == (0, [])
    with Console(["-cpu", "max", "-m", "512", "-cdrom", str(tmp_path / "x.iso"), "-serial",
                  "stdio"]) as m:
        m.expect("start-up took")
        for i in range(len(NAMES)):
            m.expect(r"m%d: 4M, engine" % i)
        m.expect("the last VM has stopped: powering off")
        m.ended()
