#!/bin/sh
# The closed loop cannot hang, grow or forget: gc-reduce -r with a COMMAND
# that dies, stands still, is slow, silent, mad, or does not end.
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
# events N: as many agents that nobody doubts
events() {
	awk -v n="$1" 'BEGIN { for (i = 0; i < n; i++)
	    printf "{\"event\":\"routing:agents:status:updated\",\"data\":" \
	    "{\"userId\":\"u%d\",\"status\":\"Busy\",\"timestamp\":" \
	    "\"2024-06-15T14:32:10Z\"}}\n", i }'
}
reopened='{"event":"gc:open","at":"x","socket":0,"resumed":true,"downtimeMs":9}'

# A reconciler.  Its arguments are what is wrong with it:
#	die N	after so many answers
#	late	its first answer to each agent is that it has none
#	old	its first answer to each question is too old
#	mad	besides, it says what nobody asked
#	deaf	it closes its stdin after the first question
cat > oracle <<'E'
use strict;
use warnings;
$| = 1;
my %wrong = (@ARGV, '' => '');
open my $log, '>>', 'asked' or die;
$log->autoflush(1);
open my $pid, '>', 'pid' or die;
print $pid "$$\n";
close $pid;
print $log "start\n";
my ($answers, %seen) = (0);
my @mad = ('', '{', '{"event":"gc:state"}', "\0", '{"event":"gc:unknown"}',
    '{"event":"gc:state","userId":"u0","seq":"x"}', '[]', 'x' x 2000000,
    '{"event":"gc:unverified","userId":"nobody","seq":1}',
    '{"event":"gc:state","userId":"u1","seq":0,"currentStatus":7}',
    '{"event":"gc:agent","userId":"u1","seq":9,"currentStatus":"Wrong"}',
    '{"event":"gc:barrier","id":"b"}', '{"event":"gc:failover","socket":0}');
while (my $line = <STDIN>) {
	print $line;
	next unless $line =~ /"gc:gap"/;
	print $log $line;
	my ($user) = $line =~ /"userId":"([^"]*)"/;
	my ($reason) = $line =~ /"reason":"([^"]*)"/;
	my ($seq) = $line =~ /"seq":(\d+)/;
	my $first = !$seen{$user}++;
	my $old = $wrong{old} && $first;
	if ($wrong{late} && $first) {
		printf '{"event":"gc:unverified","at":"x","userId":"%s",' .
		    '"seq":%d,"reason":"%s","httpStatus":500,"error":"x"}' .
		    "\n", $user, $seq, $reason;
		next;
	}
	print "$mad[$seq % @mad]\n" if $wrong{mad};
	printf '{"event":"gc:state","at":"x","seq":%d,"reason":"%s",' .
	    '"userId":"%s","currentStatus":"Truth","queues":null,' .
	    '"lastUpdatedTimestamp":"%s-06-15T15:00:00Z"}' . "\n",
	    $seq, $reason, $user, $old ? 2023 : 2024;
	exit 1 if $wrong{die} && ++$answers >= $wrong{die};
	close STDIN if $wrong{deaf};
}
E

# start OPTION...: gc-reduce behind a pipe on descriptor 3
start() {
	rm -f in out err asked pid
	mkfifo in
	gc-reduce --audit 0 "$@" < in > out 2> err &
	reduce=$!
	later $reduce
	exec 3> in
}
stop() {
	exec 3>&-
	wait $reduce
}
ended() { ! kill -0 "$1" 2> /dev/null || grep -q '^State:.Z' "/proc/$1/status"; }
stopped() { grep -q '^State:.T' "/proc/$(cat pid)/status"; }

# truth N: so many agents were answered for, and nobody is in doubt
truth() { [ "$(grep '"gc:agent"' out | grep '"Truth"' | grep -c '"verified":true')" -ge "$1" ]; }

