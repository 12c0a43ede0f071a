#!/usr/bin/env perl
# A login host where people sign in, and the API host that ends tokens:
# signin.pl FOLDER.  Its port is in FOLDER/port.  FOLDER/log gets a line a
# request: `authorize`, `code [ID:SECRET]`, `refresh N [ID:SECRET]`,
# `delete TOKEN`, `other`.  A code is good for once and for its verifier, a
# refresh token (refreshN) for once.  FOLDER/answer, as it is then, may have
#	deny WORDS	who is asked says no
#	foreign		the answer comes with another's state first
#	life S		tokens last so long (3600)
#	no-refresh	no refresh token comes
#	keep		none comes with a renewal: the old one stays good
#	hold		no token until there is FOLDER/go
#	status N TEXT	the answer to whoever asks for a token
#	delete N	the answer to who ends one
use strict;
use warnings;
use Digest::SHA qw(sha256_base64);
use IO::Socket::INET;
use MIME::Base64;

my ($folder) = @ARGV;
$SIG{PIPE} = 'IGNORE';
my $socket = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 64,
    ReuseAddr => 1) or die $!;
open my $port, '>', "$folder/.port" or die $!;
print $port $socket->sockport, "\n";
close $port;
rename "$folder/.port", "$folder/port";

my ($n, %codes, %refresh) = (0);

sub script {
	my %s = (life => 3600);
	open my $f, '<', "$folder/answer" or return %s;
	while (<$f>) {
		chomp;
		my ($what, $value) = split ' ', $_, 2;
		$s{$what} = $value // 1;
	}
	return %s;
}

sub note {
	open my $log, '>>', "$folder/log" or die $!;
	syswrite $log, "@_\n";
}

sub encode { return $_[0] =~ s/([^A-Za-z0-9._~-])/sprintf '%%%02X', ord $1/ger }

sub values_of {
	my %v;
	for (split /&/, $_[0] // '') {
		my ($name, $value) = split /=/, $_, 2;
		$v{$name} = ($value // '') =~ tr/+/ /r =~
		    s/%([0-9A-Fa-f]{2})/chr hex $1/ger;
	}
	return %v;
}

sub authorize {
	my ($s, %q) = @_;
	note('authorize');
	return (400, '{"error":"invalid_request"}')
	    unless $q{response_type} eq 'code' &&
	    $q{code_challenge_method} eq 'S256' &&
	    $q{code_challenge} =~ /^[\w-]{43}$/ && $q{client_id} eq 'someone';
	my $to = $q{redirect_uri} =~ s{//localhost\b}{//127.0.0.1}r;
	my $state = encode($q{state});
	return (302, '', "Location: $to?error=access_denied&state=$state" .
	    '&error_description=' . encode($s->{deny})) if $s->{deny};
	my $code = 'code/' . ++$n . '+' . int rand 1e9;
	$codes{$code} = { %q };
	return (302, '', "Location: $to?state=$state&code=" . encode($code));
}

sub issue {
	my ($s, $again) = @_;
	my $more = '';
	$n++;
	unless ($s->{'no-refresh'} || $again && $s->{keep}) {
		$refresh{"refresh$n"} = 1;
		$more = qq(,"refresh_token":"refresh$n");
	}
	return (200, qq({"access_token":"token$n","token_type":"bearer",) .
	    qq("expires_in":$s->{life}$more}));
}

sub token {
	my ($s, $who, %form) = @_;
	my $type = $form{grant_type} // '';
	note($type eq 'authorization_code' ? 'code' : $type eq 'refresh_token' ?
	    "refresh " . ($form{refresh_token} =~ /(\d+)/)[0] : 'other',
	    $who ? decode_base64($who) : ());
	while ($s->{hold} && -d $folder && !-e "$folder/go") {
		select undef, undef, undef, 0.02;
	}
	return split ' ', $s->{status}, 2 if $s->{status};
	return (401, '{"error":"invalid_client"}')
	    if ($form{client_id} // '') ne 'someone';
	if ($type eq 'authorization_code') {
		my $asked = delete $codes{$form{code}};
		my $sum = sha256_base64($form{code_verifier}) =~ tr{+/}{-_}r;
		return (400, '{"error":"invalid_grant","description":"code"}')
		    unless $asked && $sum eq $asked->{code_challenge} &&
		    $form{redirect_uri} eq $asked->{redirect_uri};
		return issue($s, 0);
	}
	my $old = $form{refresh_token};
	return (400, '{"error":"invalid_grant","error_description":' .
	    '"refresh token not found"}') unless $refresh{$old};
	delete $refresh{$old} unless $s->{keep};
	return issue($s, 1);
}

sub answer {
	my ($request) = @_;
	my %s = script();
	my ($head, $body) = split /\r\n\r\n/, $request, 2;
	my ($method, $path, $query) = $head =~ m{^(\S+) ([^? ]+)(?:\?(\S*))?};
	my $key = "$method $path";
	return authorize(\%s, values_of($query))
	    if $key eq 'GET /oauth/authorize';
	return token(\%s, $head =~ /^Authorization: Basic (\S+)/mi ? $1 : '',
	    values_of($body)) if $key eq 'POST /oauth/token';
	if ($key eq 'DELETE /api/v2/tokens/me') {
		my ($bearer) = $head =~ /^Authorization: Bearer (\S+)/mi;
		note('delete', $bearer);
		return ($s{delete} // 200, '');
	}
	note('other');
	return (404, '');
}

# one after the other: it is few who ask
while (1) {
	my $client = $socket->accept or next;
	my $request = '';
	until ($request =~ /\r\n\r\n/ && length($request) >= $+[0] +
	    ($request =~ /^Content-Length: (\d+)/mi ? $1 : 0)) {
		sysread $client, $request, 65536, length $request or last;
	}
	next if $request !~ /\r\n\r\n/;
	my ($status, $body, @headers) = answer($request);
	syswrite $client, join("\r\n", "HTTP/1.1 $status X", @headers,
	    'Content-Length: ' . length $body, 'Connection: close', '', '') .
	    $body;
	close $client;
}
