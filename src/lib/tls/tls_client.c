/* TLS: the client's side of the profile. */
#include "tls/tls_state.h"

#include <string.h>

#include "base/ct.h"

/* IPv4 or IPv6 literals are no names: RFC 6066 section 3 forbids them in SNI. */
static bool is_address(const char *host)
{
	return strchr(host, ':') || host[strspn(host, "0123456789.")] == 0;
}

static void set_algorithms(br_ssl_client_context *ssl)
{
	static const uint16_t suites[] = {
		BR_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, BR_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
		BR_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, BR_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	};

	br_ssl_engine_set_suites(&ssl->eng, suites, sizeof suites / sizeof suites[0]);
	/* For the server's signature over its key exchange. */
	br_ssl_engine_set_rsavrfy(&ssl->eng, br_rsa_i62_pkcs1_vrfy_get());
	br_ssl_engine_set_ecdsa(&ssl->eng, br_ecdsa_i31_vrfy_asn1);
}

static void break_off(struct tls_state *s, const char *why)
{
	s->broken = true;
	s->why = why;
}

void tls_client_start(struct tls *t, const char *host, enum tls_trust trust, int64_t now_s)
{
	struct tls_state *s = tls_state(t);
	br_ssl_client_context *ssl = &s->side.client;

	tls_begin(s);
	s->is_client = true;
	if (strlen(host) >= HOST_MAX) {
		break_off(s, "host name too long");
	} else if (trust == TLS_TRUST_ANCHORS && !*host) {
		break_off(s, "no host name to check"); /* BearSSL would then check none */
	} else {
		br_ssl_client_zero(ssl);
		tls_profile_apply(s);
		if (trust == TLS_TRUST_LATER) /* a peer of our kind: P-256 or RSA */
			tls_profile_own_curves(s);
		set_algorithms(ssl);
		tls_trust_check_init(&s->check, host, trust, now_s);
		br_ssl_engine_set_x509(&ssl->eng, &s->check.vtable);
		if (!br_ssl_client_reset(ssl, is_address(host) ? NULL : host, 0))
			break_off(s, "client set-up failed");
	}
}

void tls_client_sign(struct tls *t, const struct tls_identity *id)
{
	struct tls_state *s = tls_state(t);

	if (s->broken)
		return;
	tls_profile_identity(s, id);
	/* Issued by a key of its own kind; what that is used for, static ECDH, is not offered. */
	br_ssl_client_set_single_ec(&s->side.client, s->cert, s->cert_n, &s->key, BR_KEYTYPE_SIGN, BR_KEYTYPE_EC, bear_ec(EC_P256),
	                            br_ecdsa_i31_sign_asn1);
}
