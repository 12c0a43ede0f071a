#!/usr/bin/env perl
# What the pages, --help and the code say of one another.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);

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
	my @columns = grep { length > 79 } split /\n/, $help;
	ok(!@columns, "$tool --help fits a terminal", @columns);
	ok(slurp('man/gc.7') =~ /Xr $tool 1/, "gc(7) names $tool");
}

# The filters speak to no network, and start at once.
for my $tool (qw(gc-dedup gc-reduce)) {
	my $libs = qx(ldd $ENV{GC_BUILD}/$tool);
	ok($libs !~ /curl|ssl|crypto|wslay|jq/, "$tool links no network", $libs);
}

# The enum and the table of gc(7) agree.
my %enum = slurp('lib/die.h') =~ /GC_EX_\w+ = (\d+)()/g;
my ($table) = slurp('man/gc.7') =~ /Sh EXIT STATUS(.*?)\.El/s;
my %page = $table =~ /\.It (\d+)()/g;
ok(join(' ', sort keys %enum) eq join(' ', sort keys %page),
    'gc(7) has every exit code', join(' ', sort keys %enum),
    join(' ', sort keys %page));

# EXAMPLES that begin with "$ " are run, and must print what follows.
for my $page (glob 'man/*.1') {
	my ($examples) = slurp($page) =~ /^\.Sh EXAMPLES\n(.*?)(?=^\.Sh )/ms;
	for my $block (($examples // '') =~ /^\.Bd.*?\n(.*?)^\.Ed/msg) {
		next unless $block =~ s/^\$ (.*)\n//;
		my $command = $1;
		s/\\e/\\/g, s/\\&//g for $command, $block;
		my $got = qx($command);
		ok($got eq $block, "$page: $command", "got  $got",
		    "want $block");
	}
}
print "1..$count\n";
