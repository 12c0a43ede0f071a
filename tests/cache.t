#!/bin/sh
# gc-cache against a Redis of its own.
. "$(dirname "$0")/tap.sh"
cd "$dir" || exit 1
if ! command -v redis-server > /dev/null || ! command -v redis-cli > /dev/null
then
	echo '1..0 # SKIP no redis-server here'
	exit
fi

free_port() {
	perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(Listen => 1,
	    LocalAddr => "127.0.0.1")->sockport'
}
# redis_starts OPTION...: on $port, with nothing in it
redis_starts() {
	redis-server --port "$port" --bind 127.0.0.1 --save '' \
	    --appendonly no --dir "$dir" --unixsocket "$dir/socket" "$@" \
	    >> redis.log 2>&1 3>&- &
	redis=$!
	later $redis
	wait_for cli ping || exit 1
}
redis_ends() { kill -KILL "$redis"; wait "$redis" 2> /dev/null; }
cli() { redis-cli -p "$port" "$@"; }
port=$(free_port)
url=redis://127.0.0.1:$port
redis_starts

# agent ID STATUS TIME [MEMBER...]: a gc:agent line
agent() {
	printf '{"event":"gc:agent","at":"2024-06-15T14:32:10.000Z","seq":1,"userId":"%s","currentStatus":"%s","lastUpdatedTimestamp":"%s","verified":true,"queues":{}%s}\n' \
	    "$1" "$2" "$3" "${4-}"
}
# at SECONDS: a moment
at() { echo "2024-06-15T14:32:$1Z"; }
barrier() { printf '{"event":"gc:barrier","id":"%s"}\n' "$1"; }
# status ID: what the cache has of the agent
status() { cli hget gc:agents "$1" | jq -r .currentStatus; }
is_status() { [ "$(status "$1")" = "$2" ]; }
put() { gc-cache put "$url" "$@"; }
get() { gc-cache get "$url" "$@"; }
fresh() { cli flushall > /dev/null; }

# put_runs OPTION...: put between the fifo `in` (descriptor 3) and out
mkfifo in
put_runs() {
	rm -f out err
	gc-cache put "$url" "$@" < in > out 2> err &
	pid=$!
	later $pid
	exec 3> in
}
put_ends() { exec 3>&-; wait $pid; }

# --- put and get
get > out 2> err
is 'no roster yet: 0' $? 0
is 'and nothing' "$(cat out err)" ''
{
	agent ann Busy "$(at 10)"
	echo '{"event":"gc:open","at":"x"}'
	agent 'b\u006fb' Away "$(at 11)" ',"name":"Bob \u00e9"'
	echo '{"event":"other","data":{}}'
	barrier b1
} > lines
put < lines > out 2> err
is 'put ends with 0' $? 0
ok 'every line is handed on as it was' cmp lines out
is 'and nothing said' "$(cat err)" ''
is 'an id is what it says, not how' "$(cli hkeys gc:agents | sort |
    tr '\n' ' ')" 'ann bob '
is 'the line itself is the value' "$(cli hget gc:agents bob)" \
    "$(sed -n 3p lines)"
get < lines > out
is 'get ends with 0' $? 0
is 'the roster, a line an agent' "$(sort out)" \
    "$(grep gc:agent lines | sort)"
is 'stdin is left to who comes after' \
    "$({ get > /dev/null; cat; } < lines | cksum)" "$(cksum < lines)"
is 'a roster starts from it' "$(get | gc-reduce --snapshot |
    jq -r .userId | tr '\n' ' ')" 'ann bob '

