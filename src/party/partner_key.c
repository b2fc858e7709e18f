/* Release of partners' keys. */
#include "party/partner_key.h"

#include "party/steps.h"

enum err partner_key_release(const struct settings *s, enum role partner, bool quiet,
                             struct release_info *info, int64_t deadline_ms, struct fault *f)
{
	const struct partner_settings *p = &s->partner[partner];
	const struct release_target t = { p->akv, p->key_name,
		                          partner == ROLE_FABRIKAM ? KEYS_FABRIKAM : KEYS_CONTOSO,
		                          quiet };

	if (s->role != ROLE_WOODGROVE || (partner != ROLE_CONTOSO && partner != ROLE_FABRIKAM))
		return fault_set(f, ERR_CONFIG, STEP_PARTNER, "this party has no such partner");
	return release_from(&s->attest, &t, info, deadline_ms, f);
}
