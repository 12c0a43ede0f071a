#!/bin/sh
# gc-sim itself: the org, the protocol, each fault by what it does on the
# wire, the script, COMMAND.  A test is only as good as what it tests with.
. "$(dirname "$0")/tap.sh"
tests=$(cd "$(dirname "$0")" && pwd)
cd "$dir" || exit 1
subscribe='{"action":"subscribe","event":"routing:agents:status:updated"}'
fast='--backoff-base 50ms --jitter 10ms --backoff-cap 200ms'

# raw ARGS of gc-sim -- ACTIONS of helpers/raw.pl: out has what came, err
# gc-sim's lines
raw() {
	rm -f out err
	args=
	while [ "$1" != -- ]; do
		args="$args $1"
		shift
	done
	shift
	# shellcheck disable=SC2086
	timeout 60 gc-sim --plain $args -- \
	    perl "$tests/helpers/raw.pl" login "$@" > out 2> err
}

# told ARGS -- ACTIONS: the same with a subscription to everything
told() {
	args=
	while [ "$1" != -- ]; do
		args="$args $1"
		shift
	done
	shift
	# shellcheck disable=SC2086
	raw $args -- upgrade text "$subscribe" "$@"
}

# events: what the event frames of out say, as JSON
events() { sed -nE 's/^[0-9]+ 81 [0-9]+ (\{.*\})$/\1/p' out; }

# total NAME: of sim:totals
total() { jq -rR "fromjson? | select(.event == \"sim:totals\") | .$1" err; }

# frames FIRST: how many came
frames() { awk -v f="$1" '$2 == f' out | wc -l; }

# unread PORT: is there a connection to PORT with bytes that nobody reads?
unread() {
	awk -v p="$(printf ':%04X' "$1")" '$2 ~ p "$" && $4 == "01" {
	    split($5, q, ":"); if (q[2] != "00000000") found = 1 }
	    END { exit !found }' /proc/net/tcp
}

# --- the org ------------------------------------------------------------

gc-sim --truth truth > out 2> err &
pid=$!
later $pid
wait_for has out sim:ready
is "sim:ready is the first line, with these fields" \
    "$(head -n 1 out | jq -c '[.event, (keys - ["at", "event"])]')" \
    '["sim:ready",["apiUrl","cacert","clientId","clientSecret","loginUrl","protocol","wsUrl"]]'
ok "the certificate is there" \
    has "$(head -n 1 out | jq -r .cacert)" 'BEGIN CERTIFICATE'
port=$(head -n 1 out | jq -r .apiUrl | sed 's/.*://')
gc-sim --port "$port" > out2 2> err2
is "a port in use is 71" $? 71
ok "and named" has err2 "127.0.0.1:$port"
wait_for has out sim:org
is "sim:org has what filters are about" \
    "$(jq -c 'select(.event == "sim:org") | [.agents, (.queueIds | length),
    (.teamIds | length)]' out)" '[100,10,4]'
cert=$(head -n 1 out | jq -r .cacert)
kill $pid
wait $pid
is "TERM ends it with 0" $? 0
ok "it says its totals" has out sim:totals
ok "the truth is written" lines truth userId 100
ok "nothing of it is left behind" [ ! -e "${cert%/*}" ]

told --seed 7 --agents 8 --queues 4 --rate 400 --events 200 --truth truth \
    -- quiet err
is "every change is told" "$(events | wc -l)" 200
is "each previousStatus is the status before, tier by tier" \
    "$(events | jq -sc '[group_by([.data.userId, .data.queueId])[]
    | [.[1:], .[:-1]] | transpose[]
    | select(.[0].data.previousStatus != .[1].data.status)] | length')" 0
is "timestamps of a tier grow" \
    "$(events | jq -sc '[group_by([.data.userId, .data.queueId])[]
    | [.[1:], .[:-1]] | transpose[]
    | select(.[0].data.timestamp <= .[1].data.timestamp)] | length')" 0
is "some are of queues, some with a wrapUpCode" \
    "$(events | jq -sc '[any(.data.queueId != null),
    any(.data.wrapUpCode != null), any(.data.queueId == null)]')" \
    '[true,true,true]'
# The last event of each tier, as the truth has it.
events | jq -sc 'group_by([.data.userId, .data.queueId])[] | .[-1].data
    | [.userId, .queueId, .status, .previousStatus, .timestamp, .wrapUpCode]' \
    > last
