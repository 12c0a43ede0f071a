#!/usr/bin/env perl
# Workers on one broker with their roster in one Redis, as gc-queue(1) shows
# it: a worker that takes over starts from what is there, and what is there
# at the end is the roster of an undisturbed run.  GC_QUEUE_KILLS (8) workers
# die, one a second, while GC_QUEUE_LINES (6000) lines flow; then Redis is away
# for GC_QUEUE_AWAY (3) seconds, and then the broker.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use JSON::PP;
use POSIX ();
use Time::HiRes qw(sleep time);

my $kills = $ENV{GC_QUEUE_KILLS} // 8;
my $lines = $ENV{GC_QUEUE_LINES} // 6000;
my $away = $ENV{GC_QUEUE_AWAY} // 3;
my $agents = 100;
my $partitions = 4;

chdir dirname(abs_path($0)) . '/..' or die;
my ($redis_server) = grep { -x } map { "$_/redis-server" }
    split /:/, $ENV{PATH};
if (!$redis_server) {
	print "1..0 # SKIP no redis-server here\n";
	exit 0;
}
require './tests/broker.pl';
our ($dir, $port);
my $queue = "amqp://127.0.0.1:$port/agents";
my $cache = "redis+unix://$dir/redis";

my $redis;
sub start_redis {
	$redis = start('/dev/null', 'redis.out', 'redis.out', $redis_server,
	    '--port', 0, '--unixsocket', "$dir/redis", '--save', '60', '1',
	    '--dir', $dir);
	return wait_for(20, sub { IO::Socket::UNIX->new("$dir/redis") });
}
sub stop_redis { stop(TERM => $redis) }
if (!start_redis()) {
	print "Bail out! Redis does not start\n", slurp('redis.out');
	exit 1;
}

# --- what flows: every line changes a tier, and begins where it stood
my (@input, %stood);
for my $i (0 .. 3 * $lines - 1) {
	my $agent = 'agent' . $i % $agents;
	my $tier = $i < $agents ? 0 : int($i / $agents) % 3;
	my $before = $stood{"$agent $tier"};
	push @input, sprintf '{"event":"routing:agents:status:updated",' .
	    '"data":{"userId":"%s","status":"S%d","previousStatus":%s,' .
	    '"timestamp":"2024-06-15T%02d:%02d:%02d.%03dZ","queueId":%s}}' .
	    "\n", $agent, $i, defined $before ? "\"$before\"" : 'null',
	    $i / 3600000, $i / 60000 % 60, $i / 1000 % 60, $i % 1000,
	    $tier ? "\"q$tier\"" : 'null';
	$stood{"$agent $tier"} = "S$i";
}

# A roster, its times of day and numbers apart.
sub roster {
	my @all;
	for (@_) {
		my $a = decode_json($_);
		delete @$a{qw(at seq event)};
		push @all, JSON::PP->new->canonical->encode($a);
	}
	return sort @all;
}
sub undisturbed {
	my ($count) = @_;
	write_file('input', @input[0 .. $count - 1]);
	return roster(qx(gc-reduce --snapshot < input 2>> reduce.err));
}
sub cached { return roster(qx(gc-cache get $cache 2>> cache.err)) }

my $empty = join ' ', (0) x $partitions;

# Once put has ended: what is in the cache becomes the roster of so many lines
# without a disturbance.  The broker does not count what workers hold, so an
# empty queue is not the end yet.
sub settles {
	my ($count) = @_;
	ok(wait_for(300, sub { depths() eq $empty }), 'all is taken',
	    depths(), qx(tail -n 20 work.err));
	my @want = undisturbed($count);
	my @got;
	ok(wait_for(60, sub { @got = cached(); "@got" eq "@want" }),
	    'and the roster is that of an undisturbed run',
	    scalar(@got) . ' agents', grep { $_ ne shift @want } @got);
	return @got;
}

# --- the workers
my $command = "{ gc-cache get $cache; gc-dedup -w 0; } | gc-reduce | " .
    "gc-cache put $cache";
sub start_worker {
	return start('/dev/null', 'changes', 'work.err', qw(gc-queue get -f
	    --batch 50 --linger 20ms), "$queue?prefetch=400", '--', $command);
}

