#!/bin/sh
# gc-token login, logout, status; a token that is renewed by what signing in
# brought.  Against a login host of our own, and a browser.
tests=$(cd "$(dirname "$0")" && pwd)
. "$tests/tap.sh"
cd "$dir" || exit 1
unset DISPLAY WAYLAND_DISPLAY
for name in $(env | sed -n 's/^\(GENESYSCLOUD_[A-Z_]*\)=.*/\1/p'); do
	unset "$name"
done

# --- the host, the browser, and what both saw
host=$dir/host
mkdir "$host" bin browser
: > "$host/log"
: > "$host/answer"
perl "$tests/signin.pl" "$host" & later $!
wait_for [ -s "$host/port" ]
GC_LOGIN_URL=http://127.0.0.1:$(cat "$host/port")
GC_API_URL=$GC_LOGIN_URL
GC_CLIENT_ID=someone
export GC_LOGIN_URL GC_API_URL GC_CLIENT_ID
cat > bin/xdg-open <<X
#!/bin/sh
echo never to be seen
echo nor this >&2
exec perl "$tests/browser.pl" "$dir/browser" "\$1"
X
chmod 755 bin/xdg-open
PATH=$dir/bin:$PATH

host_says() {
	printf '%s\n' "$@" > "$host/.answer"
	mv "$host/.answer" "$host/answer"
}
# What it was asked since, on one line.
asked() {
	tr '\n' ';' < "$host/log"
	: > "$host/log"
}
new_home() {
	HOME=$(mktemp -d "$dir/home.XXXXXX")
	kept=$HOME/.local/state/gc/default
	record=$kept/login
}
# A port that nobody has; it is asked for again if somebody takes it.
free_port() {
	port=$(perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(
	    LocalAddr => "127.0.0.1", Listen => 1)->sockport')
	redirect=http://localhost:$port/
}
sign_in() {
	rm -f browser/*
	free_port
	DISPLAY=:0 timeout 100 gc-token login --redirect "$redirect" "$@" \
	    > out 2> err
	code=$?
	wait_for [ -s browser/status ]
	return $code
}
# begin OPTIONS...: without a desktop, in the background; its address is $url
begin() {
	free_port
	rm -f err out
	gc-token login --redirect "$redirect" "$@" > out 2> err & pid=$!
	later $pid
	wait_for has err 'http://' || return 1
	url=$(sed -n 's/.*\(http:[^ "]*authorize[^ "]*\).*/\1/p' err)
	state=$(echo "$url" | sed 's/.*state=//')
}
finished() { ! kill -0 "$1" 2> /dev/null; }
ended() {
	wait_for finished "$1" || kill -9 "$1"
	wait "$1"
	[ $? = "$2" ]
}
# knock BYTES: what the listener answers
knock() {
	perl -MIO::Socket::INET -e '
	    my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1",
		PeerPort => $ARGV[0]) or die;
	    print $s $ARGV[1] =~ s/\\r/\r/gr =~ s/\\n/\n/gr;
	    $s->flush;
	    print while <$s>' "$port" "$1"
}
get() { knock "GET $1 HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n"; }

# --- signing in
new_home
ok "somebody signs in" sign_in
is "once asked, once exchanged, without a secret" "$(asked)" "authorize;code;"
is "nothing is on stdout" "$(cat out)" ""
ok "the address is on stderr" grep -qF "$(cat browser/url)" err
ok "and what came of it" has err 'signed in; the token is renewed by itself'
ok "and nothing that the browser says" [ "$(wc -l < err)" -eq 2 ]
ok "by S256, with a state" has browser/url \
    'code_challenge=[A-Za-z0-9_-]{43}&code_challenge_method=S256&state=[A-Za-z0-9_-]{43}$'
ok "the redirect is told as it is registered" grep -qF \
    "&redirect_uri=http%3A%2F%2Flocalhost%3A$port%2F&" browser/url