jq -c '.userId as $u | ., .queues[] | [$u, .queueId, .currentStatus,
    .previousStatus, .lastUpdatedTimestamp, .wrapUpCode]' truth > tiers
is "the truth ends as the events did" \
    "$(grep -cFxf last tiers)" "$(wc -l < last)"
is "it is sorted by userId" "$(jq -r .userId truth)" \
    "$(jq -r .userId truth | LC_ALL=C sort)"
is "in gc-reduce's field names" "$(jq -c '[keys, (.queues[] | keys)] | unique' \
    truth | sort -u)" \
    '[["currentStatus","lastUpdatedTimestamp","previousStatus","queueId","queues","userId","wrapUpCode"],["currentStatus","lastUpdatedTimestamp","previousStatus","queueId","wrapUpCode"]]'
gets=$(jq -r '"get /api/v2/routing/users/\(.userId)/state"' truth)
# shellcheck disable=SC2086
told --seed 7 --agents 8 --queues 4 --rate 400 --events 200 --truth truth \
    -- quiet err $gets get /api/v2/routing/users/nobody/state get /nowhere
sed -n 's/^get 200 [0-9]* - //p' out | jq -c '.userId as $u | ., .queues[]
    | [$u, .queueId, .status, .previousStatus, .timestamp, .wrapUpCode]' > rest
jq -c '.userId as $u | ., .queues[] | [$u, .queueId, .currentStatus,
    .previousStatus, .lastUpdatedTimestamp, .wrapUpCode]' truth > tiers
is "REST says the truth" "$(cat rest)" "$(cat tiers)"
is "404 for nobody and nowhere" "$(grep -c '^get 404' out)" 2
is "the totals say so" "$(total rest) $(total rest404)" "9 1"

# What of a run is chance, without its times.
day() {
	events | jq -c '[.data.userId, .data.queueId, .data.status,
	    .data.previousStatus, .data.wrapUpCode]'
}
told --seed 7 --rate 400 --events 100 --fault drop=0.2 --fault malformed=0.1 \
    -- quiet err
day > day1
told --seed 7 --rate 200 --events 100 --fault drop=0.2 --fault malformed=0.1 \
    -- quiet err
day > day2
told --seed 8 --rate 400 --events 100 --fault drop=0.2 --fault malformed=0.1 \
    -- quiet err
ok "the same seed, the same day and faults" cmp day1 day2
ok "it was a day" lines day1 . 50
is "another seed, another" "$(day | cmp -s - day1; echo $?)" 1

# --- login, upgrade, subscriptions ---------------------------------------

raw -- get /api/v2/routing/users/x/state login bad login grant upgrade bare \
    upgrade old upgrade
is "login good and bad" "$(grep ^login out | cut -d ' ' -f 2 | xargs)" \
    "200 401 400"
ok "with the platform's words" has out '"description":"authentication failed"'
is "upgrades: 401 without a bearer, 426 of another version, 101" \
    "$(grep ^upgrade out | cut -d ' ' -f 2,5 | xargs)" "401 - 426 - 101 accepted"
raw -- upgrade lower upgrade key upgrade lone upgrade 1.0
is "the upgrade is RFC 6455's: bearer in any case, a key of 16 bytes, both headers, HTTP/1.1" \
    "$(grep ^upgrade out | cut -d ' ' -f 2 | xargs)" "101 426 426 426"
raw -- upgrade bare upgrade old
is "refusals are said" "$(grep sim:refused err | jq .status | xargs)" "401 426"
ok "so are tokens" lines err '"sim:token".*"lifeMs":3600000' 1
GC_API_URL=x raw -- login bad get /
is "a token makes a get" "$(grep -c '^get 404' out)" 1

# filter FIELD ID: what is told of which, the org being the same
filter() {
	raw --seed 3 --agents 20 --queues 5 --rate 1000 --events 300 \
	    --truth truth -- upgrade text "{\"action\":\"subscribe\",
	    \"event\":\"routing:agents:status:updated\",
	    \"filter\":{\"$1\":\"$2\"}}" quiet err
}
gc-sim --seed 3 --agents 20 --queues 5 --truth truth -- true 2> err
queue=$(jq -rR 'fromjson? | select(.event == "sim:org") | .queueIds[2]' err)
teams=$(jq -rR 'fromjson? | select(.event == "sim:org") | .teamIds[]' err)
user=$(sed -n 5p truth | jq -r .userId)
filter queueId "$queue"
is "queueId: that queue's events, and the global ones" \
    "$(events | jq -r '.data.queueId // "global"' | sort -u | xargs)" \
    "$(printf '%s\nglobal\n' "$queue" | sort | xargs)"
