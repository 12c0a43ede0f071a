#!/usr/bin/env perl
# What the pages, --help and the code say of one another.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);

chdir dirname(abs_path($0)) . '/..' or die;
my $count = 0;

sub ok {
	my ($pass, $name, @why) = @_;
	printf "%sok %d - %s\n", $pass ? '' : 'not ', ++$count, $name;
	print "# $_\n" for $pass ? () : @why;
}

sub slurp {
	my ($path) = @_;
	open my $f, '<', $path or return '';
	local $/;
	return scalar <$f>;
}

my %common = map { $_ => 1 } qw(help version verbose quiet log);

# "w=window metrics" of (w, window, undef, metrics), the common ones left out.
sub letters {
	my @all;
	while (my ($letter, $name) = splice @_, 0, 2) {
		push @all, defined $letter ? "$letter=$name" : $name
		    unless $common{$name};
	}
	return join ' ', sort @all;
}

my @tools = map { s{.*/}{}r } grep { -x } glob "$ENV{GC_BUILD}/gc-*";
for my $tool (@tools) {
	my $help = qx($tool --help);
	ok($? == 0 && length $help, "$tool --help");
	my $version = qx($tool --version);
	ok($? == 0 && $version =~ /^\Q$tool\E .*\d/, "$tool --version");
	qx($tool --no-such-option 2>&1 < /dev/null);
	ok($? >> 8 == 64, "$tool: an unknown option is 64");
	my %offered = map { $_ => 1 } $help =~ /--([a-z][a-z-]*)/g;
	my $page = slurp("man/$tool.1");
	my %said = map { $_ => 1 } $page =~ /Fl -([a-z][a-z-]*)/g;
	my @missing = grep { !$said{$_} && !$common{$_} } sort keys %offered;
	ok(!@missing, "$tool(1) has every option", @missing);
	my @extra = grep { !$offered{$_} && !$common{$_} } sort keys %said;
	ok(!@extra, "$tool(1) has no other", @extra);
	my $rows = letters($help =~ /^ +(?:-(\w), )?--([a-z-]+)/mg);
	my $items = letters($page =~
	    /^\.It Fl (?:(\w)\b.* , Fl )?-([a-z-]+)/mg);
	ok($rows eq $items, "$tool(1) has their letters, too", $rows, $items);
	my @columns = grep { length > 79 } split /\n/, $help;
	ok(!@columns, "$tool --help fits a terminal", @columns);
	ok(slurp('man/gc.7') =~ /Xr $tool 1/, "gc(7) names $tool");
}

# --version names what is linked: the word for each library.
my %word = (curl => 'libcurl', ssl => 'OpenSSL', jq => 'libjq',
    wslay => 'wslay', microhttpd => 'libmicrohttpd', bsd => 'libbsd',
    ncursesw => 'ncursesw', hiredis => 'hiredis');
for my $tool (@tools) {
	my $version = qx($tool --version);
	my @linked = qx(ldd $ENV{GC_BUILD}/$tool) =~ /^\s*lib(\w+)\.so/mg;
	my @missing = grep { $version !~ /\b\Q$word{$_}\E\b/ }
	    grep { $word{$_} } @linked;
	ok(!@missing, "$tool --version names its libraries", @missing);
}

# The filters speak to no network, and start at once.
for my $tool (qw(gc-dedup gc-reduce gc-replay gc-board gc-top)) {
	my $libs = qx(ldd $ENV{GC_BUILD}/$tool);
	ok($libs =~ /libc\b/ && $libs !~ /curl|ssl|crypto|wslay|jq/,
	    "$tool links no network", $libs);
}

# The enum and the table of gc(7) agree.
my %enum = slurp('lib/die.h') =~ /GC_EX_\w+ = (\d+)()/g;
my ($table) = slurp('man/gc.7') =~ /Sh EXIT STATUS(.*?)\.El/s;
my %page = $table =~ /\.It (\d+)()/g;
ok(keys %enum > 9 && join(' ', sort keys %enum) eq join(' ', sort keys %page),
    'gc(7) has every exit code', join(' ', sort keys %enum),
    join(' ', sort keys %page));

