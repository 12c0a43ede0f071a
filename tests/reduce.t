#!/bin/sh
# gc-reduce as a process: the closed loop, the state file, signals.
. "$(dirname "$0")/tap.sh"
cd "$dir" || exit 1

# event USER STATUS SECOND PREVIOUS [QUEUE]
event() {
	q=null
	[ $# -lt 5 ] || q="\"$5\""
	p=null
	[ -z "$4" ] || p="\"$4\""
	printf '{"event":"routing:agents:status:updated","data":{"userId":"%s","status":"%s","previousStatus":%s,"timestamp":"2024-06-15T14:32:%sZ","queueId":%s}}\n' \
	    "$1" "$2" "$p" "$3" "$q"
}
reopened='{"event":"gc:open","at":"x","socket":0,"resumed":true,"downtimeMs":9}'

# A reconciler that answers each question with the same truth.
cat > oracle <<'E'
#!/bin/sh
while read -r line; do
	printf '%s\n' "$line"
	case $line in
	*gc:gap*)
		printf '%s\n' "$line" | jq -c --unbuffered '{event: "gc:state",
		    at: "x", seq, reason, userId, currentStatus: "Truth",
		    previousStatus: null, wrapUpCode: null, queueId: null,
		    lastUpdatedTimestamp: "2024-06-15T15:00:00Z", queues: {},
		    fetchedAt: "2024-06-15T15:00:00Z"}' ;;
	esac
done
E
chmod +x oracle

# --- the closed loop
{ event ann Busy 10 ""; event ann Meal 12 Break; } |
    gc-reduce -r ./oracle > out 2> err
is "the loop ends well" $? 0
is "the answer is the last word" \
    "$(tail -n 1 out | jq -c '[.currentStatus,.verified,.source]')" \
    '["Truth",true,"rest"]'
ok "echoes are not printed" [ "$(wc -l < out)" -eq 4 ]

mkfifo in
rm -f out err
gc-reduce -r ./oracle < in > out 2> err &
pid=$!
later $pid
exec 3> in
event ann Busy 10 "" >&3
ok "a line comes out at once" wait_for has out Busy
echo "$reopened" >&3
ok "a doubt is answered while the stream is open" wait_for has out Truth
exec 3>&-
wait $pid
is "and it ends with its input" $? 0

# --- what COMMAND gets
{ echo "$reopened"; event ann Busy 10 Meal q1; echo '{"event":"gc:new"}'; } |
    gc-reduce -r 'tee -a asked' > out 2> err
is "COMMAND gets questions and control lines" \
    "$(jq -r .event asked | sort | uniq | tr '\n' ' ')" "gc:gap gc:new gc:open "

# --- COMMAND dies
cat > mortal <<'E'
#!/bin/sh
echo start >> starts
[ "$(wc -l < starts)" -ge 3 ] || { read -r line; exit 1; }
exec ./oracle
E
chmod +x mortal
{ event ann Busy 10 ""; event ann Meal 12 Break; } |
    gc-reduce -r ./mortal > out 2> err
is "a COMMAND that dies is started again" "$?" 0
ok "and asked again what was open" has out Truth

printf '%s\n' 'read -r line; exit 3' > dead
{ event ann Busy 10 ""; event ann Meal 12 Break; } |
    gc-reduce -r 'sh ./dead' > out 2> err
is "after the end of input three times, then 75" $? 75
for code in 64 77 78; do
	event ann Busy 10 "" | gc-reduce -r "exit $code;" > out 2> err
	is "its $code is ours" $? $code
done
event ann Busy 10 "" | gc-reduce -r ./no-such-command > out 2> err
is "a COMMAND that is not there is a configuration error" $? 78
event ann Busy 10 "" | gc-reduce -r 'cat > /dev/null; exit 75' > out 2> err
is "its exit code is ours at the end" $? 75