# --- never back in time
fresh
{
	agent ann Busy 2024-06-15T14:32:10.5Z
	agent ann Old 2024-06-15T14:32:10.49999Z
	agent eve Busy 2024-06-15T16:32:10+02:00
	agent eve Old 2024-06-15T14:32:09.999Z
	agent bob First 2024-06-15T14:32:10Z
	agent bob Equal 2024-06-15T15:32:10.000+01:00
	agent kim Busy "$(at 10)" ',"presence":{"currentStatus":"AWAY","lastUpdatedTimestamp":"2024-06-15T14:32:20Z","verified":true}'
	agent kim Old "$(at 19)"
} > lines
put < lines > out
ok 'stale lines are handed on' cmp lines out
is 'an older one does not replace it' "$(status ann)" Busy
is 'whatever the offset' "$(status eve)" Busy
is 'of equal ones the last counts' "$(status bob)" Equal
is 'the latest of all tiers counts' "$(status kim)" Busy
{
	agent ann Older "$(at 09)"
	agent bob Third "$(at 10)"
} | put -v > out 2> err
is 'nor does one of another process' "$(status ann)" Busy
is 'and the last of equal ones, too' "$(status bob)" Third
ok 'it is counted' has err '"written":1,"stale":1'

# --- gone
agent ann Busy "$(at 30)" ',"gone":true' | put > out
is 'who is gone is taken out' "$(cli hexists gc:agents ann)" 0
agent ann Late "$(at 20)" | put > out
is 'and does not come back by a late line' "$(cli hexists gc:agents ann)" 0
agent ann Back "$(at 31)" | put > out
is 'but by a new one' "$(status ann)" Back
agent ann Late "$(at 20)" ',"gone":true' | put > out
is 'a late farewell takes nobody out' "$(status ann)" Back

# --- subscribers
fresh
cli --csv subscribe gc:changes > heard &
sub=$!
later $sub
wait_for has heard subscribe
{
	agent ann One "$(at 10)"
	agent ann Two "$(at 11)"
	agent ann Late "$(at 09)"
	agent ann Two "$(at 12)" ',"gone":true'
} > lines
put_runs
# each on its own, so that none is merged before there is a connection
agent zoe Here "$(at 10)" >&3
wait_for is_status zoe Here
cat lines >&3
put_ends
ok 'changes are published' wait_for lines heard 'message' 4
ok 'the farewell too' has heard 'gone'
ok 'stale ones are not' sh -c '! grep -q Late heard'
is 'in their order' "$(grep -o 'One\|Two' heard | uniq | tr '\n' ' ')" \
    'One Two '
kill $sub

