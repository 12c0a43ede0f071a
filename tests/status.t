#!/bin/sh
# The line on the terminal: where it is, where it is not, and that it is in
# nobody's way.
. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/screen.sh"

# --- gc-reduce
screen reduce 'gc-reduce -v < reduce > reduce.out'
exec 3> reduce
ok 'it is there at once' wait_for shows \
    '^gc-reduce: 0.0 events/s  0 agents *$'
echo '{"event":"gc:open","socket":0,"sockets":2}' >&3
echo '{"event":"gc:open","socket":1,"sockets":2}' >&3
event ann Busy 10 >&3
event bob Busy 10 q1 >&3
ok 'connection, agents, doubt' wait_for shows \
    '^gc-reduce: open [0-9]+s  [0-9.]+ events/s  2 agents  1 in doubt *$'
is 'on one row' "$(rows events/s)" 1
echo '{"event":"gc:closed","socket":1,"reason":"\u001b[31mx"}' >&3
ok 'one of two is closed' wait_for shows ': 1 of 2 open '
echo '{"event":"gc:closed","socket":0,"reason":"x"}' >&3
ok 'both are' wait_for shows ': closed [0-9]+s '
echo nonsense >&3
ok 'a message is whole' wait_for shows \
    '^gc-reduce: stdin:[0-9]+: rejected: not a JSON object *$'
ok 'and the line comes back' wait_for shows 'closed .* events/s'
is 'still one' "$(rows events/s)" 1
echo 'of another process' > "$(tmux list-panes -t reduce -F '#{pane_tty}')"
event cid Busy 10 >&3
ok 'it goes on' wait_for shows '3 agents'
ok 'what others say is whole' shows '^of another process *$'
is 'still one' "$(rows events/s)" 1
tmux resize-window -t reduce -x 30 -y 8
ok 'cut to the width' wait_for shows '^gc-reduce: closed [0-9]+s  [0-9.]+ ?e?v?$'
tmux resize-window -t reduce -x 1 -y 1
event dan Busy 10 >&3
ok 'a screen of one character is no harm' wait_for grep -q dan reduce.out
tmux resize-window -t reduce -x 200 -y 60
ok 'and back' wait_for shows '4 agents'
is 'still one' "$(rows events/s)" 1
tmux send-keys -t reduce C-s
i=0
while [ $i -lt 3 ]; do		# as long as it takes to draw thrice
	i=$((i + 1))
	event "eve$i" Busy 10 >&3
	ok 'a stopped terminal stops nothing' wait_for grep -q "eve$i" \
	    reduce.out
	sleep 1.1
done
tmux send-keys -t reduce C-q
ok 'and goes on' wait_for shows '7 agents'
kill -USR1 "$(pid_of gc-reduce)"
ok 'a status line is whole' wait_for shows '^\{"tool":"gc-reduce",'
kill -TERM "$(pid_of gc-reduce)"
ok 'it ends' wait_for test -s reduce.code
is 'with 0' "$(cat reduce.code)" 'code 0'
ok 'the counts stay' shows '^gc-reduce: events=7 '
ok 'the line does not' wait_for hides events/s
ok 'the shell is back' wait_for shows '^the shell again'
exec 3>&-

# --- time to go: each question is answered after a while
cat > slow <<'X'
jq -c --unbuffered 'select(.event == "gc:gap") | {event: "gc:state", at,
    userId, seq, reason, currentStatus: "Busy", previousStatus: null,
    wrapUpCode: null, queueId: null, queues: {},
    lastUpdatedTimestamp: "2024-06-15T14:33:00Z",
    fetchedAt: .at}' | while read -r line; do sleep 0.2; echo "$line"; done
X
screen loop 'gc-reduce -r "sh ./slow" < loop > loop.out'
exec 3> loop
i=0
while [ $i -lt 40 ]; do
	i=$((i + 1))
	event "u$i" Busy 10 q1
done >&3
ok 'time to go' wait_for shows 'in doubt, [0-9m]+s? to go'
ok 'and then none is left' wait_for shows '  40 agents *$'
exec 3>&-

