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
	    perl "$tests/helpers/raw.pl" login "$@" > out 2> err
}

# told KIND ARGS -- ACTIONS: the same with a socket that is told of
# everybody's KIND, as ".activity"
told() {
	kind=$1
	shift
	args=
	while [ "$1" != -- ]; do
		args="$args $1"
		shift
	done
	shift
	# shellcheck disable=SC2086
	raw $args -- channel connect 1 follow "$kind" "$@"
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
done_testing
