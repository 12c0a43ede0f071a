# What is measured: for each group its sides, and a function each that runs
# the side once, on the file that it is given.  Read by scripts/bench, which
# sets $lap: what a command is measured with, or nothing while it is checked
# that the sides agree.  The first side is ours; `normal` makes the outputs
# comparable, save those of a floor, which does less than the others.
# shellcheck shell=sh disable=SC2086

groups='reduce changes dedup scan subscribe pipeline latency agent memory
    start state load growth queue cache'
floors='reduce_scan dedup_cat scan_split cache_hset cache_pair'

# own COMMAND...: one that measures itself, and prints it
own() {
	"$@" > own || return 1
	if [ -z "$lap" ]; then
		jq -c .sum own
	else
		sed "s/^{/{\"group\":\"$group\",\"side\":\"$side\",\"round\":$round,\"events\":$events,/" \
		    own >> samples
	fi
}

without_time() { sed 's/"at":"[^"]*"/"at":0/'; }

# --- the reducer ------------------------------------------------------------

sides_reduce='ours scan node python jq miller'

reduce_ours() { $lap gc-reduce --snapshot -v < "$1" 2> counts; }
reduce_scan() { $lap "$bin/scan" strict < "$1"; }
reduce_node() { $lap node "$peers/reduce.mjs" < "$1"; }
reduce_python() { $lap python3 "$peers/reduce.py" < "$1"; }
reduce_jq() { $lap jq -nc -f "$peers/reduce.jq" < "$1"; }
reduce_miller() { $lap mlr --ijsonl --ojsonl put -q -f "$peers/reduce.mlr" < "$1"; }

normal_reduce() {
	case $1 in
	ours)
		jq -Sc 'def tier: {currentStatus, previousStatus, wrapUpCode,
			lastUpdatedTimestamp};
		    {userId, global: (if .currentStatus then tier else null end),
		     queues: (.queues | map_values(tier))}'
		sed 's/.*\(events=[0-9]*\) \(applied=[0-9]*\) \(stale=[0-9]*\) \(duplicate=[0-9]*\) .*/\1,\2,\3,\4/
		    s/\([a-z]*\)=/"\1":/g; s/.*/{"counts":{&}}/' counts | jq -Sc .
		;;
	# Miller has no null to give
	*) jq -Sc 'if .userId then .global //= null else . end' ;;
	esac
}

# --- a line a change --------------------------------------------------------

sides_changes='ours node'

changes_ours() { $lap gc-reduce -q < "$1"; }
changes_node() { $lap node "$peers/changes.mjs" < "$1"; }
normal_changes() { without_time; }

# --- the window -------------------------------------------------------------

sides_dedup='ours node cat'

dedup_ours() { $lap gc-dedup -q --clock=event < "$1"; }
dedup_node() { $lap node "$peers/dedup.mjs" < "$1"; }
dedup_cat() { $lap sh -c 'cat | cat' < "$1"; }
normal_dedup() { cat; }

# --- parsers alone ----------------------------------------------------------

sides_scan='ours libjq simdjson split'

scan_ours() { own "$bin/scan" strict "$1"; }
scan_libjq() { own "$bin/scan" libjq "$1"; }
scan_simdjson() { own "$bin/simdjson" "$1"; }
scan_split() { own "$bin/scan" split "$1"; }
normal_scan() { cat; }

# --- over TLS ---------------------------------------------------------------

# serve [-p RATE] COUNT FILE: blast, ready; its address in $url
serve() {
	rm -f port
	"$bin/blast" -c cert.pem -k key.pem -o port "$@" &
	server=$!
	while [ ! -s port ]; do
		kill -0 $server 2> /dev/null || return 1
		sleep 0.02
	done
	port=$(cat port)
	url=wss://localhost:$port/
	GC_WS_URL=$url
	export GC_WS_URL
}

# The server ends when its client has, and not well if that did not come, or
# left too early.
served() {
	status=$?
	[ $status = 0 ] || kill $server 2> /dev/null
	wait $server && return $status
}

subscribe='gc-subscribe -q --buffer 1G'

sides_subscribe='ours node slow raw'

# To a reader, as in use: what is no pipe gc-subscribe writes to by the page.
subscribe_ours() {
	serve $events "$1" || return 1
	$lap $subscribe -n $events | cat
	served
}
subscribe_node() {
	serve $events "$1" || return 1
	$lap node "$peers/subscribe.mjs" $url --fast | cat
	served
}
subscribe_slow() {
	serve $events "$1" || return 1
	$lap node "$peers/subscribe.mjs" $url | cat
	served
}
subscribe_raw() {
	serve $events "$1" || return 1
	$lap "$bin/sink" $port | cat
	served
}
normal_subscribe() { grep -v '"event":"gc:'; }

# --- socket to roster -------------------------------------------------------

sides_pipeline='ours node'

pace=

