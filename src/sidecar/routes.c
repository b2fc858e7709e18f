/* The SKR sidecar's interface. */
#include "sidecar/routes.h"

#include "sidecar/handlers.h"

#define OPEN false
#define SECRET true
#define LOCAL ACCESS_LOCAL

static const struct route routes[] = {
	/* method  path               secret  rate  access body      place        handler */
	{ "GET",  "/status",          OPEN,   0,    LOCAL, BODY_NONE, PLACE_NONE,  h_local_status },
	{ "POST", "/attest/raw",      OPEN,   0,    LOCAL, BODY_ANY,  PLACE_LOCAL, h_local_raw },
	{ "POST", "/attest/combined", OPEN,   0,    LOCAL, BODY_ANY,  PLACE_LOCAL, h_local_combined },
	{ "POST", "/attest/maa",      OPEN,   0,    LOCAL, BODY_ANY,  PLACE_LOCAL, h_local_maa },
	{ "POST", "/key/release",     SECRET, 0,    LOCAL, BODY_ANY,  PLACE_LOCAL, h_local_release },
};

const struct route_table sidecar_routes = ROUTES(routes);

const struct site_form sidecar_form = {
	.json_type = "application/json; charset=utf-8", .error_member = "error", .no_route = "404 page not found",
};
