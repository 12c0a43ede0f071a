#!/usr/bin/perl
# A WebSocket server that does as it is told, for what gc-sim never would:
#   perl odd.pl FOLDER SCRIPT [SCRIPT...]
# FOLDER/port says where it listens, FOLDER/log what came: a line each,
# TIME-IN-MS CONNECTION WHAT.  The n-th connection plays the n-th SCRIPT, all
# later ones the last.  A script is steps between blanks; bytes are written
# with %HH where they are no plain letters:
#   accept            read the request, answer 101
#   head              read the request
#   refuse:LINE:HEAD  read it and answer HTTP/1.1 LINE, with HEAD's lines
#   raw:BYTES         send them
#   hold, flush       gather what is sent, send it as one
#   frame:HEX:BYTES   a frame with that first byte
#   text:BYTES        a text frame
#   ev:FROM-TO[:SUB]  status events with these numbers
#   big:N             a text frame of N bytes, an object
#   close[:CODE[:REASON]]
#   flood:HEX         that frame, empty, for ever
#   sleep:MS, await:FILE, touch:FILE
#   look:PATH         note what that file holds, or that it is not there
#   read              one frame
#   until:OPCODE      frames until such a one
#   serve[:OPTION]    answer pings and the close frame; nopong, noclose,
#                     late=MS (pongs)
#   sink              read all, say nothing
#   mute              read nothing, say nothing
#   reset             end by a reset
# ODD_RCVBUF: how much it takes in that it does not read, in bytes.
use strict;
use warnings;
use Digest::SHA qw(sha1_base64);
use IO::Select;
use IO::Socket::INET;
use Socket qw(SOL_SOCKET SO_LINGER SO_RCVBUF IPPROTO_TCP TCP_NODELAY);
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC sleep);

my ($folder, @scripts) = @ARGV;
my ($number, $sock, $in, $out, $holding, @late) = (0, undef, '', '', 0);
my $began = now();
my $parent = $$;

sub now { int(clock_gettime(CLOCK_MONOTONIC) * 1000) }

sub note {
	open my $log, q(>>), "$folder/log" or exit;
	syswrite $log, join(' ', now() - $began, $number, @_) . "\n";
}

# not longer than the server itself
sub idle { exit if getppid != $parent; sleep shift }

