#!/bin/sh
# gc-reconcile in the channels protocol against a server with answers that
# the platform may give and gc-sim does not.
. "$(dirname "$0")/tap.sh"
cd "$dir" || exit 1

# The id of a user says what the answers are like; `mode` is a file, and so is
# `act`: the status of the answer about active queues, or the most ids that one
# may be about, or a list that it tells.
cat > server.pl <<'E2'
use strict; use warnings; use IO::Socket::INET; use Time::HiRes 'time';
my $s = IO::Socket::INET->new(Listen => 50, LocalAddr => '127.0.0.1') or die;
open my $p, '>', 'port.new'; print $p $s->sockport; close $p;
rename 'port.new', 'port';
my $error = '{"code":"%s","message":"No.","status":%d,"contextId":"c-%s"}';
my $presence = '"presenceDefinition":{"id":"d2","systemPresence":"On Queue"},"modifiedDate":"2024-06-15T14:32:09Z"';
sub user {
    my ($id) = @_;
    my $routing = '"routingStatus":{"userId":"x","status":"IDLE","startTime":"2024-06-15T14:32:10Z"}';
    my $state = $id eq 'left' ? 'inactive' : 'active';
    my $full = qq({"id":"$id","name":"Ann","state":"$state",$routing,"presence":{"primary":true,$presence}});
    $full =~ s/,\Q$routing\E// if $id =~ /^no(route|thing)/;
    $full =~ s/,"presence":.*}}/}/ if $id eq 'nothing';
    $full =~ s/"presence":.*}}/"presence":null}/ if $id eq 'nullpart';
    $full =~ s/"presence":.*}}/"presence":{"primary":false,"presenceDefinition":{"id":"d9","systemPresence":"BUSY"}}}/ if $id eq 'teams';
    $full =~ s/"modifiedDate":"[^"]*"/"modifiedDate":7/ if $id eq 'odd';
    return $full;
}
while (my $c = $s->accept) {
    my $head = '';
    while (my $line = <$c>) { $head .= $line; last if $line =~ /^\r?\n$/; }
    my ($path) = $head =~ m{(?:GET|POST) /api/v2(/\S+) } or next;
    my $asked = '';
    read $c, $asked, $1 if $head =~ /^Content-Length: (\d+)/mi;
    open my $log, '>>', 'log'; printf $log "%.3f %s%s\n", time, $path, $asked; close $log;
    open my $m, '<', 'mode'; my $mode = <$m> // ''; chomp $mode; close $m;
    my ($status, $extra, $body) = (200, '', '{}');
    if ($path eq '/presence/definitions') {
        ($status, $body) = (403, sprintf $error, 'missing.permissions', 403, 1);
    } elsif ($path =~ m{^/presencedefinitions\?.*pageNumber=(\d)}) {
        $body = $1 == 1 ?
            '{"entities":[{"id":"d1","name":"One"}],"pageCount":2}' :
            '{"entities":[{"id":"d2","name":"two","languageLabels":{"de":"Bereit","en":"Ready"}}],"pageCount":2}';
    } elsif ($path eq '/workforcemanagement/users/activity') {
        open my $f, '<', 'act'; my $act = <$f> // 403; chomp $act; close $f;
        my @ids = $asked =~ /"(\w+)"(?=[],])/g;
        if ($act =~ /^[34]..$|^500$/) {
            ($status, $body) = ($act, sprintf $error, 'no', $act, 6);
        } elsif ($act =~ /^\d+$/ && @ids > $act) {
            ($status, $body) = (413, sprintf $error, 'response.entity.too.large', 413, 7);
        } else {
            my $queues = $act =~ /^\d+$/ ? '"activeQueueIds":["q2","q1"],"dateActiveQueuesChanged":"2024-06-15T14:32:08Z"' : $act;
            $body = '{"entities":[' . join(',', map { qq({"id":"$_",$queues}) } grep { $_ ne 'bob' } @ids) . ']}';
        }
    } elsif ($path =~ m{^/users\?}) {
        ($status, $body) = (403, sprintf $error, 'missing.permissions', 403, 2);
        ($status, $body) = (404, '{}') if $mode eq 'elsewhere';
        ($status, $body) = (200, '{"entities":[' . join(',', map { user($_) } $path =~ /Number=1&/ ? qw(ann left nullpart) : qw(ann bob)) . '],"total":4,"pageCount":2}') if $mode eq 'list';
    } elsif ($path =~ m{^/users/([^/?]+)/routingstatus$}) {
        $body = qq({"userId":"$1","status":"COMMUNICATING","startTime":"2024-06-15T14:32:11Z"});
        $body = '{}' if $1 eq 'noroute2';
    } elsif ($path =~ m{^/users/([^/?]+)/presences/purecloud$}) {
        $body = "{\"primary\":false,$presence}";
    } elsif ($path =~ m{^/users/([^/?]+)\?}) {
        my $id = $1;
        $body = user($id);
        ($status, $body) = (404, sprintf $error, 'not.found', 404, 3) if $id =~ /^gone/;
        ($status, $body) = (403, sprintf $error, 'not.authorized', 403, 4) if $id eq 'denied';
        $extra = "inin-ratelimit-count: 9\r\ninin-ratelimit-allowed: 10\r\ninin-ratelimit-reset: 2\r\n" if $mode eq 'spent';
        $extra = "inin-ratelimit-count: 8\r\ninin-ratelimit-allowed: 10\r\ninin-ratelimit-reset: 2\r\n" if $mode eq 'unspent';
    }
    ($status, $extra, $body) = (429, "Retry-After: 3600\r\n", sprintf $error, 'too.many.requests', 429, 5) if $mode eq 'daily';
    print $c "HTTP/1.1 $status X\r\n${extra}Content-Length: ", length $body, "\r\nConnection: close\r\n\r\n$body";
    close $c;
}
E2
: > mode
: > act
perl server.pl &
later $!
wait_for test -s port
GC_API_URL=http://127.0.0.1:$(cat port)
GC_TOKEN_CMD='echo a-token' GC_PROTOCOL=channels
export GC_API_URL GC_TOKEN_CMD GC_PROTOCOL
gap() {
	printf '{"event":"gc:gap","at":"x","userId":"%s","reason":"%s","seq":%s}\n' \
	    "$1" "${2-poll}" "${3-1}"
}
# ask ID: a single question; out has the answer
ask() {
	rm -f log
	gap "$@" | gc-reconcile --backoff-base 10ms > lines 2> err
	code=$?
	tail -n 1 lines > out
}
paths() { cut -d ' ' -f 2 log | grep '^/users' | xargs; }
parts() { jq -c '[.currentStatus, .lastUpdatedTimestamp, .presence]' out; }
ready='{"currentStatus":"ON_QUEUE","label":"Ready","lastUpdatedTimestamp":"2024-06-15T14:32:09Z"}'
whole='?expand=routingStatus,presence'

