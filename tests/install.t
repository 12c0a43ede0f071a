#!/bin/sh
# make install and uninstall, what shells complete, the units, what they run,
# and the Debian package.
. "$(dirname "$0")/tap.sh"
root=$(cd "$(dirname "$0")/.." && pwd)
unset MAKEFLAGS MFLAGS MAKELEVEL DESTDIR PREFIX
variant=$(basename "$GC_BUILD")
tools=$(cd "$GC_BUILD" && for t in gc-*; do [ -d "$t" ] || echo "$t"; done)

# put TREE ARGUMENT...: make in it, quietly
put() { (cd "$1" && shift && make -s V="$variant" "$@") > "$dir/made" 2>&1; }

# --- there and back -------------------------------------------------------

to=$dir/to
mkdir -p "$to/usr/bin"
echo mine > "$to/usr/bin/other"
ok 'make install' put "$root" install DESTDIR="$to" PREFIX=/usr
cd "$to/usr" || exit
for tool in $tools; do
	ls "bin/$tool" "share/man/man1/$tool.1" \
	    "share/bash-completion/completions/$tool" \
	    "share/zsh/site-functions/_$tool" \
	    "share/fish/vendor_completions.d/$tool.fish"
done > "$dir/there" 2> "$dir/missing"
is 'each tool has its page and its completions' "$(cat "$dir/missing")" ''
is 'and there are no others' "$(ls bin | grep -v other)" "$tools"
is 'every page is there' "$(cd share/man && ls man?/* | sed 's|.*/||' | sort)" \
    "$(cd "$root/man" && ls ./*.? | sed 's|.*/||' | sort)"
is 'nothing that others may write, nothing that only one may read' \
    "$(find . -type f ! -perm 644 ! -perm 755)" ''
ok 'it runs' "$to/usr/bin/gc-dedup" --version
ok 'make uninstall' put "$root" uninstall DESTDIR="$to" PREFIX=/usr
is 'leaves what is of others, and nothing else' \
    "$(cd "$to" && find . ! -type d)" ./usr/bin/other
rm -r "$to"
mkdir "$to"
put "$root" install DESTDIR="$to"
put "$root" uninstall DESTDIR="$to"
cd "$dir" || exit
is 'where there was nothing, nothing is left' "$(find "$to" -mindepth 1)" ''

# --- completions ----------------------------------------------------------

# A tool that is added tomorrow, in a copy of the tree that is built.
tree=$dir/tree
mkdir -p "$tree/build"
(cd "$root" && cp -a Makefile cmd lib man scripts "$tree" &&
    cp -a "$GC_BUILD" "$tree/build")
cat > "$tree/cmd/gc-novel.c" <<'END'
#include "lib/opts.h"
static bool a;
static int b;
static const char *c, *d;
static const struct opt table[] = {
	{ 'l', "lenient", OPT_FLAG, &a, 0, "it's [so]: 100%", 0, 0 },
	{ 0, "colour", OPT_CHOICE, &b, "red|green", "which (red)", 0, 0 },
	{ 'c', "command", OPT_TEXT, &c, "COMMAND", "run it", 0, 0 },
	{ 'o', "output", OPT_TEXT, &d, "FILE.txt", "there", 0, 0 },
};
int
main(int argc, char **argv)
{
	static const struct opts opts = { .synopsis = "[OPTION]...\n"
	    "       gc-novel begin [-o FILE]\n       gc-novel go | end [-- "
	    "COMMAND]",
	    .summary = "None.", .table = table, .count = 4 };
	return opts_parse("gc-novel", argc, argv, &opts) > 9;
}
END
ok 'a tool of tomorrow is built' put "$tree" install PREFIX="$dir/usr"
share=$dir/usr/share

# typed WORD...: what bash completes of it, the last word being open
cat > "$dir/typed" <<'END'
. "$1"
shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
"_${1//[^A-Za-z0-9]/_}"
echo "${COMPREPLY[@]}"
END
typed() { bash "$dir/typed" "$share/bash-completion/completions/$1" "$@"; }

