#!/usr/bin/env perl
# rest.pl FOLDER: a REST host on 127.0.0.1 that does as it is told, for the
# tests of gc-reconcile.  One process, any number of kept-alive connections.
#
# FOLDER/port	is there when it listens
# FOLDER/log	a line a request: monotonic ms, number of the connection, id
# FOLDER/rules	read anew before each request, first match counts:
#	REGEX TIMES ACTION [ARGUMENT]
#	where REGEX matches the whole id and fewer than TIMES (*: any number)
#	requests have had this rule.  Without a match: ok.
# Actions:
#	ok		200 and a state
#	status N [S]	that status, with a Retry-After of S
#	body FILE	200 with FILE's bytes
#	bytes FILE	FILE's bytes as they are, and the connection's end
#	slow MS		ok, that much later
#	late MS FILE	200 with FILE's bytes, that much later
#	hold FILE [N]	ok, or the status N, once FILE is there
#	silent		nothing, ever
#	drip MS		the answer's bytes one by one, each so much later
#	close		the connection's end
#	once		ok for the first on its connection, else its end
use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;
use Socket qw(IPPROTO_TCP TCP_NODELAY);
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC stat);

my $dir = $ARGV[0];
my $listen = IO::Socket::INET->new(Listen => 500,
    LocalAddr => '127.0.0.1', Blocking => 0) or die "can't listen: $!";
open my $log, '>>', "$dir/log" or die "$dir/log: $!";
$log->autoflush(1);
$SIG{PIPE} = 'IGNORE';
my $select = IO::Select->new($listen);
my (%conns, %had, @later, @held, $number);
my $rules = '';		# inode and change time: new rules count anew

open my $f, '>', "$dir/port.new" or die "$dir/port: $!";
print $f $listen->sockport;
close $f;
rename "$dir/port.new", "$dir/port";

sub now { return clock_gettime(CLOCK_MONOTONIC) * 1000; }

sub slurp {
	my ($path) = @_;
	open my $in, '<:raw', $path or return '';
	local $/;
	return scalar(<$in>) // '';
}

sub end {
	my ($c) = @_;
	return unless delete $conns{$c->{fd}};
	$select->remove($c->{fd});
	close $c->{fd};
}

# Small answers fit the socket's buffer; large ones may wait a moment.
sub give {
	my ($c, $bytes) = @_;
	$c->{fd}->blocking(1);
	while (length $bytes) {
		my $n = syswrite $c->{fd}, $bytes;
		return end($c) unless $n;
		substr $bytes, 0, $n, '';
	}
	$c->{fd}->blocking(0);
}

sub http {
	my ($status, $extra, $body) = @_;
	return "HTTP/1.1 $status x\r\nContent-Type: application/json\r\n" .
	    "${extra}Content-Length: " . length($body) . "\r\n\r\n$body";
}

sub state {
	my ($id) = @_;
	$id =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ge;
	return http(200, '', qq({"userId":"$id","status":"Busy",) .
	    '"previousStatus":"Break","wrapUpCode":null,"queueId":null,' .
	    '"timestamp":"2024-06-15T14:32:10Z","queues":[]}');
}

sub after {
	my ($ms, $c, $bytes) = @_;
	push @later, [now() + $ms, $c, $bytes];
	@later = sort { $a->[0] <=> $b->[0] } @later;
}

my %actions = (
	ok => sub { my ($c, $id) = @_; give($c, state($id)) },
	status => sub {
		my ($c, $id, $n, $s) = @_;
		give($c, http($n, defined $s ? "Retry-After: $s\r\n" : '',
		    '{}'));
	},
	body => sub { give($_[0], http(200, '', slurp("$dir/$_[2]"))) },
	bytes => sub { give($_[0], slurp("$dir/$_[2]")); end($_[0]) },
	slow => sub { after($_[2], $_[0], state($_[1])) },
	late => sub {
		after($_[2], $_[0], http(200, '', slurp("$dir/$_[3]")));
	},
	hold => sub {
		my ($c, $id, $file, $n) = @_;
		push @held, ["$dir/$file", $c, defined $n ?
		    http($n, '', '{}') : state($id)];
	},
	silent => sub { },
	drip => sub {
		my ($c, $id, $ms) = @_;
		my $at = 0;
		after($at += $ms, $c, $_) for split //, state($id);
	},
	close => sub { end($_[0]) },
	once => sub {
		my ($c, $id) = @_;
		return end($c) if $c->{requests} > 1;
		give($c, state($id));
	},
);

sub request {
	my ($c, $id) = @_;
	$c->{requests}++;
	printf $log "%d %d %s\n", now(), $c->{number}, $id;
	my @file = stat "$dir/rules";
	my $which = @file ? "$file[1] $file[10]" : '';
	%had = () if $which ne $rules;
	$rules = $which;
	for my $rule (split /\n/, slurp("$dir/rules")) {
		my ($regex, $times, $action, @args) = split ' ', $rule;
		next unless defined $action && $id =~ /^(?:$regex)$/;
		next if $times ne '*' && ($had{$rule} // 0) >= $times;
		$had{$rule}++;
		return $actions{$action}->($c, $id, @args);
	}
	$actions{ok}->($c, $id);
}

sub read_from {
	my ($c) = @_;
	my $n = sysread $c->{fd}, $c->{in}, 65536, length $c->{in};
	return if !defined $n && $!{EAGAIN};
	return end($c) unless $n;
	while ($c->{in} =~ s/^(.*?)\r\n\r\n//s) {
		my ($path) = $1 =~ m{^GET (\S+) };
		my ($id) = ($path // '') =~
		    m{^/api/v2/routing/users/(.*)/state$};
		request($c, $id // "?$path");
	}
}

for (;;) {
	my $wait = @later ? ($later[0][0] - now()) / 1000 : undef;
	$wait = 0 if defined $wait && $wait < 0;
	$wait = 0.02 if @held && (!defined $wait || $wait > 0.02);
	for my $fd ($select->can_read($wait)) {
		if ($fd != $listen) {
			read_from($conns{$fd}) if $conns{$fd};
			next;
		}
		my $new = $listen->accept or next;
		$new->blocking(0);
		setsockopt $new, IPPROTO_TCP, TCP_NODELAY, 1;
		$conns{$new} = { fd => $new, in => '', requests => 0,
		    number => ++$number };
		$select->add($new);
	}
	for my $h (splice @held) {
		push @held, $h and next unless -e $h->[0];
		give($h->[1], $h->[2]) if $conns{$h->[1]{fd}};
	}
	while (@later && $later[0][0] <= now()) {
		my (undef, $c, $bytes) = @{shift @later};
		give($c, $bytes) if $conns{$c->{fd}};
	}
}
