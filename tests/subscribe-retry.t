#!/bin/sh
# gc-subscribe tries again: when, how often, and when not.
. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/odd.sh"
cd "$dir" || exit 1
fast='--backoff-base 100ms --jitter 20ms --backoff-cap 400ms'
refuse='Content-Length:%200%0d%0a'

# closest: the least time between two connections, in ms
closest() {
	awk '$3 == "accepted" { if (n++ && (!least || $1 - at < least))
	    least = $1 - at; at = $1 } END { print least }' odd/log
}

# Bounds, by the wire's own times.
odd 'accept reset'
timeout 20 gc-subscribe --backoff-base 300ms --jitter 10s --backoff-cap 400ms \
    -d 2s > out 2> err
ok "two opens are never less than the base apart" [ "$(closest)" -ge 299 ]
ok "however great the jitter" \
    jq -se '[.[] | select(.next=="reconnect").delayMs] | min >= 300 and max <= 400' out
gc-subscribe --backoff-base 3s --backoff-cap 2s 2> err
is "a cap below the base is 64" $? 64

# Attempts.
GC_TOKEN_CMD=false timeout 20 gc-subscribe $fast --max-attempts 3 --give-up 2> err
is "a token command that fails uses up attempts" $? 69
ok "as many" has err '3 attempts are used up'
ok "and says why" has err 'ended with 1'
timeout 20 env GC_TOKEN_CMD=false gc-subscribe $fast --max-attempts 3 -d 2s \
    > out 2> err
is "so gc:failover comes" "$(jq -c 'select(.event=="gc:failover").attempts' out |
    head -n 1)" 3
odd 'accept ev:1 close:1001' "refuse:503:$refuse"
timeout 20 gc-subscribe $fast --max-attempts 1 --give-up > out 2> err
is "--give-up ends with 69" $? 69
is "its last line says stop, and no failover comes" \
    "$(jq -c 'select(.event|startswith("gc:"))|[.event,.next]' out | tr '\n' ' ')" \
    '["gc:open",null] ["gc:closed","stop"] '

# Renewal.
cat > bare << 'EOT'
echo "${GC_TOKEN_REFUSED-none}" >> asked
echo tok
EOT
odd "refuse:401:$refuse" 'accept ev:1 serve'
rm -f asked
GC_TOKEN_CMD='sh bare' timeout 20 gc-subscribe $fast -n 1 --max-attempts 1 --give-up \
    > out 2> err
is "a bare token that is refused is asked for again" $? 0
is "without a birth that it could be known by" "$(cat asked)" "none
none"
is "which is no attempt" "$(jq -c 'select(.event=="gc:open").attempt' out)" 1
odd "refuse:401:$refuse"
rm -f asked
GC_TOKEN_CMD='sh bare' timeout 20 gc-subscribe $fast > out 2> err
is "once" "$? $(grep -c . asked)" "77 2"

# A refusal without a length, on a connection that stays.
odd 'refuse:429:Retry-After:%201%0d%0a mute' 'accept ev:1 serve'
timeout 10 gc-subscribe $fast -n 1 > out 2> err
is "a refusal's end is not waited for" $? 0
ok "its status counts" has err '429'
ok "and its Retry-After" has err 'again in 1000 ms'
is "at the wire" "$(awk '$3 == "accepted" { at[++n] = $1 }
    END { print (at[2] - at[1] >= 1000) }' odd/log)" 1

# The bundle of certificates.
GC_WS_URL=wss://127.0.0.1:9/x
export GC_WS_URL
GC_CACERT=$dir/none.pem timeout 9 gc-subscribe $fast -d 2s 2> err
is "GC_CACERT that is not there is 78" $? 78
ok "with its name" has err 'none.pem'
done_testing