# And a tool's page has none that is not there.
for my $page (glob 'man/*.1') {
	my ($text) = slurp($page) =~ /^\.Sh EXIT STATUS\n(.*?)(?=^\.Sh )/ms;
	my @codes = ($text // '') =~ /\b([67]\d)\b/g;
	my @unknown = grep { !exists $enum{$_} } @codes;
	ok(@codes && !@unknown, "$page: its exit codes exist", @unknown);
}

# Examples.  In EXAMPLES every literal block is of commands, "$ " before each;
# a line that ends with \, | or && or has an open quote goes on in the next.
# What follows a command is what it must print, exactly.  A page's commands
# run in order, in one folder, in the environment of one gc-sim: each must
# end with 0, or run on until SIGTERM after a while.  Programs called my-…
# are the reader's own: here they read their input and do nothing.
my @org = qw(gc-sim --agents 20 --queues 3 --rate 100 --seed 1);
my @shell = -x '/bin/bash' ? qw(/bin/bash -o pipefail -c) : qw(sh -c);
my ($live_s, $finite_s) = (2, 60);
my @guests = qw(curl redis-server);		# the suite does not need them itself

# Has it an open quote, or does it say that it goes on?
sub is_open {
	my ($command) = @_;
	return 1 if $command =~ /(\\|\||&&)\n\z/;
	$command =~ s/\\.|'[^']*'//gs;
	$command =~ s/"[^"]*"//g;
	return $command =~ /['"]/;
}

# [command, output] of each example of a block.
sub examples {
	my ($block) = @_;
	my @found;
	s/\\e/\\/g, s/\\&//g for $block;
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

sub in_page {
	my ($page) = @_;
	my ($text) = slurp($page) =~ /^\.Sh EXAMPLES\n(.*?)(?=^\.Sh )/ms;
	return map { examples($_) } ($text // '') =~
	    /^\.Bd -literal.*?\n(.*?)^\.Ed/msg;
}

# The README's have no prompt: all of its recipes, and each pipeline.
sub in_readme {
	my $text = slurp('README.md');
	my ($recipes) = $text =~ /^## Recipes\n(.*?)(?=^## )/ms;
	my ($before) = split /^## Recipes\n/m, $text;
	return map { ["$_\n", ''] } $before =~ /^ {4}(gc-.*)/mg,
	    $recipes =~ /^ {4}(\S.*)/mg;
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

# Run them all; each one's exit code, stdout and stderr are in files.
sub run {
	my ($dir, @examples) = @_;
	my $script = "cd '$dir' || exit\nexport CURL_CA_BUNDLE=\"\$GC_CACERT\"\n";
	for my $i (0 .. $#examples) {
		my ($command, $output) = @{$examples[$i]};
		my $most = $output eq '' ? $live_s : $finite_s;
		put("$dir/.$i.sh", "trap : TERM\n$command", 0644);
		put("$dir/$_", "#!/bin/sh\nexec cat > /dev/null\n", 0755)
		    for $command =~ /\b(my-[a-z]+)/g;
		$script .= "timeout -k 30 -s TERM $most @shell " .
		    "\"\$(cat .$i.sh)\" > .$i.out 2> .$i.err\n" .
		    "echo \$? > .$i.code\n";
	}
	local $ENV{PATH} = "$ENV{PATH}:$dir";
	put("$dir/.all.sh", $script, 0644);
	system("@org -- sh '$dir/.all.sh' < /dev/null > '$dir/.sim' 2>&1");
}

sub check {
	my ($name, @examples) = @_;
	my $dir = tempdir(CLEANUP => 1);
	run($dir, @examples);
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
		ok($ended && ($want eq '' || $got eq $want),
		    "$name: $command", "exit code $code",
		    (map { "got  $_" } split /\n/, $want ne '' ? $got : ''),
		    (map { "want $_" } split /\n/, $want),
		    (split /\n/, slurp("$dir/.$i.err")));
	}
}

for my $page (glob 'man/*.[157]') {
	my @examples = in_page($page);
	ok(@examples >= 2, "$page has two examples") if $page =~ /1$/;
	check($page, @examples) if @examples;
}
check('README.md', in_readme());
print "1..$count\n";
