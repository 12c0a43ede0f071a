#!/bin/sh
# gc-subscribe against gc-sim: the rows of CONTRACT section 5's table.
. "$(dirname "$0")/tap.sh"
cd "$dir" || exit 1
fast='--backoff-base 100ms --jitter 20ms --backoff-cap 400ms'

# sim OUT FAULTS... -- ARGS of gc-subscribe
timeout 60 gc-sim --rate 100 -- gc-subscribe -n 5 > out 2> err
is "-n ends with 0" $? 0
is "after so many event lines" "$(grep -c '"routing:agents' out)" 5
is "the first line says that it is open" \
    "$(head -n 1 out | jq -c '[.event,.resumed,.downtimeMs,.subscriptions]')" \
    '["gc:open",false,null,1]'
is "the last that it is closed" \
    "$(tail -n 1 out | jq -c '[.event,.code,.by,.next]')" \
    '["gc:closed",1000,"client","stop"]'
ok "each is JSON" jq -e . out

timeout 60 gc-sim --rate 1 -- sh -c 'gc-subscribe -d 2s -f queueId=q one two > out
    cat "$XDG_STATE_HOME/gc/default/subscriptions.ndjson" > registry
    gc-subscribe -d 2s --resume > out2; echo $? > status' 2> err
is "the registry is what was asked for" "$(cat registry)" \
'{"action":"subscribe","event":"one","filter":{"queueId":"q"}}
{"action":"subscribe","event":"two","filter":{"queueId":"q"}}'
is "--resume sends it again" "$(grep -c '"sim:subscribed"' err)" 4
is "-d with no event is 69" "$(cat status)" 69

timeout 20 gc-sim --rate 100 --fault cut=20 -- gc-subscribe $fast -n 50 \
    --ping-interval 1h > out 2> err
is "a cut is noticed without a ping" $? 0
ok "a cut is told" has out '"event":"gc:closed".*"by":"network","next":"reconnect"'
is "and what was missed" \
    "$(jq -c 'select(.event=="gc:open" and .resumed)|.downtimeMs>0' out | sort -u)" true
is "the registry is replayed" "$(grep -c sim:subscribed err)" \
    "$(grep -c '"gc:open"' out)"

timeout 60 gc-sim --rate 20 --fault token-life=2 -- gc-subscribe $fast -d 5s > out 2> err
ok "the token is rotated" has out '"next":"rotate"'
ok "never cut" sh -c '! grep -q "its token ended" err'
is "no token is asked for while a socket is open" \
    "$(jq -rR 'fromjson? | .event' err | awk '
	/sim:open/ { open = 1 } /sim:close|sim:gone|sim:cut/ { open = 0 }
	/sim:token/ && open { bad++ } END { print bad + 0 }')" 0

timeout 60 gc-sim --rate 50 --fault no-pong -- gc-subscribe $fast --ping-interval 100ms \
    -d 40s 2> err | sed '/"no pong"/q' > out
is "no pongs: closed with 1001" "$(jq -c 'select(.reason=="no pong")|.code' out |
    sort -u)" 1001
timeout 60 gc-sim --rate 50 -- gc-subscribe --ping-interval 100ms -d 40s 2> err |
    sed '/gc:alive/q' > out
ok "pongs are told" has out '"event":"gc:alive".*"rttMs":'
timeout 60 gc-sim --rate 50 --fault half-open=10 -- gc-subscribe $fast \
    --ping-interval 100ms -d 40s 2> err |
    awk '{ print } /"gc:open"/ && ++n == 2 { exit }' > out
ok "a half-open socket is noticed" lines out '"gc:open"' 2

timeout 60 gc-sim --rate 50 --fault refuse=503:2:1 -- gc-subscribe $fast -n 1 > out 2> err
ok "Retry-After is the least delay" has err 'again in 1000 ms'
ok "and said when it is above the cap" has err '1000 ms of patience'
timeout 60 gc-sim --fault refuse=401:9 -- gc-subscribe $fast > out 2> err
is "401 before anything was open: 77" $? 77
is "after one forced renewal" "$(grep -c sim:token err)" 2
ok "naming the permissions" has err 'routing:agent:view'
timeout 60 gc-sim --fault refuse=404:9 -- gc-subscribe $fast > out 2> err
is "404 before anything was open: 78" $? 78
timeout 60 gc-sim --fault refuse=500:99 -- gc-subscribe $fast --max-attempts 2 -d 40s \
    2> err | sed '/gc:failover/q' > out
ok "attempts used up are told" has out '"gc:failover".*"attempts":2'
timeout 60 gc-sim --fault refuse=500:99 -- gc-subscribe $fast --max-attempts 2 --give-up \
    > out 2> err
is "--give-up: 69" $? 69

timeout 60 gc-sim --rate 50 -- sh -c 'unset GC_CACERT; gc-subscribe' > out 2> err
is "a certificate that does not verify: 77" $? 77

timeout 60 gc-sim --rate 500 --fault malformed=0.1 --fault binary=0.1 --fault fragment=0.1 \
    -- gc-subscribe $fast -n 200 > out 2> err
is "what is no JSON is not printed" "$(jq -e . out > /dev/null; echo $?)" 0
ok "but named" has err 'rejected: (not JSON|a binary frame)'
timeout 60 gc-sim --rate 50 --fault oversize=0.2 -- gc-subscribe $fast -n 20 > out 2> err
ok "over 1 MiB: closed with 1009" has out '"code":1009'

# A reader that is gone, and one that is stuck.
timeout 60 gc-sim --rate 50 -- sh -c 'gc-subscribe; echo $? > status' 2> err | head -n 2 > out
is "a reader that goes ends it as it does cat" "$(cat status)" 141
ok "the socket was closed" has err '"sim:close".*"by":"client","code":1000'
mkfifo slow
timeout 60 gc-sim --rate 20000 --agents 20 --events 9000 -- sh -c \
    'gc-subscribe --buffer 200K & echo $! > number; wait' > slow 2> err &
pid=$!
later $pid
exec 4< slow
wait_for has err sim:quiet
cat <&4 > out &
reader=$!
# told OUT: lines that came, and those that are said to be lost
told() {
	jq -R 'fromjson? | if .lost then .lost elif (.event | startswith("routing"))
	    then 1 else 0 end' "$1" | awk '{ n += $1 } END { print n + 0 }'
}
all_told() { [ "$(told out)" -ge 9000 ]; }
wait_for all_told
kill "$(cat number)"
wait $pid
wait $reader
exec 4<&-
ok "an overrun is told in the stream" has out '"reason":"overrun".*"lost":'
is "nothing is lost unsaid" "$(told out)" 9000

timeout 60 gc-sim --rate 5 -- sh -c 'gc-subscribe > out1 & pid=$!
    while ! grep -q gc:open out1; do sleep 0.05; done
    gc-subscribe > out2 2> err2; echo $? > second
    kill -USR1 $pid; sleep 0.1; kill $pid; wait $pid; echo $? > first' 2> err
is "a second process is refused with 75" "$(cat second)" 75
is "TERM ends the first with 0" "$(cat first)" 0
ok "USR1 said its status" has err '"state":"stream"'
gc-subscribe -f nonsense 2> err
ok "usage" [ $? -ne 0 ]
done_testing
