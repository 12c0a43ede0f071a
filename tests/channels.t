#!/bin/sh
# gc-subscribe in the channels protocol, against tests/platform.pl: the rows
# of CONTRACT section 9's table.  Each scenario is a function that runs under
# the platform, in a folder of its own; what it prints is looked at outside.
here=$(cd "$(dirname "$0")" && pwd)
url=${GC_API_URL-} token_cmd=${GC_TOKEN_CMD-}	# tap.sh unsets what is GC_
. "$here/tap.sh"
fast='--backoff-base 100ms --jitter 20ms --backoff-cap 400ms'

# say to the platform: act ACTION [KEY=VALUE...]
act() {
	action=$1
	shift
	for pair; do
		set -- "$@" --data-urlencode "$pair"
		shift
	done
	curl -sG "$GC_API_URL/do/$action" "$@"
}

opens() { lines out '"gc:open"' "$1"; }
logged() { lines log "$1" "${2:-1}"; }

# begin ARGS of gc-subscribe: in the background, until it is open
begin() {
	rm -f out err
	gc-subscribe $fast "$@" > out 2> err &
	pid=$!
	wait_for up
}

# it is open, or there is nothing to wait for
up() { opens 1 || ! kill -0 $pid 2> /dev/null; }

# end: stop it, its exit code
end() {
	kill -TERM $pid 2> /dev/null
	wait $pid
	echo $? > status
}

events() {
	act users ids=u1,u2,u3
	begin -vv --ping-interval 200ms
	act event user=u1 > /dev/null
	act event user=u3 n=2 > /dev/null
	act say 'text={"topicName":"channel.metadata","eventBody":{"message":"WebSocket Heartbeat"}}'
	act say 'text={"result":"200","status":"subscribed"}'
	act say 'text={"topicName":"v2.system.other","eventBody":{"channelId":"SECRET-9"}}'
	act say 'text=nonsense'
	act event user=u2 > /dev/null
	wait_for lines out '"u2"' 2
	wait_for has out gc:alive
	kill -USR1 $pid
	wait_for has err '"channels":'
	end
}

held() {
	act users ids=u1
	act hold path=PUT
	gc-subscribe -n 2 > out 2> err &
	pid=$!
	wait_for logged '^GET /channels'
	sleep 0.3	# time to print too early
	act say 'text={"topicName":"v2.users.u1.activity","n":1}'
	act say 'text={"topicName":"v2.users.u1.activity","n":2}'
	sleep 0.3
	cp out early
	act release
	wait $pid
	echo $? > status
}

scope() {
	act users ids=u1,u2,u3,u4
	act queue id=q1 ids=u1,u2,u3
	act team id=t1 ids=u2,u3,u4
	act set page=2
	for args in '' '-f userId=u4' '-f queueId=q1' '-f teamId=t1' \
	    '-f queueId=q1 -f teamId=t1' 'v2.routing.queues.q1.users' \
	    '-f userId=u1 -f teamId=t1'; do
		rm -f out
		gc-subscribe -d 300ms $args > out 2> err &
		pid=$!
		wait_for grep -Eq 'gc:open|nobody' out err
		jq -c 'select(.event == "gc:open") |
		    [.scope, .agents, .subscriptions]' out >> scopes
		wait $pid
	done
	gc-subscribe -d 300ms --resume > out 2> err
	cat "$HOME/.local/state/gc/default/subscriptions.ndjson" > registry
	for args in '-f queueId=nope' '-f userId=nope' '-f teamId=nope' \
	    '-f color=red' '-f queueId=a/b' one v2.system.socket_closing \
	    '-f queueId=q1 v2.users.u1.presence'; do
		gc-subscribe -d 5s $args > /dev/null 2>> errors
		echo "$? $args" >> codes
	done
}

members() {
	act users ids=u1,u2
	begin --members 1s
	act users ids=u2,u3
	wait_for has out gc:members
	act event user=u3 > /dev/null
	wait_for has out '"u3","n"'
	end
}