is "the page is one" "$(cat browser/status)" 200
ok "and says what happened" has browser/page '<h1>Signed in</h1>'
ok "it is kept nowhere" has browser/page '^cache-control: no-store$'
ok "the connection ends" has browser/page '^connection: close$'
ok "the address with the code is told to nobody" has browser/page \
    '^referrer-policy: no-referrer$'
sed 1d browser/page > page
ok "no code is in it" sh -c '! grep -q code/ page'

is "the record is private" "$(stat -c %a "$kept" "$record" | tr '\n' ' ')" \
    "700 600 "
ok "it has what renews" has "$record" '"refresh_token":"refresh2"'
ok "nothing is in the cache" [ ! -e "$HOME/.cache/gc/default/token" ]
gc-token > out
is "the token is served" "$(jq -r .access_token out)" token2
ok "without what renews it" sh -c '! grep -q refresh out'
is "and nobody is asked" "$(asked)" ""
gc-token status > out
is "status: there is one" $? 0
is "of whom, and that it is renewed" \
    "$(jq -c '[.grant,.client_id,.refresh,.expires_in > 3000]' out)" \
    '["login","someone",true,true]'
ok "not what it is" sh -c '! grep -Eq "token2|refresh2" out'

# --- renewing
is "-f renews" "$(gc-token -rf)" token3
is "and the next time by the next" "$(gc-token -rf)" token4
is "each is good for once" "$(asked)" "refresh 2;refresh 3;"
is "who is refused has another" "$(GC_TOKEN_REFUSED=$(gc-token |
    jq -r .issued_at) gc-token -r)" token5
asked > /dev/null
host_says hold
rm -f "$host/go"
gc-token -rf > first 2> err & pids=$!
wait_for [ -s "$host/log" ]
for i in 1 2 3 4 5; do
	gc-token -rfv > "out.$i" 2> "err.$i" & pids="$pids $!"
done
for i in 1 2 3 4 5; do wait_for has "err.$i" 'lock: waiting'; done
: > "$host/go"
wait $pids
is "of six one renews" "$(cat first out.? | sort -u)" token6
is "and the refresh token is spent once" "$(asked)" "refresh 5;"
rm "$host/go"

gc-token -rf > out 2> err & pid=$!
wait_for [ -s "$host/log" ]
kill -TERM $pid
: > "$host/go"
ok "SIGTERM while it renews: no success" ended $pid 143
is "nothing is printed" "$(cat out)" ""
ok "but what comes is kept" wait_for has "$record" \
    '"refresh_token":"refresh7"'
host_says 'life 3600'
is "and good" "$(gc-token -rf)" token8
asked > /dev/null
(ulimit -f 0; gc-token -rf > /dev/null 2> /dev/null)
is "no room for the next one: 74" $? 74
is "and this one is not spent" "$(asked)" ""
is "so that it is good later" "$(gc-token -rf)" token9
host_says hold
rm "$host/go"
: > "$host/log"
gc-token -rf > out 2> err & pid=$!
wait_for [ -s "$host/log" ]
mv "$record" "$record.away"
mkdir "$record"
: > "$host/go"
ok "the next one cannot be kept after all: 73" ended $pid 73
ok "what has to be done is said" has err "can't be kept: run gc-token login"
rmdir "$record"
host_says 'life 3600'
sign_in
host_says hold
rm "$host/go"
: > "$host/log"
gc-token -rf > out 2> err & pid=$!
wait_for [ -s "$host/log" ]
kill -9 $pid
: > "$host/go"
ok "even if it is killed, what comes is kept" wait_for has "$record" \
    '"refresh_token":"refresh13"'
