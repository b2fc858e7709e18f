/* The demonstration's handlers. Shapes: README, "The interface". */
#ifndef DEMO_HANDLERS_H
#define DEMO_HANDLERS_H

#include "demo/request.h"

/* h_page.c */
handler h_page, h_compare_config;
/* h_crypt.c */
handler h_encrypt, h_decrypt;
/* h_container.c */
handler h_sidecar_status, h_container_info, h_security_policy, h_access_test;
/* h_storage.c */
handler h_storage_config, h_storage_list, h_storage_download;
/* Answers with q->fault of the storage account, with its own status where it gave one. blob_name may be NULL. */
int h_storage_fault(struct request *q, const char *blob_name);
/* h_debug.c: only with DEBUG_ROUTES=on */
handler h_debug_claims, h_debug_partner_keys, h_debug_partner_decrypt;

#endif
