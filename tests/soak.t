#!/bin/sh
# scripts/soak, with a gc-sim that is told how to end: what it counts, what it
# keeps, and that a seed always draws the same.
here=$(cd "$(dirname "$0")/.." && pwd)
. "$(dirname "$0")/tap.sh"
cd "$dir" || exit 1
mkdir bin
for tool in gc-subscribe gc-dedup gc-reduce gc-reconcile; do
	printf '#!/bin/sh\n' > bin/$tool
done
cat > bin/gc-sim <<'S'
#!/bin/sh
echo "$*" >> "$ARGS"
case $* in *--script*) { echo --; cat script; } >> "$ARGS.script" ;; esac
echo 0 > settled
case $* in
*"--seed 7 "*) echo 'roster differs'; exit 1 ;;
*"--seed 8 "*) exit 64 ;;
esac
echo 'roster equals the truth'
S
chmod +x bin/*
PATH=$dir/bin:$PATH
ARGS=$dir/args
export PATH ARGS

"$here/scripts/soak" -k kept 1 2 3 > out 2> err
is "nothing diverges: 0" $? 0
ok "and how many they were" has out '^3 runs, 0 diverged'
is "nothing is kept" "$(ls kept)" ""
is "a line a run only with -v" "$(wc -l < out)" 1
"$here/scripts/soak" -v -k kept 1 2 3 > out 2> err
is "with it, a line a run" "$(wc -l < out)" 4
is "a seed draws the same again" "$(sort args | uniq -c |
    awk '$1 != 2' | wc -l)" 0
is "and another seed something else" "$(sed 's/--seed [0-9]*//' args |
    sort -u | wc -l)" 3

"$here/scripts/soak" -k kept 6 7 > out 2> err
is "one diverges: 1" $? 1
ok "it is counted" has out '^2 runs, 1 diverged'
ok "and named" has out '^7: DIVERGED'
is "it alone is kept" "$(ls kept)" 7
ok "with what it said" has kept/7/verdict 'roster differs'
: > args
( cd kept/7 && sh ./run again > /dev/null )
ok "its run can be run again" has args '--seed 7 '
"$here/scripts/soak" -k kept 8 > out 2> err
is "a gc-sim that cannot run is no run that went well" $? 1

: > args
"$here/scripts/soak" -k kept -j 1 5s > out 2> err
is "by the clock" $? 0
ok "it runs new seeds" [ "$(sort -u args | wc -l)" -gt 1 ]
ok "each option of the table is drawn from" sh -c \
    '! grep -q "[][|]" args'
seeds=$(seq 20 123457 4900000)	# near ones draw alike
: > args
"$here/scripts/soak" -k kept $seeds > out 2> err
in_channels=$(grep -c -e '--protocol channels' args)
ok "some seeds draw channels" [ "$in_channels" -gt 5 ]
ok "and some do not" [ "$in_channels" -lt 35 ]
is "its faults with it alone" "$(grep -e '--fault deny' -e '--fault churn' args |
    grep -vc -e '--protocol channels')" 0
sed 's/ --\(protocol\|truth\).*//' args | sort > both
rm -f args.script
"$here/scripts/soak" -j 1 -p channels -k kept $seeds > out 2> err
is "-p channels: all of them" "$(tail -n 40 args | grep -c -e '--protocol channels')" 40
ok "with a script" has args.script '^at [1-5]s evict'
is "in the order of time" "$(awk '$1 == "--" { last = 0; next }
    $2 + 0 < last { bad++ } { last = $2 + 0 } END { print bad + 0 }' args.script)" 0
"$here/scripts/soak" -p events -k kept $seeds > out 2> err
is "-p events: none" "$(tail -n 40 args | grep -c -e '--protocol')" 0
is "a seed draws the same faults in both" "$(tail -n 40 args |
    sed 's/ --truth.*//' | sort)" "$(cat both)"
"$here/scripts/soak" -p other 1 > out 2> err
is "another protocol: usage" $? 64
"$here/scripts/soak" > out 2> err
is "without a time or seeds: usage" $? 64
PATH=/usr/bin:/bin "$here/scripts/soak" 1 > out 2> err
is "without the tools: 69" $? 69
done_testing
