#!/bin/sh
# gc-sim --protocol channels: the platform's shapes and limits, each by what
# it does on the wire.
. "$(dirname "$0")/tap.sh"
tests=$(cd "$(dirname "$0")" && pwd)
cd "$dir" || exit 1
api=/api/v2
topics=$api/notifications/channels/@1/subscriptions

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
	timeout 60 gc-sim --plain --protocol channels $args -- \
	    perl "$tests/helpers/raw.pl" login "$@" > out 2> err ||
	    echo "$?: $(grep -v '^{' err | head -n 1):$args -- $*" >> unwell
}
: > unwell

# told KIND ARGS -- ACTIONS: the same with a socket that is told of
# everybody's KIND, as ".activity"
told() {
	whose=$1
	shift
	args=
	while [ "$1" != -- ]; do
		args="$args $1"
		shift
	done
	shift
	# shellcheck disable=SC2086
	raw $args -- channel connect 1 follow "$whose" "$@"
}

# frames: the text frames of out, as JSON; events: without metadata
frames() { sed -nE 's/^[0-9]+ 81 [0-9]+ (\{.*\})$/\1/p' out; }
events() { frames | jq -c 'select(.topicName != "channel.metadata")'; }

# calls: what the calls of out were answered: status, body
calls() { sed -nE 's/^call ([0-9]+) [^ ]+ [^ ]+ (.*)$/\1 \2/p' out; }
# bodies: the bodies of those with 200
bodies() { calls | sed -n 's/^200 //p'; }
statuses() { calls | cut -d ' ' -f 1 | xargs; }

# said WHAT: gc-sim's lines of that name
said() { jq -cR "fromjson? | select(.event == \"sim:$1\")" err; }
total() { said totals | jq ".$1"; }

# --- the org ----------------------------------------------------------------

told .activity --seed 7 --agents 8 --queues 4 --rate 400 --events 300 \
    --truth truth -- quiet err
is "every change is told" "$(events | wc -l)" 300
is "in a frame of this shape" "$(events | jq -c '[keys, (.metadata | keys),
    (.eventBody | keys), .version]' | sort -u)" \
    '[["eventBody","metadata","topicName","version"],["CorrelationId"],["activeQueueIds","dateActiveQueuesChanged","id","outOfOffice","presence","routingStatus"],"2"]'
is "the topic names whose it is" "$(events | jq -c 'select(.topicName !=
    "v2.users.\(.eventBody.id).activity")' | wc -l)" 0
is "no two have one CorrelationId" \
    "$(events | jq -r .metadata.CorrelationId | sort | uniq -d | wc -l)" 0
is "times of a part never go back" "$(events | jq -sc '[group_by(.topicName)[]
    | [.[1:], .[:-1]] | transpose[] | map(.eventBody)
    | select(.[0].routingStatus.startTime < .[1].routingStatus.startTime or
    .[0].presence.modifiedDate < .[1].presence.modifiedDate or
    .[0].dateActiveQueuesChanged < .[1].dateActiveQueuesChanged)] | length')" 0
is "a part that has changed has another time" "$(events | jq -sc '
    def parts: [[.routingStatus.status, .routingStatus.startTime],
    [.presence.presenceDefinition, .presence.modifiedDate],
    [.activeQueueIds, .dateActiveQueuesChanged]];
    [group_by(.topicName)[] | [.[1:], .[:-1]] | transpose[]
    | map(.eventBody | parts) | transpose[]
    | select((.[0][0] == .[1][0]) != (.[0][1] == .[1][1]))] | length')" 0
is "all routing statuses come" "$(events | jq -r \
    .eventBody.routingStatus.status | sort -u | xargs)" \
    "COMMUNICATING IDLE INTERACTING NOT_RESPONDING OFF_QUEUE"
is "presences as events spell them" "$(events | jq -r \
    .eventBody.presence.presenceDefinition.systemPresence | sort -u | xargs)" \
    "AVAILABLE AWAY BREAK BUSY IDLE MEAL MEETING OFFLINE ON_QUEUE TRAINING"
is "on queue nobody is OFF_QUEUE" "$(events | jq -c '.eventBody |
    select(.presence.presenceDefinition.systemPresence == "ON_QUEUE" and
    .routingStatus.status == "OFF_QUEUE")' | wc -l)" 0
ok "off queue mostly" [ "$(events | jq -sc '[.[].eventBody |
    select(.presence.presenceDefinition.systemPresence != "ON_QUEUE")] |
    (map(select(.routingStatus.status == "OFF_QUEUE")) | length) * 10 >
    length * 6')" = true ]
events | jq -sc 'group_by(.topicName)[] | .[-1].eventBody | [.id,
    .routingStatus, .presence.presenceDefinition.systemPresence,
    .presence.modifiedDate, .activeQueueIds, .dateActiveQueuesChanged]' > last
jq -c '[.userId, {status: .currentStatus, startTime: .lastUpdatedTimestamp},
    .presence.currentStatus, .presence.lastUpdatedTimestamp,
    .activeQueues.ids, .activeQueues.lastUpdatedTimestamp]' truth > tiers
is "the truth ends as the frames did" "$(cat last)" "$(cat tiers)"
is "it is sorted by userId" "$(jq -r .userId truth)" \
    "$(jq -r .userId truth | LC_ALL=C sort)"
is "in gc-reduce's field names" "$(jq -c '[keys, (.presence | keys),
    (.activeQueues | keys)]' truth | sort -u)" \
    '[["activeQueues","currentStatus","lastUpdatedTimestamp","name","presence","previousStatus","queueId","queues","userId","wrapUpCode"],["currentStatus","label","lastUpdatedTimestamp"],["ids","lastUpdatedTimestamp"]]'

# The same org and agents as in events: queues, teams, ids.
timeout 60 gc-sim --seed 7 --agents 8 --queues 4 --truth events -- true 2> err2
is "the same agents as in events" "$(jq -r .userId events)" \
    "$(jq -r .userId truth)"
