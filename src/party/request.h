/* What the handlers of a party work with, besides the library's request. */
#ifndef PARTY_REQUEST_H
#define PARTY_REQUEST_H

#include "http/answer.h"
#include "http/body.h"
#include "attest/attest.h"
#include "party/settings.h"
#include "party/peer.h"
#include "party/query/analyze.h"
#include "party/records/store.h"

/* Memory of one worker thread for the request it runs. Where it may hold a secret comes first, and is wiped after each request of a
 * route that is marked secret (SCRATCH_SECRET bytes). */
struct scratch {
	uint8_t text[ANALYZE_RESULT_MAX + 4096]; /* the answer's JSON */
	uint8_t value[FIELD_VALUE_MAX + RSA_MAX];
	uint8_t value2[2 * (FIELD_VALUE_MAX + RSA_MAX)];
	/* no secrets */
	uint8_t runtime[RUNTIME_DATA_MAX];
	union {
		struct attest_result attest;
		struct peer_work peer;
	};
	struct spool_in reader;
};
#define SCRATCH_SECRET offsetof(struct scratch, runtime)

/* What a connection of the peer port is about, as h_peer.c keeps it. Public data. */
struct peer_conn {
	enum { PARTY_UNKNOWN, PARTY_GREETED, PARTY_PROVEN } state;
	struct peer_talk talk; /* once greeted */
};

#endif
