# Every fuzz target goes over its seeds (found crashers among them) and then looks for new ones for two seconds; `make fuzz SECONDS=n` does
# the same for longer.
set -eu
command -v clang > /dev/null || { echo "skip: no clang here"; exit 77; }
targets=$(ls tests/fuzz | sed -n 's/^fuzz_\([a-z0-9]*\)\.c$/\1/p')
[ "$(printf '%s\n' "$targets" | wc -l)" -ge 30 ] || { echo "targets are missing"; exit 1; }
for t in $targets; do
	[ -x "build/fuzz/$t" ] || { echo "build/fuzz/$t was not built"; exit 1; }
	[ -n "$(find "tests/corpus/$t" -type f 2> /dev/null)" ] || { echo "tests/corpus/$t has no seeds"; exit 1; }
done
size=$(find tests/corpus -type f -exec cat {} + | wc -c)
[ "$size" -le 307200 ] || { echo "tests/corpus has $size bytes; at most 300 KiB belong into the repository"; exit 1; }
tests/fuzz/run "${FUZZ_SECONDS:-2}" $targets
