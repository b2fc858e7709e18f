/* Where a party's stored records are put besides its own file, in a program that has such a place: party never names it. */
#ifndef PARTY_SHARE_H
#define PARTY_SHARE_H

#include "party/request.h"

struct share {
	/* Puts what is stored there, where the settings ask for it. Doing it twice changes nothing. *total: records there, of all parties;
	 * 0 when nothing was to be put. */
	enum err (*publish)(const struct settings *s, uint64_t *total, int64_t deadline_ms, struct fault *f);
	/* Records there when last seen; 0 before. */
	uint64_t (*total)(void);
	/* Its address, without any signature. */
	void (*url)(const struct settings *s, struct out *o);
	/* Answers a request whose publish failed, from q->fault. */
	int (*refuse)(struct request *q);
};

/* Call once at start; NULL (as without a call): there is none. */
void share_init(const struct share *share);
const struct share *share_get(void);

#endif
