# SPDX-License-Identifier: MIT
"""The text format of Prometheus, version 0.0.4, read strictly."""
import re

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_LABEL = r'[a-z_]+="(?:[^"\\\n]|\\["\\n])*"'
_SAMPLE = re.compile(
    rf"(chatmaster_[a-z_]+)(?:\{{({_LABEL}(?:,{_LABEL})*)\}})? "
    r"(\d+(?:\.\d+)?)")


def parse(text):
    """Samples by name and labels, and types by name, in their order: each
    family once, behind its head, no sample twice."""
    samples, types, family = {}, {}, None
    assert text.endswith("\n"), f"cut: {text[-80:]!r}"
    for line in text[:-1].split("\n"):
        if line.startswith("# HELP "):
            family = line.split(" ", 3)[2]
            assert family not in types, f"{family} twice"
            assert line.split(" ", 3)[3]
        elif line.startswith("# TYPE "):
            assert line.split(" ")[2] == family
            assert family not in types, f"{family} twice"
            types[family] = line.split(" ")[3]
            assert (types[family] == "counter") == family.endswith("_total")
        else:
            found = _SAMPLE.fullmatch(line)
            assert found and found[1] == family, line
            assert (found[1], found[2]) not in samples, line
            samples[found[1], found[2]] = float(found[3])
    return samples, types
