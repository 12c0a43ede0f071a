#!/bin/sh
# gc-token against gc-sim: one request for any number of callers.  Then
# against a login host that says whatever it is told.
tests=$(cd "$(dirname "$0")" && pwd)
. "$tests/tap.sh"
. "$tests/login.sh"
cd "$dir" || exit 1

cat > inside <<'E'
gc-token > first || exit 1
gc-token > second
for i in 1 2 3 4 5 6 7 8 9 10; do gc-token -f > /dev/null & pids="$pids $!"; done
wait $pids
gc-token -r > raw
gc-token -H > header
refused=$(jq -r .issued_at first)
GC_TOKEN_REFUSED=$refused gc-token > third
GC_TOKEN_REFUSED=$(jq -r .issued_at third) gc-token > fourth
stat -c %a "$XDG_CACHE_HOME/gc/default" "$XDG_CACHE_HOME/gc/default/token" > modes
GC_CLIENT_SECRET=wrong gc-token -f > bad.out 2> bad.err
echo $? > bad
printf '%s\n' "$GC_CLIENT_SECRET" > secret
chmod 644 secret
env -u GC_CLIENT_SECRET GC_CLIENT_SECRET_FILE=secret gc-token -f 2> open.err
echo $? > open
chmod 600 secret
env -u GC_CLIENT_SECRET GC_CLIENT_SECRET_FILE=secret gc-token -f > file.out
echo $? > file
gc-token > /dev/full 2> /dev/null
echo $? > full
printf '%s' "$GC_CLIENT_SECRET" > the-secret
E
timeout 60 gc-sim -- sh ./inside 2> sim.log
is "it works" "$(jq -r .token_type first)" bearer
is "a cached token costs nothing" "$(jq -r .access_token second)" \
    "$(jq -r .access_token first)"
is "the life is told" "$(jq '.expires_in > 3500 and .expires_in <= 3600' first)" true
ok "the bare token" has raw '^[A-Za-z0-9]+$'
is "the header" "$(cat header)" "Authorization: Bearer $(cat raw)"
is "a refused token that is no longer cached is no reason" \
    "$(jq -r .access_token third)" "$(cat raw)"
ok "one that is cached is renewed" \
    [ "$(jq -r .access_token fourth)" != "$(jq -r .access_token third)" ]
is "folder and file are private" "$(tr '\n' ' ' < modes)" "700 600 "
is "a wrong secret is 77" "$(cat bad)" 77
ok "with the server's words" has bad.err 'authentication failed'
is "a secret that others can read is 78" "$(cat open)" 78
is "one that they cannot is taken" "$(cat file)" 0
is "a full disk is 74" "$(cat full)" 74
ok "the secret is nowhere" sh -c \
    '! grep -rlF "$(cat the-secret)" first bad.err open.err sim.err 2> /dev/null'

timeout 60 gc-sim -- sh -c 'for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
    gc-token > /dev/null & done; wait' 2> sim.log
is "a dozen callers at once cost one request" \
    "$(grep -c '"sim:token"' sim.log)" 1

timeout 60 gc-sim --fault token-life=1 -- sh -c 'timeout 20 gc-token -w --min-ttl 400ms |
    head -n 3 > watched' 2> sim.log
is "-w prints each new token" \
    "$(jq -r .access_token watched | sort -u | wc -l)" 3

GC_LOGIN_URL=http://127.0.0.1:9 GC_CLIENT_ID=a GC_CLIENT_SECRET=b \
    gc-token 2> err
is "nobody there: 69" $? 69
gc-token 2> err
is "nothing set: 78" $? 78
GC_REGION=nowhere-1 GC_CLIENT_ID=a GC_CLIENT_SECRET=b gc-token 2> err
is "an unknown region: 78" $? 78
ok "and they are listed" has err 'mypurecloud.ie'
GC_LOGIN_URL=http://example.com GC_CLIENT_ID=a GC_CLIENT_SECRET=b \
    gc-token 2> err
is "no secret travels in clear" $? 78
GENESYSCLOUD_ACCESS_TOKEN=abc gc-token -r > out
is "the vendor's token is taken as it is" "$(cat out)" abc
mkdir -p .config "$HOME/.config/gc"
printf '[default]\nlogin_url = http://127.0.0.1:9\nclient_id = a\n[x\n' \
    > "$HOME/.config/gc/config"
gc-token 2> err
is "a broken configuration: 78" $? 78
ok "with the line" has err 'config:4'

# --- a login host that says what it is told
login_starts

# finished PID: it has ended
finished() { ! kill -0 "$1" 2> /dev/null; }
# ended PID WANT...: it ends, in time, with one of these codes
ended() {
	wait_for finished "$1" || kill -9 "$1"
	wait "$1"
	code=$?
	shift
	for want; do
		[ $code != "$want" ] || return 0
	done
	echo "exit code $code"
	return 1
}

new_home
is "a token" "$(gc-token -r)" token1
asked > /dev/null
login_says hold 'life 3600'
gc-token -rf > forced 2> err & forced=$!
wait_for [ -s "$login/log" ]
is "what is cached is given while another renews" \
    "$(timeout 60 gc-token -r --timeout 1ms 2> err)" token1
kill -TERM $forced
ok "SIGTERM before there is a token is no success" ended $forced 143
is "and nothing is printed" "$(cat forced)" ""

asked > /dev/null
for i in 1 2 3 4; do
	timeout 60 gc-token -rf --timeout 1s > /dev/null 2>> errs &
	pids="${pids-} $!"
done
for pid in $pids; do
	ok "a host that hangs: 69, or 75 for who waits for the lock" \
	    ended "$pid" 69 75
