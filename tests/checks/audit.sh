# make audit: one report that says yes where all is well, and no when a description, a reason, a table or a promise is missing.
set -eu
LC_ALL=C
export LC_ALL
bad() { echo "$*"; exit 1; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
# The same tree with sources of its own; its TCB.md may be stale here, so its tables are written first.
for f in build tests third_party image README.md; do ln -s "$(pwd)/$f" "$tmp/$f"; done
cp -r src policy scripts Makefile TCB.md THREATS.md "$tmp"
audit() { node "$tmp/scripts/audit.js" > "$tmp/said" 2>&1; }
UPDATE=1 audit || { cat "$tmp/said"; bad "make audit fails"; }
audit || { cat "$tmp/said"; bad "stale after it was written"; }
for part in 'Largest stack frames' 'own lines in the program' '  yes  no forbidden symbol' 'src/lib/attest/keys.c'; do
	grep -qF -- "$part" "$tmp/said" || bad "the report lacks: $part"
done

# sed expression, file, what must be said
refuses() {
	cp "$tmp/$2" "$tmp/kept"
	sed -i "$1" "$tmp/$2"
	cmp -s "$tmp/$2" "$tmp/kept" && bad "nothing changed by $1"
	audit && bad "accepts $1 in $2"
	grep -q "^BROKEN: .*$3" "$tmp/said" || { cat "$tmp/said"; bad "does not say: $3"; }
	cp "$tmp/kept" "$tmp/$2"
}
refuses '/|stacks|/d' scripts/audit.memory 'stacks: .* bytes of memory that scripts.audit.memory does not name'
refuses 's/`keys_wipe`/`keys_have`/' scripts/audit.memory 'no function keys_have that wipes'
refuses '$a src/lib/attest/keys.c|gone|public|nothing|' scripts/audit.memory 'no object gone'
refuses 's|ALLOW(lseek),.*|ALLOW(lseek),|' src/lib/os/file.c 'without a reason: SEAL_ALLOW(lseek)'
refuses 's|SEAL_CALLS(probe_calls), ||' src/demo/probe.c 'a table of system calls without its list'
refuses '$a int more;' src/lib/base/err.c 'tables of TCB.md are stale'
refuses 's/^MAX_SIZE := .*/MAX_SIZE := 100000/' Makefile 'larger than MAX_SIZE'
