#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Write proxy/width_table.h: which characters take no column, and which two.

Run with a Python whose unicodedata has the wanted version of Unicode, from the
top of the tree:

    python3.12 tools/unicode/width_table.py >proxy/width_table.h

No column: combining marks (Mn, Me), format characters (Cf) but those that are
seen (the soft hyphen, and the signs that span digits), the vowels and final
consonants of Hangul, which join the syllable before them.  Two columns: East
Asian Width W and F.  Controls are in neither table.
"""
import sys
import unicodedata

# Format characters that are drawn: Prepended_Concatenation_Mark, soft hyphen.
SEEN = {0x00ad, *range(0x0600, 0x0606), 0x06dd, 0x070f, 0x0890, 0x0891,
        0x08e2, 0x110bd, 0x110cd}
JOINING_JAMO = (range(0x1160, 0x1200), range(0xd7b0, 0xd800))


def is_zero(code):
    if any(code in jamo for jamo in JOINING_JAMO):
        return True
    category = unicodedata.category(chr(code))
    return category in ("Mn", "Me") or (category == "Cf" and code not in SEEN)


def is_wide(code):
    return (not is_zero(code) and
            unicodedata.east_asian_width(chr(code)) in "WF")


def ranges(predicate):
    first = None
    for code in range(0xa0, 0x110001):
        if code < 0x110000 and predicate(code):
            if first is None:
                first = code
        elif first is not None:
            yield first, code - 1
            first = None


def table(name, predicate):
    print(f"static const struct width_range {name}[] = {{")
    line = "   "
    for first, last in ranges(predicate):
        item = f" {{0x{first:04x}, 0x{last:04x}}},"
        if len(line) + len(item) > 80:
            print(line)
            line = "   "
        line += item
    print(line + "\n};")


print("/* SPDX-License-Identifier: MIT */")
print("/* Made by tools/unicode/width_table.py from Unicode "
      f"{unicodedata.unidata_version}. */")
print("/* clang-format off */")
table("zero_width", is_zero)
table("double_width", is_wide)
print("/* clang-format on */")
if unicodedata.unidata_version != "15.0.0":
    print("this Unicode is not that of the other tables", file=sys.stderr)