if command -v bash > /dev/null; then
	is 'bash: an option' "$(typed gc-dedup --wi)" --window
	is 'its choices' "$(typed gc-dedup --clock =)" 'both event'
	is 'as a word of their own' "$(typed gc-dedup --clock '')" 'both event'
	is 'one that is begun' "$(typed gc-dedup --clock = ev)" event
	is 'a value that is free' "$(typed gc-dedup --window '')" ''
	is 'words that are no options' "$(typed gc-token '')" \
	    'login logout status'
	is 'no option behind --' "$(typed gc-dedup -- --wi)" ''
	is "a command's own" "$(typed gc-sim --seed 1 -- prin)" \
	    "$(bash -c 'compgen -A command prin' | tr '\n' ' ' |
	    sed 's/ $//')"
	is 'a command behind words' "$(typed gc-novel go -- bas |
	    tr ' ' '\n' | grep -Fx bash | uniq)" bash
	is 'tomorrow' "$(typed gc-novel --c; typed gc-novel --colour = g
	    typed gc-novel '')" '--colour --command
green
begin go end'
	for tool in $tools; do
		is "$tool: all that --help has" \
		    "$(typed "$tool" -- | tr ' ' '\n' | sort)" \
		    "$("$tool" --help | sed '/^Faults/,/^Durations/d' |
		    grep -Eo '^ .{5}--[a-z-]+' | grep -Eo -- '--.*' | sort)"
	done
else
	ok 'bash # SKIP bash is not here' true
fi
for shell in bash zsh fish; do
	bad=
	for file in "$share/bash-completion/completions"/* ; do
		tool=$(basename "$file")
		case $shell in
		zsh) file=$share/zsh/site-functions/_$tool ;;
		fish) file=$share/fish/vendor_completions.d/$tool.fish ;;
		esac
		command -v $shell > /dev/null || break
		$shell -n "$file" || bad="$bad $tool"
	done > "$dir/said" 2>&1
	if command -v $shell > /dev/null; then
		is "$shell reads them all" "$bad$(cat "$dir/said")" ''
	else
		ok "$shell # SKIP $shell is not here" true
	fi
done
if command -v fish > /dev/null; then
	is 'fish: choices, words' "$(fish -c "
	    source $share/fish/vendor_completions.d/gc-novel.fish
	    complete -C 'gc-novel --colour '; complete -C 'gc-novel '" |
	    cut -f 1 | grep '^[a-z]' | sort | tr '\n' ' ')" \
	    'begin end go green red '
fi
if command -v zsh > /dev/null; then
	# what it gives _arguments, which alone needs a terminal
	is 'zsh: choices, words' "$(zsh -f -c '_arguments() { print -rl -- "$@" }
	    . '"$share/zsh/site-functions/_gc-novel" |
	    grep -E 'colour|lenient|what')" \
"*--lenient[it's \\[so\\]\\: 100%]
*--colour=[which (red)]:colour:(red green)
1::what:(begin go end)"
fi

# --- units ----------------------------------------------------------------

units=$dir/usr/lib/systemd/system
is 'never restarted is what gc(7) says' \
    "$(sed -n 's/^RestartPreventExitStatus=//p' "$units/gc-stream@.service")" \
    "$(sed -n 's/.*never \(64\), \(77\) and \(78\)\..*/\1 \2 \3/p' \
    "$root/man/gc.7")"
