/* X.509 chains: BearSSL's path engine and the checks around it. */
#include <string.h>

#include "crypto/x509_ext.h"
#include "crypto/x509_path.h"

#define CHAIN_MAX 10 /* certificates of one chain; public ones have two to four */

#define DAYS_TO_1970 719528 /* BearSSL counts days from January 1st of year 0 */

void x509_path_init(br_x509_minimal_context *engine, int64_t now_s)
{
	static const struct {
		int id;
		const br_hash_class *class;
	} hashes[] = { { br_sha256_ID, &br_sha256_vtable }, { br_sha384_ID, &br_sha384_vtable },
		       { br_sha512_ID, &br_sha512_vtable } };
	size_t n;
	const br_x509_trust_anchor *table = x509_anchors_table(&n);
	uint64_t now = now_s > 0 ? (uint64_t)now_s : 0;

	br_x509_minimal_init(engine, &br_sha256_vtable, table, n);
	for (size_t i = 0; i < sizeof hashes / sizeof hashes[0]; i++)
		br_x509_minimal_set_hash(engine, hashes[i].id, hashes[i].class);
	br_x509_minimal_set_rsa(engine, br_rsa_i62_pkcs1_vrfy_get());
	br_x509_minimal_set_ecdsa(engine, &br_ec_all_m31, br_ecdsa_i31_vrfy_asn1);
	br_x509_minimal_set_minrsa(engine, 2048 / 8);
	br_x509_minimal_set_time(engine, (uint32_t)(now / 86400 + DAYS_TO_1970), (uint32_t)(now % 86400));
}

bool x509_path_leaf_allowed(const struct x509_cert *leaf)
{
	static const uint8_t alt_name[] = { 0x55, 0x1d, 0x11 }, ext_key_usage[] = { 0x55, 0x1d, 0x25 };
	static const uint8_t server_auth[] = { 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01 }, any[] = { 0x55, 0x1d, 0x25, 0x00 };
	struct x509_ext x;

	return x509_ext_find(leaf, span_of(alt_name, sizeof alt_name), &x) == 1 &&
	       (x509_ext_find(leaf, span_of(ext_key_usage, sizeof ext_key_usage), &x) == 0 ||
	        x509_ext_has_eku(leaf, span_of(server_auth, sizeof server_auth)) || x509_ext_has_eku(leaf, span_of(any, sizeof any)));
}

/* BearSSL's engine over the whole chain; it stops looking once a certificate was signed by an anchor. */
static bool path_valid(const struct span *chain, size_t n, const char *host, int64_t now_s)
{
	br_x509_minimal_context engine;
	const br_x509_class **x = &engine.vtable;
	unsigned usages = 0;

	x509_path_init(&engine, now_s);
	engine.vtable->start_chain(x, host);
	for (size_t i = 0; i < n; i++) {
		engine.vtable->start_cert(x, (uint32_t)chain[i].n);
		engine.vtable->append(x, chain[i].p, chain[i].n);
		engine.vtable->end_cert(x);
	}
	return engine.vtable->end_chain(x) == 0 && engine.vtable->get_pkey(x, &usages) && (usages & BR_KEYTYPE_SIGN);
}

/* Moves a view's bytes into storage, advancing it. */
static bool keep(struct span *view, uint8_t **storage, size_t *cap)
{
	if (view->n > *cap)
		return false;
	memcpy(*storage, view->p, view->n);
	*cap -= view->n;
	view->p = *storage;
	*storage += view->n;
	return true;
}

enum err x509_verify_chain(const struct span *chain, size_t n, const char *host, int64_t now_s, uint8_t *storage,
                           size_t cap, struct verify_key *key)
{
	struct x509_cert leaf;
	struct verify_key k;
	bool kept;

	/* Without a name the engine would not check names at all. */
	if (n == 0 || n > CHAIN_MAX || !host || !*host || x509_parse(chain[0], &leaf) != ERR_OK)
		return ERR_UNTRUSTED;
	if (!x509_path_leaf_allowed(&leaf) || !path_valid(chain, n, host, now_s))
		return ERR_UNTRUSTED;
	k = leaf.key;
	if (k.type == KEY_RSA)
		kept = keep(&k.rsa.n, &storage, &cap) && keep(&k.rsa.e, &storage, &cap);
	else
		kept = keep(&k.point, &storage, &cap);
	if (!kept)
		return ERR_TOO_BIG;
	*key = k;
	return ERR_OK;
}