# Feed so many lines in so many seconds: its pid.
sub feed {
	my ($from, $to, $s) = @_;
	my $pid = fork // die;
	return $pid if $pid;
	open my $into, '|-',
	    "gc-queue put '$queue?partitions=$partitions' 2>> put.err" or die;
	$into->autoflush(1);
	for (my $i = $from; $i < $to; $i += 50) {
		print $into @input[$i .. ($i + 49 < $to ? $i + 49 : $to - 1)];
		sleep $s * 50 / ($to - $from);
	}
	close $into;
	POSIX::_exit($? >> 8);
}
sub depths {
	return join ' ', map { eval { decode_json($_)->{lines} } // 'x' }
	    qx(gc-queue ls $queue 2> /dev/null);
}
my $feeder = feed(0, $lines, $kills + 2);
wait_for(30, sub { depths() ne '' });
my @workers = map { start_worker() } 1 .. 3;
for my $k (1 .. $kills) {
	sleep 1;
	stop(KILL => $workers[$k % 3]);
	$workers[$k % 3] = start_worker();
}
ok(1, "$kills workers died");
waitpid $feeder, 0;
ok($? == 0, 'put ends well', slurp('put.err'));
my @got = settles($lines);
ok(!(grep { !/"verified":true/ } @got), 'and no agent is in doubt');

# --- Redis goes away, and the broker
# Of a process and all below it, the test's own apart: kB in memory, and
# seconds of a processor.
sub cost {
	my ($root) = @_;
	my (%below, %cost);
	for my $path (glob '/proc/[0-9]*/stat') {
		my ($pid, $name, $rest) = slurp($path) =~
		    /^(\d+) \((.*)\) \S (.*)/s or next;
		my @f = split ' ', $rest;
		push @{$below{$f[0]}}, $pid;
		next if $name =~ /perl|queue-workers/;
		my ($kb) = slurp("/proc/$pid/status") =~ /^VmRSS:\s+(\d+)/m;
		# with those that it has waited for
		$cost{$pid} = [$kb // 0, ($f[10] + $f[11] + $f[12] + $f[13]) /
		    POSIX::sysconf(&POSIX::_SC_CLK_TCK)];
	}
	my ($kb, $s, @next) = (0, 0, $root);
	while (defined(my $p = shift @next)) {
		$kb += $cost{$p}[0] // 0;
		$s += $cost{$p}[1] // 0;
		push @next, @{$below{$p} // []};
	}
	return ($kb, $s);
}
sub costs {
	my @all = map { [cost($_)] } @_;
	my ($kb, $s) = (0, 0);
	$kb += $_->[0], $s += $_->[1] for @all;
	return ($kb, $s);
}

# So many lines flow while these are stopped, and are started again.
sub outage {
	my ($what, $from, $to, $stop, $start) = @_;
	my $feeder = feed($from, $to, 10);
	my @all = ($feeder, $workers[0]);
	sleep 2;
	my ($kb) = costs(@all);
	$stop->();
	sleep 2;
	my (undef, $s) = costs(@all);
	sleep $away;
	my ($kb_then, $s_then) = costs(@all);
	printf "# %s away for %d s: %d kB became %d kB, %.2f s of a " .
	    "processor\n", $what, $away, $kb, $kb_then, $s_then - $s;
	ok(kill(0, @all) == 2, "$what away: put and get wait");
	ok($kb_then < $kb + 8192, 'in the same memory',
	    "$kb kB, then $kb_then");
	ok($s_then - $s < 0.2 + 0.02 * $away, 'at rest', $s_then - $s);
	ok($start->(), 'it is back');
	waitpid $feeder, 0;
	ok($? == 0, 'put ends well', slurp('put.err'));
	settles($to);
}

stop(KILL => $_) for @workers[1, 2];
outage('Redis', $lines, 2 * $lines, \&stop_redis, \&start_redis);
outage('the broker', 2 * $lines, 3 * $lines, \&stop_broker, \&start_broker);
ok(stop(TERM => $workers[0]) == 0, 'the worker ends well',
    qx(tail -n 20 work.err));
ok(!-s 'cache.err', 'the cache has nothing to complain of',
    slurp('cache.err'));
done_testing();