is "and queues and teams" "$(said org | jq -c 'del(.at)')" \
    "$(jq -cR 'fromjson? | select(.event == "sim:org") | del(.at)' err2)"

# REST says the same, when it is quiet.
told .activity --seed 7 --agents 8 --queues 4 --rate 400 --events 100 \
    --truth truth -- quiet err call GET \
    "$api/users?pageSize=500&expand=presence,routingStatus" ''
is "REST says the truth" "$(bodies | jq -c '.entities[] | [.id, .name,
    .state, .routingStatus.userId, .routingStatus.status,
    .routingStatus.startTime, .presence.modifiedDate,
    (.presence.presenceDefinition.systemPresence | ascii_upcase |
    sub(" "; "_"))]')" "$(jq -c '[.userId, .name, "active", .userId,
    .currentStatus, .lastUpdatedTimestamp, .presence.lastUpdatedTimestamp,
    .presence.currentStatus]' truth)"

# --- channels ---------------------------------------------------------------

raw -- channel channel call GET $api/notifications/channels '' \
    call HEAD $api/notifications/channels/@1 '' \
    call HEAD $api/notifications/channels/streaming-0-none '' \
    call GET $api/notifications/channels/streaming-0-none/subscriptions ''
is "a list of one's own; HEAD says whether it is there" "$(statuses)" \
    "200 200 404 404"
is "a channel has these fields" "$(bodies | jq -c '.entities |
    [length, (.[0] | keys)]')" '[2,["connectUri","expires","id"]]'
is "its id is long, as a secret is" \
    "$(bodies | jq '.entities[0].id | length >= 40')" true
is "it lives for a day" "$(sed -n 's/^channel 200 //p' out | head -n 1 |
    sed 's/\..*/Z/' | jq -R '(fromdate - now + 30) / 3600 | floor')" 24
raw -- channel login channel call GET $api/notifications/channels '' \
    call GET "$api/notifications/channels?includechannels=oauthclient" '' \
    call PUT $topics '[]'
is "another token's: only with includechannels, and without its id" \
    "$(bodies | jq -c '[.entities[] | has("id")]' | head -n 2 | xargs)" \
    "[true] [true,false]"
is "but it may use it: they are one client's" "$(statuses)" "200 200 200"

# A socket counts from a little behind its 101: what it answers says so.
raw --rate 100 -- channel connect 1 text '{"message":"ping"}' until pong \
    swap connect 1 swap until ' 88 ' swap follow .activity until v2.users
is "no bearer is asked for at connectUri" \
    "$(grep ^upgrade out | cut -d ' ' -f 2,5 | xargs)" \
    "101 accepted 101 accepted"
is "one socket a channel: the second disconnects the first" \
    "$(said close | jq -c '[.by, .code]' | head -n 1)" '["server",1001]'
raw -- channel upgrade
is "the other protocol's socket is not there" \
    "$(grep ^upgrade out | cut -d ' ' -f 2)" 404
raw -- channel call GET /channels/@1 '' call GET /channels/streaming-0-no ''
is "connectUri without an upgrade is 426, a wrong one 404" "$(statuses)" \
    "426 404"
raw -- channel connect 1 call DELETE $topics '' hangup \
    call HEAD $api/notifications/channels/@1 '' connect 1
is "a channel outlives its socket" "$(statuses) $(grep -c accepted out)" \
    "204 200 2"

# 20 channels a client; without a socket goes first, the least recent.
many=$(i=0; while [ $i -lt 18 ]; do echo channel; i=$((i + 1)); done)
# shellcheck disable=SC2086
raw --rate 10 -- channel connect 1 channel $many channel \
    call HEAD $api/notifications/channels/@1 '' \
    call HEAD $api/notifications/channels/@2 '' \
    call HEAD $api/notifications/channels/@3 '' \
    call PUT $api/notifications/channels/@3/subscriptions '[]' channel \
    call HEAD $api/notifications/channels/@3 '' \
    call HEAD $api/notifications/channels/@4 ''
is "the 21st evicts the least recent without a socket" "$(statuses)" \
    "200 404 200 200 200 404"
is "as the totals say" "$(total channels) $(total evicted)" "22 2"
pairs=$(for i in $(seq 2 20); do echo "channel connect $i text \
    {\"message\":\"ping\"} until pong"; done)
# shellcheck disable=SC2086
raw -- channel connect 1 text '{"message":"ping"}' until pong swap $pairs channel swap until ' 88 ' connect 1 \
    call HEAD $api/notifications/channels/@2 ''
is "if all have one, the least recent: it is told so, then closed" \
    "$(events | jq -c '[(.topicName | sub("streaming.*"; "ID")),
    .eventBody.systemTopicType, .eventBody.reason,
    (.eventBody.channelId | length)]') $(grep -c ' 88 2 ' out)" \
    '["v2.system.no_longer_subscribed.ID","no_longer_subscribed","another_channel_subscribed",44] 1'
is "and 404 from then on, the others not" \
    "$(grep ^upgrade out | tail -n 1 | cut -d ' ' -f 2) $(statuses)" "404 200"

# A channel's time, and what renews it.
raw --fault channel-life=2 -- channel connect 1 until ' 88 ' connect 1 \
    call HEAD $api/notifications/channels/@1 ''
is "channel-life: closed, and 404" "$(said close | jq -c '[.by, .code]' |
    head -n 1) $(statuses) $(grep ^upgrade out | tail -n 1 | cut -d ' ' -f 2)" \
    '["server",1001] 404 404'
ok "said why" has err '"sim:channel-end".*"why":"its time is up"'
is "channel-life: said at its start" "$(said channel | jq .lifeMs)" 2000
raw --fault channel-life=2 --fault rest-slow=800 -- channel \
    call PUT $topics '[]' call POST $topics '[]' call PUT $topics '[]' \
    call HEAD $api/notifications/channels/@1 ''
