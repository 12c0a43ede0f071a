#!/bin/sh
# A reader that sleeps: bounded memory, order, every line printed once or told
# as lost, and the roster right afterwards.  GC_SLOW_FRAMES=2000000 for the
# whole of it.
frames=${GC_SLOW_FRAMES:-50000}
. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/odd.sh"
cd "$dir" || exit 1
buffer=4
odd "accept until:1 ev:1-$frames touch:sent serve"
mkfifo slow
sh -c "exec gc-subscribe --buffer ${buffer}M > slow 2> err" &
pid=$!
later $pid
exec 4< slow
tries=0
until [ -e odd/sent ] || [ $((tries += 1)) -gt 6000 ]; do
	sleep 0.1
done
ok "the server was never held up" [ -e odd/sent ]
# it may have the last of them in its own buffers
lost() { kill -USR1 $pid; sleep 0.2; has err "\"frames\":$frames,"; }
wait_for lost
peak=$(awk '/^VmHWM/ { print $2 }' /proc/$pid/status)
case ${GC_BUILD-} in
*asan*) ok "memory is not measured under asan" true ;;
*) ok "memory: $peak KB, under the buffer and 16 MB" \
    [ "$peak" -lt $(((buffer + 16) * 1024)) ] ;;
esac
cat <&4 > out &
reader=$!
count='/"lost":/ { sub(/.*"lost":/, ""); lost += $0 + 0 }
    /"status":"S/ { sub(/.*"status":"S/, ""); n = $0 + 0; printed++
	if (n <= last) bad++
	last = n }
    END { print printed + 0, lost + 0, bad + 0, last + 0 }'
all() {
	awk "$count" out > counts
	read -r printed lost bad last < counts
	[ $((printed + lost)) -ge "$frames" ]
}
wait_for all
kill $pid
wait $pid
wait $reader
all
is "printed $printed and lost $lost are all that was sent" $((printed + lost)) "$frames"
ok "some were lost" [ "$lost" -gt 0 ]
is "in order, each once" "$bad" 0
is "the latest are there" "$last" "$frames"
is "each loss is told as an outage: closed, then open, resumed" "$(
    jq -c 'select(.event=="gc:closed" and .lost) | 1' out | wc -l)" "$(
    jq -c 'select(.event=="gc:open" and .resumed and .downtimeMs > 0) | 1' out | wc -l)"
# And behind a roster: it sleeps while the org goes on, wakes up to a hole,
# and is right afterwards, for everyone in it is doubted; no audit helps.
unset GC_TOKEN_CMD GC_WS_URL
cat > inside <<'E'
mkfifo events
gc-subscribe --buffer 100K > events & subscribe=$!
gc-reduce --audit 0 -r 'gc-reconcile --rate 20000' < events > changes &
reduce=$!
users() { grep -o '"userId":"[^"]*"' changes | sort -u; }
until [ "$(users | wc -l)" -eq 40 ]; do sleep 0.05; done
kill -STOP $reduce
until [ -s truth ]; do sleep 0.05; done
kill -CONT $reduce
tries=0
until "$compare" truth changes > verdict || [ $tries -gt 200 ]; do
	sleep 0.1
	tries=$((tries + 1))
done
kill $subscribe
wait $subscribe $reduce
E
compare=$odd_tests/../scripts/compare-roster
export compare
timeout 100 gc-sim --agents 40 --rate 3000 --events 9000 --truth truth -- \
    sh inside 2> sim.err
ok "behind a roster, too, some are lost" has changes '"reason":"overrun".*"lost":'
is "everyone is doubted" "$(grep '"reason":"reconnect"' changes |
    grep -o '"userId":"[^"]*"' | sort -u | grep -c .)" 40
ok "and the roster equals the truth" has verdict \
    '^roster equals the truth: 40 agents'
done_testing
