#!/bin/sh
# The vendor's own SDK for JavaScript against gc-sim: that gc-sim is what it
# says to be.  It is fetched by npm, once a run.
home=$HOME
. "$(dirname "$0")/tap.sh"
tests=$(cd "$(dirname "$0")" && pwd)
cd "$dir" || exit 1
version=262.0.0

skip() {
	echo "1..0 # SKIP $1"
	exit 0
}
command -v npm > /dev/null || skip "there is no npm"
HOME=$home timeout 120 npm install --prefix "$dir/sdk" --ignore-scripts \
    --no-audit --no-fund "purecloud-platform-client-v2@$version" \
    > npm 2>&1 < /dev/null || skip "npm cannot fetch the SDK"

for how in --plain ''; do
	# shellcheck disable=SC2086
	timeout 60 gc-sim $how --protocol channels --agents 30 --rate 100 -- \
	    sh -c 'NODE_PATH="$1" NODE_EXTRA_CA_CERTS=${GC_CACERT-} \
	    exec node "$2"' sh "$dir/sdk/node_modules" \
	    "$tests/helpers/sdk.js" > out 2> err
	is "the SDK is content (${how:-TLS})" "$(cat out)" \
"signed in
users 30 30 true
routing true
presence PURECLOUD
definitions true
members true
team true
topics 30 Permitted
event true
signed out 401"
done
done_testing
