#!/bin/sh
# gc-subscribe's lines, counts and options, against a server of any kind.
. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/odd.sh"
cd "$dir" || exit 1
fast='--backoff-base 100ms --jitter 20ms --backoff-cap 400ms'

# What is asked for.
odd 'accept serve'
echo '{"a":1}' > S
gc-subscribe -S S -f queueId=q 2> err
is "-S with a filter that would not count is 64" $? 64
gc-subscribe -f queueId=a -f queueId=b 2> err
is "a filter's key given twice is 64" $? 64
# scope NAME WANT ARGS...: of the first gc:open
scope() {
	name=$1 want=$2
	shift 2
	odd 'accept ev:1 serve'
	timeout 10 gc-subscribe -n 1 "$@" > out 2> err
	is "$name" "$(jq -c 'select(.event=="gc:open").scope' out)" "$want"
}
scope "scope: the filters" '{"queueId":"q","x":"y"}' -f queueId=q -f x=y one two
scope "--resume has the same" '{"queueId":"q","x":"y"}' --resume
echo '{"filter":{"teamId":"t"},"b":[1]}' > S
scope "-S: the file's own" '{"teamId":"t"}' -S S
scope "where they differ: null" null -S S one
scope "none: no limit" '{}'

# --ready
gc-subscribe --ready 77 2> err
is "--ready with a descriptor that is not open is 64" $? 64
gc-subscribe --ready 1 2> err
is "or one that has its use already" $? 64
awk 'BEGIN { for (i = 0; i < 3; i++) { printf "{\"a\":\""
    for (j = 0; j < 1000000; j++) printf "x"; print "\"}" } }' > S
ODD_RCVBUF=4096
export ODD_RCVBUF
odd 'accept await:go sink'
unset ODD_RCVBUF
rm -f out ready
gc-subscribe -S S --ready 5 > out 2> err 5> ready &
pid=$!
later $pid
wait_for has out gc:open
sleep 0.3
ok "not ready before all is sent" [ ! -s ready ]
touch odd/go
ok "ready once it is" wait_for [ -s ready ]
kill $pid
wait $pid

# What a server may not say.
odd 'accept text:{"event":"gc:open","socket":0}
    text:{"event":"\u0067c:barrier","id":"x"} ev:1 serve'
timeout 10 gc-subscribe -n 1 > out 2> err
is "no control line comes from the server" \
    "$(jq -r .event out | tr '\n' ' ')" \
    'gc:open routing:agents:status:updated gc:closed '
ok "it is named" has err 'rejected: a control line'
odd 'accept frame:82:x frame:82:y frame:82:z serve'
timeout 10 gc-subscribe --strict > out 2> err
is "--strict: 65" $? 65
is "names one" "$(grep -c rejected err)" 1

# Pongs.
odd 'accept frame:8a:zz serve:late=700'
timeout 20 gc-subscribe --ping-interval 500ms -d 3s > out 2> err
ok "a late pong is measured from its own ping" \
    jq -se '[.[]|select(.event=="gc:alive").rttMs]|length>=3 and min>=690' out
odd 'accept frame:8a:zz sleep:100 frame:8a:gc-tools%201 sleep:200 frame:8a:zz sleep:200 frame:8a:zz sleep:200 frame:8a:gc-tools%2099 serve:nopong' \
    'accept serve'
timeout 20 gc-subscribe $fast --ping-interval 250ms -d 2s > out 2> err
is "pongs that answer no ping keep nothing alive" \
    "$(jq -c 'select(.event=="gc:closed")|[.code,.reason]' out | head -n 1)" \
    '[1001,"no pong"]'
ok "nor are they told" sh -c '! jq -s "[.[]|.event] | index(\"gc:closed\") as \$i |
    .[:\$i][] " out | grep -q alive'

# Counts by subscription: the ids as they are, the latest of them.
set --
for i in $(seq 1 70); do
	set -- "$@" "ev:1:s$i-0000000000000000000000000000000000000000000000000000"
done
odd "accept ev:1:first ev:2:first $* text:{\"subscriptionId\":\"%5c\"q%5c%5c%5cn\"} serve"
rm -f out
gc-subscribe --metrics figures > out 2> err &
pid=$!
later $pid
wait_for has out 'q....n'
kill -USR1 $pid
wait_for has err bufferedLines
kill $pid
wait $pid
ok "the status is JSON, however long" jq -e . err
is "64 ids are counted apart" "$(jq '.subscriptions|length' err)" 64
is "the latest, as they are" "$(jq -c '.subscriptions["\"q\\\n"]' err)" 1
is "those before together" "$(jq '.otherSubscriptions' err)" 9
is "none is forgotten" "$(jq '[.subscriptions[]]|add' err)" 64
ok "figures tell them too" has figures \
    '^gc_subscribe_subscription_frames_total\{subscription="\\"q\\\\\\n"\} 1$'
