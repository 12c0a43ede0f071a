# For tests with tests/odd.pl: after tap.sh, and before cd "$dir".
odd_tests=$(cd "$(dirname "$0")" && pwd)
GC_TOKEN_CMD='echo tok'
export GC_TOKEN_CMD

# odd SCRIPT...: the server, at GC_WS_URL; what it saw is in odd/log ($odd_dir)
odd_dir=odd
odd() {
	[ -z "${odd_pid:-}" ] || kill "$odd_pid" 2> /dev/null
	rm -rf $odd_dir
	perl "$odd_tests/odd.pl" $odd_dir "$@" &
	odd_pid=$!
	later $odd_pid
	wait_for [ -s $odd_dir/port ]
	GC_WS_URL="ws://127.0.0.1:$(cat $odd_dir/port)/x?secret=1"
	export GC_WS_URL
}

# saw REGEX: the server did
saw() { has odd/log "$1"; }

# cpu PID: hundredths of a second of processor time so far
cpu() { sed 's/.*) //' "/proc/$1/stat" | awk '{ print $12 + $13 }'; }
