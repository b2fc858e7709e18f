/* The handlers: each answers one route, top to bottom. Shapes: README, "The interface". */
#ifndef HTTP_HANDLERS_H
#define HTTP_HANDLERS_H

#include "http/request.h"

/* h_page.c */
void h_page(struct request *q);
void h_compare_config(struct request *q);
/* The i-th embedded file and the path it is served at; false past the last. */
struct ui_file;
bool h_page_asset(size_t i, const char **path, const struct ui_file **file);
/* h_info.c */
void h_health(struct request *q);
void h_readyz(struct request *q);
void h_info(struct request *q);
/* h_attest.c */
void h_attest_maa(struct request *q);
void h_attest_raw(struct request *q);
/* h_attestation.c */
void h_attestation(struct request *q);
void h_attestation_verify(struct request *q);
void h_proof(struct request *q);
/* h_skr.c */
void h_skr_config(struct request *q);
void h_skr_release(struct request *q);
void h_skr_key_status(struct request *q);
void h_skr_release_other(struct request *q);
void h_skr_release_partner(struct request *q);
/* h_crypt.c */
void h_encrypt(struct request *q);
void h_decrypt(struct request *q);
/* h_company.c */
void h_company_info(struct request *q);
void h_company_populate(struct request *q);
void h_company_list(struct request *q);
void h_company_save(struct request *q);
void h_company_encrypted_status(struct request *q);
/* h_container.c */
void h_sidecar_status(struct request *q);
void h_container_info(struct request *q);
void h_security_policy(struct request *q);
void h_access_test(struct request *q);
/* h_storage.c */
void h_storage_config(struct request *q);
void h_storage_list(struct request *q);
void h_storage_download(struct request *q);
/* Answers with what went wrong at the storage account, with its own status where it gave one. blob_name may be NULL. */
void h_storage_fault(struct request *q, const struct fault *f, const char *blob_name);
/* h_session.c */
void h_login(struct request *q);
void h_logout(struct request *q);
void h_session(struct request *q);
/* h_local.c: the sidecar port only */
void h_local_status(struct request *q);
void h_local_raw(struct request *q);
void h_local_combined(struct request *q);
void h_local_maa(struct request *q);
void h_local_release(struct request *q);
/* h_debug.c: only with DEBUG_ROUTES=on */
void h_debug_claims(struct request *q);
void h_debug_partner_keys(struct request *q);
void h_debug_partner_decrypt(struct request *q);
/* h_peer.c: on the peer port */
void h_peer_hello(struct request *q);
void h_peer_proof(struct request *q);
/* h_partner.c */
void h_partner_demographics(struct request *q);
void h_partner_analyze(struct request *q);
void h_partner_stream(struct request *q);

#endif
