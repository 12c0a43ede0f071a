# Commands that pages show, run: for docs.t, tutorial.t and recipes.t, in the
# project's folder.
#
# In a page every literal block is of commands, "$ " before each; a line that
# ends with \, | or &&, or has an open quote or here-document, goes on in the
# next.  What follows a command is what it must print.  A page's commands run
# in order, in one folder, in the environment of one gc-sim: each must end
# with 0, or run on until SIGTERM after a while, where it shows no output, has
# no -d in seconds, and reads something.  Programs called my-… are the
# reader's own: here they read their input and do nothing.
use strict;
use warnings;
use File::Temp qw(tempdir);

my $count = 0;
my $org = 'gc-sim --agents 20 --queues 3 --rate 100 --seed 1 -- sh';
my @shell = -x '/bin/bash' ? qw(/bin/bash -o pipefail -c) : qw(sh -c);
my ($live_s, $finite_s) = (2, 60);
# the suite does not need them itself
my @guests = qw(curl sqlite3 kcat redis-server);

sub ok {
	my ($pass, $name, @why) = @_;
	printf "%sok %d - %s\n", $pass ? '' : 'not ', ++$count, $name;
	print "# $_\n" for $pass ? () : @why;
}

sub done_testing { print "1..$count\n" }

sub slurp {
	my ($path) = @_;
	open my $f, '<', $path or return '';
	local $/;
	return scalar <$f>;
}

# Has it an open quote or here-document, or does it say that it goes on?
sub is_open {
	my ($command) = @_;
	return $command !~ /^\Q$1\E$/m if $command =~ /<< ?'?(\w+)/;
	return 1 if $command =~ /(\\|\||&&)\n\z/;
	$command =~ s/\\.|'[^']*'//gs;
	$command =~ s/"[^"]*"//g;
	return $command =~ /['"]/;
}

# [command, output] of each example of a block.
sub examples {
	my ($block) = @_;
	my @found;
	s/^\\&//gm, s/\\e/\\/g, s/\\&//g for $block;
	for my $line (split /(?<=\n)/, $block) {
		if (@found && $found[-1][1] eq '' && is_open($found[-1][0])) {
			$found[-1][0] .= $line;
		} elsif ($line =~ s/^\$ //) {
			push @found, [$line, ''];
		} elsif (@found) {
			$found[-1][1] .= $line;
		} else {
			push @found, ["false $line", "it has no \$\n"];
		}
	}
	return @found;
}

# Those of all literal blocks of a page, or of a part of it.
sub in_page {
	my ($text) = @_;
	return map { examples($_) } $text =~
	    /^\.Bd -literal.*?\n(.*?)^\.Ed/msg;
}

# The guests of a command that are not installed here.
sub missing {
	my ($command) = @_;
	return grep { $command =~ /\b\Q$_\E / &&
	    system("command -v $_ > /dev/null") != 0 } @guests;
}

sub put {
	my ($path, $text, $mode) = @_;
	open my $f, '>', $path or die "$path: $!";
	print $f $text;
	close $f;
	chmod $mode, $path;
}

# Run them all, typed into the shell that org is; each one's exit code, stdout
# and stderr are in files.
sub run {
	my ($dir, $org, @examples) = @_;
	my $script = "cd '$dir' || exit\nexport CURL_CA_BUNDLE=\"\$GC_CACERT\"\n";
	for my $i (0 .. $#examples) {
		my ($command, $output) = @{$examples[$i]};
		my $ends = $output ne '' ||
		    $command =~ m{ -d \d+s\b|< /dev/null};
		my $most = $ends ? $finite_s : $live_s;
		put("$dir/.$i.sh", "trap : TERM\n$command", 0644);
		put("$dir/$_", "#!/bin/sh\nexec cat > /dev/null\n", 0755)
		    for $command =~ /\b(my-[a-z]+)/g;
		$script .= "timeout -k 30 -s TERM $most @shell " .
		    "\"\$(cat .$i.sh)\" > .$i.out 2> .$i.err < /dev/null\n" .
		    "echo \$? > .$i.code\n";
	}
	local $ENV{PATH} = "$ENV{PATH}:$dir";
	# the broker that kcat finds is one of its own
	put("$dir/.kcat", "test.mock.num.brokers=1\n", 0644);
	local $ENV{KCAT_CONFIG} = "$dir/.kcat";
	local $ENV{SHELL} = 'sh';
	local $ENV{TERM} = 'dumb';	# no line on ours
	delete local $ENV{GC_BUILD};	# it is not the reader's
	put("$dir/.all.sh", $script, 0644);
	put("$dir/.org.sh", $org, 0644);
	system("cd '$dir' && sh .org.sh < .all.sh > .sim 2>&1");
}

# how: org, the command of the shell that they are typed into; mask, what is
# made of an output before it is compared.
sub check {
	my ($name, $how, @examples) = @_;
	my $dir = tempdir(CLEANUP => 1);
	my $mask = $how->{mask} // sub { $_[0] };
	run($dir, $how->{org} // $org, @examples);
	for my $i (0 .. $#examples) {
		my ($command, $want) = @{$examples[$i]};
		my $code = slurp("$dir/.$i.code");
		my $got = slurp("$dir/.$i.out");
		my @missing = missing($command);
		chomp $command;
		$command =~ s/\n\s*/ /g;
		if (@missing) {
			printf "ok %d # SKIP %s: no @missing here\n",
			    ++$count, $name;
			next;
		}
		my $ended = $want ne '' ? $code eq "0\n" :
		    $code =~ /^(0|124)$/;
		ok($ended && ($want eq '' || $mask->($got) eq $mask->($want)),
		    "$name: $command", "exit code $code",
		    (map { "got  $_" } split /\n/, $want ne '' ? $got : ''),
		    (map { "want $_" } split /\n/, $want),
		    (split /\n/, slurp("$dir/.$i.err")));
	}
}

1;
