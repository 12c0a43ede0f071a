#!/bin/sh
# scripts/bench in small: every row comes about, peers are checked before
# they count, and what is missing is said.  What is not installed here is
# skipped; no figure is looked at.
here=$(cd "$(dirname "$0")/.." && pwd)
. "$(dirname "$0")/tap.sh"
build=${GC_BUILD:-$here/build/release}
export GC_BUILD="$build"
BENCH_EVENTS=600 BENCH_AGENTS=20 BENCH_ROUNDS=1 BENCH_DIR=$dir/bench
BENCH_MODULES=$here/build/bench/node_modules
export BENCH_EVENTS BENCH_AGENTS BENCH_ROUNDS BENCH_DIR BENCH_MODULES
json=$dir/bench.json
table=$dir/table

# figures FILTER: of the rows that pass it, which are whole
whole='(.figure | .min <= .median and .median <= .max) and .row and .unit'

"$here/scripts/bench" > "$table" 2> "$dir/said"
is 'it ends with 0 whatever the figures' $? 0
ok 'and nothing failed' sh -c '! grep -E "failed|left out;|nothing comes" "$1"' \
    - "$dir/said"
is 'a round is said for each group' "$(grep -c 'round 1 of 1' "$dir/said")" 16
is 'every row is whole' \
    "$(jq -c "[.rows[] | select($whole | not) | .row]" "$json")" '[]'
is 'a target is met or it is not' "$(jq -c '[.rows[] |
    select((.target != null) != (.met != null)) | .row]' "$json")" '[]'
for what in 'gc-reduce --snapshot, scanner' 'gc-dedup, cat | cat' \
    'lib/scan, libjq' 'gc-subscribe, TLS alone' \
    'latency, p99' 'to the gc:agent line, p99' 'an agent, over its id' \
    'an event, more agents' \
    'gc-subscribe --help' 'of that the state file' \
    'gc-reduce -s, agents loaded' 'gc-queue put' \
    'gc-queue put --sync none, cat'; do
	ok "there is: $what" jq -e --arg row "$what" \
	    '.rows[] | select(.row == $row)' "$json"
	ok "and in the table: $what" grep -qF "$what" "$table"
done
is 'the machine, and no name of it' "$(jq -r '.machine | [.cores > 0,
    .events, .agents, .rounds, (.versions.gc | length > 0)] | @csv' "$json")" \
    'true,600,20,1,true'
ok 'nor a path' sh -c '! grep -F -e "$1" -e "$2" "$3" "$4"' - "$dir" "$here" \
    "$json" "$table"

# The page takes the figures as they are.
page=$dir/gc-performance.7
cp "$here/man/gc-performance.7" "$page"
ok 'the figures go into the page' "$here/scripts/bench-page" "$json" "$page"
is 'each row' "$(sed '/end of figures/q' "$page" | grep -c '^\.It')" \
    "$(jq '.rows | length + 1' "$json")"
ok 'and it is still a page' mandoc -Tlint -Wwarning "$page"
is 'twice is once' "$(cat "$page")" \
    "$("$here/scripts/bench-page" "$json" "$page" && cat "$page")"

# rows_of PEER ROW: where the peer is here, there is its row, else it is said
rows_of() {
	if command -v "$1" > /dev/null 2>&1; then
		ok "$1: there is its row" grep -qF "$2" "$table"
	else
		ok "$1: it is said to be missing" \
		    grep -Eq "missing:.* $1 " "$dir/said"
	fi
}
rows_of node 'gc-reduce, node'
rows_of python3 'gc-reduce --snapshot, python3'
rows_of jq 'gc-reduce --snapshot, jq'
[ ! -d "$BENCH_MODULES/ws" ] ||
    ok 'ws: there is its row' grep -qF 'socket to roster, node' "$table"

# A peer that tells another thing is none.
mkdir "$dir/bin"
printf '#!/bin/sh\necho "{}"\n' > "$dir/bin/python3"
chmod +x "$dir/bin/python3"
PATH=$dir/bin:$PATH "$here/scripts/bench" reduce > "$table" 2> "$dir/said"
is 'a wrong peer: 1' $? 1
ok 'it is said' grep -q 'reduce: python tells another thing' "$dir/said"
ok 'and not measured' sh -c '! grep python "$1"' - "$table"
ok 'what is right is' grep -q 'snapshot, scanner' "$table"

# One that is not there is left out.
mkdir "$dir/few"
for tool in sh dirname cut cat sed awk head wc sort tr uname getconf openssl env \
    jq grep cmp mv rm mkdir sleep; do
	ln -s "$(command -v $tool)" "$dir/few/$tool"
done
PATH=$dir/few "$here/scripts/bench" reduce > "$table" 2> "$dir/said"
is 'a missing peer is no failure' $? 0
ok 'it is said' grep -q 'missing: mlr node python3' "$dir/said"

"$here/scripts/bench" no-such > /dev/null 2> "$dir/said"
is 'no such group: 64' $? 64
ok 'and which there are' grep -q 'there are: reduce changes' "$dir/said"
done_testing
