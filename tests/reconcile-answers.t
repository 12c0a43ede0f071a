#!/bin/sh
# gc-reconcile: which answers are taken as truth, and the lines that come of
# them.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/tap.sh"
cd "$dir" || exit 1
. "$here/helpers/rest.sh"
rules 'u.* * body body'
ask() {
	gap "$@" | gc-reconcile --backoff-base 10ms $options > all 2> err
	status=$?
	tail -n 1 all > out
}
options=

# no_truth WHAT ERROR: the body is gc:unverified, with that reason
no_truth() {
	ask u
	is "$1: no truth" "$status $(jq -r .event out)" "75 gc:unverified"
	ok "and why" has out "\"error\":\"[^\"]*$2"
}

# truth WHAT FILTER WANT
truth() {
	ask u
	is "$1" "$status $(jq -c "$2" out)" "0 $3"
}

t='"timestamp":"2024-06-15T14:32:10Z"'
while IFS='|' read -r what error body; do
	printf '%s' "$body" > body
	no_truth "$what" "$error"
done << E2
queues a string|queues is neither|{"status":"A",$t,"queues":"none"}
queues a number|queues is neither|{"status":"A",$t,"queues":5}
queues false|queues is neither|{"status":"A",$t,"queues":false}
a queue that is none|a queue is no object|{"status":"A",$t,"queues":["q"]}
a queue by key that is none|a queue is no object|{"status":"A",$t,"queues":{"q":"B"}}
a queue without id|queueId is no id|{"status":"A",$t,"queues":[{"status":"B"}]}
a queue with a number|queueId is no id|{"status":"A",$t,"queues":[{"queueId":5,"status":"B"}]}
a queue with an empty id|queueId is no id|{"status":"A",$t,"queues":[{"queueId":"","status":"B"}]}
a queue with an empty key|key is no id|{"status":"A",$t,"queues":{"":{"status":"B"}}}
a queue without status|no status|{"status":"A",$t,"queues":[{"queueId":"q"}]}
its own queueId a number|queueId is no id|{"status":"A",$t,"queueId":7}
its own queueId empty|queueId is no id|{"status":"A",$t,"queueId":""}
status false|no status|{"status":false,"currentStatus":"X",$t}
status a number|no status|{"status":5,$t}
no status|no status|{$t}
previousStatus a number|previousStatus|{"status":"A","previousStatus":5,$t}
a timestamp that is a number|lastUpdatedTimestamp|{"status":"A","timestamp":5}
a timestamp that is false|lastUpdatedTimestamp|{"status":"A","timestamp":false}
a timestamp that is none|lastUpdatedTimestamp|{"status":"A","timestamp":"yesterday"}
NaN|not |{"status":"A","timestamp":NaN}
another user|another user|{"userId":"v","status":"A",$t}
a user that is a number|userId is no string|{"userId":3,"status":"A",$t}
an array|not an object|[1]
null|not an object|null
a page|the answer: |<html>portal</html>
two|the answer: |{"status":"A"}{"status":"B"}
two with a comma|the answer: |1,{"status":"A"}
E2
: > body
no_truth "nothing" "empty"
printf '{"status":"A\377","timestamp":null}' > body
no_truth "invalid UTF-8" "UTF-8"
printf '\357\273\277{"status":"A"}' > body
no_truth "a byte order mark" "byte order mark"
{ printf '{"status":"A","name":"'; head -c 1100000 /dev/zero | tr '\0' n
    printf '"}'; } > body
no_truth "a line over 1 MiB" "1 MiB"
{ printf '{"status":"A","x":"'; head -c 9000000 /dev/zero | tr '\0' n
    printf '"}'; } > body
no_truth "an answer over 8 MiB" "8 MiB"

echo "{\"userId\":\"u\",\"name\":\"Ann\",\"status\":\"A\",$t}" > body
truth "a name is taken, and no queues are null" '[.name,.queues]' '["Ann",null]'
echo "{\"currentStatus\":\"A\",\"queues\":[]}" > body
truth "no queues are none" '[.currentStatus,.queues,.lastUpdatedTimestamp]' \
    '["A",{},null]'
