# Our own objects ask the C library for nothing that we forbid: no heap, no stdio, no unbounded strings, no other
# program, no loading of code, no environment (main's third argument is the only way to it).
set -eu
LC_ALL=C
export LC_ALL
objects=$(find build/obj -name '*.o' | sort)
[ -n "$objects" ] || { echo "no objects"; exit 1; }

heap='malloc|calloc|realloc|reallocarray|free|aligned_alloc|memalign|posix_memalign|valloc|strdup|strndup|brk|sbrk'
stdio='v?[fsd]?n?w?printf|v?asprintf|v?[fs]?w?scanf|f?puts|f?putc|putchar|f?getc|getchar|f?gets|getline|getdelim'
stdio="$stdio|fopen|fdopen|freopen|fmemopen|fclose|fread|fwrite|fflush|fseeko?|ftello?|setv?buf|perror|stdin|stdout|stderr"
text='strcpy|strncpy|strcat|strncat|stpn?cpy|strtok|strtok_r|wcscpy|wcscat'
program='system|popen|exec[lv]p?e?|execvpe|fexecve|posix_spawnp?|fork|vfork|clone'
loading='dlopen|dlsym|dlmopen'
setting='getenv|secure_getenv|setenv|putenv|environ|__environ'
forbidden="^($heap|$stdio|$text|$program|$loading|$setting)\$"

bad=0
tmp=$(mktemp)
trap 'rm -f "$tmp"' EXIT
# Lines "build/obj/x.o: U name".
# shellcheck disable=SC2086 # a list of objects
nm -A -u $objects | sed 's/: */: /' > "$tmp"
used() { awk -v names="$1" '$NF ~ names { sub(/:$/, "", $1); print $1 " uses " $NF; found = 1 } END { exit !found }'; }
used "$forbidden" < "$tmp" && bad=1
# Threads are made and locked in two places only.
grep -vE '^build/obj/src/lib/os/(lock|thread)\.o' "$tmp" | used '^pthread_' && bad=1

# The programs ask nobody for anything, and nothing of what is forbidden comes into them through the C library either, but for these:
# musl's resolver reads resolv.conf (fgets, getc) and looks up the interface of a link-local name server (strncpy, stpncpy); its start
# keeps environ; threads are cloned.
needless='fgets|getc|_IO_getc|fgets_unlocked|_*st[rp]ncpy|_*environ|__clone'
for f in build/parley.full build/parley-party.full build/parleyctl.full; do
	nm "$f" > "$tmp"
	awk -v f="$f" '$(NF - 1) == "U" || $(NF - 1) == "w" { print f ": undefined: " $NF; found = 1 } END { exit !found }' "$tmp" && bad=1
	awk '$2 ~ /[TtWwVDB]/' "$tmp" | grep -vE " ($needless)\$" | used "^_*(libc_)?($heap|$stdio|$text|$program|$loading|$setting)\$" | sed "s|.*uses|$f contains|" | grep . && bad=1
done
exit $bad
