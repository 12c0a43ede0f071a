#!/usr/bin/env perl
# Golden cases.  tests/TOOL/CASE/ holds
#	args	one line of words, shell-quoted (optional)
#	in	its stdin, or in.sh: a script that prints it (default empty)
#	out	its stdout, exactly
#	mask	a sed script that both are passed through (optional)
#	err	a line a regex that must match in stderr (optional)
#	status	its exit code (default 0)
# The folder's name is the sentence.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);

my $tests = dirname(abs_path($0));
my $count = 0;

sub slurp {
	my ($path) = @_;
	open my $f, '<', $path or return undef;
	local $/;
	my $text = <$f>;
	return defined $text ? $text : '';
}

sub masked {
	my ($case, $path) = @_;
	return slurp($path) unless -e "$case/mask";
	return scalar qx(sed -f '$case/mask' '$path');
}

# Run one case; what is wrong with it, or nothing.
sub run {
	my ($tool, $case) = @_;
	my $home = tempdir(CLEANUP => 1);
	my $args = slurp("$case/args");
	$args = '' unless defined $args;
	chomp $args;
	my $in = -e "$case/in.sh" ? "sh '$case/in.sh' |"
	    : '';
	my $from = -e "$case/in.sh" ? '' :
	    -e "$case/in" ? "< '$case/in'" : '< /dev/null';
	my $env = "env -i PATH='$ENV{PATH}' HOME='$home'";
	$env .= " ASAN_OPTIONS='$ENV{ASAN_OPTIONS}'" if $ENV{ASAN_OPTIONS};
	system('sh', '-c', "cd '$home' && $in $env timeout 60 gc-$tool $args " .
	    "$from > '$home/.out' 2> '$home/.err'");
	my $status = $? >> 8;
	my $want = slurp("$case/status");
	$want = 0 unless defined $want && $want =~ /\d/;
	my $err = slurp("$home/.err");
	my @wrong;
	push @wrong, "exit code $status, not " . ($want + 0)
	    if $status != $want;
	if (-e "$case/out" && masked($case, "$home/.out") ne
	    masked($case, "$case/out")) {
		my $sed = -e "$case/mask" ? "-f '$case/mask'" : "''";
		push @wrong, split /\n/, scalar
		    qx(sed $sed '$home/.out' > '$home/.got';
		    sed $sed '$case/out' | diff -u - '$home/.got');
	}
	for my $line (split /\n/, slurp("$case/err") // '') {
		push @wrong, "stderr has no match of: $line"
		    if $line ne '' && $err !~ /$line/m;
	}
	push @wrong, map { "stderr: $_" } split /\n/, $err if @wrong;
	return @wrong;
}

for my $folder (sort glob "$tests/*/") {
	(my $tool) = $folder =~ m{([^/]+)/$};
	next if $tool =~ /^(unit|fuzz|helpers)$/;
	next unless grep { -x "$_/gc-$tool" } split /:/, $ENV{PATH};
	for my $case (sort glob "$folder*/") {
		$case =~ s{/$}{};
		(my $name = $case) =~ s{.*/}{};
		my @wrong = run($tool, $case);
		$name =~ tr/-/ /;
		printf "%sok %d - gc-%s: %s\n", @wrong ? 'not ' : '',
		    ++$count, $tool, $name;
		print "# $_\n" for @wrong;
	}
}
# Where no tool was found nothing was tested: that is no success.
if ($count == 0) {
	print "Bail out! no tool of the golden cases is in PATH\n";
	exit 1;
}
print "1..$count\n";
