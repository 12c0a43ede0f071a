#!/usr/bin/env perl
# A login host that says what it is told: login.pl FOLDER.  Its port is in
# FOLDER/port; FOLDER/log gets a line a request, "ID:SECRET"; each answer is
# made of FOLDER/answer as it is then, of lines
#	status N	(200)
#	hold		until there is FOLDER/go
#	life S		a token, called tokenN, of so many seconds
#	date S		a Date header, so many seconds from now
#	header H
#	body TEXT	to the end of the line; \xNN is that byte
use strict;
use warnings;
use IO::Socket::INET;
use MIME::Base64;
use POSIX qw(strftime);

my ($folder) = @ARGV;
$SIG{CHLD} = 'IGNORE';
my $socket = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 64,
    ReuseAddr => 1) or die $!;
open my $port, '>', "$folder/.port" or die $!;
print $port $socket->sockport, "\n";
close $port;
rename "$folder/.port", "$folder/port";

sub answer {
	my ($client, $n) = @_;
	my ($request, $status, $body, @headers) = ('', 200, '');
	while ($request !~ /\r\n\r\n/) {
		sysread $client, $request, 65536, length $request or exit;
	}
	open my $log, '>>', "$folder/log" or die $!;
	syswrite $log, ($request =~ /^Authorization: Basic (\S+)/mi ?
	    decode_base64($1) : '?') . "\n";
	close $log;
	open my $script, '<', "$folder/answer" or die $!;
	while (my $line = <$script>) {
		chomp $line;
		my ($what, $value) = split ' ', $line, 2;
		if ($what eq 'status') {
			$status = $value;
		} elsif ($what eq 'hold') {
			select undef, undef, undef, 0.02
			    until -e "$folder/go" || !-d $folder;
		} elsif ($what eq 'date') {
			push @headers, 'Date: ' . strftime(
			    '%a, %d %b %Y %H:%M:%S GMT', gmtime time + $value);
		} elsif ($what eq 'header') {
			push @headers, $value;
		} elsif ($what eq 'body') {
			$body = $value =~ s/\\x([0-9a-f]{2})/chr hex $1/ger;
		} else {
			$body = qq({"access_token":"token$n",) .
			    qq("token_type":"bearer","expires_in":$value});
		}
	}
	print $client join("\r\n", "HTTP/1.1 $status X", @headers,
	    'Content-Length: ' . length $body, 'Connection: close', '', ''),
	    $body;
	exit;
}

my $n = 0;
while (1) {
	my $client = $socket->accept or next;
	$n++;
	answer($client, $n) if !fork;
	close $client;
}