for call in landlock_create_ruleset landlock_add_rule \
    landlock_restrict_self seccomp prctl; do
	grep -h '^SystemCallFilter=[^~]' "$units"/*.service | grep -c "\b$call"
done > "$dir/calls"
is 'the tools may shut themselves in' "$(tr '\n' ' ' < "$dir/calls")" \
    '2 2 2 2 2 '
if command -v systemd-analyze > /dev/null; then
	for unit in gc-stream@x.service gc-snapshot@x.service \
	    gc-snapshot@x.timer; do
		is "systemd-analyze verify $unit" "$(cd "$units" &&
		    systemd-analyze verify --man=no "./$unit" 2>&1)" ''
	done
	for unit in "$units"/*.service; do
		level=$(systemd-analyze security --offline=yes "$unit" |
		    sed -n 's/.*exposure level.*: \([0-9.]*\) .*/\1/p')
		ok "exposure of $(basename "$unit"): ${level:-none}, under 2.0" \
		    sh -c "echo '${level:-9}' | awk '{ exit !(\$1 < 2.0) }'"
	done
else
	ok 'systemd-analyze # SKIP it is not here' true
fi

# --- what they run --------------------------------------------------------

mkdir "$dir/cred"
cat > "$dir/notified" <<'END'
use IO::Socket::UNIX;
my $s = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => $ARGV[0]) or die;
print "listening\n";
close STDOUT;
$s->recv(my $said, 99);
open my $f, '>', $ARGV[1];
print $f $said;
END
cat > "$dir/scene" <<'END'
. "$1/tests/tap.sh.here"
stream=$2/gc-stream
export STATE_DIRECTORY=$dir/state RUNTIME_DIRECTORY=$dir/run
roster=$STATE_DIRECTORY/roster
started() { has "$dir/run/gc-reduce.prom" '^gc_reduce_agents [1-9]'; }
gone() { ! kill -0 "$1"; }

# the secret as systemd hands it over
printf '%s' "$GC_CLIENT_SECRET" > "$dir/cred/client-secret"
chmod 440 "$dir/cred/client-secret"
unset GC_CLIENT_SECRET
export CREDENTIALS_DIRECTORY=$dir/cred

perl "$dir/notified" "$dir/notify" "$dir/ready" > "$dir/listening" & later $!
wait_for test -s "$dir/listening"
GC_STREAM_TO="exec cat > $dir/told" NOTIFY_SOCKET=$dir/notify \
    "$stream" 2> "$dir/err" &
pid=$!
later $pid
wait_for test -s "$dir/ready"
is 'gc-stream: systemd is told when it is ready' "$(cat "$dir/ready")" READY=1
wait_for test -s "$roster"
wait_for started
for tool in gc-subscribe gc-dedup gc-reduce gc-reconcile; do
	ok "$tool writes its figures" wait_for \
	    has "$dir/run/$tool.prom" "^gc_metrics_written.*tool=\"$tool\""
done
ok 'gc-snapshot: while it runs' "$2/gc-snapshot"
ok 'each line of it an agent' sh -c "jq -es 'length > 0 and
    all(.event == \"gc:agent\")' < '$dir/run/agents.ndjson'"
ok 'the roster is still locked' sh -c "gc-reduce -s '$roster' < /dev/null
    [ \$? = 75 ]"
kill -USR1 $pid
for tool in gc-subscribe gc-dedup gc-reduce; do
	ok "SIGUSR1: $tool tells its status" wait_for \
	    has "$dir/err" "\"tool\":\"$tool\""
done
kill -HUP $pid
children=$(pgrep -P $pid)
is 'and all go on' "$(echo "$children" | wc -l)" 4
kill $pid
wait $pid
is 'SIGTERM: it ends well' $? 0
for child in $children; do
	wait_for gone "$child" || echo "$child"
done > "$dir/left"
is 'and so do all its stages' "$(cat "$dir/left")" ''
ok 'in order: the end of the connection is in the stream' \
    has "$dir/told" '"event":"gc:closed".*"next":"stop"'
is 'and nothing is left that others look at' "$(ls "$dir/run" | grep prom)" ''
before=$(cat "$dir/run/agents.ndjson")
ok 'gc-snapshot: when it does not' "$2/gc-snapshot"
is 'no less than before' "$(($(wc -l < "$dir/run/agents.ndjson") <
    $(echo "$before" | wc -l)))" 0

