# What a test with processes of its own needs: a folder, where it stands with
# nothing of ours in the environment; processes that do not outlive it.
use strict;
use warnings;
use File::Temp qw(tempdir);
use IO::Socket::INET;
use POSIX ();
use Time::HiRes qw(sleep time);

our $dir = tempdir(CLEANUP => 1);
my ($count, $test, %running) = (0, $$);

chdir $dir or die;
$ENV{HOME} = $dir;
delete @ENV{grep { /^(GC_|XDG_|GENESYSCLOUD_)/ && $_ ne 'GC_BUILD' }
    keys %ENV};
$SIG{PIPE} = 'IGNORE';

sub ok {
	my ($pass, $name, @why) = @_;
	printf "%sok %d - %s\n", $pass ? '' : 'not ', ++$count, $name;
	print map { "# $_\n" } map { split /\n/ } @why unless $pass;
	return $pass;
}

sub done_testing { print "1..$count\n" }

sub slurp {
	my ($path) = @_;
	open my $f, '<', $path or return '';
	local $/;
	return scalar(<$f>) // '';
}

sub write_file {
	my ($path, @text) = @_;
	open my $to, '>', $path or die;
	print $to @text;
	close $to or die;
}

# Run in the background, with these files: its pid.
sub start {
	my ($in, $out, $err, @command) = @_;
	my $pid = fork // die;
	if (!$pid) {
		open STDIN, '<', $in or die;
		open STDOUT, '>>', $out or die;
		open STDERR, '>>', $err or die;
		exec @command or POSIX::_exit(127);
	}
	$running{$pid} = 'KILL';
	return $pid;
}

# The signal for one that still runs when the test is over.
sub ends_by {
	my ($signal, $pid) = @_;
	$running{$pid} = $signal;
}

# End it; its exit code.
sub stop {
	my ($signal, $pid) = @_;
	kill $signal => $pid;
	waitpid $pid, 0;
	delete $running{$pid};
	return $? >> 8;
}

sub wait_for {
	my ($s, $what) = @_;
	my $until = time + $s;
	while (time < $until) {
		return 1 if $what->();
		sleep 0.1;
	}
	return 0;
}

sub free_port {
	my $s = IO::Socket::INET->new(Listen => 1,
	    LocalAddr => '127.0.0.1', ReuseAddr => 1) or die;
	return $s->sockport;
}

END {
	if ($$ == $test) {
		my $code = $?;
		kill $running{$_} => $_ for keys %running;
		waitpid $_, 0 for keys %running;
		chdir '/';
		$? = $code;
	}
}

1;
