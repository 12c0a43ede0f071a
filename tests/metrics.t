#!/usr/bin/env perl
# --metrics: every tool's file is what Prometheus reads, has the figures that
# the dashboard and the alerts name, and they are right.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);

chdir dirname(abs_path($0)) . '/..' or die;
my $dir = tempdir(CLEANUP => 1);
my $count = 0;
delete $ENV{$_} for grep { /^(GC_|XDG_|GENESYSCLOUD_)/ && $_ ne 'GC_BUILD' }
    keys %ENV;
$ENV{HOME} = $dir;

sub ok {
	my ($pass, $name, @why) = @_;
	printf "%sok %d - %s\n", $pass ? '' : 'not ', ++$count, $name;
	print map { "# $_\n" } map { split /\n/ } @why unless $pass;
}

sub skip {
	my ($name) = @_;
	printf "ok %d # SKIP %s\n", ++$count, $name;
}

sub slurp {
	my ($path) = @_;
	open my $f, '<', $path or return '';
	local $/;
	return scalar <$f>;
}

# --- the format's rules ---------------------------------------------------

my $name = qr/[a-zA-Z_:][a-zA-Z0-9_:]*/;
my $label = qr/[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*"/;

# What is wrong with it; nothing is nothing.
sub faults {
	my ($text) = @_;
	my (@found, %help, %type, %seen, %series, $family);
	push @found, 'it does not end with a newline' if $text !~ /\n\z/;
	for (split /\n/, $text) {
		my ($what, $n, $kind) = /^# (HELP) ($name) \S/ ? ($1, $2) :
		    /^# (TYPE) ($name) (counter|gauge)$/ ? ($1, $2, $3) :
		    m{^($name)(?:\{$label(?:,$label)*\})? -?\d+(?:\.\d+)?$} ?
		    ('figure', $1) : ('', $_);
		if ($what eq 'HELP') {
			push @found, "$n: HELP again" if $help{$n}++;
		} elsif ($what eq 'TYPE') {
			push @found, "$n: TYPE again" if $type{$n};
			push @found, "$n: TYPE after its figures" if $seen{$n};
			push @found, "$n: no HELP" unless $help{$n};
			push @found, "$n: a $kind" if ($kind eq 'counter') !=
			    ($n =~ /_total$/);
			$type{$n} = $kind;
		} elsif ($what eq 'figure') {
			push @found, "$n: no TYPE" unless $type{$n};
			push @found, "$n: not gc_" unless $n =~ /^gc_[a-z]/;
			push @found, "$n: apart from its like"
			    if $seen{$n}++ && $family ne $n;
			push @found, "$_: twice" if $series{s/ \S+$//r}++;
			$family = $n;
		} else {
			push @found, "no line of the format: $n";
		}
	}
	push @found, map { "$_: no figure" } grep { !$seen{$_} } keys %type;
	return @found;
}

my $good = "# HELP gc_a_total a\n# TYPE gc_a_total counter\ngc_a_total 1\n";
ok(!faults($good), 'the checker takes what is right', faults($good));
for my $wrong ("gc_a 1\n", $good =~ s/counter/gauge/r, "$good$good",
    $good =~ s/ 1\n/ x\n/r, $good =~ s/\n\z//r, $good =~ s/# HELP.*\n//r,
    $good =~ s/gc_/go_/gr, "${good}gc_a_total 2\n",
    $good =~ s/l 1/l{b="\x5c"} 1/r) {
	ok(scalar faults($wrong), 'and nothing else', $wrong);
}

# --- every tool -----------------------------------------------------------

# What a tool needs to get as far as its first figures; others need nothing.
my %needs = ('gc-board' => "-o $dir/board.html",
    'gc-subscribe' => '-d 1s', 'gc-sim' => '-- true',
    'gc-queue' => "put dir:$dir/queue",
    'gc-cache' => 'put redis://127.0.0.1:9');
my @tools = map { s{.*/}{}r } grep { -x } glob "$ENV{GC_BUILD}/gc-*";
my $script = "cd '$dir'\n";
for my $tool (@tools) {
	my $needs = $needs{$tool} // '';
	$script .= "timeout -s TERM 60 $tool --metrics $tool.prom $needs " .
	    "< /dev/null > $tool.out 2>&1\n";
}
$script .= <<"END";
gc-subscribe --metrics sub.prom -d 12s | gc-dedup --metrics dedup.prom |
    gc-reduce --metrics reduce.prom -r 'gc-reconcile --metrics rec.prom' \\
    > roster & pipe=\$!
for i in \$(seq 400); do
	grep -q '^gc_subscribe_open 1' sub.prom 2> /dev/null && break
	sleep 0.05
done
cp sub.prom open.prom
wait \$pipe
GC_PROFILE='a"b' gc-dedup --metrics profile.prom < /dev/null
END
open my $f, '>', "$dir/run.sh" or die;
print $f $script;
close $f;
system("gc-sim --rate 50 -- sh '$dir/run.sh' > '$dir/sim' 2>&1");

my %family;
for my $tool (@tools, qw(sub dedup reduce rec open profile)) {
	my $text = slurp("$dir/$tool.prom");
	my @found = faults($text);
	ok($text ne '' && !@found, "$tool: a file by the format's rules",
	    @found, substr(slurp("$dir/$tool.out"), 0, 500));
	$family{$_} = 1 for $text =~ /^# TYPE (\S+)/mg;
	ok($text =~ /^gc_metrics_written_timestamp_seconds\{.*tool="gc-/m,
	    "$tool: when it was written", $text);
}

# --- the figures ----------------------------------------------------------

sub figure {
	my ($file, $series) = @_;
	return slurp("$dir/$file") =~ /^\Q$series\E (\S+)$/m ? $1 : -1;
}

ok(figure('open.prom', 'gc_subscribe_open') == 1 &&
    figure('open.prom', 'gc_subscribe_sockets') == 1, 'a stream that is open',
    slurp("$dir/open.prom"));
ok(figure('sub.prom', 'gc_subscribe_open') == 0 &&
    figure('sub.prom', 'gc_subscribe_sockets') == 1, 'and has ended',
    slurp("$dir/sub.prom"));
ok(figure('profile.prom', 'gc_dedup_held{profile="a\\"b"}') == 0,
    'the profile is a label', slurp("$dir/profile.prom"));

# An event of so many seconds ago; "written" and "input" are now.
sub lag_of {
	my ($ago, @lines) = @_;
	my $began = time;
	open my $in, '|-', "gc-reduce --metrics '$dir/lag.prom' > '$dir/out'"
	    or die;
	print $in @lines;
	close $in;
	my $lag = figure('lag.prom', 'gc_reduce_lag_seconds');
	ok($lag >= $ago && $lag <= $ago + 1 + time - $began,
	    "an event of $ago s ago", "lag $lag");
	for my $what (qw(gc_metrics_written gc_last_input)) {
		my $at = figure('lag.prom',
		    "${what}_timestamp_seconds{tool=\"gc-reduce\"}");
		ok($at >= $began && $at <= time + 1, "$what: now", $at);
	}
}

sub stamp {
	my ($ago) = @_;
	my @t = gmtime(time - $ago);
	return sprintf '%04d-%02d-%02dT%02d:%02d:%02dZ', $t[5] + 1900,
	    $t[4] + 1, @t[3, 2, 1, 0];
}

lag_of(70, '{"event":"routing:agents:status:updated","data":{"userId":"a",' .
    '"status":"Busy","timestamp":"' . stamp(70) . "\"}}\n");
lag_of(50, '{"topicName":"v2.users.a.activity","eventBody":{' .
    '"routingStatus":{"status":"IDLE","startTime":"' . stamp(50) .
    '"},"presence":{"presenceDefinition":{"systemPresence":"ON_QUEUE"},' .
    '"modifiedDate":"' . stamp(3000) . "\"}}}\n");

# --- what is made of them -------------------------------------------------

my $dashboard = slurp('scripts/monitoring/grafana.json');
my $alerts = slurp('scripts/monitoring/alerts.yml');
for (['the dashboard', $dashboard], ['the alerts', $alerts]) {
	my ($what, $text) = @$_;
	my %named = map { $_ => 1 } $text =~ /\b(gc_[a-z_]+)/g;
	my @none = grep { !$family{$_} } sort keys %named;
	ok(%named && !@none, "$what: a tool writes each figure", @none);
}
ok(system("jq -e '.panels | length > 9 and all(.targets | length > 0)' " .
    '< scripts/monitoring/grafana.json > /dev/null') == 0,
    'the dashboard is JSON, and each panel shows something');
for my $matter (qw(gc_subscribe_open gc_reduce_doubted rejected_total
    gc_reduce_lag_seconds)) {
	ok($alerts =~ /\Q$matter/ && $dashboard =~ /\Q$matter/,
	    "both look at $matter");
}
my @alerts = $alerts =~ /- alert: (\w+)/g;
my $tests = slurp('scripts/monitoring/alerts-test.yml');
my @untested = grep { $tests !~ /alertname: \Q$_\E\n\s+exp_alerts/ } @alerts;
ok(@alerts && !@untested, 'each alert has a test in which it comes',
    @untested);
my @unsaid = grep { slurp('man/gc-service.7') !~ /$_/ } @alerts;
ok(!@unsaid, 'gc-service(7) says what each alert means', @unsaid);

if (system('command -v promtool > /dev/null 2>&1') == 0) {
	for my $file (glob "$dir/*.prom") {
		my $said = qx(promtool check metrics < '$file' 2>&1);
		ok($? == 0 && $said eq '', 'promtool: ' . ($file =~ s{.*/}{}r),
		    $said);
	}
	for my $check ('check rules alerts.yml', 'test rules alerts-test.yml') {
		my $said = qx(cd scripts/monitoring && promtool $check 2>&1);
		ok($? == 0, "promtool $check", $said);
	}
} else {
	skip('promtool is not here (Debian has it in prometheus)');
}
print "1..$count\n";
