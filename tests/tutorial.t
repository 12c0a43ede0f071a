#!/usr/bin/env perl
# gc-tutorial(7), typed in from its first command to its last.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);

chdir dirname(abs_path($0)) . '/..' or die;
require './tests/examples.pl';

# Times, durations and counts are not the same each time, save a number that
# stands alone; how many blanks are before them follows from that.
sub mask {
	my ($text) = @_;
	my @lines = split /\n/, $text;
	for (grep { !/^\d+$/ } @lines) {
		s/\d\d\d\d-\d\d-\d\dT[\d:.]+Z/TIME/g;
		s/\b\d+[dhms]\d*\b/AGE/g;
		s/\d+/N/g;
		s/ +/ /g;
		s/^ | $//g;
	}
	return join "\n", @lines;
}

my ($first, @rest) = in_page(slurp('man/gc-tutorial.7'));
ok($first->[0] =~ /^gc-sim .* -- /s, 'it begins with a shell in an org',
    $first->[0]);
ok(@rest > 20, 'and goes on', scalar @rest);
# The settings that it has the reader write are understood: those of its
# section, with the secret of this org, from where it has them.
push @rest, [<<'END', "1\n"];
printf '%s' "$GC_CLIENT_SECRET" > ~/.config/gc/secret
unset GC_CLIENT_SECRET; export XDG_CONFIG_HOME=$HOME/.config
gc-token -f -r | wc -l
END
check('man/gc-tutorial.7', { org => $first->[0], mask => \&mask }, @rest);
done_testing();