# twice: who was asked twice in one life of COMMAND
twice() {
	awk '/^start/ { split("", seen) }
	    match($0, /"userId":"[^"]*"/) { id = substr($0, RSTART, RLENGTH)
	        if (seen[id]++) print id }' asked
}

# --- it dies
start -r 'perl oracle die 40'
{ events 100; echo "$reopened"; } >&3
ok "a COMMAND that is dead again and again: all are answered for" \
    wait_for truth 100
is "nobody was asked twice in one life of it" "$(twice)" ""
stop
is "and the end is good" $? 0

start -r 'perl oracle'
{ events 5; echo "$reopened"; } >&3
wait_for truth 5
kill -9 "$(cat pid)"
ok "one that is killed is seen" wait_for has err 'ended with 137'
echo "$reopened" >&3
ok "and the next answers" wait_for truth 10
stop

start -r 'sleep 20 & exit 3'
events 1 >&3
ok "its death is seen though a child of its holds its output" \
    wait_for has err 'ended with 3: started again'
kill -TERM $reduce
ok "and it is not waited for" wait_for ended $reduce
stop

# --- it stands still
start -r 'perl oracle'
wait_for test -s pid
kill -STOP "$(cat pid)"
wait_for stopped
{ events 5000; echo "$reopened"; } >&3
ok "a COMMAND that is stopped holds nothing up" \
    wait_for lines out '"gc:gap"' 5000
high() { sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$reduce/status"; }
before=$(high)
for i in 1 2 3 4 5 6 7 8 9; do echo "$reopened"; done >&3
wait_for lines out '"gc:gap"' 50000
ok "nor does what is doubted ten times take more room" \
    [ "$(high)" -lt $((before + before / 4 + 2048)) ]
kill -CONT "$(cat pid)"
ok "when it goes on everyone is answered for" wait_for truth 5000
ok "and was asked once, save those in the pipe by then" \
    [ "$(grep -c gc:gap asked)" -lt 7000 ]
stop
is "and the end is good" $? 0

# lines that are longer than what waits for it
long() {
	printf '{"event":"routing:agents:status:updated","data":{"userId":"%s","timestamp":"2024-06-15T14:32:%sZ","status":"Busy","previousStatus":"' "$1" "$2"
	head -c 700000 /dev/zero | tr '\0' x
	printf '"}}\n'
}
start -r 'perl oracle'
wait_for test -s pid
kill -STOP "$(cat pid)"
wait_for stopped
{ events 4; i=0; while [ $i -lt 300 ]; do
	printf '{"event":"gc:other","x":"%02000d"}\n' 0
	i=$((i + 1))
done; for i in 0 1 2 3; do long u$i 11; done; } >&3
wait_for lines out '"reason":"sequence"' 4
kill -CONT "$(cat pid)"
ok "no question is too long to be asked" wait_for truth 4
is "and each is asked whole" \
    "$(grep gc:gap asked | jq -c '[.userId, (.got | length)]' | tr '\n' ' ')" \
    '["u0",700000] ["u1",700000] ["u2",700000] ["u3",700000] '
stop

# --- it is asked anew
start -r 'perl oracle old 1'
{ event ann Busy 10 ""; event ann Meal 12 Break; } >&3
ok "an answer that is too old is asked for anew" \
    wait_for lines asked gc:gap 2
stop
is "with all that the gap said" "$(grep gc:gap asked | tail -n 1 |
    jq -c '[.reason, .queueId, .expected, .got, .status, .timestamp]')" \
    '["sequence",null,"Busy","Break","Meal","2024-06-15T14:32:12Z"]'
is "on stdout too" \
    "$(grep -c '"reason":"sequence".*"expected":"Busy"' out)" 2

start -r 'perl oracle late 1' --poll 100ms
{ event ann Busy 10 "" q1; event ann Meal 11 Busy q1; } >&3
ok "what is not known of an agent is asked until it is" \
    wait_for has out '"currentStatus":"Truth"'
stop

