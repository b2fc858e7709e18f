/* What the demonstration answers besides a party's routes. */
#ifndef DEMO_ROUTES_H
#define DEMO_ROUTES_H

#include "party/routes.h"

/* For the HTTP and HTTPS ports; the second with DEBUG_ROUTES=on only. */
extern const struct route_table demo_routes, debug_routes;

#endif
