#!/bin/sh
# gc-check: each thing broken in turn.
. "$(dirname "$0")/tap.sh"
cd "$dir" || exit 1

# verdict STEP: what was said of it
verdict() { jq -r --arg s "$1" 'select(.step == $s) | .verdict' out; }
failed() { jq -r 'select(.verdict == "failed") | .step' out | head -n 1; }

# broken NAME STEP CODE ADVICE: the last run failed first at that step, ended
# with that code, and said what to do
broken() {
	is "$1: found" "$(failed)" "$2"
	is 'ended with its code' "$(cat code)" "$3"
	ok 'with what to do' sh -c "jq -r 'select(.verdict == \"failed\") |
	    .advice' out | head -n 1 | grep -q -- '$4'"
	is 'a line a step' "$(wc -l < out)" 10
}

# org COMMAND, with gc-sim's options in $options
org() {
	# shellcheck disable=SC2086
	gc-sim $options -- sh -c "$1 > out 2> err; echo \$? > code" \
	    > sim.log 2>&1
}
check='gc-check --json --timeout 5s'

for options in '--protocol events' '--protocol channels' '--plain'; do
	org "$check"
	is "$options: nothing failed" "$(cat code) $(failed)" '0 '
	is 'the pong came' "$(verdict pong)" ok
done
is 'no TLS, no verdict on it' "$(verdict tls)" skipped

options='--protocol events'
env -i PATH="$PATH" HOME="$HOME" $check > out 2> err
echo $? > code
broken 'no settings' settings 78 'gc-config'
org "GC_API_URL=https://nowhere.invalid $check"
if [ "$(failed)" = names ] && [ "$(cat code)" = 69 ]; then
	broken 'no name server' names 69 'resolv.conf'
else
	broken 'no such host' names 78 'GC_REGION'
fi
if unshare -rn true 2> /dev/null; then
	org "unshare -rn env GC_API_URL=https://api.example.com $check"
	is 'no DNS at all' "$(failed)" names
	is 'is a lost service' "$(cat code)" 69
fi
org "GC_API_URL=https://127.0.0.1:9 GC_WS_URL=wss://127.0.0.1:9 $check"
broken 'nobody listens' connection 69 'firewall'
org "HTTPS_PROXY=http://127.0.0.1:9 $check"
broken 'a wrong proxy' connection 69 'proxy of HTTPS_PROXY'
org "HTTPS_PROXY=http://127.0.0.1:9 NO_PROXY=127.0.0.1 $check"
is 'a proxy that is not used' "$(cat code) $(jq -r 'select(.step ==
    "connection") | .what' out)" '0 reached without a proxy'
is 'looks up nothing' "$(verdict names)" ok
org "unset GC_CACERT; $check"
broken 'an untrusted certificate' tls 77 'GC_CACERT'
org "GC_CLIENT_SECRET=wrong $check"
broken 'a wrong secret' token 77 'secret is wrong'
org "GC_TOKEN_CMD='echo nobody' $check"
broken 'a token that nobody knows' rest 77 'same region'
options='--protocol channels'
org "GC_PROTOCOL=events GC_WS_URL=\$(echo \$GC_API_URL | sed s/http/ws/) $check"
broken 'the other protocol' stream 78 'GC_PROTOCOL'
options='--protocol events --fault rest-fail=1'
org "$check"
broken 'an API that fails' rest 69 'later'
options='--protocol channels --fault rest-garbage=1'
org "$check"
broken 'nonsense for a list' rest 69 'answers in its place'
options='--protocol channels --fault deny=1'
org "$check"
broken 'no topic permitted' subscription 77 'lacks a right'
is 'that is all' "$(verdict pong)" skipped
options='--fault refuse=403:9'
org "$check"
broken 'a permission that is missing' stream 77 'lacks a right'
is 'the rest before it is fine' "$(verdict rest)" ok
options='--fault refuse=404:9'
org "$check"
broken 'no such path' stream 78 'GC_WS_URL'
options='--fault no-pong'
org "$check"
broken 'no pong' pong 69 'swallows'
is 'though it is open' "$(verdict subscription)" ok

lib=$(ls /usr/lib/*/faketime/libfaketime.so.1 2> /dev/null | head -n 1)
if [ -n "$lib" ] && [ "${GC_BUILD##*/}" != asan ]; then
	options=
	for by in +10m -10m; do
		org "LD_PRELOAD=$lib FAKETIME=$by $check"
		broken "a clock off by $by" clock 78 'NTP'
	done
fi

# A certificate that has expired, of a server of our own.
openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -days 1 \
    -keyout key.pem -out now.pem 2> /dev/null
openssl x509 -in now.pem -signkey key.pem -days -1 -out old.pem \
    2> /dev/null
