#!/bin/sh
# gc-subscribe in the channels protocol reads who is in scope, page by page.
here=$(cd "$(dirname "$0")" && pwd)
platform_url=${GC_API_URL-} platform_token_cmd=${GC_TOKEN_CMD-}
. "$here/tap.sh"

# a page fails in the middle
page_fails() {
	act users n=1900
	act answer path=pageNumber=3 status=503 times=2
	begin
	wait_for opens 2
	end
}

# the same where all is read again sooner than a page is tried again
page_fails_often() {
	act users n=1900
	act answer path=pageNumber=3 status=503 times=2
	begin --members 1s --backoff-base 1100ms --backoff-cap 1100ms
	wait_for opens 2
	end
}

# one that the platform will never answer so
page_refused() {
	act users n=1900
	act answer path=pageNumber=3 status=400
	begin
	wait_for opens 2
	end
}

. "$here/platform.sh"

# pages: which were asked for
pages() { sed -n 's|^GET /api/v2/users?pageNumber=\([0-9]*\).*|\1|p' log | paste -sd ' ' -; }

play page_fails
is "a page that fails is asked for again, not all" "$(pages)" '1 2 3 3 3 4'
is "everyone is subscribed" "$(pick 'select(.event == "gc:open") |
    .subscriptions' out | tr ' ' '\n' | sort -n | xargs)" '900 1000'

play page_fails_often
is "a walk that outlasts --members ends all the same" \
    "$(pages | cut -c 1-11)" '1 2 3 3 3 4'

play page_refused
is "one that is refused: from the first again" "$(pages)" '1 2 3 1 2 3 4'
done_testing