ask ann start 7
is "an answer of both expands is one request" "$code $(paths)" \
    "0 /users/ann$whole"
is "it tells both, and the older list's label" "$(parts)" \
    "[\"IDLE\",\"2024-06-15T14:32:10Z\",$ready]"
ask noroute
is "a missing routing status is asked for" "$(paths)" \
    "/users/noroute$whole /users/noroute/routingstatus"
is "and never taken as a value" "$(parts)" \
    "[\"COMMUNICATING\",\"2024-06-15T14:32:11Z\",$ready]"
ask nothing
is "two that are missing are two more requests" "$(paths)" \
    "/users/nothing$whole /users/nothing/routingstatus /users/nothing/presences/purecloud"
is "of one answer" "$(parts)" \
    "[\"COMMUNICATING\",\"2024-06-15T14:32:11Z\",$ready]"
ask nullpart
is "null is missing" "$(paths)" \
    "/users/nullpart$whole /users/nullpart/presences/purecloud"
ask teams
is "a presence of another source is none" "$(parts)" \
    "[\"IDLE\",\"2024-06-15T14:32:10Z\",$ready]"
ask noroute2
is "what stays missing is no answer" "$code $(jq -r .error out)" \
    "75 the answer: no routing status in it"
ask odd
is "nor is a part that is malformed" "$code $(jq -r .event out)" \
    "75 gc:unverified"
ask left
is "who is not active is gone" "$code $(jq -c '[.event, .currentStatus,
    .queues, .presence, .activeQueues]' out)" \
    '0 ["gc:state",null,{},null,null]'
ask gone
is "a 404 before any 200 is none" "$code $(jq -r .event out)" \
    "75 gc:unverified"
is "errors have the platform's code and contextId" "$(jq -c \
    '[.httpStatus, .error]' out)" \
    '[404,"the server answers 404 not.found (contextId c-3)"]'
ask denied
is "whatever they are" "$(jq -r .error out)" \
    "the server answers 403 not.authorized (contextId c-4)"
{ gap ann; gap gone1; } | gc-reconcile -j 1 > out 2> err
is "a 404 after a 200 is gone" "$(tail -n 1 out | jq -c \
    '[.event, .currentStatus, .presence]')" '["gc:state",null,null]'
echo '{userId: .id, currentStatus: (.routingStatus.status + .gc.presence +
    .gc.label + .name), queues: null}' > map.jq
gap nothing | gc-reconcile --map map.jq > out 2> err
is "--map has the whole user and our names" \
    "$(tail -n 1 out | jq -r .currentStatus)" COMMUNICATINGON_QUEUEReadyAnn

# active: what the answers say of active queues, in short
active() {
	jq -c 'select(.event == "gc:state") | .activeQueues |
	    . and [.ids, .lastUpdatedTimestamp]' lines | xargs
}
posts() { grep -c activity log; }
ask ann
ok "a client that may not have active queues is told so" has err \
    'active queues cannot be had: the server answers 403 no \(contextId c-6\)'
