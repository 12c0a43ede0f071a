#!/usr/bin/env perl
# A client of gc-sim --plain that does as it is told, byte by byte: what it
# sends and sees is independent of the suite.  It finds gc-sim by the GC_*
# variables that COMMAND has, and does one action after the other:
#
#	login [bad|grant]	prints the status; the token is kept
#	get PATH		prints `get STATUS MS RETRY-AFTER BODY`
#	ask-get PATH		the request alone
#	upgrade [HOW]		bare: with no bearer; old: of another version;
#				lower: `bearer`; key: a wrong one; lone: no
#				Connection: Upgrade; 1.0: of HTTP; prints
#				`upgrade STATUS MS RETRY-AFTER accepted`
#	ask-upgrade		the request alone
#	call METHOD PATH BODY	prints `call STATUS RATE EXTRA BODY`: RATE is
#				COUNT/ALLOWED/RESET, EXTRA Retry-After or where
#				to go; - is no body; @N in the path: the Nth channel's id
#	basic, bearer		how call says who it is (bearer)
#	channel			a new one; prints its expires
#	connect N		upgrade at its connectUri; prints as upgrade;
#				the connection before stays
#	follow KIND		the last channel is told of every active user's
#				KIND; prints how many topics are permitted
#	swap			another connection: the one before the last
#	dial			a connection alone
#	text JSON		a text frame
#	frame FIRST PAYLOAD	a frame whose first byte is that, in hex
#	bytes HEX		these bytes
#	read N			prints N frames
#	until REGEX		prints frames up to one that matches
#	quiet FILE		once FILE says sim:quiet: what came before
#	silent			nothing comes for a while, nor does the end
#	end			prints frames up to the connection's end
#	hangup			the connection is closed
#
# A frame is printed as `MS FIRST LENGTH PAYLOAD`: when it came (wall clock),
# its first byte in hex, and its bytes, the unprintable as \xNN.
use strict;
use warnings;
use Digest::SHA qw(sha1_base64);
use IO::Select;
use IO::Socket::INET;
use MIME::Base64 qw(encode_base64);
use Time::HiRes qw(time sleep);

use constant { PATIENCE_S => 30, SILENCE_S => 0.4, SHOWN_MAX => 4000 };

my ($host, $port) = $ENV{GC_API_URL} =~ m{^https?://([^:]+):(\d+)$} or die;
my ($token, $socket, $in) = ('', undef, '');
my ($other, $other_in) = (undef, '');
my ($basic, @channels, @kept) = (0);

sub now_ms { return int(time * 1000) }

sub dial {
	return IO::Socket::INET->new(PeerAddr => $host, PeerPort => $port)
	    // die "can't connect: $!\n";
}

# More bytes into $in; false at the end.  Dies when patience does.
sub more {
	my $ready = IO::Select->new($socket)->can_read(PATIENCE_S);
	die "nothing comes\n" unless $ready;
	my $n = sysread $socket, $in, 65536, length $in;
	return $n;
}

# One answer: status, head, body as far as it came.
sub answer {
	my ($no_body) = @_;
	until ($in =~ /\r\n\r\n/) {
		more() or last;
	}
	my ($head, $body) = $in =~ /^(.*?\r\n)\r\n(.*)$/s or
	    return (0, '', '');
	my ($status) = $head =~ m{^HTTP/1.1 (\d+)};
	my ($len) = $head =~ /^content-length: (\d+)/mi;
	$len = 0 if $no_body;
	while (defined $len && length $body < $len) {
		my $before = length $in;
		more() or last;
		$body .= substr $in, $before;
	}
	$in = $status == 101 ? $body : '';
	return ($status, $head, $body);
}

sub request {
	my ($method, $path, $body, @head) = @_;
	$socket = dial();
	$in = '';
	syswrite $socket, join "\r\n", "$method $path HTTP/1.1",
	    "Host: $host", @head, 'Content-Length: ' . length $body, '',
	    $body;
}

sub login {
	my ($how) = @_;
	my $secret = $how eq 'bad' ? 'wrong' : $ENV{GC_CLIENT_SECRET};
	my $pair = encode_base64("$ENV{GC_CLIENT_ID}:$secret", '');
	request('POST', '/oauth/token', $how eq 'grant' ? 'grant_type=x' :
	    'grant_type=client_credentials', "Authorization: Basic $pair",
	    'Content-Type: application/x-www-form-urlencoded');
	my ($status, $head, $body) = answer();
	$token = $1 if $body =~ /"access_token":"([^"]+)"/;
	print "login $status $body\n";
}

