# parleyctl policy, as people call it: every subcommand has help, clear refusals and the exit status it promises; layers
# of every shape agree with e2fsprogs and veritysetup where these are installed.
set -eu
LC_ALL=C
export LC_ALL
PATH=$PATH:/usr/sbin:/sbin
ctl=build/parleyctl
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
bad() { echo "$*"; exit 1; }

# expect STATUS TEXT COMMAND...: the exit status, and a part of what is said on either output.
expect() {
	want=$1 part=$2
	shift 2
	got=0
	"$@" > "$tmp/said" 2>&1 || got=$?
	[ "$got" = "$want" ] || { cat "$tmp/said"; bad "$*: status $got, not $want"; }
	[ -z "$part" ] || grep -qF -- "$part" "$tmp/said" || { cat "$tmp/said"; bad "$*: does not say: $part"; }
}

for c in layer generate rego hash explain diff simulate; do
	expect 0 'exit status' $ctl policy $c --help
	expect 2 'usage' $ctl policy $c
done
expect 0 simulate $ctl policy --help
expect 2 usage $ctl policy nothing
expect 0 'exit status' $ctl image --help
expect 2 usage $ctl image

# --- What make policy made ---
p=build/policy
for v in $p $p/aci-nofragment $p/vn2 $p/vn2-nofragment; do
	for n in contoso fabrikam woodgrove; do
		hash=$(cat $v/$n.hostdata)
		[ "$hash" = "$(sha256sum < $v/$n.rego | cut -c1-64)" ] || bad "$v/$n: hash of the text"
		[ "$hash" = "$(base64 -d < $v/$n.b64 | sha256sum | cut -c1-64)" ] || bad "$v/$n: hash of the base64"
		[ "$hash" = "$($ctl policy hash $v/$n.b64)" ] || bad "$v/$n: policy hash"
		grep -q "$hash" $v/$n.release.json || bad "$v/$n: own hash in the release policy"
		grep -q '"exec_processes":\[\]' $v/$n.rego || bad "$v/$n: exec"
	done
	w=$(cat $v/woodgrove.hostdata)
	grep -q "$w" $v/contoso.release.json && grep -q "$w" $v/fabrikam.release.json || bad "$v: the analyst's hash in the providers' policies"
	grep -q "$(cat $v/contoso.hostdata)" $v/woodgrove.release.json && bad "$v: a provider may get the analyst's key"
	grep -q "PARTNER_CONTOSO_HOST_DATA=$(cat $v/contoso.hostdata)\"" $v/woodgrove.rego || bad "$v: the partner's hash in the analyst's settings"
done
cmp -s $p/contoso.rego $p/vn2/contoso.rego && bad "both targets have one policy"
# Without the fragment nothing is loose at all; with it, that alone.
expect 0 'HOST_DATA' $ctl policy explain --strict $p/aci-nofragment/woodgrove.b64
expect 1 'LOOSE: whatever this issuer signs' $ctl policy explain --strict $p/woodgrove.rego
[ "$(grep -c LOOSE "$tmp/said")" = 1 ] || bad "more than the fragment is loose"
expect 1 '- fragment' $ctl policy diff $p/contoso.rego $p/aci-nofragment/contoso.b64
expect 0 '' $ctl policy diff $p/contoso.rego $p/contoso.b64
{ cat $p/contoso.rego; echo; } > "$tmp/longer.rego"
expect 1 'the texts differ' $ctl policy diff $p/contoso.rego "$tmp/longer.rego"

# --- Files people give for a policy: base64 in lines is its policy, everything else is refused by name and never hashed ---
v=$p/aci-nofragment/contoso digest=$(cat $p/aci-nofragment/contoso.hostdata)
base64 -w 76 $v.rego > "$tmp/76.b64"
base64 -w 64 $v.rego | sed 's/$/\r/' > "$tmp/64crlf.b64"
{ cat $v.b64; printf '\r\n\n'; } > "$tmp/end.b64"
base64 -w 76 $v.rego | sed 's/^/    /' > "$tmp/indented.b64"
for f in 76 64crlf end indented; do
	[ "$($ctl policy hash "$tmp/$f.b64")" = "$digest" ] || bad "$f.b64: another hash than the policy's"
	expect 0 "HOST_DATA $digest" $ctl policy explain "$tmp/$f.b64"
	expect 0 '' $ctl policy diff "$tmp/$f.b64" $v.rego
