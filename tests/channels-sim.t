#!/bin/sh
# gc-subscribe and gc-sim speak channels to one another, over TLS, on bad days.
. "$(dirname "$0")/tap.sh"
cd "$dir" || exit 1
fast='--backoff-base 100ms --jitter 20ms --backoff-cap 400ms'

# sim OPTIONS of gc-sim... -- COMMAND...
sim() {
	rm -rf "$HOME/.local"
	timeout 120 gc-sim --protocol channels "$@" > out 2> err
}

# picked FILTER: of the control lines, each once with how often
picked() { jq -c "select(.event) | $1" out | sort | uniq -c | sed 's/^ *//'; }

# changes: how many different changes were printed
changes() { jq -c 'select(.topicName) | [.topicName, .eventBody]' out | sort -u | wc -l; }

sim --agents 20 --rate 100 -- gc-subscribe -n 30
is "a good day" $? 0
is "agents, topics" "$(head -n 1 out | jq -c '[.protocol, .subscriptions, (.agents |
    length), .rejected]')" '["channels",20,20,0]'
is "so many events" "$(grep -c topicName out)" 30

sim --agents 30 --rate 100 --events 800 --fault socket-closing=100:5 \
    --fault token-life=12 -- sh -c 'gc-subscribe '"$fast"' & pid=$!
	until grep -q sim:quiet err; do sleep 0.1; done
	sleep 1
	kill $pid; wait $pid'
is "planned changing over" $? 0
ok "happens" lines out '"next":"rotate"' 3
is "nobody is doubted" "$(picked 'select(.event == "gc:open" and .resumed) |
    .downtimeMs' | cut -d' ' -f2)" 0
is "and nothing is missed" "$(changes)" 800

sim --agents 30 --rate 100 --fault cut=60 --fault close=1001:90 -- \
    gc-subscribe $fast -d 6s
ok "drops are told" lines out '"next":"reconnect"' 3
is "as outages" "$(jq 'select(.event == "gc:open" and .resumed and .downtimeMs == 0)' \
    out)" ''
is "the channel is kept" "$(grep -c sim:channel err)" 1

sim --agents 30 --rate 50 --fault half-open=20 -- gc-subscribe $fast \
    --ping-interval 200ms --silence 1s -d 5s
ok "a half-open socket is noticed" has out '"reason":"silence"'

sim --agents 30 --rate 50 --fault channel-life=2 -- gc-subscribe $fast -d 7s
is "renewed before its end, three times at least" "$(grep -c gc:open out)" 1

sim --agents 40 --rate 20 --fault deny=0.3 -- gc-subscribe -n 3
is "refused topics and permitted ones are all" "$(head -n 1 out |
    jq '.subscriptions + .rejected')" 40
ok "their reason is said" has err 'gc-subscribe: topic .* is refused: '

sim --agents 60 --rate 20 --fault churn=1 -- \
    sh -c 'gc-subscribe --members 1s -d 60s | sed /gc:members/q'
ok "who comes and goes is told" has out '"gc:members"'

printf 'at 2s revoke\nat 5s rest-down 2\nat 5s cut\nat 10s evict\n' > script
sim --agents 20 --rate 50 --script script -- gc-subscribe $fast -d 14s
is "a token withdrawn, REST down, a channel taken: it comes back" \
    "$(picked 'select(.event == "gc:open") | .resumed' | tr '\n' ' ')" '1 false 3 true '
ok "a channel that was taken is said so" has err 'took a channel away'

sim --agents 1200 --rate 20 --fault rate-limit=60 -- gc-subscribe -d 12s
is "a low limit is not hit" "$(grep -c '"rateLimited":0' err)" 1
is "two sockets" "$(picked 'select(.event == "gc:open") | [.socket, (.agents | length)]' |
    cut -d' ' -f2 | tr '\n' ' ')" '[0,1000] [1,200] '
done_testing
