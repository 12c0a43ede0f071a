#!/bin/sh
# gc-subscribe in the channels protocol comes to its end: within 5 s, with
# its gc:closed told, whatever hangs.
here=$(cd "$(dirname "$0")" && pwd)
platform_url=${GC_API_URL-} platform_token_cmd=${GC_TOKEN_CMD-}
. "$here/tap.sh"

# the platform never answers the DELETE
delete_hangs() {
	act users ids=u1,u2
	begin
	act hold path=DELETE
	end
}

# nor the close frame
all_hangs() {
	act users ids=u1,u2
	begin
	act hold path=DELETE
	act mute
	end
}

# a planned change is under way, whose old socket does not close
changing() {
	act users ids=u1
	begin -vv
	act mute
	act say 'text={"topicName":"v2.system.socket_closing"}'
	wait_for opens 2
	act hold path=DELETE
	sleep 2
	end
}

# gc:closed is told when the socket is closed, not when all is over
soon() {
	act users ids=u1
	begin
	act hold path=DELETE
	kill -TERM $pid
	wait_for has out gc:closed
	kill -0 $pid 2> /dev/null && echo running > alive
	act release
	wait $pid
	echo $? > status
}

# what hangs from the start
before() {
	act users ids=u1
	act hold path=PUT
	act hold path=DELETE
	gc-subscribe $fast > out 2> err &
	pid=$!
	wait_for logged '^GET /channels'
	act mute
	end
}

. "$here/platform.sh"

# told SCENARIO: how it ended
told() {
	is "$1: 0" "$(cat status)" 0
	ok "$1: within 5 s" [ "$(cat took)" -lt 5600 ]
	is "$1: the last line" "$(tail -n 1 out |
	    jq -c '[.event,.socket,.code,.by,.next]')" \
	    '["gc:closed",0,1000,"client","stop"]'
	is "$1: the reader is not blamed" "$(grep -c stuck err)" 0
}

play delete_hangs
told delete_hangs
play all_hangs
told all_hangs
play changing
told changing
is "each socket is told closed once" "$(grep -c gc:closed out)" 2

play soon
is "gc:closed does not wait for the DELETE" "$(cat alive)" running
is "which may then come" "$(cat status)" 0

play before
is "never open: 0" "$(cat status)" 0
ok "never open: within 5 s" [ "$(cat took)" -lt 5600 ]
is "never open: nothing is told closed" "$(grep -c gc:closed out)" 0
done_testing
