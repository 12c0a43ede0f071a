#!/bin/sh
# gc-board: the page, as a file and as a browser sees it.
. "$(dirname "$0")/tap.sh"
cd "$dir" || exit 1

# agent ID STATUS VERIFIED [NAME QUEUE QUEUE-NAME]: a gc:agent line
agent() {
	jq -nc --arg id "$1" --arg status "$2" --argjson sure "$3" \
	    --arg name "${4-}" --arg queue "${5-}" --arg word "${6-}" '
	    {event: "gc:agent", at: "2024-06-15T14:32:10.000Z", seq: 1,
	    userId: $id, name: (if $name == "" then null else $name end),
	    currentStatus: $status, previousStatus: null, wrapUpCode: null,
	    queueId: null, lastUpdatedTimestamp: "2024-06-15T14:32:10.000Z",
	    verified: $sure, source: "event", queues: {}, effective: {global:
	    $status, queues: (if $queue == "" then {} else {($queue): $status}
	    end)}, queueNames: {($queue): $word}}'
}
red() { grep -o '<p class="red"[^<]*' "$1" | sed 's/.*>//'; }

# --- what it says
{ agent ann Available true; agent bob Busy false; agent cat Busy true; } > in
gc-board -o page.html --title 'Demo' < in > out
is 'ended' $? 0
is 'nothing on stdout' "$(cat out)" ''
ok 'the title' has page.html '<title>Demo</title>'
ok 'a status' has page.html '<b>1</b><span>●.{1,2}Available'
ok 'another, with its doubt' has page.html \
    '<b>2</b><span>■.{1,2}Busy</span><i>1 in doubt</i>'
is 'in red' "$(red page.html)" 'The stream has ended: this is what was known last.
1 of 3 agents are in doubt.'
is 'for others to read' "$(stat -c %a page.html)" \
    "$(printf %o $((0666 & ~0$(umask))))"

mkdir elsewhere
echo old > elsewhere/page
ln -s elsewhere/page link.html
gc-board -o link.html < in
ok 'a link stays one' test -L link.html
ok 'and the page is where it leads' has elsewhere/page '<title>Agents</title>'
ln -s nowhere/page nowhere.html
gc-board -o nowhere.html < in 2> err
is 'one to nothing' $? 73
ok 'is said' has err "'nowhere.html' is a link to nothing"

# --- live: doubt, a lost connection, silence
mkfifo fed
gc-board -o live.html -i 100ms --old 700ms < fed > /dev/null 2> err &
pid=$!
later $pid
exec 3> fed
says() { red live.html | grep -q "$1"; }
says_not() { ! says "$1"; }
ok 'at first' wait_for says '^Nothing has come yet'
agent ann Available false >&3
ok 'a doubt' wait_for says '1 of 1 agents are in doubt'
# lines again and again, so that the data is not old
keep() { agent ann Available true >&3; "$@"; }
ok 'and its end' wait_for keep says_not 'doubt'
closed='{"event":"gc:closed","socket":0,"reason":"<heartbeat>"}'
echo '{"event":"gc:open","socket":0,"sockets":1}' >&3
echo "$closed" >&3
ok 'blind' wait_for keep says 'blind: the connection is closed'
ok 'and why' wait_for keep says '(&lt;heartbeat&gt;)'
echo '{"event":"gc:failover","socket":0,"attempts":5}' >&3
ok 'polled' wait_for keep says 'everyone is polled'
echo '{"event":"gc:open","socket":0,"sockets":1}' >&3
ok 'seeing again' wait_for keep says_not 'blind'
ok 'old, when nothing comes' wait_for says '^The data is old'
inode=$(stat -c %i live.html)
replaced() { [ "$(stat -c %i live.html)" != "$inode" ]; }
ok 'and the page is new all the time' wait_for replaced
kill -USR1 $pid
ok 'status' wait_for has err '"tool":"gc-board",.*"agents":1,"doubted":0'

# --- a page that cannot be written is tried again
until rm -f live.html && mkdir live.html 2> /dev/null; do :; done
ok 'said' wait_for has err "'live.html' is no regular file; tried again"
rmdir live.html
ok 'and mended' wait_for has err "'live.html' is written again"
kill -TERM $pid
wait $pid
is 'TERM' $? 0
ok 'the last page says so' has live.html 'The stream has ended'
exec 3>&-
gc-board < /dev/null 2> err
is 'no -o: 64' $? 64
gc-board -o none/page.html < /dev/null 2> err
is 'no folder: 73' $? 73
ok 'which is the end' has err 'there is no page'
is 'so that nothing is tried again' "$(grep -c 'tried again' err)" 0

# --- markup in every field
m='</script><script>document.title="owned"</script><img src=x onerror="document.title=1">&amp;'"'"
{
	agent "$m" "$m" false "$m" "$m" "$m"
	agent "2$m" "a_$m" true "" "q2$m" ""
	jq -nc --arg m "$m" '{event: "gc:closed", socket: 0, reason: $m}'
} > evil
gc-board -o evil.html --title "$m" < evil
is 'no tag of theirs' "$(grep -c '<img\|<script>document' evil.html)" 0
is 'one script, one style' "$(grep -o '<script\|<style' evil.html |
    sort | uniq -c | tr -s ' ')" ' 1 <script
 1 <style'

