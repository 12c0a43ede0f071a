#!/bin/sh
# gc-names: names by REST and their cache; tests/names/ has the golden cases.
. "$(dirname "$0")/tap.sh"
cd "$dir" || exit 1

# agent ID [QUEUE]: a gc:agent line
agent() {
	jq -nc --arg id "$1" --arg queue "${2-}" '{event: "gc:agent",
	    at: "2024-06-15T14:32:10.000Z", seq: 1, userId: $id, name: null,
	    currentStatus: "Busy", previousStatus: null, wrapUpCode: null,
	    queueId: null, lastUpdatedTimestamp: "2024-06-15T14:32:10.000Z",
	    verified: true, source: "event", queues: (if $queue == "" then {}
	    else {($queue): {currentStatus: "Busy", previousStatus: null,
	    wrapUpCode: null, queueId: $queue, lastUpdatedTimestamp:
	    "2024-06-15T14:32:10.000Z", verified: true, source: "event"}} end),
	    effective: {global: "Busy", queues: {}}}'
}

# Within an org: gc-sim's own HOME, and its log in sim.log
org() { gc-sim --protocol channels --seed 7 "$@" 2> sim.log; }

# --- by REST, once; then from the cache
cat > twice.sh <<'S'
snapshot() { gc-reconcile --all < /dev/null | gc-reduce --snapshot; }
snapshot > plain
gc-names < plain > first 2> first.err
cp "$XDG_CACHE_HOME/gc/default/names" cache
stat -c %a "$XDG_CACHE_HOME/gc/default/names" > mode
GC_API_URL=http://127.0.0.1:9 gc-names < plain > second
gc-subscribe -n 300 2> /dev/null | gc-reduce --snapshot |
    gc-names > live
touch -d '2 days ago' "$XDG_CACHE_HOME/gc/default/names"
gc-names -v < plain > third 2> third.err
S
org --agents 700 --queues 4 --rate 300 -- sh "$dir/twice.sh"
is 'every agent' "$(wc -l < first)" 700
is 'has a name' "$(jq -r 'select(.name == null) | .userId' first)" ''
is 'its active queues, too' "$(jq -c '.activeQueues.ids as $ids |
    select($ids) | .queueNames | [keys == $ids, all(. != null)] |
    select(. != [true, true])' live)" ''
ok 'which some have' jq -se 'any(.[]; .queueNames != {})' live
is 'the rest of the lines is as it was' \
    "$(jq -c 'del(.queueNames)' first | cksum)" "$(jq -c . plain | cksum)"
is 'the cache has them all' "$(wc -l < cache)" 704
is 'privately' "$(cat mode)" 600
ok 'from the cache alone: the same' cmp first second
ok 'read again when it is old' has third.err '"known":704,"reads":1'
ok 'the same again' cmp first third

# --- a cache that cannot be trusted is read again, whatever its age
cat > damaged.sh <<'S'
cache=$XDG_CACHE_HOME/gc/default/names
mkdir -p -m 700 "$XDG_CACHE_HOME/gc" "${cache%/*}"
head -n 1 "$dir/plain" > one
try() {
	timeout 20 gc-names -v < one > one.out 2> one.err
	echo "$1: $? $(grep -o '"known":[0-9]*,"reads":[0-9]*' one.err)"
	rm -f "$cache"
}
head -c 999 "$dir/cache" > "$cache"
try 'cut short'
{ echo nonsense; cat "$dir/cache"; } > "$cache"
try 'with a line of something else'
: > "$cache"
try empty
mkfifo "$cache"
try 'no file'
S
org --agents 700 --queues 4 -- env dir="$dir" sh "$dir/damaged.sh" > damaged
is 'a damaged cache is read again' "$(cat damaged)" \
    'cut short: 0 "known":704,"reads":1
with a line of something else: 0 "known":704,"reads":1
empty: 0 "known":704,"reads":1
no file: 0 "known":704,"reads":1'

# --- lines wait at the start, not for ever
org --agents 5 --fault rest-hang=1 -- sh -c \
    'gc-names --wait 300ms < plain > out 2> err'
is 'who is not answered goes on without' "$(wc -l < out)" 700
is 'with null' "$(jq -c 'select(.queueNames | type != "object")' out)" ''
ok 'and that is said' has err 'the names are not there yet'

# --- a list that fails, or a token, is tried again while lines wait, and what
# came without it is not kept
cat > partly.sh <<'S'
jq -c 'del(.name)' "$dir/plain" | head -n 3 > three
echo "exit 69" > token
GC_TOKEN_CMD="sh $PWD/token" gc-names -v --wait 60s < three > three.out \
    2> three.err & pid=$!