empty() {
	gc-subscribe $fast --members 1s > out 2> err &
	pid=$!
	wait_for grep -q nobody err
	act users ids=u1
	wait_for opens 1
	end
}

rejected() {
	act users ids=u1,u2,u3
	act reject topic=u2
	begin
	end
	mv out out1
	mv err err1
	act reject topic=u
	gc-subscribe -d 10s > out 2> err
	echo $? > status
}

many() {
	act users n=1500
	begin
	wait_for opens 2
	act state > state
	for i in 1 2; do act cut channel=$i; done
	wait_for opens 4
	act event user=u00001 > /dev/null
	act event user=u01500 > /dev/null
	wait_for lines out '"topicName"' 2
	end
}

over() {
	act users n=19001
	gc-subscribe -d 5s > out 2> err
	echo $? > status
}

dropped() {
	act users ids=u1
	begin
	act cut
	wait_for opens 2
	act event user=u1 > /dev/null
	wait_for has out topicName
	act close
	wait_for opens 3
	end
}

evicted() {
	act users ids=u1
	begin
	act evict
	wait_for opens 2
	act evict
	wait_for opens 3
	end
}

closing() {
	act users ids=u1
	begin
	act say 'text={"topicName":"v2.system.socket_closing","eventBody":{"message":"soon","channelId":"SECRET-1"}}'
	wait_for opens 2
	wait_for logged 'CLOSE 1000'
	act event user=u1 > told
	wait_for has out topicName
	end
}

token() {
	act users n=1001
	GC_TOKEN_CMD=$SCENARIO/../mint begin --rotate-before 0
	wait_for opens 6
	end
}

renewal() {
	act users ids=u1
	act set life=2
	begin
	wait_for logged ^PUT 3
	end
}

silence() {
	act users ids=u1
	begin --ping-interval 100ms --silence 500ms
	sleep 1		# pongs alone keep it alive
	cp out alive
	act mute
	wait_for lines out '"silence"' 1
	end
}

shrink() {
	act users n=1500
	begin --members 1s
	wait_for opens 2
	act event user=u01500 > /dev/null
	act users n=1100	# 1,100 need both, 900 do not
	wait_for has out gc:members
	act users ids="$(seq -s, -f u%05g 200 1050)"
	wait_for has out '"not needed"'
	act event user=u01050 > told
	wait_for has out '"u01050","n"'
	act state > state
	end
}

# the old socket is lost while the new channel is on its way
race() {
	act users ids=u1
	begin
	act hold path=POST
	act say 'text={"topicName":"v2.system.socket_closing"}'
	sleep 0.3
	act event user=u1 > /dev/null
	wait_for has out topicName
	act cut
	wait_for has out gc:closed
	act release
	wait_for opens 2
	act event user=u1 > /dev/null
	wait_for lines out topicName 2
	end
}

# the new channel fails at first: the old one goes on
second() {
	act users ids=u1
	begin
	act answer path=POST status=503 times=2
	act answer path=PUT status=500
	act say 'text={"topicName":"v2.system.socket_closing"}'
	wait_for logged ^POST 3
	act event user=u1 > /dev/null
	wait_for opens 2
	act event user=u1 > /dev/null
	wait_for lines out topicName 2
	end
}

failover() {
	act users ids=u1
	begin --max-attempts 3
	act answer path=POST status=503 times=4
	act evict
	wait_for opens 2
	end
}

revoked() {
	act users ids=u1
	GC_TOKEN_CMD='sh -c "echo ${GC_TOKEN_REFUSED-none} >> asked; exec ../mint"'
	export GC_TOKEN_CMD
	begin --rotate-before 0
	act say 'text={"topicName":"v2.system.token_revoked.x"}'
	wait_for opens 2
	end
}

