#!/bin/sh
# What every tool does the same: --help, --version, mistakes on the command
# line; and the filters with a stdout that is full or gone.
. "$(dirname "$0")/tap.sh"
cd "$dir" || exit 1

tools=
for path in "$GC_BUILD"/gc-*; do
	[ -f "$path" ] && [ -x "$path" ] && tools="$tools $(basename "$path")"
done
filters=
for tool in gc-dedup gc-reduce gc-reconcile gc-replay; do
	case " $tools " in *" $tool "*) filters="$filters $tool" ;; esac
done

# gc-reconcile asks nothing for lines that are no gc:gap: nobody is called
GC_API_URL=http://127.0.0.1:9
GC_TOKEN_CMD='echo token'
export GC_API_URL GC_TOKEN_CMD

event='{"event":"routing:agents:status:updated","data":{"userId":"ann","status":"Busy","timestamp":"2024-06-15T14:32:10Z"}}'
other='{"a":1}'

# running PID: it is a tool by now, and catches signals
running() { awk '/^Name:\tgc-/ { n++ } /^SigCgt:.*[1-9a-f]/ { n++ }
    END { exit n != 2 }' "/proc/$1/status"; }

# ended PID: it may still be a zombie of ours
ended() { ! kill -0 "$1" 2> /dev/null || grep -q '^State:.Z' "/proc/$1/status"; }

# stuck PID: it has read, and reads no more
has_read() { awk '/^rchar/ { print $2 }' "/proc/$1/io"; }
stuck() { was=$(has_read "$1"); sleep 0.3
    [ "$was" -gt 1000 ] && [ "$was" = "$(has_read "$1")" ]; }

# --- the command line
ok "there are tools to test" [ -n "$tools" ]
for tool in $tools; do
	$tool --help > help 2> err
	is "$tool --help ends with 0" $? 0
	ok "and is the usage" grep -q "^usage: $tool " help
	is "with nothing on stderr" "$(cat err)" ""
	$tool -h > help2
	ok "-h is the same" cmp help help2
	ok "it names the options that every tool has" \
	    sh -c 'for o in quiet verbose log help version; do
	        grep -q -- "--$o" help || exit 1; done'
	is "none of its lines is over 80 columns" \
	    "$(awk 'length($0) > 80' help)" ""

	$tool --version > version 2> err
	is "$tool --version ends with 0" $? 0
	ok "and says whose it is" \
	    grep -q "^$tool (gc-tools) [0-9]*\.[0-9]*\.[0-9]*" version
	$tool -V > version2
	ok "-V is the same" cmp version version2

	for wrong in --no-such-option -% --log=loud --log --help=yes; do
		timeout 10 "$tool" $wrong < /dev/null > out 2> err
		is "$tool $wrong is 64" $? 64
		ok "said in a line with the tool's name" \
		    grep -q "^$tool: " err
		is "and not on stdout" "$(cat out)" ""
	done

	for option in --help --version; do
		$tool $option > /dev/full 2> err
		is "$tool $option on a full disk is 74" $? 74
		ok "and says so" grep -q "^$tool: can't write to stdout" err
	done
done

# --- what they link
for tool in gc-dedup gc-reduce; do
	ldd "$(command -v $tool)" > libraries 2>&1
	ok "ldd speaks of $tool" grep -q libc libraries
	is "$tool links no network code and no libjq" \
	    "$(grep -E 'lib(curl|ssl|crypto|wslay|microhttpd|gnutls|jq)' \
	    libraries)" ""
	timeout 10 $tool operand < /dev/null > out 2> err
	is "$tool takes no operand" $? 64
done

# --- stdout
for tool in $filters; do
	timeout 10 $tool < /dev/null > out 2> err
	is "$tool with no input ends with 0" $? 0
	is "and prints nothing" "$(cat out err)" ""

	printf '\n%s' "$other" | timeout 10 $tool > out 2> err
	is "$tool hands on a last line without a newline" "$(cat out)" \
	    "$other"

	for line in "$other" "$event"; do
		[ "$tool" != gc-reconcile ] || line=$other
		echo "$line" | timeout 10 $tool > /dev/full 2> err
		is "$tool on a full disk is 74" $? 74
		is "with one line why" "$(cat err)" \
		    "$tool: can't write to stdout: No space left on device"
	done

	echo "$other" | timeout 10 $tool 2> err >&-
	is "$tool with stdout closed from the start is 74" $? 74
	ok "and says so" grep -q "^$tool: can't write to stdout" err

	timeout 10 $tool > out 2> err <&-
	is "$tool with stdin closed from the start is 74" $? 74
	ok "and says so" grep -q "^$tool: can't read stdin" err

	# a reader that is gone before anything is printed: it never was
	for line in "$other" ""; do
		rm -f in code
		mkfifo in
		( timeout 20 sh -c "$tool < in 2> err; echo \$? > code" |
		    exec true ) &
		pid=$!
		later $pid
		exec 3> in
		if [ -n "$line" ]; then
			# it may be gone by now: that must not end the test
			( trap '' PIPE; echo "$line" >&3 ) 2> /dev/null
		fi
		wait_for test -s code
		is "$tool is killed by SIGPIPE, ${line:-with nothing} to print" \
		    "$(cat code)" 141
		is "in silence" "$(cat err)" ""
		exec 3>&-
		wait $pid
	done

	# one that goes in the middle of very much
	( yes "$other" | sh -c "$tool 2> err; echo \$? > code" |
	    head -n 1 ) > out
	is "$tool ends when head has enough" "$(cat out)" "$other"
	wait_for test -s code
	is "as cat does" "$(cat code)" 141
	is "in silence" "$(cat err)" ""

	# --- the first TERM ends it, whatever its input and its reader do
	rm -f out err
	$tool < /dev/zero > out 2> err &
	pid=$!
	later $pid
	wait_for running $pid
	kill -TERM $pid
	ok "TERM ends $tool though its input never is quiet" \
	    wait_for ended $pid
	wait $pid
	is "with 0" $? 0
	ok "and says what it was" has err 'longer than 1 MiB'

	rm -f in out err
	mkfifo in
	$tool < in > out 2> err &
	pid=$!
	later $pid
	exec 3> in
	printf '%s\n{"half' "$other" >&3
	wait_for running $pid
	kill -TERM $pid
	wait $pid
	is "TERM ends $tool in the middle of a line" $? 0
	is "which is no bad one" "$(grep -c rejected err)" 0
	exec 3>&-

	rm -f in out err
	mkfifo in out
	$tool < in > out 2> err &
	pid=$!
	later $pid
	sleep 1000 < out &
	reader=$!
	later $reader
	yes "$other" > in 2> /dev/null &
	writer=$!
	later $writer
	wait_for stuck $pid
	kill -TERM $pid
	ok "TERM ends $tool though its reader is stuck" wait_for ended $pid
	wait $pid
	is "with 74" $? 74
	ok "and says how much was not let out" \
	    has err 'stdout is not read: [1-9][0-9]* lines were not let out'
	kill $reader
	wait $reader $writer
	rm -f in out

	# live with no option
	rm -f in out; mkfifo in
	rm -f out err
	timeout 60 $tool < in > out 2> err &
	pid=$!
	later $pid
	exec 3> in
	printf '%s\n{"half":' "$other" >&3
	ok "$tool prints what there is" wait_for has out '"a":1'
	is "and no half lines" "$(cat out)" "$other"
	echo '2}' >&3
	ok "$tool waits for the rest of a line" wait_for has out '^{"half":2}$'
	exec 3>&-
	wait $pid
	is "and ends with its input" $? 0

	echo 'not json' | timeout 10 $tool --log=json > out 2> err
	ok "$tool --log=json says it as JSON" \
	    sh -c "head -n 1 err | jq -e '.tool == \"$tool\" and .level and .msg'"
	echo 'not json' | timeout 10 $tool -q > out 2> err
	is "$tool -q says nothing of a reject" "$(cat out err)" ""
done
done_testing
