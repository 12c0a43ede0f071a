# gc:agent lines to what a Redis is sent for them, in its protocol:
# commands: HSET, or HSET,PUBLISH.
BEGIN { LC_ALL = "C" }
function bulk(text) { printf "$%d\r\n%s\r\n", length(text), text }
match($0, /"userId":"[^"]*"/) {
	id = substr($0, RSTART + 10, RLENGTH - 11)
	printf "*4\r\n"
	bulk("HSET"); bulk("gc:agents"); bulk(id); bulk($0)
	if (commands !~ /PUBLISH/)
		next
	printf "*3\r\n"
	bulk("PUBLISH"); bulk("gc:changes"); bulk($0)
}
