#!/usr/bin/env perl
# A browser for a test: browser.pl FOLDER URL.  It goes where it is sent, and
# leaves in FOLDER: `url`, the address; `environment`; `page`, the last
# answer, head and all; and, when it is done, `status`.
use strict;
use warnings;
use HTTP::Tiny;

my ($folder, $url) = @ARGV;

sub put {
	my ($name, $text) = @_;
	open my $f, '>', "$folder/.$name" or die $!;
	print $f $text;
	close $f;
	rename "$folder/.$name", "$folder/$name";
}

put('url', "$url\n");
put('environment', join '', map { "$_=$ENV{$_}\n" } sort keys %ENV);
my $r = HTTP::Tiny->new(timeout => 60, no_proxy => ['127.0.0.1', 'localhost'])
    ->get($url =~ s{//localhost\b}{//127.0.0.1}r);
put('page', join('', "$r->{url}\n", map { "$_: $r->{headers}{$_}\n" }
    sort keys %{$r->{headers}}) . "\n$r->{content}");
put('status', "$r->{status}\n");
