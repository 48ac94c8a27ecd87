# SPDX-License-Identifier: MIT
"""Systems that nobody here wrote, and how each is used: one script for bare QEMU and for our VM.
tests/os makes the media.

Each script sets the same marks on both sides, and notes what must be the same."""
import hashlib
import re


class System:
    """direct: kernel, initial RAM disk and command line of a machine that starts without
    firmware."""

    def __init__(self, script, media=None, memory=64, firmware=None, keys=None, direct=None):
        self.name, self.script = script.__name__, script
        self.media, self.memory, self.firmware = media or {}, memory, firmware
        self.keys, self.direct = keys or {}, direct

    def boots(self):
        return next(iter(self.media))


SYSTEMS = {}


def system(**more):
    def add(script):
        SYSTEMS[script.__name__] = System(script, **more)
        return script
    return add


def command(m, text, prompt, after):
    """A command, and the screen when it has said the last that it says."""
    m.type(text + "\n")
    return m.wait(re.escape(prompt + text) + r"[\s\S]*" + after)


def below(lines, text):
    """What stands below the last line that has the text."""
    last = max(i for i, line in enumerate(lines) if text in line)
    return [line for line in lines[last + 1:] if line]


@system(media={"floppy": "legacy.img"})
def grub_legacy(m):
    m.wait("^grub>")
    m.mark("prompt")
    command(m, "displaymem", "grub> ", "^grub>")
    m.mark("displaymem")
    m.note("geometry", below(command(m, "geometry (fd0)", "grub> ", "^grub>"), "geometry"))
    m.mark("geometry")
    m.type("halt\n")
    m.ended()
    m.mark("halt")


@system(media={"floppy": "syslinux.img"})
def syslinux_floppy(m):
    """The modules that say what machine this is."""
    m.wait("^boot:")
    m.mark("prompt")
    said = command(m, "meminfo.c32", "boot: ", "^boot:")
    m.note("memory", [line for line in said if re.match(r"INT 15h|  +[0125] ", line)])
    m.mark("meminfo.c32")
    said = command(m, "cpuidtest.c32", "boot: ", "^boot:")
    m.note("processor", [line for line in said if re.match("Vendor|Model|Family|Stepping", line)])
    m.mark("cpuidtest.c32")
    m.type("pcitest.c32\n")
    said = m.wait("Press Enter")
    m.note("devices", re.findall(r"8086:7...", "\n".join(said)))
    m.mark("pcitest.c32")
    m.key("ret")
    m.type("\n\n")
    m.wait("^boot:\\s*$")
    m.type("hdt.c32 nomodes\n")
    m.wait("< Exit")
    m.note("menu", m.settled())
    m.key("ret")
    m.wait("Missing pci.ids")
    m.note("PCI", m.settled())
    m.mark("hdt.c32")


def apic_notes(m):
    """Which controller each interrupt of the ISA bus has, and where that was found."""
    lines = re.findall(r"^ *(\d+): +\d+ +(IO-APIC +\d+-\w+|XT-PIC)", m.run("cat /proc/interrupts"),
                       re.MULTILINE)
    m.note("interrupts", {irq: " ".join(where.split()) for irq,
                          where in lines if int(irq) in (0, 1, 4, 8, 9, 12)})
    log = m.run("dmesg")
    m.note("tables", re.findall(r"(?:INT_SRC_OVR|IOAPIC\[0\]|LAPIC_NMI|found SMP MP-table)[^\n]*",
                                log))
    m.note("clocks",
           sorted(set(re.findall(r"hpet0: at MMIO \w+|hpet id: \w+|Switched APIC routing[^\n]*",
                                 log))))