is "PUT and POST renew it" "$(statuses)" "200 200 200 200"
raw --fault channel-life=2 --fault rest-slow=800 -- channel \
    call DELETE $topics '' call GET $api/nowhere '' \
    call HEAD $api/notifications/channels/@1 ''
is "DELETE does not" "$(statuses)" "204 404 404"
raw --fault rest-slow=50 -- channel call PUT $topics '[]' \
    call GET $api/notifications/channels ''
is "expires is later then" "$({ sed -n 's/^channel 200 //p' out
    bodies | tail -n 1 | jq -r '.entities[0].expires'; } | jq -Rsc \
    'split("\n") | .[0] < .[1]')" true
raw --fault token-life=2 -- channel connect 1 end login \
    call HEAD $api/notifications/channels/@1 ''
is "token-life: the socket is cut without a word, its channel gone" \
    "$(said cut | jq -r .why) $(grep -c ' 88 ' out) $(statuses)" \
    "its token ended 0 404"
raw -- channel connect 1 text '{"message":"ping"}' until pong \
    call DELETE $api/tokens/me '' until ' 88 ' \
    call GET $api/tokens/me '' login call GET $api/tokens/me '' \
    call HEAD $api/notifications/channels/@1 ''
is "DELETE tokens/me: revoked, its channel too" "$(statuses)" \
    "204 401 200 404"
is "which is told so" "$(events | jq -c '[.eventBody.systemTopicType,
    .eventBody.reason]')" '["token_revoked","user_tokens_revoked"]'

# --- topics -----------------------------------------------------------------

timeout 60 gc-sim --seed 3 --agents 20 --queues 5 --truth truth -- true 2> err
user=$(sed -n 5p truth | jq -r .userId)
queue=$(said org | jq -r '.queueIds[0]')
# list TOPIC...: as a body
list() { printf '%s\n' "$@" | jq -Rnc '[inputs | {id: .}]'; }
raw --seed 3 --agents 20 --queues 5 -- channel \
    call PUT $topics "$(list "v2.users.$user.presence" \
    "v2.users.$user.presence" "v2.routing.queues.$queue.users")" \
    call POST $topics "$(list "v2.users.$user.activity")" \
    call GET $topics '' \
    call PUT $topics "$(list "v2.users.$user?presence&routingStatus")" \
    call GET $topics '' call DELETE $topics '' call GET $topics ''
is "PUT replaces, POST adds, DELETE empties; each once" "$(bodies | jq -c \
    '[.entities[].id | sub("\\.[0-9a-f-]{36}"; "")] | sort' | xargs)" \
    "[v2.routing.queues.users,v2.users.presence] [v2.routing.queues.users,v2.users.activity,v2.users.presence] [v2.routing.queues.users,v2.users.activity,v2.users.presence] [v2.users?presence&routingStatus] [v2.users?presence&routingStatus] []"
is "each is Permitted" "$(bodies | jq -c '.entities[].state' | sort -u)" \
    '"Permitted"'
# many N: topics as a body
many() {
	jq -nc --argjson n "$1" '[range($n) | tostring | "0000000\(.)"[-8:] |
	    {id: "v2.users.\(.)-0000-4000-8000-000000000000.activity"}]'
}
raw -- channel call PUT $topics "$(many 1000)" \
    call POST $topics "$(list "v2.users.$user.activity")" \
    call PUT $topics "$(many 1001)" call GET $topics ''
is "1,000 topics a channel: one more is 400" "$(statuses)" "200 400 400 200"
is "and changes nothing" "$(bodies | tail -n 1 | jq '.entities | length')" 1000
for wrong in '' '{}' '[' '["a"]' '[{}]' '[{"id":7}]' '[{"id":""}]'; do
	raw -- channel call PUT $topics "$wrong"
	is "no topics: '$wrong' is 400" "$(statuses)" 400
done
long=$(printf '&presence%.0s' $(seq 17))
while read -r topic; do
	raw -- channel call PUT $topics "$(list "$topic")" call PUT \
	    "$topics?ignoreErrors=true" \
	    "$(list "$topic" "v2.users.$user.activity")"
	is "no topic: $topic is 400, or Rejected" \
	    "$(statuses) $(bodies | jq -c '[.entities[].state] | sort')" \
	    '400 200 ["Permitted","Rejected"]'
done << E
v2.users.$user
v2.users.$user.mood
v2.users.$user.presence&routingStatus
v2.users.$user?presence&mood
v2.users.$user?
v2.users..presence
v2.routing.queues.$queue.mood
v2.system.socket_closing
channel.metadata
v2.users.$user?presence$long
E
raw --agents 40 --fault deny=0.5 -- channel follow .activity \
    call GET $topics ''
permitted=$(sed -n 's/^follow //p' out)
ok "deny: some" [ "$permitted" -gt 5 -a "$permitted" -lt 35 ]
is "deny: the rejected name the missing permission" "$(bodies | tail -n 1 |
    jq -c '[.entities[] | select(.state == "Rejected") | [.rejectionReason,
    .missingPermissions]] | unique[]')" \
    '["Missing permissions",["directory:user:view"]]'
denied=$(bodies | tail -n 1 | jq -c '[.entities[] | {id}]')
raw --agents 40 --fault deny=0.5 -- channel call PUT $topics "$denied" \
    call GET $topics ''
is "deny: without ignoreErrors it is 403 for all" "$(statuses) $(calls |
    sed -n 's/^403 //p' | jq -r .code) $(bodies)" \
    '403 200 missing.any.permissions {"entities":[]}'
raw --rate 200 --agents 10 --fault deny=1 -- channel connect 1 \
    follow .activity text '{"message":"ping"}' until pong silent
is "deny: nothing comes" "$(sed -n 's/^follow //p' out) $(events | wc -l)" \
    "0 0"

# What comes of which topic.
kinds() { events | jq -r .topicName | sed 's/.*\.//' | sort -u | xargs; }
for kind in activity presence routingStatus; do
	told ".$kind" --rate 500 --events 100 -- quiet err
	is ".$kind: that alone" "$(kinds)" "$kind"