# Of several laps of one side and round the parts count together.
pipeline_ours() {
	serve $pace $events "$1" || return 1
	$lap $subscribe -n $events | $lap gc-dedup -q --clock=event |
	    $lap gc-reduce -q
	served
}
pipeline_node() {
	serve $pace $events "$1" || return 1
	$lap node "$peers/pipeline.mjs" $url
	served
}
normal_pipeline() { grep -E '"event":"gc:(agent|gap)"' | without_time; }

# The same at a storm's pace, for the memory: at full speed what waits
# between the stages counts.
sides_storm=$sides_pipeline
storm_ours() { at_pace pipeline_ours "$1"; }
storm_node() { at_pace pipeline_node "$1"; }
at_pace() {
	pace='-p 20000'
	"$@"
	set -- $?
	pace=
	return "$1"
}

# --- how late ---------------------------------------------------------------

sides_latency='ours node slow'
sides_agent='ours'
late() { "$bin/late" -s $((events / 10)); }

latency_ours() {
	serve -p 1000 $events "$1" || return 1
	$subscribe -n $events | own late
	served
}
latency_slow() {
	serve -p 1000 $events "$1" || return 1
	node "$peers/subscribe.mjs" $url | own late
	served
}
latency_node() {
	serve -p 1000 $events "$1" || return 1
	node "$peers/subscribe.mjs" $url --fast | own late
	served
}
agent_ours() {
	serve -p 1000 $events "$1" || return 1
	$subscribe -n $events | gc-reduce -q | own late
	served
}

# --- memory, starts, the state file, growth ---------------------------------

sides_memory='all tenth one'
memory_all() { $lap gc-reduce -q < "$1"; }
memory_tenth() { head -n $events "$1" | $lap gc-reduce -q; }
memory_one() { memory_tenth "$1"; }

sides_start='dedup reduce subscribe node'
start_dedup() { $lap -n 50 gc-dedup --help; }
start_reduce() { $lap -n 50 gc-reduce --help; }
start_subscribe() { $lap -n 50 gc-subscribe --help; }
start_node() { $lap -n 5 node -e 0; }

sides_state='ours without'
state_ours() {
	rm -f roster*
	"$bin/events" -a $agents -p 20000 $events |
	    $lap gc-reduce -q -s roster
}
state_without() {
	"$bin/events" -a $agents -p 20000 $events | $lap gc-reduce -q
}

sides_load='ours'
load_ours() {
	if [ ! "$1" -ot loaded ]; then
		rm -f loaded
		gc-reduce -q -s loaded < "$1" > /dev/null || return 1
	fi
	$lap gc-reduce -q -s loaded < /dev/null
}

sides_growth='few many'
growth_few() { $lap gc-reduce -q < "$1"; }
growth_many() { $lap gc-reduce -q < wide; }

# --- past one process -------------------------------------------------------

# What was put, while the sides are compared.
shown() { [ -n "$lap" ] || "$@"; }

sides_queue='ours nosync cat sync get'
queue_ours() {
	rm -rf queue
	$lap gc-queue put -q dir:queue < "$1" || return 1
	shown gc-queue get -q dir:queue
}
queue_nosync() {
	rm -rf queue
	$lap gc-queue put -q --sync none dir:queue < "$1" || return 1
	shown gc-queue get -q dir:queue
}
queue_cat() {
	rm -f copy
	$lap cat < "$1" > copy || return 1
	shown cat copy
}
queue_sync() {
	rm -f copy
	$lap dd bs=1M conv=fdatasync status=none of=copy < "$1" || return 1
	shown cat copy
}
queue_get() {
	rm -rf queue
	gc-queue put -q dir:queue < "$1" || return 1
	$lap gc-queue get -q dir:queue
}
normal_queue() { cat; }

# A server of its own; ended by what is in redis.pid.
redis_up() {
	redis-server --port 0 --unixsocket "$work/redis" --save '' \
	    --appendonly no --daemonize yes --pidfile "$work/redis.pid" \
	    > /dev/null || return 1
	while ! redis-cli -s "$work/redis" ping > /dev/null 2>&1; do
		sleep 0.02
	done
}
redis_down() {
	status=$?
	shown redis-cli -s "$work/redis" --raw hvals gc:agents
	kill "$(cat "$work/redis.pid")"
	while [ -e "$work/redis.pid" ]; do sleep 0.02; done
	return $status
}
# lines FILE: what gc-cache reads
records() { [ "$1" -ot "$1.records" ] || gc-reduce -q < "$1" > "$1.records"; }

# The floors: the two commands of a line that the contract wants, and the
# first of them alone.
sides_cache='ours pair hset'
cache_ours() {
	records "$1" && redis_up || return 1
	$lap gc-cache put -q "redis+unix://$work/redis" < "$1.records" \
	    > /dev/null
	redis_down
}
cache_pair() { cache_raw "$1" HSET,PUBLISH; }
cache_hset() { cache_raw "$1" HSET; }
cache_raw() {
	records "$1" && redis_up || return 1
	[ "$1" -ot "$1.$2" ] || awk -v commands="$2" -f "$peers/resp.awk" \
	    < "$1.records" > "$1.$2"
	$lap redis-cli -s "$work/redis" --pipe < "$1.$2" > /dev/null
	redis_down
}
