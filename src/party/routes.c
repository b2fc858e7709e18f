/* The table of everything this server answers. */
#include "party/routes.h"

#include "http/answer.h"
#include "party/handlers.h"

#define PUBLIC ACCESS_PUBLIC
#define OPERATOR ACCESS_OPERATOR
#define SIGN_IN ACCESS_SIGN_IN
#define LOCAL ACCESS_LOCAL
#define GREET ACCESS_GREET
#define PEER ACCESS_PEER

const struct route routes[] = {
	/* method  path                      access    rate          body           place           handler */
	{ "GET",  "/",                       PUBLIC,   RATE_NONE,    BODY_NONE,     PLACE_NONE,     h_page },
	{ "GET",  "/compare",                PUBLIC,   RATE_NONE,    BODY_NONE,     PLACE_NONE,     h_page },
	{ "GET",  "/compare/config",         PUBLIC,   RATE_NONE,    BODY_NONE,     PLACE_NONE,     h_compare_config },
	{ "GET",  "/ui/style.css",           PUBLIC,   RATE_NONE,    BODY_NONE,     PLACE_NONE,     h_page },
	{ "GET",  "/ui/analysis.js",         PUBLIC,   RATE_NONE,    BODY_NONE,     PLACE_NONE,     h_page },
	{ "GET",  "/ui/app.js",              PUBLIC,   RATE_NONE,    BODY_NONE,     PLACE_NONE,     h_page },
	{ "GET",  "/ui/attest.js",           PUBLIC,   RATE_NONE,    BODY_NONE,     PLACE_NONE,     h_page },
	{ "GET",  "/ui/base.js",             PUBLIC,   RATE_NONE,    BODY_NONE,     PLACE_NONE,     h_page },
	{ "GET",  "/ui/claims.js",           PUBLIC,   RATE_NONE,    BODY_NONE,     PLACE_NONE,     h_page },
	{ "GET",  "/ui/compare.js",          PUBLIC,   RATE_NONE,    BODY_NONE,     PLACE_NONE,     h_page },
	{ "GET",  "/ui/data.js",             PUBLIC,   RATE_NONE,    BODY_NONE,     PLACE_NONE,     h_page },
	{ "GET",  "/ui/map.js",              PUBLIC,   RATE_NONE,    BODY_NONE,     PLACE_NONE,     h_page },
	{ "GET",  "/ui/proof.js",            PUBLIC,   RATE_NONE,    BODY_NONE,     PLACE_NONE,     h_page },
	{ "GET",  "/ui/verify.mjs",          PUBLIC,   RATE_NONE,    BODY_NONE,     PLACE_NONE,     h_page },
	{ "GET",  "/health",                 PUBLIC,   RATE_NONE,    BODY_NONE,     PLACE_NONE,     h_health },
	{ "GET",  "/healthz",                PUBLIC,   RATE_NONE,    BODY_NONE,     PLACE_NONE,     h_health },
	{ "GET",  "/readyz",                 PUBLIC,   RATE_NONE,    BODY_NONE,     PLACE_NONE,     h_readyz },
	{ "GET",  "/info",                   PUBLIC,   RATE_ATTEST,  BODY_NONE,     PLACE_EVIDENCE, h_info },
	{ "POST", "/login",                  SIGN_IN,  RATE_AUTH,    BODY_JSON,     PLACE_NONE,     h_login },
	{ "POST", "/logout",                 PUBLIC,   RATE_NONE,    BODY_NONE,     PLACE_NONE,     h_logout },
	{ "GET",  "/session",                PUBLIC,   RATE_NONE,    BODY_NONE,     PLACE_NONE,     h_session },
	{ "GET",  "/sidecar/status",         PUBLIC,   RATE_NONE,    BODY_NONE,     PLACE_NONE,     h_sidecar_status },
	{ "GET",  "/container/info",         PUBLIC,   RATE_SHOW,    BODY_NONE,     PLACE_NONE,     h_container_info },
	{ "POST", "/container/access-test",  PUBLIC,   RATE_ATTEST,  BODY_NONE,     PLACE_SHOW,     h_access_test },
	{ "GET",  "/security/policy",        PUBLIC,   RATE_ATTEST,  BODY_NONE,     PLACE_EVIDENCE, h_security_policy },
	{ "POST", "/attest/maa",             PUBLIC,   RATE_ATTEST,  BODY_JSON,     PLACE_EVIDENCE, h_attest_maa },
	{ "POST", "/attest/raw",             PUBLIC,   RATE_ATTEST,  BODY_JSON,     PLACE_EVIDENCE, h_attest_raw },
	{ "GET",  "/attestation",            PUBLIC,   RATE_ATTEST,  BODY_NONE,     PLACE_EVIDENCE, h_attestation },
	{ "POST", "/attestation/verify",     PUBLIC,   RATE_ATTEST,  BODY_JSON,     PLACE_EVIDENCE, h_attestation_verify },
	{ "GET",  "/.well-known/parley/proof", PUBLIC, RATE_ATTEST,  BODY_NONE,     PLACE_EVIDENCE, h_proof },
	{ "GET",  "/skr/config",             PUBLIC,   RATE_NONE,    BODY_NONE,     PLACE_NONE,     h_skr_config },
	{ "POST", "/skr/release",            OPERATOR, RATE_RELEASE, BODY_JSON_OPT, PLACE_OPERATOR, h_skr_release },
	{ "GET",  "/skr/key-status",         PUBLIC,   RATE_NONE,    BODY_NONE,     PLACE_NONE,     h_skr_key_status },
	{ "POST", "/skr/release-other",      OPERATOR, RATE_RELEASE, BODY_NONE,     PLACE_OPERATOR, h_skr_release_other },
	{ "POST", "/skr/release-partner",    OPERATOR, RATE_RELEASE, BODY_JSON,     PLACE_OPERATOR, h_skr_release_partner },
	{ "POST", "/encrypt",                OPERATOR, RATE_CRYPT,   BODY_JSON,     PLACE_NONE,     h_encrypt },
	{ "POST", "/decrypt",                OPERATOR, RATE_CRYPT,   BODY_JSON,     PLACE_NONE,     h_decrypt },
	{ "GET",  "/company/info",           PUBLIC,   RATE_NONE,    BODY_NONE,     PLACE_NONE,     h_company_info },
	{ "POST", "/company/populate",       OPERATOR, RATE_HEAVY,   BODY_STREAM,   PLACE_OPERATOR, h_company_populate },
	{ "POST", "/company/save",           OPERATOR, RATE_SAVE,    BODY_JSON,     PLACE_OPERATOR, h_company_save },
	{ "GET",  "/company/encrypted-status", PUBLIC, RATE_SHOW,    BODY_NONE,     PLACE_SHOW,     h_company_encrypted_status },
	{ "GET",  "/company/list",           OPERATOR, RATE_NONE,    BODY_NONE,     PLACE_OPERATOR, h_company_list },
	{ "POST", "/peer/hello",             GREET,    RATE_PEER,    BODY_JSON,     PLACE_PEER,     h_peer_hello },
	{ "POST", "/peer/proof",             GREET,    RATE_PEER,    BODY_JSON,     PLACE_PEER,     h_peer_proof },
	{ "GET",  "/company/list",           PEER,     RATE_NONE,    BODY_NONE,     PLACE_PEER,     h_company_list },
	{ "GET",  "/storage/config",         PUBLIC,   RATE_SHOW,    BODY_NONE,     PLACE_NONE,     h_storage_config },
	{ "GET",  "/storage/list",           PUBLIC,   RATE_SHOW,    BODY_NONE,     PLACE_SHOW,     h_storage_list },
	{ "GET",  "/storage/download/*",     PUBLIC,   RATE_SHOW,    BODY_NONE,     PLACE_SHOW,     h_storage_download },
	{ "POST", "/partner/analyze",        OPERATOR, RATE_HEAVY,   BODY_JSON_OPT, PLACE_OPERATOR, h_partner_analyze },
	{ "GET",  "/partner/analyze-stream", OPERATOR, RATE_NONE,    BODY_NONE,     PLACE_OPERATOR, h_partner_stream },
	{ "POST", "/analytics/partner-demographics", OPERATOR, RATE_HEAVY,   BODY_JSON,     PLACE_OPERATOR, h_partner_demographics },
	{ "GET",  "/debug/attestation-claims", OPERATOR, RATE_ATTEST,  BODY_NONE,     PLACE_OPERATOR, h_debug_claims },
	{ "GET",  "/debug/partner-keys",     OPERATOR, RATE_NONE,    BODY_NONE,     PLACE_NONE,     h_debug_partner_keys },
	{ "POST", "/debug/test-partner-decrypt", OPERATOR, RATE_HEAVY,   BODY_JSON,     PLACE_OPERATOR, h_debug_partner_decrypt },
	/* the SKR sidecar's interface */
	{ "GET",  "/status",                 LOCAL,    RATE_NONE,    BODY_NONE,     PLACE_NONE,     h_local_status },
	{ "POST", "/attest/raw",             LOCAL,    RATE_NONE,    BODY_ANY,      PLACE_LOCAL,    h_local_raw },
	{ "POST", "/attest/combined",        LOCAL,    RATE_NONE,    BODY_ANY,      PLACE_LOCAL,    h_local_combined },
	{ "POST", "/attest/maa",             LOCAL,    RATE_NONE,    BODY_ANY,      PLACE_LOCAL,    h_local_maa },
	{ "POST", "/key/release",            LOCAL,    RATE_NONE,    BODY_ANY,      PLACE_LOCAL,    h_local_release },
};

