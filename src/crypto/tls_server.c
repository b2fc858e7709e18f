/* TLS: the server's side of the profile. */
#include "crypto/tls_state.h"

#include "base/ct.h"

void tls_server_start(struct tls *t, const struct tls_identity *id)
{
	static const uint16_t suites[] = {
		BR_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
		BR_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
		BR_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
	};
	struct tls_state *s = tls_state(t);
	struct span cert = tls_identity_cert(id);
	br_ssl_server_context *ssl = &s->side.server.ssl;

	tls_wipe(t);
	br_ssl_server_zero(ssl);
	tls_profile_apply(s);
	br_ssl_engine_set_suites(&ssl->eng, suites, sizeof suites / sizeof suites[0]);
	br_ssl_engine_add_flags(&ssl->eng, BR_OPT_ENFORCE_SERVER_PREFERENCES);
	/* BearSSL's structures are not const; it only reads through them. */
	s->side.server.cert.data = (unsigned char *)(uintptr_t)cert.p;
	s->side.server.cert.data_len = cert.n;
	s->side.server.key.curve = BR_EC_secp256r1;
	s->side.server.key.x = (unsigned char *)(uintptr_t)id->d;
	s->side.server.key.xlen = sizeof id->d;
	/* Signing only: without key exchange with the certificate's key there are no static ECDH suites. */
	br_ssl_server_set_single_ec(ssl, &s->side.server.cert, 1, &s->side.server.key, BR_KEYTYPE_SIGN, BR_KEYTYPE_EC,
	                            bear_ec(EC_P256), br_ecdsa_i31_sign_asn1);
	if (!br_ssl_server_reset(ssl)) {
		s->broken = true;
		s->why = "server set-up failed";
	}
}
