printf '{"event":"other","x":1}\n'
head -c 1100000 /dev/zero | tr "\0" " "
