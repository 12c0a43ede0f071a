# A login host for a test, after tap.sh: `login_starts`, then `login_says
# LINE...` (tests/login.pl has the lines).  Its folder is $dir/login.
login=$dir/login
mkdir "$login"

login_says() {
	printf '%s\n' "$@" > "$login/.answer"
	mv "$login/.answer" "$login/answer"
}

login_starts() {
	login_says 'life 3600'
	: > "$login/log"
	perl "$tests/login.pl" "$login" &
	later $!
	wait_for [ -s "$login/port" ]
	GC_LOGIN_URL=http://127.0.0.1:$(cat "$login/port")
	GC_CLIENT_ID=someone
	GC_CLIENT_SECRET=S3CRETxyz
	export GC_LOGIN_URL GC_CLIENT_ID GC_CLIENT_SECRET
}

# How many requests since it was asked last, once there is one of N.
asked() {
	wc -l < "$login/log" | tr -d ' '
	: > "$login/log"
}

# A folder for whatever is cached, empty.
new_home() {
	HOME=$(mktemp -d "$dir/home.XXXXXX")
	cache=$HOME/.cache/gc/default
}
