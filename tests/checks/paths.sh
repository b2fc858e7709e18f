# Nothing of the machine it was built on is in the shipped programs: no path, no user, no compiler name.
set -eu
LC_ALL=C
export LC_ALL
bad=0
# A parent right below the root ("/tmp/") is no trace of this machine: texts of the programs may name it.
parent=$(dirname "$(pwd)")/
case $parent in /*/*/) ;; *) parent=/ ;; esac
for f in build/parley build/parley-party build/parleyctl; do
	for word in "$(pwd)" "$parent" "${HOME:-/root}/" build/third_party /usr/lib/gcc GCC: musl-obj bearssl-obj; do
		case $word in /|//) continue ;; esac
		if grep -aqF -- "$word" "$f"; then
			echo "$f contains \"$word\""
			bad=1
		fi
	done
done
exit $bad