# --- several writers
fresh
shuffled() { awk -v seed="$1" 'BEGIN { srand(seed) }
    { print rand() "\t" $0 }' | sort -n | cut -f 2-; }
for agent in 1 2 3 4 5 6 7 8 9; do
	for s in 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29
	do
		agent "u$agent" "S$s" "$(at $s)"
	done
done > all
for w in 1 2 3 4; do
	shuffled $w < all | put > out$w &
	writers="${writers-} $!"
done
for w in $writers; do wait "$w"; done
is 'four writers race: the latest is there of all' \
    "$(get | jq -r .currentStatus | sort | uniq -c | tr -d ' ')" 9S29
for i in $(seq 1 3000); do agent "many$i" "S" "$(at 10)"; done > many
put < many > out
get > out
is 'a large roster, each agent once' "$(grep -c many out)
$(sort -u out | grep -c many)" '3000
3000'

# a reader that is slow is not a server that is silent
slow() { sleep 1; cat; }
mkfifo stalled
gc-cache put "$url" --timeout 300ms < in > stalled 2> err &
pid=$!
later $pid
exec 3> in 4< stalled
agent yan One "$(at 10)" >&3
wait_for is_status yan One
for i in 1 2 3; do cat many; done | { cat >&3; exec 3>&-; } 4<&- &
exec 3>&-
slow <&4 3>&- > out
exec 4<&-
wait $pid
is 'put to a slow reader: 0' "$?$(cat err)" 0
is 'all of it' "$(wc -l < out)" 9001
{ gc-cache get "$url" --timeout 300ms 2> err; echo $? > code; } | slow > out
is 'get to a slow reader: 0' "$(cat code err)" 0
is 'all of it' "$(grep -c many out)" 3000

# --- a restart in the middle, and the server has lost everything
fresh
put_runs
agent ann Before "$(at 10)" >&3
agent bob Before "$(at 10)" >&3
wait_for is_status bob Before
redis_ends
ok 'a loss is said' wait_for has err 'is kept until it is back'
agent ann Between "$(at 11)" >&3
agent ann Between2 "$(at 12)" >&3
agent eve Between "$(at 12)" >&3
ok 'lines go on' wait_for has out Between2
redis_starts
ok 'what came in between is written' wait_for is_status eve Between
ok 'the latest of it' is_status ann Between2
ok 'and what was there before' wait_for is_status bob Before
ok 'that it is back is said' wait_for has err 'is back after'
is 'each once' "$(wc -l < err)" 2
agent kim After "$(at 13)" >&3
ok 'and it goes on' wait_for is_status kim After
# another writer is faster: what we know must not replace it
redis_ends
door=$port
port=0
cli() { redis-cli -s "$dir/socket" "$@"; }
redis_starts
cli hset gc:agents bob "$(agent bob Other "$(at 40)")" > /dev/null
cli hset gc:stamps bob 2024-06-15T14:32:40.000000000Z > /dev/null
port=$door
ok 'the door opens' [ "$(cli config set port "$port")" = OK ]
ok 'what was lost is written again' wait_for is_status kim After
put_ends
is 'all is written' $? 0
is 'over nobody' "$(status bob)" Other

# --- a barrier
fresh
put_runs --timeout 60s
agent ann One "$(at 10)" >&3
wait_for is_status ann One
kill -STOP "$redis"
agent ann Two "$(at 11)" >&3
ok 'a line goes on at once' wait_for has out Two
barrier held >&3
agent ann Three "$(at 12)" >&3
kill -USR1 $pid
ok 'it is asked' wait_for has err '"unwritten":1'
ok 'the barrier waits' sh -c '! grep -q held out'
ok 'and what is behind it' sh -c '! grep -q Three out'
kill -CONT "$redis"
ok 'until all is written' wait_for has out held
ok 'then the rest goes on' wait_for has out Three
is 'in its order' "$(tail -n 2 out | jq -r .event | tr '\n' ' ')" \
    'gc:barrier gc:agent '
wait_for is_status ann Three
# silence is a loss
kill -STOP "$redis"
agent bob Last "$(at 10)" | put --timeout 300ms --drain 2s > out 2> err
is 'a server that is silent for --timeout is lost: 69 after --drain' $? 69
ok 'it is said' has err 'silent|says nothing'
ok 'and what is lost' has err 'latest lines of 1 agents are not written'
get --timeout 300ms > out 2> err
is 'get: 69' $? 69
kill -CONT "$redis"
exec 3>&-
wait_for has out .

# --- away
redis_ends
agent ann One "$(at 10)" | put --drain 100ms > out 2> err
is 'away at the end: 69' $? 69
ok 'with the address' has err "$url: .*connect"
is 'the line was handed on' "$(wc -l < out)" 1
get --timeout 200ms > out 2> err
is 'get: 69' $? 69
ok 'with the address' has err "$url: .*connect"
put_runs
agent ann One "$(at 10)" >&3
barrier never >&3
agent ann Two "$(at 11)" >&3
wait_for has out One
kill -TERM $pid
begun=$(date +%s)
wait $pid
is 'TERM: 69' $? 69
ok 'in 5 s' [ $(($(date +%s) - begun)) -lt 9 ]
exec 3>&-
ok 'what is not written is said' has err 'lines of 1 agents are not'
ok 'the barrier stays' sh -c '! grep -q never out'
put_runs
agent ann One "$(at 10)" >&3
wait_for has err 'kept until'
redis_starts
ok 'away at the start: written once it is there' wait_for is_status ann One
put_ends
is 'and 0' $? 0

# --- --buffer
fresh
for i in $(seq 1 30); do agent "u$i" One "$(at 10)"; done > lines
put --buffer 1K < lines > out 2> err
is 'more agents than room: all written' "$(cli hlen gc:agents)" 30
ok 'and that the room is small is said' has err 'more agents than'
redis_ends
put_runs --buffer 1K
cat lines >&3
ok 'unwritten lines fill it: said' wait_for has err 'buffer is full'
ok 'and no more are read' [ "$(wc -l < out)" -lt 10 ]
redis_starts
put_ends
is 'until they are written: 0' $? 0
ok 'none is lost' cmp lines out
is 'nowhere' "$(cli hlen gc:agents)" 30

# --- what a server may say
cli replicaof 127.0.0.1 1 > /dev/null
put_runs
agent ann Two "$(at 11)" >&3
ok 'a replica that is read-only is waited for' wait_for has err READONLY
cli replicaof no one > /dev/null
ok 'until it is the master' wait_for is_status ann Two
put_ends
is 'and 0' $? 0
cli config set maxmemory 1 > /dev/null
put_runs
agent ann Three "$(at 12)" >&3
ok 'a full one is waited for' wait_for has err OOM
cli config set maxmemory 0 > /dev/null
ok 'until it has room' wait_for is_status ann Three
put_ends
fresh
cli set gc:agents text > /dev/null
agent ann One "$(at 10)" | put > out 2> err
is 'a key of another kind: 78' $? 78
ok 'with the reason' has err 'WRONGTYPE.*prefix'
is 'and nothing done' "$(cli exists gc:stamps)" 0
get > out 2> err
is 'get: 78' $? 78
gc-cache get "$url/99" > out 2> err
is 'no such database: 78' $? 78
perl -MIO::Socket::INET -e 'my $l = IO::Socket::INET->new(Listen => 1,
    LocalAddr => "127.0.0.1", LocalPort => $ARGV[0]) or die;
    open my $f, ">", "ready"; close $f; while (my $c = $l->accept) {
    print $c "HTTP/1.1 400 Bad Request\r\n\r\n"; close $c }' \
    "$(free_port | tee other)" &