# The script is the one that the policy names.
hash=$(perl -0ne 'print $1 if m{<script>(.*?)</script>}s' page.html |
    openssl dgst -sha256 -binary | base64)
ok "the script's hash is the policy's" \
    grep -qF "script-src 'sha256-$hash'" page.html
is 'nothing from elsewhere' "$(grep -oE '(src|href)=|url\(|@import|https?:' \
    page.html)" ''

# Every tag is closed, in order; what stands in the text is escaped.
perl -0ne '
	s/<!DOCTYPE html>//; s{<(script|style)>.*?</\1>}{}gs;
	my %void = map { $_ => 1 } qw(meta wbr);
	my @open;
	while (m{<(/?)([a-z0-9]+)((?:\s+[a-zA-Z0-9-]+(?:="[^"<]*")?)*)\s*(/?)>|(<)}g) {
		die "a bare <\n" if $5;
		if ($1) { my $was = pop @open; die "</$2> ends <$was>\n"
		    if $was ne $2; }
		elsif (!$4 && !$void{$2}) { push @open, $2; }
	}
	die "open: @open\n" if @open;
	die "a bare &\n" if /&(?!amp;|lt;|gt;|quot;|#39;)/;
' evil.html > err 2>&1
is 'tags are closed in order' "$(cat err)" ''

# What has no place in a page, and what turns the rest of a line around.
printf '%b' '\0033[1m\0302\0233\0342\0200\0256x\0342\0201\0246\0357\0277\0277' > odd
{
	agent odd "$(cat odd)" true "$(cat odd)" q "$(cat odd)"
	agent long "$(printf '%0999d' 0)" true "$(printf '%0999d' 0)"
} > in
gc-board -o odd.html < in
is 'is not in it' "$(perl -CSD -ne '
    /[\x{1b}\x{80}-\x{9f}\x{202e}\x{2066}\x{ffff}]/ and print' odd.html)" ''
is 'but that something was' "$(grep -o '<th scope="row">\S*\[1m[^<]*' \
    odd.html | uniq)" '<th scope="row">�[1m��x��'
is 'a long word is cut' "$(grep -oE '0{99,}[^<]*' odd.html | uniq)" \
    "$(printf '%0120d' 0)…"

# Contrast of 4.5 and more, in light and dark: WCAG 2.1, 1.4.3.
perl -0ne '
	sub lum { my @c = map { hex($_) / 255 } @_;
	    @c = map { $_ <= .03928 ? $_ / 12.92 : (($_ + .055) / 1.055) ** 2.4 } @c;
	    return .2126 * $c[0] + .7152 * $c[1] + .0722 * $c[2]; }
	sub parts { my ($h) = @_; $h =~ s/(.)/$1$1/g if length $h == 3;
	    return $h =~ /../g; }
	my $n;
	for my $root (/:root\{([^}]*)\}/g) {
		my %c = $root =~ /--([a-z]+):#([0-9a-f]+)/g;
		for (grep { !/^(ground|line|red)$/ } sort keys %c) {
			check($_, $c{$_}, $c{ground});
		}
		check("white on red", "fff", $c{red});
	}
	sub check { my ($what, $front, $back) = @_; $n++;
	    my ($x, $y) = sort { $b <=> $a } lum(parts($front)), lum(parts($back));
	    my $ratio = ($x + .05) / ($y + .05);
	    print "$what: $ratio\n" if $ratio < 4.5; }
	print "$n pairs\n";
' page.html > contrast
is 'every pair of colours can be read' "$(cat contrast)" '20 pairs'

# --- as a browser sees it
browser=$(command -v chromium || command -v chromium-browser ||
    command -v google-chrome)
look() {
	timeout 90 "$browser" --headless --no-sandbox --disable-gpu \
	    --disable-dev-shm-usage --user-data-dir="$dir/browser" "$@" \
	    2> browser.err
}
if [ -n "$browser" ] && look --dump-dom "file://$dir/evil.html" > dom &&
    [ -s dom ]; then
	ok 'markup is text to it' has dom '<title>&lt;/script&gt;&lt;script'
	ok 'its script runs, and this page is young' has dom \
	    'id="old"[^>]*hidden'
	sed 's/data-at="[0-9]*"/data-at="1000"/' page.html > old.html
	look --dump-dom "file://$dir/old.html" > dom
	ok 'an old page says so' has dom \
	    'id="old"[^>]*>This page is [0-9]+ h old'
	is 'unhidden' "$(grep -c 'id="old"[^>]*hidden' dom)" 0
	for size in 390,800 1920,1080; do
		look --window-size=$size --screenshot="$dir/shot.png" \
		    "file://$dir/page.html" > /dev/null
		ok "a picture at $size" [ "$(wc -c < shot.png)" -gt 5000 ]
	done
else
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - # SKIP no browser here"
fi
done_testing