done

new_home
asked > /dev/null
pids=
gc-token -rf > first & pids=$!
wait_for [ -s "$login/log" ]
for i in 1 2 3 4 5 6 7; do
	gc-token -rfv > "out.$i" 2> "err.$i" & pids="$pids $!"
done
for i in 1 2 3 4 5 6 7; do wait_for has "err.$i" 'lock: waiting'; done
: > "$login/go"
wait $pids
is "those who wait are served by the one who asks, -f too" \
    "$(cat out.? first | sort -u | wc -l | tr -d ' ') $(asked)" "1 1"
gc-token -rf > again
is "-f after that asks" "$(asked)" 1
rm "$login/go"

asked > /dev/null
rm -f m.prom err
gc-token -rf --metrics m.prom > out 2> err & pid=$!
wait_for has m.prom 'gc_token_requests_total'
kill -USR1 $pid
wait_for [ -s err ]
is "SIGUSR1 while it asks: one line" \
    "$(jq -r '[.tool,.doing,.requests,.renewals] | @csv' err)" \
    '"gc-token","asking the login host",1,0'
: > "$login/go"
ok "and it goes on" ended $pid 0
login_says 'life 3600'

gc-token -r <&- >&- 2> err
is "stdin and stdout closed: 74" $? 74
new_home
gc-token -r <&- >&- 2> err
is "with nothing cached, too" "$? $(ls "$cache")" "74 token
token.lock"

# Where nothing can be cached there is a token all the same.
: > file
XDG_CACHE_HOME=$dir/file gc-token -r > out 2> err
is "no place for the cache" "$? $(grep -c '^token' out)" "0 1"
ok "is said" has err 'no token is cached'
env -u HOME gc-token -r > out 2> err
is "no HOME" "$? $(grep -c '^token' out)" "0 1"
ok "is said, too" has err 'HOME'
new_home
mkdir -p "$cache/token"
gc-token -r > out 2> err
is "something else in the cache's place" "$? $(grep -c '^token' out)" "0 1"
ok "it is said" has err 'the token is not cached'
rmdir "$cache/token"
rm -f "$cache/token.lock"
mkdir "$cache/token.lock"
gc-token -r > out 2> err
is "and in the lock's" "$? $(grep -c '^token' out)" "0 1"
rm -r "$cache/token.lock"

asked > /dev/null
gc-token -r > out
echo damaged > "$cache/token"
gc-token -rv > out2 2> err
is "a damaged cache is no token" "$(asked)" 2
ok "which -v says" has err 'holds no token: a new one'
gc-token -rv > out 2> err
is "once" "$(cat out err)" "$(cat out2)"

GC_TOKEN_MIN_TTL= gc-token -r > out 2> err
is "an empty GC_TOKEN_MIN_TTL is none" "$?" 0
GC_PROTOCOL=channels gc-token -r > out 2> err
is "a token has no protocol" "$?" 0
GC_CLIENT_ID=$(printf '%05000d' 0) gc-token -r > out 2> err
is "a client id without end: 78" $? 78
GENESYSCLOUD_ACCESS_TOKEN='a b' env -u GC_CLIENT_ID gc-token 2> err
is "the vendor's token, if it is none: 78" $? 78
ok "named" has err GENESYSCLOUD_ACCESS_TOKEN

new_home
login_says 'status 401' \
    'body {"error":"x","error_description":"","description":"the words"}'
gc-token 2> err
is "refused: 77" $? 77
ok "an empty description is none" has err 'the words'
long=$(printf '\\xc3\\xa9%.0s' $(seq 300))
login_says 'status 401' "body {\"error_description\":\"a$long\"}"
gc-token --log=json 2> err
ok "a cut character: JSON, and UTF-8" perl -MEncode -MJSON::PP -e '
    my $t = <STDIN>; decode_json($t); decode("UTF-8", $t, Encode::FB_CROAK)
    ' < err
login_says 'date -3600' 'life 3600'
gc-token > out 2> err
ok "a clock that is off is said" has err '3[56][0-9][0-9] s ahead of'
is "and the token's end is reckoned from now on" \
    "$(jq '.expires_in > 3500 and .expires_in <= 3600' out)" true
login_says "body {\"access_token\":\"a\",\"token_type\":\"$(
    printf '%05000d' 0)\",\"expires_in\":60}"
is "a type that is no word" "$(gc-token -f | jq -r .token_type)" bearer
login_says 'life 3600'

# Configuration, by who reads it.
new_home
mkdir -p "$HOME/.config/gc"
: > "$HOME/.config/gc/config"
MALLOC_PERTURB_=165 gc-token -r > out 2> err
is "an empty configuration file" "$?$(cat err)" 0
secure=https://${GC_LOGIN_URL#http://}
GC_LOGIN_URL=$secure GC_CACERT=/nowhere.pem gc-token -f 2> err
is "no GC_CACERT: 78" $? 78
ok "with both names" has err "GC_CACERT.*'/nowhere.pem'"
echo junk > junk.pem
GC_LOGIN_URL=$secure GC_CACERT=junk.pem gc-token -f 2> err
is "no certificate in GC_CACERT: 78" $? 78
ok "with both names" has err "GC_CACERT.*'junk.pem'"
GC_LOGIN_URL=$secure HTTPS_PROXY=http://u:HUSH@:x gc-token -f 2> err
is "a proxy's address that is none: 69" $? 69
ok "without its password" sh -c 'grep -q "[*]@" err && ! grep -q HUSH err'
ok "-V has what is linked, as it runs" sh -c \
    'gc-token -V | grep -Eq "^libcurl/[0-9].* OpenSSL/[0-9]"'
done_testing
