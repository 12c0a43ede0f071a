#!/bin/sh
# gc-queue and dir:PATH: what goes in comes out, once, in its order; and what
# an operator meets: two writers, full disks, damage, kills, places.
. "$(dirname "$0")/tap.sh"
cd "$dir" || exit 1

# numbers FROM TO: lines
numbers() { awk -v a="$1" -v b="$2" 'BEGIN { for (; a <= b; a++)
    printf("{\"event\":\"n\",\"data\":{\"userId\":\"u%d\",\"n\":%d}}\n", a % 100, a) }'; }
# place GROUP FIELD QUEUE
place() {
	gc-queue ls "dir:$3" | jq -c --arg g "$1" --arg f "$2" \
	    'select(.event == "gc:place" and .group == $g)[$f]'
}
held() { gc-queue ls "dir:$1" | jq -c 'select(.event == "gc:queue").lines'; }
segments() { find "$1" -name '*.ndjson' | wc -l | tr -d ' '; }

# --- in and out
numbers 1 1000 > in
ok "lines are put" gc-queue put dir:q < in
ok "and got" sh -c 'gc-queue get dir:q > out'
ok "as they were" cmp in out
is "once" "$(gc-queue get dir:q | wc -l | tr -d ' ')" 0
is "another group has them too" "$(gc-queue get -g two dir:q | wc -l | tr -d ' ')" 1000
numbers 1001 1500 | gc-queue put dir:q
is "ls tells lines and depth" "$(held q) $(place default depth q)" "1500 500"
is "a group goes on where it was" "$(gc-queue get dir:q)" "$(numbers 1001 1500)"
is "a folder is private" "$(stat -c %a q)" 700
is "and so are its files" "$(find q -type f ! -perm 600)" ""
ok "a segment is a journal that jq reads" sh -c \
    'jq -es ".[0].kind == \"queue\" and .[-1].event == \"gc:commit\"" q/*.ndjson'
printf '{"a":1}\n\n{"a":2}' | gc-queue put dir:last
is "an empty line is none, a last one without newline is" \
    "$(gc-queue get dir:last | tr '\n' ' ')" '{"a":1} {"a":2} '

# --- what is no line
printf '%s\n' '{"a":1}' nonsense '{"event":"gc:commit","lines":1}' '{"a":2}' \
    '{ "event" : "gc:journal" }' > mixed.in
gc-queue put dir:mixed < mixed.in 2> err
is "what is no line is rejected" "$?" 0
ok "and said" has err 'stdin:2: rejected: not a JSON object'
ok "a journal's own lines, too" has err "stdin:3: rejected: a journal's own line"
is "the rest is there" "$(gc-queue get dir:mixed | tr '\n' ' ')" '{"a":1} {"a":2} '
gc-queue put --strict dir:strict < mixed.in 2> err
is "with --strict it is 65" $? 65
is "what came before is kept" "$(gc-queue get dir:strict)" '{"a":1}'

# --- mistakes
for bad in "put" "put dir:" "put nosuch:q" "put q" "put dir:q?a=1" "frob dir:q" \
    "put --part 1/2 dir:q" "get --part 0/2 dir:q" "get --part 3/2 dir:q" \
    "get -g a/b dir:q" "trim --keep 5 dir:q" "put dir:q cat" "get --sync none dir:q"; do
	# shellcheck disable=SC2086
	gc-queue $bad < /dev/null > /dev/null 2> err
	is "gc-queue $bad: 64" $? 64
done
gc-queue get dir:missing 2> err
is "get of what is not there: 78" $? 78
gc-queue put 'dir:/etc/passwd/q' < in 2> err
is "a place that cannot be made: 73" $? 73

# --- one writer; one reader a group
mkfifo hold
gc-queue put dir:q < hold & holder=$!
later $holder
exec 3> hold
numbers 1501 1501 >&3
wait_for sh -c '[ "$(gc-queue ls dir:q | jq "select(.event == \"gc:queue\").lines")" = 1501 ]'
numbers 1 1 | gc-queue put dir:q 2> err
is "a second writer: 75" $? 75
ok "said" has err "another process writes to 'q'"
: > follow.out
gc-queue get -f dir:q > follow.out 3>&- & follower=$!
later $follower
wait_for lines follow.out . 1
gc-queue get dir:q 2> err
is "a second reader of a group: 75" $? 75
ok "said" has err "another process reads 'dir:q' as group 'default'"

