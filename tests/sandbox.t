#!/bin/sh
# Least power (lib/sandbox, lib/helper): what is given up is refused, what is
# needed works, and the live tools are inside.
. "$(dirname "$0")/tap.sh"
cd "$dir" || exit 1
boxed=$GC_BUILD/tests/helpers/sandboxed
mkdir mine other
echo text > other/file
echo text > mine/old

force=$("$boxed" filter mine)
echo "# in force: $force"
has_seccomp() { case $force in seccomp*) ;; *) return 1 ;; esac; }
has_landlock() { case $force in *landlock) ;; *) return 1 ;; esac; }

# all KIND WANT NEED ACT...: each ACT as that kind of tool ends so
all() {
	kind=$1 want=$2 need=$3
	shift 3
	for act; do
		tap_what="$kind: $act: $want"
		if ! has_$need; then
			tap_count=$((tap_count + 1))
			echo "ok $tap_count - $tap_what # SKIP no $need"
			continue
		fi
		# shellcheck disable=SC2086
		is "$tap_what" "$("$boxed" "$kind" mine $act < /dev/null)" \
		    "$want"
	done
}

both='exec fork ptrace mount unshare keyctl bpf uring type'
for kind in filter client; do
	# shellcheck disable=SC2086
	all $kind EPERM seccomp $both
	all $kind ENOSYS seccomp clone3
	all $kind yes seccomp thread random
	all $kind EACCES landlock 'write other/file' 'create other/new' \
	    'unlink other/file' 'mkdir other/d' 'symlink other/l' \
	    'replace other/file' 'lock other/lock' 'write /proc/self/comm'
	all $kind yes landlock 'read mine/old' 'write mine/old' \
	    'create mine/new' 'replace mine/old' 'lock mine/lock' \
	    'truncate mine/old' \
	    'unlink mine/new'
	all $kind EACCES landlock 'mkdir mine/d' 'symlink mine/l'
done
all filter EPERM seccomp 'socket inet' 'socket unix' 'socket netlink' \
    connect bind listen accept socketpair
all filter EACCES landlock 'read other/file' 'read /etc/passwd'
all client EAFNOSUPPORT seccomp 'socket alg' 'socket packet'
all client EPERM seccomp listen accept
all client yes seccomp 'socket inet' 'socket unix' 'socket netlink' \
    socketpair 'name localhost'
all client yes landlock 'read other/file'
is "what may not be written is whole" "$(cat other/file)" text

# --- the live tools
# inside PID: this process is under a filter and gains no rights
inside() {
	grep -q '^NoNewPrivs:[[:space:]]*1' "/proc/$1/status" &&
	    grep -q '^Seccomp:[[:space:]]*2' "/proc/$1/status"
}
# live NAME PID
live() {
	if has_seccomp; then
		ok "$1 is under seccomp" wait_for inside "$2"
	else
		tap_count=$((tap_count + 1))
		echo "ok $tap_count - $1 # SKIP no seccomp"
	fi
}
# says FILE: the status on stderr says what is in force
says() { [ "$(grep '"sandbox"' "$1" | tail -n 1 | jq -r .sandbox)" = "$force" ]; }

mkfifo in
for tool in gc-dedup gc-reduce; do
	rm -f out err
	$tool < in > out 2> err &
	pid=$!
	later $pid
	exec 3> in
	echo '{"a":1}' >&3
	wait_for has out '"a":1'
	live $tool $pid
	kill -USR1 $pid
	ok "and its status says what is in force" wait_for says err
	exec 3>&-
	wait $pid
done

# With -r, gc-reduce is inside and COMMAND is not.
cat > command <<'C'
echo $$ > pid.new; mv pid.new pid
while IFS= read -r line; do
	echo "$line" >> asked
	case $line in
	*die*) kill -9 $$ ;;
	*end*) exit 3 ;;
	esac
done
C
event() {
	printf '{"event":"routing:agents:status:updated","data":{"userId":"%s","status":"%s","queueId":"q","timestamp":"2024-06-15T14:32:%sZ"}}\n' \
	    "$1" "$2" "$3"
}
gc-reduce -r 'sh command' -s mine/roster < in > out 2> err &
pid=$!
later $pid
exec 3> in
ok "COMMAND runs" wait_for test -s pid
live "gc-reduce -r" $pid
is "COMMAND is not" "$(sed -n 's/^Seccomp:[[:space:]]*//p' \
    "/proc/$(cat pid)/status")" \
    "$(sed -n 's/^Seccomp:[[:space:]]*//p' /proc/$$/status)"
is "nor are rights withheld from it" \
    "$(sed -n 's/^NoNewPrivs:[[:space:]]*//p' "/proc/$(cat pid)/status")" \
    "$(sed -n 's/^NoNewPrivs:[[:space:]]*//p' /proc/$$/status)"