done
is ".routingStatus: of this shape" "$(events | jq -c '.eventBody | [keys,
    (.routingStatus | keys)]' | sort -u)" \
    '[["id","routingStatus"],["startTime","status"]]'
told .presence --rate 500 --events 100 -- quiet err
is ".presence: of this shape, with no user" "$(events | jq -c '.eventBody |
    [keys, (.presenceDefinition | keys), .source, .primary]' | sort -u)" \
    '[["message","modifiedDate","presenceDefinition","primary","source"],["id","systemPresence"],"PURECLOUD",true]'
told '?presence&routingStatus' --rate 500 --events 100 -- quiet err
is "a combined topic: each under its own name" "$(kinds)" \
    "presence routingStatus"
told '?presence&activity' --rate 500 --events 50 -- quiet err
is "an event a change for each kind" "$(events | jq -r .topicName |
    grep -c activity)" 50
told .activity --rate 500 --events 200 --fault no-modified=0.5 -- quiet err
without=$(events | jq -c 'select(.eventBody.presence | has("modifiedDate") |
    not)' | wc -l)
ok "no-modified: some" [ "$without" -gt 60 -a "$without" -lt 140 ]

# beyond FILE: how many lines of the input are not in FILE
beyond() { grep -cvFxf "$1"; }
told .activity --rate 500 --events 200 --agents 10 --truth truth \
    --fault no-part=0.5 -- quiet err
is "no-part: parts are left out, each in its turn" "$(events | jq -c '
    .eventBody | [has("routingStatus"), has("presence"),
    has("activeQueueIds")] | select(all | not)' | sort -u | wc -l)" 6
jq -c '[.userId, .lastUpdatedTimestamp, .presence.lastUpdatedTimestamp,
    .activeQueues.ids]' truth > want
is "no-part: never what has changed" "$(events | jq -sc \
    'group_by(.topicName)[] | map(.eventBody) | add |
    select(.presence and .routingStatus and .activeQueueIds) | [.id,
    .routingStatus.startTime, .presence.modifiedDate, .activeQueueIds]' |
    beyond want)" 0
told .presence --rate 500 --events 100 --agents 10 --truth truth \
    --fault secondary=0.5 -- quiet err
is "secondary: of another source, not primary" "$(events | jq -c 'select(
    .eventBody.primary | not) | .eventBody.source' | sort -u)" \
    '"MICROSOFTTEAMS"'
jq -c '["v2.users.\(.userId).presence", .presence.lastUpdatedTimestamp]' \
    truth > want
is "secondary: beside the truth" "$(events | jq -sc 'map(select(
    .eventBody.primary)) | group_by(.topicName)[] | .[-1] |
    [.topicName, .eventBody.modifiedDate]' | beyond want)" 0

# --- the socket -------------------------------------------------------------

told .activity --rate 0.001 --fault heartbeat=0.2 -- read 6
is "a heartbeat, of this shape" "$(frames | sort -u)" \
    '{"topicName":"channel.metadata","eventBody":{"message":"WebSocket Heartbeat"}}'
ok "no more often" [ "$(sed -n 's/ 81 .*Heartbeat.*//p' out |
    sed -n '1h;$G;$p' | xargs | awk '{ print ($1 - $2 >= 700) }')" = 1 ]
told .activity --rate 0.001 -- text '{"message":"ping"}' read 1 \
    frame 89 hello read 1 silent
is "ping is answered, a ping frame too; no heartbeat before its time" \
    "$(sed -nE 's/^[0-9]+ (81|8a) [0-9]+ /\1 /p' out; tail -n 1 out)" \
    '81 {"topicName":"channel.metadata","eventBody":{"message":"pong"}}
8a hello
silent'
told .activity --rate 100 --fault no-pong -- text '{"message":"ping"}' \
    frame 89 x read 9
is "no-pong: neither" "$(frames | grep -c pong) $(grep -c ' 8a ' out)" "0 0"
raw --seed 3 --agents 20 --queues 5 -- channel connect 1 text \
    "{\"message\":\"subscribe\",\"topics\":[\"v2.users.$user.station\"],\"correlationId\":\"a\\u0062\"}" \
    read 1 call GET $topics '' text \
    "{\"message\":\"unsubscribe\",\"topics\":[\"v2.users.$user.station\"]}" \
    read 1 call GET $topics '' text '{"message":"subscribe","topics":["x"]}' \
    read 1 text '{"message":"dance"}' read 1 text '[' read 1 text \
    '{"message":"subscribe","topics":7}' read 1
is "a socket can be subscribed on, and told no" "$(frames | jq -c \
    '[.result, .status, .correlationId]' | xargs)" \
    "[200,subscribed,ab] [200,unsubscribed,null] [400,failure,null] [400,error,null] [400,error,null] [400,failure,null]"
is "with effect" "$(bodies | jq '.entities | length' | xargs)" "1 0"
told .activity --rate 200 --fault socket-closing=10:0.5 -- until \
    socket_closing until ' 88 ' call HEAD $api/notifications/channels/@1 ''
is "socket-closing: told, of this shape" "$(frames | jq -c 'select(.topicName |
    startswith("v2.system")) | [.topicName, .eventBody]')" \
    '["v2.system.socket_closing",{"message":"Websocket closing soon"}]'
is "behind so many events; they go on; then it is closed" "$(awk '
    /socket_closing/ { n = events; at = $1 } / 81 / && /v2.users/ { events++ }
    / 88 / { print n, (events > n), ($1 - at >= 300) }' out)" "10 1 1"
is "the channel is there" "$(statuses)" 200

# --- REST: users ------------------------------------------------------------

raw --agents 23 --truth truth -- $(for i in 1 2 3 4 5 6; do
    echo "call GET $api/users?state=active&pageSize=5&pageNumber=$i -"; done)