# --- following
numbers 1502 1600 >&3
ok "a follower is woken" wait_for lines follow.out . 100
exec 3>&-
wait $holder
is "the writer ends well" $? 0
numbers 1601 1700 | gc-queue put dir:q
ok "and goes on with the next writer" wait_for lines follow.out . 200
kill -TERM $follower
wait $follower
is "SIGTERM: 0" $? 0
is "and its place is kept" "$(place default depth q)" 0
(gc-queue get -f dir:q & echo $! > pid; wait $!; echo $? > code) | true
wait_for test -s code
is "a reader that goes ends it, though nothing is printed" "$(cat code)" 141

# --- many segments, --keep, trim
numbers 1 20000 | gc-queue put --segment 64K dir:many
ok "a long queue is of many segments" test "$(segments many)" -gt 10
gc-queue get dir:many > out
numbers 1 20000 > want
ok "read as one" cmp out want
gc-queue trim dir:many
is "what is read by all is trimmed" "$(segments many)" 1
numbers 20001 40000 | gc-queue put --segment 64K dir:many
gc-queue trim dir:many
ok "what is not stays" test "$(segments many)" -gt 10
gc-queue trim --keep 128K dir:many
ok "unless only so much is kept" test "$(segments many)" -lt 5
gc-queue get dir:many > out 2> err
ok "that lines are missing is said first" sh -c \
    'head -n 2 out | jq -es "map(.event) == [\"gc:closed\", \"gc:open\"] and
	.[0].by == \"network\" and .[0].reason == \"deleted\" and .[1].resumed and .[1].downtimeMs > 0"'
ok "and on stderr" has err 'lines are missing \(deleted\)'
is "the rest comes whole" "$(tail -n 1 out)" "$(numbers 40000 40000)"
is "it is told once" "$(gc-queue get dir:many | wc -l | tr -d ' ')" 0
numbers 1 20000 | gc-queue put --segment 64K --keep 128K dir:small
ok "put keeps a queue small" test "$(segments small)" -lt 6
numbers 1 20000 | gc-queue put --segment 64K dir:groups
gc-queue get -g a dir:groups > /dev/null
gc-queue get -g b -p 1/2 dir:groups > /dev/null
gc-queue trim dir:groups
ok "a part that never came holds all" test "$(segments groups)" -gt 10
gc-queue trim --forget b dir:groups
is "until its group is forgotten" "$(segments groups)" 1

# --- parts
gc-queue put dir:parts < in
for k in 1 2 3; do gc-queue get -p $k/3 dir:parts > part$k; done
ok "every part has some" test -s part1 -a -s part2 -a -s part3
is "together they are all" "$(cat part1 part2 part3 | sort)" "$(sort in)"
is "an agent is in one of them" "$(for k in 1 2 3; do jq -r .data.userId part$k |
    sort -u; done | sort | uniq -d)" ""
printf '{"event":"gc:alive","socket":0,"rttMs":1}\n' | gc-queue put dir:parts
is "control lines are in all" \
    "$(for k in 1 2 3; do gc-queue get -p $k/3 dir:parts; done | wc -l | tr -d ' ')" 3
is "the part is documented: CRC-32" "$(jq -r .data.userId part2 | head -n 1 |
    perl -ne 'chomp; my $c = ~0; for my $b (unpack "C*") { $c = ($c ^ $b) & 0xffffffff;
	$c = $c & 1 ? ($c >> 1) ^ 0xedb88320 : $c >> 1 for 1 .. 8 }
	print +(~$c & 0xffffffff) % 3 + 1')" 2
numbers 1001 1100 | gc-queue put dir:parts
for k in 1 2; do gc-queue get -p $k/2 dir:parts > half$k; done
is "in another number of parts they go on where the old ones were" \
    "$(cat half1 half2 | grep '"n"' | sort)" "$(numbers 1001 1100 | sort)"
numbers 1101 1200 | gc-queue put dir:parts
is "and back again: nothing that is done comes again" \
    "$(for k in 1 2 3; do gc-queue get -p $k/3 dir:parts; done | sort)" "$(numbers 1101 1200 | sort)"

