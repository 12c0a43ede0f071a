#!/bin/sh
# Every corpus file through its fuzzer, without a fuzzing engine.
. "$(dirname "$0")/tap.sh"
here=$(dirname "$0")/fuzz
TMPDIR=$dir
LSAN_OPTIONS=suppressions=$here/leaks:print_suppressions=0
export TMPDIR LSAN_OPTIONS

for source in "$here"/*.c; do
	name=$(basename "$source" .c)
	ok "$name: every file of its corpus" \
	    "$GC_BUILD/tests/replay/$name" "$here/corpus/$name"/*
done
done_testing