is "of its members alone" "$(events | jq -r .data.userId | sort -u)" \
    "$(jq -r --arg q "$queue" 'select(.queues[$q]).userId' truth)"
is "the payload is one line of the log" "$(grep sim:subscribed err |
    jq -r .payload.filter.queueId)" "$queue"
filter userId "$user"
is "userId: that one" "$(events | jq -r .data.userId | sort -u)" "$user"
is "each of its events" "$(events | wc -l)" "$(events | jq -s 'map(select(
    .data.queueId == null or .data.queueId != null)) | length')"
rm -f everyone
for team in $teams; do
	filter teamId "$team"
	events | jq -r .data.userId | sort -u >> everyone
done
is "teamId: each agent is of one team" "$(sort everyone)" \
    "$(jq -r .userId truth)"
filter teamId nobody
is "an unknown team has no events" "$(events | wc -l)" 0
# A filter that is not understood is nobody's, never everybody's.
for odd in "\"queueId\":5" "\"mediaType\":\"voice\"" "\"userId\":null" \
    "\"userId\":\"$user$user\""; do
	raw --seed 3 --agents 20 --queues 5 --rate 500 --events 100 -- upgrade \
	    text "{\"action\":\"subscribe\",\"event\":\"routing:agents:status:updated\",\"filter\":{$odd}}" quiet err
	is "filter $odd: nothing, and said" \
	    "$(events | wc -l) $(grep -c sim:ignored err)" "0 1"
done
filter userId "$(printf %s "$user" | perl -pe 's{^(.)}{sprintf "\\u%04x", ord $1}e')"
is "an id in escapes is that id" "$(events | jq -r .data.userId | sort -u)" \
    "$user"
raw -- upgrade $(i=0; while [ $i -lt 65 ]; do echo text \
    '{"action":"subscribe","event":"routing:agents:status:updated"}'
    i=$((i + 1)); done) frame 89 x until 8a
is "64 subscriptions a socket; one more is ignored, and said" \
    "$(grep -c sim:subscribed err) $(grep -c sim:ignored err)" "64 1"
raw --seed 3 --agents 20 --queues 5 --rate 500 --events 100 --fault cut=1 -- \
    upgrade text "{\"action\":\"subscribe\",\"event\":\"routing:agents:status:updated\",\"filter\":{\"userId\":\"nobody\"}}" quiet err
is "what is not told to a socket does not count for its faults" \
    "$(grep -c sim:cut err)" 0
told --rate 100 -- text "$subscribe" until sub_0001
ok "a second subscription is another id" has out '"subscriptionId":"sub_0000"'
raw --rate 1000 -- upgrade text '{"action":"subscribe","event":"other"}' \
    text '[' text '{"action":"dance"}' frame 82 x frame 89 hello until hello
is "an unknown event is logged, what is no subscription is ignored" \
    "$(grep -c sim:subscribed err) $(grep -c sim:ignored err)" "1 3"
is "no event was told, the ping was answered" \
    "$(frames 81) $(frames 8a)" "0 1"
raw -- upgrade frame 01 "{\"action\":\"subscribe\"," frame 89 x \
    frame 80 '"event":"routing:agents:status:updated"}' until 8a until ' 81 '
ok "a subscription in fragments" has err '"sim:subscribed"'
while read -r code odd; do
	# shellcheck disable=SC2086
	raw -- upgrade $odd until " 88 "
	ok "a client's broken frame ($odd) is closed with $code" \
	    has out " 88 2 \\\\x03\\\\x$code\$"
done << 'E'
ea frame 83 x
ea frame 8b x
ea frame 80 x
ea frame 09 x
ea frame c1 x
ea bytes 8100
ea bytes 89fe007e00000000
ea bytes 888100000000ff
ea bytes 88820000000003ed
ef bytes 81820000000022ff
f1 bytes 81ff000000000020000000000000
E

# --- faults on the socket -------------------------------------------------

told --rate 1000 --events 400 --fault drop=0.3 -- quiet err
dropped=$((400 - $(events | wc -l)))
ok "drop: about so many" [ $dropped -gt 60 -a $dropped -lt 180 ]
is "drop: counted" "$(total dropped)" "$dropped"
told --rate 1000 --events 300 --fault duplicate=0.2 -- quiet err
is "duplicate: twice in a row" "$(events | uniq -d | wc -l)" \
    "$(total duplicated)"
