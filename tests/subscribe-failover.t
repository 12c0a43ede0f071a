#!/bin/sh
# Failover to REST and back: while gc-subscribe's attempts are used up the
# roster lives on polls, and a connection that is short does not end them.
. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/odd.sh"
cd "$dir" || exit 1
fast='--backoff-base 100ms --jitter 20ms --backoff-cap 400ms'
refuse='refuse:503:Content-Length:%200%0d%0a'

# The last connect is never answered: what polls then is the timer alone.
odd "$refuse" "$refuse" 'accept ev:1 reset' 'head mute'
mkfifo events
gc-subscribe $fast --max-attempts 2 > events 2> err & pid=$!
later $pid
rm -f out
gc-reduce --poll 100ms < events > out & reduce=$!
later $reduce
polls() {
	jq -c 'select(.event | startswith("gc:")) | .reason // .event' out |
	    tr '\n' ' ' | grep -Eq "$1"
}
ok "a short connection does not silence the polling" wait_for polls \
    'gc:failover" "gc:open".*gc:failover" ("poll" ){5}'
kill $pid
wait $pid $reduce

# The socket is refused for some seconds, and REST is not.
cat > day <<'E'
at 1s set refuse=503:1000
at 1s cut
at 8s clear refuse
E
cat > inside <<'E'
mkfifo events
gc-subscribe $fast --max-attempts 3 > events & pid=$!
gc-reduce --audit 0 --poll 300ms -r 'gc-reconcile --rate 20000' < events \
    > changes & reduce=$!
tries=0
until { [ -s truth ] && "$compare" truth changes > verdict; } ||
    [ $tries -gt 300 ]; do
	sleep 0.1
	tries=$((tries + 1))
done
kill $pid
wait $pid $reduce
E
unset GC_TOKEN_CMD GC_WS_URL
compare=$odd_tests/../scripts/compare-roster
export compare fast
timeout 90 gc-sim --agents 20 --rate 200 --events 2200 --script day \
    --truth truth -- sh inside 2> sim.err
# what an outage was like: everything from the first failover to the open
sed -n '/"gc:failover"/,$p' changes > later
sed '/"gc:open"/q' later > outage
sed '1,/"gc:open"/d' later > after
ok "an outage, with its end" sh -c '[ -s outage ] && grep -q gc:agent after'
users() { grep -o '"userId":"[^"]*"' | sort -u; }
sed '/"gc:failover"/q' changes | users > known
is "everyone known is polled in it" "$(grep '"reason":"poll"' outage | users |
    grep -cxF -f known)" "$(grep -c . known)"
ok "more than once" lines outage '"reason":"poll"' 40
ok "and the roster changes by it" lines outage \
    '"gc:agent".*"source":"rest"' 20
is "afterwards nobody is polled" "$(grep -c '"reason":"poll"' after)" 0
ok "but everyone is doubted once more" has after '"reason":"reconnect"'
ok "and the roster equals the truth" sh -c 'cat verdict
    grep -q "^roster equals the truth" verdict'
done_testing
