#!/bin/sh
# What gc-subscribe asks of the platform in the channels protocol, counted by
# kind and status.
here=$(cd "$(dirname "$0")" && pwd)
platform_url=${GC_API_URL-} platform_token_cmd=${GC_TOKEN_CMD-}
. "$here/tap.sh"

counted() {
	act users ids=u1,u2
	act answer path=users status=503
	act answer path=POST status=429
	act answer path=PUT status=500
	act answer path=HEAD status=500
	begin --metrics metrics
	act cut
	wait_for opens 2
	end
	log_of GET /api/v2/users >> asked
	log_of POST .*channels >> asked
	log_of HEAD .*channels >> asked
	log_of PUT .*channels >> asked
	log_of DELETE .*channels >> asked
}

# log_of METHOD PATH: how many the platform saw
log_of() { grep -c "^$1 $2" log; }

gone() {
	config_port=$(perl -MIO::Socket::INET -e 'print
	    IO::Socket::INET->new(LocalAddr => "127.0.0.1")->sockport')
	GC_API_URL=http://127.0.0.1:$config_port
	gc-subscribe $fast --metrics metrics -d 1s > out 2> err
}

. "$here/platform.sh"

# requests: their counts
requests() { sed -n 's/^gc_subscribe_requests_total//p' metrics | sort; }

play counted
is "each answer, by what was asked and its status" "$(requests)" \
'{kind="check",status="200"} 2
{kind="check",status="500"} 1
{kind="create",status="200"} 1
{kind="create",status="429"} 1
{kind="delete",status="200"} 1
{kind="scope",status="200"} 1
{kind="scope",status="503"} 1
{kind="subscribe",status="200"} 2
{kind="subscribe",status="500"} 1'
is "as many as the platform saw" "$(requests | awk '{ n += $2 } END { print n }')" \
    "$(awk '{ n += $1 } END { print n }' asked)"
is "one family, told once what it is" \
    "$(grep -c '^# TYPE gc_subscribe_requests_total counter' metrics)" 1

play gone
ok "where none answers" sh -c 'sed -n "s/^gc_subscribe_requests_total//p" metrics |
    grep -Eq "^{kind=\"scope\",status=\"none\"} [1-9]"'
done_testing
