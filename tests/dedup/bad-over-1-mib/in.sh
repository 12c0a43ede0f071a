head -c 1048577 /dev/zero | tr "\0" " "
echo
printf '{"event":"other","x":1}\n'
