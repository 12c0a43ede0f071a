#!/bin/sh
# gc-dedup as a process: what it holds and for how long, signals, its reader.
. "$(dirname "$0")/tap.sh"
cd "$dir" || exit 1

# event USER STATUS SECOND
event() {
	printf '{"event":"routing:agents:status:updated","data":{"userId":"%s","status":"%s","timestamp":"2024-06-15T14:32:%sZ"}}\n' \
	    "$1" "$2" "$3"
}

# start OPTION...: gc-dedup behind a pipe on descriptor 3
start() {
	rm -f in out err
	mkfifo in
	rm -f out err
	# a shell has those in the background ignore INT
	perl -e '$SIG{INT} = "DEFAULT"; exec @ARGV' gc-dedup "$@" < in > out 2> err &
	pid=$!
	later $pid
	exec 3> in
}

# gone PID: the process has ended (it may still be a zombie of ours)
gone() { ! kill -0 "$1" 2> /dev/null || grep -q '^State:.Z' "/proc/$1/status"; }

# --- the wall clock
start -w 300ms
event ann Busy 10 >&3
echo '{"a":1}' >&3
ok "a line that is not held comes out at once" wait_for has out '"a":1'
ok "a held one when its window ends, with no line more" \
    wait_for has out Busy
event ann Meal 12 >&3
event ann Away 11 >&3
ok "of two the latest, with what it stands for" \
    wait_for has out 'Meal.*"merged":\{"count":2,.*:11Z"'
ok "and not the other" [ "$(wc -l < out)" -eq 3 ]
exec 3>&-
wait $pid
is "it ends with its input" $? 0

start -w 1h
event ann Busy 10 >&3
echo '{"event":"gc:barrier","id":"b1"}' >&3
ok "a barrier comes out while the stream is open" \
    wait_for has out gc:barrier
is "behind what was held" "$(head -n 1 out)" "$(event ann Busy 10)"
event ann Meal 11 >&3
kill -USR1 $pid
ok "USR1 says the counts" wait_for has err '"held":1'
ok "in one line of JSON" jq -e '.events == 2 and .printed == 1' err
is "and lets nothing out" "$(wc -l < out)" 2
kill -TERM $pid
wait $pid
is "TERM ends it with 0" $? 0
is "and lets out what it holds" "$(tail -n 1 out)" "$(event ann Meal 11)"
exec 3>&-

start -w 1h
event ann Busy 10 >&3
echo '{"a":1}' >&3
wait_for has out '"a":1'
kill -INT $pid
event bob Meal 11 >&3
wait $pid
is "INT likewise" $? 0
is "with what was in the pipe still" "$(wc -l < out)" 3
exec 3>&-

start --clock=event -w 50ms
event ann Busy 10 >&3
echo '{"a":1}' >&3
wait_for has out '"a":1'
mkfifo in2
gc-dedup -w 50ms < in2 > out2 &
twin=$!
later $twin
exec 4> in2
event ann Busy 10 >&4
wait_for has out2 Busy
ok "with --clock=event no time ends a window" [ "$(wc -l < out)" -eq 1 ]
exec 4>&-
wait $twin
event bob Meal 11 >&3
ok "but an event does" wait_for has out Busy
exec 3>&-
wait $pid

# A stream that never is quiet: the first TERM reads on, the second does not.
start -w 1h
( while :; do echo '{"a":1}'; sleep 0.02; done ) >&3 2> /dev/null &
writer=$!
later $writer
wait_for has out '"a":1'
kill -TERM $pid
seen=$(wc -l < out)
ok "after one TERM it still reads a stream that goes on" \
    wait_for lines out '"a":1' $((seen + 3))
kill -TERM $pid
wait $pid
is "a second one ends it at once" $? 143
kill $writer 2> /dev/null
exec 3>&-

# --- its reader
rm -f in; mkfifo in
( gc-dedup -w 1h < in 2> err; echo $? > code ) | head -n 1 > out &
reader=$!
exec 3> in
echo '{"a":1}' >&3
wait_for has out '"a":1'
ok "it ends when its reader has gone, with nothing to print" \
    wait_for test -s code
is "by SIGPIPE" "$(cat code)" 141
is "and in silence" "$(cat err)" ""
exec 3>&-
wait $reader

# --- the same input, the same output
awk 'BEGIN {
	for (i = 0; i < 20000; i++) {
		x = (x * 16807 + 1) % 2147483647
		t = 1000 + i * 7 - x % 50
		printf "{\"event\":\"routing:agents:status:updated\",\"data\":" \
		    "{\"userId\":\"u%d\",\"status\":\"S%d\",\"timestamp\":" \
		    "\"2024-06-15T14:%02d:%02d.%03dZ\"}}\n", x % 40,
		    int(x / 64) % 5, t / 60000 % 60, t / 1000 % 60, t % 1000
	}
}' > many
gc-dedup --clock=event -v < many > whole 2> err
dd if=many obs=777 2> /dev/null | gc-dedup --clock=event > parts
ok "however the input is cut, the output is the same" cmp whole parts
ok "and it is less" [ "$(wc -l < whole)" -lt "$(wc -l < many)" ]
is "no event is unaccounted for" \
    "$(jq -s 'map(.merged.count // 1) | add' whole)" \
    "$(($(wc -l < many) - $(jq .copies err)))"
gc-dedup --clock=event -w 2s -v < whole > twice 2> err2
is "nor by a second gc-dedup behind the first" \
    "$(jq -s 'map(.merged.count // 1) | add' twice)" \
    "$(($(wc -l < many) - $(jq .copies err) - $(jq .copies err2)))"
is "and a merged line says so once, as jq has it" \
    "$(jq -c 'keys' twice | sort | uniq | wc -l)" 2

# --- metrics
gc-dedup --metrics figures < many > /dev/null
is "metrics are written at exit" \
    "$(sed -n 's/^gc_dedup_events_total //p' figures)" "$(wc -l < many)"
is "and nothing is held then" "$(sed -n 's/^gc_dedup_held //p' figures)" 0
done_testing