printf '%s\n' 'read -r line; echo "$line" >> asked' \
    '[ "$(wc -l < asked)" -ge 2 ] || exit 1' 'cat > /dev/null' > forgetful
start -r 'sh ./forgetful'
{ event ann Busy 10 ""; event ann Meal 12 Break; } >&3
ok "so is one whose COMMAND has died" wait_for lines asked gc:gap 2
is "likewise" "$(tail -n 1 asked | jq -c '[.expected, .got]')" \
    '["Busy","Break"]'
kill -TERM $reduce
stop

# --- it is mad
start -r 'perl oracle mad 1'
{ events 500; echo "$reopened"; } >&3
ok "a COMMAND that talks nonsense besides is heard all the same" \
    wait_for truth 500
ok "the nonsense is told once" [ "$(grep -c 'line rejected' err)" -eq 1 ]
is "and nothing comes of it" "$(grep -Ec 'Wrong|gc:(barrier|failover|unknown)' out)" 0
stop

start -r 'yes "{\"event\":\"gc:unknown\"}"' --drain 100ms
{ events 500; echo "$reopened"; } >&3
ok "one that never stops writing holds nothing up" \
    wait_for lines out '"gc:gap"' 500
stop
is "and is stopped at the end" $? 75

# --- it does not end
start -r 'sleep 1000'
{ events 3000; echo "$reopened"; } >&3
wait_for lines out '"gc:gap"' 3000
kill -TERM $reduce
ok "TERM is passed on to one that does not read" wait_for ended $reduce
stop
is "which ends by it: 0" $? 0

start -r "trap '' TERM; while :; do sleep 1; done"
{ events 3000; echo "$reopened"; } >&3
wait_for lines out '"gc:gap"' 3000
kill -TERM $reduce
ok "one that will not is killed" wait_for ended $reduce
stop
is "and leaves its questions open" $? 75

# CPU time is limited: waiting for a restart takes none
{ events 3; echo "$reopened"; } > three
( ulimit -t 2; exec gc-reduce -r 'exit 3;' --drain 1ms < three > out 2> err )
is "the last tries are waited for in peace" $? 75

# --- many agents
start -q --audit 50s
events 100000 >&3
echo '{"event":"gc:mark"}' >&3
wait_for has out gc:mark
# turns N: so many waits since `before`
waits() { sed -n 's/^voluntary_ctxt_switches:[^0-9]*//p' "/proc/$reduce/status"; }
turns() { [ $(($(waits) - before)) -ge "$1" ]; }
ticks() { awk '{ print $14 + $15 }' "/proc/$reduce/stat"; }
before=$(waits)
wait_for turns 20
before=$(waits)
cpu=$(ticks)
wait_for turns 100
ok "an audit of many is no work while none is due" \
    [ $(($(ticks) - cpu)) -le 15 ]
stop

# --- it closes a pipe
start -r 'exec >&-; exec sleep 1000'
ok "one that has closed its output is ended" \
    wait_for has err 'does not end: stopped'
ok "and started again" wait_for has err 'started again'
kill -TERM $reduce
stop
start -r 'perl oracle deaf 1' --drain 1ms
{ events 3; echo "$reopened"; } >&3
ok "so is one that has closed its input" wait_for truth 3
stop

# --- one that dies as the input ends leaves the next one all the time there is
cat > late <<'X'
#!/bin/sh
[ -e late.mark ] || { : > late.mark; exit 1; }
read -r line
sleep 5.5
echo "$line" | jq -c '{event: "gc:unverified", at, userId, seq, reason,
    httpStatus: null, error: "late"}'
X
chmod +x late
echo '{"event":"routing:agents:status:updated","data":{"userId":"u","status":"A","timestamp":"2024-06-15T14:32:10Z","queueId":"q"}}' |
    timeout 40 gc-reduce -q -r ./late > out 2> err
is "the one after it is not stopped early" "$? $(grep -c '"late"' out)" "0 1"
done_testing
