# make reproduce: two builds under different conditions are the same in every byte; a published record is met or not.
set -eu
LC_ALL=C
export LC_ALL
bad() { echo "$*"; exit 1; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
command -v git > /dev/null || { echo "skip: no git here"; exit 77; }
[ -z "$(git -c safe.directory="$(pwd)" status --porcelain 2> /dev/null || echo none)" ] || { echo "skip: the tree has changes that are not committed, and make reproduce builds the commit"; exit 77; }
scripts/reproduce > "$tmp/said" 2>&1 || { cat "$tmp/said"; bad "not reproducible"; }
[ "$(grep -c '^HOST_DATA  *[0-9a-f]\{64\} ' "$tmp/said")" = 3 ] || { cat "$tmp/said"; bad "one HOST_DATA for each party"; }
node -e 'const r = JSON.parse(require("fs").readFileSync("build/RELEASE.json")); if (!r.outputs.parley || r.inputs.length < 3 || !r.toolchain.cc) process.exit(1)' || bad "RELEASE.json"
# What was built here is the same too, if it is of this commit.
scripts/reproduce --compare build/RELEASE.json build/RELEASE.json > /dev/null || bad "a record must meet itself"
sed '/"parley": /s/[0-9a-f]\{8\}"/00000000"/' build/RELEASE.json > "$tmp/other.json"
if scripts/reproduce --compare "$tmp/other.json" build/RELEASE.json > "$tmp/said" 2>&1; then bad "another hash was met"; fi
grep -q '^reproduce: parley: published ' "$tmp/said" || { cat "$tmp/said"; bad "does not say which"; }
