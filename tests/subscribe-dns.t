#!/bin/sh
# A name that does not exist is a mistake, 78; a resolver that is away passes.
. "$(dirname "$0")/tap.sh"
cd "$dir" || exit 1
GC_TOKEN_CMD='echo tok'
GC_WS_URL=wss://api.nowhere.test/x
export GC_TOKEN_CMD GC_WS_URL

# The resolver is one of ours, in a network of our own.
echo 'nameserver 127.0.0.1' > resolv.conf
cat > up.pl << 'EOP'
use Socket;
socket my $s, AF_INET, SOCK_DGRAM, 0 or die;
my $up = pack 'a16 s x22', 'lo', 0x49;
ioctl $s, 0x8914, $up or die "$!";
exec @ARGV;
EOP
cat > names.pl << 'EOP'
use IO::Socket::INET;
my $s = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 53,
    Proto => 'udp') or die "$@";
$SIG{ALRM} = sub { exit };
alarm 60;
open my $ready, '>', 'ready';
while (my $from = $s->recv(my $q, 512)) {
	next if @ARGV;		# silent
	substr $q, 2, 2, "\x81\x83";
	$s->send($q, 0, $from);
}
EOP
# alone COMMAND...
alone() {
	timeout 60 unshare -rmn sh -c 'mount --bind resolv.conf /etc/resolv.conf &&
	    exec perl up.pl "$@"' sh "$@"
}
if ! alone true 2> /dev/null; then
	echo "1..0 # SKIP no namespace of our own is to be had"
	exit 0
fi
alone gc-subscribe -d 2s 2> err
is "nobody to ask: goes on trying" $? 69
alone sh -c 'perl names.pl silent & p=$!
    RES_OPTIONS="timeout:1 attempts:1" gc-subscribe -d 3s; s=$?; kill $p; exit $s' 2> err
is "nobody answers: the same" $? 69
ok "and says so" has err "again in"
alone sh -c 'rm -f ready; perl names.pl & p=$!; until [ -e ready ]; do sleep 0.05; done
    gc-subscribe -d 20s; s=$?; kill $p; exit $s' 2> err
is "no such name: 78" $? 78
ok "with a hint to the region" has err 'GC_REGION'
done_testing
