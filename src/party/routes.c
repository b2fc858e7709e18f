/* What a party answers. */
#include "party/routes.h"

#include "party/handlers.h"

#define PUBLIC ACCESS_PUBLIC
#define OPERATOR ACCESS_OPERATOR
#define SIGN_IN ACCESS_SIGN_IN
#define PROVEN ACCESS_PROVEN

static const struct route routes[] = {
	/* method  path                       secret  rate          access    body           place           handler */
	{ "GET",  "/health",                  OPEN,   RATE_NONE,    PUBLIC,   BODY_NONE,     PLACE_NONE,     h_health },
	{ "GET",  "/healthz",                 OPEN,   RATE_NONE,    PUBLIC,   BODY_NONE,     PLACE_NONE,     h_health },
	{ "GET",  "/readyz",                  OPEN,   RATE_NONE,    PUBLIC,   BODY_NONE,     PLACE_NONE,     h_readyz },
	{ "GET",  "/info",                    OPEN,   RATE_ATTEST,  PUBLIC,   BODY_NONE,     PLACE_EVIDENCE, h_info },
	{ "POST", "/login",                   SECRET, RATE_LOGIN,   SIGN_IN,  BODY_JSON,     PLACE_NONE,     h_login },
	{ "POST", "/logout",                  OPEN,   RATE_NONE,    PUBLIC,   BODY_NONE,     PLACE_NONE,     h_logout },
	{ "GET",  "/session",                 OPEN,   RATE_NONE,    PUBLIC,   BODY_NONE,     PLACE_NONE,     h_session },
	{ "POST", "/attest/maa",              OPEN,   RATE_ATTEST,  PUBLIC,   BODY_JSON,     PLACE_EVIDENCE, h_attest_maa },
	{ "POST", "/attest/raw",              OPEN,   RATE_ATTEST,  PUBLIC,   BODY_JSON,     PLACE_EVIDENCE, h_attest_raw },
	{ "GET",  "/attestation",             OPEN,   RATE_ATTEST,  PUBLIC,   BODY_NONE,     PLACE_EVIDENCE, h_attestation },
	{ "POST", "/attestation/verify",      OPEN,   RATE_ATTEST,  PUBLIC,   BODY_JSON,     PLACE_EVIDENCE, h_attestation_verify },
	{ "GET",  "/.well-known/parley/proof", OPEN,  RATE_ATTEST,  PUBLIC,   BODY_NONE,     PLACE_EVIDENCE, h_proof },
	{ "GET",  "/skr/config",              SECRET, RATE_NONE,    PUBLIC,   BODY_NONE,     PLACE_NONE,     h_skr_config },
	{ "POST", "/skr/release",             SECRET, RATE_RELEASE, OPERATOR, BODY_JSON_OPT, PLACE_OPERATOR, h_skr_release },
	{ "GET",  "/skr/key-status",          SECRET, RATE_NONE,    PUBLIC,   BODY_NONE,     PLACE_NONE,     h_skr_key_status },
	{ "POST", "/skr/release-other",       SECRET, RATE_RELEASE, OPERATOR, BODY_NONE,     PLACE_OPERATOR, h_skr_release_other },
	{ "POST", "/skr/release-partner",     SECRET, RATE_RELEASE, OPERATOR, BODY_JSON,     PLACE_OPERATOR, h_skr_release_partner },
	{ "GET",  "/company/info",            OPEN,   RATE_NONE,    PUBLIC,   BODY_NONE,     PLACE_NONE,     h_company_info },
	{ "POST", "/company/populate",        SECRET, RATE_HEAVY,   OPERATOR, BODY_STREAM,   PLACE_OPERATOR, h_company_populate },
	{ "POST", "/company/save",            SECRET, RATE_SAVE,    OPERATOR, BODY_JSON,     PLACE_OPERATOR, h_company_save },
	{ "GET",  "/company/encrypted-status", OPEN,  RATE_SHOW,    PUBLIC,   BODY_NONE,     PLACE_SHOW,     h_company_encrypted_status },
	{ "GET",  "/company/list",            OPEN,   RATE_NONE,    OPERATOR, BODY_NONE,     PLACE_OPERATOR, h_company_list },
	{ "POST", "/partner/analyze",         OPEN,   RATE_HEAVY,   OPERATOR, BODY_JSON_OPT, PLACE_OPERATOR, h_partner_analyze },
	{ "GET",  "/partner/analyze-stream",  OPEN,   RATE_NONE,    OPERATOR, BODY_NONE,     PLACE_OPERATOR, h_partner_stream },
	{ "POST", "/analytics/partner-demographics", OPEN, RATE_HEAVY, OPERATOR, BODY_JSON,  PLACE_OPERATOR, h_partner_demographics },
};

static const struct route peers[] = {
	{ "POST", "/peer/hello",              OPEN,   RATE_PEER,    PUBLIC,   BODY_JSON,     PLACE_PEER,     h_peer_hello },
	{ "POST", "/peer/proof",              OPEN,   RATE_PEER,    PUBLIC,   BODY_JSON,     PLACE_PEER,     h_peer_proof },
	{ "GET",  "/company/list",            OPEN,   RATE_NONE,    PROVEN,   BODY_NONE,     PLACE_PEER,     h_company_list },
};

const struct route_table party_routes = ROUTES(routes);
const struct route_table peer_routes = ROUTES(peers);