# --- it never reads
( i=0; while [ $i -lt 2000 ]; do
	event "u$i" Busy 10 "" q
	i=$((i + 1))
done ) > many
timeout 60 gc-reduce -r 'sleep 1000' --drain 100ms < many > out 2> err
is "a COMMAND that never reads holds nothing up" "$(grep -c gc:agent out)" 2000

# --- the state file
event ann Busy 10 "" | gc-reduce -s roster > out
event ann Meal 12 Busy | gc-reduce -s roster > out
is "the roster outlives the process" \
    "$(jq -r 'select(.event=="gc:agent") | .seq, .previousStatus' out | tr '\n' ' ')" "2 Busy "
is "its file is private" "$(stat -c %a roster)" 600
: | gc-reduce -s roster --snapshot > out
is "a snapshot of it needs no input" "$(jq -r .currentStatus out)" Meal
echo '{"event":"gc:open","at":"x","resumed":false}' |
    gc-reduce -s roster > out 2> err
ok "after a restart the first gc:open doubts everyone" \
    has out '"reason":"start"'

# --- many queues, and names that JSON escapes
i=0
while [ $i -lt 80 ]; do
	printf '{"event":"routing:agents:status:updated","data":{"userId":"u","status":"In \\"focus\\" mode","previousStatus":"Team\\\\A \\"x\\"","wrapUpCode":"w \\"1\\"","timestamp":"2024-06-15T14:32:10Z","queueId":"Sales \\"EU\\" %03d"}}\n' $i
	i=$((i + 1))
done | gc-reduce -s escaped > out 2> err
gc-reduce -s escaped --snapshot < /dev/null > out2 2> err
is "no queue is lost on the way through the journal" \
    "$(jq '.queues | length' out2)" 80
is "nor anything that was said of one" "$(jq -c '[.queues[] | del(.verified)]' out2)" \
    "$(tail -n 1 out | jq -c '[.queues[] | del(.verified)]')"
# frame TOPIC BODY
frame() {
	printf '{"topicName":"v2.users.ann.%s","eventBody":%s}\n' "$1" "$2"
}
doubted='{"event":"gc:open","at":"x","socket":0,"resumed":true,"downtimeMs":9}'
named='{"event":"gc:state","at":"x","userId":"ann","seq":2,"name":"Ann","presence":{"currentStatus":"Away","label":"Dentist","lastUpdatedTimestamp":"2024-06-15T14:32:11Z"}}'
{ frame activity '{"routingStatus":{"status":"IDLE","startTime":"2024-06-15T14:32:10Z"},"activeQueueIds":["q2","q1"]}'
    echo "$doubted"; echo "$named"; } | gc-reduce -s parts > told 2> err
{ frame presence '{"presenceDefinition":{"systemPresence":"AWAY"}}'
    frame routingStatus '{"routingStatus":{"status":"IDLE","startTime":"2024-06-15T14:32:10Z"}}'
} | gc-reduce -s parts > told 2> err
gc-reduce -s parts --snapshot < /dev/null > kept 2> err
is "nothing that the platform told is lost on the way through the journal" \
    "$(jq -c '[.name, .currentStatus, .verified, .presence,
        .activeQueues, .effective]' kept)" \
    '["Ann","IDLE",true,{"currentStatus":"AWAY","label":"Dentist","lastUpdatedTimestamp":"2024-06-15T14:32:11Z","verified":true,"source":"event"},{"ids":["q1","q2"],"lastUpdatedTimestamp":null,"verified":false,"source":"event"},{"global":"AWAY","queues":{"q1":"AWAY","q2":"AWAY"}}]'
is "and what was printed last is what is kept" \
    "$(jq -c 'del(.at)' kept)" "$(tail -n 1 told | jq -c 'del(.at)')"

sed 's/gc:agent/gc:state/; s/"seq":/&1/; s/EU/\\u0045\\u0055/g' out2 > state
cat out2 state | gc-reduce --snapshot > out 2> err
is "however the ids are spelt in an answer" \
    "$(jq '.queues | length' out)" 80
