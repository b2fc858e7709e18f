/* TLS: a server's key and self-signed certificate (RFC 5280), ECDSA P-256. */
#include "tls/tls.h"

#include <string.h>

#include "base/ct.h"
#include "crypto/bear.h"
#include "crypto/rng.h"
#include "tls/tls_sessions.h"
#include "text/der.h"
#include "os/clock.h"

#define CN_MAX 64 /* ub-common-name, RFC 5280 appendix A.1 */
#define SIG_MAX 72 /* DER of r and s, 33 bytes each at most */

/* Whole elements that are the same in every certificate. */
static const uint8_t alg_ecdsa_sha256[] = { 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02 };
static const uint8_t alg_p256[] = { 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, /* id-ecPublicKey */
                                    0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };     /* secp256r1 */
static const uint8_t version_3[] = { 0xa0, 0x03, 0x02, 0x01, 0x02 };
static const uint8_t oid_common_name[] = { 0x55, 0x04, 0x03 };
static const uint8_t oid_alt_name[] = { 0x55, 0x1d, 0x11 };
/* Extensions in full: critical basicConstraints without cA; critical keyUsage digitalSignature; extendedKeyUsage
 * serverAuth and clientAuth. */
static const uint8_t fixed_extensions[] = {
	0x30, 0x0c, 0x06, 0x03, 0x55, 0x1d, 0x13, 0x01, 0x01, 0xff, 0x04, 0x02, 0x30, 0x00,
	0x30, 0x0e, 0x06, 0x03, 0x55, 0x1d, 0x0f, 0x01, 0x01, 0xff, 0x04, 0x04, 0x03, 0x02, 0x07, 0x80,
	0x30, 0x1d, 0x06, 0x03, 0x55, 0x1d, 0x25, 0x04, 0x16, 0x30, 0x14,
	0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01,
	0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02,
};

#define FIXED(bytes) span_of(bytes, sizeof(bytes))

/* Letters, digits, hyphens and dots, labels neither empty nor longer than 63 (RFC 1123 section 2.1). */
static bool looks_like_host(struct span name)
{
	size_t label = 0;

	if (name.n == 0 || name.n > 253)
		return false;
	for (size_t i = 0; i < name.n; i++) {
		uint8_t c = name.p[i];
		bool alnum = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');

		if (c == '.' ? label == 0 : !alnum && c != '-')
			return false;
		label = c == '.' ? 0 : label + 1;
		if (label > 63)
			return false;
	}
	return label > 0;
}

/* Name with a single common name. */
static void write_name(struct dw *w, struct span cn)
{
	size_t mark = dw_mark(w);

	dw_tlv(w, DER_UTF8_STRING, span_sub(cn, 0, CN_MAX)); /* a longer one is cut: the SAN has it whole */
	dw_tlv(w, DER_OID, FIXED(oid_common_name));
	dw_wrap(w, DER_SEQUENCE, mark);
	dw_wrap(w, DER_SET, mark);
	dw_wrap(w, DER_SEQUENCE, mark);
}

static void write_alt_names(struct dw *w, struct span name)
{
	size_t mark = dw_mark(w);

	dw_tlv(w, DER_CONTEXT + 2, SPAN_LIT("localhost"));
	if (looks_like_host(name) && !span_eq_nocase(name, "localhost"))
		dw_tlv(w, DER_CONTEXT + 2, name);
	dw_wrap(w, DER_SEQUENCE, mark);
	dw_wrap(w, DER_OCTET_STRING, mark);
	dw_tlv(w, DER_OID, FIXED(oid_alt_name));
	dw_wrap(w, DER_SEQUENCE, mark);
}

static void write_spki(struct dw *w, const uint8_t point[65])
{
	size_t mark = dw_mark(w);

	dw_bytes(w, span_of(point, 65));
	dw_wrap_bits(w, mark);
	dw_bytes(w, FIXED(alg_p256));
	dw_wrap(w, DER_SEQUENCE, mark);
}

static void write_serial(struct dw *w)
{
	uint8_t serial[16];

	rng_bytes(serial, sizeof serial);
	serial[0] = (uint8_t)((serial[0] & 0x7f) | 0x40); /* positive and always 16 bytes long */
	dw_uint(w, FIXED(serial));
}

