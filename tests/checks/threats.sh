# Every row of THREATS.md's table names code and a test, and what it names exists: the files, and where a name follows a file in parentheses, `file`
# (`name`), the function, the case or the title there. A row whose code or test is gone is no protection.
set -eu
LC_ALL=C
export LC_ALL
tmp=$(mktemp)
trap 'rm -f "$tmp"' EXIT
# Lines "threat|code or test|file|name", the name empty where none is given.
awk -F ' *[|] *' '
/^## / { table = $0 == "## Threat, code, test" }
table && /^\|/ && $2 !~ /^(threat|---)/ {
	rows++
	for (column = 4; column <= 5; column++) {
		rest = $column
		found = 0
		while (match(rest, /`[a-z][^` ]*\/[^` ]*`( \(`[^`]*`(, `[^`]*`)*\))?/)) {
			split(substr(rest, RSTART, RLENGTH), part, "`")
			rest = substr(rest, RSTART + RLENGTH)
			print $2 "|" (column == 4 ? "code" : "test") "|" part[2] "|" part[4]
			for (i = 6; i in part; i += 2) if (part[i] != "") print $2 "|" (column == 4 ? "code" : "test") "|" part[2] "|" part[i]
			found = 1
		}
		if (!found) { print "row without " (column == 4 ? "code" : "a test") ": " $2 > "/dev/stderr"; bad = 1 }
	}
}
END {
	if (rows < 15) { print "THREATS.md has lost its table" > "/dev/stderr"; bad = 1 }
	exit bad
}' THREATS.md > "$tmp"
bad=0
while IFS='|' read -r threat kind file name; do
	[ -e "$file" ] || { echo "$threat: $file is not there"; bad=1; continue; }
	case $kind:$file in
	test:tests/*|code:src/*|code:image/*|code:policy/*|code:scripts/*) ;;
	*) echo "$threat: $file is no $kind"; bad=1 ;;
	esac
	[ -n "$name" ] || continue
	case $file in
	tests/unit/*.c) grep -qE "cmocka_unit_test(_[a-z_]+)?\($name[,)]" "$file" ;;
	*.c|*.h) grep -qE "^[a-z].*[ *]$name\(" "$file" ;;
	*.js) grep -E "^ *(await )?(t\.)?(test|it|describe)\(" "$file" | grep -qF -- "$name" ;;
	*) grep -qF -- "$name" "$file" ;;
	esac || { echo "$threat: $file has no \"$name\""; bad=1; }
done < "$tmp"
exit $bad
