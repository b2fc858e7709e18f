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
for o in $objects; do
	used=$(nm -u "$o" | awk '{ print $NF }' | grep -E "$forbidden" || true)
	[ -z "$used" ] && continue
	echo "$o uses" $used
	bad=1
done
# Threads are made and locked in two places only.
for o in $objects; do
	case $o in build/obj/plat/lock.o|build/obj/plat/thread.o) continue ;; esac
	used=$(nm -u "$o" | awk '{ print $NF }' | grep -E '^pthread_' || true)
	[ -z "$used" ] && continue
	echo "$o uses" $used
	bad=1
done
# And nothing of it comes into the program through the C library: the heap is not there at all.
for f in build/parley.full build/parleyctl.full; do
	used=$(nm "$f" | awk '$2 ~ /[TtWw]/ { print $NF }' | grep -E '^(malloc|calloc|realloc|__libc_malloc|__libc_calloc|execve|system|dlopen)$' || true)
	[ -z "$used" ] && continue
	echo "$f contains" $used
	bad=1
done
exit $bad