def linux(m, how, more=None):
    """The boot loader's entry for Linux: to a shell on the serial line, work, and off."""
    m.wait("^boot:")
    m.mark("prompt")
    m.type(how + "\n")
    m.expect(r"Linux version ")
    m.mark("kernel")
    m.shell()
    m.mark("shell")
    m.note("kernel", re.findall("Linux .* i686", m.run("uname -srm")))
    m.note("sum", re.findall(r"^\w{32}  /bin/busybox", m.run("md5sum /bin/busybox"), re.MULTILINE))
    m.note("memory", re.findall(r"BIOS-e820: (.*00000000000[0-9a-e].*)", m.run("dmesg")))
    m.note("caching", [m.run("cat /proc/mtrr"), re.findall(r"(?:MTRR|PAT)[^\n]*", m.run("dmesg"))])
    if more:
        more(m)
    m.process.send("poweroff -f\r")
    m.ended()
    m.mark("off")


@system(media={"disk0": "fat.img"}, memory=128, keys={"apic": "no"})
def syslinux_disk(m):
    linux(m, "linux")


@system(media={"cdrom": "isolinux.iso"}, memory=128)
def isolinux(m):
    """Behind the BIOS, which sets up local APIC, I/O APIC and their tables."""
    linux(m, "linux", apic_notes)


@system(media={"disk0": "fat.img"}, memory=128)
def linux_screen(m):
    """The same with its console on the VGA, and typed at the keyboard."""
    m.wait("^boot:")
    m.type("screen\n")
    m.wait(r"Type 'poweroff -f'[\s\S]*#$")
    m.mark("shell")
    m.type("uname -srm; md5sum /bin/busybox; echo END\n")
    said = m.wait(r"^END")
    m.note("screen", said[said.index([x for x in said if "echo END" in x][0]):])
    m.type("poweroff -f\n")
    m.ended()
    m.mark("off")


@system(media={"disk0": "fat.img"}, memory=128)
def vesamenu(m):
    """A menu in a VBE mode, and from it MEMDISK with GRUB Legacy's floppy."""
    m.wait("^boot:")
    m.type("menu\n")
    m.wait_for(lambda: m.picture()[:2] == (640, 480))
    m.settled()
    m.mark("menu")
    m.note("menu", hashlib.sha256(m.picture()[2]).hexdigest())
    m.key("ret")
    m.wait("^grub>")
    m.mark("memdisk")
    m.note("geometry", below(command(m, "geometry (fd0)", "grub> ", "^grub>"), "geometry"))
    m.type("halt\n")
    m.ended()
    m.mark("halt")


def use_ipxe(m):
    def prompt():
        """It waits for the key for two seconds: every look at the screen presses it."""
        m.key("ctrl-b")
        return re.search("^iPXE>", "\n".join(m.lines()), re.MULTILINE)

    m.wait_for(prompt)
    m.mark("prompt")
    command(m, "cpuid 0 && echo has an FPU", "iPXE> ", "^has an FPU")
    command(m, "cpuid 30 || echo is no IA-64", "iPXE> ", "^is no IA-64")
    m.mark("cpuid")
    command(m, "sleep 2 && echo awake", "iPXE> ", "^awake")
    m.mark("sleep")
    m.type("reboot\n")


@system(media={"cdrom": "ipxe.iso"})
def ipxe(m):
    use_ipxe(m)
    m.rebooted("iPXE>")
    m.mark("reboot")


@system(media={"disk0": "fat.img"})
def ipxe_lkrn(m):
    m.wait("^boot:")
    m.type("ipxe\n")
    use_ipxe(m)
    m.rebooted("iPXE>")
    m.mark("reboot")


@system(media={"cdrom": "multiboot.iso"})
def multiboot_example(m):
    """A kernel that gets a frame buffer, and draws a line in it."""
    m.wait("invaders")
    m.mark("menu")
    m.key("ret")
    m.wait_for(lambda: m.picture()[:2] == (1024, 768) and any(m.picture()[2]))
    m.settled()
    m.note("line", hashlib.sha256(m.picture()[2]).hexdigest())
    m.mark("line")


