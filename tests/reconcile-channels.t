#!/bin/sh
# gc-reconcile in the channels protocol against gc-sim: CONTRACT section 9,
# "truth of one" to "errors".
. "$(dirname "$0")/tap.sh"
tests=$(cd "$(dirname "$0")" && pwd)
cd "$dir" || exit 1

# sim ARGS of gc-sim -- SCRIPT: the script runs with the org; err has gc-sim's
# lines and what the tools said, truth the org, which is quiet from the start
sim() {
	rm -f err truth out
	args=
	while [ "$1" != -- ]; do
		args="$args $1"
		shift
	done
	# shellcheck disable=SC2086
	timeout 120 gc-sim -v --protocol channels --truth truth $args -- \
	    sh -c "$2" 2> err
}
# requests [REGEX]: those that gc-sim had, but for the token
requests() {
	grep '"event":"sim:rest"' err | grep -v oauth | grep -Ec -- "${1-.}"
}
# roster FILE: what differs from the truth, in what REST tells
differ() {
	for file in truth "$1"; do
		jq -c 'select(.event == null or .event == "gc:state") | [.userId,
		    .name, .currentStatus, .lastUpdatedTimestamp, .queues,
		    .presence.currentStatus, .presence.label,
		    .presence.lastUpdatedTimestamp]' "$file" | sort -u > "$file.told"
	done
	diff truth.told "$1.told" | head -n 5
}
# asks N [REASON]: a question about each of the first N of the ids on stdin
asks() {
	head -n "$1" | jq -Rc --arg r "${2-start}" '{event: "gc:gap", at: "x",
	    userId: ., reason: $r, seq: input_line_number}'
}

# --- everyone ---------------------------------------------------------------

sim --agents 1200 -- 'gc-reconcile --all < /dev/null > out'
is "--all ends with 0" $? 0
is "with the truth about everyone, names and labels too" "$(differ out)" ""
is "in three pages, one list of names, and one that is not permitted" \
    "$(requests) $(requests '/users"') $(requests 403)" "5 3 1"
ok "which is said once" [ "$(grep -c 'active queues.*403 missing' err)" = 1 ]
is "reason, seq, and no queue that nobody knows" "$(head -n 1 out |
    jq -c '[.event, .reason, .seq, .activeQueues, has("fetchedAt")]')" \
    '["gc:state","start",0,null,true]'
sim --agents 30 -- 'echo "{\"x\":1}" | gc-reconcile --all > out'
is "everyone comes before the first line" "$(tail -n 1 out) $(wc -l < out)" \
    '{"x":1} 31'
sim --agents 30 -- \
    'gc-reconcile --all < /dev/null | gc-reduce --snapshot > out'
is "the cron snapshot" "$(jq -c '[.verified, .presence.verified]' out |
    sort | uniq -c | xargs)" "30 [true,true]"
fast='--rate 20000 --backoff-base 5ms'
sim --agents 300 --fault expand-miss=0.1 --fault rate-limit=30000 -- \
    "gc-reconcile $fast --all < /dev/null > out"
is "a part that is missing is asked for" "$? $(differ out)" "0 "
ok "by itself" [ "$(requests '/users/.*/(routingstatus|presences)')" -gt 10 ]
is "and nobody is asked for whole" "$(requests '/users/[0-9a-f-]+"')" 0
sim --agents 300 --fault page-max=100 -- 'gc-reconcile --all < /dev/null > out'
is "pages that are too large are halved" "$? $(differ out)" "0 "
is "twice, then there are three, of 62 none" \
    "$(requests '"status":413') $(requests '/users",.*200')" "3 5"
sim --agents 8 --fault page-max=1 --fault rest-fail=0.2 \
    --fault rate-limit=30000 -- "gc-reconcile $fast --all < /dev/null > out"
ok "a list that fails is tried again" [ "$(requests '"status":5')" -gt 0 ]

# --- one and many -----------------------------------------------------------

ids() { jq -r .userId truth; }
sim --agents 900 -- 'echo > /dev/null'
ids > all.ids
asks 1 < all.ids > one
asks 900 reconnect < all.ids > many
sim --agents 900 -- 'gc-reconcile < one > out'
is "one question is one request" "$? $(requests '/users/.*200')" "0 1"
is "its answer has its seq and reason" "$(tail -n 1 out |
    jq -c '[.event, .seq, .reason, .queues, .activeQueues]')" \
    '["gc:state",1,"start",{},null]'
head -n 1 truth > first
sim --agents 900 -- 'gc-reconcile < many > out'
is "many are answered from the list" "$? $(differ out)" "0 "
is "each once, with its own seq" "$(jq -c 'select(.event == "gc:state") |
    .seq' out | sort -n | uniq | wc -l)" 900
ok "in few requests" [ "$(requests)" -lt 20 ]

# --- active queues ----------------------------------------------------------