sub get {
	my ($path) = @_;
	my ($open, $unread) = ($socket, $in);
	my $from = now_ms();
	request('GET', $path, '', "Authorization: Bearer $token");
	my ($status, $head, $body) = answer();
	my ($after) = $head =~ /^retry-after: (\d+)/mi;
	printf "get %s %d %s %s\n", $status, now_ms() - $from,
	    $after // '-', length $body > SHOWN_MAX ?
	    '(' . length($body) . ' bytes)' : $body;
	($socket, $in) = ($open, $unread);	# the WebSocket stays
}

sub who {
	return 'Authorization: ' . ($basic ? 'Basic ' . encode_base64(
	    "$ENV{GC_CLIENT_ID}:$ENV{GC_CLIENT_SECRET}", '') :
	    "Bearer $token");
}

sub ask {
	my ($method, $path, $body) = @_;
	my ($open, $unread) = ($socket, $in);
	$body = '' if $body eq '-';
	$path =~ s/@(\d+)/$channels[$1 - 1]/;
	request($method, $path, $body, who(), 'Content-Type: ' .
	    ($path =~ /oauth/ ? 'application/x-www-form-urlencoded' :
	    'application/json'));
	my @answer = answer($method eq 'HEAD');
	($socket, $in) = ($open, $unread);
	return @answer;
}

sub call {
	my ($status, $head, $body) = ask(@_);
	my @rate = map { $head =~ /^inin-ratelimit-$_: (\d+)/mi }
	    qw(count allowed reset);
	my ($extra) = $head =~ /^(?:retry-after|location): (\S+)/mi;
	$token = $1 if $body =~ /"access_token":"([^"]+)"/;
	printf "call %s %s %s %s\n", $status, join('/', @rate) || '-',
	    $extra // '-', $body;
}

sub channel {
	my ($status, undef, $body) = ask('POST',
	    '/api/v2/notifications/channels', '');
	my ($id) = $body =~ /"id":"([^"]+)"/ or die "channel: $status $body\n";
	my ($at) = $body =~ /"expires":"([^"]+)"/;
	my ($uri) = $body =~ m{"connectUri":"wss?://[^/]+/channels/([^"]+)"};
	die "another id in $body\n" unless $uri eq $id;
	push @channels, $id;
	print "channel $status $at\n";
}

sub follow {
	my ($kind) = @_;
	my ($page, @ids) = (1);
	for (;;) {
		my (undef, undef, $body) = ask('GET', "/api/v2/users?" .
		    "pageSize=500&pageNumber=$page", '');
		push @ids, $body =~ /\{"id":"([^"]+)"/g;
		$page++;
		last unless $body =~ /"nextUri"/;
	}
	my (undef, undef, $body) = ask('PUT', '/api/v2/notifications/channels/@' .
	    @channels . '/subscriptions?ignoreErrors=true', '[' . join(',',
	    map { qq({"id":"v2.users.$_$kind"}) } @ids) . ']');
	my $permitted = () = $body =~ /Permitted/g;
	print "follow $permitted\n";
}

sub ask_upgrade {
	my ($how, $path) = @_;
	$socket = dial();
	$in = '';
	$path //= '/api/v2/platform/notification/events';
	my @head = ("GET $path HTTP/" .
	    ($how eq "1.0" ? "1.0" : "1.1"), "Host: $host", "Upgrade: websocket",
	    "Connection: keep-alive" . ($how eq "lone" ? "" : ", Upgrade"),
	    "Sec-WebSocket-Key: " . ($how eq "key" ? "-" x 24 :
	    "dGhlIHNhbXBsZSBub25jZQ=="),
	    'Sec-WebSocket-Version: ' . ($how eq 'old' ? 8 : 13));
	push @head, "Authorization: " . ($how eq "lower" ? "bearer" : "Bearer") .
	    " $token" unless $how eq 'bare';
	syswrite $socket, join("\r\n", @head) . "\r\n\r\n";
}

sub upgrade {
	my $from = now_ms();
	ask_upgrade(@_);
	my ($status, $head) = answer();
	my ($accept) = $head =~ /^sec-websocket-accept: (\S+)/mi;
	my ($after) = $head =~ /^retry-after: (\d+)/mi;
	my $want = sha1_base64('dGhlIHNhbXBsZSBub25jZQ==' .
	    '258EAFA5-E914-47DA-95CA-C5AB0DC85B11') . '=';
	printf "upgrade %s %d %s %s\n", $status, now_ms() - $from,
	    $after // '-', ($accept // '') eq $want ? 'accepted' : '-';
}

