#!/usr/bin/env perl
# What the pages, --help and the code say of one another.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);

chdir dirname(abs_path($0)) . '/..' or die;
require './tests/examples.pl';

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
	for my $option ($help =~ /(--[a-z-]+)=FILE/g) {
		my $place = tempdir(CLEANUP => 1);
		my $said = qx(cd $place && $tool $option '' 2>&1 < /dev/null);
		my $code = $? >> 8;
		my @left = glob "$place/* $place/.[a-z]*";
		ok($code == 64 && !@left,
		    "$tool: a file without a name is 64 ($option)",
		    "$code: $said", @left);
	}
	my @columns = grep { length > 79 } split /\n/, $help;
	ok(!@columns, "$tool --help fits a terminal", @columns);
	ok(slurp('man/gc.7') =~ /Xr $tool 1/, "gc(7) names $tool");
}

# --version names what is linked: the word for each library.
my %word = (curl => 'libcurl', ssl => 'OpenSSL', jq => 'libjq',
    wslay => 'wslay', microhttpd => 'libmicrohttpd', bsd => 'libbsd',
    ncursesw => 'ncursesw', rabbitmq => 'librabbitmq', hiredis => 'hiredis',
    deflate => 'libdeflate');
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

# A test that a page names exists; each promise has one.
for my $page (glob 'man/*.[157]') {
	my @named = slurp($page) =~ m{^\.(?:Pa|Ic) (?:[A-Z_]+=\d+ )*(tests/\S+)}mg;
	my @none = grep { !/TOOL|NAME/ && !grep { -e } glob } @named;
	ok(!@none, "$page: its tests exist", @none) if @named;
	my @targets = slurp($page) =~ /^\.Ic make (\w+)/mg;
	@none = grep { slurp('Makefile') !~ /^\Q$_\E:/m } @targets;
	ok(!@none, "$page: so do its targets", @none) if @targets;
}
my ($promises) = slurp('man/gc-reliability.7') =~
    /^\.Ss The promises(.*?)^\.Ss /ms;
my @bare = map { /^(.*)/ } grep { !m{^\S* ?\.?Pa tests/}m }
    split /^\.It /m, $promises =~ s/.*?^\.It //smr;
ok($promises && !@bare, 'gc-reliability(7): each promise has its test', @bare);

# Each page's EXAMPLES run in order, against one gc-sim.  The tutorial and the
# recipes have tests of their own.
for my $page (glob 'man/*.[157]') {
	my ($text) = slurp($page) =~ /^\.Sh EXAMPLES\n(.*?)(?=^\.Sh )/ms;
	my @examples = in_page($text // '');
	ok(@examples >= 2, "$page has two examples") if $page =~ /1$/;
	check($page, {}, @examples) if @examples;
}
done_testing();
