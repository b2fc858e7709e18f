# Every file that THREATS.md names in its table exists: a row whose code or test is gone is no protection.
set -eu
names=$(sed -n 's/^|/|/p' THREATS.md | grep -o '`[a-z][^` ]*/[^` ]*`' | tr -d '`' | sort -u)
[ "$(printf '%s\n' "$names" | wc -l)" -ge 20 ] || { echo "THREATS.md has lost its table"; exit 1; }
bad=0
for f in $names; do
	[ -e "$f" ] || { echo "THREATS.md names $f, which is not there"; bad=1; }
done
exit $bad
