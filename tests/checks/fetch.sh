# The source archives: a wrong one is refused before anything is unpacked, a right one needs no network.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/tree/scripts" "$work/tree/third_party" "$work/tars"
cp scripts/fetch "$work/tree/scripts/"
cp third_party/pins "$work/tree/third_party/"
archive=$(awk '$1 == "jsmn" { print $3 }' third_party/pins)
TARBALLS=$work/tars
export TARBALLS

cp "build/third_party/archives/$archive" "$work/tars/"
"$work/tree/scripts/fetch" jsmn "$work/right"
[ -f "$work/right/jsmn.h" ] || { echo "the right archive was not unpacked"; exit 1; }

rm -rf "$work/tree/build"
printf x >> "$work/tars/$archive"
if "$work/tree/scripts/fetch" jsmn "$work/wrong" 2> "$work/said"; then
	echo "an archive with another SHA-256 was accepted"
	exit 1
fi
grep -q 'SHA-256 is not the pinned one' "$work/said"
[ ! -e "$work/wrong" ] || { echo "it was unpacked all the same"; exit 1; }
[ -z "$(find "$work/tree/build/third_party/archives" -type f)" ] || { echo "it was kept in the cache"; exit 1; }
