#!/bin/sh
# A full disk under each file of ours is said, counted and survived; and so
# is a limit on the size of files, which must not end a tool by SIGXFSZ.
. "$(dirname "$0")/tap.sh"
cd "$dir" || exit 1

event() {
	printf '{"event":"routing:agents:status:updated","data":{"userId":"%s","status":"%s","previousStatus":null,"timestamp":"2024-06-15T14:32:%sZ","queueId":null}}\n' \
	    "$1" "$2" "$3"
}
i=0
while [ $i -lt 100 ]; do
	event "u$i" Busy 10
	i=$((i + 1))
done > many
printf '{"event":"gc:barrier","id":"%s"}\n' b1 > b1
printf '{"event":"gc:barrier","id":"%s"}\n' b2 > b2

# --- a limit on the size of files
(ulimit -f 8; gc-reduce -s limited < many 2> err; echo $? > code) | cat > out
is "a file at its limit: 74 at the end" "$(cat code)" 74
ok "it is said" has err "can't write '.*limited': File too large"
is "the stream went on" "$(grep -c gc:agent out)" 100
gc-reduce -s limited < many > out 2> err
is "without the limit all is well" $? 0
is "and nothing was half written" "$(gc-reduce -s limited --snapshot < /dev/null |
    wc -l)" 100
(ulimit -f 8; exec gc-reduce < many > out 2> err)
is "stdout at its limit: 74, no signal" $? 74

# --- a disk that is full
if ! unshare -rm sh -c 'mount -t tmpfs none /mnt' 2> /dev/null; then
	echo "# no file system can be mounted here: the rest is skipped"
	done_testing
	exit 0
fi
cat > inside <<'E'
mkdir disk
mount -t tmpfs -o size=128k none disk
mkfifo in
wait_for() {
	tries=0
	until grep -q "$2" "$1"; do
		tries=$((tries + 1))
		[ $tries -lt 400 ] || { echo "no $2 in $1" >> waits; return; }
		sleep 0.05
	done
}
# the registry and the token are written once while there is room
gc-token > token1 2> token1.err
export XDG_STATE_HOME=$PWD/disk XDG_CACHE_HOME=$PWD/disk
gc-subscribe -n 1 one routing:agents:status:updated > subscribe1 2> subscribe1.err
echo $? > subscribe1.status
cp disk/gc/default/token cached1

: > out
: > err
gc-reduce -s disk/roster --metrics metrics < in > out 2> err &
reduce=$!
exec 3> in
cat b1 >&3
wait_for out '"b1"'
cat /dev/zero > disk/filler 2> filler.err
cat many b2 >&3
wait_for err 'No space left'
wait_for out '"userId":"u99"'
kill -USR1 $reduce
wait_for err journalFailures
cp out out.full

cp disk/gc/default/subscriptions.ndjson registry.before
gc-subscribe -n 1 two > subscribe2 2> subscribe2.err
echo $? > subscribe2.status
cp disk/gc/default/subscriptions.ndjson registry.after
gc-token -f --metrics token.metrics > token2 2> token2.err
echo $? > token2.status
cp disk/gc/default/token cached2
gc-dedup --metrics disk/metrics < many > dedup.out 2> dedup.err
echo $? > dedup.status

rm disk/filler
wait_for out '"b2"'
cp disk/roster roster.again
exec 3>&-
wait $reduce
echo $? > status

cat /dev/zero > disk/filler 2> filler.err
sed 's/:10Z/:20Z/' many | gc-reduce -s disk/roster > out3 2> err3
echo $? > status3
rm disk/filler
gc-reduce -s disk/roster --snapshot < /dev/null > snapshot 2> err4
echo $? > status4
find disk -name '*.new-*' > litter
umount disk
E
timeout 120 gc-sim --rate 50 -- unshare -rm sh ./inside 2> sim.err
is "nothing was waited for in vain" "$(cat waits 2> /dev/null)" ""
ok "the roster's full disk is said" \
    has err "can't write '.*roster': No space left"
is "once" "$(grep -c 'No space left' err)" 1
ok "and counted" has err '"journalFailures":[1-9]'
is "the stream goes on" "$(grep -c gc:agent out.full)" 100
ok "but a barrier waits" sh -c '! grep -q b2 out.full'
ok "until there is room again, which is said" has err 'is written again'
is "then it is durable" "$(grep -c gc:agent roster.again)" 100
is "and the end is a good one" "$(cat status)" 0
is "an end while it is full is 74" "$(cat status3)" 74
ok "what is lost is said" has err3 'what changed last is not in it'
is "the roster opens afterwards" "$(cat status4)" 0
is "whole" "$(wc -l < snapshot)" 100

is "with room, a subscription works" "$(cat subscribe1.status)" 0
is "no room for the registry: 74 before anything is sent" \
    "$(cat subscribe2.status)" 74
ok "said" has subscribe2.err 'subscriptions.*No space left'
ok "the old one is whole" cmp registry.before registry.after
is "no room for the token: it is printed" \
    "$(cat token2.status) $(jq -r .event token2)" "0 gc:token"
ok "said" has token2.err 'No space left.*the token is not cached'
ok "counted" has token.metrics '^gc_token_cache_failures_total 1$'
ok "the old one is whole" cmp cached1 cached2
is "no room for metrics: the work is done" \
    "$(cat dedup.status) $(grep -c . dedup.out)" "0 100"
ok "said" has dedup.err 'metrics: .*No space left'
is "nothing is left over" "$(cat litter)" ""
done_testing