overrun() {
	act users n=1001
	mkfifo pipe
	gc-subscribe $fast --buffer 4096 > pipe 2> err &
	pid=$!
	exec 3< pipe
	wait_for logged ^PUT 2
	for i in 1 2 3 4 5; do act event user=u00001 n=500 > /dev/null; done
	kill -USR1 $pid
	wait_for grep -q '"lost":[1-9]' err
	cat <&3 > out &
	wait_for has out overrun
	end
	wait
}

refused() {
	act users ids=u1
	act answer path=POST status=404
	gc-subscribe $fast -d 5s > out 2>> errs
	echo "$? POST 404" >> codes
	act answer path=POST status=401
	gc-subscribe $fast -d 500ms > out 2>> errs
	echo "$? POST 401 once" >> codes
	act answer path=POST status=401 times=2
	gc-subscribe $fast -d 5s > out 2>> errs
	echo "$? POST 401 twice" >> codes
	act answer path=POST status=403 body='{"code":"missing.permissions","message":"no right","contextId":"ctx-7"}'
	gc-subscribe $fast -d 5s > out 2>> errs
	echo "$? POST 403" >> codes
	act answer path=PUT status=429 head='Retry-After: 1'
	begin -d 5s
	end
	echo "$(cat status) PUT 429" >> codes
	cat err >> errs
	act answer path=users status=503 times=3
	gc-subscribe $fast --max-attempts 2 --give-up -d 5s > out 2>> errs
	echo "$? users 503" >> codes
}

if [ $# -gt 0 ]; then
	export GC_API_URL="$url" GC_TOKEN_CMD="$token_cmd" GC_PROTOCOL=channels
	HOME=$SCENARIO
	cd "$SCENARIO" || exit 1
	"$1"
	exit
fi

# play SCENARIO
play() {
	mkdir -p "$dir/$1" && cd "$dir/$1" || exit 1
	SCENARIO=$dir/$1 timeout 60 perl "$here/platform.pl" log \
	    sh "$here/channels.t" "$1" > said 2>&1
}

# pick FILTER FILE: with jq, on one line
pick() { jq -c "$1" "$2" | tr '\n' ' '; }

play events
is "a clean stop is 0" "$(cat status)" 0
is "what it asks, in this order" "$(grep -Ev 'TEXT|CLOSE' log | sed 's/SECRET-./ID/')" \
'GET /api/v2/users?pageNumber=1&pageSize=500&state=active t0ken
POST /api/v2/notifications/channels t0ken
GET /channels/ID -
PUT /api/v2/notifications/channels/ID/subscriptions?ignoreErrors=true t0ken
DELETE /api/v2/notifications/channels/ID/subscriptions t0ken'
ok "the socket is closed with 1000" has log '^CLOSE 1000$'
is "gc:open says whom it carries" "$(head -n 1 out | jq -c '[.event, .protocol,
    .socket, .sockets, .subscriptions, .rejected, .agents, .resumed, .downtimeMs]')" \
    '["gc:open","channels",0,1,3,0,["u1","u2","u3"],false,null]'
is "events are printed, and nothing else that came" \
    "$(pick 'select(.event | not) | [.eventBody.id, .eventBody.n]' out)" \
    '["u1",1] ["u3",1] ["u3",2] ["u2",1] '
is "the last line" "$(tail -n 1 out | jq -c '[.event,.code,.by,.next]')" \
    '["gc:closed",1000,"client","stop"]'
ok "pings are answered and told" has out '"gc:alive".*"rttMs":'
ok "pings as the platform wants them" has log '^TEXT {"message":"ping"}$'
ok "no JSON: rejected" has err 'frame [0-9]+: rejected'
ok "the status has each socket" has err '"channels":\[\{"socket":0,"state":"stream"'

play held
is "frames before the PUT's answer wait" "$(grep -c . early)" 0
is "then gc:open, then they" "$(pick '.event // .n' out)" \
    '"gc:open" 1 2 "gc:closed" '

