#!/bin/sh
# gc-token against gc-sim: one request for any number of callers.
. "$(dirname "$0")/tap.sh"
cd "$dir" || exit 1

cat > inside <<'E'
gc-token > first || exit 1
gc-token > second
for i in 1 2 3 4 5 6 7 8 9 10; do gc-token -f > /dev/null & pids="$pids $!"; done
wait $pids
gc-token -r > raw
gc-token -H > header
refused=$(jq -r .issued_at first)
GC_TOKEN_REFUSED=$refused gc-token > third
GC_TOKEN_REFUSED=$(jq -r .issued_at third) gc-token > fourth
stat -c %a "$XDG_CACHE_HOME/gc/default" "$XDG_CACHE_HOME/gc/default/token" > modes
GC_CLIENT_SECRET=wrong gc-token -f > bad.out 2> bad.err
echo $? > bad
printf '%s\n' "$GC_CLIENT_SECRET" > secret
chmod 644 secret
env -u GC_CLIENT_SECRET GC_CLIENT_SECRET_FILE=secret gc-token -f 2> open.err
echo $? > open
chmod 600 secret
env -u GC_CLIENT_SECRET GC_CLIENT_SECRET_FILE=secret gc-token -f > file.out
echo $? > file
gc-token > /dev/full 2> /dev/null
echo $? > full
printf '%s' "$GC_CLIENT_SECRET" > the-secret
E
timeout 60 gc-sim -- sh ./inside 2> sim.log
is "it works" "$(jq -r .token_type first)" bearer
is "a cached token costs nothing" "$(jq -r .access_token second)" \
    "$(jq -r .access_token first)"
is "the life is told" "$(jq '.expires_in > 3500 and .expires_in <= 3600' first)" true
ok "the bare token" has raw '^[A-Za-z0-9]+$'
is "the header" "$(cat header)" "Authorization: Bearer $(cat raw)"
is "a refused token that is no longer cached is no reason" \
    "$(jq -r .access_token third)" "$(cat raw)"
ok "one that is cached is renewed" \
    [ "$(jq -r .access_token fourth)" != "$(jq -r .access_token third)" ]
is "folder and file are private" "$(tr '\n' ' ' < modes)" "700 600 "
is "a wrong secret is 77" "$(cat bad)" 77
ok "with the server's words" has bad.err 'authentication failed'
is "a secret that others can read is 78" "$(cat open)" 78
is "one that they cannot is taken" "$(cat file)" 0
is "a full disk is 74" "$(cat full)" 74
ok "the secret is nowhere" sh -c \
    '! grep -rlF "$(cat the-secret)" first bad.err open.err sim.err 2> /dev/null'

timeout 60 gc-sim -- sh -c 'for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
    gc-token > /dev/null & done; wait' 2> sim.log
is "a dozen callers at once cost one request" \
    "$(grep -c '"sim:token"' sim.log)" 1

timeout 60 gc-sim --fault token-life=1 -- sh -c 'timeout 20 gc-token -w --min-ttl 400ms |
    head -n 3 > watched' 2> sim.log
is "-w prints each new token" \
    "$(jq -r .access_token watched | sort -u | wc -l)" 3

GC_LOGIN_URL=http://127.0.0.1:9 GC_CLIENT_ID=a GC_CLIENT_SECRET=b \
    gc-token 2> err
is "nobody there: 69" $? 69
gc-token 2> err
is "nothing set: 78" $? 78
GC_REGION=nowhere-1 GC_CLIENT_ID=a GC_CLIENT_SECRET=b gc-token 2> err
is "an unknown region: 78" $? 78
ok "and they are listed" has err 'mypurecloud.ie'
GC_LOGIN_URL=http://example.com GC_CLIENT_ID=a GC_CLIENT_SECRET=b \
    gc-token 2> err
is "no secret travels in clear" $? 78
GENESYSCLOUD_ACCESS_TOKEN=abc gc-token -r > out
is "the vendor's token is taken as it is" "$(cat out)" abc
mkdir -p .config "$HOME/.config/gc"
printf '[default]\nlogin_url = http://127.0.0.1:9\nclient_id = a\n[x\n' \
    > "$HOME/.config/gc/config"
gc-token 2> err
is "a broken configuration: 78" $? 78
ok "with the line" has err 'config:4'
done_testing