rm "$host/go"
: > "$host/log"
gc-token -rf > out 2> err & pid=$!
wait_for [ -s "$host/log" ]
kill -9 $pid
unlocked() {
	perl -e 'open my $f, "<", $ARGV[0] or die; exit !flock $f, 6' \
	    "$kept/login.lock"
}
ok "but nothing waits for ever" wait_for unlocked
: > "$host/go"
host_says 'life 3600'
sign_in
host_says keep
is "one that comes back without another" "$(gc-token -rf)" token17
ok "stays" has "$record" '"refresh_token":"refresh16"'
asked > /dev/null
host_says 'life 2'
timeout 60 gc-token -rfw --min-ttl 1s 2> err | head -n 3 > out
is "-w renews by it, too" "$(wc -l < out) $(sort -u out | wc -l)" "3 3"
mkdir -p "$HOME/.config/gc"
echo '[default]' > "$HOME/.config/gc/config"
rm -f out err
gc-token -rwv --min-ttl 1s > out 2> err & pid=$!
later $pid
wait_for lines out token 1
if [ -r /proc/self/status ]; then
	grep -lx "PPid:[[:space:]]$pid" /proc/[0-9]*/status 2> /dev/null > apart
	is "it renews in one process apart" "$(wc -l < apart | tr -d ' ')" 1
	is "which has given up as much power" \
	    "$(grep -E '^(Seccomp|NoNewPrivs):' $(cat apart))" \
	    "$(grep -E '^(Seccomp|NoNewPrivs):' /proc/$pid/status)"
fi
echo grant = client >> "$HOME/.config/gc/config"
kill -HUP $pid
ok "another grant takes a start" wait_for has err 'GC_GRANT is read at the start'
printf '[default]\nclient_id = someone\n' > "$HOME/.config/gc/config"
kill -HUP $pid
ok "another configuration is read by whom it concerns" \
    wait_for lines err 'configuration is read again' 2
n=$(wc -l < out)
ok "and it goes on" wait_for lines out token $((n + 2))
kill $pid
ok "until it is stopped" ended $pid 0
host_says 'life 3600'
rm "$HOME/.config/gc/config"
gc-token -rf > /dev/null
chmod 640 "$record"
gc-token -r > out 2> err
is "a record that others can read: 78" $? 78
chmod 600 "$record"
GC_CLIENT_ID=another GC_GRANT=login gc-token -r > out 2> err
is "another client's is none: 77" $? 77
ok "said" has err "another client's: run gc-token login"

host_says 'status 400 {"error":"invalid_grant","error_description":"gone"}'
gc-token -rf > out 2> err
is "a refresh token that is refused: 77" $? 77
ok "with the host's words, and what to do" has err 'gone; run gc-token login'
is "what is left of the token is served" "$(gc-token -r 2> err | grep -c .)" 1
host_says 'status 503 x'
gc-token -rf --timeout 3s > out 2> err
is "a host that is busy: 75" $? 75
host_says no-refresh
ok "signing in where no refresh token comes" sign_in
ok "is said" has err 'signed in until .*: run gc-token login again then'
is "it is served" "$(gc-token -r | grep -c token)" 1
is "status says so" "$(gc-token status | jq .refresh)" false
asked > /dev/null
gc-token -rf > out 2> err
is "it cannot be renewed: 77" $? 77
ok "what to do" has err 'run gc-token login'
is "nobody is asked" "$(asked)" ""
host_says no-refresh 'life 1'
sign_in
wait_for sh -c '! gc-token status'
gc-token status > out
is "status of one that has ended: 77" $? 77
is "its seconds" "$(jq .expires_in out)" 0
host_says 'life 1'
sign_in
wait_for sh -c '! gc-token status'
gc-token status > out
is "or 75 where it can be renewed" $? 75

# --- who is signed in, and whether that counts
new_home
host_says 'life 3600'
gc-token > out 2> err
is "nobody is signed in, no secret: 78" $? 78
ok "both ways are told" has err 'GC_CLIENT_SECRET_FILE, or run gc-token login'
GC_GRANT=login gc-token > out 2> err
is "nobody is signed in as told: 77" $? 77
ok "it says" has err 'nobody is signed in: run gc-token login'
gc-token status > out
is "status: 77" $? 77
is "nothing of anything" "$(jq -c '[.grant,.issued_at,.refresh]' out)" \
    '[null,null,false]'