# --- where it is not
quiet() {	# NAME COMMAND: its agent arrives, and no line is drawn
	screen "$1" "$2"
	event ann Busy 10 > "$1"
	ok "$1: it works" wait_for grep -q ann "$1.out"
	sleep 1.5		# a line would be there by now
	ok "$1: no line" hides events/s
}
quiet q 'gc-reduce -q < q > q.out'
quiet json 'gc-reduce --log=json < json > json.out'
quiet colour 'NO_COLOR=1 gc-reduce < colour > colour.out'
quiet pipe 'gc-reduce < pipe | tee pipe.out > /dev/null'
quiet background 'gc-reduce < background > background.out & wait'
quiet elsewhere 'gc-reduce < elsewhere > elsewhere.out 2> elsewhere.err'
is 'elsewhere: nothing is said' "$(cat elsewhere.err)" ''
term=dumb
quiet dumb 'gc-reduce < dumb > dumb.out'
term=
screen itself 'gc-reduce --line < itself'
event ann Busy 10 > itself
ok 'itself: it works' wait_for shows '"userId":"ann"'
sleep 1.5
ok 'itself: no line' hides events/s
screen asked 'gc-reduce --line < asked | tee asked.out > /dev/null'
ok 'a pipe, where it is asked for' wait_for shows '^gc-reduce: .*events/s'

# --- gc-subscribe, alone and before gc-reduce
for protocol in events channels; do
	screen $protocol "gc-sim --protocol $protocol --agents 5 -- \
	    gc-subscribe > $protocol.out 2> $protocol.sim"
	ok "$protocol: no terminal" wait_for grep -q gc:open $protocol.out
	ok "$protocol: no line" hides events/s
	screen $protocol-on "gc-sim --protocol $protocol --agents 5 -- sh -c \
	    'gc-subscribe 2> /dev/tty > $protocol-on.out' 2> /dev/null"
	ok "$protocol: open, and its rate" wait_for shows \
	    '^gc-subscribe: open [0-9m]+s?  [1-9][0-9.]* events/s *$'
	tmux send-keys -t "$pane" C-c
	ok "$protocol: it ends" wait_for test -s $protocol-on.code
	ok "$protocol: the line is gone" wait_for hides events/s
done
screen again 'gc-sim --fault refuse=503:9:20 -- sh -c \
    "gc-subscribe 2> /dev/tty > again.out" 2> /dev/null'
ok 'when it is tried again' wait_for shows \
    '^gc-subscribe: backoff, again in [0-9]+s  0.0 events/s'

# --- gc-reconcile
asks() {	# how many agents?
	i=0
	while [ $i -lt "$1" ]; do
		i=$((i + 1))
		printf '{"event":"gc:gap","userId":"u%d","reason":"poll"%s}\n' \
		    $i ",\"seq\":$i"
	done
}
asks 400 > asks
screen answers 'gc-sim -- sh -c "exec 2> /dev/tty
    gc-reconcile < asks > answers.out" > /dev/null 2>&1'
ok 'gc-reconcile: how many, and time to go' wait_for shows \
    '^gc-reconcile: asking [0-9]+s  [0-9.]+ answers/s  [0-9]+ in doubt, [0-9m]+s? to go'
tmux send-keys -t answers C-c
ok 'gc-reconcile: it ends' wait_for test -s answers.code
ok 'gc-reconcile: the line is gone' wait_for hides answers/s
screen wait 'gc-sim --fault rest-429=1:30 -- sh -c "exec 2> /dev/tty
    gc-reconcile --line < asks | tee wait.out > /dev/null" > /dev/null 2>&1'
ok 'gc-reconcile: when it is told to wait' wait_for shows \
    '^gc-reconcile: told to wait, again in [0-9]+s  0.0 answers/s  400 in doubt'

# --- two at a time
shell=sh
screen script 'mkfifo first second; exec 7<> first 8<> second
    gc-reduce < first > first.out & echo $! > first.pid
    gc-reduce < second > second.out & echo $! > second.pid; wait'
shell=
ok 'script: both run' wait_for test -s second.pid
event ann Busy 10 > first
{ event ann Busy 10; event bob Busy 10; } > second
ok 'script: both work' wait_for sh -c 'grep -q ann first.out &&
    grep -q bob second.out'
ok 'script: one draws' wait_for shows '[12] agents'
sleep 1.5
is 'script: the other does not' "$(rows events/s)" 1
this=first that=second agents=2
if shows ' 2 agents'; then
	this=second that=first agents=1
fi
kill -TERM "$(cat $this.pid)"
ok "script: now it is the other's turn" wait_for shows " $agents agents"
kill -TERM "$(cat $that.pid)"
ok 'script: the end' wait_for test -s script.code
screen both 'gc-sim --agents 5 -- sh -c "exec 2> /dev/tty
    gc-subscribe | gc-dedup | gc-reduce -r gc-reconcile > both.out"'
ok 'both: the last of the pipeline' wait_for shows \
    '^gc-reduce: open [0-9m]+s?  [1-9][0-9.]* events/s  5 agents'
is 'both: one line' "$(rows events/s)" 1
tmux send-keys -t both C-c
ok 'both: the end' wait_for test -s both.code
done_testing
