/* Reading a partner's records beside the analysis: for the older one-shot statistics and the decryption self-test. */
#ifndef PARTY_RECORDS_PARTREAD_H
#define PARTY_RECORDS_PARTREAD_H

#include "base/fault.h"
#include "attest/keys.h"
#include "party/settings.h"
#include "party/steps.h"

/* Gets each record's wanted values (at most RECREAD_WANTED_MAX), plaintext valid during the call. An error ends the reading. */
struct partread_sink {
	void *ctx;
	enum err (*record)(void *ctx, const struct span *value, struct fault *f);
};

/* The right to read: one at a time. False when somebody else does. */
bool partread_enter(void);
void partread_leave(void);
/* Fetches one partner's records over a proven connection (party/partner), decrypts the wanted fields and gives them to the sink one by
 * one. What the sink has got counts only if this returns ERR_OK: only then were all of them verified. *count: records. ERR_STATE
 * without the partner's key; else as partner_fetch and recread_item. Between partread_enter and _leave only. */
MUST_USE enum err partread_run(const struct settings *s, enum role partner, const char *const *wanted, size_t n_wanted,
                               const struct partread_sink *sink, uint64_t *count, struct fault *f);
/* KEYS_CONTOSO or KEYS_FABRIKAM. */
enum key_slot partread_slot(enum role partner);

#endif
