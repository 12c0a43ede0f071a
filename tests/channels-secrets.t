#!/bin/sh
# The address of a channel's socket is a password (whoever has it hears what
# it carries), and the channel's id is half of it: at -vvv, whatever goes wrong,
# they are in no message, line, figure, file or argument.
here=$(cd "$(dirname "$0")" && pwd)
platform_url=${GC_API_URL-} platform_token_cmd=${GC_TOKEN_CMD-}
. "$here/tap.sh"

bad_days() {
	act users ids=u1,u2
	for log in text json; do
		rm -f out
		gc-subscribe -vvv --log=$log $fast --metrics metrics > out 2> err &
		pid=$!
		wait_for opens 1
		# what the platform says has it
		act answer path=HEAD status=500 body='{"code":"x","message":"channel THIS"}'
		act answer path=PUT status=500 body='{"code":"x","message":"no channel THIS"}'
		act close
		wait_for opens 2
		act say 'text={"topicName":"v2.system.socket_closing","eventBody":{"channelId":"SECRET-1"}}'
		wait_for opens 3
		act evict
		wait_for opens 4
		act answer path=^GET./channels/ status=503 body='channel THIS'
		act cut
		wait_for opens 5
		act answer path=^GET./channels/ status=302 head='Location: /channels/SECRET-1'
		act cut
		wait_for opens 6
		kill -USR1 $pid
		wait_for grep -q '"channels":' err
		echo SECRET- > word
		grep -lF -f word /proc/[0-9]*/cmdline >> arguments 2> /dev/null
		grep -lF -f word /proc/$pid/environ >> arguments
		act answer path=DELETE status=500 body='channel THIS'
		end
		cat out >> outs
		cat err >> errs
	done
}

# addresses that cannot be connected to
bad_addresses() {
	act users ids=u1
	gc-subscribe -vvv --backoff-base 20ms --jitter 0 --backoff-cap 20ms \
	    --metrics metrics > out 2> err &
	pid=$!
	wait_for opens 1
	for uri in nonsense/SECRET-5 ftp://127.0.0.1/SECRET-5 \
	    ws://127.0.0.1:1/channels/SECRET-5 wss://127.0.0.1:1/SECRET-5?SECRET-6 \
	    ws://127.0.0.1:99999/SECRET-5 ws://no-such-host.invalid/SECRET-5 \
	    "ws://${GC_API_URL#http://}/nowhere/SECRET-5" \
	    ws://SECRET-5@127.0.0.1:1/x 'ws://127.0.0.1:1/SECRET 5'; do
		act answer path=POST status=200 \
		    body="{\"id\":\"SECRET-4\",\"connectUri\":\"$uri\"}"
	done
	act answer path=POST status=200 body='{"id":"SECRET-4"}'
	act answer path=POST status=200 body='{"connectUri":"ws://h/SECRET-5"}'
	act answer path=POST status=200 body='SECRET-4'
	act evict
	wait_for opens 2
	end
}

. "$here/platform.sh"

play bad_days
is "it came through" "$(grep -c gc:open outs)" 12
ok "the platform did tell it, and more was said" [ "$(wc -l < errs)" -gt 40 ]
ok "no message has it" sh -c '! grep SECRET errs'
ok "no line has it" sh -c '! grep SECRET outs'
ok "no figure has it" sh -c '[ -s metrics ] && ! grep SECRET metrics'
ok "no argument, no environment" [ -f arguments -a ! -s arguments ]
ok "no file has it" sh -c '[ -d .local/state/gc ] && ! grep -r SECRET .local'

play bad_addresses
is "addresses that are no good are gone over" "$(grep -c gc:open out)" 2
is "each was tried" "$(grep -c '^POST' log)" 14
ok "and none of them is told" sh -c '! grep SECRET err out metrics'
done_testing
