/* What the demonstration answers. */
#include "demo/routes.h"

#include "demo/handlers.h"

#define PUBLIC ACCESS_PUBLIC
#define OPERATOR ACCESS_OPERATOR

static const struct route routes[] = {
	/* method  path                       secret  rate          access    body           place           handler */
	{ "GET",  "/",                        OPEN,   RATE_NONE,    PUBLIC,   BODY_NONE,     PLACE_NONE,     h_page },
	{ "GET",  "/ui/*",                    OPEN,   RATE_NONE,    PUBLIC,   BODY_NONE,     PLACE_NONE,     h_page },
	{ "GET",  "/compare",                 OPEN,   RATE_NONE,    PUBLIC,   BODY_NONE,     PLACE_NONE,     h_page },
	{ "GET",  "/compare/config",          OPEN,   RATE_NONE,    PUBLIC,   BODY_NONE,     PLACE_NONE,     h_compare_config },
	{ "GET",  "/sidecar/status",          OPEN,   RATE_NONE,    PUBLIC,   BODY_NONE,     PLACE_NONE,     h_sidecar_status },
	{ "GET",  "/container/info",          OPEN,   RATE_SHOW,    PUBLIC,   BODY_NONE,     PLACE_NONE,     h_container_info },
	{ "POST", "/container/access-test",   OPEN,   RATE_ATTEST,  PUBLIC,   BODY_NONE,     PLACE_SHOW,     h_access_test },
	{ "GET",  "/security/policy",         OPEN,   RATE_ATTEST,  PUBLIC,   BODY_NONE,     PLACE_EVIDENCE, h_security_policy },
	{ "POST", "/encrypt",                 SECRET, RATE_CRYPT,   OPERATOR, BODY_JSON,     PLACE_NONE,     h_encrypt },
	{ "POST", "/decrypt",                 SECRET, RATE_CRYPT,   OPERATOR, BODY_JSON,     PLACE_NONE,     h_decrypt },
	{ "GET",  "/storage/config",          OPEN,   RATE_SHOW,    PUBLIC,   BODY_NONE,     PLACE_NONE,     h_storage_config },
	{ "GET",  "/storage/list",            OPEN,   RATE_SHOW,    PUBLIC,   BODY_NONE,     PLACE_SHOW,     h_storage_list },
	{ "GET",  "/storage/download/*",      OPEN,   RATE_SHOW,    PUBLIC,   BODY_NONE,     PLACE_SHOW,     h_storage_download },
};

static const struct route debug[] = {
	{ "GET",  "/debug/attestation-claims", OPEN,  RATE_ATTEST,  OPERATOR, BODY_NONE,     PLACE_OPERATOR, h_debug_claims },
	{ "GET",  "/debug/partner-keys",      OPEN,   RATE_NONE,    OPERATOR, BODY_NONE,     PLACE_NONE,     h_debug_partner_keys },
	{ "POST", "/debug/test-partner-decrypt", OPEN, RATE_HEAVY,  OPERATOR, BODY_JSON,     PLACE_OPERATOR, h_debug_partner_decrypt },
};

const struct route_table demo_routes = ROUTES(routes);
const struct route_table debug_routes = ROUTES(debug);
