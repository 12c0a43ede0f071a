#!/bin/sh
# More of CONTRACT section 5's table: what a full send buffer, a close that
# is not answered, a refusal before and after an open, and a machine's
# supervisor are to gc-subscribe.
. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/odd.sh"
cd "$dir" || exit 1
fast='--backoff-base 100ms --jitter 20ms --backoff-cap 400ms'
empty='Content-Length:%200%0d%0a'

# Backoff as it is with no option: 2 s to 3 s, and the wire has it so.
odd 'accept reset'
timeout 30 gc-subscribe -d 4s > out 2> err
ok "the first delay is 2 s and a second's jitter" jq -se \
    'map(select(.event == "gc:closed" and .next == "reconnect").delayMs)[0] |
    . >= 2000 and . <= 3000' out
jq 'select(.event == "gc:closed" and .next == "reconnect").delayMs' out > delays
ok "it is kept on the wire" sh -c 'grep accepted odd/log | awk "
    { getline delay < \"delays\" } NR > 1 && \$1 - last < want { bad++ }
    { last = \$1; want = delay }
    END { exit NR < 2 || bad }"'

# A server that does not read: pings wait, and are not missed.
awk 'BEGIN { for (i = 0; i < 3; i++) { printf "{\"a\":\""
    for (j = 0; j < 1000000; j++) printf "x"; print "\"}" } }' > S
ODD_RCVBUF=4096
export ODD_RCVBUF
odd 'accept mute'
unset ODD_RCVBUF
rm -f out err
gc-subscribe $fast -S S --ping-interval 100ms --ping-misses 1 > out 2> err &
pid=$!
later $pid
wait_for has out gc:open
sleep 1.5
is "a full send buffer is no miss" "$(jq -r .event out | tr '\n' ' ')" 'gc:open '
kill -KILL $pid
wait $pid 2> /dev/null

# Rotation: a close that is not answered is waited for, 5 s.
cat > token << 'E'
printf x >> asked
perl -MPOSIX=strftime -e 'my $t = time; my $f = "%Y-%m-%dT%H:%M:%SZ";
    print "{\"event\":\"gc:token\",\"access_token\":\"abc\",",
    "\"issued_at\":\"", strftime($f, gmtime $t),
    "\",\"expires_at\":\"", strftime($f, gmtime $t + 4), "\"}\n"'
E
rm -f asked
odd 'accept read until:8 sleep:4000 look:asked ev:1 sink' 'accept read ev:2 serve'
GC_TOKEN_CMD='sh token' timeout 30 gc-subscribe $fast -n 2 > out 2> err
is "no token is asked for while the close is waited for" \
    "$(sed -n 's/.* looked //p' odd/log)" x
is "what comes meanwhile is printed, and then the next token is had" \
    "$(cat asked) $(jq -r '.data.status // .event' out | tr '\n' ' ')" \
    'xx gc:open S1 gc:closed gc:open S2 gc:closed '
ok "5 s" [ "$(awk '$3 == "frame" && $4 == 8 && !at { at = $1 }
    $2 == 2 && $3 == "accepted" { print $1 - at }' odd/log)" -ge 4990 ]

# Refusals: before anything was open, and after.
echo 'printf x >> asked; echo tok' > bare
for status in 401 403; do
	odd "refuse:$status:$empty"
	rm -f asked
	GC_TOKEN_CMD='sh bare' timeout 20 gc-subscribe $fast -f teamId=t 2> err
	is "$status twice: 77, after one renewal" "$? $(cat asked)" '77 xx'
	for need in routing:agent:view routing:team:view \
	    notification:subscribe; do
		ok "naming $need" has err "$need"
	done
	odd 'accept ev:1 reset' "refuse:$status:$empty" \
	    "refuse:$status:$empty" 'accept ev:2 serve'
	timeout 20 gc-subscribe $fast -n 2 > out 2> err
	is "$status after it was open: an attempt, the renewal none" \
	    "$? $(jq -c 'select(.event == "gc:open").attempt' out |
	    tr '\n' ' ')" '0 1 3 '
done
odd 'accept ev:1 reset' "refuse:404:$empty" 'accept ev:2 serve'
timeout 20 gc-subscribe $fast -n 2 > out 2> err
is "404 after it was open: an attempt" "$?" 0

# Many agents and no filter.
many='gc-sim --agents 600 --rate 2000 --events 2100 -- gc-subscribe -n 2000'
unset GC_TOKEN_CMD GC_WS_URL
timeout 60 $many > out 2> err
is "more than 500 agents and no filter: one note" "$(grep -c 'consider -f' err)" 1

# systemd is told as --ready is.
cat > notified.pl <<'E'
use IO::Socket::UNIX;
my $s = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => 'notify') or die;
open my $f, '>', 'listening';
$SIG{ALRM} = sub { exit 1 };
alarm 30;
$s->recv(my $text, 100);
print "$text\n";
E
perl notified.pl > told & listener=$!
later $listener
wait_for [ -e listening ]
GC_TOKEN_CMD='echo tok'
export GC_TOKEN_CMD
odd 'accept read ev:1 serve'
NOTIFY_SOCKET=$dir/notify timeout 20 gc-subscribe -n 1 > out 2> err
wait $listener
is "systemd is told when it is ready" "$(cat told)" READY=1
done_testing
