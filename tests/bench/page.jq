# build/bench.json as the table of gc-performance(7), mdoc:
# jq -r -f page.jq build/bench.json
def digits: if . >= 100 then round elif . >= 10 then . * 10 | round / 10
    else . * 100 | round / 100 end | tostring;

".\\\" figures: scripts/bench-page",
(.machine | "\(.cpu), \(.cores) cores; \(.versions.openssl // "" |
    split(" ")[0:2] | join(" ")), node \(.versions.node), ws " +
    "\(.versions.ws), \(.versions.jq);",
    "\(.events) events, \(.agents) agents, the median of \(.rounds) rounds;",
    "the load was \(.load // "?") before:"),
".Bl -column \"gc-reduce --snapshot, scanner\" \"12345 bytes\" " +
    "\"1234 to 12345\" \">= 0.65 !\"",
".It Sy row Ta Sy figure Ta Sy least, most Ta Sy target",
(.rows[] | ".It \(.row) Ta \(.figure.median | digits) " +
    ({"x": "times", "% of a core": "%"}[.unit] // .unit) +
    " Ta \(.figure.min | digits) to \(.figure.max | digits) Ta " +
    (.target // "\\(en") + if .met == false then " !" else "" end),
".El",
".\\\" end of figures"