awk 'function line(event, seq, id, n) {
	printf "{\"event\":\"gc:%s\",\"seq\":%d,\"userId\":\"u\"," \
	    "\"currentStatus\":\"A\",\"queues\":{", event, seq
	for (i = 0; i < n; i++)
		printf "%s\"%s%d\":{\"currentStatus\":\"A\"}", \
		    (i > 0 ? "," : ""), id, i * 7919 % n
	print "}}"
}
BEGIN { line("agent", 1, "q", 2000); line("state", 2, "p", 2000)
    line("state", 3, "q", 30000) }' > many-queues
ok "thousands of queues in a line are no work" \
    sh -c 'timeout 20 gc-reduce --snapshot < many-queues > out 2> err'
is "and none of them is lost" "$(jq '.queues | length' out)" 2000
ok "more than a record can tell are rejected" \
    has err 'stdin:3: rejected: .* would be longer than 1 MiB'

# --- no line of ours is longer than 1 MiB
xs() { head -c "$1" /dev/zero | tr '\0' x; }
# long USER SECOND N M: a status of N and a previousStatus of M characters
long() {
	printf '{"event":"routing:agents:status:updated","data":{"userId":"%s","timestamp":"2024-06-15T14:32:%sZ","status":"a\\"b' "$1" "$2"
	xs $3
	printf '","previousStatus":"'
	xs $4
	printf '"}}\n'
}
{ long ann 10 600000 0; long bob 10 510000 0; long bob 11 1 540000
    event bob Busy 12 x; } > in2
gc-reduce -s long < in2 > out 2> err
is "a record that would be longer is rejected" \
    "$(grep -c 'stdin:1: rejected: .* longer than 1 MiB' err)" 1
is "and so is a gap that would be" "$(jq -c '[.event, .userId, .seq]' out | tr '\n' ' ')" \
    '["gc:agent","bob",1] ["gc:gap","bob",2] ["gc:agent","bob",2] '
ok "both are counted, not as events" has err 'events=2 .* rejected=2'
is "no line is longer" "$(awk 'length($0) > 1048576' out long | wc -l)" 0
gc-reduce -s long --snapshot < /dev/null > out2 2> err
is "and the journal is read again" "$(jq -r .currentStatus out2)" Busy

rm in; mkfifo in
rm -f out err
gc-reduce -s roster < in > out 2> err &
pid=$!
later $pid
exec 3> in
event bob Busy 10 "" >&3
wait_for has out bob
gc-reduce -s roster < /dev/null > out2 2> err2
is "a second process is refused with 75" $? 75
echo '{"event":"gc:barrier","id":"b1"}' >&3
wait_for has out gc:barrier
ok "a barrier is handed on when its lines are durable" has roster bob
kill -USR1 $pid
ok "USR1 says the counts" wait_for has err 'events=1 applied=1'
grep "^{" err > status
ok "and one line of JSON" jq -e .agents status
kill -TERM $pid
wait $pid
is "TERM ends it with 0" $? 0
exec 3>&-

printf '{"event":"gc:journal","version":1,"kind":"roster"}\nx\n{"event":"gc:commit","at":"x","lines":1,"crc32":"00000000"}\n{"event":"gc:commit","at":"x","lines":0,"crc32":"00000000"}\n' > broken
cp broken before
gc-reduce -s broken < /dev/null > out 2> err
is "a damaged roster is refused with 65" $? 65
ok "the place is named" has err 'line 3'
ok "and the file is as it was" cmp broken before

# --- seq outlives a rewriting in which nobody is left
awk 'BEGIN {
	for (i = 0; i < 600; i++)
		all = all (i ? "," : "") "\"u" i "\""
	m = "{\"event\":\"gc:members\",\"at\":\"x\",\"socket\":0,"
	printf("%s\"joined\":[%s],\"left\":[]}\n", m, all)
	print "{\"event\":\"gc:barrier\",\"id\":\"b\"}"
	printf("%s\"joined\":[],\"left\":[%s]}\n", m, all) }' > members
