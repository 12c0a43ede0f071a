#!/bin/sh
# gc-subscribe in the channels protocol changes over, one socket at a time.
here=$(cd "$(dirname "$0")" && pwd)
platform_url=${GC_API_URL-} platform_token_cmd=${GC_TOKEN_CMD-}
. "$here/tap.sh"

# Two have to, and the topics of those that are left are not deleted.
delete_hangs() {
	act users n=1001
	begin
	wait_for opens 2
	act hold path=DELETE
	act say 'text={"topicName":"v2.system.socket_closing"}'
	wait_for opens 4
	act release
	end
}

# The old socket does not close: the next one waits for it.
close_hangs() {
	act users n=1001
	begin
	wait_for opens 2
	act mute
	act say 'text={"topicName":"v2.system.socket_closing"}'
	wait_for opens 4
	end
}

. "$here/platform.sh"

# between: how many ms between the third gc:open and the fourth
between() {
	jq -r 'select(.event == "gc:open") | .at | (.[:19] + "Z" | fromdate) *
	    1000 + (.[20:23] | tonumber)' out |
	    awk '{ at[NR] = $1 } END { print at[4] - at[3] }'
}

play delete_hangs
is "both are changed over, and nobody is doubted" "$(pick \
    'select(.event == "gc:open") | [.socket, .downtimeMs]' out | tr ' ' '\n' |
    sort | xargs)" '[0,0] [0,null] [1,0] [1,null]'
ok "the second does not wait for a DELETE" [ "$(between)" -lt 4500 ]
is "one at a time" "$(awk '/^GET .channels/ { open++ } /^CLOSE/ { open-- }
    open > 3 { bad = 1 } END { print bad + 0 }' log)" 0

play close_hangs
ok "the second waits for the first's socket" [ "$(between)" -ge 4500 ]
done_testing