play scope
is "who is in scope" "$(cat scopes)" \
'[{},["u1","u2","u3","u4"],4]
[{"userId":"u4"},["u4"],1]
[{"queueId":"q1"},["u1","u2","u3"],3]
[{"teamId":"t1"},["u2","u3","u4"],3]
[{"queueId":"q1","teamId":"t1"},["u2","u3"],2]
[{},[],1]'
is "the registry is the same as in events" "$(cat registry)" \
'{"action":"subscribe","event":"routing:agents:status:updated","filter":{"userId":"u1","teamId":"t1"}}'
ok "a page too large is halved" has log 'pageSize=250'
is "what is not there, what makes no sense" "$(cat codes)" \
'78 -f queueId=nope
78 -f userId=nope
78 -f teamId=nope
64 -f color=red
64 -f queueId=a/b
64 one
64 v2.system.socket_closing
64 -f queueId=q1 v2.users.u1.presence'
ok "it is named" has errors 'there is no queue nope'

play members
is "who came and went" "$(pick 'select(.event == "gc:members") |
    [.socket, .joined, .left]' out)" '[0,["u3"],["u1"]] '
is "on the same socket" "$(grep -c gc:open out)" 1

play empty
is "an empty scope is waited on" "$(pick 'select(.event == "gc:open") | .agents' out)" \
    '["u1"] '

play rejected
is "refused topics are counted" "$(head -n 1 out1 |
    jq -c '[.subscriptions, .rejected, .agents]')" '[2,1,["u1","u3"]]'
ok "and named with the permission" has err1 \
    'topic v2.users.u2.activity is refused: denied, missing permission presence:x:view'
is "none permitted: 77" "$(cat status)" 77

play many
is "1,500 on two channels" "$(jq -c '[.channels[:2][] | .topics | length]' state)" \
    '[1000,500]'
is "each is told" "$(pick 'select(.event == "gc:open" and (.resumed | not)) |
    [.socket, .sockets, (.agents | length)]' out | tr ' ' '\n' | sort | tr '\n' ' ')" \
    '[0,2,1000] [1,2,500] '
is "after a drop the same channels" "$(grep -c ^POST log)" 2
is "asked for with HEAD" "$(grep -c ^HEAD log)" 2
is "put again" "$(grep -c ^PUT log)" 4
is "what was missed is said" "$(pick 'select(.resumed) | .downtimeMs > 0' out)" \
    'true true '

play over
is "19,001 are too many" "$(cat status)" 78
ok "with the numbers" has err '19001.*19000'

play dropped
is "a cut and a close are told" "$(pick 'select(.event == "gc:closed") |
    [.code, .by, .next]' out)" \
    '[null,"network","reconnect"] [1001,"server","reconnect"] [1000,"client","stop"] '
is "one channel for all" "$(grep -c ^POST log)" 1

play evicted
is "evicted: a new channel" "$(grep -c ^POST log)" 3
is "the cause is said once" "$(grep -c 'more than 20' err)" 1
is "with backoff" "$(pick 'select(.next == "reconnect") | .delayMs >= 100' out)" \
    'true true '

play closing
is "a new channel before the old one goes" "$(grep -Ev 'TEXT|users|t0ken' log |
    sed 's/ -$//' | head -n 3)" \
'GET /channels/SECRET-1
GET /channels/SECRET-2
CLOSE 1000'
is "nobody is doubted" "$(pick 'select(.event == "gc:open") |
    [.resumed, .downtimeMs]' out)" '[false,null] [true,0] '
is "the old one has no topics" "$(cat told)" 1
is "and its frames are told once" "$(grep -c topicName out)" 1

cat > "$dir/mint" <<'END'
#!/bin/sh
n=$(cat n 2> /dev/null || echo 0)
echo $((n + 1)) > n
now=$(date +%s)
printf '{"event":"gc:token","access_token":"tok%s","issued_at":"%s","expires_at":"%s"}\n' \
    "$n" "$(date -u -d @"$now" +%FT%TZ)" "$(date -u -d @$((now + 3)) +%FT%TZ)"
