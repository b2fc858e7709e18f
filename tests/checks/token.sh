# parleyctl token new: a token of 128 random bits and the setting with its hash, two lines, another one each time; its wrong uses.
set -eu
LC_ALL=C
export LC_ALL
ctl=build/parleyctl
bad() { echo "$*"; exit 1; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
i=0
while [ $i -lt 20 ]; do
	$ctl token new > "$tmp/said"
	[ "$(wc -l < "$tmp/said")" = 2 ] || bad "not two lines"
	token=$(head -n 1 "$tmp/said")
	printf '%s' "$token" | grep -qE '^[0-9a-f]{32}$' || bad "not 128 bits in hex: $token"
	[ "$(tail -n 1 "$tmp/said")" = "OPERATOR_AUTH=sha256:$(printf '%s' "$token" | sha256sum | cut -d' ' -f1)" ] || bad "another hash"
	echo "$token" >> "$tmp/all"
	i=$((i + 1))
done
[ "$(sort -u "$tmp/all" | wc -l)" = 20 ] || bad "the same token twice"
$ctl token --help | grep -q '^usage: parleyctl token new' || bad "no help"
for words in '' 'new x' 'old' '--help x'; do
	status=0
	# shellcheck disable=SC2086 # words
	$ctl token $words > "$tmp/said" 2> "$tmp/why" || status=$?
	[ $status = 2 ] && [ ! -s "$tmp/said" ] && grep -q '^usage:' "$tmp/why" || bad "token $words: $status"
done
status=0
$ctl token new > /dev/full || status=$?
[ $status = 3 ] || bad "a full disk: $status"
