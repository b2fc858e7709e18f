/* TLS: the server's side of the profile. */
#include "tls/tls_state.h"

#include "base/ct.h"

void tls_server_start(struct tls *t, const struct tls_identity *id)
{
	/* AES alone: every processor with SEV-SNP has its instructions, every TLS 1.2 client speaks AES-GCM. */
	static const uint16_t suites[2][2] = {
		{ BR_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, BR_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 },
		{ BR_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, BR_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 },
	};
	bool rsa = id->key.type == KEY_RSA;
	struct tls_state *s = tls_state(t);
	br_ssl_server_context *ssl = &s->side.server;

	tls_begin(s);
	tls_sessions_view(&s->sessions);
	br_ssl_server_zero(ssl);
	tls_profile_apply(s);
	tls_profile_own_curves(s);
	br_ssl_engine_set_suites(&ssl->eng, suites[rsa], 2);
	br_ssl_engine_add_flags(&ssl->eng, BR_OPT_ENFORCE_SERVER_PREFERENCES);
	tls_profile_identity(s, id);
	/* Signing only: without key exchange with the certificate's key there are no static ECDH suites. */
	if (rsa)
		br_ssl_server_set_single_rsa(ssl, s->cert, s->cert_n, &s->rsa_key, BR_KEYTYPE_SIGN, br_rsa_i62_private, br_rsa_i62_pkcs1_sign);
	else
		br_ssl_server_set_single_ec(ssl, s->cert, s->cert_n, &s->key, BR_KEYTYPE_SIGN, BR_KEYTYPE_EC,
		                            bear_ec(EC_P256), br_ecdsa_i31_sign_asn1);
	if (!br_ssl_server_reset(ssl)) {
		s->broken = true;
		s->why = "server set-up failed";
	}
}

void tls_server_resume(struct tls *t)
{
	struct tls_state *s = tls_state(t);

	br_ssl_server_set_cache(&s->side.server, &s->sessions.vtable);
}

void tls_server_ask(struct tls *t)
{
	/* Name with the single common name "parley". The request must name an authority; who the client is decides its
	 * certificate's own evidence, whoever issued it, so this one stands for all. */
	static const uint8_t any[] = { 0x30, 0x11, 0x31, 0x0f, 0x30, 0x0d, 0x06, 0x03, 0x55, 0x04, 0x03,
	                               0x0c, 0x06, 'p', 'a', 'r', 'l', 'e', 'y' };
	struct tls_state *s = tls_state(t);
	br_ssl_server_context *ssl = &s->side.server;

	s->asked = (br_x500_name){ (unsigned char *)(uintptr_t)any, sizeof any }; /* only read */
	br_ssl_server_set_cache(ssl, NULL); /* resuming would do without the certificate */
	br_ssl_server_set_trust_anchor_names(ssl, &s->asked, 1);
	br_ssl_engine_set_ecdsa(&ssl->eng, br_ecdsa_i31_vrfy_asn1); /* for the client's signature over the handshake */
	tls_trust_check_init(&s->check, "", TLS_TRUST_LATER, 0);
	br_ssl_engine_set_x509(&ssl->eng, &s->check.vtable);
}
