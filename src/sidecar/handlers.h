/* The handlers of the SKR sidecar's interface. */
#ifndef SIDECAR_HANDLERS_H
#define SIDECAR_HANDLERS_H

#include "http/request.h"

/* h_local.c */
handler h_local_status, h_local_raw, h_local_combined, h_local_maa, h_local_release;

#endif
