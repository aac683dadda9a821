# SPDX-License-Identifier: MIT
#
# Breaks a source file on purpose: applies the hunks that a file of break/
# has for it, and fails unless each one fits in exactly one place.
#
#   awk -v path=worker/input.c -f break.awk BREAK SOURCE >BROKEN
#
# A hunk is `@@ PATH`, then lines as in a diff: ` kept`, `-taken`, `+put`.
# What comes before the first hunk says what is broken.

FNR == 1 { part++ }

part == 1 && /^@@ / {
	mine = substr($0, 4) == path
	if (mine)
		hunks++
	next
}
part == 1 && mine {
	text = substr($0, 2) "\n"
	if (/^[ -]/)
		old[hunks] = old[hunks] text
	if (/^[ +]/)
		new[hunks] = new[hunks] text
	if (!/^[ +-]/) {
		print "bad line in a hunk: " $0 >"/dev/stderr"
		exit failed = 1
	}
}
part == 2 { all = all $0 "\n" }

END {
	if (failed)
		exit 1
	for (i = 1; i <= hunks; i++) {
		at = index("\n" all, "\n" old[i])
		rest = substr(all, at + length(old[i]))
		if (at == 0 || index("\n" rest, "\n" old[i]) > 0) {
			print "hunk " i " fits " (at ? "twice" : "nowhere") \
			    " in " path ":\n" old[i] >"/dev/stderr"
			exit 1
		}
		all = substr(all, 1, at - 1) new[i] rest
	}
	printf "%s", all
	exit hunks == 0
}
