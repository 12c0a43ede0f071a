#!/bin/sh
# kill -9 of each tool at random moments under load: its files are whole, it
# starts again, and no barrier that was handed on is forgotten.
# GC_CRASH_RUNS kills (5: each tool once), from GC_CRASH_SEED (1) on.
runs=${GC_CRASH_RUNS:-5}
seed=${GC_CRASH_SEED:-1}
. "$(dirname "$0")/tap.sh"
cd "$dir" || exit 1

# What stands in the input before barrier $1 and not in the roster.
cat > forgotten <<'E'
awk -v id="\"id\":\"$1\"" '{ print } index($0, id) { exit }' input |
    jq -c -n --slurpfile roster snapshot '
	INDEX($roster[]; .userId) as $agents |
	[inputs | select(.event == "routing:agents:status:updated") | .data] |
	group_by([.userId, .queueId]) | map(max_by(.timestamp)) | .[] |
	. as $d | $agents[.userId] as $a |
	(if .queueId then $a.queues[.queueId] else $a end) as $tier |
	select($tier == null or
	    $tier.lastUpdatedTimestamp < $d.timestamp or
	    ($tier.lastUpdatedTimestamp == $d.timestamp and
		$tier.currentStatus != $d.status))'
E

# A barrier after each 20 lines, once what came before it is in a file.
cat > feed <<'E'
exec awk '{ print; print > "input" }
NR % 20 == 0 {
	barrier = "{\"event\":\"gc:barrier\",\"id\":\"" ++n "\"}"
	print barrier > "input"
	fflush("input")
	print barrier
	fflush()
}'
E

# A command whose pid is told: PIDFILE COMMAND...
cat > as <<'E'
echo $$ > "$1"
shift
exec "$@"
E

# Start all, kill one, let the rest end: TOOL early|later DELAY EVENT
cat > run <<'E'
rm -f raw fed merged input changes reconcile.pid
mkfifo raw fed merged
state=$XDG_STATE_HOME/gc/default
cache=$XDG_CACHE_HOME/gc/default
gc-subscribe --backoff-base 100ms routing:agents:status:updated "$4" \
    > raw 2> subscribe.err & subscribe=$!
sh ./feed < raw > fed &
gc-dedup -w 20ms < fed > merged 2> dedup.err & dedup=$!
gc-reduce -s roster --drain 2s -r "sh ./as reconcile.pid gc-reconcile --rate 20000" \
    < merged > changes 2> reduce.err & reduce=$!
# once this is there all FIFOs are open at both ends
while [ ! -e changes ]; do sleep 0.01; done
[ "$1" != token ] || { gc-token -f > token.out 2> token.err & token=$!; }
while [ "$1" = reconcile ] && [ ! -s reconcile.pid ]; do sleep 0.01; done
tries=0
while [ "$2" = later ] && [ $tries -lt 200 ] && ! grep -q gc:barrier changes; do
	sleep 0.05
	tries=$((tries + 1))
done
sleep "$3"
case $1 in
reconcile) kill -9 "$(cat reconcile.pid)" ;;
token) kill -9 $token; sleep 0.2 ;;
subscribe) kill -9 $subscribe ;;
dedup) kill -9 $dedup ;;
reduce) kill -9 $reduce ;;
esac 2>> killed
kill -TERM $subscribe 2> /dev/null
wait
gc-token > token.out 2> token.err
echo $? > token.status
cp "$cache/token" token.cache
cp "$state/subscriptions.ndjson" registry 2> /dev/null || : > registry
gc-reduce -s roster --snapshot < /dev/null > snapshot 2> reopen.err
echo $? > status
last=$(sed -n 's/^{"event":"gc:barrier","id":"\([0-9]*\)"}$/\1/p' changes | tail -n 1)
echo "${last:-0}" > last
: > forgotten.out
[ -z "$last" ] || sh ./forgotten "$last" > forgotten.out 2>&1
find . "$cache" -name '*.new-*' > litter
E

# Whatever is wrong after this run, in words.
cat > judge <<'E'
[ "$(cat status)" = 0 ] || echo "the roster does not open: $(cat reopen.err)"
jq -e -s 'all(.[]; .event == "gc:agent")' snapshot > /dev/null ||
    echo "the snapshot is no roster"
[ ! -s forgotten.out ] || echo "forgotten before barrier $(cat last):" \
    "$(head -n 3 forgotten.out)"
[ "$(cat token.status)" = 0 ] || echo "no token: $(cat token.err)"
jq -e '.access_token and .owner' token.cache > /dev/null ||
    echo "half a token: $(cat token.cache)"
jq -e -s "length == 2 or (length == 0 and $1 == 1)" registry > /dev/null ||
    echo "half a registry: $(cat registry)"
[ ! -s litter ] || echo "left over: $(cat litter)"
grep -hE 'damaged|no journal|runtime error|AddressSanitizer' ./*.err
E

# RUNS SEED
cat > all <<'E'
n=1
while [ $n -le "$1" ]; do
	awk -v seed=$(($2 + n)) -v n=$n 'BEGIN {
	    split("reduce subscribe dedup reconcile token", tools)
	    srand(seed * 7919)
	    rand()
	    victim = tools[n % 5 + 1]
	    early = victim == "token" || n % 3 == 0
	    printf("%s %s %.4f\n", victim, early ? "early" : "later",
		rand() * (early ? 0.05 : 0.7)) }' > plan
	read -r victim when delay < plan
	sh ./run "$victim" "$when" "$delay" "event$n" 2> run.err
	sh ./judge $n > verdict 2>&1
	echo "$victim $delay $(cat last) $(grep -c 'torn tail' reopen.err)" >> log
	if [ -s verdict ]; then
		echo "run $n: $victim killed $when, after $delay s"
		cat verdict
	fi
	n=$((n + 1))
done
E

timeout $((60 + runs * 10)) gc-sim --agents 100 --queues 5 --rate 2000 -- \
    sh ./all "$runs" "$seed" > found 2> sim.err
is "all $runs kills were done (seed $seed)" "$(grep -c . log)" "$runs"
is "after each, all is whole and no barrier forgotten" "$(cat found)" ""
ok "barriers were handed on" awk '{ n += $3 } END { exit n == 0 }' log
awk '{ kills[$1]++; barriers += $3; torn += $4 }
END {
	for (t in kills)
		printf("# %s: %d kills\n", t, kills[t])
	printf("# %d barriers handed on, %d torn tails cut\n", barriers, torn)
}' log
done_testing
