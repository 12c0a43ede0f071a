# Tests of the channels protocol against tests/platform.pl: after tap.sh and
# the scenarios, which are functions, `. "$here/platform.sh"`, then play them.
# A scenario runs under the platform, in a folder of its own: the test calls
# itself with the scenario's name.  What it leaves there is looked at outside.
fast='--backoff-base 100ms --jitter 20ms --backoff-cap 400ms'

# say to the platform: act ACTION [KEY=VALUE...]
act() {
	action=$1
	shift
	for pair; do
		set -- "$@" --data-urlencode "$pair"
		shift
	done
	curl -sG "$GC_API_URL/do/$action" "$@"
}

opens() { lines out '"gc:open"' "$1"; }
logged() { lines log "$1" "${2:-1}"; }

# it is open, or there is nothing to wait for
up() { opens 1 || ! kill -0 $pid 2> /dev/null; }

# begin ARGS of gc-subscribe: in the background, until it is open
begin() {
	rm -f out err
	gc-subscribe $fast "$@" > out 2> err &
	pid=$!
	wait_for up
}

# end: stop it; its exit code, and how many ms that took
end() {
	end_from=$(date +%s%N)
	kill -TERM $pid 2> /dev/null
	wait $pid
	echo $? > status
	echo $((($(date +%s%N) - end_from) / 1000000)) > took
}

# play SCENARIO
play() {
	mkdir -p "$dir/$1" && cd "$dir/$1" || exit 1
	SCENARIO=$dir/$1 timeout 60 perl "$here/platform.pl" log \
	    sh "$here/$(basename "$0")" "$1" > said 2>&1
}

# pick FILTER FILE: with jq, on one line
pick() { jq -c "$1" "$2" | tr '\n' ' '; }

if [ -n "${SCENARIO-}" ]; then
	GC_API_URL=$platform_url GC_PROTOCOL=channels HOME=$SCENARIO
	GC_TOKEN_CMD=$platform_token_cmd
	export GC_API_URL GC_PROTOCOL GC_TOKEN_CMD HOME
	cd "$SCENARIO" || exit 1
	"$1"
	exit
fi
