#!/bin/sh
# The closed loop, gc-reduce -r gc-reconcile, when the second is killed, or
# stopped, or its host is silent: nothing hangs, nothing that was asked is
# forgotten, nobody is asked without need.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/tap.sh"
cd "$dir" || exit 1
. "$here/helpers/rest.sh"

# met FROM TO: agents first met through a queue's event, which is a question
met() {
	perl -e 'printf qq({"event":"routing:agents:status:updated","data":) .
	    qq({"userId":"u%d","status":"Meal","previousStatus":null,) .
	    qq("timestamp":"2024-06-15T14:32:09Z","queueId":"q"}}\n), $_
	    for $ARGV[0] .. $ARGV[1]' "$1" "$2"
}
# loop OPTION...: of gc-reconcile
loop() {
	rm -f in out err rec.pid
	mkfifo in
	gc-reduce --poll 500ms -r "echo \$\$ > rec.new; mv rec.new rec.pid
	    exec gc-reconcile --rate 1000000 $*" < in > out 2> err &
	pid=$!
	later $pid
	exec 3> in
	wait_for test -s rec.pid
}
finish() { exec 3>&-; wait $pid; }

# certain N: so many agents are verified in their last line
certain() {
	[ "$(jq -rn '[inputs | select(.event == "gc:agent")]
	    | group_by(.userId) | map(.[-1]
	    | select([.verified, .queues[].verified] | all)) | length' out)" \
	    -eq "$1" ]
}
asked_twice() { cut -d ' ' -f 3 log | sort | uniq -d | wc -l; }

# --- killed
rules '.* * slow 40'
loop -j 4
met 1 200 >&3
wait_for lines log . 40
rm -f rec.old
mv rec.pid rec.old
kill -9 "$(cat rec.old)"
ok "killed in the middle, it is started again" wait_for test -s rec.pid
ok "and everyone is certain in the end" wait_for certain 200
finish
is "so the loop ends well" $? 0
ok "only those under way were asked twice: $(asked_twice)" \
    [ "$(asked_twice)" -le 16 ]

# --- stopped
rules
loop
met 1 50 >&3
wait_for certain 50
rec=$(cat rec.pid)
kill -STOP "$rec"
met 51 5000 >&3
ok "stopped, it holds up no line" wait_for lines out '"Meal"' 5000
kill -CONT "$rec"
ok "and when it goes on, everyone is answered" \
    wait_for lines out '"source":"rest","queues":\{\}' 5000
finish
is "well" $? 0
is "nobody was asked twice" "$(asked_twice)" 0

# --- silent, then not
rules '.* * silent'
loop --timeout 100ms --backoff-base 5ms
met 1 40 >&3
ok "a silent host holds up no line" wait_for lines out '"Meal"' 40
ok "whom it says nothing of stays in doubt" wait_for lines out unverified 40
ok "and is in doubt" certain 0
rules
ok "and is asked about until it answers" wait_for certain 40
finish
is "so that all is well" $? 0
done_testing
