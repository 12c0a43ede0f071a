#!/bin/sh
# The filters under valgrind, over the inputs of all golden cases: no error,
# no leak.  Where the sanitizers are in they look for themselves.
. "$(dirname "$0")/tap.sh"
tests=$(cd "$(dirname "$0")" && pwd)
cd "$dir" || exit 1

if ! command -v valgrind > /dev/null; then
	echo "1..0 # SKIP there is no valgrind"
	exit 0
fi
if nm "$(command -v gc-dedup)" 2> /dev/null | grep -q __asan_init; then
	echo "1..0 # SKIP the sanitizers are in"
	exit 0
fi
watched='valgrind -q --leak-check=full --errors-for-leak-kinds=all
    --show-leak-kinds=all --error-exitcode=99'

cat "$tests"/dedup/*/in "$tests"/reduce/*/in > lines
$watched gc-dedup -q < lines > deduped 2> err
is "gc-dedup" $? 0
is "valgrind says nothing" "$(cat err)" ""
$watched gc-reduce -q -s roster < lines > reduced 2> err
is "gc-reduce" $? 0
is "valgrind says nothing" "$(cat err)" ""
$watched gc-reduce -q -s roster --snapshot < /dev/null > snapshot 2> err
is "gc-reduce, from its file" $? 0
is "valgrind says nothing" "$(cat err)" ""
ok "there was something to look at" test -s snapshot
cat > nobody-knows <<'X'
jq -c --unbuffered 'select(.event == "gc:gap") | {event: "gc:unverified",
    at, userId, seq, reason, httpStatus: null, error: "nobody knows"}'
X
$watched gc-reduce -q -r 'sh ./nobody-knows' < lines > looped 2> err
is "gc-reduce, in a loop" $? 0
is "valgrind says nothing" "$(cat err)" ""
done_testing