is "they are null then" "$code $(jq .activeQueues out)" "0 null"
echo 9 > act
ask ann
is "where it may they are in the answer" "$code $(jq -c .activeQueues out)" \
    '0 {"ids":["q2","q1"],"lastUpdatedTimestamp":"2024-06-15T14:32:08Z"}'
is "asked for by a list of ids" "$(grep activity log | cut -d ' ' -f 2)" \
    '/workforcemanagement/users/activity{"userIds":["ann"]}'
ask noroute
is "who lacked a part has them too" "$code $(jq -c .activeQueues.ids out)" \
    '0 ["q2","q1"]'
ask bob
is "who is not in the answer has none" "$code $(jq .activeQueues out)" "0 null"
for told in '"activeQueueIds":"q1"' '"activeQueueIds":["q1",7]' '"x":1' \
    '"activeQueueIds":[],"dateActiveQueuesChanged":"soon"'; do
	echo "$told" > act
	ask ann
	is "nor is there any in $told" "$code $(jq .activeQueues out)" "0 null"
done
echo '"activeQueueIds":[]' > act
ask ann
is "none of no known time are told" "$(jq -c .activeQueues out)" \
    '{"ids":[],"lastUpdatedTimestamp":null}'
echo 500 > act
ask ann
is "a server that fails is asked six times, then they are null" \
    "$code $(posts) $(jq .activeQueues out)" "0 6 null"
ok "which is said" has err 'active queues: the server answers 500'
gap ann | gc-reconcile --drain 1s > lines 2> err
is "or once there is no time left" "$? $(tail -n 1 lines |
    jq -c '[.event, .currentStatus, .activeQueues]')" \
    '0 ["gc:state","IDLE",null]'
echo 400 > act
ask ann
is "a request that is refused is asked once" "$code $(posts) $(jq \
    .activeQueues out)" "0 1 null"
: > act
{ gap ann; gap ann1; gap ann2; } | gc-reconcile -j 1 > lines 2> err
is "what is not permitted is asked for once in a process" \
    "$? $(active) $(grep -c 'queues cannot' err)" "0 false false false 1"

for id in a b c d e; do gap $id; done > five
rm -f log
gc-reconcile < five > out 2> err
is "where the list is not permitted each is asked for alone" \
    "$? $(grep -c gc:state out) $(grep -c '/users?' log)" "0 5 1"
ok "which is said" has err 'list of users: .*403 missing.permissions \(contextId c-2\)'
gc-reconcile --all < /dev/null > out 2> err
is "and --all is 77" "$? $(cat out)" "77 "
echo elsewhere > mode
gc-reconcile --all < /dev/null > out 2> err
is "a wrong place is 78" $? 78
ok "with a hint" has err GC_REGION
echo list > mode
for id in ann bob nullpart left zoe; do gap $id; done > five
rm -f log
gc-reconcile < five > out 2> err
is "a list answers who is in it; the others are asked for" \
    "$? $(grep -c gc:state out) $(paths | tr ' ' '\n' | grep -v 'users?' | sort | xargs)" \
    "0 5 /users/left$whole /users/nullpart/presences/purecloud /users/zoe$whole"

echo 1 > act
for id in a b c d e ann left; do gap $id; done > many
rm -f log
gc-reconcile < many > lines 2> err
is "a list of ids that is too long is halved" \
    "$? $(active | tr ' ' '\n' | sort | uniq -c | xargs)" "0 1 false 6 true"
ok "until it is not" grep -q 'activity.*","' log
: > act

# --- pace -------------------------------------------------------------------

# spread: ms between the first and the last request for a user
spread() {
	grep '/users/' log | awk 'NR == 1 { a = $1 } { b = $1 }
	    END { print int((b - a) * 1000) }'
}
{ gap ann; gap bob; } > two
rm -f log
echo spent > mode
gc-reconcile -j 1 < two > out 2> err
ok "no request before the reset once the count is reached" \
    [ "$(spread)" -ge 1900 ]
rm -f log
echo unspent > mode
gc-reconcile -j 1 --drain 1s < two > out 2> err
is "nine tenths of what is allowed is the rate" "$? $(grep -c gc:state out)" \
    "75 1"

echo daily > mode
gc-reconcile < two > out 2> err
is "a long Retry-After is 75 in a batch" "$? $(grep -c gc:unverified out)" \
    "75 2"
ok "and said" has err 'no request for 3600 s'
gc-reconcile --all < /dev/null > out 2> err
is "so with --all" $? 75
mkfifo pipe
rm -f err
gc-reconcile < pipe > out 2> err &
pid=$!
exec 3> pipe
cat two >&3
wait_for has err 'no request for 3600 s'
ok "a stream waits for it" kill -0 $pid
exec 3>&-
wait $pid
is "until it ends" "$? $(grep -c gc:unverified out)" "75 2"
done_testing