sub bytes { my $s = shift // ''; $s =~ s/%(..)/chr hex $1/ge; $s }

sub emit {
	$out .= shift;
	return if $holding;
	while (length $out) {
		my $n = syswrite $sock, $out;
		if (!defined $n) {
			note('gone', "$!");
			exit;
		}
		substr($out, 0, $n) = '';
	}
}

sub frame {
	my ($first, $payload) = @_;
	my $n = length $payload;
	emit(pack('C', $first) . ($n < 126 ? pack('C', $n) : $n < 65536 ?
	    pack('Cn', 126, $n) : pack('CQ>', 127, $n)) . $payload);
}

sub event {
	my ($i, $sub) = @_;
	frame(0x81, sprintf '{"subscriptionId":"%s","event":"routing:agents:'
	    . 'status:updated","data":{"userId":"u%d","status":"S%d",'
	    . '"timestamp":"2024-06-15T14:32:10.000Z"}}', $sub // 'sub_1',
	    $i % 10, $i);
}

sub need {
	my $n = shift;
	while (length $in < $n) {
		my $wait = @late ? ($late[0][0] - now()) / 1000 : undef;
		if (@late && $wait <= 0) {
			frame(0x8a, (shift @late)->[1]);
			next;
		}
		next if !IO::Select->new($sock)->can_read($wait);
		my $got = sysread $sock, $in, 65536, length $in;
		if (!$got) {
			note('end');
			exit;
		}
	}
	return substr $in, 0, $n, '';
}

sub receive {
	my ($first, $len) = unpack 'CC', need(2);
	my $masked = $len & 128;
	$len &= 127;
	$len = unpack 'n', need(2) if $len == 126;
	$len = unpack 'Q>', need(8) if $len == 127;
	my $mask = $masked ? need(4) : '';
	my $payload = need($len);
	if ($masked) {
		$payload ^= substr $mask x (1 + $len / 4), 0, $len;
	}
	my $opcode = $first & 15;
	my $said = $opcode == 8 ? ($len >= 2 ? unpack('n', $payload) . ' ' .
	    substr $payload, 2 : 'none') : substr $payload, 0, 200;
	note('frame', $opcode, $masked ? 'masked' : 'bare', $len, $said);
	return ($opcode, $payload);
}

sub head {
	my $request = '';
	$request .= need(1) while $request !~ /\r\n\r\n\z/;
	note('request', split /\r\n.*/s, $request);
	return $request;
}

sub serve {
	my $how = shift // '';
	while (1) {
		my ($opcode, $payload) = receive();
		if ($opcode == 9 && $how =~ /late=(\d+)/) {
			push @late, [now() + $1, $payload];
		} elsif ($opcode == 9 && $how !~ /nopong/) {
			frame(0x8a, $payload);
		} elsif ($opcode == 8 && $how !~ /noclose/) {
			frame(0x88, substr $payload, 0, 2);
			return;
		}
	}
}

my %steps = (
	head => \&head,
	accept => sub {
		my ($key) = head() =~ /^Sec-WebSocket-Key: *(\S+)/mi;
		emit("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket"
		    . "\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
		    . sha1_base64($key .
		    '258EAFA5-E914-47DA-95CA-C5AB0DC85B11') . "=\r\n\r\n");
	},
	refuse => sub {
		head();
		my ($line, @rest) = @_;
		emit('HTTP/1.1 ' . bytes($line) . "\r\n" .
		    bytes(join ':', @rest) . "\r\n");
	},
	raw => sub { emit(bytes(join ':', @_)) },
	hold => sub { $holding = 1 },
	flush => sub { $holding = 0; emit('') },
	frame => sub { my $first = shift; frame(hex $first, bytes(join ':', @_)) },
	text => sub { frame(0x81, bytes(join ':', @_)) },
	ev => sub {
		my ($from, $to) = split /-/, $_[0];
		event($_, $_[1]) for $from .. $to // $from;
	},
	big => sub { frame(0x81, '{"a":"' . 'x' x ($_[0] - 8) . '"}') },
	close => sub {
		frame(0x88, defined $_[0] ? pack('n', $_[0]) . bytes($_[1]) :
		    '');
	},
	flood => sub {
		my $block = pack('CC', hex $_[0], 0) x 32768;
		emit($block) while 1;
	},
	sleep => sub { sleep $_[0] / 1000 },
	await => sub { idle(0.02) until -e "$folder/$_[0]" },
	touch => sub { open my $f, '>', "$folder/$_[0]" },
	look => sub {
		open my $f, '<', $_[0] or return note('looked', 'none');
		note('looked', $_) for map { s/\n//r } <$f>;
	},
	read => \&receive,
	until => sub {
		my $opcode;
		do { ($opcode) = receive() } until $opcode == $_[0];
	},
	serve => \&serve,
	sink => sub { need(length($in) + 1) while 1 },
	mute => sub { idle(0.2) while 1 },
	reset => sub {
		setsockopt $sock, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0;
		CORE::close $sock;
		exit;
	},
);

$SIG{CHLD} = 'IGNORE';
$SIG{PIPE} = 'IGNORE';
mkdir $folder;
my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 50,
    ReuseAddr => 1) or die;
setsockopt $listener, SOL_SOCKET, SO_RCVBUF, 0 + $ENV{ODD_RCVBUF}
    if $ENV{ODD_RCVBUF};
note('began');
open my $port, '>', "$folder/port.new" or die;
print $port $listener->sockport, "\n";
close $port;
rename "$folder/port.new", "$folder/port";
while (1) {
	$sock = $listener->accept or next;
	my $script = $scripts[$number < @scripts ? $number : $#scripts];
	$number++;
	note('accepted');
	if (fork) {
		CORE::close $sock;
		next;
	}
	CORE::close $listener;
	setsockopt $sock, IPPROTO_TCP, TCP_NODELAY, 1;
	for my $step (split ' ', $script) {
		my ($name, @args) = split /:/, $step;
		$steps{$name}->(@args);
	}
	note('done');
	exit;
}