ok "duplicate: some" [ "$(total duplicated)" -gt 20 ]
told --rate 1000 --events 300 --agents 2 --queues 1 --fault reorder=0.2 -- \
    quiet err
is "reorder: all come" "$(events | sort -u | wc -l)" 300
out_of_order=$(events | jq -r .data.timestamp | awk '
    $0 < last { n++ } { last = $0 } END { print n + 0 }')
ok "reorder: some late" [ "$out_of_order" -gt 20 ]
told --rate 100 --fault delay=300 -- read 20
is "delay: each so late" "$(sed -nE 's/^([0-9]+) 81 [0-9]+ /\1 /p' out |
    while read -r at text; do
	echo "$text" | jq --argjson at "$at" '.data.timestamp |
	    (sub("\\.[0-9]*Z"; "Z") | fromdate * 1000) as $s |
	    ($at - $s - (capture("\\.(?<f>[0-9]*)Z").f | tonumber)) >= 299'
    done | sort -u)" true
told --rate 500 --events 50 --fault delay=20000 -- quiet err
is "delay: the quiet lets all out" "$(events | wc -l)" 50
told --rate 500 --fault delay=200 --fault close=4001:20 -- until " 88 "
is "delay: a close frame comes behind the events" \
    "$(sed -n "/ 88 /,\$p" out | cut -d " " -f 2 | xargs) $(events | wc -l)" \
    "88 20"
is "close: with that code" "$(awk '$2 == "88" { print $4 }' out)" '\x0f\xa1'
told --rate 500 --fault reorder=1 --fault close=1000:3 -- until " 88 "
is "reorder: what is held comes before the close frame" \
    "$(cut -d " " -f 2 out | tail -n 4 | xargs)" "81 81 81 88"
told --rate 500 --fault close=0:3 -- until " 88 "
is "close=0: no code" "$(awk '$2 == "88" { print $3 }' out)" 0
told --rate 500 --fault cut=10 -- end
ok "cut: said" has err '"sim:cut".*"why":"fault cut"'
ok "cut: no close frame, at most so many events" \
    [ "$(frames 88)" -eq 0 -a "$(events | wc -l)" -le 10 ]
told --rate 100 --fault no-pong -- frame 89 a read 5 frame 89 b read 5
is "no-pong: events, but no pong" "$(frames 8a) $(frames 81)" "0 10"
told --rate 100 --fault stall=1 -- frame 89 late read 1 until late
is "stall: a pong a second late, events meanwhile" "$(awk '
    NR == 4 { from = $1 } / 8a / { to = $1 } / 81 / { events++ }
    END { print (to - from > 800), (events > 30) }' out)" "1 1"
ok "stall: said" has err '"sim:stall".*"ms":1000'
told --rate 200 --fault token-life=1 -- end get /api/v2/routing/users/x/state
ok "token-life: cut at its end" has err '"why":"its token ended"'
is "token-life: REST refuses it" "$(grep -c '^get 401' out)" 1
told --rate 100 --events 100 --fault malformed=1 -- quiet err
is "malformed: none is JSON" "$(frames 81) $(events | jq . 2> /dev/null |
    wc -l)" "100 0"
told --rate 500 --events 50 --fault binary=1 -- quiet err
is "binary" "$(frames 82) $(frames 81)" "50 0"
told --rate 500 --events 4 --truth truth --fault oversize=1 -- quiet err
is "oversize: over 1 MiB" "$(awk '$2 == "81" && $3 > 1048576' out | wc -l)" 4
is "oversize: the truth has what nobody got" "$(jq -c 'select([., .queues[]]
    | any(.previousStatus != null))' truth | wc -l)" \
    "$(grep -o '"userId":"[^"]*"' out | sort -u | wc -l)"
told --rate 500 --events 20 --fault fragment=1 -- quiet err
is "fragment: a ping between two pieces" \
    "$(frames 01) $(frames 89) $(frames 80) $(frames 81)" "20 20 20 0"
told --rate 0.001 --agents 30 --fault storm=1:300 --events 90 -- quiet err
is "storm: every agent changes, a few times" \
    "$(events | jq -r .data.userId | sort | uniq -c | awk '{ print $1 }' |
    sort -u) $(events | jq -r .data.userId | sort -u | wc -l)" "3 30"
ok "storm: said" has err '"sim:storm".*"agents":30,"ms":300'

