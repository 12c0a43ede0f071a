# The second line has no room for one more field.
event() {
	printf '{"event":"routing:agents:status:updated","data":{"userId":"ann"'
	printf ',"status":"%s","timestamp":"2024-06-15T14:32:10.%s00Z","x":"' "$1" "$2"
	head -c "$3" /dev/zero | tr '\0' x
	printf '"}}\n'
}
event Busy 1 9
event Meal 2 1048449
event Away 3 9
