# Layers and fences: a file includes its own folder's headers or those of a layer below it; dangerous headers stay
# in the one place that is meant to use them.
set -eu
LC_ALL=C
export LC_ALL
files=$(find src policy -name '*.[ch]' | sort)
[ -n "$files" ] || { echo "no sources"; exit 1; }

awk '
BEGIN {
	n = split("base plat enc crypto tee client svc http", order, " ")
	for (i = 1; i <= n; i++) rank[order[i]] = i
	# The tool stands on the lower half only.
	rank["ctl"] = 100
	split("base plat enc crypto tee client policy ctl", low, " ")
	for (i in low) for_ctl[low[i]] = 1
	# So does what computes policies: pure, so without plat.
	rank["policy"] = 99
	split("base enc crypto policy", pure, " ")
	for (i in pure) for_policy[pure[i]] = 1
	kernel = "^(sys/(socket|un|ioctl|mman|prctl|syscall|epoll|uio|ptrace|mount|random|eventfd|signalfd)\\.h|netinet/.*|" \
		"arpa/.*|net/.*|netdb\\.h|poll\\.h|linux/.*|asm/.*|syscall\\.h|sched\\.h)$"
}
function fault(what) { printf "%s:%d: %s\n", FILENAME, FNR, what; bad = 1 }
FNR == 1 {
	m = split(FILENAME, part, "/")
	layer = m == 3 ? part[2] : part[1] == "policy" ? "policy" : "main"
	if (layer != "main" && !(layer in rank)) fault("unknown layer " layer)
}
/^[ \t]*#[ \t]*include/ {
	if (match($0, /[<"][^>"]*[>"]/) == 0) { fault("include of a macro"); next }
	what = substr($0, RSTART + 1, RLENGTH - 2)
	quoted = substr($0, RSTART, 1) == "\""
	if (what ~ /\.c$/) fault("includes a .c file")
	if (what ~ kernel && layer != "plat") fault(what " outside src/plat")
	if (what ~ /^(bearssl.*|inner)\.h$/ && layer != "crypto") fault(what " outside src/crypto")
	if (what == "jsmn.h" && FILENAME != "src/enc/json_read.c") fault(what " outside src/enc/json_read.c")
	if (what == "pthread.h" && FILENAME !~ /^src\/plat\/(lock|thread)\.[ch]$/) fault(what " outside src/plat/{lock,thread}")
	# rename() is declared in stdio.h; that nothing else of it is used is seen in tests/checks/symbols.sh.
	if (what == "stdio.h" && FILENAME == "src/plat/file.c") next
	if (what ~ /^(stdio|wchar|dlfcn|spawn|alloca|malloc|setjmp)\.h$/) fault(what " is not for shipped code")
	if (!quoted || what ~ /^(bearssl.*|jsmn)\.h$/) next
	if (split(what, at, "/") != 2) { fault("\"" what "\": name the layer"); next }
	to = at[1]
	if (!(to in rank)) { fault("\"" what "\": unknown layer"); next }
	if (layer == "main" || to == layer) next
	if (layer == "policy") { if (!(to in for_policy)) fault("the policy includes " what); next }
	if (layer == "ctl") { if (!(to in for_ctl)) fault("the tool includes " what); next }
	if (rank[to] > rank[layer]) fault(layer " includes " what ", a layer above it")
	if (layer == "http" && to == "client") fault("http includes " what ": they do not know each other")
}
END { exit bad }
' $files