# queues FILE: what differs from the truth in what active queues there are
queues() {
	for file in truth "$1"; do
		jq -c 'select(.event == null or .event == "gc:state") | [.userId,
		    (.activeQueues | [(.ids // [] | sort), .lastUpdatedTimestamp])]' \
		    "$file" | sort -u > "$file.queues"
	done
	diff truth.queues "$1.queues" | head -n 5
}
sim --agents 2300 --queues 9 --fault wfm -- 'gc-reconcile --all < /dev/null > out'
is "where the client may they are told" "$? $(differ out)$(queues out)" "0 "
ok "and some agent has some" has truth.queues '\[\["'
is "of a page at first, then of a thousand at once" \
    "$(requests '/users"') $(requests activity)" "5 3"
sim --agents 900 --fault wfm -- 'gc-reconcile < one > out'
is "of one too" "$? $(requests activity) $(grep -c . out) $(tail -n 1 out |
    jq -c '.activeQueues | keys')" '0 1 2 ["ids","lastUpdatedTimestamp"]'
sim --agents 900 --fault wfm --fault expand-miss=0.1 --fault rest-fail=0.1 \
    --fault rate-limit=30000 -- "gc-reconcile $fast < many > out"
is "whatever fails" "$? $(differ out)$(queues out)" "0 "
cat > anew <<'END'
cat one
until grep -q '"path":"/api/v2/users/[^"]*","status":200' err; do sleep 0.05; done
sleep 0.3
sed 's/"seq":1/"seq":2/' one
END
sim --agents 900 --fault wfm --fault rest-slow=2000 -- \
    'sh anew | gc-reconcile > out'
is "who is doubted anew is asked for from the start" \
    "$? $(jq -c 'select(.event == "gc:state") | [.seq, .activeQueues.ids]' out |
    cut -c 1-4 | xargs) $(requests activity)" "0 [2,[ 2"

# --- when a walk begins -----------------------------------------------------

# opened SOCKET OF, closed SOCKET, failed SOCKET: what gc-subscribe says of it
opened() {
	printf '{"event":"gc:open","at":"x","protocol":"channels","socket":%s,"sockets":%s}\n' \
	    "$1" "$2"
}
closed() {
	printf '{"event":"gc:closed","at":"x","socket":%s,"next":"reconnect"}\n' "$1"
}
failed() { printf '{"event":"gc:failover","at":"x","socket":%s}\n' "$1"; }
# waited: ms from the first request, which is none of the walk's, to the first
# about users
waited() {
	grep '"event":"sim:rest"' err | jq -n 'def ms: .at |
	    (.[:19] + "Z" | fromdate) * 1000 + (.[20:23] | tonumber);
	    [inputs | select(.path | test("oauth") | not)] |
	    (first(.[] | select(.path | test("/users")) | ms) -
	    (first(.[] | select(.path | test("/definitions"))) | ms))'
}
answered() { printf 'until [ "$(grep -c gc:state out)" -ge %s ]; do sleep 0.05; done' "$1"; }
tail -n 300 many > rest
{ opened 0 2; head -n 600 many; } > first
{ opened 1 2; cat rest; } > last
sim --agents 900 -- '{ cat first; sleep 1; cat last; } | gc-reconcile > out'
is "no walk while sockets are to open: one for all" \
    "$? $(requests '/users"') $(grep -c gc:state out)" "0 2 900"
{ opened 0 2; opened 1 2; closed 1; head -n 600 many; } > first
sim --agents 900 -- '{ cat first; sleep 1; cat last; } | gc-reconcile > out'
is "nor while one is to open again" \
    "$? $(requests '/users"') $(grep -c gc:state out)" "0 2 900"
{ cat first; failed 1; } > lost
sim --agents 900 -- "{ cat lost; $(answered 600); } | gc-reconcile > out"
ok "one that fails for good is not waited for" [ "$(waited)" -lt 4500 ]
sim --agents 900 -- "{ cat first; $(answered 600); } | gc-reconcile > out"
ok "nor is another for ever" [ "$(waited)" -ge 4500 ]
{ opened 0 2; head -n 1 many; } > first
sim --agents 900 -- "{ cat first; $(answered 1); } | gc-reconcile > out"
ok "a single question does not wait" [ "$(waited)" -lt 4500 ]

# --- the protocol is the stream's -------------------------------------------

sim --agents 900 -- 'GC_PROTOCOL=events gc-reconcile < first > out'
is "gc:open says channels, whatever is set" \
    "$? $(requests '/users/[^/]*","status":200') $(tail -n 1 out |
    jq -r '.presence | has("currentStatus")')" "0 1 true"
opened 0 1 > late
sim --agents 900 --fault rest-slow=1500 -- \
    '{ cat one; sleep 0.5; cat late; } | GC_PROTOCOL=events gc-reconcile > out'
is "what flies is asked for again" "$? $(grep -c gc:state out)" "0 1"
sed 's/channels/events/' late | cat - one > other
sim --agents 900 --protocol events -- \
    'GC_PROTOCOL=channels gc-reconcile < other > out'
is "the other way round too" \
    "$? $(tail -n 1 out | jq -r '.event, has("presence")' | xargs)" \
    "0 gc:state false"

# --- an audit ---------------------------------------------------------------

sim --agents 60 --rate 1 --fault rate-limit=30000 -- \
    'gc-subscribe -d 8s | gc-reduce --audit 2s -r gc-reconcile > out'
ok "everyone is audited, again and again" lines out '"reason":"audit"' 120
ok "by a walk a period, not one by one" [ "$(requests '/users')" -lt 20 ]
done_testing
