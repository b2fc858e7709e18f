# Who may use what. A room of the library uses itself and the rooms before it; a program uses the library and its own folder, never the
# other way round. Seen by #include, and by the symbols that the objects define and miss, so that an indirect use is seen too. Dangerous
# headers stay in the one place that is meant to use them.
set -eu
LC_ALL=C
export LC_ALL
files=$(find src policy -name '*.[ch]' | sort)
objects=$(find build/obj/src build/obj/policy -name '*.o' | sort)
[ -n "$files" ] && [ -n "$objects" ] || { echo "no sources, or no objects"; exit 1; }

# shellcheck disable=SC2086 # lists of files
{ nm -A $objects; grep -nHE '^[[:space:]]*#[[:space:]]*include' $files; } | awk '
BEGIN {
	n = split("base os text crypto tls snp http azure attest conf", order, " ")
	for (i = 1; i <= n; i++) rank[order[i]] = i
	# Of the programs, what each may use besides itself. "lib": every room.
	uses["party"] = "lib"
	uses["demo"] = "lib party"
	uses["sidecar"] = "lib"
	uses["policy"] = "base text crypto" # pure: no file, no socket
	uses["ctl"] = "lib policy"
	# A main.c puts a program together.
	uses["demo/main"] = "lib party demo sidecar"
	uses["party/main"] = "lib party sidecar"
	uses["ctl/main"] = "lib ctl policy"
	# Not so yet. Each of these must be needed, or it goes.
	m = split("party>demo", pending, " ")
	for (i = 1; i <= m; i++) wait[pending[i]] = 1
	kernel = "^(sys/(socket|un|ioctl|mman|prctl|syscall|epoll|uio|ptrace|mount|random|eventfd|signalfd)\\.h|netinet/.*|" \
		"arpa/.*|net/.*|netdb\\.h|poll\\.h|linux/.*|asm/.*|syscall\\.h|sched\\.h)$"
}
function fault(where, what) { print where ": " what; bad = 1 }
# The room or program of a path: src/lib/os/x.c, build/obj/src/party/query/x.o, policy/x.c, build/obj/build/gen/ui_x.o
function room_of(path,   part) {
	sub(/^build\/obj\//, "", path)
	split(path, part, "/")
	if (part[1] == "policy") return "policy"
	if (part[1] == "build") return "ui"
	if (path ~ /\/main\.[co]$/) return part[2] "/main"
	return part[2] == "lib" ? part[3] : part[2]
}
function check(where, from, to, what) {
	if (from == to || (from in rank && to in rank && rank[to] < rank[from])) return
	if (from in uses && (" " uses[from] " ") ~ (" " (to in rank ? "lib" : to) " |" " " to " ")) return
	# "parleyctl policy generate" asks a program for its own check of settings, and for nothing else.
	if (from == "ctl" && what ~ /^(party\/settings\.h|conf_take|conf_settle)$/) return
	if ((from ">" to) in wait) { needed[from ">" to] = 1; return }
	fault(where, from " uses " to " (" what ")")
}
# nm: "build/obj/x.o:ADDRESS T name" or "build/obj/x.o:   U name"
/^build\// {
	at = index($0, ":")
	object = substr($0, 1, at - 1)
	type = $(NF - 1)
	if (type == "U") missing[object, ++missed[object]] = $NF
	else if (type ~ /^[TDBRVWC]$/) home[$NF] = object
	next
}
{
	split($0, head, ":")
	file = head[1]
	where = file ":" head[2]
	if (match($0, /[<"][^>"]*[>"]/) == 0) { fault(where, "include of a macro"); next }
	what = substr($0, RSTART + 1, RLENGTH - 2)
	quoted = substr($0, RSTART, 1) == "\""
	from = room_of(file)
	if (!(from in rank) && !(from in uses)) fault(where, "unknown room " from)
	if (what ~ /\.c$/) fault(where, "includes a .c file")
	if (what ~ kernel && from != "os" && file !~ /^src\/demo\/probe/) fault(where, what " outside src/lib/os")
	if (what ~ /^(bearssl.*|inner)\.h$/ && from != "crypto" && from != "tls") fault(where, what " outside src/lib/crypto and src/lib/tls")
	if (what == "jsmn.h" && file != "src/lib/text/json_read.c") fault(where, what " outside src/lib/text/json_read.c")
	if (what == "pthread.h" && file !~ /^src\/lib\/os\/(lock|thread)\.[ch]$/) fault(where, what " outside src/lib/os/{lock,thread}")
	# rename() is declared in stdio.h; that nothing else of it is used is seen in tests/checks/symbols.sh.
	if (what == "stdio.h" && file == "src/lib/os/file.c") next
	if (what ~ /^(stdio|wchar|dlfcn|spawn|alloca|malloc|setjmp)\.h$/) fault(where, what " is not for shipped code")
	if (!quoted || what ~ /^(bearssl.*|jsmn)\.h$/) next
	split(what, part, "/")
	if (part[2] == "") { fault(where, "\"" what "\": name the room"); next }
	if (!(part[1] in rank) && !(part[1] in uses)) { fault(where, "\"" what "\": unknown room"); next }
	check(where, from, part[1], what)
}
END {
	for (object in missed)
		for (i = 1; i <= missed[object]; i++)
			if (missing[object, i] in home)
				check(object, room_of(object), room_of(home[missing[object, i]]), missing[object, i])
	for (p in wait) if (!(p in needed)) fault("tests/checks/rooms.sh", "the exception " p " is not needed any more")
	exit bad
}'