const size_t routes_n = sizeof routes / sizeof routes[0];

void route_run(const struct route *r, struct request *q)
{
	struct out o = out_init(q->scratch->text, sizeof q->scratch->text);
	struct jw w = jw_init(&o);
	int status;

	jw_object(&w, NULL);
	status = r->run(q, &w);
	if (status == FAILED)
		reply_fault(q->reply, &q->fault);
	else if (status != REPLIED)
		answer_object(q, &w, status);
}

bool route_is_at(const struct route *r, enum port port, struct span path, const struct settings *s)
{
	const char *own = r->path;
	size_t at = 0;

	/* Nearly all of the table differs here already. */
	if (path.n > 1 && own[1] != path.p[1] && own[1] != '*')
		return false;
	if ((r->access == ACCESS_PEER || r->access == ACCESS_GREET) != (port == PORT_PEER) || (r->access == ACCESS_LOCAL) != (port == PORT_SIDECAR))
		return false;
	while (at < path.n && own[at] && own[at] != '*' && path.p[at] == (uint8_t)own[at])
		at++;
	/* A '*' stands for all that follows, at least one character. */
	if (own[at] == '*' ? at == path.n : own[at] || at < path.n)
		return false;
	return s->demo.debug_routes || !span_starts(path, "/debug/");
}
