#!/usr/bin/perl
# A platform that does as a test tells it: tests/platform.pl LOG COMMAND...
# It runs COMMAND with GC_API_URL and GC_PROTOCOL=channels set, and ends with
# its exit code.  Users, queues, teams, channels and sockets; each request is
# a line of LOG.  Channel ids hold the word SECRET, so that a test can look
# for it.  A test speaks to it by GET $GC_API_URL/do/ACTION?KEY=VALUE&...:
#	users, queue, team	ids=a,b (id=...)	who there is; users n=N
#	event	user=ID [n=N]	a frame to whoever subscribed; answers how often
#	say	channel=N text=JSON	any text to the socket of the Nth channel
#	cut | close | evict	[channel=N]	end the socket; the channel too
#	answer	path=REGEX status=N [times=N] [head=H] [body=B]	refuse; THIS
#						in B becomes the channel's id
#	reject	topic=REGEX	topics are rejected
#	hold	path=REGEX | release	requests wait
#	mute	sockets fall silent
#	state			{"channels":[...]} as JSON
use strict;
use warnings;
use Digest::SHA qw(sha1_base64);
use IO::Select;
use IO::Socket::INET;
use JSON::PP;
use POSIX qw(strftime :sys_wait_h);

my $log = shift;
my $server = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 64,
    ReuseAddr => 1) or die "no socket";
my $url = 'http://127.0.0.1:' . $server->sockport;
open my $out, '>', $log or die;
$out->autoflush(1);
$SIG{PIPE} = 'IGNORE';
my $json = JSON::PP->new->canonical;
my (%users, %queue, %team, @channels, @answers, @rejects, @holds, @held);
my ($life, $mute, $heartbeat, $page_max) = (86400, 0, 0, 500);
my $tokens = 0;
my %conn;		# fileno => {sock, in, channel}
my $select = IO::Select->new($server);

my $child = fork;
if ($child == 0) {
	close $server;
	$ENV{GC_API_URL} = $url;
	$ENV{GC_PROTOCOL} = 'channels';
	$ENV{GC_TOKEN_CMD} //= 'echo t0ken';
	exec @ARGV or die "can't run $ARGV[0]";
}

sub channel_at { my ($n) = @_; return $channels[$n - 1]; }

sub send_frame {
	my ($c, $op, $text) = @_;
	return unless $c && $c->{conn};
	my $n = length $text;
	my $head = $n < 126 ? pack('CC', 0x80 | $op, $n) :
	    $n < 65536 ? pack('CCn', 0x80 | $op, 126, $n) :
	    pack('CCNN', 0x80 | $op, 127, 0, $n);
	syswrite $c->{conn}{sock}, $head . $text;
}

sub drop {
	my ($k) = @_;
	$k->{channel}{conn} = undef if $k->{channel} &&
	    $k->{channel}{conn} && $k->{channel}{conn} == $k;
	delete $conn{fileno $k->{sock}};
	$select->remove($k->{sock});
	close $k->{sock};
}

sub reply {
	my ($k, $status, $body, $head) = @_;
	my $text = ref $body ? $json->encode($body) : $body // '';
	syswrite $k->{sock}, "HTTP/1.1 $status X\r\nContent-Length: " .
	    length($text) . "\r\n" . ($head ? "$head\r\n" : '') . "\r\n" .
	    ($k->{method} eq 'HEAD' ? '' : $text);
}

sub page {
	my ($path, $q, @all) = @_;
	my $size = $q->{pageSize} // 25;
	my $n = $q->{pageNumber} // 1;
	my $pages = int((@all + $size - 1) / $size);
	my @these = grep { defined } @all[($n - 1) * $size .. $n * $size - 1];
	return ($pages, $n < $pages ?
	    "$path?pageSize=$size&pageNumber=" . ($n + 1) : undef, @these);
}

sub members {
	my ($k, $path, $list, $q, $wrap) = @_;
	return reply($k, 404, { code => 'not.found', message => 'no such',
	    contextId => 'ctx-1', status => 404 }) unless $list;
	my ($pages, $next, @these) = page($path, $q, @$list);
	reply($k, 200, { entities => [map { $wrap->($_) } @these],
	    nextUri => $next });
}

sub put_topics {
	my ($k, $c, $body) = @_;
	my $list = $json->decode($body);
	return reply($k, 400, { code => 'bad.request', message =>
	    'too many topics' }) if @$list > 1000;
	my @rows;
	$c->{topics} = {};
	for my $id (map { $_->{id} } @$list) {
		if (grep { $id =~ $_ } @rejects) {
			push @rows, { id => $id, state => 'Rejected',
			    rejectionReason => 'denied',
			    missingPermissions => ['presence:x:view'] };
			next;
		}
		$c->{topics}{$id} = 1;
		push @rows, { id => $id, state => 'Permitted' };
	}
	reply($k, 200, { entities => \@rows });
}