@system(media={"cdrom": "multiboot.iso"})
def invaders(m):
    """A game: it has the keyboard to itself, and draws on the text screen."""
    def ship():
        return max(line.find("/ \\") for line in m.lines())

    m.wait("invaders")
    m.key("down")
    m.key("ret")
    m.wait(r"/ \\")
    m.mark("game")
    before = ship()

    def moves():
        m.key("left")  # the game forgets keys while it draws
        return 0 <= ship() < before

    m.wait_for(moves)
    m.mark("ship")


@system(media={"cdrom": "mach.iso", "disk0": "fat.img", "floppy": "legacy.img"})
def mach(m):
    """A microkernel, and a task of our own on it: tests/guests/mach."""
    m.note("said", below(m.wait("^type>"), "=== GNU Mach"))
    m.mark("drives")
    m.type("anything\n")
    m.wait("you typed anything")
    m.mark("keyboard")
    m.type("\n")
    m.rebooted("type>")
    m.mark("reboot")


@system(direct=("installer/linux", "installer/text.gz", "console=ttyS0"), memory=768)
def installer_serial(m):
    """Debian's installer on the serial line: the upper of two languages, and the countries that it
    has."""
    m.expect("Select a language", "English", "<Go Back>")
    m.mark("language")
    m.process.send("\x1b[A\r")
    m.expect("Select your location|Select continent", "<Go Back>")
    m.note("location", sorted(set(re.findall("[A-Z][a-z]{3,}", m.process.before))))
    m.mark("location")


@system(media={"cdrom": "installer.iso"}, memory=768)
def installer_text(m):
    """The same on the text screen, with the language below English."""
    m.wait("^boot:")
    m.type("text\n")
    m.wait("Select a language")
    m.note("languages", m.settled())
    m.mark("language")
    m.key("down")
    m.key("ret")
    m.wait("Valitse")
    m.note("location", m.settled())
    m.mark("location")


def row(picture, colour):
    """Where the lines of a picture begin and end that have a row of 700 dots of the colour."""
    width, height, dots = picture
    found = [y for y in range(height) if colour * 700 in dots[3 * width * y:3 * width * (y + 1)]]
    return found[:1] + found[-1:]


