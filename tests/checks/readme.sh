# README keeps up with the programs. The commands of "Verify what runs" are real: make's targets exist, parleyctl does what is written
# there. The table of settings is what the program prints (UPDATE=1 writes it).
set -eu
LC_ALL=C
export LC_ALL
bad() { echo "$*"; exit 1; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
env -i build/parley --settings | sed '/^$/,$d' > "$tmp/settings"
[ "$(wc -l < "$tmp/settings")" -ge 40 ] || bad "parley --settings prints no table"
sed '/^<!-- settings -->$/q' README.md > "$tmp/readme"
cat "$tmp/settings" >> "$tmp/readme"
sed -n '/^<!-- \/settings -->$/,$p' README.md >> "$tmp/readme"
if ! cmp -s README.md "$tmp/readme"; then
	[ "${UPDATE-}" = 1 ] || bad "README's table of settings is stale: UPDATE=1 sh tests/checks/readme.sh"
	cp "$tmp/readme" README.md
fi
awk '/^## /{ on = $0 == "## Verify what runs" } on && /^```/{ code = !code; next } on && code' README.md > "$tmp/commands"
[ "$(wc -l < "$tmp/commands")" -ge 5 ] || bad "no commands"
while read -r line; do
	case $line in
	'git clone '*) ;;
	'make '*) sh -c "make --no-print-directory -n ${line#make }" > "$tmp/said" 2>&1 || { cat "$tmp/said"; bad "$line"; } ;;
	'build/parleyctl verify '*)
		build/parleyctl --help | grep -q 'parleyctl verify' || { echo "parleyctl has no verify in this build"; continue; }
		build/parleyctl verify --help > "$tmp/said" 2>&1 || { cat "$tmp/said"; bad "$line"; }
		grep -q -- --host-data "$tmp/said" || bad "parleyctl verify knows no --host-data" ;;
	'build/parleyctl '*) sh -c "$line" > "$tmp/said" 2>&1 || { cat "$tmp/said"; bad "$line"; } ;;
	*) bad "untested: $line" ;;
	esac
done < "$tmp/commands"