# Dead, but not closed: at the kernel's buffers, whatever it speaks.
told --rate 500 --fault half-open=5 -- read 5 silent frame 89 x silent
is "half-open: nothing comes" "$(grep -c '^silent' out) $(frames 81)" "2 5"
ok "half-open: said" has err sim:half-open
for how in --plain ''; do
	for fault in half-open=5 stall=30; do
		rm -f out err
		# shellcheck disable=SC2086
		gc-sim $how --rate 100 --fault $fault -- sh -c '
		    gc-subscribe --ping-interval 50ms --ping-misses 1000 &
		    echo $! > its-pid; wait' > out 2> err &
		pid=$!
		later $pid
		wait_for has err 'sim:(half-open|stall)'
		port=$(grep -h sim:ready err | jq -r .apiUrl | sed 's/.*://')
		ok "$fault: what is sent stays unread (${how:-TLS})" \
		    wait_for unread "$port"
		is "$fault: nothing is closed (${how:-TLS})" \
		    "$(grep -cE 'sim:(gone|cut|close)' err)" 0
		kill -9 "$(cat its-pid)"
		wait $pid
	done
done

# --- faults before the socket ---------------------------------------------

raw --fault refuse=503:2:7 -- upgrade upgrade upgrade
is "refuse: the first two, with Retry-After" \
    "$(grep ^upgrade out | cut -d ' ' -f 2,4 | xargs)" "503 7 503 7 101 -"
raw --fault no-upgrade=1 -- ask-upgrade silent hangup upgrade
is "no-upgrade: silence, then an answer" \
    "$(grep -v ^login out | cut -d ' ' -f 1,2 | xargs)" "silent upgrade 101"
told --rate 200 --fault slow-upgrade=3 -- read 10
is "slow-upgrade: slow, but whole; then events as ever" \
    "$(awk '/^upgrade/ { ms = $3 } / 81 / { n++; at[n] = $1 }
    END { print (ms > 250), (at[10] - at[1] < 2000) }' out)" "1 1"
timeout 60 gc-sim --fault tls-stall=1 -- sh -c 'perl "$0" dial silent
    gc-token > token' "$tests/helpers/raw.pl" > out 2> err
is "tls-stall: silence, then TLS" "$(cat out) $(jq -r .event token)" \
    "silent gc:token"
ok "tls-stall: said" has err '"sim:tls-stall".*"left":0'

# --- faults of REST -------------------------------------------------------

gc-sim --seed 3 --agents 20 --queues 5 --truth truth -- true 2> err
get="get /api/v2/routing/users/$user/state"
# shellcheck disable=SC2086
{
raw --seed 3 --agents 20 --queues 5 --fault rest-slow=300 -- $get
ok "rest-slow" [ "$(awk '/^get 200/ { print $3 }' out)" -ge 300 ]
raw --seed 3 --agents 20 --queues 5 --fault rest-fail=1 -- $get $get $get \
    $get $get $get $get $get
is "rest-fail: 500 and 503" "$(grep ^get out | cut -d ' ' -f 2 | sort -u |
    xargs)" "500 503"
raw --seed 3 --agents 20 --queues 5 --fault rest-429=1 -- $get
is "rest-429: with Retry-After" "$(grep ^get out | cut -d ' ' -f 2,4)" "429 1"
raw --seed 3 --agents 20 --queues 5 --fault rest-hang=1 -- ${get#get } \
    2> /dev/null || :
raw --seed 3 --agents 20 --queues 5 --fault rest-hang=1 -- ask-$get silent
is "rest-hang: silence, and no waiting for it at the end" \
    "$(tail -n 1 out) $(total restHung)" "silent 1"
many=$get
for i in 1 2 3 4 5 6; do many="$many $many"; done
raw --seed 3 --agents 20 --queues 5 --fault rest-garbage=1 -- $many
}
is "rest-garbage: always 200" "$(grep -c '^get 200' out)" 64
ok "rest-garbage: in many ways" [ "$(sed -n 's/^get 200 [0-9]* - //p' out |
    sort -u | wc -l)" -ge 8 ]
is "rest-garbage: none can be believed" "$(sed -n 's/^get 200 [0-9]* - //p' out |
    jq -R 'fromjson? | select(type == "object" and (.userId | type) == "string")' |
    wc -l)" 0

# --- odd frames -----------------------------------------------------------

