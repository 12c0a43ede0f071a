#!/bin/sh
# gc-top: the plain table, and the screen in tmux.
. "$(dirname "$0")/tap.sh"
cd "$dir" || exit 1
LC_ALL=C.UTF-8
export LC_ALL

# agents N FROM: gc:agent lines of N agents in five queues
agents() {
	jq -nc --argjson n "$1" --argjson from "${2:-0}" '
	    ["Available", "Busy", "Meal", "NOT_RESPONDING", "OFFLINE"] as $s |
	    range($n) | . + $from | "q\(. % 5)" as $q | $s[. % 5] as $status |
	    {event: "gc:agent", at: "2024-06-15T14:32:10.000Z", seq: 1,
	    userId: "user-\(.)", name: "Agent \(1000000 + . | tostring[1:])",
	    currentStatus: $status, previousStatus: null, wrapUpCode: null,
	    queueId: null, lastUpdatedTimestamp: "2024-06-15T14:32:10.000Z",
	    verified: (. % 7 != 3), source: "event", queues: {}, effective:
	    {global: $status, queues: {($q): $status}},
	    queueNames: {($q): "Queue \($q)"}}'
}

# --- no terminal
agents 10 > ten
gc-top < ten > out
is 'a head and a line an agent' "$(wc -l < out)" 11
is 'the ready first' "$(sed -n 2p out | cut -c 1-25)" \
    'Agent 000000  Available  '
gc-top --sort=name --reverse --queue 'queue Q3' < ten > out
is 'one queue, the other way round' "$(cut -c 1-12 out)" 'AGENT       
Agent 000008
Agent 000003'
is 'a queue that there is not has nobody' \
    "$(gc-top --queue nosuch < ten | wc -l)" 1
gc-top --doubted --filter notresp < ten > out
is 'nobody in doubt has that' "$(wc -l < out)" 1
gc-top --doubted --filter not_resp < ten > out
is 'but this' "$(sed 1d out | cut -c 1-12)" 'Agent 000003'
gc-top < /dev/null > out
is 'nobody at all' "$(cat out)" 'AGENT  STATUS  FOR     DOUBT  QUEUES'
sed 's/"Agent 000001"/"Bad\\u001b[2J\\u202e\\u0085Name"/' ten |
    gc-top --filter bad > out
is 'no control character comes out' "$(sed 1d out | cut -c 1-14)" \
    'Bad?[2J??Name '
marks='\\u0301\\u0301\\u0301\\u0301\\u0301\\u0301'
sed "s/\"Agent 000001\"/\"Bad$marks\"/" ten | gc-top --filter bad > out
is 'no more marks than a character has' \
    "$(sed 1d out | grep -o "$(printf '\314\201')" | wc -l)" 4
printf 'x\n' | gc-top --strict 2> err
is 'strict' $? 65

tmux() { command tmux -L "gctop$$" -f /dev/null "$@"; }
if ! command -v tmux > /dev/null ||
    ! tmux new-session -d -s t -x 80 -y 24 'sleep 1000'; then
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - # SKIP no tmux here"
	done_testing
	exit
fi
trap 'tmux kill-server 2> /dev/null; kill $tap_pids 2> /dev/null
    rm -rf "$dir"' EXIT

# screen NAME COLUMNS ROWS COMMAND: a window of that size; lines for it go
# into the fifo NAME
screen() {
	tmux kill-session -t "$1" 2> /dev/null
	rm -f "$1"
	mkfifo "$1"
	tmux new-session -d -s "$1" -x "$2" -y "$3" \
	    "echo the shell; stty -a > before
	    PATH='$PATH' TERM=screen-256color $4 < $1 2> err
	    echo code \$? > $1.code; sleep 1000"
	pane=$1
}
shows() { tmux capture-pane -p -t "$pane" | grep -q -- "$1"; }
hides() { ! shows "$1"; }
key() { tmux send-keys -t "$pane" "$@"; }
# the terminal is as it was, and shows the shell's own screen
whole() {
	stty -a -F "$(tmux list-panes -t "$pane" -F '#{pane_tty}')" > after
	cmp before after && shows '^the shell'
}
pid_of() { tmux list-panes -t "$pane" -F '#{pane_pid}' |
    xargs -I{} pgrep -P {} gc-top; }

# A word of any length, and no haste while it stands still.
screen long 80 24 'gc-top -i 200ms'
exec 3> long
word=$(printf '%09999d' 0)
jq -nc --arg w "$word" '{event: "gc:agent", at: "2024-06-15T14:32:10.000Z",
    seq: 1, userId: "long", name: $w, currentStatus: $w, previousStatus: null,
    wrapUpCode: null, queueId: null, lastUpdatedTimestamp:
    "2024-06-15T14:32:10.000Z", verified: true, source: "event", queues: {},
    effective: {global: $w, queues: {($w): $w}}}' >&3
