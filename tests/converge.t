#!/bin/sh
# The law (CONTRACT section 8): whatever the faults, once the org is quiet
# and the connection is up, the roster of the closed loop equals the truth
# in every tier of every agent that it knows.  The most important test.
set -u
here=$(cd "$(dirname "$0")/.." && pwd)
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
count=0

# What is done to the org: seed, name, faults.
cat > "$dir/runs" <<'E'
1 nothing-goes-wrong
2 frames-are-lost drop=0.1
3 frames-come-twice-and-late duplicate=0.1 reorder=0.1
4 the-connection-is-cut cut=120
5 the-token-ends token-life=3
6 rest-fails rest-fail=0.3 rest-429=0.1 drop=0.05
7 shift-change storm=2:800 drop=0.02
8 upgrades-are-refused refuse=503:2 cut=200
9 rest-talks-nonsense rest-garbage=0.3 drop=0.05
10 frames-are-odd odd=masked:80 odd=ping-mid:7 odd=line-break:11 odd=close-utf8:150
11 sockets-die-quietly half-open=150 stall=0.5 delay=50
12 rest-never-answers rest-hang=0.02 drop=0.05
13 upgrades-are-slow slow-upgrade=5 cut=150 refuse=429:1:1
14 all-at-once drop=0.05 duplicate=0.05 reorder=0.05 cut=150 rest-fail=0.1 storm=2:700
E

# The closed loop, until the roster equals the truth.  The truth is written
# when the org is quiet; then the roster may take two audit periods, and
# what this machine needs.
cat > "$dir/pipeline" <<'E'
cd "$1" || exit 1
mkfifo raw || exit 1
gc-subscribe --backoff-base 100ms --jitter 50ms --backoff-cap 1s \
    --ping-interval 1s > raw &
subscribe=$!
gc-dedup -w 100ms < raw |
    gc-reduce --audit 2s --poll 1s -s roster \
	-r 'gc-reconcile --rate 20000 --backoff-base 50ms' > changes &
reduce=$!
tries=0
while [ ! -s truth ] && [ $tries -lt 300 ]; do
	sleep 0.1
	tries=$((tries + 1))
done
tries=0
while [ $tries -lt 150 ]; do
	"$2/scripts/compare-roster" truth changes > verdict 2>&1 && break
	sleep 0.1
	tries=$((tries + 1))
done
kill -TERM $subscribe
wait $subscribe
wait $reduce
"$2/scripts/compare-roster" truth changes
E

run() {
	seed=$1 name=$2
	shift 2
	work=$dir/$seed
	mkdir "$work"
	faults=
	for f; do faults="$faults --fault $f"; done
	count=$((count + 1))
	# shellcheck disable=SC2086
	if timeout 90 gc-sim --agents 40 --queues 5 --rate 120 --events 700 \
	    --seed "$seed" --truth "$work/truth" $faults -- \
	    sh "$dir/pipeline" "$work" "$here" > "$work/out" 2> "$work/err"
	then
		echo "ok $count - $name: $(tail -n 1 "$work/out")"
	else
		echo "not ok $count - $name (seed $seed,$faults)"
		tail -n 20 "$work/out" "$work/err" | sed 's/^/# /'
	fi
}

while read -r seed name faults; do
	# shellcheck disable=SC2086
	run "$seed" "$name" $faults < /dev/null
done < "$dir/runs"
echo "1..$count"