first=$(cat pid)
event die Busy 10 >&3
again() { [ "$(cat pid)" != "$first" ]; }
ok "one that is killed is started again, from inside" wait_for again
ok "and its death was known for what it was" has err 'ended with 137'
ok "what was open is asked again" wait_for lines asked '"userId":"die"' 2
helper=$(sed 's/ .*//' "/proc/$pid/task/$pid/children")
ok "a helper makes the children" has "/proc/$helper/comm" gc-helper
ok "it holds neither pipe" sh -c \
    "! ls -l /proc/$helper/fd/0 /proc/$helper/fd/1 | grep -qv /dev/null"
kill -TERM "$helper"
ok "TERM is not for it" kill -0 "$helper"
exec 3>&-
kill -KILL "$pid"
wait $pid 2> /dev/null
gone() { [ ! -e "/proc/$1" ] || grep -q '^State:.Z' "/proc/$1/status"; }
ok "when the tool is killed it ends" wait_for gone "$helper"

rm -f pid
gc-reduce -r 'sh command' < in > out 2> err &
pid=$!
later $pid
exec 3> in
wait_for test -s pid
kill -KILL "$(sed 's/ .*//' "/proc/$pid/task/$pid/children")"
event die Busy 10 >&3
wait $pid
is "without its helper it ends with 71 when it needs it" $? 71
exec 3>&-

printf '%s\n' "$(event end Busy 10)" | gc-reduce -r 'exit 78;' > out 2> err
is "COMMAND's exit code is heard through it" $? 78
printf '%s\n' "$(event end Busy 10)" | gc-reduce -r no-such-program > out 2> err
is "a COMMAND that is not there: 78" $? 78

# gc-subscribe, gc-reconcile and gc-token, in the environment of gc-sim.
cat > org <<'O'
GC_TOKEN_CMD="sh -c 'grep ^Seccomp: /proc/self/status > token.status; exec gc-token'"
export GC_TOKEN_CMD
mkdir figures elsewhere
gc-subscribe --ping-interval 1s --ready 9 --metrics figures/m > events \
    2> sub.err 9> ready &
sub=$!
echo $sub > sub.pid
mkfifo questions
gc-reconcile < questions > answers 2> rec.err &
rec=$!
echo $rec > rec.pid
exec 3> questions
gc-token -w > token 2> /dev/null &
tok=$!
echo $tok > tok.pid
touch begun
until [ -e done ]; do sleep 0.05; done
exec 3>&-
kill $sub $tok
wait $rec; echo $? > rec.code
wait $sub; echo $? > sub.code
O
timeout 100 gc-sim --rate 50 -- sh ./org 2> sim.err &
sim=$!
later $sim
wait_for test -e begun
ok "gc-subscribe connects" wait_for has events gc:open
ok "and says that it is ready" test -s ready
live gc-subscribe "$(cat sub.pid)"
ok "the token command is outside" has token.status \
    "$(grep ^Seccomp: /proc/$$/status)"
user=$(grep -m 1 routing events | jq -r .data.userId)
wait_for has events '"userId"'
user=$(grep -m 1 '"userId"' events | jq -r .data.userId)
echo "{\"event\":\"gc:gap\",\"at\":\"x\",\"userId\":\"$user\",\"reason\":\"poll\",\"seq\":1}" \
    > questions
ok "gc-reconcile answers" wait_for has answers gc:state
live gc-reconcile "$(cat rec.pid)"
ok "gc-token prints a token" wait_for has token access_token
live gc-token "$(cat tok.pid)"
kill -USR1 "$(cat sub.pid)" "$(cat rec.pid)"
ok "gc-subscribe's status says what is in force" wait_for says sub.err
ok "gc-reconcile's too" wait_for says rec.err
ok "metrics are written" wait_for has figures/m gc_subscribe_frames
if has_landlock; then
	# the same path, but another folder: nothing is written into it
	mv figures was && ln -s elsewhere figures
	ok "but in their folder only" wait_for has sub.err \
	    'metrics: .*Permission denied'
	is "nothing is in the other" "$(ls elsewhere)" ""
else
	tap_count=$((tap_count + 2))
	echo "ok $((tap_count - 1)) - metrics elsewhere # SKIP no landlock"
	echo "ok $tap_count - nothing is there # SKIP no landlock"
fi
touch done
wait $sim
is "they end as ever" "$(cat sub.code rec.code | tr '\n' ' ')" "0 0 "

# A pipe with a name as stdout: it is opened anew before the door is shut.
mkfifo named
timeout 60 gc-sim --rate 100 -- gc-subscribe -n 5 > named 2> err &
sim=$!
later $sim
is "a named pipe gets its events" "$(grep -c routing named)" 5
wait $sim
is "and nothing is refused" "$(grep -c 'not permitted\|denied' err)" 0
done_testing