ok 'a long word is shown' wait_for shows '^00000000.*…'
pid=$(pid_of)
key p
ok 'it pauses' wait_for shows PAUSED
ticks() { awk '{ print $14 + $15 }' "/proc/$pid/stat"; }
was=$(ticks)
sleep 1.5
ok 'and costs nothing then' [ $(($(ticks) - was)) -lt 20 ]
key q
ok 'it ends well' wait_for has long.code 'code 0'
exec 3>&-

screen live 80 24 'gc-top -i 200ms'
exec 3> live
ok 'nobody yet' wait_for shows 'gc-top  0 agents'
echo '{"event":"gc:open","socket":0,"sockets":1}' >&3
agents 20 >&3
ok 'agents come' wait_for shows 'gc-top  20 agents  3 in doubt'
ok 'the connection' wait_for shows ' open for '
ok 'a bar' shows '^● Available  *4'
ok 'an agent' shows 'Agent 000000  *● Available .*Queue q0'
ok 'a doubt' shows 'Agent 000003 .*?'
key '?'
ok 'help' wait_for shows 'pause: what is shown stands still'
key '?'
ok 'and back' wait_for shows AGENT
key Tab
ok 'queues' wait_for shows 'Queue q4 *4'
key Tab
key ']'
ok 'one queue' wait_for shows 'queue Queue q0'
ok 'its agents alone' hides 'Agent 000001'
key 0
ok 'all again' wait_for shows 'Agent 000001'
key /
key 0 0 0 1 9
ok 'a filter is typed' wait_for shows '^/00019_'
key Enter
ok 'and holds' wait_for hides 'Agent 000000'
ok 'for one' shows 'Agent 000019'
key Escape
ok 'until Esc' wait_for shows 'Agent 000000'
key s
ok 'sorted by time' wait_for shows 'by time in status'
key d
ok 'doubts alone' wait_for hides 'Agent 000000'
key d
key p
ok 'paused' wait_for shows PAUSED
agents 30 >&3
key ']'
ok 'what is shown stands still' wait_for shows 'gc-top  20 agents'
key 0
key p ']' 0
ok 'and goes on' wait_for shows 'gc-top  30 agents'
echo '{"event":"gc:closed","socket":0,"reason":"heart\u001b[31mbeat"}' >&3
ok 'closed, and why' wait_for shows 'closed for .*(heart?\[31mbeat)'
tmux resize-window -t live -x 200 -y 60
ok 'a larger window is used' wait_for shows 'Agent 000029'
tmux resize-window -t live -x 30 -y 8
ok 'a small one, too' wait_for shows '^gc-top  30 agents'
tmux resize-window -t live -x 1 -y 1
key ']'
tmux resize-window -t live -x 80 -y 24
ok 'and back' wait_for shows '● Available'
key q
ok 'q ends it' wait_for test -s live.code
is 'with 0' "$(cat live.code)" 'code 0'
ok 'and the terminal is whole' wait_for whole
exec 3>&-

# --- a queue that comes while it is paused
screen later 80 24 "gc-top -i 200ms --queue 'queue q4'"
exec 3> later
agents 2 >&3
ok 'its queue is not there' wait_for shows 'gc-top  2 agents'
ok 'which is told' shows 'no queue queue q4 yet'
ok 'with nobody' shows '^nobody'
key p
ok 'paused' wait_for shows PAUSED
agents 9 >&3
key s
ok 'it is not in what stands still' wait_for shows 'by time in status'
ok 'nor is it looked at' hides 'queue Queue q4'
key p
ok 'but afterwards' wait_for shows 'queue Queue q4'
ok 'with its agents alone' hides 'Agent 000003'
key q
ok 'it ends well' wait_for has later.code 'code 0'
exec 3>&-

# --- rejects: no words onto the screen, but after it
screen strict 80 24 'gc-top -i 200ms --strict'
exec 3> strict
agents 2 >&3
ok 'it runs' wait_for shows 'Agent 000001'
echo nonsense >&3
ok 'strict, a bad line ends it' wait_for has strict.code 'code 65'
ok 'and the terminal is whole' wait_for whole
exec 3>&-
mkfifo words
tmux new-session -d -s words -x 80 -y 24 "PATH='$PATH' \
    TERM=screen-256color gc-top -i 200ms < words; echo code \$?
    sleep 1000"
pane=words
exec 3> words
agents 2 >&3
ok 'it runs' wait_for shows 'Agent 000001'
echo nonsense >&3
agents 3 >&3
ok 'a bad line' wait_for shows 'Agent 000002'
ok 'says nothing there' hides rejected
key q
ok 'but afterwards' wait_for shows '1 rejected: '
ok 'and all is well' wait_for shows 'code 0'
exec 3>&-
tmux new-session -d -s prompt -x 80 -y 24 "PATH='$PATH' \
    TERM=screen-256color gc-top; echo code \$?; sleep 1000"
pane=prompt
ok 'with nothing before it, it says so' wait_for shows 'stdin is a terminal'
ok 'as misuse' wait_for shows 'code 64'

