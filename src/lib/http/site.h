/* A site: one listening port, who may talk to it, and what it answers. A program passes its sites to server_listen: what holds for a port
 * or a route stands in these tables and nowhere else. */
#ifndef HTTP_SITE_H
#define HTTP_SITE_H

#include "http/access.h"
#include "http/request.h"
#include "http/slots.h"

enum route_body {
	BODY_NONE,     /* a body is read and ignored */
	BODY_JSON,     /* application/json required */
	BODY_JSON_OPT, /* no body, or application/json */
	BODY_ANY,      /* of whatever type it says it is: the handler judges it */
	BODY_STREAM    /* read by the handler as it arrives */
};

struct route {
	char method[5];  /* "GET" (HEAD too) or "POST"; text in the table itself needs no relocation */
	char path[32];   /* exact, decoded; one that ends in a star stands for everything below */
	bool secret;     /* the answer is not stored; what the handler left in the worker's secret memory is wiped (http/server.h) */
	uint16_t rate;   /* requests of one address within 60 s; 0: any number */
	enum access access;
	enum route_body body;
	enum place place; /* that it takes while it runs, since it may wait for the network, the disk or a slow reader */
	handler *run;
};

/* An array of routes. Sites may share tables; the first table that has a path and method decides. */
struct route_table {
	const struct route *route;
	size_t n;
};
#define ROUTES(array) { array, sizeof array / sizeof (array)[0] }
#define SITE_TABLES 4

/* The form of answers, where clients expect another program's. */
struct site_form {
	const char *json_type;    /* Content-Type of JSON */
	const char *error_member; /* of the object that an error is: the message */
	bool error_status;        /* and "status":"error" */
	const char *no_route;     /* text of a 404 where no route fits path and method; NULL: an error, 405 with Allow, 204 for OPTIONS */
};

struct site {
	const char *name;      /* of its lines in the log */
	const char *listening; /* line in the log once it listens, with the port */
	bool on;               /* false: there is no such port */
	uint16_t port;         /* 0: the kernel's choice. Once it listens, the port's number */
	bool loopback;         /* bound to 127.0.0.1 */
	const struct tls_identity *identity; /* NULL: plain */
	bool asks;             /* TLS asks for the client's certificate, and resumes no session */
	const char *unproven;  /* the error where ACCESS_PROVEN is needed and the connection is not */
	const struct site *secure; /* where to come with a secret instead: over TLS. NULL: nowhere */
	const struct site_form *form; /* NULL: ours */
	const struct route_table *table[SITE_TABLES]; /* NULL: none */
	void *kept;            /* memory that its handlers keep for connections (conn->kept): HTTP_SLOTS times */
	size_t kept_len;       /* bytes, wiped when the connection ends */
};

#endif
