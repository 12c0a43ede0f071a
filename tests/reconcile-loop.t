#!/bin/sh
# gc-reconcile as a process: it never sleeps with work to do, keeps the order,
# knows what it sent, heeds signals, and bears with its token command.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/tap.sh"
cd "$dir" || exit 1
. "$here/helpers/rest.sh"
ms() { date +%s%3N; }

# many COUNT [REASON [FROM]]: so many questions
many() {
	perl -e '($n, $r, $f) = @ARGV;
	    printf qq({"event":"gc:gap","at":"x","userId":"u%d","reason":"%s",) .
	    qq("seq":%d}\n), $_, $r, $_ for $f .. $f + $n - 1;' \
	    "$1" "${2-poll}" "${3-1}"
}

# feed OPTION...: gc-reconcile in the background, its input is descriptor 3
feed() {
	rm -f in out err
	mkfifo in
	gc-reconcile "$@" < in > out 2> err &
	pid=$!
	later $pid
	exec 3> in
}
finish() { exec 3>&-; wait $pid; }

# within MS SINCE: less than that has passed
within() { [ $(($(ms) - $2)) -lt "$1" ]; }

# --- it does not sleep with work to do
rules 'u * body big'
head -c 9000000 /dev/zero > big
at=$(ms)
gap u | gc-reconcile --backoff-base 5ms > out 2> err
is "what fails at once is tried again in time" "$? $(asked)" "75 u u u u u u "
ok "without a sleep" within 20000 "$at"
at=$(ms)
gap u | GC_API_URL=http://127.0.0.1:1 gc-reconcile --backoff-base 5ms > out 2> err
is "a connection that is refused likewise" "$? $(grep -c unverified out)" "75 1"
ok "without a sleep" within 20000 "$at"
rules
feed -j 1 --rate 10000000
many 2000 >&3
ok "2,000 questions are answered in one go" wait_for lines out gc:state 2000
finish
n=0
at=$(ms)
while [ $n -lt 30 ]; do
	gap u | gc-reconcile > out 2> err
	n=$((n + 1))
done
ok "it ends with the last answer" within 50000 "$at"

# --- no request that the pace knows nothing of
rules '.* * once'
many 40 | gc-reconcile -v -j 2 --rate 6000 --backoff-base 10ms > out 2> err
is "a server that closes kept connections is no hindrance" \
    "$? $(grep -c gc:state out)" "0 40"
sent=$(sed -n 's/.*"requests":\([0-9]*\).*/\1/p' err)
ok "nothing is sent that is not counted" [ "$(wc -l < log)" -le "$sent" ]

# --- the oldest first, whatever happened to it
rules '.* 1 status 429 1'
many 5 | gc-reconcile -j 1 > out 2> err
is "who was told to wait is still the first" "$(asked)" "u1 u1 u2 u3 u4 u5 "
rules 'u1 1 status 500' 'u2 1 slow 400'
many 5 | gc-reconcile -j 1 --backoff-base 10ms > out 2> err
is "who met an error comes before the younger" "$(asked)" "u1 u2 u1 u3 u4 u5 "
rules '.* 1 status 401'
many 5 | gc-reconcile -j 1 > out 2> err
is "who was refused likewise" "$(asked)" "u1 u1 u2 u3 u4 u5 "
rules 'u1 1 status 500' 'u2 1 slow 400'
{ many 3; gap s sequence; } | gc-reconcile -j 1 --backoff-base 10ms > out 2> err
is "the urgent before all" "$(asked)" "s u1 u2 u1 u3 "

# --- the open loop: no answer that is older than what has passed
rules 'u 1 hold go'
feed
gap u poll 10 >&3
wait_for has log ' u$'
{ gap u sequence 20; agent u 20; } >&3
wait_for has out gc:agent
: > go
finish
is "an answer that a change overtook is not printed" \
    "$(jq -r 'select(.event == "gc:state").seq' out) $(asked)" "20 u u "
rules 'ok * ok' 'u 1 hold gone 404'
feed -j 1
gap ok >&3
wait_for has out gc:state
gap u poll 10 >&3
wait_for has log ' u$'
agent u 20 >&3
wait_for has out gc:agent
: > gone
finish
is "nor that an agent is gone" \
    "$(jq -c 'select(.event == "gc:state" and .userId == "u").currentStatus' out)" \
    '"Busy"'
rules 'u 1 hold last'
feed
gap u poll 10 >&3
wait_for has log ' u$'
agent u 10 >&3
wait_for has out gc:agent
: > last
finish
is "one as old as the question changes nothing" "$(asked)" "u "

