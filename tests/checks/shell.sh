# The shell scripts have no shellcheck finding, among them statuses that a command substitution hides. No pipe and no loop of
# theirs hides one either: only printf or echo, which cannot fail, stands before "|". The checks have no finding above a remark.
set -eu
command -v shellcheck > /dev/null || { echo "skip: no shellcheck here"; exit 77; }
LC_ALL=C
export LC_ALL
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
for f in scripts/* scripts/deploy/*.sh .ci/run; do
	[ -f "$f" ] || continue
	case $f in *.sh) echo "$f"; continue ;; esac
	read -r first < "$f"
	[ "$first" != '#!/bin/sh' ] || echo "$f"
done > "$tmp/files"
[ "$(wc -l < "$tmp/files")" -ge 13 ] || { echo "no scripts found"; exit 1; }
# The steps that a reader pastes are a script too.
{ echo '#!/bin/sh'; awk '/^```/ { code = $0 == "```sh"; next } code' scripts/deploy/single.md; } > "$tmp/single.sh"
echo "$tmp/single.sh" >> "$tmp/files"

xargs shellcheck -x --enable=check-extra-masked-returns < "$tmp/files" > "$tmp/found" 2>&1 || { cat "$tmp/found"; exit 1; }
shellcheck -s sh -S warning tests/checks/policy.sh tests/checks/image.sh tests/checks/reproduce.sh tests/checks/shell.sh

# Pipes: " | " in a line of shell, or "|" at its end; "||" is none. Lines of awk, tables and YAML have no command before it.
xargs grep -nE '(^|[^|]) \| [^|]|[^|]\|$' < "$tmp/files" | grep -vE '(printf|echo) [^|]*\|( |$)|nginx\.conf: \|$' > "$tmp/pipes" || true
xargs grep -nE '(^|[; ])for [a-z]+ in .*\$\(' < "$tmp/files" >> "$tmp/pipes" || true
[ ! -s "$tmp/pipes" ] || { echo "a status is hidden by a pipe, or by the list of a loop:"; cat "$tmp/pipes"; exit 1; }

# Both find what they are for.
cat > "$tmp/bad.sh" << 'END'
#!/bin/sh
set -eu
hash="x $(sha256sum < file)"
show() { echo "$1"; }
show "$(cat policy)"
sha256sum < file | cut -c1-64
for p in $(cat names); do show "$p $hash"; done
END
shellcheck --enable=check-extra-masked-returns "$tmp/bad.sh" > "$tmp/found" 2>&1 && { echo "shellcheck finds no hidden status"; exit 1; }
grep -q SC2312 "$tmp/found" || { cat "$tmp/found"; echo "shellcheck does not know hidden statuses"; exit 1; }
grep -qE '(^|[^|]) \| [^|]' "$tmp/bad.sh"