is "pages: all, each once, in five" "$(bodies | jq -r '.entities[].id')" \
    "$(jq -r .userId truth)"
is "with counts" "$(bodies | jq -c '[.pageNumber, .pageSize, .total,
    .pageCount, (.entities | length)]' | xargs)" \
    "[1,5,23,5,5] [2,5,23,5,5] [3,5,23,5,5] [4,5,23,5,5] [5,5,23,5,3] [6,5,23,5,0]"
is "and addresses" "$(bodies | head -n 5 | jq -c '[.firstUri, .previousUri,
    .selfUri, .nextUri, .lastUri] | map(if . == null then "-" else
    capture("pageNumber=(?<n>[0-9])").n end) | join("")' | xargs)" \
    "1-125 11235 12345 13455 145-5"
raw --agents 600 -- call GET "$api/users?pageSize=500" '' \
    call GET "$api/users?pageSize=501" '' call GET $api/users '' \
    call GET "$api/users?pageSize=0" '' call GET "$api/users?pageNumber=x" ''
is "a page has 500 at most, 25 else" "$(statuses) $(bodies |
    jq '.entities | length' | xargs)" "200 413 200 400 400 500 25"
is "too large: in the platform's words" "$(calls | sed -n 's/^413 //p' |
    jq -c '[keys, .code, .status, (.contextId | length)]')" \
    '[["code","contextId","details","errors","message","status"],"response.entity.too.large",413,36]'
raw --fault page-max=100 -- call GET "$api/users?pageSize=200" '' \
    call GET "$api/users?pageSize=100" ''
is "page-max" "$(statuses)" "413 200"
raw --agents 200 --fault expand-miss=0.3 -- call GET \
    "$api/users?pageSize=200&expand=presence,routingStatus" ''
for part in presence routingStatus; do
	missed=$(bodies | jq --arg p $part \
	    '[.entities[] | select(has($p) | not)] | length')
	ok "expand-miss: some $part" [ "$missed" -gt 30 -a "$missed" -lt 90 ]
done
raw --seed 3 --agents 20 --queues 5 -- call GET "$api/users?id=$user,x" '' \
    call GET "$api/users/$user?expand=routingStatus" '' \
    call GET "$api/users/$user" '' call GET $api/users/nobody '' \
    call GET "$api/users/$user/routingstatus" '' \
    call GET $api/users/nobody/routingstatus '' \
    call GET "$api/users/$user/presences/purecloud" '' \
    call GET $api/users/nobody/presences/purecloud '' \
    call GET "$api/users/presences/purecloud/bulk?id=$user,nobody" '' \
    call GET "$api/users/$user/queues" ''
is "one user: 404 for nobody, save the routing status" "$(statuses)" \
    "200 200 200 404 200 200 200 404 200 200"
is "ids; expands only if asked for" "$(bodies | head -n 3 | jq -c '[.total,
    has("routingStatus"), has("presence")]' | xargs)" \
    "[1,false,false] [null,true,false] [null,false,false]"
is "nobody is OFF_QUEUE" "$(bodies | sed -n 5p)" \
    '{"userId":"nobody","status":"OFF_QUEUE"}'
is "somebody's have these fields" "$(bodies | sed -n '4p;6p' | jq -c keys |
    xargs)" "[startTime,status,userId] [id,message,modifiedDate,presenceDefinition,primary,selfUri,source]"
is "presences in bulk: of those that are there" \
    "$(bodies | sed -n 7p | jq -c '[.[].userId]')" "[\"$user\"]"
raw -- call GET \
    "$api/users/presences/purecloud/bulk?id=$(seq -s , 51)" '' \
    call POST $api/workforcemanagement/users/activity '{"userIds":[]}'
is "50 at most; workforce management is 403" "$(statuses)" "400 403"
raw --seed 3 --agents 20 --queues 5 --fault wfm -- \
    call POST $api/workforcemanagement/users/activity \
    "{\"userIds\":[\"$user\",\"nobody\"]}" \
    call POST $api/workforcemanagement/users/activity '[]'
is "wfm: bodies as frames have them" "$(statuses) $(bodies | jq -c \
    '[.entities[] | keys]')" \
    '200 400 [["activeQueueIds","dateActiveQueuesChanged","id","outOfOffice","presence","routingStatus"]]'

# --- REST: queues, teams, presences -----------------------------------------

timeout 60 gc-sim --seed 3 --agents 300 --queues 2 -- true 2> err
queue=$(said org | jq -r '.queueIds[1]')
team=$(said org | jq -r '.teamIds[1]')
members=$api/routing/queues/$queue/members
raw --seed 3 --agents 300 --queues 2 -- \
    call GET "$members?pageSize=100" '' \
    call GET "$members?pageSize=100&pageNumber=2" '' \
    call GET "$members?pageSize=100&pageNumber=3" '' \
    call GET "$members?pageSize=101" '' \
    call GET "$members?joined=true&pageSize=100" '' \
    call GET $api/routing/queues/nowhere/members '' \
    call GET "$api/routing/queues/$queue" '' call GET $api/routing/queues ''
is "members: 100 a page, 404 for no queue" "$(statuses)" \
    "200 200 200 400 200 404 200 200"
is "no total; nextUri leads on, to an end" "$(bodies | head -n 3 | jq -c \
    '[has("total"), (.nextUri // "" | sub(".*Number="; ""))]' | xargs)" \
    "[false,2&pageSize=100] [false,3&pageSize=100] [false,]"
bodies | head -n 3 | jq -r '.entities[].id' > met
ok "members are many, each once" [ "$(wc -l < met)" -gt 200 -a \
    "$(wc -l < met)" -eq "$(sort -u met | wc -l)" ]
is "joined" "$(bodies | sed -n 4p | jq -c '[.entities[].joined] | unique')" \
    '[true]'
is "a queue's name" "$(bodies | sed -n 5p | jq -r .name) $(bodies |
    tail -n 1 | jq .total)" "Queue 2 2"