env -u GC_CLIENT_ID gc-token login 2> err
is "no client: 78" $? 78
env -u HOME gc-token login 2> err
is "no place to keep it: 78" $? 78
GC_CLIENT_SECRET=HUSH gc-token login 2> err
is "where the secret would be used, signing in is refused: 78" $? 78
ok "what to set" has err 'GC_GRANT=login'
GC_CLIENT_SECRET=HUSH gc-token status > out
is "status of a client: it can have one" $? 75
asked > /dev/null
(unset GC_CLIENT_ID; GENESYSCLOUD_ACCESS_TOKEN=HUSH gc-token status > out)
is "status of a token that is given: 0" $? 0
is "of which nothing is known" "$(jq -c '[.grant,.expires_in,.refresh]' out)" \
    '["given",null,false]'
ok "nor told" sh -c '! grep -q HUSH out'
(GC_CLIENT_SECRET=HUSH GC_GRANT=login; export GC_CLIENT_SECRET GC_GRANT
sign_in; gc-token -rf) > out 2>&1
is "a client that has a secret shows it" \
    "$(asked | sed 's/refresh [0-9]*/refresh/')" \
    "authorize;code someone:HUSH;refresh someone:HUSH;"
ok "but not to the browser" sh -c \
    'grep -q PATH browser/environment && ! grep -q HUSH browser/environment'

# --- no
host_says 'deny <b>not&nbsp;you</b>'
sign_in
is "who says no: 77" $? 77
ok "with the words" has err 'access_denied: <b>not&nbsp;you</b>'
is "a page says so" "$(cat browser/status)" 403
ok "as text" has browser/page '&#60;b&#62;not&#38;nbsp;you'
host_says 'status 400 {"error":"invalid_grant","description":"no such code"}'
sign_in
is "a code that is refused: 77" $? 77
ok "with the words, too" has err 'no such code'
ok "on the page as well" has browser/page 'no such code'
is "which is none of success" "$(cat browser/status)" 403
host_says 'life 3600'
begin --timeout 300ms
ok "nobody comes: 75" ended $pid 75
ok "said" has err 'nobody has signed in within --timeout'
begin --log=json
is "the address, as JSON" "$(jq -r .msg err)" "sign in with a browser: $url"
kill $pid
begin -q
ok "with -q the address is said, too" [ -n "$url" ]
gc-token login --redirect "$redirect" 2> err2
is "a port that is taken: 71" $? 71
ok "with what to do" has err2 "127.0.0.1:$port.*--redirect"
kill -TERM $pid
ok "SIGTERM ends it" ended $pid 143

# --- whoever knocks
begin
hex=$(printf %04X "$port")
if [ -r /proc/net/tcp ]; then
	is "it listens on 127.0.0.1 alone" "$(cat /proc/net/tcp \
	    /proc/net/tcp6 2> /dev/null | awk -v p=":$hex" '
	    index($2, p) && $4 == "0A" { print $2 }')" "0100007F:$hex"
fi
perl -MIO::Socket::INET -e 'my @s = map { IO::Socket::INET->new(
    PeerAddr => "127.0.0.1", PeerPort => $ARGV[0]) } 1 .. 20;
    open my $f, ">", "silent"; close $f; sleep 600' "$port" & later $!
wait_for [ -e silent ]
get /favicon.ico > page
ok "those who say nothing are in nobody's way" has page 'HTTP/1.1 404'
get / > page
ok "no answer: 400" has page 'HTTP/1.1 400'
knock "POST /?code=a&state=$state HTTP/1.1\\r\\n\\r\\n" > page
ok "no GET: 400" has page 'HTTP/1.1 400'
knock "hello\\n\\n" > page
ok "no HTTP: 400" has page 'HTTP/1.1 400'
get "/?code=evil&state=x$state" > page
ok "another's state: 400" has page 'HTTP/1.1 400'
ok "said" has err 'another sign-in is ignored'
get "/?code=evil" > page
ok "no state: 400" has page 'HTTP/1.1 400'
get "/?error=evil&state=$(echo "$state" | tr 'A-Za-z' 'B-ZAb-za')" > page
ok "an error of another's: 400" has page 'HTTP/1.1 400'
ok "it waits on" kill -0 $pid
asked > /dev/null
perl "$tests/browser.pl" browser "$url" > /dev/null
ok "and the right one is taken" ended $pid 0
is "which alone is exchanged" "$(asked)" "authorize;code;"

