# What is seen on a terminal, by tmux: after tap.sh.
cd "$dir" || exit 1
LC_ALL=C.UTF-8
export LC_ALL

tmux() { command tmux -L "gcline$$" -f /dev/null "$@"; }
if ! command -v tmux > /dev/null ||
    ! tmux new-session -d -s none -x 80 -y 24 'sleep 1000'; then
	echo '1..0 # SKIP no tmux here'
	exit
fi
trap 'tmux kill-server 2> /dev/null; kill $tap_pids 2> /dev/null
    rm -rf "$dir"' EXIT

# screen NAME COMMAND: in a window of 80 columns and a shell with jobs (or in
# $shell, with $term); what it reads comes from the fifo NAME, and NAME.code is its end
screen() {
	mkfifo "$1"
	{
		echo 'echo the shell'
		echo "exec 9<> '$1'"	# its reader stays, whoever ends
		echo "{ $2"
		echo "} 9<&-"	# or what is left in the background never ends
		echo "echo code \$? > '$1.code'"
		echo 'echo the shell again; exec sleep 1000'
	} > "$1.sh"
	tmux new-session -d -s "$1" -x 80 -y 24 \
	    "PATH='$PATH' TERM=${term:-screen-256color} ${shell:-sh -m} ./$1.sh"
	pane=$1
}
shows() { tmux capture-pane -p -t "$pane" | grep -Eq -- "$1"; }
hides() { ! shows "$1"; }
# rows REGEX: how many rows of the screen match
rows() { tmux capture-pane -p -t "$pane" | grep -Ec -- "$1"; }
pid_of() {
	tmux list-panes -t "$pane" -F '#{pane_pid}' | xargs -I{} pgrep -P {} "$1"
}

# event USER STATUS SECOND [QUEUE]
event() {
	echo "{\"event\":\"routing:agents:status:updated\",\"data\":{\"userId\
\":\"$1\",\"status\":\"$2\",\"timestamp\":\"2024-06-15T14:32:$3Z\"\
${4:+,\"queueId\":\"$4\"}}}"
}
