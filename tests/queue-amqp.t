#!/usr/bin/env perl
# gc-queue against a RabbitMQ of our own, on loopback, in a folder of its own:
# what goes in comes out, in each agent's order, through the deaths of workers
# and of the broker.  GC_QUEUE_KILLS (6) workers die, one a second, while
# GC_QUEUE_LINES (6000) lines flow.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use JSON::PP;
use Time::HiRes qw(sleep time);

my $kills = $ENV{GC_QUEUE_KILLS} // 6;
my $lines = $ENV{GC_QUEUE_LINES} // 6000;
my $agents = 50;

chdir dirname(abs_path($0)) . '/..' or die;
require './tests/broker.pl';
our ($dir, $port, $tls);
my $base = "amqp://127.0.0.1:$port";
my $queue = "$base/agents";

# --- in and out
sub line {
	my ($agent, $n) = @_;
	return sprintf '{"event":"n","data":{"userId":"a%d","n":%d}}' . "\n",
	    $agent, $n;
}
my @first = map { line($_ % $agents, int($_ / $agents)) } 0 .. 499;
write_file('first', @first,
    "{\"event\":\"gc:alive\",\"socket\":0,\"rttMs\":1}\n");
system("gc-queue put '$queue?partitions=4' < first 2> err");
ok($? == 0, 'lines are put', slurp('err'));
my @seen = map { decode_json($_) } qx(gc-queue ls $queue);
ok(@seen == 4, 'into four partitions', scalar @seen);
ok((grep { $_->{lines} > 1 } @seen) == 4, 'each of which has some');
my @got = qx(gc-queue get $queue 2> err);
ok((grep { /gc:alive/ } @got) == 4, 'a control line is in all', slurp('err'));
@got = grep { !/gc:alive/ } @got;
ok(join('', sort @got) eq join('', sort @first), 'and come out, once',
    scalar @got);