later $!
wait_for test -e ready
gc-cache get "redis://127.0.0.1:$(cat other)" --timeout 300ms > out 2> err
is 'no Redis at all: 69' $? 69
ok 'said as that' has err 'no Redis'

# --- what others have put there
fresh
agent ann One "$(at 10)" | put > out
cli hset gc:agents junk 'no line' bob "$(agent eve One "$(at 10)")" \
    two "$(agent two One "$(at 10)" | tr , '\n')" > /dev/null
get > out 2> err
is 'it is left out' "$(jq -r .userId out)" ann
ok 'and said' lines err 'the roster:[0-9]*: rejected' 3
get --strict > out 2> err
is 'with --strict: 65' $? 65
echo '{"event":"gc:agent"}' | put > out 2> err
is 'a line that is none is rejected' "$(cat out)" ''
ok 'and said' has err 'stdin:1: rejected: userId'

# --- --ttl
fresh
agent ann One "$(at 10)" | put --ttl 1h > out
is 'both keys end' "$(for k in agents stamps; do
    [ "$(cli ttl gc:$k)" -gt 3500 ] && echo yes; done | tr '\n' ' ')" \
    'yes yes '
fresh
put_runs --ttl 1s
agent ann One "$(at 10)" >&3
wait_for is_status ann One
aged() { [ $(($(date +%s) - begun)) -ge 3 ]; }
begun=$(date +%s)
wait_for aged
ok 'while a writer lives it stays' is_status ann One
put_ends
gone() { [ "$(cli exists gc:agents)" = 0 ]; }
ok 'and ends after it' wait_for gone
agent ann One "$(at 10)" | put > out
is 'without it nothing ends' "$(cli ttl gc:agents)" -1

# --- where: a database, a prefix, a local socket
fresh
agent ann One "$(at 10)" | gc-cache put "$url/3?prefix=team%3A1" > out
is 'a database and a prefix' "$(cli -n 3 keys '*' | sort | tr '\n' ' ')" \
    'team:1:agents team:1:stamps '
is 'get has them, too' \
    "$(gc-cache get "$url/3?prefix=team:1" | jq -r .userId)" ann
agent bob One "$(at 10)" | gc-cache put "redis+unix://$dir/socket" > out
is 'a local socket' "$(gc-cache get "redis+unix://$dir/socket" |
    jq -r .userId)" bob
gc-cache get "redis+unix://$dir/none" --timeout 100ms > out 2> err
is 'one that is not there: 69' $? 69