printf '{\n "status": "A",\r\n\t"timestamp": null }\n' > body
truth "white space is none of it" .currentStatus '"A"'

# --- what is not believed is no ground for believing a 404
echo '<html>portal</html>' > body
rules 'u1 * body body' 'u2 * status 404'
{ gap u1 sequence; gap u2; } | gc-reconcile -j 1 --backoff-base 10ms > all 2> err
is "a portal's 200 makes no 404 good" \
    "$(jq -r 'select(.seq and .event != "gc:gap").event' all | tr '\n' ' ')" \
    "gc:unverified gc:unverified "

# --- ids
rules
for id in . ..; do
	ask "$id"
	is "the id $id has no address" "$status $(asked)" "75 "
	ok "and why" has out "no address"
done
ask '%2e%2e'
is "but that is one" "$status $(asked)" "0 %252e%252e "
long=$(head -c 140000 /dev/zero | tr '\0' i)
gap "$long" | gc-reconcile > all 2> err
ok "an id that no line could hold is rejected" has err 'rejected: userId'

# --- reasons
rules
ask u hello-a-very-long-reason
is "an unknown reason is handed on whole" "$(jq -r .reason out)" \
    hello-a-very-long-reason
ask u aaaaaaaaaaaaaaééé
is "in whole characters" "$(jq -r .reason out)" aaaaaaaaaaaaaaééé
ask u "$(head -c 300 /dev/zero | tr '\0' r)"
ok "but not without end" has err 'reason is longer'
for reason in null 5; do
	gap u '"' | sed "s/\"reason\":\"[^,]*/\"reason\":$reason/" |
	    gc-reconcile > all 2> err
	is "reason $reason is rejected" \
	    "$(wc -c < all) $(grep -c 'rejected: reason is' err)" "0 1"
done
rules 'u1 1 slow 300'
{ gap u1 sequence; gap p poll; gap x brand-new; gap s start; } |
    gc-reconcile -j 1 > all 2> err
is "and is the least urgent" "$(asked)" "u1 s p x "

# --- maps
rules 'u.* * body body'
echo "{\"userId\":\"u\",\"status\":\"A\",$t}" > body
options='--map m.jq'
while IFS='|' read -r error map; do
	printf '%s\n' "$map" > m.jq
	no_truth "the map $map" "$error"
done << 'E2'
one object|empty
one object|., .
boom|error("boom")
no object|1
no status|{}
no status|{currentStatus: null, queues: {}}
no status|{userId, name: .status}
queues|{currentStatus: .status, queues: []}
currentStatus|{currentStatus: 5}
lastUpdatedTimestamp|{currentStatus: .status, lastUpdatedTimestamp: "bad"}
another user|{currentStatus: .status, userId: "v"}
jq program|input
one object|halt
E2
echo '{currentStatus: .status, seq: 99, reason: "zz", at: "no", fetchedAt: null, event: "gc:agent", userId}' > m.jq
ask u audit 7
is "a map cannot say what is ours to say" \
    "$(jq -c '[.event,.seq,.reason,.userId,.currentStatus,(.fetchedAt|type),(.at|length)]' out)" \
    '["gc:state",7,"audit","u","A","string",24]'
for key in event at seq reason userId fetchedAt; do
	is "$key stands once" "$(grep -o "\"$key\":" out | wc -l)" 1
done
echo '{queues: {q: {currentStatus: .status}}, partial: true}' > m.jq
truth "a map may speak of queues alone" '.queues.q.currentStatus' '"A"'
printf '{currentStatus: .status, x: ("é" * 3)} # a comment' > m.jq
truth "or more than we know" .x '"ééé"'
for map in 'include "a"; .' 'import "a" as $a; .' 'syntax(' '$nobody'; do
	printf '%s\n' "$map" > m.jq
	ask u
	is "the map $map is 78" $status 78
done
echo 'error("a" + "é" * 300)' > m.jq
ask u
ok "an error is cut between characters" [ "$(iconv -f UTF-8 -t UTF-16 < out | wc -c)" -gt 300 ]
options='--map none.jq'
ask u
is "a map that is not there is 78" $status 78
done_testing
