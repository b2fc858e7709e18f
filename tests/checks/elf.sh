# The shipped programs are static-pie, hardened and small.
set -eu
max() { sed -n "s/^$1 := //p" Makefile; }
scripts/check-elf build/parley "$(max MAX_SIZE)"
scripts/check-elf build/parley-party "$(max MAX_parley-party)"
scripts/check-elf build/parleyctl "$(max MAX_SIZE)"
for f in build/parley build/parley-party build/parleyctl; do
	# The check itself must be able to say no.
	if scripts/check-elf "$f" 1000 2> /dev/null; then
		echo "check-elf accepts any size"
		exit 1
	fi
done
if scripts/check-elf /bin/sh 10000000 2> /dev/null; then
	echo "check-elf accepts a dynamic program"
	exit 1
fi
