# TAP for shell tests: . "$(dirname "$0")/tap.sh"
# Each test has its own folder ($dir), HOME and no GC_* settings; wait_for
# waits for a condition, never for a fixed time.  What a process in the
# background writes is removed before it starts: it may be slow to empty it.
set -u
dir=$(mktemp -d) || exit 1
HOME=$dir/home
export HOME
mkdir "$HOME"
TERM=dumb		# no line onto the terminal where the tests are run
export TERM
unset XDG_CONFIG_HOME XDG_STATE_HOME XDG_CACHE_HOME
for name in $(env | sed -n 's/^\(GC_[A-Z_]*\)=.*/\1/p' | grep -v GC_BUILD); do
	unset "$name"
done
tap_count=0
tap_pids=
trap 'kill $tap_pids 2> /dev/null; rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM

# later PID: to be stopped when the test ends, however it ends
later() { tap_pids="$tap_pids $*"; }

# ok NAME COMMAND...: passes if the command does
ok() {
	tap_name=$1
	shift
	tap_count=$((tap_count + 1))
	if "$@" > "$dir/.tap" 2>&1; then
		echo "ok $tap_count - $tap_name"
	else
		echo "not ok $tap_count - $tap_name"
		echo "# failed: $*"
		sed 's/^/# /' "$dir/.tap"
	fi
}

# is NAME GOT WANT
is() {
	tap_count=$((tap_count + 1))
	if [ "$2" = "$3" ]; then
		echo "ok $tap_count - $1"
	else
		echo "not ok $tap_count - $1"
		printf '%s\n' "$2" | sed 's/^/# got  /'
		printf '%s\n' "$3" | sed 's/^/# want /'
	fi
}

# wait_for COMMAND...: until it passes, 20 s at most
wait_for() {
	tap_tries=0
	until "$@" > /dev/null 2>&1; do
		tap_tries=$((tap_tries + 1))
		[ $tap_tries -lt 400 ] || return 1
		sleep 0.05
	done
}

# has FILE REGEX
has() { grep -Eq -- "$2" "$1"; }

# lines FILE REGEX N: at least N lines match
lines() { [ "$(grep -Ec -- "$2" "$1")" -ge "$3" ]; }

done_testing() { echo "1..$tap_count"; }
