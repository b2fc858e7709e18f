# Every fuzz target has a program and seeds, and the seeds stay small. (tests/run goes over the seeds, found crashers among them, and fuzzes on.)
set -eu
targets=$(ls tests/fuzz | sed -n 's/^fuzz_\([a-z0-9]*\)\.c$/\1/p')
[ "$(printf '%s\n' "$targets" | wc -l)" -ge 30 ] || { echo "targets are missing"; exit 1; }
for t in $targets; do
	[ -x "build/fuzz/$t" ] || { echo "build/fuzz/$t was not built"; exit 1; }
	[ -n "$(find "tests/corpus/$t" -type f 2> /dev/null)" ] || { echo "tests/corpus/$t has no seeds"; exit 1; }
done
for d in tests/corpus/*; do
	[ -f "tests/fuzz/fuzz_${d##*/}.c" ] || { echo "$d belongs to no target"; exit 1; }
done
size=$(find tests/corpus -type f -exec cat {} + | wc -c)
[ "$size" -le 307200 ] || { echo "tests/corpus has $size bytes; at most 300 KiB belong into the repository"; exit 1; }
