#!/bin/sh
# gc-reconcile against a small server with answers of every kind.
. "$(dirname "$0")/tap.sh"
cd "$dir" || exit 1

# GET /api/v2/routing/users/KIND/state: KIND says what the answer is like.
cat > server.pl <<'E'
use strict; use warnings; use IO::Socket::INET;
my $s = IO::Socket::INET->new(Listen => 50, LocalAddr => '127.0.0.1') or die;
open my $p, '>', 'port.new'; print $p $s->sockport; close $p;
rename 'port.new', 'port';
$| = 1;
$SIG{CHLD} = 'IGNORE';
my %n;
while (my $c = $s->accept) {
    my $head = '';
    while (my $line = <$c>) { $head .= $line; last if $line =~ /^\r?\n$/; }
    my ($id) = $head =~ m{GET /api/v2/routing/users/(.*?)/state };
    next unless defined $id;
    open my $log, '>>', 'log'; print $log "$id\n"; close $log;
    my $k = $n{$id}++;
    my $ok = qq({"userId":"$id","status":"Busy","previousStatus":"Break","wrapUpCode":null,"queueId":null,"timestamp":"2024-06-15T14:32:10Z","queues":[{"queueId":"q","status":"Meal","previousStatus":null,"wrapUpCode":null,"timestamp":"2024-06-15T14:32:11Z"}]});
    my ($status, $extra, $body) = ('200 OK', '', $ok);
    ($status, $body) = ('404 Not Found', '{}') if $id =~ /^gone/;
    ($status, $body) = ('403 Forbidden', '{}') if $id eq 'forbidden';
    ($status, $body) = ('500 Oops', '{}') if $id eq 'broken' || ($id eq 'flaky' && $k < 2);
    ($status, $extra, $body) = ('429 Slow', "Retry-After: 1\r\n", '{}') if $id eq 'busy' && $k < 1;
    ($status, $body) = ('503 Full', '{}') if $id =~ /^full/ && $k < 1;
    ($status, $body) = ('401 No', '{}') if $id eq 'refused';
    $body = 'hello' if $id eq 'nonsense';
    $body = '{"userId":"nostatus"}' if $id eq 'nostatus';
    $body =~ s/"userId":"other"/"userId":"else"/ if $id eq 'other';
    $body =~ s/"queueId":null/"queueId":"q9"/ if $id eq 'partial';
    $body = qq({"userId":"old","currentStatus":"Busy","lastUpdatedTimestamp":"2024-06-15T14:32:10Z","queues":{"q":{"currentStatus":"Meal"}}}) if $id eq 'old';
    $body =~ s/"userId":"[^"]*"/"userId":"a b\/c"/ if $id eq 'a%20b%2Fc';
    next if $id eq 'dead';
    print $c "HTTP/1.1 $status\r\n${extra}Content-Length: ", length $body, "\r\nConnection: close\r\n\r\n$body";
    close $c;
}
E
perl server.pl &
later $!
wait_for test -s port
GC_API_URL=http://127.0.0.1:$(cat port)
GC_TOKEN_CMD='echo a-token'
export GC_API_URL GC_TOKEN_CMD
gap() {
	printf '{"event":"gc:gap","at":"x","userId":"%s","reason":"%s","seq":%s}\n' \
	    "$1" "${2-poll}" "${3-1}"
}
ask() { gap "$@" | gc-reconcile --backoff-base 10ms --timeout 2s > out 2> err; }

ask ann sequence 7
is "an answered question ends with 0" $? 0
is "the question is handed on first" "$(head -n 1 out)" "$(gap ann sequence 7)"
is "the answer has its seq and reason" \
    "$(tail -n 1 out | jq -c '[.event,.userId,.seq,.reason]')" \
    '["gc:state","ann",7,"sequence"]'
is "and the fields of gc:agent" "$(tail -n 1 out |
    jq -c '[.currentStatus,.previousStatus,.queueId,.lastUpdatedTimestamp,.queues.q.currentStatus,.queues.q.queueId]')" \
    '["Busy","Break",null,"2024-06-15T14:32:10Z","Meal","q"]'
ask old
is "older field names and queues by id are understood" "$(tail -n 1 out |
    jq -c '[.currentStatus,.lastUpdatedTimestamp,.queues.q.currentStatus]')" \
    '["Busy","2024-06-15T14:32:10Z","Meal"]'
ask partial
is "an answer about one queue is partial" "$(tail -n 1 out |
    jq -c '[.partial,.currentStatus,(.queues|keys)]')" '[true,null,["q9"]]'
ask 'a b/c'
is "ids are percent-encoded" "$(tail -n 1 log)" 'a%20b%2Fc'

for kind in forbidden nonsense nostatus other gone broken dead; do
	ask $kind
	is "$kind: gc:unverified and 75" "$? $(tail -n 1 out | jq -r .event)" \
	    "75 gc:unverified"
done
is "a broken server is asked six times" "$(grep -c '^broken' log)" 6
{ gap ann; sleep 0.3; gap gone2; } | gc-reconcile > out 2> err
is "404 is gone once there was a 200" \
    "$(tail -n 1 out | jq -c '[.event,.currentStatus,.queues]')" \
    '["gc:state",null,{}]'
ask flaky
is "5xx is tried again" $? 0
ask busy
is "429 waits" $? 0
for i in 1 2 3 4 5 6 7 8; do gap full$i; done > in
gc-reconcile -v -j 8 --backoff-base 10ms < in > out 2> err
is "503 is asked again" "$? $(grep -c gc:state out)" "0 8"
is "those refused together wait once" "$(grep -c 'all wait' err)" 1
GC_TOKEN_CMD='echo x >> tokens; echo a-token' ask refused
is "a token refused twice is 77" $? 77
is "after one renewal" "$(wc -l < tokens)" 2
GC_TOKEN_CMD='exit 78;' ask ann
is "the token command's 78 is ours" $? 78
ok "what was open is said" has out gc:unverified

: > log
{ for i in 1 2 3 4 5; do gap same poll $i; done; } |
    gc-reconcile -j 1 > out 2> err
is "one question an agent" "$(grep -c gc:state out)" 1
is "with the latest seq" "$(jq 'select(.event=="gc:state").seq' out)" 5
: > log
{ gap p1 poll; gap p2 audit; gap r1 reconnect; gap s1 sequence; } |
    gc-reconcile -j 1 > out 2> err
is "the urgent first" "$(tr '\n' ' ' < log)" "s1 r1 p1 p2 "

printf '%s\n' '{"x":  1}' '{"event":"gc:barrier","id":"1"}' > in
gc-reconcile < in > out
is "all else passes byte for byte" "$(cat out)" "$(cat in)"
echo '.currentStatus = "Mapped" | {currentStatus, queues: null}' > map.jq
gap ann | gc-reconcile --map map.jq > out
is "--map replaces the mapping" "$(tail -n 1 out | jq -r .currentStatus)" Mapped
gc-reconcile --all < /dev/null 2> err
is "--all: 64, there is no list" $? 64
gap ann | gc-reconcile > /dev/full 2> err
is "a full disk is 74" $? 74
echo nonsense | gc-reconcile --strict 2> err
is "--strict: 65" $? 65
done_testing
