#!/bin/sh
# gc-token -w: each new token, whoever got it and whatever the clock does.
tests=$(cd "$(dirname "$0")" && pwd)
. "$tests/tap.sh"
. "$tests/login.sh"
cd "$dir" || exit 1
login_starts

# finished PID: it has ended
finished() { ! kill -0 "$1" 2> /dev/null; }
# ended PID CODE
ended() {
	wait_for finished "$1" || kill -9 "$1"
	wait "$1"
	code=$?
	[ $code = "$2" ] || { echo "exit code $code"; return 1; }
}
tokens() { jq -r .access_token "$@"; }

# --- others renew
new_home
rm -f err
gc-token -w > one 2> err & one=$!
later $one
wait_for lines one gc:token 1
gc-token -w > two 2>> err & two=$!
later $two
wait_for lines two gc:token 1
GC_TOKEN_REFUSED=$(jq -r .issued_at one) gc-token -r > new
wait_for lines one gc:token 2
wait_for lines two gc:token 2
is "what another renews is told" "$(tokens one two)" "token1
token2
token1
token2"
is "and costs no more requests" "$(asked)" 2
kill -USR1 $one
wait_for [ -s err ]
is "SIGUSR1: one line" "$(jq -r '[.tool,.doing,.renewals] | @csv' err)" \
    '"gc-token","watching",1'
kill $one $two
ok "SIGTERM ends it" ended $one 0
ok "with 0" ended $two 0

login_says 'life 2'
new_home
rm -f one two
gc-token -w > one & one=$!
gc-token -w > two & two=$!
later $one $two
wait_for lines one gc:token 4
wait_for lines two gc:token 4
kill $one $two
wait $one $two
is "two watchers renew it once each time" "$(asked)" \
    "$(tokens one two | sort -u | wc -l | tr -d ' ')"
is "and tell the same" "$(tokens one | head -n 4)" "$(tokens two | head -n 4)"

# --- what happens meanwhile
new_home
rm -f out err
gc-token -w > out 2> err & pid=$!
later $pid
wait_for lines out gc:token 1
rm "$cache"/*
wait_for lines out gc:token 3
ok "the cache is made again" [ -f "$cache/token" ]
is "with nothing to say" "$(cat err)" ""
# its folder is made again too, where Landlock lets it
rm -r "$cache"
wait_for lines out gc:token 5
kill $pid
ok "and it went on" ended $pid 0
ok "or says that it is not cached" sh -c \
    '[ ! -s err ] || grep -q "the token is not cached" err'

login_says 'life 3600'
new_home
mkdir -p "$HOME/.config/gc"
config=$HOME/.config/gc/config
printf '[default]\nclient_id = first\n' > "$config"
rm -f out err
env -u GC_CLIENT_ID gc-token -wv > out 2> err & pid=$!
later $pid
wait_for lines out gc:token 1
printf '[default]\nclient_id = second\n' > "$config"
asked > /dev/null
kill -HUP $pid
wait_for lines out gc:token 2
is "SIGHUP: another client's token" "$(cat "$login/log")" second:S3CRETxyz
echo broken > "$config"
kill -HUP $pid
ok "a configuration that is broken is said" \
    wait_for has err 'config:1: neither.*the old configuration stays'
printf '[default]\nclient_id = third\n' > "$config"
kill -HUP $pid
ok "and harms nothing" wait_for lines out gc:token 3
kill $pid
wait $pid

# --- the reader
{ timeout 60 gc-token -w; echo $? > code; } | head -n 1 > out
is "a reader that is gone is noticed" "$(cat code)" 141
# stuck.pl SIGNAL: gc-token writes to a full pipe, non-blocking; either it
# gets the signal, or what it wrote is read
cat > stuck.pl <<'P'
use Fcntl;
use POSIX ":sys_wait_h";
my ($signal, @command) = @ARGV;
pipe my $r, my $w or die;
fcntl $w, F_SETFL, O_NONBLOCK;
1 while syswrite $w, "x" x 4096;
1 while syswrite $w, "x";
my $pid = fork;
if (!$pid) {
	open STDOUT, ">&", $w;
	exec @command;
}
close $w;
my $status = "";
until ($status =~ /"writing"/) {
	select undef, undef, undef, 0.05;
	kill USR1 => $pid if -e "m.prom";
	open my $f, "<", "err";
	$status = join "", <$f>;
}
kill $signal => $pid if $signal;
$signal ? waitpid $pid, 0 : 1;
my $code = $?;
if (!$signal) {
	my $all = join "", <$r>;
	waitpid $pid, 0;
	$code = $?;
	print $all =~ s/^x+//r;
}
exit $code >> 8;
P
rm -f err
timeout 60 perl stuck.pl '' gc-token -r --metrics m.prom > out 2> err
is "a full pipe that does not block is waited for" "$? $(cat out)" \
    "0 $(gc-token -r)"
rm -f m.prom err
timeout 60 perl stuck.pl TERM gc-token -w --metrics m.prom > out 2> err
is "SIGTERM while the reader is stuck ends it" $? 0
ok "which is said" has err 'a line is cut'

# --- the clock; faketime(1) sets it for one process alone
clock() { echo "$1" > "$dir/.clock"; mv "$dir/.clock" "$dir/clock"; }
# in a process of its own: & or ( )
set_clock() {
	exec env LD_PRELOAD="$fake" FAKETIME_NO_CACHE=1 FAKETIME_DONT_RESET=1 \
	    FAKETIME_DONT_FAKE_MONOTONIC=1 FAKETIME_TIMESTAMP_FILE=clock "$@"
}
fake=
for fake in /usr/lib/*/faketime/libfaketime.so.1 \
    /usr/lib*/faketime/libfaketime.so.1; do
	[ ! -e "$fake" ] || break
done
clock +0
if ! (set_clock gc-token --version > out 2> err) || [ -s err ]; then
	echo "# no faketime here, or not under a sanitizer: clocks not tested"
	done_testing
	exit
fi
for hour in -1h +1h; do
	login_says 'life 4'
	new_home
	clock +0
	asked > /dev/null
	rm -f out err
	set_clock gc-token -w > out 2> err & pid=$!
	later $pid
	wait_for lines out gc:token 1
	clock $hour
	ok "a clock set by $hour: a new token" wait_for lines out gc:token 2
	ok "and the next" wait_for lines out gc:token 3
	ok "none more than needed" [ "$(asked)" -le 4 ]
	kill $pid
	wait $pid
	is "nothing is said" "$(cat err)" ""
done
login_says 'life 3600'
new_home
clock +0
(set_clock gc-token -r > out)
asked > /dev/null
clock -2h
(set_clock gc-token > out)
is "a cached one of the future is renewed" "$(asked)" 1
(set_clock gc-token -r > out)
is "once" "$(asked)" 0
clock +30m
(set_clock gc-token -r > out)
is "a clock that is right again: renewed" "$(asked)" 1
# set back by less than its age: the wall clock alone would take it for good
login_says 'life 12'
new_home
clock +0
rm -f out
set_clock gc-token -w > out & pid=$!
later $pid
wait_for lines out gc:token 1
is_old() { [ "$(date +%s)" -ge $(($1 + 4)) ]; }
wait_for is_old "$(date +%s)"
clock -3
ok "a clock set back a little does not lengthen its life" \
    wait_for lines out gc:token 2
is "it is renewed when the server would have it" "$(jq -s 'def at: .at[:19] +
    "Z" | fromdate; (.[1] | at) - (.[0] | at) <= 4' out)" true
kill $pid
wait $pid
done_testing