raw --seed 3 --agents 300 --queues 2 -- \
    call GET "$api/teams/$team/members?pageSize=100" '' \
    call GET "$api/teams/$team" '' call GET $api/teams '' \
    call GET $api/teams/nowhere/members '' \
    call GET "$api/teams/$team/members?after=x" ''
is "a team's members: 404 for no team, 400 for no cursor" "$(statuses)" \
    "200 200 200 404 400"
bodies | head -n 1 | jq -r '.entities[].id' > whole
: > met
next="$api/teams/$team/members?pageSize=20"
while [ -n "$next" ]; do
	raw --seed 3 --agents 300 --queues 2 -- call GET "$next" ''
	bodies | jq -r '.entities[].id' >> met
	next=$(bodies | jq -r '.nextUri // empty | select(test("after="))')
done
ok "some" [ "$(wc -l < met)" -gt 40 ]
ok "by cursor they are the same" cmp met whole
raw -- call GET $api/presence/definitions '' \
    call GET "$api/presencedefinitions?pageSize=10&pageNumber=2" ''
is "presence definitions, new and old" "$(bodies | jq -c \
    '[(.entities | length), (.entities[0] | keys)]' | xargs)" \
    "[15,[deactivated,divisionId,id,languageLabels,selfUri,systemPresence,type]] [5,[deactivated,id,languageLabels,name,primary,selfUri,systemPresence]]"
is "spelt as definitions have it" "$(bodies | head -n 1 |
    jq -r '.entities[5] | "\(.systemPresence) \(.languageLabels.en_US)"')" \
    "OnQueue On Queue"

raw --agents 30 -- call GET \
    "$api/users?pageSize=9&expand=a%26b%20%22c&id=" '' \
    call GET $api/notifications/availabletopics ''
is "addresses are escaped" "$(bodies | head -n 1 | jq -r .selfUri)" \
    "/api/v2/users?pageNumber=1&pageSize=9&expand=a%26b%20%22c&id="
is "available topics" "$(bodies | tail -n 1 | jq -c '[.entities[].id] |
    length, .[0]' | xargs)" "4 v2.users.{id}.activity"

# --- all answers ------------------------------------------------------------

raw --fault rate-limit=3 -- call GET $api/users '' call GET $api/teams '' \
    call GET $api/users/x '' call GET $api/users '' login \
    call GET $api/users ''
is "rate-limit: of the client, not the token" "$(statuses)" \
    "200 200 404 429 429"
is "told in each answer" "$(sed -nE \
    's/^call [0-9]+ ([0-9]+\/[0-9]+)\/.*/\1/p' out | xargs)" \
    "1/3 2/3 3/3 4/3 5/3"
is "with Retry-After, until the minute is over" "$(awk '/^call 429/ {
    split($3, r, "/"); print ($4 == r[3] && $4 > 0 && $4 <= 60) }' out |
    sort -u)" 1
is "in the platform's words" "$(calls | sed -n 's/^429 //p' | head -n 1 |
    jq -c '[.code, .status, (.message | sub("[0-9]+"; "N")), .details,
    .errors]')" \
    '["too.many.requests.retry.after",429,"Rate limit exceeded the maximum. Retry the request in [N] seconds",[],[]]'
is "and counted" "$(total rateLimited)" 2
raw -- call GET $api/users '' call GET /nowhere '' \
    call DELETE $api/users '' call GET $api/routing/users/x/state '' \
    call GET $api/platform/notification/events ''
is "300 a minute; 404 elsewhere and in the other protocol" "$(statuses) $(
    sed -n 's/^call 200 \([0-9]*\/[0-9]*\).*/\1/p' out)" \
    "200 404 405 404 404 1/300"
raw -- basic call GET $api/users ''
is "401 without a token" "$(statuses) $(calls | sed 's/[0-9]* //' |
    jq -r .code)" "401 bad.credentials"
timeout 60 gc-sim --plain -- perl "$tests/helpers/raw.pl" login \
    call GET $api/users '' call POST $api/notifications/channels '' \
    call GET $api/tokens/me '' call GET /channels/x '' > out 2> err
is "events: 404 there, save the token" "$(statuses)" "404 404 200 404"
raw --fault rest-429=1:600 -- call GET $api/users ''
is "rest-429: with that Retry-After" "$(sed -n 's/^call //p' out |
    cut -d ' ' -f 1,3)" "429 600"
raw --fault rest-fail=1 -- call POST $api/notifications/channels '' \
    call GET $api/users ''
is "rest-fail" "$(statuses | tr 03 xx)" "5xx 5xx"
raw --fault rest-garbage=1 -- $(for i in $(seq 8); do
    echo "call GET $api/presence/definitions -"; done)
is "rest-garbage: nothing to be believed" "$(statuses | tr ' ' '\n' |
    sort -u) $(bodies | jq -R 'fromjson? | objects | .entities?[14] // empty' |
    wc -l)" "200 0"

raw -v -- channel call PUT $topics '[]' call GET $api/nowhere ''
is "-v says each request, and no channel's id" "$(said rest |
    jq -r '"\(.method) \(.path) \(.status)"')" \
"POST /oauth/token 200
POST $api/notifications/channels 200
PUT $api/notifications/channels/1/subscriptions 200
GET $api/nowhere 404"

# --- signing in -------------------------------------------------------------

verifier=$(printf 'v%.0s' $(seq 60))
challenge=$(printf %s "$verifier" | openssl dgst -binary -sha256 |
    base64 | tr +/ -_ | tr -d =)