# What RFC 6455 has a client do: go on, or fail the connection with a code.
while read -r kind code; do
	timeout 60 gc-sim --rate 100 --fault "odd=$kind:3" -- \
	    gc-subscribe $fast -n 7 > out 2> err < /dev/null
	status=$?
	if [ "$code" = - ]; then
		is "odd=$kind: gone on with" "$status $(grep -c gc:open out) $(
		    grep -c gc:closed out)" "0 1 1"
	elif [ "$code" = close ]; then
		is "odd=$kind: a close like any other" "$status $(grep -c \
		    '"gc:closed".*"by":"server"' out | sed 's/[1-9].*/some/')" \
		    "0 some"
	else
		is "odd=$kind: $code" "$status $(grep -c \
		    "sim:close.*\"by\":\"client\",\"code\":$code" err |
		    sed 's/[1-9].*/some/')" "0 some"
	fi
done << 'E'
ping-mid -
line-break -
pong -
empty -
close-empty close
close-short 1002
close-1005 1002
close-1015 1002
close-65535 1002
close-utf8 1007
text-utf8 1007
reserved 1002
compressed 1002
opcode 1002
opcode-control 1002
masked 1002
length-top 1002
length-padded 1002
continuation 1002
nested 1002
ping-fragment 1002
ping-long 1002
E
told --rate 500 --events 12 --fault odd=line-break:3 --fault odd=ping-mid:4 -- \
    quiet err
is "odd: every N events, kinds together; the event is in it" \
    "$(total odd) $(frames 01) $(frames 89) $(frames 81)" "6 3 6 9"
is "odd: said" "$(grep -h sim:odd err | jq -r .kind | sort | uniq -c |
    xargs)" "3 line-break 3 ping-mid"
is "each kind of --help was tried" "$(gc-sim --help |
    awk '/^Kinds/ { on = 1; next } on && NF == 0 { on = 0 } on' | wc -l)" 22

# --- all together ---------------------------------------------------------

timeout 60 gc-sim --seed 11 --agents 30 --rate 400 --events 600 --truth truth \
    --fault drop=0.05 --fault duplicate=0.05 --fault reorder=0.05 \
    --fault delay=20 --fault cut=200 --fault close=1012:90 --fault stall=0.1 \
    --fault half-open=150 --fault token-life=2 --fault refuse=503:2 \
    --fault slow-upgrade=1 --fault rest-slow=5 \
    --fault rest-fail=0.1 --fault rest-429=0.05 --fault rest-garbage=0.1 \
    --fault storm=1:200 --fault malformed=0.02 --fault oversize=0.01 \
    --fault binary=0.02 --fault fragment=0.1 --fault odd=masked:70 \
    --fault odd=ping-mid:20 -- sh -c 'gc-subscribe '"$fast"' \
    --ping-interval 200ms > out &
    pid=$!
    while ! grep -q sim:quiet err; do sleep 0.05; done
    kill $pid; wait $pid' 2> err
is "all faults at once: it lives, and ends" $? 0
is "and its truth is whole" "$(jq -c 'select(.currentStatus)' truth | wc -l)" 30

# --- the script -----------------------------------------------------------

cat > day << 'E'
# a bad day
at 200ms storm 100	# all within 100 ms

at 300ms odd line-break
at 400ms cut
at 1s set drop=1
at 1s set odd=masked:1000
at 1.2s clear drop
at 1.3s stall 0.2
at 1.6s close 4000
at 2s half-open
at 2500ms revoke
at 2500ms refuse 429 n=2 retry-after=1
at 2500ms rest-down 30
at 3s quiet
at 5s cut
E
cat > inside << 'E'
gc-subscribe --backoff-base 50ms --jitter 10ms --backoff-cap 200ms > out &
pid=$!
while [ "$(grep -c sim:refused err)" -lt 2 ]; do sleep 0.05; done
while ! grep -q '"line":16' err; do sleep 0.05; done
perl "$1" login get "/api/v2/routing/users/x/state" > rest
kill $pid
wait $pid
E
timeout 60 gc-sim --plain --rate 50 --agents 20 --script day -- sh inside \
    "$tests/helpers/raw.pl" 2> err
is "a script: each step in its turn" \
    "$(grep -h sim:script err | jq -r '"\(.line) \(.step)"')" \
"2 storm 100
4 odd line-break
5 cut
6 set drop=1
7 set odd=masked:1000
8 clear drop
9 stall 0.2
10 close 4000
11 half-open
12 revoke
13 refuse 429 n=2 retry-after=1
14 rest-down 30
15 quiet
16 cut"
is "none too early" "$(grep -h sim:script err | jq -c '.afterMs' | head -n 1 |
    awk '{ print ($1 >= 200) }')" 1