gc-reduce -s empty < members > out
is "a roster of nobody is written anew" "$(grep -c gc:agent empty)" 1
event ann Busy 10 "" | gc-reduce -s empty > out
is "and its seq goes on" "$(jq .seq out)" 1201
event bob Busy 10 "" | gc-reduce -s empty > out
is "and on" "$(jq .seq out)" 1202
jq -c 'select(.event=="gc:agent")|.gone=true|.seq=5000' out |
    gc-reduce -s empty > out2
event cid Busy 10 "" | gc-reduce -s empty > out
is "from whatever was seen" "$(jq .seq out)" 5001

# --- however it ends, what it knows is durable and its figures are written
durable() {
	is "$1: the roster is durable" \
	    "$(gc-reduce -s ended --snapshot < /dev/null | jq -r .userId)" ann
	is "$1: and the figures are written" \
	    "$(sed -n 's/^gc_reduce_events_total //p' figures)" 1
	rm -f ended figures
}
{ event ann Busy 10 ""; echo x; } |
    gc-reduce -s ended --metrics figures --strict > out 2> err
is "a rejected line with --strict is 65" $? 65
durable "after --strict"
event ann Busy 10 "" | gc-reduce -s ended --metrics figures > /dev/full 2> err
durable "after a full disk"
rm -f in code; mkfifo in
( gc-reduce -s ended --metrics figures < in 2> err; echo $? > code ) |
    head -n 1 > out &
reader=$!
exec 3> in
event ann Busy 10 "" >&3
ok "it ends when its reader goes" wait_for test -s code
is "by SIGPIPE" "$(cat code)" 141
exec 3>&-
wait $reader
durable "after SIGPIPE"
event ann Busy 10 "" |
    gc-reduce -s ended --metrics figures -r 'read -r x; exit 77' > out 2> err
is "COMMAND's 77 is ours" $? 77
durable "after 77"

# --- as JSON, everything on stderr is
{ event ann Busy 10 ""; echo x; event ann Meal 12 Break; } |
    gc-reduce --log=json -v > out 2> err
is "--log=json: every line is an object" "$(jq -c type err | sort -u)" '"object"'
is "the counts are in the last" \
    "$(tail -n 1 err | jq -c '[.tool, .events, .rejected, .doubted]')" \
    '["gc-reduce",2,1,1]'

# --- a full disk
event ann Busy 10 "" | gc-reduce > /dev/full 2> err
is "a full disk under stdout is 74" $? 74

# --- the poll of a failover
rm in; mkfifo in
rm -f out err
gc-reduce --poll 50ms < in > out 2> err &
pid=$!
later $pid
exec 3> in
{ event ann Busy 10 ""; echo '{"event":"gc:failover","at":"x","socket":0}'; } >&3
ok "a failover polls everyone again and again" \
    wait_for lines out '"reason":"poll"' 3
echo '{"event":"gc:open","at":"x","socket":0,"resumed":true,"downtimeMs":0}' >&3
wait_for has out gc:open
polls=$(grep -c '"poll"' out)
event bob Busy 10 "" >&3
wait_for has out bob
is "until the socket is open" "$(grep -c '"poll"' out)" "$polls"
exec 3>&-
wait $pid

# --- the audit
rm in; mkfifo in
rm -f out err
gc-reduce --audit 100ms < in > out 2> err &
pid=$!
later $pid
exec 3> in
{ event ann Busy 10 ""; event bob Busy 10 ""; } >&3
ok "an audit asks about whoever is quiet" \
    wait_for lines out '"userId":"bob","reason":"audit"' 2
exec 3>&-
wait $pid
done_testing
