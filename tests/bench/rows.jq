# The samples of a run, and what is told of them: jq -s --slurpfile machine
# FILE -f rows.jq SAMPLES.  Each row is a figure a round, and of these the
# median, the least and the most; a row of which there is no sample, or no
# quotient as too little was measured, is left out.  Per event, so that a side
# may have fewer of them.

# Laps of one side and round are stages of one pipeline.
def sides: group_by([.group, .side, .round]) | map(
    (.[0] | {group, side, round, p50, p99, rss}) + {
	wall: (map(.wall // 0) | max), cpu: (map(.cpu // 0) | add),
	each: ((map(.wall // 0) | max) / (map(.events) | max)),
	eachCpu: ((map(.cpu // 0) | add) / (map(.events) | max)),
	events: (map(.events) | max)} +
    (if .[0].rss then {rss: (map(.rss) | add)} else {} end));

def spread: if length == 0 then null else
    sort | {median: .[length / 2 | floor], min: .[0], max: .[-1]} end;

# The rounds in which all of the sides are there: an object of them each.
def rounds($group; $names): map(select(.group == $group)) | group_by(.round) |
    map(map({key: .side, value: .}) | from_entries |
	select([.[$names[]] | . != null] | all));

def row($name; $group; $names; figure; $unit; $target):
    rounds($group; $names) | {row: $name, group: $group, sides: $names,
	unit: $unit, figure: (map(figure?) | spread), target: $target,
	met: null} |
    if $target and .figure then .met = (.figure.median |
	if $target[0:2] == ">=" then . >= ($target[3:] | tonumber)
	else . <= ($target[3:] | tonumber) end) else . end;

# ratio of a figure a side; what is used beside it
def used($group; $side): map(select(.group == $group and .side == $side)) |
    {side: $side, usPerEvent: (map(.each * 1e6) | spread),
     cpuUsPerEvent: (map(.eachCpu * 1e6) | spread),
     rssMB: (map(.rss // empty | . / 1e6) | spread)};

# How many times as fast as the peer; the CPU time is told beside it.
def speed($name; $group; $ours; $peer; $target):
    . as $all | row($name; $group; [$ours, $peer];
	.[$peer].each / .[$ours].each; "x"; $target) +
    {cpu: (rounds($group; [$ours, $peer]) |
	map(select(.[$ours].eachCpu > 0) |
	    .[$peer].eachCpu / .[$ours].eachCpu) | spread),
     ours: used($group; $ours), peer: used($group; $peer)};
def speed($name; $group; $peer; $target):
    speed($name; $group; "ours"; $peer; $target);

# What part of the peer's.
def part($name; $group; $peer; key; $target):
    row($name; $group; ["ours", $peer]; (.ours | key) / (.[$peer] | key);
	"of it"; $target);

def of_one($name; $group; $side; figure; $unit; $target):
    row($name; $group; [$side]; .[$side] | figure; $unit; $target) +
    {ours: used($group; $side)};

def table: [
    speed("gc-reduce --snapshot, node"; "reduce"; "node"; ">= 10"),
    speed("gc-reduce --snapshot, python3"; "reduce"; "python"; null),
    speed("gc-reduce --snapshot, jq"; "reduce"; "jq"; null),
    speed("gc-reduce --snapshot, Miller"; "reduce"; "miller"; null),
    speed("gc-reduce --snapshot, scanner"; "reduce"; "scan";
	">= 0.6"),
    speed("gc-reduce, node"; "changes"; "node"; ">= 8"),
    speed("gc-dedup, node"; "dedup"; "node"; ">= 8"),
    speed("gc-dedup, cat | cat"; "dedup"; "cat"; ">= 0.4"),
    speed("lib/scan, libjq"; "scan"; "libjq"; ">= 25"),
    speed("lib/scan, simdjson"; "scan"; "simdjson"; ">= 0.9"),
    speed("lib/scan, lines alone"; "scan"; "split"; null),
    speed("gc-subscribe, node --fast"; "subscribe"; "node"; ">= 2"),
    speed("gc-subscribe, node"; "subscribe"; "slow"; null),
    part("gc-subscribe CPU, node --fast"; "subscribe"; "node"; .eachCpu;
	"<= 0.5"),
    speed("gc-subscribe, TLS alone"; "subscribe"; "raw";
	">= 0.65"),
    speed("socket to roster, node"; "pipeline"; "node"; ">= 3"),
    part("socket to roster memory, node"; "storm"; "node"; .rss;
	"<= 0.25"),
    part("latency p99, node"; "latency"; "slow"; .p99; "<= 0.25"),
    part("latency p50, node"; "latency"; "slow"; .p50; "<= 1"),
    part("latency p99, node --fast"; "latency"; "node"; .p99; null),
    of_one("latency, p50"; "latency"; "ours"; .p50; "us"; null),
    of_one("latency, p99"; "latency"; "ours"; .p99; "us"; null),
    of_one("to the gc:agent line, p50"; "agent"; "ours"; .p50; "us"; null),
    of_one("to the gc:agent line, p99"; "agent"; "ours"; .p99; "us";
	"<= 300"),
    of_one("gc-reduce, 10,000 agents"; "changes"; "ours"; .rss / 1e6; "MB";
	"<= 12"),
    row("an agent, over its id"; "memory"; ["all", "one"];
	(.all.rss - .one.rss) / (.all.events - 1) - 36; "bytes"; "<= 250"),
    row("memory, ten times as many"; "memory"; ["all", "tenth", "one"];
	(.all.rss - .one.rss) / (.tenth.rss - .one.rss);
	"times it"; "<= 11"),
    row("an event, more agents"; "growth"; ["many", "few"];
	.many.each / .few.each; "times it"; "<= 2.5"),
    of_one("gc-dedup --help"; "start"; "dedup"; .wall * 1e3; "ms"; "<= 1"),
    of_one("gc-reduce --help"; "start"; "reduce"; .wall * 1e3; "ms"; "<= 1"),
    of_one("gc-subscribe --help"; "start"; "subscribe"; .wall * 1e3; "ms";
	"<= 3"),
    of_one("node -e 0"; "start"; "node"; .wall * 1e3; "ms"; null),
    of_one("gc-reduce -s, 20,000 a second"; "state"; "ours";
	100 * .cpu / .wall; "% of a core"; "<= 10"),
    row("of that the state file"; "state"; ["ours", "without"];
	100 * (.ours.cpu / .ours.wall - .without.cpu / .without.wall);
	"% of a core"; null),
    of_one("gc-reduce -s, agents loaded"; "load"; "ours"; .wall; "s";
	"<= 1.5"),
    of_one("gc-queue put"; "queue"; "ours"; 1e-6 / .each; "M lines/s";
	">= 1"),
    speed("gc-queue put, cat"; "queue"; "cat"; ">= 0.3"),
    speed("gc-queue put, dd fdatasync"; "queue"; "sync"; null),
    speed("gc-queue put --sync none, cat"; "queue"; "nosync"; "cat"; null),
    of_one("gc-queue get"; "queue"; "get"; 1e-6 / .each; "M lines/s";
	">= 1.5"),
    speed("gc-cache put, HSET"; "cache"; "hset"; ">= 0.7"),
    speed("gc-cache put, HSET and PUBLISH"; "cache"; "pair"; null)
] | map(select(.figure));

sides | {machine: $machine[0], rows: table}
