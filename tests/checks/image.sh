# The image: the same bytes every time, nothing in it but the program and its directory, and container tools can use it.
set -eu
LC_ALL=C
export LC_ALL
PATH=$PATH:/usr/sbin:/sbin
ctl=build/parleyctl
out=build/image
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
bad() { echo "$*"; exit 1; }

# --- Twice the same, whatever the time and the rights of files ---
cp build/parley "$tmp/parley"
chmod 0700 "$tmp/parley"
touch -d '2001-02-03' "$tmp/parley"
$ctl image --out "$tmp/again" --tag a:b --dir data=0700 --file parley="$tmp/parley" --label x=y -- /parley > "$tmp/digests"
cmp $out/layer.tar "$tmp/again/layer.tar"
[ "$(sed -n 's/^root *//p' "$tmp/digests")" = "$($ctl policy layer $out/layer.tar)" ] || bad "root"
[ "$(sed -n 's/^layer *sha256://p' $out/digests)" = "$(sha256sum < $out/layer.tar | cut -c1-64)" ] || bad "layer digest"

# --- Content ---
[ "$(stat -c %s $out/layer.tar)" -le 629145 ] || bad "the layer is over 0.6 MiB"
tar -tvf $out/layer.tar --full-time > "$tmp/list"
[ "$(awk '{ print $1, $2, $4, $5, $6 }' "$tmp/list")" = "drwx------ 0/0 1970-01-01 00:00:00 data/
-r-xr-xr-x 0/0 1970-01-01 00:00:00 parley" ] || { cat "$tmp/list"; bad "content of the layer"; }
tar -xOf $out/layer.tar parley | cmp - build/parley
for f in $out/oci/blobs/sha256/*; do
	[ "$(basename "$f")" = "$(sha256sum < "$f" | cut -c1-64)" ] || bad "$f is not named by its digest"
done
node - $out "$(cut -d'"' -f4 < $out/oci/oci-layout)" << 'END'
const fs = require('fs');
const [, , out, layout] = process.argv;
const must = (ok, what) => { if (!ok) { console.log(what); process.exit(1); } };
const blob = (d) => fs.readFileSync(`${out}/oci/blobs/sha256/${d.digest.split(':')[1]}`);
const index = JSON.parse(fs.readFileSync(`${out}/oci/index.json`));
const manifest = JSON.parse(blob(index.manifests[0]));
const config = JSON.parse(blob(manifest.config));
must(layout === '1.0.0', 'oci-layout');
must(manifest.layers.length === 1 && manifest.layers[0].digest === config.rootfs.diff_ids[0], 'the digest of an uncompressed layer is its diff_id');
must(manifest.layers[0].size === fs.statSync(`${out}/layer.tar`).size && manifest.config.size === blob(manifest.config).length, 'sizes');
must(JSON.stringify(config.config.Entrypoint) === '["/parley"]' && config.config.User === '0:0' && config.config.WorkingDir === '/', 'entrypoint and user');
must(!('Cmd' in config.config) && !('Env' in config.config) && !('Shell' in config.config), 'no Cmd, Env or Shell');
must(/^\d+\.\d+\.\d+$/.test(config.config.Labels['org.opencontainers.image.version']) && config.config.Labels['org.opencontainers.image.revision'], 'labels');
must(config.os === 'linux' && config.architecture === 'amd64', 'platform');
END
# Docker's users get the same layer content: the Dockerfile adds exactly this tar.
grep -qx 'ADD build/image/layer.tar /' image/Dockerfile && grep -qx 'ENTRYPOINT \["/parley"\]' image/Dockerfile && grep -qx 'USER 0:0' image/Dockerfile || bad "Dockerfile"

# --- Refusals ---
for wrong in "--file ../x=$tmp/parley" "--file /x=$tmp/parley" "--file a/b=$tmp/parley" "--dir x=9" "--file p=$tmp/parley --file p=$tmp/parley"; do
	# shellcheck disable=SC2086 # several words on purpose
	! $ctl image --out "$tmp/w" --tag a:b $wrong -- /p > /dev/null 2>&1 || bad "accepted: $wrong"
	[ ! -e "$tmp/w/layer.tar" ] || bad "left behind by: $wrong"
done

# --- Container tools, where installed ---
if command -v skopeo > /dev/null; then
	[ "$(skopeo inspect oci:$out/oci | node -p 'JSON.parse(require("fs").readFileSync(0)).Layers[0]')" = "$(sed -n 's/^layer *//p' $out/digests)" ] || bad "skopeo inspect"
	skopeo copy -q oci:$out/oci docker-archive:"$tmp/docker.tar":parley:test
	skopeo copy -q docker-archive:"$tmp/docker.tar" oci:"$tmp/back:latest" --dest-oci-accept-uncompressed-layers
	skopeo inspect --config oci:"$tmp/back:latest" > "$tmp/config.back"
	skopeo inspect --config docker-archive:$out/docker.tar > "$tmp/config.docker"
	skopeo inspect --config oci:$out/oci > "$tmp/config.oci"
	for f in back docker; do
		[ "$(node -p 'JSON.parse(require("fs").readFileSync(0)).rootfs.diff_ids[0]' < "$tmp/config.$f")" = "$(sed -n 's/^diff_id *//p' $out/digests)" ] || bad "skopeo: $f"
	done
	cmp "$tmp/config.oci" "$tmp/config.docker"
fi
if command -v umoci > /dev/null && [ "$(id -u)" = 0 ]; then
	umoci unpack --image "$out/oci:parley:$(sed -n 's/.*PARLEY_VERSION "\(.*\)".*/\1/p' src/lib/base/version.h)" "$tmp/bundle" > "$tmp/umoci" 2>&1 || { cat "$tmp/umoci"; bad umoci; }
	[ "$(cd "$tmp/bundle/rootfs" && find . | sort | tr '\n' ' ')" = ". ./data ./parley " ] || bad "umoci: content"
	cmp build/parley "$tmp/bundle/rootfs/parley"
fi