# --- passwords
cli acl setuser joe on '>hush' '~*' '&*' +@all > /dev/null
cli config set requirepass secret > /dev/null
export REDISCLI_AUTH=secret
agent ann One "$(at 10)" | put > out 2> err
is 'a password is wanted: 77' $? 77
ok 'and where it goes' has err GC_REDIS_PASSWORD
get > out 2> err
is 'get: 77' $? 77
agent ann One "$(at 10)" | GC_REDIS_PASSWORD=hush put -vvv > out 2> err
is 'a wrong one: 77' $? 77
ok 'not shown' sh -c '! grep -q hush err'
agent ann One "$(at 10)" | GC_REDIS_PASSWORD=secret put -vvv > out 2> err
is 'the right one' $? 0
ok 'not shown either' sh -c '! grep -q secret err'
echo secret > file
chmod 600 file
is 'from a file' "$(GC_REDIS_PASSWORD_FILE=file get | jq -r .userId | sort |
    tr '\n' ' ')" 'ann bob '
chmod 644 file
GC_REDIS_PASSWORD_FILE=file get > out 2> err
is 'that others can read: 78' $? 78
is 'with a user' "$(GC_REDIS_PASSWORD=hush \
    gc-cache get "redis://joe@127.0.0.1:$port" | wc -l)" 2
cli acl setuser joe -eval > /dev/null
agent ann Two "$(at 11)" | GC_REDIS_PASSWORD=hush \
    gc-cache put "redis://joe@127.0.0.1:$port" > out 2> err
is 'a right that is missing: 77' $? 77
ok 'which' has err 'NOPERM.*eval'
for bad in "redis://:hush@127.0.0.1:$port" "redis://joe:hush@127.0.0.1" \
    'redis://127.0.0.1?password=hush'; do
	gc-cache get "$bad" > out 2> err
	is 'a password in the address: 64' $? 64
	ok 'not shown' sh -c '! grep -q hush err && grep -q PASSWORD_FILE err'
done
unset REDISCLI_AUTH
redis_ends
redis_starts --rename-command AUTH ''
GC_REDIS_PASSWORD=hush get -vvv > out 2> err
is 'a server that knows no AUTH: 78' $? 78
ok 'and the password that it repeats is not shown' sh -c \
    'grep -q "unknown command" err && ! grep -q hush err'

# --- the command line
for bad in '' put "take $url" "get $url more" 'get http://x' \
    "get $url --ttl 3s" "put $url --ttl 1ms"; do
	# shellcheck disable=SC2086
	gc-cache $bad < /dev/null > out 2> err
	is "'gc-cache $bad': 64" $? 64
done

# --- stdout is closed
fresh
for i in 1 2 3 4 5 6 7 8 9; do agent "u$i" One "$(at 10)"; done > lines
sh -c 'gc-cache put "$1" < lines 2> err; kill -l $? > how' - "$url" |
    exec true
ok 'a reader that goes ends it' wait_for has how PIPE
is 'without a word' "$(cat err)" ''
put_runs
agent ann One "$(at 10)" >&3
wait_for is_status ann One
kill -TERM $pid
wait $pid
is 'TERM, all written: 0' $? 0
exec 3>&-
put_runs --metrics m
agent bob One "$(at 10)" >&3
wait_for is_status bob One
put_ends
ok 'metrics' has m '^gc_cache_written_total 1'

# --- TLS
if redis-server --version > /dev/null && openssl req -x509 -newkey ec \
    -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out cert.pem \
    -days 2 -subj /CN=localhost -addext 'subjectAltName=DNS:localhost' \
    2> openssl.err && tls=$(free_port) && cli config set tls-cert-file \
    "$dir/cert.pem" tls-key-file "$dir/key.pem" tls-ca-cert-file \
    "$dir/cert.pem" tls-auth-clients no tls-port "$tls" | grep -q OK
then
	agent tia One "$(at 10)" | GC_CACERT=$dir/cert.pem \
	    gc-cache put "rediss://localhost:$tls" > out 2> err
	is 'over TLS' "$?$(status tia)" 0One
	gc-cache get "rediss://localhost:$tls" > out 2> err
	is 'a certificate that nobody vouches for: 77' $? 77
else
	echo "# no TLS in this redis-server"
fi
done_testing