# --- damage
numbers 1 3000 | gc-queue put --segment 1M dir:dam
numbers 3001 3100 | gc-queue put dir:dam
seg=$(echo dam/*.ndjson)
sed -i '0,/"n":40}/s//"n":41}/' "$seg"
gc-queue get dir:dam > out 2> err
is "a damaged batch: the rest comes" "$(tail -n 100 out)" "$(numbers 3001 3100)"
ok "and it is said in the stream" sh -c \
    'head -n 2 out | jq -es "map(.event) == [\"gc:closed\", \"gc:open\"] and .[0].reason == \"damaged\""'
ok "nothing of the batch is believed" sh -c '! grep -q "\"n\":41}" out'
numbers 1 10 | gc-queue put dir:tail
numbers 11 20 | gc-queue put dir:tail
sed -i '0,/"n":15}/s//"n":16}/' "$(echo tail/*.ndjson)"
numbers 21 30 | gc-queue put dir:tail 2> err
ok "a damaged last batch is not cut off" has err 'the last batch is damaged'
gc-queue get dir:tail > out 2> err
is "it is told where it was" "$(jq -r '.reason // .data.n // .event' out | tr '\n' ' ')" \
    "$(seq -s ' ' 1 10) damaged gc:open $(seq -s ' ' 21 30) "
numbers 1 3000 | gc-queue put --segment 64K dir:first
sed -i '1s/gc:journal/gc:jurnal/' "$(ls first/*.ndjson | head -n 1)"
gc-queue get -g new dir:first > out 2> err
is "a damaged first line: a new group is told, too" "$(jq -r '.reason // .event' out | head -n 2 | tr '\n' ' ')" \
    "damaged gc:open "
is "and has the rest" "$(tail -n 1 out)" "$(numbers 3000 3000)"
is "ls counts from the next" "$(gc-queue ls dir:first | jq -r 'select(.event == "gc:queue") | .first > 0 and .first + .lines == 3000')" true
last=$(ls first/*.ndjson | tail -n 1)
numbers 2001 2003 | gc-queue put dir:first
sed -i '1s/gc:journal/gc:jurnal/' "$last"
numbers 3001 3010 | gc-queue put dir:first 2> err
is "of the last segment: put begins another" $? 0
ok "and says it" has err "or the segment's first line"
is "who was within it is told" "$(gc-queue get -g new dir:first 2> err | jq -r '.reason // .data.n // .event' | tr '\n' ' ')" \
    "damaged gc:open $(seq -s ' ' 3001 3010) "
is "once" "$(gc-queue get -g new dir:first)" ""
gc-queue trim --keep 1K dir:first 2> err
is "trim goes past it" "$? $(segments first)" "0 2"
sed -i '1s/"version":1/"version":2/' "$(ls first/*.ndjson | tail -n 1)"
numbers 1 1 | gc-queue put dir:first 2> err
is "a newer version's queue is not written: 65" $? 65
numbers 1 10 | gc-queue put dir:torn
printf '{"event":"n"}\n{"ev' >> "$(echo torn/*.ndjson)"
is "a torn tail is not read" "$(gc-queue get dir:torn)" "$(numbers 1 10)"
numbers 11 20 | gc-queue put dir:torn 2> err
ok "the next writer cuts it off" has err 'a torn tail of 18 bytes was cut off'
is "and no one is doubted" "$(gc-queue get dir:torn)" "$(numbers 11 20)"
echo nonsense > torn/default.place
gc-queue get dir:torn > out 2> err
is "a damaged place: 65" $? 65
ok "with what to do" has err "remove it to begin anew"
numbers 21 30 | gc-queue put dir:torn 2> err
is "it does not stop who puts" $? 0
ok "who says it" has err "torn/default.place' is damaged.*trim --forget default does so"
is "nor another group" "$(gc-queue get -g two dir:torn 2> err)" "$(numbers 1 30)"
: > torn/three.1-of-2.place
gc-queue ls dir:torn > out 2> err
is "nor ls" "$(jq -r '.group // .lines' out | tr '\n' ' ')" "30 two "
gc-queue get -g three -p 2/2 dir:torn > out 2> err
is "its other part waits for nothing: it has its own place" $? 0
numbers 1 20000 | gc-queue put --segment 64K dir:torn 2> err
gc-queue get -g two dir:torn > out 2> err
gc-queue trim dir:torn 2> err
ok "what it has read is not known: all is kept" test "$(segments torn)" -gt 10
gc-queue trim --forget three dir:torn 2> err
gc-queue trim --forget default dir:torn 2> err
is "a group that is forgotten holds nothing" "$(segments torn)" 1
is "and its place is gone" "$(echo torn/*.place)" torn/two.place

# --- a reader that was further than the queue is (a power cut)
numbers 1 100 | gc-queue put dir:cut
gc-queue get dir:cut > out
head -c 3000 "$(echo cut/*.ndjson)" > short
cat short > "$(echo cut/*.ndjson)"
numbers 201 210 | gc-queue put dir:cut 2> err
gc-queue get dir:cut > out 2> err
is "what is put after it is read" "$(grep '"n"' out)" "$(numbers 201 210)"

# --- a new gc-subscribe puts into a queue that is not new
echo '{"event":"gc:open","at":"2024-06-15T14:32:10.000Z","socket":0,"resumed":false,"downtimeMs":null}' > open
cat open in | gc-queue put dir:again
is "the first time nothing was missed" "$(gc-queue get dir:again | head -n 2)" \
    "$(cat open; head -n 1 in)"
cat open in | gc-queue put dir:again
gc-queue get dir:again > out
ok "the next time it is said" sh -c \
    'head -n 3 out | jq -es "map([.event, .resumed]) == [[\"gc:closed\", null], [\"gc:open\", true], [\"gc:open\", false]]
	and .[0].reason == \"restart\""'

# --- COMMAND
gc-queue put dir:cmd < in
gc-queue get --batch 10 dir:cmd -- 'cat' > out 2> err
is "COMMAND's exit is ours" $? 0
ok "it gets every line, and barriers go no further" cmp in out
is "all is acknowledged" "$(place default depth cmd)" 0
gc-queue get -g e dir:cmd -- 'cat; exit 9' > /dev/null 2>&1
is "its exit code is ours" $? 9
gc-queue get -g f dir:cmd -- 'exit 77;' 2> err
is "77 ends us at once" $? 77
gc-queue get -g f dir:cmd -- no-such-program 2> err
is "what cannot be run: 78" $? 78
gc-queue get -g h dir:cmd -- 'grep -v barrier' > out 2> err
is "barriers that are swallowed: 75" $? 75
ok "said" has err 'did not hand on all barriers'
is "and nothing is acknowledged" "$(place h depth cmd)" ""
numbers 1 20000 | gc-queue put dir:wide
timeout 60 gc-queue get dir:wide -- 'grep -v barrier > /dev/null' 2> err
is "also of a long queue" $? 75
: > err
gc-queue get -f -g i --patience 100ms dir:cmd -- 'grep -v barrier' > out 2> err & getter=$!
later $getter
ok "a barrier that is late is said, with the likely cause" \
    wait_for has err 'not back from COMMAND.*swallow'
begun=$(date +%s)
kill -TERM $getter
wait $getter
is "SIGTERM ends it" $? 0
ok "in time" test $(($(date +%s) - begun)) -le 5
# shellcheck disable=SC2016
is "GC_PARTITION is told" "$(gc-queue get -p 2/3 -g k dir:cmd -- 'cat > /dev/null; echo "{\"p\":\"$GC_PARTITION\"}"' 2> /dev/null | head -n 1)" '{"p":"2"}'
printf '{"event":"gc:barrier","id":"theirs"}\n' | gc-queue put dir:cmd
is "another's barrier is a line" "$(gc-queue get dir:cmd -- cat)" \
    '{"event":"gc:barrier","id":"theirs"}'
: > err
rm -f tries
gc-queue put dir:cmd < in
gc-queue get -f --batch 100 dir:cmd -- 'if [ -e tries ]; then cat; else touch tries; head -n 150; fi' > out 2> err & getter=$!
later $getter
ok "a COMMAND that dies is started again" wait_for has err 'started again'
ok "and gets again what was not acknowledged" wait_for lines out '"n":1000' 1
kill -TERM $getter
wait $getter
ok "of what was, nothing" sh -c \
    'test "$(grep -c "\"n\":100}" out)" = 1 && test "$(grep -c "\"n\":149}" out)" = 2'
is "no line is missing" "$(sort -u out)" "$(sort in)"

# --- a COMMAND that dies within a line
numbers 1 10 > ten
gc-queue put dir:half < ten
rm -f died
gc-queue get dir:half -- 'if [ -e died ]; then cat; else touch died; printf "{\"half\":"; exit 1; fi' > out 2> err
is "it is started again" $? 0
is "half a line is none" "$(cat out)" "$(cat ten)"
ok "it is said" has err 'ended within a line: 8 bytes of it are dropped'
gc-queue put dir:half < ten
is "of one that ends well, it is" "$(gc-queue get dir:half -- 'cat; printf "{\"last\":1}"' | tail -n 1)" \
    '{"last":1}'

# --- the status
: > err
: > status.out
gc-queue get -f -g status dir:q > status.out 2> err & getter=$!
later $getter
wait_for test -s status.out
kill -USR1 $getter
ok "SIGUSR1 prints the status" wait_for has err '"tool":"gc-queue","does":"get"'
kill -TERM $getter
wait $getter
gc-queue put --metrics m dir:q < in
ok "and --metrics the figures" has m '^gc_queue_lines_total 1000$'
done_testing
