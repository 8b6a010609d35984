# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
#
# What shell tests share: results in TAP, as tests/run reads them.
#
#   . "$(dirname "$0")/../tap.sh"
#   ok "what" command…       passes if the command succeeds; shows its output if not
#   is "what" GOT WANTED     passes if both are the same text
#   skip "what" "why"
#   done_testing             last: prints the plan, exits 1 if anything failed

top=$(cd "$(dirname "$0")/../.." && pwd)
cd "$top" || exit 3
BUILD=${BUILD:-build}
export BUILD
# a make inside a test is not part of the make that runs the tests
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES

# What is mounted below $tmp may be a folder of the machine: never rm through it.
clear_tmp() {
	if grep -qF " $tmp/" /proc/self/mounts; then
		echo "# something is still mounted below $tmp: left as it is"
	else
		rm -rf --one-file-system "$tmp"
	fi
}

tap_count=0
tap_failed=0
tmp=$(mktemp -d) || exit 3
trap 'clear_tmp' EXIT
trap 'exit 130' INT TERM HUP

pass() {
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $1"
}

fail() { # what [detail]
	tap_count=$((tap_count + 1))
	tap_failed=$((tap_failed + 1))
	[ -z "${2-}" ] || printf '%s\n' "$2" | tail -n 60 | sed 's/^/# /'
	echo "not ok $tap_count - $1"
}

ok() {
	tap_what=$1
	shift
	if tap_out=$("$@" 2>&1 </dev/null); then
		pass "$tap_what"
	else
		fail "$tap_what" "exit $?: $*
$tap_out"
	fi
}

is() {
	if [ "$2" = "$3" ]; then
		pass "$1"
	else
		fail "$1" "got:    $2
wanted: $3"
	fi
}

skip() {
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $1 # SKIP $2"
}

done_testing() {
	echo "1..$tap_count"
	[ "$tap_failed" = 0 ] && exit 0
	exit 1
}
