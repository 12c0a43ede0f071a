#!/usr/bin/env perl
# The last answer ends gc-reconcile, wherever in a turn it came: a server
# that dribbles its body makes that a matter of chance, so there are many.
use strict;
use warnings;
use File::Temp qw(tempdir);
use IO::Socket::INET;
use Socket qw(IPPROTO_TCP TCP_NODELAY);

my $runs = 25;
my $body = '{"userId":"ann","status":"Available","previousStatus":null,' .
    '"wrapUpCode":null,"queueId":null,' .
    '"timestamp":"2024-06-15T14:32:10.000Z"}' . ' ' x 100;

my $server = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1')
    or die "no socket: $!";
my $pid = fork() // die "no fork: $!";
if ($pid == 0) {
	while (my $client = $server->accept()) {
		setsockopt($client, IPPROTO_TCP, TCP_NODELAY, 1);
		while (defined(my $line = <$client>) ) {
			last if $line eq "\r\n";
		}
		syswrite $client, "HTTP/1.1 200 OK\r\nContent-Length: " .
		    length($body) . "\r\nConnection: close\r\n\r\n";
		syswrite $client, $_ for split //, $body;
		close $client;
	}
	exit 0;
}

my $home = tempdir(CLEANUP => 1);
my $gap = '{"event":"gc:gap","at":"2024-06-15T14:32:10.000Z","userId":"ann",' .
    '"seq":1,"reason":"audit"}';
my ($answers, $late) = (0, 0);
for (1 .. $runs) {
	my $out = qx(echo '$gap' | env -i PATH='$ENV{PATH}' HOME='$home' \\
	    GC_API_URL=http://127.0.0.1:${\$server->sockport()} \\
	    GC_TOKEN_CMD='printf token' timeout 20 gc-reconcile);
	$late++ if $? != 0;
	$answers++ if $out =~ /"event":"gc:state"/;
	last if $late;
}
kill 'TERM', $pid;
waitpid $pid, 0;
print $answers == $runs ? '' : 'not ', "ok 1 - each was answered\n";
print $late ? 'not ' : '', "ok 2 - and ended with its answer\n";
print "1..2\n";