ok "and the others" has figures 'frames_total\{subscription=""\} 9$'

# The token command's words are its own.
GC_TOKEN_CMD='false sesame' timeout 9 gc-subscribe $fast -d 500ms 2> err
GC_TOKEN_CMD='nowhere sesame' timeout 9 gc-subscribe $fast -d 500ms 2>> err
GC_TOKEN_CMD='KEY=sesame; exit 3' timeout 9 gc-subscribe $fast -d 500ms 2>> err
ok "GC_TOKEN_CMD is not logged" sh -c '! grep -q sesame err'
ok "but named" has err "^gc-subscribe: false ended with 1"
ok "also one that is not there" has err "can't run 'nowhere'"

# The end.
odd 'accept serve:noclose'
rm -f out
gc-subscribe -d 1s > out 2> err &
pid=$!
later $pid
wait_for has out gc:open
kill $pid
wait $pid
is "-d while closing changes no exit code" $? 0
odd 'accept until:1 ev:1-3000 serve:noclose'
mkfifo stuck
sh -c 'exec gc-subscribe > stuck 2> err' &
pid=$!
later $pid
exec 4< stuck
wait_for saw 'frame 1 '
sleep 0.5
kill $pid
before=$(date +%s)
wait $pid
is "a signal with a stuck reader: 0" $? 0
ok "in 5 s at most, the close frame's wait included" \
    [ $(($(date +%s) - before)) -le 6 ]
cat <&4 > out
exec 4<&-
is "what was not let out is counted" "$(($(wc -l < out) +
    $(sed -n 's/.*stuck: \([0-9]*\) lines.*/\1/p' err)))" 3002
odd 'accept until:1 ev:1-6000 touch:sent serve'
rm -f stuck err
mkfifo stuck
sh -c 'exec gc-subscribe --buffer 100K > stuck 2> err' &
pid=$!
later $pid
exec 4< stuck
wait_for [ -e odd/sent ]
sleep 0.5
kill $pid
wait $pid
cat <&4 > out
exec 4<&-
is "those of an overrun too" "$(($(perl -ne '$n++ if /"S.*\n/; END { print $n }' out) +
    $(jq -R 'fromjson? | .lost // 0' out | awk '{ n += $1 } END { print n + 0 }') +
    $(sed -n 's/.*stuck: \([0-9]*\) lines.*/\1/p' err)))" 6001

# Many agents and no filter: each counts once, however often it comes.
agents() {
	awk -v n="$1" 'BEGIN { for (i = 1; i <= n; i++) printf "text:{\"data\":" \
	    "{\"userId\":\"0a1b2c3d-0000-4000-8000-%d\"}} ", i }'
}
odd "accept until:1 $(agents 500) $(agents 500) serve"
timeout 60 gc-subscribe -n 1000 > out 2> err
is "500 agents want no filter" "$(grep -c 'more than 500' err)" 0
odd "accept until:1 $(agents 501) serve"
timeout 60 gc-subscribe -n 501 > out 2> err
is "501 do" "$(grep -c 'more than 500' err)" 1
odd "accept until:1 $(agents 501) serve"
timeout 60 gc-subscribe -n 501 -f queueId=q > out 2> err
is "save with one" "$(grep -c 'more than 500' err)" 0

# An overrun: when it was; and -n counts what is printed.
odd 'accept until:1 ev:1-3000 touch:sent await:go ev:3001-6000 serve'
rm -f stuck out
mkfifo stuck
sh -c 'exec gc-subscribe --buffer 100K -n 1500 > stuck 2> err' &
pid=$!
later $pid
exec 4< stuck
wait_for [ -e odd/sent ]
sleep 1.2
touch odd/go
cat <&4 > out
exec 4<&-
wait $pid
is "-n: so many are printed" "$(grep -c '"S' out)" 1500
ok "an overrun is of its own time" jq -se '
    (map(select(.event=="gc:closed" and .reason=="overrun"))[0].at) as $hole |
    (map(select(.event=="gc:closed" and .reason=="stop"))[0].at) as $stop |
    [$hole, $stop] | map(sub("\\.[0-9]*Z";"Z")|fromdate) | .[1] - .[0] >= 1' out
ok "and its connection is the one of then" jq -se '
    map(select(.event=="gc:open")) | length >= 2 and all(.attempt == 1)' out
done_testing
