#!/bin/sh
# gc-subscribe and signals: HUP, what nohup ignores, the token command's own.
. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/odd.sh"
cd "$dir" || exit 1
fast='--backoff-base 100ms --jitter 20ms --backoff-cap 400ms'

# HUP: the next connect is where the configuration says by then.
odd 'accept read await:go reset'
mkdir -p home/.config/gc
chmod 700 home/.config/gc
first=$GC_WS_URL first_pid=$odd_pid
unset odd_pid GC_WS_URL
echo "[default]
ws_url = $first" > home/.config/gc/config
rm -f out
gc-subscribe $fast > out 2> err &
pid=$!
later $pid
wait_for has out gc:open
odd_dir=odd2
odd 'accept ev:1 serve'
echo "[default]
ws_url = $GC_WS_URL" > home/.config/gc/config
unset GC_WS_URL
kill -HUP $pid
sleep 0.2
ok "HUP ends nothing" kill -0 $pid
touch odd/go
kill $first_pid
ok "the next connect is to the new place" wait_for has out '"S1"'
ok "which gc:open tells" has out "gc:open.*$(cat odd2/port)"
rm home/.config/gc/config
kill $pid
wait $pid
is "and TERM still ends it" $? 0

# What is ignored stays so.
odd 'accept serve'
rm -f out
nohup gc-subscribe > out 2> err &
pid=$!
later $pid
wait_for has out gc:open
kill -HUP $pid
kill -USR1 $pid
ok "under nohup HUP ends nothing" wait_for has err '"state":"stream"'
kill -INT $pid
wait $pid
is "INT ends it with 0, in the background of a shell too" $? 0

# A server that does not close: the last line is told all the same.
odd 'accept serve:noclose'
rm -f out
gc-subscribe $fast > out 2> err &
pid=$!
later $pid
wait_for has out gc:open
from=$(date +%s%N)
kill $pid
wait $pid
is "a close that is not answered: 0" $? 0
ok "within 5 s" [ $((($(date +%s%N) - from) / 1000000)) -lt 5600 ]
ok "gc:closed is told" has out 'gc:closed.*"next":"stop"'
is "the reader is not blamed" "$(grep -c stuck err)" 0

# A token command that hangs, and what its shell started.
echo 'echo $$ > hung; exec sleep 60' > hang
GC_TOKEN_CMD='sh hang | cat' gc-subscribe > out 2> err &
pid=$!
later $pid
wait_for [ -s hung ]
later "$(cat hung)"
kill $pid
wait $pid
gone() { ! kill -0 "$(cat hung)" || grep -q '^State:.Z' "/proc/$(cat hung)/status"; }
ok "the whole token command ends with it" wait_for gone
mkfifo never
exec 3<> never
for tool in gc-subscribe gc-reconcile; do
	rm -f hung
	GC_API_URL=http://127.0.0.1:9 GC_TOKEN_CMD='sh hang | cat' $tool \
	    < never > out 2> err &
	pid=$!
	later $pid
	echo '{"event":"gc:gap","at":"x","userId":"u","reason":"poll","seq":1}' >&3
	wait_for [ -s hung ]
	later "$(cat hung)"
	kill -KILL $pid
	wait $pid 2> /dev/null
	ok "with $tool that is killed, too" wait_for gone
done
exec 3>&-
done_testing
