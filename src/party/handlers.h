/* The handlers: each answers one route, top to bottom. Shapes: README, "The interface". */
#ifndef PARTY_HANDLERS_H
#define PARTY_HANDLERS_H

#include "http/request.h"

/* h_page.c */
handler h_page, h_compare_config;
/* The i-th embedded file and the path it is served at; false past the last. */
struct ui_file;
bool h_page_asset(size_t i, const char **path, const struct ui_file **file);
/* h_info.c */
handler h_health, h_readyz, h_info;
/* h_attest.c */
handler h_attest_maa, h_attest_raw;
/* h_attestation.c */
handler h_attestation, h_attestation_verify, h_proof;
/* h_skr.c */
handler h_skr_config, h_skr_release, h_skr_key_status, h_skr_release_other, h_skr_release_partner;
/* h_crypt.c */
handler h_encrypt, h_decrypt;
/* h_company.c */
handler h_company_info, h_company_populate, h_company_list, h_company_save, h_company_encrypted_status;
/* h_container.c */
handler h_sidecar_status, h_container_info, h_security_policy, h_access_test;
/* h_storage.c */
handler h_storage_config, h_storage_list, h_storage_download;
/* Answers with q->fault of the storage account, with its own status where it gave one. blob_name may be NULL. */
int h_storage_fault(struct request *q, const char *blob_name);
/* h_session.c */
handler h_login, h_logout, h_session;
/* h_local.c: the sidecar port only */
handler h_local_status, h_local_raw, h_local_combined, h_local_maa, h_local_release;
/* h_debug.c: only with DEBUG_ROUTES=on */
handler h_debug_claims, h_debug_partner_keys, h_debug_partner_decrypt;
/* h_peer.c: on the peer port */
handler h_peer_hello, h_peer_proof;
/* h_partner.c */
handler h_partner_demographics, h_partner_analyze, h_partner_stream;

#endif
