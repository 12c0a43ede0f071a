#!/bin/sh
# gc-reconcile with a REST host that is bad for long, with more questions
# than it can ask, and at the limit of its rate.
# GC_LOAD_AGENTS and GC_LOAD_RATE (400, 900): `5000 240` is a contact centre
# after an outage, and takes 23 minutes.
agents=${GC_LOAD_AGENTS-400}
rate=${GC_LOAD_RATE-900}
here=$(cd "$(dirname "$0")" && pwd)
. "$here/tap.sh"
cd "$dir" || exit 1
. "$here/helpers/rest.sh"

# many COUNT [REASON]: so many questions
many() {
	perl -e '($n, $r) = @ARGV; printf qq({"event":"gc:gap","at":"x",) .
	    qq("userId":"u%d","reason":"%s","seq":%d}\n), $_, $r, $_
	    for 1 .. $n' "$1" "${2-poll}"
}
feed() {
	rm -f in out err
	mkfifo in
	gc-reconcile "$@" < in > out 2> err &
	pid=$!
	later $pid
	exec 3> in
}
finish() { exec 3>&-; wait $pid; }
barrier() {
	echo "{\"event\":\"gc:barrier\",\"id\":\"$1\"}" >&3
	wait_for has out "\"id\":\"$1\""
}

# --- bad for long, then well
head -c 3000 /dev/urandom > noise
printf 'HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n{}' > length
printf 'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"status":"A"' > cut
printf 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}' > chunk
printf 'HTTP/1.1 999 what\r\nContent-Length: 2\r\n\r\n{}' > status
{ printf 'HTTP/1.1 200 OK\r\n'; yes 'X: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy' |
    head -n 20000; } > heads
printf 'SSH-2.0-OpenSSH_9.2\r\n' > ssh
while read -r what rule; do
	rules ".* * $rule"
	feed --backoff-base 5ms --timeout 150ms --rate 1000000
	many 24 >&3
	ok "$what: every question has an end" wait_for lines out unverified 24
	rules
	many 24 sequence >&3
	ok "and is answered when asked later" wait_for lines out gc:state 24
	finish
	is "and nothing has stayed unverified" $? 0
done << 'E2'
errors status 500
silence silent
hanging-up close
drops drip 30
noise bytes noise
length bytes length
cut bytes cut
chunks bytes chunk
status bytes status
heads bytes heads
ssh bytes ssh
E2
rules '.* * silent'
feed --timeout 60s
many 100 >&3
ok "a barrier does not wait for answers" barrier 1
kill -TERM $pid
finish
rules 'u1 * drip 1' 'u2 * slow 300'
{ many 2; } | gc-reconcile > out 2> err
is "one who is merely slow is waited for" "$? $(grep -c gc:state out)" "0 2"

# --- 100,000 questions at once
peak() { awk '$1 == "VmHWM:" { print $2 }' "/proc/$pid/status"; }
rules '.* * silent'
feed --timeout 60s
many 100000 >&3
ok "100,000 questions are taken while nothing is answered" barrier many
first=$(peak)
many 100000 sequence >&3
ok "and again, more urgent" barrier more
second=$(peak)
if nm "$(command -v gc-reconcile)" 2> /dev/null | grep -q __asan_init; then
	echo "# memory under the sanitizer tells nothing"
else
	ok "in less than 60 MB ($first KB)" [ "$first" -lt 60000 ]
	ok "and once ($second KB)" [ "$second" -lt $((first + 4000)) ]
fi
kill -TERM $pid
finish
is "in the end each is said to be open, once" \
    "$? $(grep unverified out | grep -o '"userId":"[^"]*"' | sort -u | wc -l) $(grep -c unverified out)" \
    "75 100000 100000"

# --- everyone is doubted: at the rate, in order, and the urgent between
rules
cat > judge.pl <<'E2'
# judge.pl RATE URGENT: what the host's log says
my ($rate, $urgent) = @ARGV;
my (@at, @ids, %seen, $twice);
my $astray = 0;
while (<STDIN>) {
	my ($ms, $conn, $id) = split;
	push @at, $ms;
	$twice++ if $seen{$id}++;
	push @ids, $1 if $id =~ /^u(\d+)$/;
}
sub most {
	my ($window) = @_;
	my ($from, $most) = (0, 0);
	for my $i (0 .. $#at) {
		$from++ while $at[$from] <= $at[$i] - $window;
		$most = $i - $from + 1 if $most < $i - $from + 1;
	}
	return $most;
}
# eight go at once: one may be overtaken while it connects, in the burst
for my $i (1 .. $#ids) {
	my $back = abs($ids[$i] - $i - 1);
	$astray = $back if $back > $astray;
}
my $minute = most(60000);
my $short = most(6000);
printf "# %d in 60 s, %d in 6 s, %d asked in %.0f s, order by %d\n", $minute,
    $short, scalar @at, ($at[-1] - $at[0]) / 1000, $astray;
print "limit\n" if $minute <= $rate;
print "spread\n" if $short <= $rate / 10 + $rate * .09 + 9;
print "once\n" unless $twice;
print "order\n" if $astray <= 8 + $rate / 10;
E2
cat > urgent.pl <<'E2'
# urgent.pl ID: ask, wait for the host to be asked: how late that is, in ms
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC sleep);
my ($id) = @ARGV;
my $start = clock_gettime(CLOCK_MONOTONIC) * 1000;
syswrite STDOUT, qq({"event":"gc:gap","at":"x","userId":"$id",) .
    qq("reason":"sequence","seq":1}\n);
for (1 .. 1000) {
	open my $log, '<', 'log' or die;
	while (<$log>) {
		my ($ms, $conn, $is) = split;
		next if $is ne $id;
		printf STDERR "%d\n", $ms - $start;
		exit;
	}
	sleep 0.02;
}
E2
feed --rate "$rate"
many "$agents" start >&3
for part in 4 3 2; do
	until [ "$(wc -l < log)" -ge $((agents / part)) ]; do sleep 0.1; done
	perl urgent.pl "urgent$part" 2>> late >&3
done
until lines out gc:state $((agents + 3)); do sleep 0.2; done
finish
is "$agents agents at $rate a minute are all answered" $? 0
perl judge.pl "$rate" < log > verdict
grep '^#' verdict
for word in limit spread once order; do
	ok "$word is kept" has verdict "^$word"
done
ok "a sequence gap is asked within 2 s: $(tr '\n' ' ' < late)ms" \
    sh -c 'awk "\$1 > 2000 { bad = 1 } END { exit bad || NR != 3 }" late'
done_testing