done
b64=$(cat $v.b64)
printf '\357\273\277' | cat - $v.rego > "$tmp/bom"
printf '\377\376' > "$tmp/utf16"; sed 's/./&\x00/g' $v.rego >> "$tmp/utf16"
sed 's/./&\x00/g' $v.rego > "$tmp/utf16le"
printf '%s' "$b64" | tr '+/' '-_' | tr -d '=' | sed 's/$/-/' > "$tmp/url"
printf '%s' "$b64" | base64 -w 0 > "$tmp/twice"
printf '%s' "$b64" | cut -c1-1001 > "$tmp/cut"
printf '{"properties":{"confidentialComputeProperties":{"ccePolicy":"%s"}}}' "$b64" > "$tmp/template"
printf '"%s"' "$b64" > "$tmp/quoted"
printf 'ccePolicy: %s\n' "$b64" > "$tmp/yaml"
printf '\357\273\277' | cat - $v.rego | base64 > "$tmp/bom64"
printf ' \n' > "$tmp/blank"
echo 'no policy, at all' > "$tmp/other"
while read -r f says; do
	expect 1 "$says" $ctl policy hash "$tmp/$f"
	[ -z "$($ctl policy hash "$tmp/$f" 2> /dev/null)" ] || bad "policy hash $f: something on standard output"
	expect 1 "$says" $ctl policy explain "$tmp/$f"
	expect 1 "$says" $ctl policy diff $v.rego "$tmp/$f"
done << END
bom byte order mark
bom64 byte order mark
utf16 UTF-16
utf16le UTF-16
url base64url
twice not a policy
cut damaged or cut off
template ccePolicy
quoted quoted
yaml ccePolicy
blank empty
other not a policy
END
root=$(sed -n 's/^root *//p' build/image/digests)
cat > "$tmp/exec.json" << END
[{"point":"create_container","containerID":"c","layers":["$root"],"argList":["/bin/sh"],"workingDir":"/","umask":"0022","user":{"id":"0","name":""}}]
END
expect 1 'deny  create_container: command' $ctl policy simulate $p/contoso.rego --request "$tmp/exec.json"
{ echo '[{"point":"create_container","containerID":"c","layers":["'"$root"'"],"argList":["/parley"],"workingDir":"/","umask":"0022","user":{"id":"0","name":""},"envList":['
  sed 's/.*/&/; s/{"name":"\([^"]*\)","value":"\([^"]*\)"}/"\1=\2"/g; s/^\[//; s/\]$//' $p/contoso.env.json
  echo ',"EVIL=1"]},{"point":"exec_in_container","containerID":"c","argList":["/parley"]}]'; } > "$tmp/run.json"
expect 1 'drops EVIL=1' $ctl policy simulate $p/contoso.rego --request "$tmp/run.json"
grep -qx 'allow create_container' "$tmp/said" && grep -qx 'deny  exec_in_container: exec_processes' "$tmp/said" || { cat "$tmp/said"; bad "simulate"; }