rm bin/xdg-open
begin
ok "no browser to open is no matter" kill -0 $pid
DISPLAY=:0 PATH=$dir/bin:$GC_BUILD:/nowhere gc-token login --timeout 100ms \
    --redirect http://127.0.0.1:"$(perl -MIO::Socket::INET -e 'print
    IO::Socket::INET->new(Listen => 1)->sockport')" 2> err2
is "on a desktop without one, too" $? 75
kill $pid

# --- the command line
for line in 'login --redirect https://localhost:1/' 'logon' 'login twice' \
    'login --redirect http://example.com/' 'login -r' 'login -w' 'login -f' \
    'status -H' 'logout --min-ttl 1' 'status --timeout 1' 'logout -f' \
    'status --metrics m' '--redirect http://localhost:1/' \
    'logout --redirect http://localhost:1/'; do
	gc-token $line > out 2> err
	is "$line: 64" $? 64
done

# --- signing out
token=$(gc-token -r)
asked > /dev/null
gc-token logout > out 2> err
is "logout" "$?$(cat out err)" 0
is "the token is ended" "$(asked)" "delete $token;"
is "nothing is left of it" "$(ls "$kept")" login.lock
gc-token -r > out 2> err
is "nor served" $? 78
gc-token logout
is "once more is no matter" "$?$(asked)" 0
# signed_in: as begin and the browser do
signed_in() {
	begin && perl "$tests/browser.pl" browser "$url" > /dev/null &&
	    ended $pid 0
}
signed_in
GC_API_URL=http://127.0.0.1:9 gc-token logout 2> err
is "nobody there: 69" $? 69
ok "said, and what that means" has err 'forgotten here, but the token is good'
is "it is forgotten all the same" "$(ls "$kept")" login.lock
signed_in
host_says 'delete 503'
gc-token logout 2> err
is "a host that is busy: 75" "$? $(ls "$kept")" "75 login.lock"
signed_in
host_says 'delete 401'
gc-token logout 2> err
is "a token that had ended: done" "$? $(ls "$kept")" "0 login.lock"
signed_in
env -u GC_API_URL gc-token logout 2> err
is "no API host set: 78" "$? $(ls "$kept")" "78 login.lock"
mkdir -p "$HOME/.cache/gc/default"
signed_in
sed 's/ login"/"/; s/,"refresh_token[^}]*//' "$record" \
    > "$HOME/.cache/gc/default/token"
chmod 600 "$HOME/.cache/gc/default/token"
host_says 'life 3600'
asked > /dev/null
gc-token logout
is "a client's token that is cached goes, too" \
    "$? $(asked | tr ';' '\n' | grep -c delete) $(ls "$HOME/.cache/gc/default")" \
    "0 2 token.lock"

# --- no secret of all that is anywhere else
new_home
cat > bin/xdg-open <<X
#!/bin/sh
cat /proc/[0-9]*/cmdline 2> /dev/null | tr '\0' '\n' > "$dir/arguments"
perl "$tests/browser.pl" "$dir/browser" "\$1"
X
chmod 755 bin/xdg-open
sign_in -vvv
cp err all.err
gc-token -f -vvv >> all.out 2>> all.err
gc-token status -vvv >> all.out 2>> all.err
grep -o 'refresh[0-9][0-9]*' "$record" > secrets
head -n 1 browser/page | sed 's/.*code=//' | sed 's/%2F/\//; s/%2B/+/' \
    >> secrets
is "a refresh token and a code are known" "$(wc -l < secrets | tr -d ' ')" 2
ok "none is in a message, an output or a page" sh -c \
    'sed 1d browser/page | grep -Fqf secrets - all.err all.out; [ $? = 1 ]'
if [ -d /proc/self ]; then
	ok "nor in an argument" sh -c \
	    'grep -q authorize arguments && ! grep -Fqf secrets arguments'
fi
is "the record is the one file that has it" \
    "$(grep -rlF "$(head -n 1 secrets)" "$HOME")" "$record"
done_testing
