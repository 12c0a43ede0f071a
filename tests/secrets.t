#!/bin/sh
# The client secret and the tokens, over a whole pipeline: in no argument, no
# message, no file but the token's own, no core; tokens in no environment.
tests=$(cd "$(dirname "$0")" && pwd)
. "$tests/tap.sh"
. "$tests/login.sh"
cd "$dir" || exit 1
mkdir work seen
export dir

# In the environment of gc-sim; what is found goes to seen/.
cat > inside <<'E'
cd "$dir/work"
# in a file: so who does not read it has it nowhere
echo "$GC_CLIENT_SECRET" > secret
chmod 600 secret
id=$GC_CLIENT_ID secret=$GC_CLIENT_SECRET
unset GC_CLIENT_SECRET
export GC_CLIENT_SECRET_FILE=$dir/work/secret
gc-token -r -w -vvv > "$dir/tokens" 2> token.err & token=$!
cat > command <<'C'
#!/bin/sh
env > "$dir/seen/environment.$$"
exec gc-token -vvv
C
chmod 755 command
cat > subscribe <<'C'
#!/bin/sh
echo $$ > "$dir/subscribe.pid"
GC_TOKEN_CMD=$dir/work/command exec gc-subscribe -vvv --metrics sub.prom \
    --backoff-base 100ms --jitter 20ms 2> subscribe.err
C
chmod 755 subscribe
./subscribe | gc-dedup -vvv --metrics dedup.prom 2> dedup.err |
    gc-reduce -vvv -s roster --metrics reduce.prom --audit 1s \
	-r 'gc-reconcile -vvv --metrics rec.prom' 2> reduce.err > lines &
until [ "$(wc -l < "$dir/tokens")" -ge 7 ] &&
    grep -q '"source":"rest"' lines && [ -s rec.prom ]; do sleep 0.05; done
head -n 4 "$dir/tokens" > "$dir/past"
{ echo "$secret"; cat "$dir/tokens"; printf %s "$id:$secret" |
    perl -MMIME::Base64 -e 'print encode_base64(<STDIN>, "")'
} > "$dir/secrets"
grep -lF -f "$dir/secrets" /proc/[0-9]*/cmdline > "$dir/seen/arguments" \
    2> /dev/null
look() {
	for process in /proc/[0-9]*; do
		tool=$(readlink "$process/exe")
		case $tool in
		*/gc-subscribe | */gc-dedup | */gc-reduce | */gc-reconcile) ;;
		*) continue ;;
		esac
		tr '\0' '\n' < "$process/environ" > environ
		grep -qxF "XDG_STATE_HOME=$XDG_STATE_HOME" environ || continue
		cat environ >> "$dir/seen/environment"
		grep -q __asan_init "$tool" || gcore -o "$dir/seen/${tool##*/}" \
		    "${process#/proc/}" > /dev/null
	done 2> /dev/null
}
# a moment without a token is possible: between two of them
for try in 1 2 3 4 5; do
	look
	# any but the past: a dump may last longer than a token does
	tail -n +5 "$dir/tokens" | grep -qlF -f - "$dir"/seen/gc-subscribe.* \
	    "$dir"/seen/gc-reconcile.* 2> /dev/null && break
done
cat "$dir/tokens" >> "$dir/secrets"
grep -q __asan_init "$(command -v gc-token)" ||
    gcore -o "$dir/seen/token" $token > /dev/null 2>&1
kill -USR1 $token
until grep -q '"tool":"gc-token"' token.err; do sleep 0.05; done
kill $token $(cat "$dir/subscribe.pid")
wait
cp -r "$XDG_STATE_HOME" state
cp -rp "$XDG_CACHE_HOME" cache
E
timeout 100 gc-sim --agents 20 --rate 100 --fault token-life=3 -- sh ./inside \
    2> sim.err
is "a pipeline ran" "$?" 0
ok "with more than one token" lines secrets . 5
ok "rotated" has work/lines '"gc:agent"'

