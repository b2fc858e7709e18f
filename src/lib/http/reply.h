/* Answers: one head with the security headers, then a whole body, or a stream. */
#ifndef HTTP_REPLY_H
#define HTTP_REPLY_H

#include "base/fault.h"
#include "text/json_write.h"
#include "http/conn.h"

#define REPLY_WRITE_MS 20000
/* Bytes a millisecond that a client without a proof must take on average, after REPLY_WRITE_MS in all. */
#define REPLY_RATE 32

/* One answer under way. Made by the server for each request. */
struct reply {
	struct conn *conn;
	bool head_only;   /* HEAD: no body is sent */
	bool keep_alive;  /* what the head will say; cleared on any failure */
	bool http10;      /* no chunked coding: a stream ends with the connection */
	bool no_store;    /* of a secret route, or of none */
	bool sent;        /* a head has gone out */
	bool chunked;
	int status;       /* for the log */
	int64_t write_ms; /* how long the client may take for each piece */
	bool stranger;    /* the client gave no proof: REPLY_RATE holds for its whole answer */
	int64_t waited_ms; /* for the client to take what was sent, sent_n bytes */
	uint64_t sent_n;
	const char *extra; /* further header lines for the next head ("Name: value\r\n"), or NULL */
	const char *cache; /* Cache-Control of the next head, or NULL: not stored */
	const char *framed_by; /* origins that may show this page in a frame, blank between, or NULL: nobody */
	const char *frames;    /* origins this page may show in frames, or NULL: its own */
	const char *rate;  /* X-RateLimit lines set by the server, or "" */
};

/* Sends a complete answer. body may be empty. Errors end the connection after this answer. */
void reply_send(struct reply *r, int status, const char *content_type, struct span body);
/* application/json from a finished writer; a writer that overflowed becomes a 500. */
void reply_json(struct reply *r, int status, const struct out *json);
/* {"status":"error","message":...}; or in the form of the site */
void reply_error(struct reply *r, int status, const char *message);
/* An error with all that a fault knows: step, service, its status and code, likely cause and remedy.
 * Status follows the kind of fault (429 is told from a policy denial; Retry-After is passed on). */
void reply_fault(struct reply *r, const struct fault *f);
/* The same with further members (a NULL value is null); status 0: by the kind of fault. */
struct reply_member {
	const char *name, *value;
};
void reply_fault_with(struct reply *r, const struct fault *f, int status, const struct reply_member *more, size_t n);

/* A stream: head, pieces, end. Each piece is sent at once. ERR_TIMEOUT, ERR_CLOSED: the client is gone. */
MUST_USE enum err reply_stream_start(struct reply *r, int status, const char *content_type);
MUST_USE enum err reply_stream_write(struct reply *r, struct span piece);
void reply_stream_end(struct reply *r);

#endif
