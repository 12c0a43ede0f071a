#!/bin/sh
# gc-subscribe's loop: it never spins, starves or throws away what came.
. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/odd.sh"
cd "$dir" || exit 1
fast='--backoff-base 100ms --jitter 20ms --backoff-cap 400ms'

# life SECONDS: a token command's line for a token of such a life
life() {
	perl -MPOSIX=strftime -e 'my $t = time; my $f = "%Y-%m-%dT%H:%M:%SZ";
	    print "{\"event\":\"gc:token\",\"access_token\":\"abc\",",
	    "\"issued_at\":\"", strftime($f, gmtime $t),
	    "\",\"expires_at\":\"", strftime($f, gmtime $t + shift), "\"}\n"' \
	    "$1"
}

# idle PID: does it use less than a quarter of a processor?
idle() {
	before=$(cpu "$1") || return 1
	sleep 0.5
	[ $(($(cpu "$1") - before)) -lt 13 ]
}

# A write fails, for the server is gone; what it sent before is not.
odd 'accept until:1 touch:asked await:go hold frame:89:p ev:1-300
    close:1001:bye flush touch:sent sleep:100 reset' 'accept serve'
rm -f out
gc-subscribe $fast > out 2> err &
pid=$!
later $pid
wait_for [ -e odd/asked ]
kill -STOP $pid
touch odd/go
wait_for [ -e odd/sent ]
sleep 0.3
kill -CONT $pid
wait_for lines out '"gc:open"' 2
kill $pid
wait $pid
is "events before a reset are printed" "$(grep -c '"S' out)" 300
is "so is its close frame told" \
    "$(jq -c 'select(.event=="gc:closed" and .next=="reconnect") |
	[.code,.reason,.by]' out)" '[1001,"bye","server"]'

# A token whose time passes while there is no socket, or none yet.
for how in 'accept until:1 reset' 'head mute'; do
	life 2 > token
	odd "$how" 'refuse:503:Retry-After:%2060%0d%0aContent-Length:%200%0d%0a'
	GC_TOKEN_CMD="cat $dir/token" gc-subscribe --rotate-before 500ms > out 2> err &
	pid=$!
	later $pid
	wait_for saw accepted
	sleep 2.2
	ok "no spinning past the token's time ($how)" idle $pid
	kill $pid
	wait $pid
done

# Frames without end that tell nothing.
odd 'accept until:1 frame:01:%7b flood:00'
rm -f out
gc-subscribe --ping-interval 1h > out 2> err &
pid=$!
later $pid
wait_for has out gc:open
kill -USR1 $pid
ok "empty fragments without end starve nothing" wait_for has err '"state"'
kill $pid 2> /dev/null
wait $pid
is "but end in 1009" "$(jq -c 'select(.event=="gc:closed").code' out | head -n 1)" 1009

# stdout that is a socket whose reader goes; one that is closed.
odd 'accept serve'
rm -f out
perl -MSocket -e 'socketpair my $ours, my $its, AF_UNIX, SOCK_STREAM, 0;
    if (!fork) { open STDOUT, ">&", $its; close $ours; close $its;
	exec "gc-subscribe" }
    close $its; sysread $ours, my $x, 4096; sleep 1; close $ours; wait;
    print $? & 127, "\n"' > out 2> err &
pid=$!
later $pid
ok "a socket's reader that goes ends it" wait_for [ -s out ]
is "as a pipe's does" "$(cat out)" 13

# No reader is slow that is none, nor one that takes what comes.
odd "accept until:1 ev:1-20000 touch:sent serve"
gc-subscribe --buffer 64K > /dev/null 2> err &
pid=$!
later $pid
wait_for [ -e odd/sent ]
all() { kill -USR1 $pid; sleep 0.2; has err '"frames":20000,'; }
wait_for all
ok "all goes to /dev/null" has err '"printed":20000,.*"lost":0,'
kill $pid
wait $pid
odd "accept until:1 ev:1-20000 serve"
perl -MSocket -e 'socketpair my $ours, my $its, AF_UNIX, SOCK_STREAM, 0;
    if (!fork) { open STDOUT, ">&", $its; close $ours; close $its;
	exec qw(timeout 60 gc-subscribe -n 20000) }
    close $its; print while <$ours>; wait; print "$?\n"' > out 2> err
is "to a socket, too, in order" "$(sed -n 's/.*"status":"S\([0-9]*\)".*/\1/p' out |
    awk '$1 != NR { bad = 1 } END { print NR + bad }')" 20000
is "to its end" "$(tail -n 1 out)" 0

odd 'accept ev:1 serve'
timeout 20 gc-subscribe -n 1 >&- 2> err
is "a closed stdout is 74" $? 74
done_testing
