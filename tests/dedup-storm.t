#!/bin/sh
# A shift change of 500 and of 5,000 agents, a few clicks each: gc-dedup takes
# most of its lines away, and no tier's last state.  By the clock on the wall
# as many as the machine lets it: one that stands still ends windows.
. "$(dirname "$0")/tap.sh"
cd "$dir" || exit 1

# What was sent before the server's close frame is printed.
cat > inside <<'E'
mkfifo in
tee raw < in | gc-dedup 2> dedup.err > merged & dedup=$!
gc-subscribe > in 2> sub.err & pid=$!
until grep -q '"sim:quiet"' err; do
	kill -0 $pid || exit 1
	sleep 0.1
done
kill $pid
wait $dedup
E
# the roster that a stream ends with, but for when it was told; who is in doubt
# is known of lines that came in their order
forget='del(.at, .seq)'
roster() { gc-reduce -q --snapshot < "$1" | jq -cS "$forget"; }
status='[.userId, .currentStatus, .lastUpdatedTimestamp]'
events() { grep -c '"event":"routing:' "$1"; }

# storm AGENTS EVENTS OPTION... of gc-sim
storm() {
	agents=$1 events=$2
	shift 2
	rm -f in raw merged truth
	timeout 200 gc-sim --agents "$agents" --rate 20 --events "$events" \
	    --truth truth "$@" -- sh inside 2> err
	lines=$(events raw)
	ok "$agents agents: every line came" [ "$lines" -ge "$events" ]
	ok "in storms" lines err '"sim:storm"' 2
	gc-dedup --clock=event < raw > later
	roster raw > want
	is "there is a roster" "$(grep -c . want)" "$agents"
	jq -c "$status" truth > true
	for by in merged later; do
		left=$(events $by)
		case $by,${GC_BUILD-} in
		merged,*asan*)
			ok "$by: not measured under asan" true ;;
		*)
			ok "$by: 60 % of $lines lines or more are gone ($left)" \
			    [ $((left * 10)) -le $((lines * 4)) ] ;;
		esac
		roster $by > have
		ok "each tier is what it is without gc-dedup" cmp want have
		jq -c "$status" have > told
		ok "and in truth" cmp true told
	done
}
storm 500 4600 --fault storm=1:800
storm 5000 30100 --fault storm=3:1000
forget='del(.at, .seq, .verified, .queues[].verified)'
storm 500 4600 --fault storm=1:800 --fault duplicate=0.2 --fault reorder=0.2
done_testing
