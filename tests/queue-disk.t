#!/bin/sh
# gc-queue on a full disk: put holds back, says so, and goes on when there is
# room; nothing half written is believed; a place that cannot be saved is
# said.
. "$(dirname "$0")/tap.sh"
cd "$dir" || exit 1

numbers() { awk -v a="$1" -v b="$2" 'BEGIN { for (; a <= b; a++)
    printf("{\"event\":\"n\",\"data\":{\"userId\":\"u%d\",\"n\":%d}}\n", a % 100, a) }'; }
numbers 1 5000 > many

# --- a limit on the size of files
(ulimit -f 64; gc-queue put dir:limited < many 2> err; echo $? > code)
is "a file at its limit, and no more lines: 74" "$(cat code)" 74
ok "it is said" has err "can't write '.*ndjson': File too large"
ok "and how many lines were left" has err '[0-9]+ lines( or more)? could not be put'
gc-queue get dir:limited > out 2> err
n=$(grep -c . out)
is "what is there is whole" "$(cat out)" "$(numbers 1 "$n")"
numbers $((n + 1)) 5000 | gc-queue put dir:limited 2> err
is "with room it goes on" $? 0
is "and nothing is between" "$(gc-queue get dir:limited)" "$(numbers $((n + 1)) 5000)"

# --- what a restart adds behind a batch that could not be written
{ numbers 1 1500 | head -c 65476 | sed '$d'; } > full
pad=$((65476 - $(wc -c < full)))
printf '{"pad":"%*s"}\n' $((pad - 11)) '' >> full
{ cat full; echo '{"event":"gc:open","resumed":false}'; numbers 7001 7002; } > behind.in
is "(a batch that is all but full)" "$(wc -c < full | tr -d ' ')" 65476
echo '{"first":0}' | gc-queue put dir:behind
: > err
(ulimit -S -f 1; exec gc-queue put --segment=64K dir:behind < behind.in 2> err) & putter=$!
later $putter
wait_for has err 'nothing is read'
prlimit --pid $putter --fsize=unlimited
wait $putter
is "when it can be written, put ends well" $? 0
gc-queue get dir:behind > out 2> err
is "no batch is damaged by it" "$(grep -c damaged out err)" "$(printf 'out:0\nerr:0')"
is "and what was added is there" "$(tail -n 5 out | jq -c '[.event, .data.n]' | tr -d '\n')" \
    '["gc:closed",null]["gc:open",null]["gc:open",null]["n",7001]["n",7002]'

# --- a disk that is full
if ! unshare -rm sh -c 'mount -t tmpfs none /mnt' 2> /dev/null; then
	echo "# no file system can be mounted here: the rest is skipped"
	done_testing
	exit 0
fi
cat > inside <<'E'
mkdir disk
mount -t tmpfs -o size=1m none disk
mkfifo in
wait_for() {
	tries=0
	until grep -q "$2" "$1"; do
		tries=$((tries + 1))
		[ $tries -lt 400 ] || { echo "no $2 in $1" >> waits; return; }
		sleep 0.05
	done
}
: > err
: > out
: > get.err
gc-queue put --metrics metrics dir:disk/q < in 2> err &
put=$!
exec 3> in
head -n 10 many >&3
wait_for metrics gc_queue
while [ ! -e disk/q ]; do sleep 0.05; done
gc-queue get -f dir:disk/q > out 2> get.err 3>&- &
get=$!
wait_for out '"n":10}'
cat /dev/zero > disk/filler 2> filler.err
tail -n +11 many >&3 &
feeder=$!
wait_for err 'No space left'
sleep 1.5
grep -c 'No space left' err > said
rm disk/filler
wait_for out '"n":5000}'
wait_for err 'is written again'
wait $feeder
exec 3>&-
wait $put
echo $? > status
kill -TERM $get
wait $get
echo $? > get.status
cat /dev/zero > disk/filler 2> filler.err
gc-queue get -g other dir:disk/q > out2 2> err2
echo $? > status2
rm disk/filler
gc-queue get -g other dir:disk/q > out3 2> err3
find disk -name '*.new-*' > litter
cat /dev/zero > disk/filler 2> filler.err
gc-queue put dir:disk/q < many 2> err4
echo $? > status4
rm disk/filler
gc-queue get dir:disk/q > out4
umount disk
E
timeout 120 unshare -rm sh ./inside > inside.out 2>&1
is "nothing was waited for in vain" "$(cat waits 2> /dev/null)" ""
is "a full disk is said once" "$(cat said)" 1
ok "with what it means" has err 'nothing is read until it can be written'
ok "and counted" has metrics '^gc_queue_failures_total [1-9]'
is "then put goes on, and ends well" "$(cat status)" 0
is "every line is read, once" "$(cat out)" "$(cat many)"
is "the reader ends well" "$(cat get.status)" 0
is "a place that cannot be saved: 74" "$(cat status2)" 74
ok "said, with what it means" has err2 'lines will come again'
is "all was printed still" "$(grep -c . out2)" 5000
is "and comes again" "$(grep -c . out3)" 5000
is "no half file is left over" "$(cat litter)" ""
is "a disk that stays full at the end: 74" "$(cat status4)" 74
n=$(grep -c . out4)
is "what is there of it is whole" "$(cat out4)" "$(head -n "$n" many)"
done_testing
