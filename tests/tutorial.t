#!/usr/bin/env perl
# gc-tutorial(7), typed in from its first command to its last.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);

chdir dirname(abs_path($0)) . '/..' or die;
require './tests/examples.pl';

# Times, durations and counts are not the same each time; how many blanks are
# before them follows from that.
sub mask {
	my ($text) = @_;
	$text =~ s/\d\d\d\d-\d\d-\d\dT[\d:.]+Z/TIME/g;
	$text =~ s/\b\d+[dhms]\d*\b/AGE/g;
	$text =~ s/\d+/N/g;
	$text =~ s/ +/ /g;
	$text =~ s/^ | $//gm;
	return $text;
}

my ($first, @rest) = in_page(slurp('man/gc-tutorial.7'));
ok($first->[0] =~ /^gc-sim .* -- /s, 'it begins with a shell in an org',
    $first->[0]);
ok(@rest > 20, 'and goes on', scalar @rest);
check('man/gc-tutorial.7', { org => $first->[0], mask => \&mask }, @rest);
done_testing();