until grep -q 'again in' three.err; do sleep 0.1; done
ls "$XDG_CACHE_HOME/gc/default/names" 2> kept
echo "exec gc-token" > token
wait $pid
cat "$XDG_CACHE_HOME/gc/default/names" >> kept
S
org --agents 700 --queues 4 --fault rest-fail=0.5 -- \
    env dir="$dir" sh "$dir/partly.sh"
is 'in the end all have a name' "$(jq -c '.name | type' three.out | uniq -c |
    tr -s ' ')" ' 3 "string"'
is 'only all of them are kept' "$(grep -c 'No such' kept) $(wc -l < kept)" \
    '1 705'
ok 'after some failures' has three.err '"failedReads":[1-9]'

# --- it fails: said, and the lines go on
org --agents 5 --fault rest-fail=1 -- sh -c \
    'gc-names --wait 6s < plain > out 2> err; echo $? > code'
is 'an API that fails: 0' "$(cat code)" 0
is 'every line' "$(wc -l < out)" 700
ok 'and why' has err 'reading the list of users'
org --agents 5 --fault rest-garbage=1 -- sh -c \
    'gc-names --wait 6s < plain > out 2> err; echo $? > code'
is 'nonsense: 0' "$(cat code)" 0
is 'every line' "$(wc -l < out)" 700
GC_API_URL=http://127.0.0.1:9 GC_TOKEN_CMD='sh -c "exit 77"' \
    gc-names < plain > out 2> err
is 'no right to a token' $? 77
gc-sim -- sh -c 'gc-names < plain > out 2> err; echo $? > code' 2> sim.log
is 'an API without a list of users' "$(cat code)" 78
ok 'says what to look at' has err 'GC_REGION'

# --- a refused token is renewed, once
cat > stale.sh <<'S'
# the first token is nobody's, the next one is the real one
cat > token <<'T'
if [ -n "${GC_TOKEN_REFUSED-}" ]; then
	echo again >> asked
	exec gc-token
fi
echo '{"event":"gc:token","access_token":"nobody","token_type":"bearer","issued_at":"2024-06-15T14:32:10.000Z","expires_at":"2099-06-15T14:32:10.000Z","expires_in":99999}'
T
GC_TOKEN_CMD="sh $PWD/token" gc-names < plain > out 2> err
S
org --agents 700 --queues 4 -- sh "$dir/stale.sh"
is 'a token that is refused is renewed' "$(cat asked)" again
ok 'and names come' cmp out first

# --- from a file, live
mkfifo in
printf 'ann\tAnn\nq1\tSales\n' > file
gc-names --names file < in > out 2> err &
pid=$!
later $pid
exec 3> in
agent ann q1 >&3
ok 'a line goes on at once' wait_for has out '"name":"Ann"'
is 'with the name of its queue' "$(jq -r .queueNames.q1 out)" Sales
printf 'ann\tAnna\n' > file.new
mv file.new file
kill -HUP $pid
again() { agent ann q1 >&3; has out '"name":"Anna"'; }
ok 'HUP reads the file again' wait_for again
rm file
kill -HUP $pid
ok 'one that is gone is said' wait_for has err 'stay as they were'
agent ann >&3
exec 3>&-
wait $pid
is 'ended' $? 0
is 'and the names stay' "$(tail -n 1 out | jq -r .name)" Anna
gc-names --names none < /dev/null 2> err
is 'a file that is not there' $? 74
ok 'is named' has err none

# What would be too long goes on as it was.
q=$(head -c 30000 /dev/zero | tr '\0' q)
for i in 1 2 3 4 5 6 7 8 9; do
	agent ann "$q$i"
done | jq -cs '.[0].queues = ([.[].queues] | add) | .[0]' > long
awk -v ORS= '{ print substr($0, 1, length($0) - 1) }' long > padded
printf ',"pad":"%s"}\n' "$(head -c 100000 /dev/zero | tr '\0' p)" >> padded
printf 'x\ty\n' > file
gc-names --names file < padded > out
ok 'under 1 MiB it has names' jq -e '.queueNames | length == 9' out
is 'and the others as they were' "$(jq -c 'del(.queueNames)' out | cksum)" \
    "$(jq -c . padded | cksum)"
awk -v ORS= '{ print substr($0, 1, length($0) - 1) }' long > padded
printf ',"pad":"%s"}\n' "$(head -c 300000 /dev/zero | tr '\0' p)" >> padded
gc-names -v --names file < padded > out 2> err
ok 'over it, it goes on as it was' cmp padded out
ok 'and is counted' has err '"plain":1'
done_testing