my (%next, $wrong) = ();
for (@got) {
	my $d = decode_json($_)->{data};
	$wrong++ if $d->{n} != ($next{$d->{userId}}++ // 0);
}
ok(!$wrong, 'each agent in its order', $wrong // 0);
@seen = map { decode_json($_)->{lines} } qx(gc-queue ls $queue);
ok("@seen" eq '0 0 0 0', 'all is acknowledged', "@seen");

# --- what is refused
sub code {
	my ($command) = @_;
	system("$command > out 2> err < /dev/null");
	return $? >> 8;
}
ok(code("gc-queue put '$queue?partitions=2'") == 78,
    'fewer partitions than there are: 78', slurp('err'));
$ENV{GC_QUEUE_PASSWORD} = 'sesame-1234';
ok(code("gc-queue put $queue") == 77, 'a wrong password: 77', slurp('err'));
ok(slurp('err') !~ /sesame/, 'which is not shown');
delete $ENV{GC_QUEUE_PASSWORD};
ok(code("gc-queue put amqp://me:sesame-1234\@127.0.0.1:$port/agents") == 64,
    'a password in the command line: 64', slurp('err'));
ok(slurp('err') !~ /sesame/, 'which is not shown');
write_file('secret', "guest\n");
chmod 0644, 'secret';
$ENV{GC_QUEUE_PASSWORD_FILE} = 'secret';
ok(code("gc-queue ls $queue") == 78, 'a password that others can read: 78',
    slurp('err'));
chmod 0600, 'secret';
ok(code("gc-queue ls $queue") == 0, 'a private one will do', slurp('err'));
delete $ENV{GC_QUEUE_PASSWORD_FILE};
ok(code("gc-queue $_") == 64, "$_: 64", slurp('err'))
    for "put '$queue?partitions=0'", "put '$queue?colour=1'",
    "put '$queue?prefetch=x'", 'put amqp://', 'put amqp://host',
    "trim $queue", "get --part 1/2 $queue", "put --keep 1h $queue";
ok(code("gc-queue ls $base/nobody") == 69, 'a queue that is not there: 69',
    slurp('err'));

# --- TLS
if ($tls) {
	my $over = "amqps://localhost:$tls/agents";
	ok(code("timeout 20 gc-queue put $over") == 77,
	    'a certificate that nobody vouches for: 77', slurp('err'));
	ok(slurp('err') =~ /verif/i, 'said', slurp('err'));
	$ENV{GC_CACERT} = "$dir/cert.pem";
	ok(system("timeout 60 gc-queue put $over < first 2> err") == 0,
	    'over TLS lines are put', slurp('err'));
	@got = qx(timeout 60 gc-queue get $over 2> err);
	ok(@got == 504, 'and come out', scalar @got, slurp('err'));
	delete $ENV{GC_CACERT};
} else {
	print "# no openssl here: TLS is not tested\n";
}

# --- COMMAND, one a partition
system("gc-queue put $queue < first");
@got = qx(gc-queue get --batch 50 $queue -- 'sed "s/^/\$GC_PARTITION /; s/^[1-4] \\({.*barrier\\)/\\1/"' 2> err);
ok(@got == 504, 'through COMMAND come all, without the barriers',
    scalar @got, slurp('err'));
my %of;
/^(\d) .*"userId":"(a\d+)"/ and $of{$2}{$1} = 1 for @got;
ok(!(grep { keys %{$of{$_}} != 1 } keys %of) && keys %of == $agents,
    'GC_PARTITION is that of the agent');

# --- workers die, and the broker goes away
my $log = q(perl -e 'open F, ">>", "seen"; $| = 1; ) .
    q(while (<STDIN>) { syswrite F, $_; print }');
my @workers;
sub start_worker {
	return start('/dev/null', 'work.out', 'work.err', qw(gc-queue get -f
	    --batch 20 --linger 20ms), "$queue?prefetch=200", '--', $log);
}
@workers = map { start_worker() } 1 .. 3;
my $feeder = fork // die;
if (!$feeder) {
	open my $to, '|-', "gc-queue put '$queue?confirm=200' 2>> put.err"
	    or die;
	$to->autoflush(1);
	my $pause = ($kills + 4) / ($lines / 50);
	for my $n (0 .. $lines / $agents - 1) {
		print $to map { line($_, $n) } 0 .. $agents - 1;
		sleep $pause;
	}
	close $to;
	POSIX::_exit($? >> 8);
}
for my $k (1 .. $kills) {
	sleep 1;
	my $i = $k % 3;
	stop(KILL => $workers[$i]);
	$workers[$i] = start_worker();
	next if $k != int($kills / 2);
	stop_broker();
	ok(1, 'the broker is stopped in between');
	sleep 1;
	ok(start_broker(), 'and started again');
}
waitpid $feeder, 0;
ok($? == 0, 'put ends well, whatever happened', $?, slurp('put.err'));
ok(slurp('put.err') =~ /tried again.*connected/s,
    'the broker that was away is said', slurp('put.err'));
my $enough = sub {
	my @depth = map { eval { decode_json($_)->{lines} } // 1 }
	    qx(gc-queue ls $queue 2> /dev/null);
	return "@depth" eq '0 0 0 0' &&
	    (() = slurp('seen') =~ /"userId"/g) >= $lines;
};
ok(wait_for(90, $enough), 'every line reaches a worker',
    qx(gc-queue ls $queue 2>&1), qx(tail -n 20 work.err));
ok(stop(TERM => $_) == 0, 'a worker ends well') for @workers;
my (%max, $gaps, $again) = ();
for (split /\n/, slurp('seen')) {
	my ($agent, $n) = /"userId":"(a\d+)","n":(\d+)/ or next;
	my $want = ($max{$agent} // -1) + 1;
	$gaps++ if $n > $want;
	$again++ if $n < $want;
	$max{$agent} = $n if $n >= $want;
}
ok(!$gaps, 'each agent is in its order, through all of it', $gaps // 0);
my $last = int($lines / $agents) - 1;
ok(!(grep { ($max{"a$_"} // -1) != $last } 0 .. $agents - 1),
    'and nothing is missing');
printf "# %d lines were given out again\n", $again // 0;

# --- a broker short of memory takes no lines, and closes nothing
ok(ctl('set_vm_memory_high_watermark', '0.0001'), 'memory is short',
    slurp('ctl.out'));
my $put = start('first', 'out', 'short.err', qw(gc-queue put), $queue);
ok(wait_for(40, sub { slurp('short.err') =~ /confirmed nothing for 10 s/ }),
    'that nothing is confirmed is said', slurp('short.err'));
ok(ctl('set_vm_memory_high_watermark', '0.6'), 'there is room again',
    slurp('ctl.out'));
ok(wait_for(30, sub { waitpid($put, 1) == $put }) && $? == 0,
    'put waits, and ends well', $?, slurp('short.err'));
ok(slurp('short.err') =~ /confirmed again\n\z/, 'that is said',
    slurp('short.err'));
@got = grep { !/gc:alive/ } qx(gc-queue get $queue 2> err);
ok(join('', sort @got) eq join('', sort @first), 'each line is there, once',
    scalar @got);
ctl('set_vm_memory_high_watermark', '0.0001');
$put = start('first', 'out', 'short.err', qw(gc-queue put), $queue);
wait_for(30, sub { slurp('short.err') =~ /again\n.*for 10 s/s });
my $begun = time;
ok(stop(TERM => $put) == 75 && time - $begun < 8, 'a signal ends it soon: 75',
    $? >> 8, time - $begun, slurp('short.err'));

# --- a put that cannot reach the broker ends at a signal
stop_broker();
$put = start('first', 'out', 'away.err', qw(gc-queue put), $queue);
ok(wait_for(30, sub { slurp('away.err') =~ /tried again/ }),
    'a broker that is away is said');
$begun = time;
ok(stop(TERM => $put) == 75, 'put ends with 75 at a signal',
    slurp('away.err'));
ok(time - $begun < 12, 'soon');
ok(slurp('away.err') =~ /501 lines could not be put/,
    'and says how much it had', slurp('away.err'));
done_testing();