perl -MIO::Socket::INET -e 'my $s = IO::Socket::INET->new(Listen => 1,
    LocalAddr => "127.0.0.1"); print $s->sockport' > port
openssl s_server -accept 127.0.0.1:"$(cat port)" -cert old.pem -key key.pem \
    -www > server.log 2>&1 &
later $!
listens() { openssl s_client -connect 127.0.0.1:"$(cat port)" \
    < /dev/null 2> /dev/null | grep -q CERTIFICATE; }
if wait_for listens; then
	options=
	cp old.pem trusted.pem
	org "GC_CACERT=$dir/trusted.pem \
	    GC_API_URL=https://127.0.0.1:$(cat port) \
	    GC_WS_URL=wss://127.0.0.1:$(cat port) $check"
	broken 'an expired certificate' tls 77 'has expired'
fi

# Servers that say the same to all: an API that refuses what the client wants
# to read, and a portal that lets nobody out.
says() {	# PORT-FILE STATUS BODY
	perl -MIO::Socket::INET -e 'my $s = IO::Socket::INET->new(Listen => 9,
	    LocalAddr => "127.0.0.1", ReuseAddr => 1);
	    print $s->sockport, "\n"; close STDOUT;
	    while (my $c = $s->accept) {
		while (<$c>) { last if /^\r?$/ }
		print $c "HTTP/1.1 $ARGV[0]\r\nContent-Length: ",
		    length $ARGV[1], "\r\nConnection: close\r\n\r\n$ARGV[1]";
		close $c; }' "$2" "$3" > "$1" &
	later $!
	wait_for [ -s "$1" ]
}
says forbids '403 Forbidden' \
    '{"message":"missing routing:agent:view","code":"forbidden"}'
says portal '200 OK' '<html>Welcome! Please sign in'
options=--plain
org "GC_API_URL=http://127.0.0.1:$(cat forbids) $check"
broken 'REST 403' rest 77 'permission'
ok 'which permission' has out 'missing routing:agent:view'
for protocol in events channels; do
	org "GC_PROTOCOL=$protocol GC_API_URL=http://127.0.0.1:$(cat portal) \
	    $check"
	broken "$protocol: a portal" rest 69 'portal'
done

says elsewhere '404 Not Found' 'zzzz'
org "GC_PROTOCOL=events GC_API_URL=http://127.0.0.1:$(cat elsewhere) $check"
broken 'a 404 of something else' rest 78 'GC_REGION'

# Each step has its own time: less than it takes to the pong, and on a busy
# machine perhaps too little for something else.
for options in '--protocol events' '--protocol channels'; do
	for try in 1 2 3 4 5 6; do
		org 'gc-check --json --timeout 900ms'
		[ "$(cat code)" != 0 ] || break
	done
	is "$options: in a short time" "$(cat code) $(failed)" '0 '
done
options='--protocol channels --fault refuse=503:99'
org "$check"
is 'a refused socket: why' "$(jq -r 'select(.step == "stream") | .what' out |
    grep -c 503)" 1

# It ends when it is told to, and leaves nobody behind.
GC_API_URL=http://127.0.0.1:$(cat forbids) GC_PROTOCOL=channels
export GC_API_URL GC_PROTOCOL
printf '#!/bin/sh\necho $$ > asleep\nexec sleep 300\n' > hangs
for signal in TERM INT; do
	code=$([ $signal = TERM ] && echo 143 || echo 130)
	rm -f asleep
	GC_TOKEN_CMD="sh $PWD/hangs" timeout -k 1 -s KILL 15 \
	    sh -c 'echo $$ > pid; exec gc-check' > out 2> err & job=$!
	wait_for [ -s asleep ]
	kill -USR1 "$(cat pid)"
	wait_for has err '"step":"token"'
	kill -$signal "$(cat pid)"
	wait $job
	is "$signal: it ends by it" $? "$code"
	gone() { ! kill -0 "$(cat asleep)" 2> /dev/null; }
	ok 'and the token command with it' wait_for gone
done
unset GC_API_URL GC_PROTOCOL

# A reader that has gone, a full disk.
(gc-check; echo $? > code) 2> err | true
is 'no reader: as cat' "$(cat code)" 141
is 'without a word' "$(cat err)" ''
if [ -w /dev/full ]; then
	gc-check > /dev/full 2> err
	is 'a full disk' $? 74
	ok 'is named' has err 'No space left'
fi

# In words, for people.
options=
org 'GC_CLIENT_SECRET=tr0ub4dor gc-check -vv'
ok 'in words' has out '^ok       settings  '
ok 'with what to do' has out '^FAILED   token .*To do: '
is 'no secret in it' "$(cat out err | grep -c tr0ub4dor)" 0
done_testing
