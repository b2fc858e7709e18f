/* The handlers: each answers one route, top to bottom. Shapes: README, "The interface". */
#ifndef PARTY_HANDLERS_H
#define PARTY_HANDLERS_H

#include "party/request.h"

/* h_info.c */
handler h_health, h_readyz, h_info;
/* h_attest.c */
handler h_attest_maa, h_attest_raw;
/* h_attestation.c */
handler h_attestation, h_attestation_verify, h_proof;
/* h_skr.c */
handler h_skr_config, h_skr_release, h_skr_key_status, h_skr_release_other, h_skr_release_partner;
/* The body, and in it the provider whose name is the member "partner"; false when answered. */
bool h_skr_partner(struct request *q, enum role *partner);
/* h_company.c */
handler h_company_info, h_company_populate, h_company_list, h_company_save, h_company_encrypted_status;
/* h_session.c */
handler h_login, h_logout, h_session;
/* h_peer.c: on the peer port */
handler h_peer_hello, h_peer_proof;
/* h_partner.c */
handler h_partner_demographics, h_partner_analyze, h_partner_stream;

#endif