redirect=http%3A%2F%2Flocalhost%3A8085%2F
authorize="/oauth/authorize?client_id=gc-sim-client&response_type=code"
authorize="$authorize&redirect_uri=$redirect&state=a%26b%20c"
pkce="&code_challenge=$challenge&code_challenge_method=S256"
form="grant_type=authorization_code&redirect_uri=$redirect"
form="$form&client_id=gc-sim-client"
gc-sim --plain > signing 2> err &
pid=$!
later $pid
wait_for has signing sim:ready
GC_API_URL=$(head -n 1 signing | jq -r .apiUrl)
GC_CLIENT_ID=$(head -n 1 signing | jq -r .clientId)
GC_CLIENT_SECRET=$(head -n 1 signing | jq -r .clientSecret)
export GC_API_URL GC_CLIENT_ID GC_CLIENT_SECRET
ask() { perl "$tests/helpers/raw.pl" "$@" > out; }
code() { sed -n 's/^call 302 .*[?&]code=\([^& ]*\).*/\1/p' out; }
ask call GET "$authorize$pkce" ''
is "sent back with a code, and the state" "$(sed -n \
    's/^call 302 - \([^ ]*\).*/\1/p' out | sed 's/code=[^&]*/code=X/')" \
    'http://localhost:8085/?code=X&state=a%26b%20c'
code=$(code)
ask call POST /oauth/token "$form&code=$code&code_verifier=$verifier" \
    call GET $api/tokens/me ''
is "the code is good for a token, without a secret" "$(statuses) $(bodies |
    head -n 1 | jq -c 'keys')" \
    '200 200 ["access_token","expires_in","refresh_token","token_type"]'
refresh=$(bodies | head -n 1 | jq -r .refresh_token)
again="grant_type=refresh_token&client_id=gc-sim-client&refresh_token"
ask call POST /oauth/token "$form&code=$code&code_verifier=$verifier" \
    call POST /oauth/token "$again=$refresh" \
    call POST /oauth/token "$again=$refresh"
is "once; so is a refresh token" "$(statuses)" "400 200 400"
ok "it comes with another" \
    [ "$(bodies | jq -r .refresh_token)" != "$refresh" ]
is "errors say why" "$(calls | sed -n 's/^400 //p' | head -n 1)" \
    '{"error":"invalid_grant","description":"code not found","error_description":"code not found"}'
refresh=$(bodies | jq -r .refresh_token)
ask call POST /oauth/token "$again=$refresh" call DELETE $api/tokens/me ''
refresh=$(bodies | jq -r .refresh_token)
ask call POST /oauth/token "$again=$refresh"
is "signing out ends what could renew it" "$(statuses)" 400
ask call GET "$authorize$pkce" '' call GET "$authorize" ''
first=$(code | head -n 1) second=$(code | tail -n 1)
ask call POST /oauth/token "$form&code=$first&code_verifier=${verifier}x" \
    call POST /oauth/token "$form&code=$second&code_verifier=$verifier"
is "a wrong verifier is refused; without PKCE a secret is needed" \
    "$(statuses)" "400 400"
ask call GET "$authorize$pkce" '' call GET "$authorize" ''
first=$(code | head -n 1) second=$(code | tail -n 1)
ask basic call POST /oauth/token "$form&code=$second" \
    call POST /oauth/token "grant_type=authorization_code&redirect_uri=x&client_id=gc-sim-client&code_verifier=$verifier&code=$first" \
    call POST /oauth/token "grant_type=client_credentials"
is "with the secret it is; for another redirect_uri it is not" \
    "$(statuses)" "200 400 200"
while read -r query; do
	ask call GET "$query" ''
	is "not sent anywhere: ${query#*\?}" "$(statuses)" 400
done << E
/oauth/authorize?client_id=x&response_type=code&redirect_uri=$redirect
/oauth/authorize?client_id=gc-sim-client&response_type=code&redirect_uri=http%3A%2F%2Fexample.com%2F
/oauth/authorize?client_id=gc-sim-client&response_type=code
$authorize&code_challenge=$challenge
$authorize&code_challenge=short&code_challenge_method=S256
E
unset GC_API_URL GC_CLIENT_ID GC_CLIENT_SECRET
kill $pid
wait $pid
raw --fault deny-login -- call GET "$authorize$pkce" ''
is "deny-login" "$(sed -n 's/^call 302 - \([^ ]*\).*/\1/p' out)" \
    'http://localhost:8085/?error=access_denied&state=a%26b%20c'
raw --fault no-refresh -- call GET "$authorize" ''
is "a code in channels too" "$(code | wc -c)" 44

# --- faults on the socket, as in events -------------------------------------

told .activity --rate 1000 --events 300 --fault drop=0.3 -- quiet err
is "drop: counted" "$(total dropped)" $((300 - $(events | wc -l)))
told .activity --rate 1000 --events 200 --fault duplicate=0.2 -- quiet err
is "duplicate: twice in a row" "$(events | uniq -d | wc -l)" \
    "$(total duplicated)"
told .activity --rate 500 --fault cut=10 -- end
is "cut: said, no close frame" "$(said cut | jq -r .why) $(
    grep -c ' 88 ' out)" "fault cut 0"
told .activity --rate 500 --fault odd=reserved:5 -- read 5
is "odd: the fifth" "$(sed -nE 's/^[0-9]+ (81|a1) .*/\1/p' out | xargs)" \
    "81 81 81 81 a1"
raw --fault refuse=503:1:7 -- channel connect 1 connect 1
is "refuse: the first upgrade" "$(grep ^upgrade out | cut -d ' ' -f 2,4 |
    xargs)" "503 7 101 -"
told .activity --rate 0.001 --agents 30 --fault storm=1:300 --events 90 -- \
    quiet err
is "storm: every agent changes, a few times" \
    "$(events | jq -r .topicName | sort | uniq -c | awk '{ print $1 }' |
    sort -u) $(events | jq -r .topicName | sort -u | wc -l)" "3 30"
told .activity --rate 100 --fault stall=1 -- text '{"message":"ping"}' until pong
is "stall: a pong a second late, events meanwhile" "$(awk '
    / 81 / { if (!from) from = $1; to = $1; n++ }
    END { print (to - from > 700), (n > 30) }' out)" "1 1"

# --- the script -------------------------------------------------------------

