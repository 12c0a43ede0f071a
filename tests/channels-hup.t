#!/bin/sh
# gc-subscribe in the channels protocol and SIGHUP: the configuration, the
# token and who is in scope are read again, at once.
here=$(cd "$(dirname "$0")" && pwd)
platform_url=${GC_API_URL-} platform_token_cmd=${GC_TOKEN_CMD-}
. "$here/tap.sh"

# config LINE...: the profile's file
config() {
	mkdir -p "$HOME/.config/gc"
	chmod 700 "$HOME/.config/gc"
	{ echo '[default]'; printf '%s\n' "$@"; } > "$HOME/.config/gc/config"
}

# another platform, with this user: its address is in there
another() {
	GC_TOKEN_CMD='echo t0ken' perl "$here/platform.pl" log2 sh -c \
	    'echo "$GC_API_URL" > there; exec sleep 60' &
	later $!
	wait_for [ -s there ]
	curl -sG "$(cat there)/do/users" -d ids="$1"
}

moved() {
	GC_TOKEN_CMD='cat token'
	export GC_TOKEN_CMD
	echo t0ken > token
	act users ids=u1,u2
	config "api_url = $GC_API_URL"
	another u2,u3
	unset GC_API_URL
	begin
	config "api_url = $(cat there)"
	echo t1ken > token
	curl -sG "$(cat there)/do/hold" -d path=/users
	kill -HUP $pid
	wait_for has log2 /api/v2/users
	sleep 1		# long enough to open with who was in scope before
	grep -c POST log2 > early
	curl -sG "$(cat there)/do/release"
	wait_for opens 2
	curl -sG "$(cat there)/do/event" -d user=u3 > /dev/null
	wait_for has out '"u3","n"'
	sleep 1		# nothing more changes over
	end
}

token() {
	GC_TOKEN_CMD='sh -c "cat token; echo asked >> asked"'
	export GC_TOKEN_CMD
	echo t0ken > token
	act users ids=u1
	begin
	act users ids=u1,u2
	kill -HUP $pid
	wait_for has out gc:members
	cp out same
	cp asked asked_same
	echo t1ken > token
	kill -HUP $pid
	wait_for opens 2
	end
}

# what makes no sense, or would need a restart
kept() {
	config 'protocol = channels' "api_url = $GC_API_URL"
	unset GC_API_URL GC_PROTOCOL
	curl -sG "$platform_url/do/users" -d ids=u1
	begin
	config 'protocol = nonsense'
	kill -HUP $pid
	wait_for has err 'stays as it was'
	config 'protocol = events' "ws_url = ws://127.0.0.1:1/x"
	kill -HUP $pid
	wait_for has err 'the other protocol'
	curl -sG "$platform_url/do/users" -d ids=u1,u2
	kill -HUP $pid
	wait_for has out gc:members
	end
}

. "$here/platform.sh"

play moved
is "another place: the last one's sockets are closed" "$(pick \
    'select(.event == "gc:closed") | [.by, .next]' out)" \
    '["client","reconnect"] ["client","stop"] '
is "who is in scope there is doubted" "$(pick 'select(.event == "gc:open") |
    [.agents, .resumed, (.downtimeMs // 0) > 0]' out)" \
    '[["u1","u2"],false,false] [["u2","u3"],true,true] '
is "nothing is opened before that is known" "$(cat early)" 0
ok "with the token of there" has log2 '^POST /api/v2/notifications/channels t1ken'
is "by one channel" "$(grep -c ^POST log2)" 1
is "the old place does not see that token" "$(grep -c t1ken log)" 0
is "it ends well" "$(cat status)" 0

play token
is "HUP reads who is in scope" "$(pick 'select(.event == "gc:members") |
    .joined' same)" '["u2"] '
is "and asks for the token" "$(grep -c asked asked_same)" 2
is "the same one changes nothing" "$(grep -c gc:open same)" 1
is "with another one a channel changes over, and nobody is doubted" \
    "$(pick 'select(.event == "gc:open") | .downtimeMs' out)" 'null 0 '
ok "it is the new one's" has log '^POST .* t1ken'

play kept
is "a configuration that cannot be had changes nothing" \
    "$(grep -c gc:open out) $(cat status)" '1 0'
ok "and who is in scope is read all the same" has out '"joined":\["u2"\]'
done_testing