ok "storm" has err '"sim:storm".*"agents":20,"ms":100'
ok "odd" has out 'sim:odd.*line-break'
ok "cut" has err '"sim:cut".*"why":"script"'
is "refuse" "$(grep -h sim:refused err | jq .status | head -n 2 | xargs)" "429 429"
ok "stall" has err '"sim:stall".*"ms":200'
ok "close" has err '"sim:close".*"by":"server","code":4000'
ok "half-open" has err sim:half-open
ok "revoke" has err '"sim:cut".*"why":"its token was revoked"'
is "rest-down" "$(grep -c '^get 503' rest)" 1
ok "set and clear: dropped for a while" sh -c '[ "$(jq -rR "fromjson? |
    select(.event == \"sim:totals\") | .dropped > 0 and .sent > 20" err)" = true ]'
is "quiet: nothing changes afterwards" "$(total changes)" \
    "$(grep -h sim:quiet err | jq .events)"

# What a script may not say: line, words of the complaint.
while IFS='|' read -r line why; do
	printf '# fine\nat 1s cut\n%s\n' "$line" > wrong
	gc-sim --script wrong -- true > out 2> err
	is "script '$line' is 64" $? 64
	ok "and said where: $why" has err "gc-sim: wrong:3: .*$why"
done << 'E'
cut|a step is
at|a step is
at 5s|a step is
on 5s cut|a step is
at 5x cut|'5x' is no duration
at -1s cut|no duration
at 5s dance|no such action: dance
at 500ms cut|earlier than the step before
at 5s cut now|cut wants nothing more
at 5s close|close wants CODE
at 5s close 65536|close wants CODE
at 5s close 1000 1001|close wants CODE
at 5s storm fast|storm wants \[MS\]
at 5s stall|stall wants S
at 5s stall 0|stall wants S
at 5s odd|odd wants KIND
at 5s odd frame|odd wants KIND
at 5s refuse|refuse wants STATUS
at 5s refuse n=3|refuse wants STATUS
at 5s refuse 100|refuse wants STATUS
at 5s refuse 503 n=0|refuse wants STATUS
at 5s refuse 503 n=1 n=2|refuse wants STATUS
at 5s refuse 503 after=2|refuse wants STATUS
at 5s rest-down|rest-down wants S
at 5s set|set wants NAME
at 5s set drop|fault drop: the value is P
at 5s set drop=2|fault drop: the value is P
at 5s set drop=0.1 cut=3|set wants NAME
at 5s set nothing=1|no such fault: nothing
at 5s set no-pong=1|fault no-pong takes no value
at 5s clear drop=1|no such fault: drop=1
at 5s clear nothing|no such fault: nothing
at 5s quiet a b c d e f g h|too many words
E
gc-sim --script nowhere -- true 2> err
is "no such script is 64" $? 64
ok "and named" has err nowhere
printf 'at 1s cut\0\n' > wrong
gc-sim --script wrong -- true 2> err
is "a NUL in it is 64" $? 64
: > empty
gc-sim --script empty -- true 2> err
is "an empty one is fine" $? 0

# --- COMMAND --------------------------------------------------------------

mkfifo none
gc-sim --rate 100 > none 2> err &
pid=$!
later $pid
head -n 1 none > first
wait $pid
is "a reader that goes ends it, as it does cat" $? 141
gc-sim --truth nowhere/truth -- true > out 2> err
is "a truth that cannot be written is 73, at the start" "$? $(grep -c '"sim:' err)" \
    "73 0"
ok "the libraries are named" sh -c "gc-sim -V | grep -q 'libmicrohttpd.*OpenSSL'"
rm -f err
gc-sim > out 2> err &
pid=$!
later $pid
wait_for has out sim:org
kill -USR1 $pid
ok "USR1 says its status" wait_for has err '"tool":"gc-sim".*"changes":0'
kill $pid
wait $pid
gc-sim -- sh -c 'echo $$ > its-pid; exec sleep 60' > out 2> err &
pid=$!
later $pid
wait_for [ -s its-pid ]
kill -9 $pid
wait $pid 2> /dev/null
ok "COMMAND does not outlive it" wait_for sh -c "! kill -0 $(cat its-pid)"

