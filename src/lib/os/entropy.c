/* The kernel's random source. */
#include "os/entropy.h"

#include <errno.h>
#include <stdint.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/log.h"

void entropy_fill(void *p, size_t n)
{
	uint8_t *at = p;

	while (n) {
		/* Requests up to 256 bytes are never cut short by a signal once the pool is ready (getrandom(2)). */
		ssize_t got = getrandom(at, n < 256 ? n : 256, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			log_line(LOG_ERROR, "entropy", "the kernel gives no random bytes; stopping");
			_exit(70);
		}
		at += got;
		n -= (size_t)got;
	}
}