sub send_frame {
	my ($first, $payload) = @_;
	my $mask = pack 'N', 0x01020304;
	my $len = length $payload;
	my $masked = $payload ^ substr $mask x (1 + $len / 4), 0, $len;
	syswrite $socket, pack('C', $first) . ($len < 126 ?
	    pack('C', 0x80 | $len) : pack('Cn', 0x80 | 126, $len)) .
	    $mask . $masked;
}

# The next frame: first byte, payload; nothing at the end.
sub frame {
	for (;;) {
		my ($first, $len, $head) = (0, 0, 2);
		if (length $in >= 2) {
			($first, $len) = unpack 'CC', $in;
			$len &= 0x7f;
			$head = $len == 127 ? 10 : $len == 126 ? 4 : 2;
			if (length $in >= $head) {
				$len = unpack 'x2n', $in if $len == 126;
				$len = unpack 'x2Q>', $in if $len == 127;
				last if length $in >= $head + $len;
			}
		}
		more() or return;
		next;
	}
	my ($first, $len) = unpack 'CC', $in;
	my $head = 2;
	($len, $head) = (unpack('x2n', $in), 4) if $len == 126;
	($len, $head) = (unpack('x2Q>', $in), 10) if $len == 127;
	my $payload = substr $in, $head, $len;
	substr $in, 0, $head + $len, '';
	my $shown = substr $payload, 0, SHOWN_MAX;
	$shown =~ s/([^ -~])/sprintf '\\x%02x', ord $1/ge;
	my $line = sprintf '%d %02x %d %s', now_ms(), $first, $len, $shown;
	print "$line\n";
	return $line;
}

sub quiet {
	my ($file) = @_;
	for (;;) {
		open my $f, '<', $file or die "$file: $!\n";
		last if grep { /sim:quiet/ } <$f>;
		sleep 0.05;
	}
	send_frame(0x89, 'quiet?');
	while (defined(my $line = frame())) {
		return if $line =~ / 8a \d+ quiet\?$/;
	}
	die "the connection has ended\n";
}

sub silent {
	my $ready = IO::Select->new($socket)->can_read(SILENCE_S);
	print $ready || length $in ? "not silent\n" : "silent\n";
}

my %actions = (	# how many words each takes, optional ones too
	login => [\&login, 1], get => [\&get, 1],
	upgrade => [\&upgrade, 1], 'ask-upgrade' => [\&ask_upgrade, 0],
	text => [sub { send_frame(0x81, $_[0]) }, 1],
	frame => [sub { send_frame(hex $_[0], $_[1]) }, 2],
	bytes => [sub { syswrite $socket, pack 'H*', $_[0] }, 1],
	'ask-get' => [sub { request('GET', $_[0], '',
	    "Authorization: Bearer $token") }, 1],
	dial => [sub { $socket = dial(); $in = '' }, 0],
	read => [sub { frame() // die "the end\n" for 1 .. $_[0] }, 1],
	until => [sub {
		while (defined(my $line = frame())) {
			return if $line =~ /$_[0]/;
		}
		die "the end\n";
	}, 1],
	quiet => [\&quiet, 1], silent => [\&silent, 0],
	end => [sub { 1 while defined frame() }, 0],
	hangup => [sub { close $socket }, 0],
	call => [\&call, 3], channel => [\&channel, 0],
	basic => [sub { $basic = 1 }, 0], bearer => [sub { $basic = 0 }, 0],
	connect => [sub {
		push @kept, $socket;
		upgrade('bare', "/channels/$channels[$_[0] - 1]");
	}, 1],
	follow => [\&follow, 1],
	swap => [sub { ($socket, $in, $other, $other_in) =
	    ($other, $other_in, $socket, $in) }, 0],
);
my %optional = (login => qr/^(bad|grant)$/, upgrade => qr{^(bare|old|lower|key|lone|1\.0)$});

$| = 1;
$SIG{PIPE} = 'IGNORE';
while (defined(my $name = shift @ARGV)) {
	my ($do, $count) = @{$actions{$name} // die "no action $name\n"};
	my @words;
	if ($optional{$name}) {
		@words = @ARGV && $ARGV[0] =~ $optional{$name} ?
		    shift @ARGV : '';
	} else {
		@words = splice @ARGV, 0, $count;
	}
	$do->(@words);
}
