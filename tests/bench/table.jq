# build/bench.json for a terminal: jq -r -f table.jq.
def digits: if . == null then "-" elif . >= 100 then round elif . >= 10 then
    . * 10 | round / 10 else . * 100 | round / 100 end | tostring;
def left($n): . + " " * ([$n - length, 0] | max) // .;
def right($n): (" " * ([$n - length, 0] | max) // "") + .;

"\(.machine.cpu), \(.machine.cores) cores; \(.machine.events) events, " +
    "\(.machine.agents) agents, \(.machine.rounds) rounds; " +
    "the load was \(.machine.load // "?") before",
("" | left(30)) + ("median" | right(8)) + ("least" | right(8)) +
    ("most" | right(8)) + "              target    CPU    MB, peer",
(.rows[] | (.row | left(30)) + (.figure.median | digits | right(8)) +
    (.figure.min | digits | right(8)) + (.figure.max | digits | right(8)) +
    " " + (.unit | left(11)) +
    ((if .target then .target + (if .met then " " else "!" end) else "" end)
	| right(9)) +
    (if .cpu then (.cpu.median | digits | right(7)) +
	(.ours.rssMB.median | digits | right(6)) +
	(.peer.rssMB.median | digits | right(6)) else "" end))