# --- Refusals of generate leave nothing behind that could be taken for a result ---
gen() { $ctl policy generate --layer build/image/layer.tar --platform policy/platform.json --out "$tmp/out" "$@"; }
expect 1 'MAA' gen policy/parties/contoso.json
expect 1 'not in this run' gen --values policy/values.example.json policy/parties/woodgrove.json
expect 1 'no value is given for: HOST_DATA:woodgrove' gen --values policy/values.example.json policy/parties/contoso.json
expect 1 'another party has this name' gen --values policy/values.example.json policy/parties/fabrikam.json policy/parties/fabrikam.json policy/parties/woodgrove.json
[ ! -e "$tmp/out/contoso.release.json" ] || bad "a release policy without all its hashes"
expect 3 'no such file' gen --values "$tmp/none" policy/parties/contoso.json
# Settings with which the program would not start: all that it says itself, before anything is written.
rm -rf "$tmp/out"
alone() { gen --set MAA=maa.example --set VAULT=kv --set CLIENT_ID=x --set "OPERATOR_SHA256=$(printf x | sha256sum | cut -d ' ' -f 1)" "$@"; }
would_not_start() { # what is said, what is done to a good party's file
	sed "$2" policy/single.json > "$tmp/wrong.json"
	! cmp -s policy/single.json "$tmp/wrong.json" || bad "$2 changes nothing"
	expect 1 "$1" alone "$tmp/wrong.json"
	[ -z "$(ls "$tmp/out")" ] || bad "$2: a policy was written all the same"
}
would_not_start 'wrong.json: HTTP_PORT: expected 0 to 65535, or off, got "x"' 's/"HTTP_PORT": "[^"]*"/"HTTP_PORT": "x"/'
would_not_start 'did you mean SKR_KEY_NAME?' 's/"SKR_KEY_NAME"/"SKR_KEYNAME"/'
grep -q 'SKR_KEY_NAME: missing: SKR_AKV_ENDPOINT is set' "$tmp/said" || { cat "$tmp/said"; bad "only the first problem"; }
would_not_start 'SKR_KEYNAME: no setting has this name' 's/"env": {/"secret_env": ["SKR_KEYNAME"], "env": {/'
would_not_start 'TLS_KEY: requires' 's/"env": {/"env": { "TLS_CERT_FILE": "\/x",/'
would_not_start 'did you mean PARTNER_WOODGROVE_HOST_DATA?' 's/"env": {/"host_data_env": { "PARTNER_WOODGROV_HOST_DATA": "single" }, "env": {/'
# What a secret value goes with cannot be judged; another program's settings neither.
sed 's/"env": {/"secret_env": ["TLS_CERT"], "env": { "TLS_KEY": "skr:tls",/' policy/single.json > "$tmp/secret.json"
expect 0 single alone "$tmp/secret.json"
sed 's|"/parley"|"/another"|; s/"SKR_KEY_NAME"/"SKR_KEYNAME"/' policy/single.json > "$tmp/another.json"
expect 0 single alone "$tmp/another.json"
expect 2 usage $ctl policy generate --target azure --layer x --out y z
# Another company's hash may be given instead of its settings.
expect 0 contoso gen --values policy/values.example.json --set "HOST_DATA:woodgrove=$(cat $p/woodgrove.hostdata)" policy/parties/contoso.json
cmp "$tmp/out/contoso.release.json" $p/contoso.release.json

# --- Layers of every shape ---
cat > "$tmp/make.js" << 'END'
'use strict';
const fs = require('fs');
const header = (name, type, size, extra = {}) => {
  const h = Buffer.alloc(512);
  h.write(name, 0); h.write((extra.mode || (type === '5' ? 0o755 : 0o644)).toString(8).padStart(7, '0'), 100);
  h.write((extra.uid || 0).toString(8).padStart(7, '0'), 108); h.write('0000000', 116);
  h.write(size.toString(8).padStart(11, '0'), 124); h.write('00000000000', 136);
  h.write(' '.repeat(8), 148); h.write(type, 156); h.write(extra.link || '', 157); h.write('ustar\0' + '00', 257, 'latin1');
  h.write((extra.major || 0).toString(8).padStart(7, '0'), 329); h.write((extra.minor || 0).toString(8).padStart(7, '0'), 337);
  h.write(h.reduce((a, b) => a + b).toString(8).padStart(6, '0') + '\0 ', 148, 'latin1');
  return h;
};
const pad = (b) => Buffer.concat([b, Buffer.alloc(-b.length & 511)]);
const pax = (records) => {
  const body = Buffer.concat(Object.entries(records).map(([k, v]) => {
    const rest = Buffer.from(` ${k}=${v}\n`);
    let n = rest.length + 1;
    while (String(n).length + rest.length !== n) n = String(n).length + rest.length;
    return Buffer.concat([Buffer.from(String(n)), rest]);
  }));
  return Buffer.concat([header('PaxHeader', 'x', body.length), pad(body)]);
};
const file = (name, data, extra) => Buffer.concat([header(name, '0', data.length, extra), pad(data)]);
const write = (name, parts) => fs.writeFileSync(`${process.argv[2]}/${name}.tar`, Buffer.concat([...parts, Buffer.alloc(1024)]));
const long = 'target/'.repeat(14);
write('shapes', [
  header('d/', '5', 0, { mode: 0o1777, uid: 1000 }), file('d/f', Buffer.from('hello'.repeat(2000))), header('d/h', '1', 0, { link: 'd/f' }),
  header('d/s', '2', 0, { link: 'f' }), header('d/l', '2', 0, { link: long }), header('d/hs', '1', 0, { link: 'd/s' }), header('dev', '3', 0, { major: 1, minor: 300 }),
  header('blk', '4', 0, { major: 8 }), header('fifo', '6', 0), file('d/.wh.gone', Buffer.alloc(0)), file('o/.wh..wh..opq', Buffer.alloc(0)),
  pax({ 'SCHILY.xattr.user.a': 'b', 'SCHILY.xattr.security.capability': 'xyz', mtime: '1700000000.5', atime: '5', ctime: '6' }), file('x1', Buffer.from('1')),
  pax({ 'SCHILY.xattr.user.big': 'v'.repeat(2000), 'SCHILY.xattr.user.more': 'w'.repeat(900) }), file('x2', Buffer.alloc(9000, 7)),
  file('im/pli/cit', Buffer.from('x')), ...Array.from({ length: 400 }, (_, i) => file(`many/${String(i).repeat(20)}`, Buffer.alloc(0))),
]);
write('groups', [...Array.from({ length: 5 }, (_, i) => file(`f${i}`, Buffer.alloc(29 << 20, i + 1))), header('last', '2', 0, { link: 'f0' })]);
write('inodes', Array.from({ length: 33000 }, (_, i) => file(`d${i % 60}/f${i}`, Buffer.alloc(0))));
write('refused', [pax({ path: 'a', 'GNU.sparse.major': '1' }), file('a', Buffer.alloc(0))]);
write('big', [file('big', Buffer.alloc(64 << 20, 'some text '))]);
END
node "$tmp/make.js" "$tmp"
expect 1 'a sparse file' $ctl policy layer "$tmp/refused.tar"
gzip -c "$tmp/shapes.tar" > "$tmp/shapes.tar.gz"
expect 1 'compressed' $ctl policy layer "$tmp/shapes.tar.gz"
expect 3 'no such file' $ctl policy layer "$tmp/none.tar"
expect 3 'plain file' $ctl policy layer "$tmp"
zeros=$(printf '%064d' 0)
for shape in shapes groups inodes; do
	root=$($ctl policy layer --ext4 "$tmp/$shape.img" "$tmp/$shape.tar")
	[ "$root" = "$($ctl policy layer "$tmp/$shape.tar")" ] || bad "$shape: another root when the image is written"
	if command -v veritysetup > /dev/null; then
		theirs=$(veritysetup format --no-superblock --hash=sha256 --format=1 --data-block-size=4096 --hash-block-size=4096 \
			--salt=$zeros "$tmp/$shape.img" "$tmp/hashes" | sed -n 's/^Root hash:[^0-9a-f]*//p')
		[ "$root" = "$theirs" ] || bad "$shape: veritysetup gives $theirs, not $root"
	fi
	if command -v e2fsck > /dev/null; then
		# The unused end of the inode bitmap is zero, as the platform leaves it; that and nothing else may be found.
		e2fsck -fn "$tmp/$shape.img" > "$tmp/fsck" 2>&1 || true
		grep -vE '^(e2fsck |Pass |Padding at end of inode bitmap is not set|$)|Filesystem still has errors|non-contiguous' "$tmp/fsck" && bad "$shape: e2fsck"
		grep -q 'Pass 5' "$tmp/fsck" || bad "$shape: e2fsck did not look at it"
	fi
