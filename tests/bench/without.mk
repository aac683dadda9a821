# A server without the notes of what is in flight, to count what these cost:
# build/VARIANT/broken/without-notes.  Included by GNUmakefile, behind
# tests/torture/broken.mk, which has the rules.

WITHOUT := $(B)/broken/without-notes

$(eval $(call broken_rules,tests/bench/without-notes))
.PHONY: bench-without
bench-without: $(WITHOUT)