@system(media={"cdrom": "installer.iso"}, memory=768)
def installer_gtk(m):
    """The same in a frame buffer: X on a VBE mode. A key chooses the language, and the mouse
    `Continue`."""
    colour = bytes.fromhex("298a84")  # of the chosen line's upper half: it darkens downwards

    def above(picture):
        """What is above the lower quarter, in which the pointer is."""
        width, height, dots = picture
        return hashlib.sha256(dots[:3 * width * height * 3 // 4]).hexdigest()

    def button(picture):
        """A dot of `Continue`, which is lighter while the pointer is on it."""
        width, _, dots = picture
        return dots[3 * (570 * width + 700):][:3]

    def another(noted):
        """Whether another list is shown; it is noted."""
        picture = m.still()
        m.notes["location"] = above(picture)
        return row(picture, colour) and m.notes["location"] != noted

    m.wait("^boot:")
    m.key("ret")
    m.wait_for(lambda: row(m.picture(), colour))
    shown = m.still()
    m.note("languages", hashlib.sha256(shown[2]).hexdigest())
    m.mark("language")
    m.key("down")
    m.wait_for(lambda: row(m.picture(), colour) not in ([], row(shown, colour)))
    for _ in range(6):
        m.mouse(200, 200, 0)  # into the corner, from where the way up and left leads to `Continue`
    plain = button(m.picture())
    m.wait_for(lambda: m.mouse(-4, -3, 0) or button(m.picture()) != plain)
    m.note("next language", above(m.still()))
    m.mark("key")
    m.mouse(0, 0, 1)
    m.mouse(0, 0, 0)
    m.wait_for(lambda: another(m.notes["next language"]))
    m.mark("mouse")


@system(firmware="u-boot.rom", keys={"vga": "none"})
def u_boot(m):
    """As firmware, on the serial line. Without a VGA: its BIOS reads at C0000000h where U-Boot has
    left segments of 64 KiB, and QEMU, unlike a processor, checks no limits."""
    m.expect("U-Boot 2", "autoboot")
    m.process.send(" ")
    m.expect("\n=> ")
    m.mark("prompt")
    m.note("bdinfo", re.findall(r"(?:DRAM bank|-> size|flashsize).*", serial_command(m, "bdinfo")))
    m.mark("bdinfo")
    m.note("pci", re.findall(r"\d\d\.\d\d\.\d\d +0x\w+ +0x\w+", serial_command(m, "pci")))
    m.mark("pci")


def serial_command(m, text):
    m.process.send(text + "\r")
    m.expect("\n=> ")
    return m.process.before


@system(media={"disk0": "fat.img"}, memory=8)
def memtest(m):
    """A whole pass. Of its time 160 seconds are two waits, after which memory must be what it
    was."""
    m.wait("^boot:")
    m.type("memtest\n")
    m.wait(r"Memtest86\+ v6")
    m.mark("starts")
    said = m.wait(r"Pass: +[1-9]|Status: Fail")
    m.note("errors", [re.findall(r"Status: Pass|Errors: +\d+", line) for line in said])
    m.note("frame", [line[:27] for line in said
                     if line.startswith(("      Memtest86+", "L1 Cache", "CPU:"))])
    m.mark("pass")


@system(media={"disk0": "debian-x.img"}, memory=512)
def debian_x(m):
    """An X server of an installed Debian, on the kernel's frame buffer. A terminal is drawn; the
    mouse drags it by its title, and opens the menu of its window manager."""
    def title(picture):
        """The left upper corner of the terminal's title: white, with a line below it."""
        width, height, dots = picture
        for y in range(height - 17):
            x = dots[3 * width * y:3 * width * (y + 1)].find(b"\xff" * 900)
            if x >= 0:
                below = 3 * width * (y + 17) + x
                return (x // 3, y) if dots[below + 450:below + 900] != b"\xff" * 450 else None
        return None

    def outlined(was, now):
        """More than a pointer has changed."""
        return sum(was[i:i + 3] != now[i:i + 3] for i in range(0, len(was), 3)) > 600

    def dragged():
        return title(m.picture()) not in (None, before)

    m.wait_for(lambda: title(m.picture()))
    corner(m)
    shown = m.still()
    before = title(shown)
    m.note("screen", hashlib.sha256(shown[2]).hexdigest())
    m.mark("window")
    steps(m, before[0] + 150, before[1] + 8, 0)
    there = m.still()
    m.mouse(0, 0, 1)
    # the window manager shows another pointer, and an outline then
    m.wait_for(lambda: m.picture() != there)
    steps(m, 100, 150, 1)
    m.wait_for(lambda: outlined(there[2], m.picture()[2]))
    m.still()
    m.mouse(0, 0, 0)
    m.wait_for(dragged)
    corner(m)
    m.note("dragged", hashlib.sha256(m.still()[2]).hexdigest())
    m.mark("dragged")
    m.mouse(30, 30, 0)
    there = m.still()
    m.mouse(0, 0, 1)
    m.wait_for(lambda: outlined(there[2], m.picture()[2]))
    m.note("menu", hashlib.sha256(m.still()[2]).hexdigest())
    m.mouse(0, 0, 0)
    m.mark("menu")


def steps(m, dx, dy, buttons):
    """Moves the pointer so far, in steps that a packet of the mouse holds."""
    while dx or dy:
        x, y = max(-100, min(100, dx)), max(-100, min(100, dy))
        m.mouse(x, y, buttons)
        dx, dy = dx - x, dy - y


def corner(m):
    """The pointer in the upper left corner."""
    for _ in range(20):
        m.mouse(-200, -200, 0)