END
chmod 755 "$dir/mint"
play token
is "the token ends: each changes over, nobody is doubted" "$(pick \
    'select(.event == "gc:open") | [.socket, .downtimeMs]' out |
    tr ' ' '\n' | sort | uniq | tr '\n' ' ')" '[0,0] [0,null] [1,0] [1,null] '
ok "with the new token" has log '^POST /api/v2/notifications/channels tok[1-9]'
is "one at a time" "$(awk '/^POST/ { open++ } /^CLOSE/ { open-- }
    open > 3 { bad = 1 } END { print bad + 0 }' log)" 0

play renewal
is "renewed without a new channel" "$(grep -c ^POST log) $(grep -c gc:open out)" \
    '1 1'

play silence
is "pongs are signs of life" "$(grep -c gc:closed alive)" 0
is "silence is none" "$(pick 'select(.reason == "silence") | [.code, .by]' out |
    cut -d' ' -f1)" '[1001,"client"]'

play shrink
is "who stays is not moved" "$(pick 'select(.event == "gc:members") |
    [.socket, (.joined | length), (.left | length)]' out | cut -d' ' -f1-2)" \
    '[1,0,400] [0,50,199]'
is "but where a channel is given up" "$(pick 'select(.event == "gc:closed") |
    [.socket, .reason, .next]' out)" '[1,"not needed","stop"] [0,"stop","stop"] '
is "then each is on one channel" "$(cat told)" 1
is "none is left out" "$(jq -c '[.channels[] | .topics | length]' state)" '[851,0]'
is "those who left are told once" "$(jq -r 'select(.event == "gc:members") |
    .left[]' out | sort | uniq -d | wc -l)" 0
is "and all of them" "$(jq -r 'select(.event == "gc:members") | .left[]' out |
    sort -u | wc -l)" 649

play race
is "lost while changing over: the outage is told" "$(pick 'select(.event) |
    [.event, .next, .resumed, (.downtimeMs // 0) > 0]' out | tr ' ' '\n' | head -n 3 |
    tr '\n' ' ')" \
    '["gc:open",null,false,false] ["gc:closed","reconnect",null,false] ["gc:open",null,true,true] '
is "with no channel more" "$(grep -c ^POST log)" 2

play second
is "the old one goes on while the new one fails" "$(pick 'select(.event == "gc:open") |
    [.resumed, .downtimeMs]' out)" '[false,null] [true,0] '
is "and all frames are told" "$(grep -c topicName out)" 2

play failover
is "attempts that are used up" "$(pick 'select(.event == "gc:failover") |
    [.socket, .attempts]' out)" '[0,3] [0,4] [0,5] '

play revoked
is "a token that was withdrawn is named" "$(sed -n 2p asked | grep -c '^20..-')" 1
is "and the channel changes over" "$(pick 'select(.event == "gc:open") |
    .downtimeMs' out | cut -d' ' -f1,2)" 'null 0'

play overrun
is "loss is told for each socket" "$(pick 'select(.reason == "overrun" or
    (.event == "gc:open" and .resumed and .downtimeMs > 0)) |
    [.event, .socket, (.lost // 0) > 0, (.agents // [] | length)]' out | tr ' ' '\n' |
    head -n 4 | tr '\n' ' ')" \
    '["gc:closed",0,true,0] ["gc:open",0,false,1000] ["gc:closed",1,false,0] ["gc:open",1,false,1] '

play refused
is "what a refusal is" "$(cat codes)" \
'78 POST 404
69 POST 401 once
77 POST 401 twice
77 POST 403
0 PUT 429
69 users 503'
ok "with the platform's words" has errs 'missing.permissions: no right \(contextId ctx-7\)'
ok "the hint" has errs GC_REGION
ok "Retry-After is heeded" has errs 'again in 1000 ms'

cd "$dir" || exit 1
ok "no channel's id was ever shown" sh -c '! grep -l SECRET */out* */err* */said'
done_testing