# ends NAME WANT [STAGE SIGNAL]: how it ends when that stage does
ends() {
	GC_STREAM_TO=${reader-} "$stream" 2> "$dir/err" &
	pid=$!
	later $pid
	if [ $# -gt 2 ]; then
		wait_for started
		kill -"$4" "$(pgrep -P $pid -f "^$3 ")"
	fi
	wait $pid
	is "$1" $? "$2"
	ls "$dir"/run/*.prom > "$dir/figures" 2>&1
	rm -f "$dir"/run/*.prom
}
export GC_SUBSCRIBE_ARGS='--jitter 0'
ends 'gc-dedup dies, and all do' 70 gc-dedup KILL
ok 'it is named' has "$dir/err" 'gc-dedup was ended by signal 9'
ends 'gc-reduce dies, and all do' 70 gc-reduce ABRT
reader='head -n 1 > /dev/null' ends 'the reader goes: try again' 75
reader='exit 78' ends "the reader's own reason" 78
GC_DEDUP_ARGS=--nonsense ends 'a mistake of usage is final' 64
rm -rf "$XDG_CACHE_HOME"/gc/*
unset CREDENTIALS_DIRECTORY
GC_CLIENT_SECRET=wrong ends 'so is a wrong secret' 77
ok 'the figures of what failed stay' has "$dir/figures" gc-dedup.prom
GC_SNAPSHOT_FROM=rest "$2/gc-snapshot" 2> "$dir/err"
is 'gc-snapshot by REST: events has no list' $? 64
done_testing
END
# the helpers of this test, for one inside gc-sim, in this folder
mkdir -p "$dir/scene.d/tests"
sed -e '/^dir=/d; /^HOME=/,/^tap_count/d; /^trap/d' "$root/tests/tap.sh" \
    > "$dir/scene.d/tests/tap.sh.here"
sed -i "1i dir='$dir' tap_count=$tap_count tap_pids=" \
    "$dir/scene.d/tests/tap.sh.here"
gc-sim --rate 50 -- sh "$dir/scene" "$dir/scene.d" "$dir/usr/libexec/gc-tools" \
    2> "$dir/sim" | grep -v '^1\.\.' | tee "$dir/scene.out"
tap_count=$((tap_count + $(grep -Ec '^(not )?ok' "$dir/scene.out")))
ok 'the scene came to its end' has "$dir/scene.out" 'REST: events has no list'

# --- the package ----------------------------------------------------------

if [ "$variant" != release ]; then
	ok 'scripts/deb # SKIP it builds its own' true
elif ! command -v dpkg-buildpackage > /dev/null ||
    ! command -v dh > /dev/null || ! command -v lintian > /dev/null; then
	ok 'scripts/deb # SKIP debhelper or lintian is not here' true
else
	state() { (cd "$root" && find . \( -name .git -o -name build \) -prune -o -print |
	    sort); }
	state > "$dir/before"
	ok 'scripts/deb' env DEB_BUILD_OPTIONS='nocheck parallel=2' \
	    sh "$root/scripts/deb" "$dir/deb"
	state > "$dir/after"
	is 'nothing is left in the tree' \
	    "$(diff "$dir/before" "$dir/after")" ''
	package=$(ls "$dir"/deb/gc-tools_*.deb)
	# it warns of root, which a build in a container is
	is 'lintian has nothing to say' "$(lintian --fail-on error,warning \
	    "$package" 2>&1 | grep -v 'root privileges'; echo $?)" 1
	dpkg-deb -c "$package" | sed 's/.* \.//' > "$dir/content"
	for want in /usr/bin/gc-reduce /usr/share/man/man1/gc-reduce.1.gz \
	    /lib/systemd/system/gc-stream@.service \
	    /usr/share/zsh/vendor-completions/_gc-reduce; do
		ok "it has $want" grep -Fxq "$want" "$dir/content"
	done
fi
done_testing
