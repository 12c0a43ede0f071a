#!/bin/sh
# Weeks of the channels protocol in seconds: the lives of channels and tokens
# are scaled down, and nobody may notice that they end.
# GC_DAYS days (3) of GC_DAY seconds (15), GC_DAY_AGENTS agents (1,200, which
# are two channels): with 30 days of 48 s it is a month in 24 minutes.  With
# GC_DAY_KEEP what was told is left in that folder.
days=${GC_DAYS-3} day=${GC_DAY-15} agents=${GC_DAY_AGENTS-1200}
keep=${GC_DAY_KEEP-}
. "$(dirname "$0")/tap.sh"
cd "$dir" || exit 1
rate=40
# The token is renewed a third of a day before its end.  Where days are long
# enough for a change over in the last 24th of them, it is then: later than the
# channels are renewed (at 23/24 of their life), as with the real 90 s.
before=$((day * 333))
[ "$day" -lt 96 ] || before=$((day * 1000 / 26))

# live FAULT...: so many days; what is used goes to memory, a line a look
live() {
	gc-sim --protocol channels --agents "$agents" --rate $rate \
	    --events $((rate * days * day)) --fault rate-limit=30000 \
	    --fault channel-life="$day" "$@" -- sh -c '
	gc-subscribe --members '$((day * 250))ms' --rotate-before '$before'ms \
	    --metrics metrics --ready 3 3> ready &
	pid=$!
	until [ -s ready ] || ! kill -0 $pid; do sleep 0.1; done
	until grep -q sim:quiet err; do
		sed -n "s/^VmRSS:[ 	]*\([0-9]*\).*/\1/p" /proc/$pid/status >> memory
		sleep 0.5
	done
	sleep 1
	kill $pid
	wait $pid' > out 2> err
	echo $? > status
}

# Each lives in a folder of its own, at the same time.
for kind in channels tokens; do
	mkdir $kind
	(
	cd $kind || exit 1
	HOME=$dir/$kind
	case $kind in
	channels) live ;;
	tokens) live --fault token-life="$day" ;;
	esac
	) &
	later $!
	eval "$kind=\$!"
done
wait $channels $tokens

# pick FILTER: of the control lines, each once with how often
pick() { jq -c "select(.event) | $1" out | sort | uniq -c | sed 's/^ *//'; }

# asked KIND: how many requests of it had an answer of 2xx
asked() {
	sed -n "s/^gc_subscribe_requests_total{kind=\"$1\",status=\"2..\"} //p" \
	    metrics | awk '{ n += $1 } END { print n + 0 }'
}

# opening: what may have changed before the last of the first channels had its
# topics, with nobody to tell
opening() {
	grep sim:topics err | head -n $sockets | jq -sr --argjson rate $rate '
	    def ms: (.[:19] + "Z" | fromdate) * 1000 + (.[20:23] | tonumber);
	    map(.at | ms) | 5 + 2 * $rate * (max - min) / 1000 | floor'
}

# about NAME GOT LOW HIGH
about() {
	echo "# $1: $2 in $days days, awaited $3 to $4"
	ok "$1" [ "$2" -ge "$3" ]
	ok "$1: no more" [ "$2" -le "$4" ]
}

sockets=$(((agents + 999) / 1000))
pages=$(((agents + 499) / 500))
for kind in channels tokens; do
	cd "$dir/$kind" || exit 1
	is "$kind: it ends well" "$(cat status)" 0
	is "nobody is doubted" "$(pick 'select((.event == "gc:open" and
	    .resumed and .downtimeMs != 0) or .next == "reconnect" or
	    .event == "gc:failover") |
	    [.at, .event, .socket, .downtimeMs, .reason]')" ''
	lines=$(jq -c 'select(.topicName) | [.topicName, .eventBody]' out |
	    sort -u | wc -l)
	ok "no line is lost" [ "$lines" -ge \
	    $((rate * days * day - $(opening))) ]
	is "no channel is evicted" "$(grep -c '"evicted":0' err)" 1
	about "$kind: pages of users" "$(asked scope)" \
	    $((pages * days * 3)) $((pages * (days * 4 + 3)))
	is "no request is refused" \
	    "$(grep -c 'rest401":0,.*rest429":0,.*rateLimited":0' err)" 1
	# all of it is there once a day is over; a sanitizer keeps more
	case $GC_BUILD in *asan*) continue ;; esac
	ok "memory is flat" awk -v half=$((day * 2)) '
	    NR == half { first = $1 } { last = $1 }
	    END { print first, last; exit last > first * 1.1 + 1024 }' memory
	echo "# memory: $(sed -n "$((day * 2))p" memory) kB after a day," \
	    "$(tail -n 1 memory) kB at the end"
done

cd "$dir/channels" || exit 1
is "what was sent is printed, exactly" "$(grep -c topicName out)" \
    "$(sed -n '/sim:totals/s/.*"sent":\([0-9]*\).*/\1/p' err)"
is "a channel is made once" "$(asked create)" $sockets
about "its topics are put once a day" "$(asked subscribe)" \
    $((sockets * days)) $((sockets * (days + 3 + days / 20)))
is "no socket changes" "$(grep -c gc:open out)" $sockets

cd "$dir/tokens" || exit 1
made=$(asked create)
if [ $before -lt $((day * 1000 / 24)) ]; then
	about "a channel a day" "$made" $((sockets * days)) \
	    $((sockets * (days + 2)))
	about "its topics are put twice" "$(asked subscribe)" \
	    $((made * 2 - 2 * sockets)) $((made * 2 + sockets))
else
	about "a channel a token" "$made" $((sockets * days)) \
	    $((sockets * (days * 3 / 2 + 2)))
	is "its topics are put when it is new" "$(asked subscribe)" "$made"
fi
is "all are deleted at their end" "$(asked delete)" "$made"
ok "each is a change over" [ "$(pick 'select(.event == "gc:closed") | .next' |
    sed -n 's/ "rotate"//p')" -eq $((made - sockets)) ]
[ -z "$keep" ] || cp -r "$dir/channels" "$dir/tokens" "$keep"
done_testing