sub event {
	my ($user, $n) = @_;
	my $told = 0;
	for my $c (@channels) {
		next unless $c->{topics}{"v2.users.$user.activity"};
		for my $i (1 .. $n // 1) {
			$told++;
			send_frame($c, 1, $json->encode({ topicName =>
			    "v2.users.$user.activity", version => '2',
			    eventBody => { id => $user, n => $i },
			    metadata => { CorrelationId => "x" } }));
		}
	}
	return $told;
}

sub act {
	my ($k, $what, $q) = @_;
	my @c = $q->{channel} ? channel_at($q->{channel}) : @channels;
	my $answer = 'ok';
	if ($what eq 'users') {
		%users = map { $_ => 1 } $q->{n} ?
		    map { sprintf 'u%05d', $_ } 1 .. $q->{n} :
		    split /,/, $q->{ids};
	} elsif ($what eq 'queue') {
		$queue{$q->{id}} = [split /,/, $q->{ids}];
	} elsif ($what eq 'team') {
		$team{$q->{id}} = [split /,/, $q->{ids}];
	} elsif ($what eq 'event') {
		$answer = event($q->{user}, $q->{n});
	} elsif ($what eq 'say') {
		send_frame($_, 1, $q->{text}) for @c;
	} elsif ($what eq 'cut') {
		$_->{conn} && drop($_->{conn}) for @c;
	} elsif ($what eq 'close') {
		send_frame($_, 8, pack('n', 1001) . "idle $_->{id}") for @c;
	} elsif ($what eq 'evict') {
		for (@c) {
			$_->{gone} = 1;
			send_frame($_, 1, $json->encode({ topicName =>
			    'v2.system.no_longer_subscribed.' . $_->{id},
			    eventBody => { channelId => $_->{id} } }));
		}
	} elsif ($what eq 'answer') {
		push @answers, { re => qr/$q->{path}/, %$q,
		    times => $q->{times} // 1 };
	} elsif ($what eq 'reject') {
		push @rejects, qr/$q->{topic}/;
	} elsif ($what eq 'hold') {
		push @holds, qr/$q->{path}/;
	} elsif ($what eq 'release') {
		@holds = ();
		my @now = splice @held;
		request(@$_) for @now;
	} elsif ($what eq 'mute') {
		$mute = 1;
	} elsif ($what eq 'set') {
		$life = $q->{life} // $life;
		$page_max = $q->{page} // $page_max;
	} elsif ($what eq 'state') {
		$answer = $json->encode({ channels => [map {
		    { topics => [sort keys %{$_->{topics}}], gone =>
		    $_->{gone} ? 1 : 0, open => $_->{conn} ? 1 : 0 } }
		    @channels] });
	} else {
		return reply($k, 404, '');
	}
	reply($k, 200, $answer);
}

sub request {
	my ($k, $method, $path, $q, $head, $body) = @_;
	$k->{method} = $method;
	return act($k, $1, $q) if $path =~ m{^/do/(\w+)$};
	for (@holds) {
		next unless "$method $path" =~ $_;
		push @held, [@_];
		return;
	}
	my $auth = $head =~ /^Authorization: Bearer (.*?)\r/mi ? $1 : '-';
	my $query = join '&', map { "$_=$q->{$_}" } sort keys %$q;
	print $out "$method $path" . ($query ? "?$query" : '') . " $auth\n";
	for my $a (@answers) {
		next unless $a->{times} > 0 && "$method $path?$query" =~ $a->{re};
		$a->{times}--;
		my ($id) = $path =~ m{/channels/([^/]+)};
		(my $text = $a->{body} // '') =~ s/THIS/$id \/\/ ''/ge;
		return reply($k, $a->{status}, $text, $a->{head});
	}
	my ($key) = $head =~ /^Sec-WebSocket-Key: (\S+)/mi;
	if (defined $key && $path =~ m{^/channels/(.*)}) {
		my ($c) = grep { $_->{id} eq $1 && !$_->{gone} } @channels;
		return reply($k, 404, "no channel $1") unless $c;
		drop($c->{conn}) if $c->{conn};
		$c->{conn} = $k;
		$k->{channel} = $c;
		syswrite $k->{sock}, "HTTP/1.1 101 Switching\r\nUpgrade: " .
		    "websocket\r\nConnection: Upgrade\r\n" .
		    'Sec-WebSocket-Accept: ' . sha1_base64($key .
		    '258EAFA5-E914-47DA-95CA-C5AB0DC85B11') . "=\r\n\r\n";
	} elsif ($path eq '/api/v2/notifications/channels') {
		my $id = 'SECRET-' . (@channels + 1);
		push @channels, { id => $id, topics => {} };
		(my $ws = $url) =~ s/^http/ws/;
		reply($k, 200, { id => $id, connectUri => "$ws/channels/$id",
		    expires => strftime('%Y-%m-%dT%H:%M:%S', gmtime(
		    time + $life)) . '.000Z' });
	} elsif ($path =~ m{^/api/v2/notifications/channels/([^/]+)}) {
		my ($c) = grep { $_->{id} eq $1 && !$_->{gone} } @channels;
		return reply($k, 404, { code => 'not.found', message =>
		    "no channel $1", contextId => 'ctx-2' }) unless $c;
		return put_topics($k, $c, $body) if $method eq 'PUT';
		$c->{topics} = {} if $method eq 'DELETE';
		reply($k, 200, '');
	} elsif ($path eq '/api/v2/users') {
		return reply($k, 400, { code => 'response.entity.too.large',
		    message => 'too large' }) if $q->{pageSize} > $page_max;
		my @all = sort keys %users;
		my ($pages, $next, @these) = page($path, $q, @all);
		reply($k, 200, { entities => [map { { id => $_, name =>
		    uc $_ } } @these], pageCount => $pages,
		    total => scalar(@all), nextUri => $next });
	} elsif ($path =~ m{^/api/v2/users/(.*)}) {
		$users{$1} ? reply($k, 200, { id => $1 }) :
		    reply($k, 404, { code => 'not.found', message => 'no' });
	} elsif ($path =~ m{^/api/v2/routing/queues/(.*)/members}) {
		members($k, $path, $queue{$1}, $q, sub { { id => $_[0],
		    user => { id => $_[0] }, joined => \1 } });
	} elsif ($path =~ m{^/api/v2/teams/(.*)/members}) {
		my $list = $team{$1};
		my $from = $q->{after} // 0;
		return members($k, $path, undef, $q) unless $list;
		my @these = grep { defined } @$list[$from .. $from +
		    $q->{pageSize} - 1];
		my $next = $from + $q->{pageSize};
		reply($k, 200, { entities => [map { { id => $_ } } @these],
		    nextUri => $next < @$list ? "$path?after=$next" : undef });
	} else {
		reply($k, 404, '');
	}
}

sub frames {
	my ($k) = @_;
	while (length $k->{in} >= 6) {
		my ($b0, $b1) = unpack 'CC', $k->{in};
		my $n = $b1 & 0x7f;
		my $at = 2;
		if ($n == 126) {
			return if length $k->{in} < 8;
			$n = unpack 'n', substr $k->{in}, 2;
			$at = 4;
		}
		return if length $k->{in} < $at + 4 + $n;
		my $mask = substr $k->{in}, $at, 4;
		my $text = substr $k->{in}, $at + 4, $n;
		$k->{in} = substr $k->{in}, $at + 4 + $n;
		$text ^= substr($mask x ($n / 4 + 1), 0, $n);
		next if $mute;
		if (($b0 & 15) == 8) {
			send_frame($k->{channel}, 8, $text);
			print $out 'CLOSE ' . (length $text >= 2 ?
			    unpack 'n', $text : '-') . "\n";
			return drop($k);
		}
		print $out "TEXT $text\n";
		send_frame($k->{channel}, 1, $json->encode({ topicName =>
		    'channel.metadata', eventBody => { message => 'pong' } }))
		    if $text eq '{"message":"ping"}';
	}
}

sub serve {
	my ($k) = @_;
	my $n = sysread $k->{sock}, $k->{in}, 1 << 16, length $k->{in};
	return drop($k) unless $n;
	return frames($k) if $k->{channel};
	while ($k->{in} =~ /^(\w+) (\S+) HTTP.*?\r\n(.*?)\r\n\r\n/s) {
		my ($method, $target, $head) = ($1, $2, "$3\r\n");
		my $at = $+[0];
		my $len = $head =~ /^Content-Length: (\d+)/mi ? $1 : 0;
		return if length $k->{in} < $at + $len;
		my $body = substr $k->{in}, $at, $len;
		$k->{in} = substr $k->{in}, $at + $len;
		my ($path, $query) = split /\?/, $target, 2;
		my %q = map { my ($a, $b) = split /=/, $_, 2;
		    $b =~ tr/+/ /; $b =~ s/%(..)/chr hex $1/ge; ($a, $b) }
		    split /&/, $query // '';
		request($k, $method, $path, \%q, $head, $body);
		return frames($k) if $k->{channel};
	}
}

while (waitpid($child, WNOHANG) == 0) {
	for my $s ($select->can_read(0.02)) {
		if ($s == $server) {
			my $new = $server->accept or next;
			$new->blocking(1);
			$conn{fileno $new} = { sock => $new, in => '' };
			$select->add($new);
		} elsif (my $k = $conn{fileno $s}) {
			serve($k);
		}
	}
}
exit($? & 127 ? 128 + ($? & 127) : $? >> 8);
