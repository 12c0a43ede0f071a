#!/bin/sh
# The rules of the house are kept because they are checked: each check must
# also fail where its rule is broken.
. "$(dirname "$0")/tap.sh"
root=$(cd "$(dirname "$0")/.." && pwd)

# fresh: a copy of the sources to break a rule in
fresh() {
	rm -rf "$dir/copy"
	mkdir "$dir/copy"
	cp -R "$root/cmd" "$root/lib" "$root/man" "$root/scripts" "$dir/copy"
	mkdir "$dir/copy/tests"
	cp "$root"/tests/tap.h "$dir/copy/tests"
}

# check NAME: in the copy; its findings in $dir/found
check() { (cd "$dir/copy" && sh "scripts/check-$1") > "$dir/found" 2>&1; }

# broken NAME RULE FILE LINE WORDS: with LINE at the end of FILE the check
# fails and says WORDS of that file
broken() {
	fresh
	printf '%s\n' "$4" >> "$dir/copy/$3"
	check "$1"
	is "$2: found" $? 1
	ok "$2: named" grep -q "^$3:.*$5" "$dir/found"
}

fresh
ok 'the layers are kept' check layers
is 'and nothing is said' "$(cat "$dir/found")" ''
broken layers 'a later layer' lib/str.c '#include "lib/json.h"' \
    'not of an earlier layer'
broken layers 'the same layer' lib/json.c '#include "lib/scan.h"' \
    'not of an earlier layer'
broken layers 'a later layer, by a header' lib/buf.h \
    '#include "lib/event.h"' 'not of an earlier layer'
broken layers 'a tool, from lib' lib/window.c \
    '#include "cmd/gc-reduce/reduce.h"' 'not of lib/'
broken layers 'another tool' cmd/gc-dedup.c \
    '#include "cmd/gc-reduce/reduce.h"' 'of another tool'
broken layers 'libjq outside of lib/json' lib/scan.c '#include <jv.h>' \
    'only lib/json.c'
broken layers 'libjq in a tool' cmd/gc-reconcile/answer.c '#include <jq.h>' \
    'only lib/json.c'
broken layers 'a module without a layer' lib/novel.h '/* new */' \
    'not in lib/LAYERS'
broken layers 'one of a single file' lib/novel.c '#include "lib/die.h"' \
    'not in lib/LAYERS'

fresh
ok 'the style is kept' check style
broken style 'a line too long' lib/str.c "/* $(printf '%080d' 0) */" \
    'over 80 columns'
broken style 'a banned function' lib/str.c 'int n = atoi("1");' atoi
fresh
mkdir "$dir/copy/cmd/gc-novel"
check style
is 'a tool without a page: found' $? 1
ok 'and named' grep -q 'man/gc-novel.1 is missing' "$dir/found"

if command -v git > /dev/null; then
	fresh
	(cd "$dir/copy" && git init -q && echo x > stray && git add stray)
	check style
	is 'a stray file at the top: found' $? 1
	ok 'and named' grep -q 'stray does not belong' "$dir/found"
fi

# Every module is in LAYERS once, and has its header; none is left there.
is 'LAYERS names every module once' \
    "$(tr ' ' '\n' < "$root/lib/LAYERS" | sort)" \
    "$(cd "$root/lib" && ls ./*.h | sed 's|^\./||; s|\.h$||' | sort)"
for source in "$root"/lib/*.c; do
	[ -f "${source%.c}.h" ] || echo "$source"
done > "$dir/bare"
is 'a source has its header' "$(cat "$dir/bare")" ''
for header in "$root"/lib/*.h; do
	name=$(basename "$header" .h | tr a-z A-Z)
	grep -q "^#ifndef GC_${name}_H" "$header" &&
	    grep -q '^/\*' "$header" || echo "$name"
done > "$dir/bare"
is 'a header has its guard and says what it is' "$(cat "$dir/bare")" ''
done_testing