/* TBSCertificate, last field first. */
static void write_tbs(struct dw *w, struct span name, const uint8_t point[65], int64_t from_s, int64_t to_s,
                      struct span extension)
{
	size_t mark = dw_mark(w), validity;

	dw_bytes(w, extension);
	write_alt_names(w, name);
	dw_bytes(w, FIXED(fixed_extensions));
	dw_wrap(w, DER_SEQUENCE, mark);
	dw_wrap(w, DER_CONTEXT_CONSTRUCTED + 3, mark);
	write_spki(w, point);
	write_name(w, name);
	validity = dw_mark(w);
	dw_time(w, to_s);
	dw_time(w, from_s);
	dw_wrap(w, DER_SEQUENCE, validity);
	write_name(w, name);
	dw_bytes(w, FIXED(alg_ecdsa_sha256));
	write_serial(w);
	dw_bytes(w, FIXED(version_3));
	dw_wrap(w, DER_SEQUENCE, mark);
}

/* The certificate around a finished TBSCertificate, all that w holds. */
static void sign(struct dw *w, const uint8_t d[32])
{
	uint8_t digest[SHA256_LEN], sig[SIG_MAX], tail_buf[SIG_MAX + 32];
	br_ec_private_key key = { BR_EC_secp256r1, (unsigned char *)(uintptr_t)d, 32 }; /* only read */
	struct dw tail = dw_init(tail_buf, sizeof tail_buf);
	size_t n;

	hash_sha256(dw_span(w), digest);
	n = br_ecdsa_i31_sign_asn1(bear_ec(EC_P256), &br_sha256_vtable, digest, &key, sig);
	bear_stack_wipe();
	dw_bytes(&tail, span_of(sig, n));
	dw_wrap_bits(&tail, 0);
	dw_bytes(&tail, FIXED(alg_ecdsa_sha256));
	dw_append(w, dw_span(&tail));
	dw_wrap(w, DER_SEQUENCE, 0);
	w->bad |= n == 0 || tail.bad;
}

static bool name_ok(struct span name)
{
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] < 0x20 || name.p[i] > 0x7e)
			return false;
	return name.n > 0 && name.n < HOST_MAX;
}

enum err tls_identity_renew(struct tls_identity *id, const char *name, int64_t now_s, unsigned hours,
                            struct span extension)
{
	unsigned now = id->in_use, next = (now + 1) % TLS_CERTS;
	struct tls_cert *c = &id->cert[next];
	struct dw w = dw_init(c->der, sizeof c->der);
	struct span cn = span_str(name);

	if (!name_ok(cn) || now_s < 3600)
		return ERR_RANGE;
	if (clock_ms() < c->free_ms)
		return ERR_THROTTLED;
	c->n = 0;
	write_tbs(&w, cn, id->key.ec.point, now_s - 3600, now_s + (int64_t)hours * 3600, extension);
	sign(&w, id->key.ec.d);
	if (w.bad)
		return ERR_TOO_BIG;
	c->n = dw_span(&w).n;
	memmove(c->der, dw_span(&w).p, c->n);
	id->in_use = next;
	tls_sessions_forget();
	if (id->cert[now].n) /* else this is the first one */
		id->cert[now].free_ms = clock_ms() + TLS_HANDSHAKE_MS + TLS_HANDSHAKE_MS / 2;
	return ERR_OK;
}

enum err tls_identity_make(struct tls_identity *id, const char *name, int64_t now_s, unsigned hours,
                           struct span extension)
{
	uint8_t spki_buf[128];
	struct dw spki = dw_init(spki_buf, sizeof spki_buf);
	enum err err;

	WIPE(*id);
	id->key.type = KEY_EC;
	err = ec_generate(&id->key.ec, EC_P256);
	if (!err) {
		write_spki(&spki, id->key.ec.point);
		hash_sha256(dw_span(&spki), id->spki_sha256);
		err = tls_identity_renew(id, name, now_s, hours, extension);
	}
	if (err)
		tls_identity_wipe(id);
	return err;
}

struct span tls_identity_cert(const struct tls_identity *id)
{
	const struct tls_cert *c = &id->cert[id->in_use];

	return span_of(c->der, c->n);
}

void tls_identity_wipe(struct tls_identity *id)
{
	WIPE(*id);
	tls_sessions_forget();
}
