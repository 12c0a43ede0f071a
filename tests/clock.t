#!/bin/sh
# Time that jumps and time that stands still (the law of CONTRACT section 8
# holds all the same): the whole pipeline suspended, summer time that ends
# under it, and the clock set by an hour under each networked tool and by ten
# minutes as it sleeps, by faketime(1) where there is one.
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
until { [ ! -e "$dir/asleep" ] || grep -q '"resumed":true' changes; } &&
    "$tests/../scripts/compare-roster" "$dir/truth" changes > verdict ||
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
	rm -rf run truth err asleep
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
# all: every process of the pipeline, what tools started themselves too
all() {
	for process in /proc/[0-9]*; do
		[ "$(readlink "$process/cwd")" = "$dir/run" ] || continue
		case $(readlink "$process/exe") in
		*/gc-sim | */sh | */dash | */bash | */sleep) ;;
		*/gc-*) echo "${process#/proc/}" ;;
		esac
	done
}
# sleeps COMMAND...: until its token has ended; the command meanwhile
sleeps() {
	touch asleep		# it goes on until that is told
	pids=$(all)
	# shellcheck disable=SC2086
	kill -STOP $pids
	"$@"
	wait_for lines err '"sim:cut"' 1
	# shellcheck disable=SC2086
	kill -CONT $pids
}
start 500
sleeps true
ok "what was missed is told" wait_for has run/changes \
    '"event":"gc:open".*"resumed":true'
finish "after a suspend the roster equals the truth"

# --- summer time ends some seconds from now
summer() {
	perl -e '@t = gmtime(time + 3600 + 5);
	    printf "STD0DST,0/0,%d/%d:%02d:%02d", @t[7, 2, 1, 0]'
}
TZ=$(summer)
export TZ
before=$(date +%z)
start 700
finish "when the clocks are put back the roster equals the truth"
is "which they were" "$before $(date +%z)" "+0100 +0000"
is "no connection was lost for it" "$(grep -c '"by":"network"' run/changes)" 0
# seconds EVENT FILE: when that was last told
seconds() {
	jq -R "fromjson? | select(.event == \"$1\").at[:19] + \"Z\" | fromdate" \
	    "$2" | tail -n 1
}
apart=$(($(seconds gc:open run/changes) - $(seconds sim:open err)))
ok "times are told as ever" [ "${apart#-}" -le 5 ]
unset TZ

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
clock +0
start 500
sleeps clock +10m
finish "asleep for ten minutes: the roster equals the truth"
done_testing
