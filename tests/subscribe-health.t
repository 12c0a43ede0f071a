#!/bin/sh
# Attempts are given back after a minute's health, rotations in it included.
. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/odd.sh"
cd "$dir" || exit 1
cat > token << 'EOT'
perl -MPOSIX=strftime -e 'my $t = time; my $f = "%Y-%m-%dT%H:%M:%SZ";
    print "{\"event\":\"gc:token\",\"access_token\":\"abc\",",
    "\"issued_at\":\"", strftime($f, gmtime $t),
    "\",\"expires_at\":\"", strftime($f, gmtime $t + 50), "\"}\n"'
EOT
odd 'accept reset' 'accept reset' 'accept serve' 'accept serve' \
    'accept sleep:14000 reset' 'accept serve'
rm -f out
GC_TOKEN_CMD='sh token' gc-subscribe --backoff-base 100ms --jitter 0 > out 2> err &
pid=$!
later $pid
tries=0
until lines out '"gc:open"' 6 || [ $((tries += 1)) -gt 900 ]; do
	sleep 0.1
done
kill $pid
wait $pid
is "two rotations" "$(grep -c '"next":"rotate"' out)" 2
is "and then the first delay" \
    "$(jq -c 'select(.next=="reconnect").delayMs' out | tr '\n' ' ')" "100 200 100 "
is "the first attempt" "$(jq -c 'select(.event=="gc:open").attempt' out | tail -n 1)" 1
done_testing