cat > day << 'E'
at 100ms join 2 queue=1
at 200ms leave
at 300ms deactivate 3
at 400ms activate
at 500ms join queue=9
at 600ms socket-closing 5
at 700ms evict
at 800ms quiet
at 900ms join
E
timeout 60 gc-sim --seed 3 --queues 3 --agents 40 -- true 2> err
queues=$(said org | jq -c .queueIds)
queue=$(echo "$queues" | jq -r '.[0]')
raw --seed 3 --queues 3 --agents 40 --rate 0.001 --script day --truth truth -- \
    channel connect 1 follow .activity call POST $topics \
    "$(echo "$queues" | jq -c 'map({id: "v2.routing.queues.\(.).users"})')" \
    until ' 88 ' channel connect 2 quiet err \
    call GET "$api/users?pageSize=100" '' \
    call GET "$api/users?pageSize=100&state=inactive" '' \
    call GET "$api/users?pageSize=100&state=any" '' \
    call GET "$api/routing/queues/$queue/members?pageSize=100" ''
is "join, leave, activate: each is said" "$(jq -rR 'fromjson? |
    select(.event | test("join|leave|activate")) |
    .event + " " + (.userId | type)' err)" \
"sim:join string
sim:join string
sim:leave string
sim:deactivate string
sim:deactivate string
sim:deactivate string
sim:activate string
sim:join null"
is "a queue's topic tells who joins and leaves" "$(events | jq -c 'select(
    .topicName | startswith("v2.routing")) | .eventBody |
    [.id, .user.id, .queueId, .joined]')" "$(jq -cR 'fromjson? |
    select((.event == "sim:join" or .event == "sim:leave") and .userId) |
    [.userId, .userId, .queueId, .event == "sim:join"]' err)"
joined=$(said join | jq -r 'select(.userId).userId' | head -n 1)
is "their active queues change with it" "$(events | jq -c --arg u "$joined" \
    --arg q "$queue" 'select(.topicName == "v2.users.\($u).activity") |
    .eventBody.activeQueueIds | index($q) != null' | head -n 1)" true
is "who was deactivated is no active user, nor in the truth" \
    "$(bodies | tail -n 4 | head -n 3 | jq '.total' | xargs) $(
    wc -l < truth)" "38 2 40 38"
gone=$(bodies | tail -n 3 | head -n 1 | jq -r '.entities[0].id')
is "not that one" "$(grep -c "$gone" truth) $(bodies | tail -n 3 |
    head -n 1 | jq -r '.entities[0].state')" "0 inactive"
is "the queue's members are as they were told" "$(bodies | tail -n 1 |
    jq --arg u "$joined" 'any(.entities[]; .id == $u)')" true
is "socket-closing" "$(said socket-closing | jq .graceMs)" 5000
is "evict" "$(frames | grep -c '"systemTopicType":"no_longer_subscribed"')" 1
raw --rate 200 --events 300 --agents 30 --truth truth --fault churn=0.05 -- \
    channel connect 1 follow .activity quiet err call GET \
    "$api/users?pageSize=100&expand=presence,routingStatus" ''
is "churn: people join, leave, come and go" "$(jq -rR 'fromjson? | .event |
    select(test("join|leave|activate"))' err | sort -u | xargs)" \
    "sim:activate sim:deactivate sim:join sim:leave"
is "churn: who is there is the truth" "$(bodies | jq -c '.entities[] | [.id,
    .routingStatus.status, .presence.modifiedDate]')" "$(jq -c '[.userId,
    .currentStatus, .presence.lastUpdatedTimestamp]' truth)"
echo 'at 100ms revoke' > day
told .activity --script day -- until token_revoked until ' 88 ' \
    call HEAD $api/notifications/channels/@1 '' login \
    call HEAD $api/notifications/channels/@1 ''
is "revoke: told, closed; token and channel are gone" "$(statuses)" "401 404"
while IFS='|' read -r line why; do
	printf '%s\n' "$line" > wrong
	timeout 60 gc-sim --protocol channels --script wrong -- true 2> err
	is "script '$line' is 64: $why" \
	    "$? $(grep -c "wrong:1: .*$why" err)" "64 1"
done << 'E'
at 1s evict 0|evict wants \[N\]
at 1s join queue=0|join wants
at 1s leave 1 2|leave wants
at 1s deactivate x|deactivate wants
at 1s socket-closing 0|socket-closing wants
at 1s set heartbeat=x|fault heartbeat
E
for line in 'evict' 'join' 'set heartbeat=1' 'clear deny'; do
	printf 'at 1s %s\n' "$line" > wrong
	timeout 60 gc-sim --script wrong -- true > out 2> err
	is "script '$line' is of channels" "$?" 64
done

is "each of these ended well" "$(cut -c 1-200 unwell)" ""

# --- COMMAND, usage ---------------------------------------------------------

timeout 60 gc-sim --protocol channels -- env 2> err |
    sed -nE 's/^(GC_[A-Z_]*)=.*/\1/p' | grep -v GC_BUILD | sort > names
is "COMMAND knows the protocol, and no GC_WS_URL" "$(xargs < names)" \
    "GC_API_URL GC_CACERT GC_CLIENT_ID GC_CLIENT_SECRET GC_LOGIN_URL GC_PROTOCOL"
is "sim:ready says it" "$(said ready | jq -c '[.protocol, .wsUrl]')" \
    '["channels",null]'
while read -r args; do
	# shellcheck disable=SC2086
	timeout 60 gc-sim $args -- true > out 2> err
	is "usage: $args" "$? $(wc -l < out)" "64 0"
done << 'E'
--protocol
--protocol streams
--fault heartbeat=1
--fault wfm
--protocol channels --fault heartbeat
--protocol channels --fault heartbeat=0
--protocol channels --fault channel-life=0
--protocol channels --fault socket-closing=0
--protocol channels --fault socket-closing=5:0
--protocol channels --fault expand-miss=2
--protocol channels --fault rate-limit=0
--protocol channels --fault page-max=0
--protocol channels --fault wfm=1
E
done_testing
