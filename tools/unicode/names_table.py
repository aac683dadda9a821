#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Write the tables of shared/chat that tell names apart: which characters are
combining marks, what script each is of, and what looks like what.

Run with a Python whose unicodedata has the wanted version of Unicode, from the
top of the tree; "scripts" reads Scripts.txt of that version's database (Debian:
unicode-data), "skeleton" asks ICU 72, which has the confusables of Unicode 15.0
(UTS #39):

    python3.12 tools/unicode/names_table.py marks >shared/chat/mark_table.h
    python3.12 tools/unicode/names_table.py scripts >shared/chat/script_table.h
    python3.12 tools/unicode/names_table.py skeleton \\
        >shared/chat/skeleton_table.h
"""
import ctypes
import sys
import unicodedata

SCRIPTS = "/usr/share/unicode/Scripts.txt"
ICU, ICU_VERSION = "libicui18n.so.72", "72"
# Whose look-alikes are in the table: letters made like the Latin ones.
ALIKE = ("Latin", "Greek", "Cyrillic", "Armenian", "Cherokee", "Coptic",
         "Lisu", "Common", "Inherited")
# UTS #39 has the small palochka for an i; in today's fonts it is an l.
INSTEAD = {0x04cf: "l"}
RUN_MIN = 4
NUMBERS = ("static const uint32_t", "{}")
HANGUL = range(0xac00, 0xd7a4)


def category(code):
    return unicodedata.category(chr(code))


def scripts():
    """The script of each character that has one."""
    found = {}
    with open(SCRIPTS, encoding="utf-8") as lines:
        for line in lines:
            fields = line.split("#")[0].split(";")
            if len(fields) < 2:
                continue
            ends = [int(x, 16) for x in fields[0].strip().split("..")]
            for code in range(ends[0], ends[-1] + 1):
                found[code] = fields[1].strip()
    return found


def ranges(values):
    """[first, last, value] of characters with the same one; between two of
    them may be what has none and never will be in a name."""
    rows = []
    for code, value in sorted(values.items()):
        if rows and rows[-1][2] == value and (
                code == rows[-1][1] + 1 or
                all(category(x) == "Cn"
                    for x in range(rows[-1][1] + 1, code))):
            rows[-1][1] = code
        else:
            rows.append([code, code, value])
    return rows


def head(title):
    print("/* SPDX-License-Identifier: MIT */")
    print(f"/*\n * {title}")
    print(" * Made by tools/unicode/names_table.py from Unicode "
          f"{unicodedata.unidata_version}.\n */")
    print("/* clang-format off */")


def table(name, items, of="static const struct", row="{{{}}}"):
    print(f"{of} {name} = {{")
    line = "   "
    for item in items:
        item = row.format(item)
        if len(line) + len(item) + 2 > 80:
            print(line)
            line = "   "
        line += f" {item},"
    print(line + "\n};")


def write_marks():
    """For each 64 characters a number, that of the bits for them; of the marks
    far behind all others, which are of one range, mark.h knows."""
    marks = [x for x in range(0x110000) if category(x)[0] == "M"]
    assert [x for x in marks if x >= 0x20000] == [*range(0xe0100, 0xe01f0)]
    bits, pages = [0], []
    for first in range(0, 0x20000, 64):
        word = sum(1 << x - first for x in range(first, first + 64)
                   if category(x)[0] == "M")
        if word not in bits:
            bits.append(word)
        pages.append(bits.index(word))
    while pages[-1] == 0:
        del pages[-1]
    head("Combining marks (M).")
    table("mark_pages[MARK_PAGES]", (str(x) for x in pages), "const uint8_t",
          "{}")
    table("mark_bits[]", (f"0x{x:016x}" for x in bits), "const uint64_t", "{}")


def write_scripts():
    """Letters, digits and marks: what may make up a word.  Those that go with
    any script have none."""
    names, values = ["NONE"], {}
    for code, name in scripts().items():
        if category(code)[0] not in "LMN":
            continue
        name = "NONE" if name in ("Common", "Inherited") else name.upper()
        if name not in names:
            names.append(name)
        values[code] = name
    head("Scripts of letters, digits and marks.")
    print("enum script {")
    line = "   "
    for name in names:
        item = f" SCRIPT_{name},"
        if len(line) + len(item) > 80:
            print(line)
            line = "   "
        line += item
    print(line + "\n};")
    table("script_range scripts[]",
          (f"0x{a:04x}, 0x{b:04x}, SCRIPT_{name}"
           for a, b, name in ranges(values)))


class Confusables:
    """The skeletons of UTS #39."""

    def __init__(self):
        self.icu = ctypes.CDLL(ICU)
        self.call("open").restype = ctypes.c_void_p
        status = ctypes.c_int(0)
        self.checker = ctypes.c_void_p(self.call("open")(ctypes.byref(status)))
        assert status.value <= 0

    def call(self, name):
        return getattr(self.icu, f"uspoof_{name}_{ICU_VERSION}")

    def skeleton(self, text):
        units = text.encode("utf-16-le")
        source = ctypes.create_string_buffer(units)
        target = ctypes.create_string_buffer(512)
        status = ctypes.c_int(0)
        count = self.call("getSkeleton")(
            self.checker, ctypes.c_uint32(0), source,
            ctypes.c_int32(len(units) // 2), target, ctypes.c_int32(256),
            ctypes.byref(status))
        assert status.value <= 0
        return target.raw[:2 * count].decode("utf-16-le")


def canonical(code):
    """What the character is made of, one step deep, or None."""
    parts = unicodedata.decomposition(chr(code)).split()
    if not parts or parts[0].startswith("<"):
        return None
    return [int(x, 16) for x in parts]


def prototype(code, confusables, script):
    """What a character that isn't made of others looks like, or None.

    Bars and rings: UTS #39 has one prototype each for I, l, 1 and for O, 0;
    skeleton.c tells them apart, so it has to be said which is meant."""
    char = chr(code)
    if code in INSTEAD:
        return [ord(x) for x in INSTEAD[code]]
    compatible = unicodedata.normalize("NFKC", char)
    if len(compatible) == 1 and "!" <= compatible <= "~":
        return [ord(compatible)]
    looks = confusables.skeleton(char)
    if len(looks) > 2 or looks == char:
        return None
    if script == "Common" and not looks.isascii():
        return None
    if looks == "l" and (
            category(code) == "Lu" and
            confusables.skeleton(char.lower()) in ("i", "l")):
        looks = "I"
    if looks == "O" and category(code) == "Nd":
        looks = "0"
    return [ord(x) for x in looks]


def unfold(parts, code):
    """All that `code` is taken for in the end."""
    out = []
    for part in parts.get(code, [code]):
        out += [part] if part == code else unfold(parts, part)
    return out


def write_skeleton():
    confusables, script, parts = Confusables(), scripts(), {}
    for code in range(0x80, 0x110000):
        if 0xd800 <= code < 0xe000 or code in HANGUL:
            continue
        made_of = canonical(code)
        if made_of is None and script.get(code) in ALIKE and (
                category(code)[0] in "LMNPS"):
            made_of = prototype(code, confusables, script[code])
        if made_of is not None:
            parts[code] = made_of
    for code in parts:
        assert len(parts[code]) <= 2, hex(code)
        assert len(unfold(parts, code)) <= 2 * len(chr(code).encode())
    runs, twos = [], []
    for code, made_of in sorted(parts.items()):
        if len(made_of) == 2:
            twos.append((code, *made_of))
        elif runs and runs[-1][1] == code - 1 and (
                runs[-1][2] + code - runs[-1][0] == made_of[0]):
            runs[-1][1] = code
        else:
            runs.append([code, code, made_of[0]])
    ones = [(a + i, to + i) for a, b, to in runs if b - a + 1 < RUN_MIN
            for i in range(b - a + 1)]
    head("What characters are made of or look like.")
    print("/* first to last look like `to` and those behind it */")
    table("runs[]",
          (f"0x{a:04x}, 0x{b:04x}, 0x{to:04x}" for a, b, to in runs
           if b - a + 1 >= RUN_MIN), *NUMBERS)
    print("/* code, and what it looks like */")
    table("ones[]",
          (f"0x{code:04x}, 0x{to:04x}" for code, to in ones), *NUMBERS)
    print("/* code, and the two that it is made of or looks like */")
    table("twos[]",
          (f"0x{code:04x}, 0x{a:04x}, 0x{b:04x}" for code, a, b in twos),
          *NUMBERS)


{"marks": write_marks, "scripts": write_scripts,
 "skeleton": write_skeleton}[sys.argv[1]]()
print("/* clang-format on */")
if unicodedata.unidata_version != "15.0.0":
    print("this Unicode is not that of the other tables", file=sys.stderr)
