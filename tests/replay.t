#!/bin/sh
# gc-replay: its time, signals, readers; tests/replay/ has the golden cases.
. "$(dirname "$0")/tap.sh"

# event MINUTE:SECOND: one line
event() {
	printf '{"event":"x","data":{"timestamp":"2024-06-15T14:%sZ"}}\n' "$1"
}

# passed COMMAND...: ms that it took
passed() {
	passed_from=$(date +%s%3N)
	"$@"
	echo $(($(date +%s%3N) - passed_from))
}

{ event 00:00; event 00:01; event 00:00.5; event 00:02; } > "$dir/two"
ms=$(passed gc-replay -x 4 "$dir/two" 2> "$dir/err" 3> /dev/null |
    tail -n 1)
ok 'two seconds, four times as fast' [ "$ms" -ge 500 ]
gc-replay -x 0 "$dir/two" | cmp - "$dir/two" > /dev/null
is 'at once, the same bytes' $? 0

# Each line comes at its time, not all of them at the end.
{ event 00:00; event 50:00; } > "$dir/hour"
gc-replay "$dir/hour" > "$dir/out" &
pid=$!
later $pid
ok 'the first is out while the second waits' wait_for has "$dir/out" 14:00:00
kill -USR1 $pid
gc-replay "$dir/hour" > "$dir/out2" 2> "$dir/err2" &
asked=$!
later $asked
ok 'it waits' wait_for has "$dir/out2" 14:00:00
kill -USR1 $asked
ok 'its status tells how far it is' wait_for has "$dir/err2" \
    '^\{"tool":"gc-replay","printed":1,.*"reached":"2024-06-15T14:00:00.000Z"'
kill -TERM $pid $asked
wait $pid
is 'TERM ends it with 0' $? 0
is 'and nothing is printed before its time' "$(wc -l < "$dir/out")" 1

# A reader that goes is noticed while nothing is to be printed.
mkfifo "$dir/pipe"
gc-replay "$dir/hour" > "$dir/pipe" 2> "$dir/err" &
pid=$!
later $pid
head -n 1 < "$dir/pipe" > /dev/null
wait $pid
is 'ended as cat does' $? 141
is 'without a word' "$(cat "$dir/err")" ''

# The times of a line become those of its playing.
before=$(date +%s)
gc-replay -x 4 --now < "$dir/two" > "$dir/now"
after=$(date +%s)
jq -s --argjson from "$before" --argjson to "$after" '
    map(.data.timestamp | sub("\\.[0-9]+"; "") | fromdate) |
    length == 4 and all(. >= $from and . <= $to)' "$dir/now" > "$dir/verdict"
is 'now' "$(cat "$dir/verdict")" true
gc-replay -x 0 --now "$dir/two" |
    jq -s --argjson to "$(date +%s)" '
    map(.data.timestamp | sub("\\.[0-9]+"; "") | fromdate) |
    .[3] - .[0] == 2 and (.[3] - $to | fabs) < 60' > "$dir/verdict"
is 'at once: the last is now, the others before' "$(cat "$dir/verdict")" true
(read -r first; gc-replay -x 0 --now) < "$dir/two" > "$dir/rest"
is 'from where the file stands' "$(wc -l < "$dir/rest")" 3
{ cat "$dir/two"; head -n 1 "$dir/two"; } > "$dir/back"
gc-replay -x 0 --now "$dir/back" |
    jq -s --argjson to "$(($(date +%s) + 1))" '
    map(.data.timestamp | sub("\\.[0-9]+"; "") | fromdate) |
    length == 5 and all(. <= $to)' > "$dir/verdict"
is 'the last is not the latest: nothing is to come' "$(cat "$dir/verdict")" true
cat "$dir/two" | gc-replay -x 0 --now > "$dir/out" 2> "$dir/err"
is 'a pipe cannot be read twice' $? 64
ok 'and that is said' has "$dir/err" 'reads stdin twice'

# What is played is what a stage would have got.
gc-sim --agents 10 --rate 200 --seed 4 -- gc-subscribe -n 100 \
    > "$dir/recorded" 2> "$dir/err"
ok 'a recording' lines "$dir/recorded" 'routing:agents' 50
gc-replay -x 0 "$dir/recorded" | gc-reduce --snapshot |
    jq -c 'del(.at)' > "$dir/played"
gc-reduce --snapshot < "$dir/recorded" | jq -c 'del(.at)' > "$dir/straight"
ok 'the same roster' cmp "$dir/played" "$dir/straight"
ok 'of someone' [ -s "$dir/played" ]

# After a signal nothing is played, not even what has no time to wait for.
mkfifo "$dir/endless"
yes '{"a":1}' > "$dir/endless" 2> /dev/null & later $!
gc-replay < "$dir/endless" > "$dir/out" 2> "$dir/err" &
pid=$!
later $pid
wait_for [ -s "$dir/out" ]
from=$(date +%s)
kill -TERM $pid
wait $pid
is 'TERM, with lines at hand: 0' $? 0
ok 'at once' [ $(($(date +%s) - from)) -lt 4 ]

gc-replay "$dir/none" 2> "$dir/err"
is 'a file that is not there' $? 74
ok 'is named' has "$dir/err" "can't open '$dir/none': No such file"
gc-replay "$dir/two" "$dir/two" 2> "$dir/err"
is 'two files are one too many' $? 64
gc-replay --metrics "$dir/metrics" -x 0 "$dir/two" > /dev/null
ok 'metrics' has "$dir/metrics" '^gc_replay_printed_total 4$'
done_testing
