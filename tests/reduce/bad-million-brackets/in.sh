printf '{"a":'
head -c 1000000 /dev/zero | tr "\0" "["
echo
printf '{"event":"other","x":1}\n'
