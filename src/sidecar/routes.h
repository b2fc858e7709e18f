/* The SKR sidecar's interface, for a site on a loopback port. */
#ifndef SIDECAR_ROUTES_H
#define SIDECAR_ROUTES_H

#include "attest/attest.h"
#include "http/site.h"

/* Memory of one worker for its handlers, at the beginning of what the program gives. SIDECAR_SECRET bytes may hold a secret. */
struct sidecar_scratch {
	uint8_t text[131072]; /* the request's fields, then the answer */
	uint8_t jwk[9216];    /* a released key: of RSA-4096 about 3,200 bytes */
	/* no secrets */
	uint8_t runtime[RUNTIME_DATA_MAX];
	union {
		struct attest_result attest;
		struct attest_collateral collateral;
	};
};
#define SIDECAR_SECRET offsetof(struct sidecar_scratch, runtime)

extern const struct route_table sidecar_routes;
/* Call once before it is served: what attests, once it has been read. Lives for the whole run. */
void sidecar_init(const struct attest_settings *s);
/* Its clients know this form only. */
extern const struct site_form sidecar_form;
#define SIDECAR_SITE { \
	.name = "sidecar", .listening = "listening for this container group", .loopback = true, .form = &sidecar_form, \
	.table = { &sidecar_routes }, \
}

#endif