long=$(printf '%0200d' 0)
env "GC_X$long=1" GC_REGION=x GENESYSCLOUD_REGION=y HTTPS_PROXY=z XDG_X=1 \
    GC_BUILD=keep gc-sim --truth t -- sh -c 'env | cut -d = -f 1 | grep -E \
    "^(GC_|GENESYS|HTTPS_|XDG_|HOME)" | sort > names
    [ -d "$HOME" ] && [ -d "$XDG_STATE_HOME" ] && [ -r "$GC_CACERT" ] &&
    echo "$HOME" > its-home' > out 2> err
is "COMMAND has our settings and none of the caller's" "$(xargs < names)" \
    "GC_API_URL GC_BUILD GC_CACERT GC_CLIENT_ID GC_CLIENT_SECRET GC_LOGIN_URL GC_SIM_TRUTH GC_WS_URL HOME XDG_CACHE_HOME XDG_CONFIG_HOME XDG_STATE_HOME"
ok "a HOME that is not the caller's" [ "$(cat its-home)" != "$HOME" ]
ok "which is gone afterwards" [ ! -e "$(cat its-home)" ]
is "sim: lines are on stderr, stdout is COMMAND's" \
    "$(grep -c sim: err) $(grep -c sim: out)" "3 0"
gc-sim -- sh -c 'exit 7' 2> err
is "COMMAND's exit code is passed on" $? 7
gc-sim -- sh -c 'kill -9 $$' 2> err
is "128 and the signal" $? 137
gc-sim -- ./no-such-command 2> err
is "no such COMMAND is 127" $? 127
ok "and named" has err "can't run './no-such-command'"
for last in TERM KILL; do
	rm -f hold told
	gc-sim -- sh -c 'trap "echo > told" TERM; echo "$HOME $$" > hold.new
	    mv hold.new hold; while :; do sleep 0.05; done' 2> err &
	pid=$!
	later $pid
	wait_for [ -s hold ]
	read -r home command < hold
	later "$command"
	kill -TERM $pid
	# two that come at once are one
	wait_for [ -e told ]
	kill -$last $pid
	wait $pid 2> /dev/null
	ok "after a second signal ($last) its folder goes all the same" \
	    wait_for [ ! -e "${home%/*}" ]
	kill -KILL "$command"
done
gc-sim -- sh -c 'trap "exit 3" TERM; echo > up; while :; do sleep 0.05; done' \
    2> err &
pid=$!
later $pid
wait_for [ -e up ]
kill $pid
wait $pid
is "TERM goes to COMMAND, and its code comes back" $? 3
raw --plain -v -- get '/api/v2/routing/users/a"b/state' get /nowhere
is "-v says each request" \
    "$(grep -h sim:rest err | jq -r '"\(.path) \(.status)"' | xargs -d '\n')" \
    '/oauth/token 200 /api/v2/routing/users/a?b/state 404 /nowhere 404'

while read -r args; do
	# shellcheck disable=SC2086
	gc-sim $args -- true > out 2> err
	is "usage: $args" "$? $(wc -l < out)" "64 0"
done << 'E'
--agents 0
--agents many
--queues 0
--rate -1
--seed -1
--events 0
--port 0
--port 65536
--fault
--fault nothing
--fault drop
--fault drop=
--fault drop=1.1
--fault drop=-0.1
--fault drop=0.1:0.2
--fault delay=x
--fault cut=0
--fault close=1000
--fault close=65536:3
--fault close=1000:3:4
--fault no-pong=1
--fault stall=0
--fault half-open=0
--fault token-life=0
--fault refuse=99:1
--fault refuse=101:1
--fault refuse=200:1
--fault refuse=600:1
--fault refuse=503:0
--fault refuse=503:1:x
--fault storm=1
--fault storm=0:100
--fault odd=masked
--fault odd=nothing:3
--fault odd=masked:0
--nonsense
E
# --- the page ---------------------------------------------------------------

page=$tests/../man/gc-sim.1
gc-sim --help | awk '/^Faults/ { on = 1 } /^Durations/ { on = 0 }
    on && /^  / { sub(/=.*/, "", $1); print $1 }' > names
ok "--help has the faults" lines names . 47
is "gc-sim(1) has each fault and kind" "$(while read -r name; do
	grep -Eq "^\.It (Cm )?$name( |\$)" "$page" || echo "$name"
    done < names)" ""
sed -n "/^at 2s/,/^\.Ed/p" "$page" | sed '$d' > day
ok "its bad day is long enough" lines day "^at " 9
gc-sim --script day -- true 2> err
is "and understood" $? 0
timeout 20 gc-sim --plain > /dev/full 2> err
is "with a full disk nobody has its addresses: 74" $? 74
done_testing