done
if command -v debugfs > /dev/null; then
	look() { debugfs -R "$1" "$tmp/$2.img" 2> /dev/null; }
	look 'cat /d/h' shapes | cmp - "$(node -e 'require("fs").writeFileSync(process.argv[1], "hello".repeat(2000))' "$tmp/h"; echo "$tmp/h")"
	[ "$(look 'ea_get -V /x1 user.a' shapes)" = b ] || bad "debugfs: attribute in the inode"
	[ "$(look 'ea_get -V /x2 user.more' shapes)" = "$(printf '%0900d' 0 | tr 0 w)" ] || bad "debugfs: attribute in the block"
	[ "$(look 'ea_get -V /o trusted.overlay.opaque' shapes)" = y ] || bad "debugfs: opaque directory"
	look 'stat /d/l' shapes | grep -q 'Type: symlink.*Mode:  0777' || bad "debugfs: long link"
	look 'stat /dev' shapes | grep -q 'Device major/minor number: 01:300' || bad "debugfs: device"
	look 'cat /f4' groups | cmp - "$(node -e 'require("fs").writeFileSync(process.argv[1], Buffer.alloc(29 << 20, 5))' "$tmp/f4"; echo "$tmp/f4")"
fi
# 64 MiB within two seconds on an idle machine; here with room for what else runs.
start=$(date +%s%N)
$ctl policy layer "$tmp/big.tar" > /dev/null
ms=$(( ($(date +%s%N) - start) / 1000000 ))
[ "$ms" -lt 8000 ] || bad "64 MiB took $ms ms"

