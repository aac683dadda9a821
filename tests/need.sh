# shellcheck shell=bash
#
# Sourced by the scripts that run tests.
#
# need COMMAND:PACKAGE...
#
# Makes sure that each command is there, and installs the Debian packages of
# those that aren't.  Where that can't be done, says what to type and exits 2:
# no test is left out for want of a tool.
need()
{
	local pair missing=""

	for pair; do
		have "${pair%%:*}" || missing="$missing ${pair#*:}"
	done
	[ -n "$missing" ] || return 0
	if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
		echo "installing$missing"
		# shellcheck disable=SC2086 # a list of packages
		if apt-get update -qq </dev/null >/dev/null &&
		    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
			--no-install-recommends $missing </dev/null >/dev/null
		then
			missing=""
			for pair; do
				have "${pair%%:*}" ||
				    missing="$missing ${pair#*:}"
			done
		fi
	fi
	[ -n "$missing" ] || return 0
	echo "missing; please run: apt-get install$missing" >&2
	exit 2
}

# need_module NAME@VERSION...
#
# The same for modules of node, which npm puts into build/npm.
need_module()
{
	local module missing=""

	for module; do
		[ -e "build/npm/node_modules/${module%@*}/package.json" ] ||
		    missing="$missing $module"
	done
	[ -n "$missing" ] || return 0
	mkdir -p build/npm
	echo "installing$missing"
	# shellcheck disable=SC2086 # a list of modules
	if ! npm install --prefix build/npm --no-save --no-audit --no-fund \
	    --no-package-lock --ignore-scripts --loglevel=error $missing \
	    </dev/null; then
		echo "missing; please run:" \
		    "npm install --prefix build/npm$missing" >&2
		exit 2
	fi
}

# Is the command there?  Of the two Debian packages with an nc only one knows
# -N, clang alone lacks libFuzzer, there are telnets other than inetutils', and
# Python has had its telnetlib up to 3.12.
have()
{
	case $1 in
	nc)
		nc -h 2>&1 | grep -q -e '-[A-Za-z46]*N'
		;;
	telnet)
		telnet --version 2>&1 | grep -q inetutils
		;;
	telnetlib)
		python3 -W ignore -c 'import telnetlib' 2>/dev/null
		;;
	fonts)
		find -L /usr/share/fonts -name '*.[ot]tf' 2>/dev/null | grep -q .
		;;
	libfuzzer)
		echo 'int LLVMFuzzerTestOneInput(void){return 0;}' |
		    clang -x c -fsanitize=fuzzer,address -o /dev/null - 2>/dev/null
		;;
	libssl)
		pkg-config --exists 'openssl >= 3.0'
		;;
	*)
		command -v "$1" >/dev/null
		;;
	esac
}
