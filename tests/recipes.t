#!/usr/bin/env perl
# The recipes of the README and of gc-recipes(7), and the README's pipelines.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);

chdir dirname(abs_path($0)) . '/..' or die;
require './tests/examples.pl';

# The README's have no prompt, and tell no output: all of its recipes, and
# each pipeline before them.
sub in_readme {
	my $text = slurp('README.md');
	my ($recipes) = $text =~ /^## Recipes\n(.*?)(?=^## )/ms;
	my ($before) = split /^## Recipes\n/m, $text;
	my @found;
	for my $line ($recipes =~ /^ {4}(.*\n)/mg) {
		if (@found && is_open($found[-1])) {
			$found[-1] .= $line;
		} else {
			push @found, $line;
		}
	}
	return map { [$_, ''] } ($before =~ /^ {4}(gc-.*\n)/mg), @found;
}

my $lines = () = slurp('README.md') =~ /\n/g;
ok($lines <= 150, 'the README has 150 lines at most', $lines);
check('README.md', {}, in_readme());
check('man/gc-recipes.7', {}, in_page(slurp('man/gc-recipes.7')));
done_testing();
