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

# What is done to the org: seed, name, faults; at=2s:evict is a step of
# gc-sim's script.
cat > "$dir/runs" <<'R'
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
15 channels:nothing-goes-wrong
16 channels:frames-and-expands-are-lost drop=0.1 expand-miss=0.2 no-part=0.2
17 channels:sockets-are-cut cut=120 rest-fail=0.2 rest-429=0.1
18 channels:all-at-once drop=0.05 reorder=0.05 duplicate=0.05 cut=150 rest-fail=0.1 secondary=0.1 page-max=20 storm=2:700
19 channels:channels-change-over socket-closing=150:3 token-life=3 secondary=0.2 delay=50
20 channels:people-come-and-go churn=1 deny=0.1 page-max=7 no-modified=0.2
21 channels:channels-are-taken at=1s:evict at=2s:evict at=3s:revoke drop=0.05
22 channels:the-platform-is-down at=1s:rest-down:2 at=2s:half-open at=4s:cut channel-life=3
23 channels:everything-shifts churn=2 socket-closing=200:2 cut=170 page-max=11 rest-fail=0.2 rest-garbage=0.1 no-part=0.3 expand-miss=0.3 at=3s:evict
24 channels:active-queues-too wfm drop=0.1 cut=120 no-part=0.2 rest-fail=0.1
R

# run SEED NAME FAULT...: its verdict in $dir/SEED.code, its words in
# $dir/SEED.out
run() {
	seed=$1 name=$2
	shift 2
	faults=
	script=
	for f; do
		case $f in
		at=*) script="$script$(echo "$f" | tr '=:' '  ')
" ;;
		*) faults="$faults --fault $f" ;;
		esac
	done
	case $name in
	channels:*)
		# what the org may ask in a minute would take minutes
		faults="--protocol channels --fault rate-limit=30000 $faults"
		;;
	esac
	# shellcheck disable=SC2086
	CONVERGE_SCRIPT=$script "$here/scripts/converge-once" "$dir/$seed" \
	    --agents 40 --queues 5 --rate 120 --events 700 --seed "$seed" \
	    $faults > "$dir/$seed.out"
	echo $? > "$dir/$seed.code"
}

# One waits most of its time: so many at once, each the next of its lane.
lanes=4
lane() {
	n=0
	while read -r seed name faults; do
		n=$((n + 1))
		[ $((n % lanes)) -eq "$1" ] || continue
		# shellcheck disable=SC2086
		run "$seed" "$name" $faults < /dev/null
	done < "$dir/runs"
}

running=
i=0
while [ $i -lt $lanes ]; do
	lane $i &
	running="$running $!"
	i=$((i + 1))
done
# shellcheck disable=SC2086
wait $running
while read -r seed name faults; do
	count=$((count + 1))
	if [ "$(cat "$dir/$seed.code")" = 0 ]; then
		echo "ok $count - $name: $(cat "$dir/$seed.out")"
	else
		echo "not ok $count - $name (seed $seed, $faults)"
		{ cat "$dir/$seed.out"; tail -n 20 "$dir/$seed/log"; } |
		    sed 's/^/# /'
	fi
done < "$dir/runs"

# differs SEED NAME SED [-a]: the run's roster does not equal another truth
differs() {
	sed "$3" "$dir/$1/truth" > "$dir/other"
	count=$((count + 1))
	# shellcheck disable=SC2086
	if "$here/scripts/compare-roster" ${4-} "$dir/other" "$dir/$1/changes" \
	    > /dev/null
	then
		echo "not ok $count - $2"
	else
		echo "ok $count - $2"
	fi
}

# The law holds only while this can fail.
differs 2 "another truth differs" \
    's/"currentStatus":"[^"]*"/"currentStatus":"Wrong"/'
differs 16 "another presence differs" \
    's/"presence":{"currentStatus":"[^"]*"/"presence":{"currentStatus":"WRONG"/'
differs 24 "other active queues differ" \
    's/"activeQueues":{"ids":\[[^]]*\]/"activeQueues":{"ids":["wrong"]/' -a
echo "1..$count"
