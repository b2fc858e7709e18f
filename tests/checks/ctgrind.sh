# Code that handles secrets does not branch on them nor look things up by them, but for the final verdicts listed in tests/ctgrind/verdicts.
# Memory that is told to be secret is memory without a value to valgrind, which then reports every such place.
set -eu
LC_ALL=C
export LC_ALL
command -v valgrind > /dev/null || { echo "skip: no valgrind here"; exit 77; }
top=$(pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# watch PROGRAM: "file TAB line number" of each place, once. Frames of the C library's own copies are their callers'.
watch() {
	status=0
	valgrind --tool=memcheck --error-exitcode=77 --num-callers=8 --error-limit=no --fullpath-after="$top/" "build/ctgrind/$1" \
		> "$work/log" 2>&1 || status=$?
	case $status in
	0|77) ;;
	*) cat "$work/log"; echo "$1 ended with $status"; exit 1 ;;
	esac
	grep -q 'ERROR SUMMARY' "$work/log" || { cat "$work/log"; echo "valgrind did not finish over $1"; exit 1; }
	sed 's/^==[0-9]*== //' "$work/log" | awk '
		/^(Conditional jump|Use of uninitialised)/ { open = 1; next }
		/^(Invalid|Syscall param|Process terminating|Jump to|Source and destination)/ { print "other\t0"; next }
		open && /^   (at|by) 0x/ {
			if (match($0, /\([^()]*:[0-9]+\)$/) == 0) next
			place = substr($0, RSTART + 1, RLENGTH - 2)
			if (place ~ /^\//) next
			n = split(place, part, ":")
			print substr(place, 1, length(place) - length(part[n]) - 1) "\t" part[n]
			open = 0
		}' | sort -u
}

# The control: three places on purpose, all in its own file.
watch ct_control > "$work/control"
if [ "$(grep -c '^tests/ctgrind/ct_control.c' "$work/control")" != 3 ] || [ "$(wc -l < "$work/control")" != 3 ]; then
	echo "the control program has three dependencies on its secret; found:"
	cat "$work/control"
	exit 1
fi

programs=$(ls tests/ctgrind | sed -n 's/^\(ct_[a-z]*\)\.c$/\1/p' | grep -v '^ct_control$')
: > "$work/found"
for p in $programs; do
	watch "$p" > "$work/places"
	while IFS="$(printf '\t')" read -r file line; do
		text=$(sed -n "${line}p" "$file" 2> /dev/null | sed 's/^[[:space:]]*//; s/[[:space:]]*$//')
		printf '%s\t%s\n' "${file#build/third_party/}" "$text"
	done < "$work/places" > "$work/texts"
	cat "$work/texts" >> "$work/found"
	echo "$p: $(wc -l < "$work/texts") verdicts"
done
sort -u "$work/found" > "$work/is"
grep -v '^#' tests/ctgrind/verdicts | cut -f 1,2 | sort -u > "$work/may"
bad=0
comm -23 "$work/is" "$work/may" > "$work/new"
if [ -s "$work/new" ]; then
	echo "depends on a secret, and is no listed verdict:"
	cat "$work/new"
	bad=1
fi
comm -13 "$work/is" "$work/may" > "$work/gone"
if [ -s "$work/gone" ]; then
	echo "listed in tests/ctgrind/verdicts, but does not happen:"
	cat "$work/gone"
	bad=1
fi
exit $bad