# none FILES...: no secret is in them, and there is something to look at
none() { [ -s "$1" ] && ! grep -lF -f secrets -r "$@"; }
tail -n +2 secrets > only-tokens
ok "no message at -vvv holds one" none work/*.err
ok "which do say much" lines work/subscribe.err ' -> ' 3
ok "no metrics" none work/*.prom
ok "no line of the stream" none work/lines
ok "no state" none work/roster work/state
if [ -d /proc/self ]; then
	is "no argument of any process" "$(cat seen/arguments)" ""
	ok "no token in the environment of the token command" sh -c \
	    '! grep -lF -f only-tokens seen/environment*'
fi
# memory, as a debugger sees it
seen() { [ -e "$1" ]; }
if seen seen/gc-reduce.* && seen seen/gc-subscribe.*; then
	head -n 1 secrets > only-secret
	ok "the secret is in the memory of nobody who does not read it" sh -c \
	    '! grep -lF -f only-secret seen/gc-*'
	ok "no token in that of who does not use it" sh -c \
	    '! grep -lF -f only-tokens seen/gc-dedup.* seen/gc-reduce.*'
	ok "and one is, in that of who does" grep -lF -f only-tokens \
	    seen/gc-subscribe.* seen/gc-reconcile.* seen/token.*
	for core in seen/gc-subscribe.* seen/gc-reconcile.* seen/token.*; do
		ok "${core%.*}: none that is past" sh -c \
		    '! grep -oaF -f past "$1"' sh "$core"
	done
else
	echo "# no gcore here, or it may not: memory not looked at"
fi
find work/cache -type f > files
is "nothing but the token is cached" "$(sed 's/.*\///' files | sort |
    tr '\n' ' ')" "token token.lock "
ok "the secret is not" sh -c '! grep -lF "$(head -n 1 secrets)" -r work/cache'
is "for nobody else" "$(find work/cache -type f -perm /077)" ""
is "nor its folder" "$(find work/cache/gc -type d -perm /077)" ""

# --- a secret in the token command stays there
gap='{"event":"gc:gap","at":"2024-06-15T14:32:10.000Z","userId":"u","reason":"start","seq":1}'
for command in 'false HUSH' '/nowhere HUSH' 'SECRET=HUSH false' 'exit 77; HUSH'
do
	echo "$gap" | GC_API_URL=http://127.0.0.1:9 GC_PROTOCOL=events \
	    GC_TOKEN_CMD=$command gc-reconcile -vvv --drain 1s > out 2> err
	ok "'$command' is not told" sh -c '[ -s err ] && ! grep -q HUSH err'
done

# --- no core, whoever it is: the secret is in the environment of all
login_starts
mkdir cores
ulimit -c unlimited 2> /dev/null
(cd cores && sh -c 'kill -ABRT $$'; true) 2> /dev/null
if [ -z "$(ls cores)" ]; then
	echo "# no core is written into a folder here: cores not tested"
	done_testing
	exit
fi
rm -f cores/*
login_says hold 'life 3600'
mkfifo never
# It aborts once it writes its metrics, and is past its start for sure.
core_of() {
	rm -f "$dir/m.prom"
	cd "$dir/cores" || exit 1
	"$@" < "$dir/never" > /dev/null 2>&1 & pid=$!
	cd "$dir" || exit 1
	wait_for [ -s m.prom ] || return 1
	kill -ABRT $pid
	wait $pid 2> /dev/null
	[ -z "$(ls cores)" ]
}
sleep 600 > never & later $!
export GC_API_URL=http://127.0.0.1:9 GC_WS_URL=ws://127.0.0.1:9
export GC_PROTOCOL=events
for tool in gc-token gc-subscribe gc-dedup gc-reduce gc-reconcile; do
	ok "$tool leaves no core" core_of $tool --metrics "$dir/m.prom"
done
rm -f m.prom
(cd cores && exec gc-sim > ../m.prom 2> ../err) & pid=$!
wait_for has m.prom sim:ready
kill -ABRT $pid
wait $pid 2> /dev/null
is "nor does gc-sim" "$(ls cores)" ""
done_testing
