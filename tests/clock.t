#!/bin/sh
# Time that jumps and time that stands still (the law of CONTRACT section 8
# holds all the same): the whole pipeline suspended, and the clock set by an
# hour under each networked tool, by faketime(1) where there is one.
. "$(dirname "$0")/tap.sh"
tests=$(cd "$(dirname "$0")" && pwd)
cd "$dir" || exit 1

# The loop, as scripts/converge-once has it, with words before two tools.
cat > pipeline <<'X'
mkfifo raw deduped
$WRAP gc-subscribe --backoff-base 100ms --jitter 50ms --backoff-cap 1s \
    --ping-interval 500ms > raw & subscribe=$!
gc-dedup -w 100ms < raw > deduped & dedup=$!
gc-reduce --audit 2s --poll 1s -r "$WRAP gc-reconcile --rate 20000 \
    --backoff-base 50ms" < deduped > changes & reduce=$!
echo $subscribe $dedup $reduce > pids
until [ -s "$dir/truth" ]; do
	kill -0 $subscribe || exit 1
	sleep 0.1
done
tries=0
until "$tests/../scripts/compare-roster" "$dir/truth" changes > verdict ||
    [ $tries -gt 250 ]; do
	sleep 0.1
	tries=$((tries + 1))
done
kill $subscribe
wait $subscribe $dedup $reduce
X
WRAP=
export WRAP dir tests

# start EVENTS
start() {
	rm -rf run truth err
	mkdir run
	: > truth
	( cd run && exec timeout 90 gc-sim --agents 30 --queues 4 --rate 100 \
	    --events "$1" --seed 3 --fault drop=0.03 --fault token-life=6 \
	    --truth ../truth -- sh ../pipeline ) > out 2> err &
	sim=$!
	later $sim
	wait_for lines run/changes '"gc:agent"' 20
}
finish() {
	wait $sim
	ok "$1" has run/verdict '^roster equals the truth: 30 agents'
}

# --- suspended, like a machine whose lid is closed
start 500
pids=$(cat run/pids)
# shellcheck disable=SC2086
kill -STOP $pids
wait_for lines err '"sim:cut"' 1	# its token ended meanwhile
# shellcheck disable=SC2086
kill -CONT $pids
ok "what was missed is told" wait_for has run/changes \
    '"event":"gc:open".*"resumed":true'
finish "after a suspend the roster equals the truth"

# --- the clock
for fake in /usr/lib/*/faketime/libfaketime.so.1 \
    /usr/lib*/faketime/libfaketime.so.1; do
	[ ! -e "$fake" ] || break
done
clock() { echo "$1" > .clock; mv .clock clock; }
clock +0
WRAP="env LD_PRELOAD=$fake FAKETIME_NO_CACHE=1 FAKETIME_DONT_RESET=1"
WRAP="$WRAP FAKETIME_DONT_FAKE_MONOTONIC=1 FAKETIME_TIMESTAMP_FILE=$dir/clock"
if ! $WRAP gc-subscribe --version > out 2> err || [ -s err ]; then
	echo "# no faketime here, or not under a sanitizer: clocks not tested"
	done_testing
	exit
fi
for hour in +1h -1h; do
	clock +0
	start 700
	clock $hour
	finish "the clock set by $hour: the roster equals the truth"
	ok "and no pong is missed for it" \
	    sh -c '! grep -q "no pong" run/changes'
done
done_testing
