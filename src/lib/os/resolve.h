/* Host names to addresses without an allocator (musl's getaddrinfo has one). */
#ifndef OS_RESOLVE_H
#define OS_RESOLVE_H

#include "base/err.h"
#include "os/seal.h"

#include <stddef.h>
#include <stdint.h>

/* What resolve_host needs in a sealed process, besides file_seal_read. */
extern const struct seal_list resolve_seal;

struct resolve_addr {
	int family; /* AF_INET or AF_INET6 */
	uint8_t ip[16];
};
#define RESOLVE_MAX 8

/* Literals; localhost and *.localhost as loopback (RFC 6761 section 6.3) without any lookup; /etc/hosts; then A and AAAA
 * through the resolver library (res_query: /etc/resolv.conf, UDP, its own time-outs of some seconds). Answers are not
 * authenticated: TLS decides whom we talk to. ERR_NOT_FOUND. */
MUST_USE enum err resolve_host(const char *host, struct resolve_addr addrs[RESOLVE_MAX], size_t *n);

#endif
