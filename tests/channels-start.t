#!/bin/sh
# The channels protocol at its size: from the start to a roster that is
# verified, and from a cut of every socket back to one, in how many requests.
# ORG_SIZE users, cut after CUT_AT, when that is done: 10000 and 20s are what
# the platform's limits are about.  Only then is it a matter of time, too: an
# ordinary run may be on a machine with much else to do.
. "$(dirname "$0")/tap.sh"
cd "$dir" || exit 1
n=${ORG_SIZE-2500} cut=${CUT_AT-15s}
case ${GC_BUILD-} in
*/asan) cut=${CUT_AT-40s} ;;
esac
pages=$(((n + 499) / 500)) sockets=$(((n + 999) / 1000))

# rest FILE REGEX: gc-sim's requests, but for those for a token
rest() { grep '"event":"sim:rest"' "$1" | grep -v /oauth/ | grep -E -- "$2"; }
count() { rest "$@" | grep -c .; }
# ms: the time of each line, in ms
ms() {
	jq -r '.at | (.[:19] + "Z" | fromdate) * 1000 + (.[20:23] | tonumber)'
}
# all_since AT: is everyone verified, by a line that is later?
all_since() {
	[ "$(grep '^{"event":"gc:agent"' out | jq -n --arg at "$1" '
	    reduce inputs as $a ({}; .[$a.userId] = ($a.at > $at and
	    $a.verified and $a.presence.verified)) | [.[] | select(.)] |
	    length')" = "$n" ]
}
is_closed() { lines stream '"gc:closed"' "$sockets"; }

echo "at $cut cut" > day
# shellcheck disable=SC2016
timeout 300 gc-sim -v --protocol channels --agents "$n" --script day -- sh -c '
    { gc-subscribe & echo $! > sub; wait; } | tee stream |
    gc-reduce -r gc-reconcile > out' 2> err &
sim=$!
later $sim

# --- the start --------------------------------------------------------------

ok "from the start to everyone verified" wait_for all_since ''
cp err first
at=$(grep '"gc:agent"' out | tail -n 1 | ms)
took=$((at - $(grep -m 1 sim:rest first | ms)))
ok "in less than 15 s ($took ms)" [ "$took" -lt $((${ORG_SIZE:+15}000)) -o \
    -z "${ORG_SIZE-}" ]
is "the scope and the walk are its pages, once each" \
    "$(count first '"path":"/api/v2/users"')" $((2 * pages))
is "a channel is two requests" "$(count first POST.*channels) $(count first PUT) $(
    count first HEAD)" "$sockets $sockets 0"
is "one is for the names of presences, one for active queues, no other" \
    "$(count first /definitions) $(count first /activity) $(count first .)" \
    "1 1 $((2 * pages + 2 * sockets + 2))"

# --- every socket is cut ----------------------------------------------------

ok "every socket is cut" wait_for is_closed
at=$(grep -m 1 '"gc:closed"' stream | jq -r .at)
ok "everyone is verified again" wait_for all_since "$at"
cp err second
kill -TERM "$(cat sub)"
wait $sim
# the outage of each socket, and what was said of it
jq -r 'select(.event == "gc:closed" and .next == "reconnect") |
    "\(.socket) \(.delayMs)"' stream | sort -n > delays
jq -r 'select(.event == "gc:open" and .resumed) |
    "\(.socket) \(.downtimeMs)"' stream | sort -n > downs
is "each is open again" "$(wc -l < downs)" "$sockets"
is "not before its delay, which is in bounds, nor long after it" \
    "$(join delays downs | awk '$2 < 2000 || $2 > 3000 || $3 < $2 ||
    $3 > $2 + 8000')" ""
awk 'NR == FNR { seen[$0] = 1; next } !($0 in seen)' first second > after
is "by the same channels" "$(count after HEAD) $(count after PUT) $(
    count after POST.*channels)" "$sockets $sockets 0"
is "in one walk, and nothing else" "$(count after '"path":"/api/v2/users"') $(
    count after .)" "$pages $((pages + 2 * sockets))"
most=$(rest second . | ms | awk '{ at[NR] = $1
    while (at[NR] - at[first + 1] >= 60000) first++
    if (NR - first > most) most = NR - first } END { print most }')
ok "at most 300 requests in any minute ($most)" [ "$most" -le 300 ]
done_testing