# --- Values files: what is none is refused, and make policy goes by their content and name, never by their times ---
not_values() { expect "$1" "$2" $ctl policy generate --layer build/image/layer.tar --out "$tmp/out" --values "$3" policy/single.json; }
mkdir "$tmp/dir"
not_values 3 'no such file' "$tmp/none.json"
not_values 3 'plain file' "$tmp/dir"
for text in '' 'MAA=x' '[]' '"x"' '{' '{"MAA":"x"} {}' '{"MAA":1}' '{"MAA":{"a":"b"}}' '{"MAA":"x","MAA":"y"}' '{"M A":"x"}'; do
	printf '%s' "$text" > "$tmp/none"
	not_values 1 "$tmp/none" "$tmp/none"
done
echo '{}' > "$tmp/none"
not_values 1 'holds no values' "$tmp/none"
not_values 1 '' policy/platform.json
not_values 1 '' policy/parties/contoso.json
echo '{"MAA":"sharedeus.eus.attest.azure.net"}' > "$tmp/none"
not_values 1 'no value is given for: ' "$tmp/none"

# digests VALUES: what make policy prints, of policies in a directory of this check's own.
digests() { make --no-print-directory -o build/image/layer.tar -o build/parleyctl POLICY="$tmp/made" VALUES="$1" policy; }
sed 's/kv-example-contoso/kv-another-contoso/' policy/values.example.json > "$tmp/b.json"
cp policy/values.example.json "$tmp/a.json"
touch -d '2020-01-01' "$tmp/a.json" "$tmp/b.json"
digests "$tmp/a.json" > "$tmp/a.said" || bad "make policy: a"
digests "$tmp/b.json" > "$tmp/b.said" || bad "make policy: b"
cmp -s "$tmp/a.said" "$tmp/b.said" && bad "other values, the same digests"
[ "$(sed 1d "$tmp/a.said")" = "$(sed 1d $p/digests)" ] || bad "the same values, other digests"
for v in a b; do
	hash=$(sha256sum < "$tmp/$v.json" | cut -c1-64)
	[ "$(sed -n 1p "$tmp/$v.said")" = "values $hash  $tmp/$v.json" ] || bad "does not say which values: $(sed -n 1p "$tmp/$v.said")"
	[ "$(sed 1d "$tmp/$v.said" | wc -l)" = 3 ] || bad "three digests"
done
for v in a b a a b; do
	digests "$tmp/$v.json" | cmp - "$tmp/$v.said" || bad "back and forth: $v"
	[ "$(sed -n "s/ contoso$//p" "$tmp/$v.said")" = "$(cat "$tmp/made/contoso.hostdata")" ] || bad "back and forth: files of $v"
done
# Another content at the same place and time, and an older one.
for t in '2020-01-01' '2019-01-01'; do
	cp "$tmp/b.json" "$tmp/c.json"
	touch -d '2020-01-01' "$tmp/c.json"
	digests "$tmp/c.json" > "$tmp/c.said"
	cp "$tmp/a.json" "$tmp/c.json"
	touch -d "$t" "$tmp/c.json"
	[ "$(digests "$tmp/c.json" | sed 1d)" = "$(sed 1d "$tmp/a.said")" ] || bad "other content of $t at the same place"
done
# Another party's settings, and another list of parties.
sed 's/"DATA_DIR": "\/data"/"DATA_DIR": "\/elsewhere"/' policy/parties/contoso.json > "$tmp/contoso.json"
touch -d '2020-01-01' "$tmp/contoso.json"
parties() { make --no-print-directory -o build/image/layer.tar -o build/parleyctl POLICY="$tmp/made" VALUES="$tmp/a.json" PARTIES="$1 policy/parties/fabrikam.json policy/parties/woodgrove.json" policy; }
[ "$(parties policy/parties/contoso.json)" = "$(cat "$tmp/a.said")" ] || bad "the same parties"
[ "$(parties "$tmp/contoso.json")" != "$(cat "$tmp/a.said")" ] || bad "other settings, the same digests"
[ "$(parties policy/parties/contoso.json)" = "$(cat "$tmp/a.said")" ] || bad "the same parties again"
# What fails leaves nothing that the next run would print.
for none in "$tmp/none" "$tmp/dir" "$tmp/nowhere.json" policy/platform.json ''; do
	if digests "$none" > "$tmp/said" 2>&1; then bad "make policy takes '$none' for values"; fi
	! grep -qE '^[0-9a-f]{64} ' "$tmp/said" || bad "digests of '$none'"
	[ ! -e "$tmp/made/stamp" ] || bad "'$none' leaves a stamp"
	digests "$tmp/a.json" | cmp - "$tmp/a.said" || bad "after a failure"
done
