/* The table of everything this server answers. */
#ifndef PARTY_ROUTES_H
#define PARTY_ROUTES_H

#include "http/access.h"
#include "http/rate.h"
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
	char method[5]; /* "GET" (HEAD too) or "POST"; text in the table itself needs no relocation */
	char path[32];  /* exact, decoded; one that ends in a star stands for everything below */
	enum access access;
	enum rate_group rate;
	enum route_body body;
	enum place place;   /* that it takes while it runs, since it may wait for the network, the disk or a slow reader */
	handler *run;
};

extern const struct route routes[];
extern const size_t routes_n;

/* Runs the handler and sends what it says; what it answered itself is not looked at. */
void route_run(const struct route *r, struct request *q);

/* Whether a route is at a path (decoded) of a port: its access class says on which. Those below /debug/ exist with DEBUG_ROUTES=on only. */
bool route_is_at(const struct route *r, enum port port, struct span path, const struct settings *s);

#endif