# --- the end of the stream, and other ends
screen ended 80 24 'gc-top -i 200ms'
agents 5 > ended
ok 'the stream has ended' wait_for shows 'the stream has ended'
ok 'what was known last is there' shows 'Agent 000004'
kill -TERM "$(pid_of)"
ok 'TERM ends it' wait_for test -s ended.code
is 'with 0' "$(cat ended.code)" 'code 0'
ok 'and the terminal is whole' wait_for whole

for signal in KILL SEGV INT; do
	screen "by$signal" 80 24 'gc-top -i 200ms'
	exec 3> "by$signal"
	agents 5 >&3
	ok "it runs" wait_for shows 'Agent 000004'
	kill -$signal "$(pid_of)"
	ok "$signal ends it" wait_for test -s "by$signal.code"
	ok 'and the terminal is whole' wait_for whole
	exec 3>&-
done

# A shell of people sets the terminal for its own editing as soon as the job is
# dead: both must not set it.
if command -v bash > /dev/null; then
	mkfifo people
	tmux new-session -d -s people -x 80 -y 24 \
	    "PATH='$PATH' PS1='ready> ' TERM=screen-256color bash --norc -i"
	pane=people
	ok 'a shell' wait_for shows '^ready>'
	key 'stty -a > before; gc-top -i 200ms < people' Enter
	exec 3> people
	agents 5 >&3
	ok 'it runs' wait_for shows 'Agent 000004'
	pid=$(pid_of)
	kill -KILL "$pid"
	over() { ! kill -0 "$pid" 2> /dev/null; }
	ok 'it is killed' wait_for over
	edits() {
		stty -a -F "$(tmux list-panes -t people -F '#{pane_tty}')" |
		    grep -q -- ' -icanon'
	}
	ok 'the shell edits its lines' wait_for edits
	key 'stty -a > after; echo do""ne' Enter
	ok 'and goes on' wait_for shows done
	ok 'on a terminal that is whole' cmp before after
	exec 3>&-
fi

# What ends it is told the terminal at once, whoever else writes there: a
# sequence with a byte of another in it is none.
screen flood 80 24 'sh -c "while :; do printf x; done" & gc-top -i 200ms'
agents 5 > flood
alternate() {
	[ "$(tmux display -p -t flood '#{alternate_on}')" = "$1" ]
}
ok 'beside one who writes all the time' wait_for alternate 1
kill -KILL "$(pid_of)"
ok 'it is killed' wait_for test -s flood.code
ok 'its screen is left' wait_for alternate 0
ok 'in whole sequences' hides '049\|[0-9]l\|\[?'

# --- many, long names, no colours
screen crowd 80 24 'gc-top -i 200ms'
agents 500 > crowd
ok 'five hundred' wait_for shows 'gc-top  500 agents  71 in doubt'
is 'they fill the screen' \
    "$(tmux capture-pane -p -t crowd | grep -c '^Agent')" 18
tmux send-keys -t crowd End
ok 'to the last' wait_for shows '^Agent 000499 .*OFFLINE'
tmux resize-window -t crowd -x 200 -y 60
ok 'the last stays, in a larger one' wait_for shows '^Agent 000234 '
ok 'at its end' shows '^Agent 000499 .*OFFLINE'
tmux send-keys -t crowd Home
ok 'to the first' wait_for shows '^Agent 000000 .*Available'
tmux resize-window -t crowd -x 40 -y 10
ok 'a narrow one' wait_for shows '^Agent 000000 .*Available'

screen many 200 60 'gc-top -i 200ms'
agents 20000 > many
ok 'twenty thousand' wait_for shows 'gc-top  20000 agents'
key G
ok 'the last of them' wait_for shows 'Agent 01999[0-9]'
key q
ok 'ended' wait_for test -s many.code
screen long 80 24 'env NO_COLOR=1 gc-top -i 200ms --sort=name'
agents 2 | sed 's/"Agent 000000"/"日本語の名前がとても長い人の名前です"/
    s/"Agent 000001"/"Ünïcödé"/' > long
ok 'wide characters are cut by columns' wait_for shows \
    '日本語の名前がとて *… *● Available'
ok 'others as well' shows 'Ünïcödé  *■ Busy'
tmux capture-pane -e -p -t long > coloured
is 'no colour' "$(grep -c "$(printf '\033')\[[0-9;]*3[0-7]m" coloured)" 0
key q
screen colour 80 24 'gc-top -i 200ms'
agents 2 > colour
ok 'colours, else' wait_for sh -c \
    "tmux -L gctop$$ capture-pane -e -p -t colour | grep -q '\[[0-9;]*32m'"
key q
# (what ncurses leaves behind then is not ours)
screen none 80 24 \
    'env TERM=no-such-terminal ASAN_OPTIONS=detect_leaks=0 gc-top'
: > none
ok 'an unknown terminal' wait_for test -s none.code
is 'is 69' "$(cat none.code)" 'code 69'
done_testing
