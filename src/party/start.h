/* A program that is a party: settings, the order of start, and the wait for SIGTERM. */
#ifndef PARTY_START_H
#define PARTY_START_H

#include "http/server.h"
#include "os/seal.h"
#include "party/share.h"

/* What makes one program another. */
struct party_program {
	const char *name;
	struct settings *settings; /* read into it */
	struct site *sites;  /* by enum port. What the settings say of them (on, port, loopback, identity) is filled in */
	struct server_memory memory; /* so are its settings and operator */
	const struct route_table *debug; /* on the HTTP and HTTPS ports with DEBUG_ROUTES=on; NULL: the program has none */
	const struct seal_list *seal; /* what it does after start besides a party; NULL: nothing */
	const struct share *share; /* for STORAGE=blob; NULL: the program has none */
};

/* The program's main: returns its exit status. */
int party_main(const struct party_program *p, int argc, char **argv, char **envp);

#endif
