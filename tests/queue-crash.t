#!/usr/bin/env perl
# kill -9 of any process between the queue's input and the roster, at random
# moments: no line is lost, none counts twice.  GC_QUEUE_KILLS (10) kills
# while GC_QUEUE_LINES (8000) lines flow, drawn from GC_QUEUE_SEED (1).
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use JSON::PP;
use POSIX qw(:sys_wait_h);
use Time::HiRes qw(sleep time);

my $kills = $ENV{GC_QUEUE_KILLS} // 10;
my $lines = $ENV{GC_QUEUE_LINES} // 8000;
my $seed = $ENV{GC_QUEUE_SEED} // 1;
my $agents = 200;
my $command = 'gc-dedup -w 0 | gc-reduce -s roster';
srand $seed;

chdir dirname(abs_path($0)) . '/..' or die;
require './tests/live.pl';

# --- what flows: every line changes a tier, and begins where it stood
my (@input, %stood);
for my $i (0 .. $lines - 1) {
	my $agent = 'agent' . $i % $agents;
	my $tier = $i < $agents ? 0 : int($i / $agents) % 3;
	my $queue = $tier ? "\"q$tier\"" : 'null';
	my $status = "S$i";
	my $before = $stood{"$agent $tier"};
	$before = defined $before ? "\"$before\"" : 'null';
	$stood{"$agent $tier"} = $status;
	push @input, sprintf '{"event":"routing:agents:status:updated",' .
	    '"data":{"userId":"%s","status":"%s","previousStatus":%s,' .
	    '"timestamp":"2024-06-15T%02d:%02d:%02d.%03dZ","queueId":%s}}' .
	    "\n", $agent, $status, $before, $i / 3600000,
	    $i / 60000 % 60, $i / 1000 % 60, $i % 1000, $queue;
}
write_file('input', @input);

# What a roster says, its times of day apart; and its highest seq.
sub roster {
	my ($file) = @_;
	my ($seq, @all) = 0;
	for (qx($file)) {
		my $a = decode_json($_);
		$seq = $a->{seq} if $a->{seq} > $seq;
		delete @$a{qw(at seq)};
		push @all, JSON::PP->new->canonical->encode($a);
	}
	return ($seq, @all);
}

sub ls {
	return () unless -d 'q';
	my %seen;
	for (qx(gc-queue ls dir:q 2>> ls.err)) {
		my $l = eval { decode_json($_) } or next;
		$seen{$l->{event}} = $l;
	}
	return %seen;
}

# --- the processes
my ($put, $feeder, $get);

# Feed what is not in the queue yet, evenly over the time of the kills.
sub start_put {
	my %seen = ls();
	my $from = $seen{'gc:queue'}{lines} // 0;	# in the queue, whole
	pipe my $r, my $w or die;
	$put = fork // die;
	if (!$put) {
		close $w;
		open STDIN, '<&', $r or die;
		open STDERR, '>>', 'put.err';
		exec qw(gc-queue put --segment 256K --keep 10G dir:q) or exit 127;
	}
	$feeder = fork // die;
	if (!$feeder) {
		close $r;
		$w->autoflush(1);
		my $step = int($lines / (20 * ($kills + 1))) + 1;
		while ($from < $lines) {
			my $to = $from + $step - 1;
			$to = $#input if $to > $#input;
			print $w @input[$from .. $to] or POSIX::_exit(0);
			$from = $to + 1;
			sleep 0.05;
		}
		close $w;
		POSIX::_exit(0);
	}
	close $_ for $r, $w;
}

sub start_get {
	$get = fork // die;
	return if $get;
	open STDIN, '<', '/dev/null';
	open STDOUT, '>>', 'changes';
	open STDERR, '>>', 'get.err';
	exec qw(gc-queue get -f --batch 200 dir:q --), $command or exit 127;
}

# Everybody below a process.
sub below {
	my ($root) = @_;
	my (%children, @all);
	for my $path (glob '/proc/[0-9]*/stat') {
		open my $s, '<', $path or next;
		my ($pid, $ppid) = (<$s> // '') =~ /^(\d+) \(.*\) \S (\d+)/s
		    or next;
		push @{$children{$ppid}}, $pid;
	}
	my @next = ($root);
	while (defined(my $p = shift @next)) {
		push @all, $p;
		push @next, @{$children{$p} // []};
	}
	return @all;
}

sub name {
	my ($pid) = @_;
	open my $c, '<', "/proc/$pid/comm" or return '';
	chomp(my $name = <$c> // '');
	return $name;
}

# Start again who has ended, as a supervisor does; true if all is put.
sub supervise {
	while ((my $pid = waitpid -1, WNOHANG) > 0) {
		start_get() if $pid == $get;
		next if $pid != $put;
		return 1 if $? == 0;
		kill KILL => $feeder;
		start_put();
	}
	return 0;
}

# --- the kills
my ($done, %killed) = 0;
start_put();
start_get();
my $killing = 0;
my $deadline = time + 60 + 20 * $kills;
while ($killing < $kills && time < $deadline) {
	my $until = time + rand 0.8;
	while (time < $until) {
		$done |= supervise();
		sleep 0.02;
	}
	my @victims = ((kill(0, $put) && !$done ? $put : ()), below($get));
	my $victim = $victims[rand @victims];
	my $name = name($victim);
	next if $name eq '' || $name =~ /queue-crash|perl/;
	$name = "$name put" if $victim == $put;
	kill KILL => $victim or next;
	$killed{$name}++;
	$killing++;
}
ok($killing == $kills, "$kills kills (seed $seed)");
print "# $_: $killed{$_}\n" for sort keys %killed;

# --- the end: all is put, all is acknowledged
my %seen;
while (time < $deadline) {
	$done |= supervise();
	%seen = ls();
	last if $done && $seen{'gc:queue'}{lines} == $lines &&
	    $seen{'gc:place'} && $seen{'gc:place'}{depth} == 0;
	sleep 0.2;
}
ok($done && $seen{'gc:queue'}{lines} == $lines,
    "each line is in the queue, once", JSON::PP->new->encode(\%seen));
ok($seen{'gc:place'}{depth} == 0, "and acknowledged",
    JSON::PP->new->encode(\%seen), qx(tail -n 5 get.err));
kill TERM => $get;
waitpid $get, 0;
ok($? == 0, "get ends well", $?, qx(tail -n 5 get.err));
kill KILL => $feeder, $put;
qx(gc-queue get -g other dir:q > all 2>> ls.err; cmp all input);
ok($? == 0, "what is in the queue is what was put, in its order");

my ($want_seq, @want) = roster('gc-reduce --snapshot < input 2>> ls.err');
my ($seq, @got) = roster(
    'gc-reduce -s roster --snapshot < /dev/null 2>> ls.err');
ok("@got" eq "@want", "the roster is that of an undisturbed run",
    scalar(@got) . ' agents', grep { $_ ne shift @want } @got);
ok($want_seq == $lines, "where each line counts once", $want_seq);
ok($seq == $lines, "and here too: none is lost, none counts twice",
    "$seq of $lines", qx(tail -n 5 get.err));
ok(!-s 'ls.err', "nobody complains of a file", qx(cat ls.err));
print "# $_" for qx(grep -c 'started again' get.err);
done_testing();
