# For tests of gc-reconcile: . "$(dirname "$0")/helpers/rest.sh" after tap.sh
# and a cd to $dir.  Starts rest.pl there and points gc-reconcile at it.
rm -f port
perl "$here/helpers/rest.pl" . &
later $!
wait_for test -s port
GC_API_URL=http://127.0.0.1:$(cat port)
GC_TOKEN_CMD='echo a-token'
export GC_API_URL GC_TOKEN_CMD

# gap USER [REASON [SEQ]]
gap() {
	printf '{"event":"gc:gap","at":"x","userId":"%s","reason":"%s","seq":%s}\n' \
	    "$1" "${2-poll}" "${3-1}"
}

# agent USER SEQ: what gc-reduce prints
agent() {
	printf '{"event":"gc:agent","at":"x","seq":%s,"userId":"%s","currentStatus":"Busy","lastUpdatedTimestamp":null,"queues":{}}\n' \
	    "$2" "$1"
}

# rules LINE...: what the host does from now on; its log begins anew
rules() {
	: > log
	printf '%s\n' "$@" > rules.new
	mv rules.new rules
}

# asked: the ids that the host was asked for, in order
asked() { cut -d ' ' -f 3- log | tr '\n' ' '; }