# --- after a signal
rules '.* * silent'
feed
gap u >&3
wait_for has log ' u$'
at=$(ms)
kill -TERM $pid
wait $pid
is "after TERM what is open is said" "$? $(grep -c unverified out)" "75 1"
ok "in 2 s" within 8000 "$at"
exec 3>&-
feed
gap u >&3
wait_for lines log ' u$' 2
exec 3>&-
sleep 0.3
at=$(ms)
kill -TERM $pid
wait $pid
ok "in the drain likewise" within 8000 "$at"
cat > hang <<'E2'
#!/bin/sh
echo $$ > hang.pid.new
mv hang.pid.new hang.pid
exec sleep 300
E2
chmod +x hang
GC_TOKEN_CMD=./hang
feed
gap u >&3
wait_for test -s hang.pid
at=$(ms)
kill -TERM $pid
wait $pid
ok "with a token command that hangs too" within 8000 "$at"
ok "which is ended" sh -c '! kill -0 "$(cat hang.pid)"'
exec 3>&-

# --- the token command
# token_line [ISSUED [EXPIRES]]
cat > token_line <<'E2'
#!/bin/sh
echo "refused=${GC_TOKEN_REFUSED-}" >> runs
printf '{"event":"gc:token","access_token":"t","token_type":"bearer","issued_at":"%s","expires_at":"%s","expires_in":9}\n' \
    "$ISSUED" "$(eval "$EXPIRES")"
E2
chmod +x token_line
GC_TOKEN_CMD=./token_line
ISSUED=2024-06-15T14:32:10Z
EXPIRES='echo 2020-01-01T00:00:00Z'
export ISSUED EXPIRES
rules
: > runs
gap u | gc-reconcile --drain 2500ms > out 2> err
is "a token that has ended is none" "$? $(asked)" "75 "
ok "and its command is run with backoff" [ "$(wc -l < runs)" -le 3 ]
ok "which is said" has err 'a token that has ended'
EXPIRES='date -u -d "+0.2 seconds" +%Y-%m-%dT%H:%M:%S.%3NZ'
rules '.* * slow 100'
: > runs
many 20 | gc-reconcile -j 1 --drain 2500ms > out 2> err
ok "one that ends at once is no storm of commands" [ "$(wc -l < runs)" -le 4 ]
EXPIRES='echo 2099-01-01T00:00:00Z'
for ISSUED in 2024-06-15T14:32:10Z 2024-06-15T16:32:10.123456+02:00; do
	rules 'u 1 status 401'
	: > runs
	gap u | gc-reconcile > out 2> err
	is "a refused token is named as it was told" \
	    "$? $(tr '\n' ' ' < runs)" "0 refused= refused=$ISSUED "
done
GC_TOKEN_CMD='echo a-token'

# --- a server that wants to be left alone
rules 'u * status 429 200'
feed
gap u >&3
ok "a long Retry-After is said" wait_for has err '429 .* 200 s'
kill -TERM $pid
finish

# --- the reader goes away
cat > reader.pl <<'E2'
use Socket;
socketpair(my $a, my $b, AF_UNIX, SOCK_STREAM, PF_UNSPEC) or die;
pipe(my $in, my $held) or die;
my $pid = fork // die;
if ($pid == 0) {
	open STDIN, '<&', $in;
	open STDOUT, '>&', $b;
	exec 'gc-reconcile' or die;
}
close $b;
close $in;
close $a;
$SIG{ALRM} = sub { kill 9, $pid; };
alarm 10;
waitpid $pid, 0;
print $? & 127, "\n";
E2
is "a socket's reader that is gone is noticed" "$(perl reader.pl 2> err)" 13

# --- HUP
rules
echo '.status as $s | {currentStatus: ("one " + $s)}' > m.jq
feed -v --map m.jq
gap u1 >&3
wait_for has out 'one Busy'
echo '.status as $s | {currentStatus: ("two " + $s)}' > m.jq
kill -HUP $pid
ok "HUP is heeded" wait_for has err 'HUP: reread'
gap u2 >&3
ok "and the map is another" wait_for has out 'two Busy'
echo 'nonsense(' > m.jq
kill -HUP $pid
ok "a map that is none is said" wait_for has err 'map stays as it was'
gap u3 >&3
ok "and the old one stays" wait_for lines out 'two Busy' 2
finish

mkdir -p "$HOME/.config/gc"
profile() { printf '%s\n' '[default]' "$@" > "$HOME/.config/gc/config"; }
url=$GC_API_URL
unset GC_API_URL GC_TOKEN_CMD
rules
profile 'api_url = http://127.0.0.1:1' 'token_cmd = echo one; echo x >> one'
feed -v --backoff-base 10ms
gap u1 >&3
wait_for has out gc:unverified
profile "api_url = $url" 'token_cmd = echo two; echo x >> two'
kill -HUP $pid
wait_for has err 'HUP: reread'
gap u2 >&3
ok "HUP rereads the profile" wait_for has out gc:state
ok "the token command stays that of the start" \
    sh -c '[ -s one ] && [ ! -e two ]'
ok "which is said" has err 'token command stays'
profile "api_url = nonsense" 'cacert = /none'
kill -HUP $pid
ok "a profile that is wrong is said" wait_for has err 'settings stay'
gap u3 >&3
ok "and the old one stays" wait_for lines out gc:state 2
finish
done_testing
