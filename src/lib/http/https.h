/* One HTTP/1.1 connection to a service, and exchanges over it, all with absolute deadlines. */
#ifndef HTTP_HTTPS_H
#define HTTP_HTTPS_H

#include "base/fault.h"
#include "base/limits.h"
#include "tls/tls.h"
#include "text/chunked.h"
#include "text/http_head.h"

/* A connection and its buffers, about 80 KiB: static storage of whoever makes calls. Zero-initialise. May hold
 * tokens: wiped by https_close. */
struct https {
	struct tls tls;
	int fd;
	bool open, plain, body_done, unsafe_to_reuse;
	char host[HOST_MAX];
	char service[HOSTPORT_MAX]; /* for faults */
	uint16_t port;
	uint8_t in[CLIENT_HEAD_MAX + 4096];
	size_t in_at, in_n;
	struct http_head head;      /* of the current response, views into head_bytes */
	uint8_t head_bytes[CLIENT_HEAD_MAX];
	struct chunked chunked;
	uint64_t body_left;
};

struct https_target {
	bool plain;          /* http, only for link-local and loopback platform endpoints */
	const char *host;
	uint16_t port;
	enum tls_trust trust; /* see tls/tls.h */
	const struct tls_identity *own; /* shown when the service asks for it, or NULL */
};

/* Connects (TLS handshake included). f gets step and service. ERR_NOT_FOUND, ERR_CONNECT, ERR_TIMEOUT, ERR_TLS,
 * ERR_UNTRUSTED. On error the connection is closed. */
MUST_USE enum err https_open(struct https *c, const struct https_target *to, const struct step *step, int64_t deadline_ms,
                             struct fault *f);

struct https_request {
	const char *method;
	const char *target;    /* path and query, already encoded */
	const char *headers;   /* further complete lines "Name: value\r\n...", or NULL; may hold a bearer token */
	const char *content_type; /* with a body */
	struct span body;      /* empty for none (POST/PUT then send Content-Length: 0) */
};

/* Sends the request and reads the response head into c->head (1xx skipped). The body is read by https_body or
 * https_read. Redirects are never followed. ERR_TIMEOUT, ERR_CLOSED, ERR_PROTOCOL, ERR_TLS. */
MUST_USE enum err https_send(struct https *c, const struct https_request *r, const struct step *step, int64_t deadline_ms,
                             struct fault *f);
/* Next 1..cap bytes of the body; *n = 0 at its proper end. A body cut short is ERR_CLOSED. */
MUST_USE enum err https_read(struct https *c, uint8_t *dst, size_t cap, size_t *n, const struct step *step, int64_t deadline_ms,
                             struct fault *f);
/* The whole body into dst[cap]; ERR_TOO_BIG beyond. */
MUST_USE enum err https_body(struct https *c, uint8_t *dst, size_t cap, size_t *n, const struct step *step, int64_t deadline_ms,
                             struct fault *f);
/* As much of an error answer's body as comes and fits in dst[cap]: its length. What is missing is
 * no further error; the connection is then closed. */
size_t https_error_body(struct https *c, uint8_t *dst, size_t cap, const struct step *step,
			int64_t deadline_ms);
/* Retry-After of the current response in seconds (delta form, or HTTP date against now), 0 when absent or absurd. */
uint32_t https_retry_after(const struct https *c);
/* Closes and wipes; safe on a closed or zeroed one. */
void https_close(struct https *c);

#endif
