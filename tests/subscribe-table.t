#!/bin/sh
# The rows of CONTRACT section 5's table, by the times and frames of the wire.
. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/odd.sh"
cd "$dir" || exit 1
fast='--backoff-base 100ms --jitter 20ms --backoff-cap 400ms'
refuse='refuse:503:Content-Length:%200%0d%0a'
registry=home/.local/state/gc/default/subscriptions.ndjson

# Heartbeat.
odd 'accept until:9 until:9 until:9 until:9 serve:nopong'
timeout 20 gc-subscribe --backoff-base 30s --ping-interval 300ms -d 3s > out 2> err
is "three pings without a pong: a fourth is not sent" "$(grep -c 'frame 9' odd/log)" 3
is "but a close frame with 1001" "$(grep 'frame 8' odd/log | cut -d' ' -f 3-7)" \
    'frame 8 masked 9 1001'
ok "each an interval after the last, the first after the open" \
    sh -c '{ grep accepted odd/log; grep -E "frame (9|8)" odd/log; } | awk "
	NR == 1 { first = \$1 }
	NR > 1 && \$1 - last < 200 { bad++ } { last = \$1 }
	END { exit NR != 5 || bad || last - first < 1100 }"'
odd 'accept serve'
timeout 20 gc-subscribe --ping-interval 200ms --ping-misses 1 -d 2s > out 2> err
ok "answered, it goes on" [ "$(grep -c 'frame 9' odd/log)" -ge 4 ]
is "on one connection" "$(grep -c accepted odd/log)" 1

# Backoff, bounds on the wire: 200, 400, 800, then at most the cap.
odd "$refuse"
timeout 20 gc-subscribe --backoff-base 200ms --jitter 100ms --backoff-cap 900ms \
    -d 4s > out 2> err
ok "never sooner than the rule has it" sh -c '
    grep accepted odd/log | awk "
	NR > 1 { want = 200 * 2 ^ (NR - 2); if (want > 800) want = 800
	    if (\$1 - last < want) bad++ } { last = \$1 }
	END { exit NR < 4 || bad }"'
ok "nor told to be later" sh -c '
    sed -n "s/.*again in \([0-9]*\) ms/\1/p" err | awk "
	{ want = 200 * 2 ^ (NR - 1); if (want > 800) want = 800
	    if (\$1 < want || \$1 > want + 100) bad++ }
	END { exit NR < 3 || bad }"'

# Attempts: failover, back, and a short connection after it.
odd "$refuse" "$refuse" 'accept ev:1 reset' "$refuse" 'accept ev:2 serve'
rm -f out
gc-subscribe $fast --max-attempts 2 > out 2> err &
pid=$!
later $pid
wait_for has out '"S2"'
kill $pid
wait $pid
is "a failover, and after a short connection at once another" \
    "$(jq -r '.event' out | sed 's/^routing.*/event/;s/^gc://' | tr '\n' ' ')" \
    'failover open event closed failover failover open event closed '
is "each with the attempts so far" \
    "$(jq -c 'select(.event=="gc:failover").attempts' out | tr '\n' ' ')" '2 3 4 '

# The registry.
rm -rf "$registry"
odd "look:$registry accept read read read reset" 'accept read read read ev:1 serve'
timeout 20 gc-subscribe $fast -n 1 -f queueId=q three one two > out 2> err
want='{"action":"subscribe","event":"three","filter":{"queueId":"q"}}
{"action":"subscribe","event":"one","filter":{"queueId":"q"}}
{"action":"subscribe","event":"two","filter":{"queueId":"q"}}'
is "on disk before the socket is even there" \
    "$(sed -n 's/^[0-9]* 1 looked //p' odd/log)" "$want"
# sent CONNECTION
sent() { sed -n "s/^[0-9]* $1 frame 1 masked [0-9]* //p" odd/log; }
is "sent in order" "$(sent 1)" "$want"
is "replayed after a reconnect" "$(sent 2)" "$want"
odd 'accept read read read ev:1 serve'
timeout 20 gc-subscribe --resume -n 1 > out 2> err
is "and after a restart" "$(sent 1)" "$want"
odd 'accept ev:1 serve'
timeout 20 gc-subscribe --name b -n 1 other > out 2> err
is "another name's is its own" "$(cat home/.local/state/gc/default/b.subscriptions.ndjson)" \
    '{"action":"subscribe","event":"other"}'
is "the first's is as it was" "$(cat $registry)" "$want"

# -n and -d.
odd 'accept ev:1-50 sleep:100 text:{"event":"odd"} ev:51-99 serve'
timeout 20 gc-subscribe -n 51 > out 2> err
is "-n counts events of any name" "$?$(grep -vc '"gc:' out)" 051
odd 'accept ev:1 serve'
from=$(date +%s%N)
timeout 20 gc-subscribe -d 1s > out 2> err
is "-d with an event seen: 0" $? 0
ok "after that long" [ $((($(date +%s%N) - from) / 1000000)) -ge 1000 ]
ok "with a close frame" saw 'frame 8'
odd 'accept text:nonsense serve'
timeout 20 gc-subscribe -d 500ms > out 2> err
is "with none: 69" $? 69

# Rotation, by the server's own log: no token is asked for while it is open.
cat > token << 'EOT'
printf x >> asked
perl -MPOSIX=strftime -e 'my $t = time; my $f = "%Y-%m-%dT%H:%M:%SZ";
    print "{\"event\":\"gc:token\",\"access_token\":\"abc\",",
    "\"issued_at\":\"", strftime($f, gmtime $t),
    "\",\"expires_at\":\"", strftime($f, gmtime $t + 4), "\"}\n"'
EOT
odd 'accept read until:8 ev:1-3 sleep:300 look:asked close:1000' \
    'accept read ev:4 serve'
GC_TOKEN_CMD='sh token' timeout 20 gc-subscribe $fast -n 4 > out 2> err
is "close, wait for the answer, token, open, replay" \
    "$(cat asked) $(awk '$3 ~ /accepted|look/ { printf "%s ", $NF }
	$3 == "frame" { printf "%s ", $4 }' odd/log)" \
    'xx accepted 1 8 x accepted 1 8 '
is "what came before the server's close is printed" \
    "$(jq -r '.data.status // .event' out | tr '\n' ' ')" \
    'gc:open S1 S2 S3 gc:closed gc:open S4 gc:closed '
is "a rotation is no attempt" \
    "$(jq -c 'select(.event=="gc:open").attempt' out | tr '\n' ' ')" '1 1 '
done_testing
