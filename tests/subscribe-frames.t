#!/bin/sh
# Hostile frames from a live server: what RFC 6455 says each deserves.
. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/odd.sh"
cd "$dir" || exit 1
# What the server sends | the code that it is answered with | RFC 6455
cat > table << 'EOT'
raw:%88%00|none|5.5.1 a close frame may have no body
raw:%88%02%03%e8|1000|5.5.1 is echoed
raw:%88%06%0f%a1mine|4001|7.4.2 a code of the application's own
raw:%88%01%03|1002|5.5.1 a body has two bytes or more
raw:%88%02%03%ec|1002|7.4.1 1004 is reserved
raw:%88%02%03%ed|1002|7.4.1 1005 must not be sent
raw:%88%02%03%ee|1002|7.4.1 1006 likewise
raw:%88%02%03%f7|1002|7.4.1 1015 likewise
raw:%88%02%03%e7|1002|7.4.2 999 is not used
raw:%88%02%0b%b7|1002|7.4.2 2999 is reserved for the protocol
raw:%88%02%13%88|1002|7.4.2 5000 is not used
raw:%88%02%ff%ff|1002|7.4.2 65535 is not used
raw:%88%04%03%e8%ff%fe|1007|5.5.1, 8.1 a reason is UTF-8
raw:%89%7e%00%7e|1002|5.5 a control frame has 125 bytes at most
raw:%09%00|1002|5.5 nor is it fragmented
raw:%c1%02{}|1002|5.2 RSV1 without an extension
raw:%a1%02{}|1002|5.2 RSV2
raw:%91%02{}|1002|5.2 RSV3
raw:%c1%07%aaV*.,%01%00|1002|5.2, 9 compressed, which nobody asked for
raw:%83%02{}|1002|5.2 a reserved opcode
raw:%87%00|1002|5.2 another
raw:%8b%00|1002|5.2 a reserved control opcode
raw:%8f%00|1002|5.2 the last of them
raw:%81%82%00%00%00%00{}|1002|5.1 a server does not mask
raw:%81%7e%00%02{}|1002|5.2 a length is in its shortest form
raw:%81%7f%00%00%00%00%00%00%00%02{}|1002|5.2 likewise
raw:%81%7f%80%00%00%00%00%00%00%02{}|1002|5.2 the top bit of a length is 0
raw:%81%7f%40%00%00%00%00%00%00%00{|1009|7.4.1 too big to process
raw:%80%02{}|1002|5.4 a continuation of nothing
raw:%01%01{%81%01}|1002|5.4 a message within a message
raw:%01%01{%82%01}|1002|5.4 a binary one likewise
raw:%81%01%ff|1007|8.1 text is UTF-8
raw:%81%03%ed%a0%80|1007|8.1 without surrogates
raw:%01%01%c3%80%01%28|1007|8.1 across fragments
raw:%81%7f%00%00%00%00%00%10%00%01{|1009|7.4.1 a message over 1 MiB
EOT
while IFS='|' read -r bytes code name; do
	odd "accept until:1 ev:1 $bytes until:8" 'accept mute'
	rm -f out
	gc-subscribe --backoff-base 30s --jitter 0 > out 2> err &
	pid=$!
	later $pid
	wait_for saw 'frame 8 masked'
	wait_for has out gc:closed
	kill $pid
	wait $pid
	is "$name" "$(sed -n 's/.* frame 8 masked [0-9]* \([a-z0-9]*\) *$/\1/p;
	    s/.* frame 8 masked [0-9]* \([0-9]*\) .*/\1/p' odd/log | head -n 1)" "$code"
	[ "$(grep -c '"S1"' out)" = 1 ] || is "the event before it is printed" "$(cat out)" ''
done < table

# What is odd but right.
xs=$(awk 'BEGIN { while (i++ < 118) printf "x" }')
odd 'accept frame:01:%7b%22a%22%3a%22%c3 frame:89:ppp frame:00: frame:8a:
    frame:00:%a9%22,%0d%0a frame:89:q frame:80:%22b%22%3a1%7d big:1048576
    raw:%81%7e%00%7e{%22c%22:%22'$xs'%22}
    serve'
timeout 20 gc-subscribe -n 3 > out 2> err
is "fragments with control frames between: one line" \
    "$(grep -c '^{"a":"é",  "b":1}$' out)" 1
is "1 MiB is a message still" "$(awk 'length($0) == 1048576' out | grep -c .)" 1
ok "a length of two bytes" has out '"c":"x{118}"'
ok "each ping's own answer, or the last's" saw 'frame 10 masked 1 q'
done_testing
