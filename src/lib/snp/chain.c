/* AMD's certificate chain. */
#include "snp/chain.h"

#include "crypto/crl.h"
#include "crypto/hash.h"
#include "crypto/x509_ext.h"
#include "text/der.h"
#include "text/timefmt.h"
#include "snp/amd_roots.h"

#define CLOCK_LEEWAY_S 300 /* a list may be a little younger than our clock says */

static bool read_chain(struct span ders, struct chain *c, struct checks *checks)
{
	struct x509_cert *const certs[] = { &c->leaf, &c->intermediate, &c->root };
	static const char *const problems[] = {
		"the first certificate (VCEK or VLEK) cannot be read", "the second certificate (ASK or ASVK) is missing or cannot be read",
		"the third certificate (ARK) is missing or cannot be read",
	};
	struct der d = der_init(ders);

	for (size_t i = 0; i < 3; i++) {
		uint8_t tag;

		if (x509_parse(der_element(&d, &tag), certs[i]) != ERR_OK)
			return checks_that(checks, "chain.form", false, problems[i]);
	}
	return checks_that(checks, "chain.form", der_done(&d), "there is something behind the third certificate");
}

/* AMD signs with RSASSA-PSS only. Parameters and salt length are fixed by x509_signed_by. */
static bool is_pss(struct span sig_alg)
{
	static const uint8_t oid[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a };
	struct der outer = der_init(sig_alg), d = der_enter(&outer, DER_SEQUENCE);

	return der_oid_is(&d, span_of(oid, sizeof oid));
}

static const char *why_not_signed(const struct x509_cert *c, const struct x509_cert *by)
{
	if (!is_pss(c->sig_alg))
		return "not signed with RSASSA-PSS";
	switch (x509_signed_by(c, by)) {
	case ERR_OK: return NULL;
	case ERR_UNTRUSTED: return "its issuer is not the next certificate's subject: another chain, or another order";
	default: return "the signature is wrong";
	}
}

static const char *why_no_authority(const struct x509_cert *c)
{
	if (!x509_ext_is_authority(c))
		return "not a certificate authority";
	return x509_ext_critical_known(c) ? NULL : "a critical extension is unknown";
}

static bool judge(struct checks *checks, const char *id, const char *why, const char *also)
{
	return checks_that(checks, id, !why && !also, why ? why : also);
}

static bool check_signatures(const struct chain *c, struct checks *checks)
{
	const char *leaf = why_not_signed(&c->leaf, &c->intermediate);
	bool ok = judge(checks, "chain.root_signature", why_not_signed(&c->root, &c->root), why_no_authority(&c->root));

	ok &= judge(checks, "chain.intermediate", why_not_signed(&c->intermediate, &c->root), why_no_authority(&c->intermediate));
	if (!leaf && (c->leaf.key.type != KEY_EC || c->leaf.key.curve != EC_P384))
		leaf = "its key is not on P-384";
	if (!leaf && x509_ext_is_authority(&c->leaf))
		leaf = "it is a certificate authority";
	ok &= judge(checks, "chain.leaf", leaf, x509_ext_critical_known(&c->leaf) ? NULL : "a critical extension is unknown");
	return ok;
}

/* The root's key is pinned. *family is whose it is, unknown for the configured root. */
static bool check_root(struct chain *c, const uint8_t *extra_root, enum snp_product *family, struct checks *checks)
{
	uint8_t hash[SHA256_LEN], text[2 * SHA256_LEN + 64];
	struct out o = out_init(text, sizeof text);

	hash_sha256(c->root.spki, hash);
	*family = amd_roots_find(hash);
	c->configured_root = *family == SNP_PRODUCT_UNKNOWN && extra_root &&
	                     span_eq(span_of(hash, sizeof hash), span_of(extra_root, sizeof hash));
	if (*family != SNP_PRODUCT_UNKNOWN) {
		out_strs(&o, "AMD's root key for ", report_product_name(*family));
	} else {
		out_str(&o, c->configured_root ? "NOT AMD's: the configured root " : "");
		out_hex(&o, hash, sizeof hash);
	}
	return checks_judge(checks, "chain.root", *family != SNP_PRODUCT_UNKNOWN || c->configured_root,
	                    SPAN_LIT("a root key of AMD's (Milan, Genoa, Turin)"), out_span(&o), "the chain does not end in a trusted root key");
}

static bool named(struct span name, const char *prefix, enum snp_product p)
{
	char want[32];

	return out_join(want, sizeof want, prefix, report_product_name(p)) && span_eq_str(x509_ext_common_name(name), want);
}

/* Leaf, intermediate and root are for the same product, and a VLEK comes from the authority for VLEKs. */
static bool check_product(const struct chain *c, enum snp_product family, struct checks *checks)
{
	enum snp_product p = c->vcek.product;
	const char *why = NULL;

	if (family != SNP_PRODUCT_UNKNOWN && family != p)
		why = "the leaf is for another product than the root";
	else if (!named(c->root.subject, "ARK-", p) || !named(c->intermediate.subject, c->vcek.vlek ? "SEV-VLEK-" : "SEV-", p))
		why = "the authorities' names do not fit the leaf's product and kind";
	else if (!span_eq_str(x509_ext_common_name(c->leaf.subject), c->vcek.vlek ? "SEV-VLEK" : "SEV-VCEK"))
		why = "the leaf is not named SEV-VCEK or SEV-VLEK as its kind demands";
	return checks_judge(checks, "chain.product", !why, span_of(NULL, 0), span_str(why ? NULL : report_product_name(p)), why);
}

static void put_range(struct out *o, const char *what, int64_t from, int64_t to)
{
	out_str(o, what);
	out_str(o, " valid from ");
	time_iso8601(o, from, 0);
	out_str(o, " to ");
	time_iso8601(o, to, 0);
}

static bool check_dates(const struct chain *c, int64_t now_s, struct checks *checks)
{
	static const char *const names[] = { "VCEK or VLEK", "ASK or ASVK", "ARK" };
	const struct x509_cert *const certs[] = { &c->leaf, &c->intermediate, &c->root };
	uint8_t text[128], now_text[40];
	struct out o = out_init(text, sizeof text), now = out_init(now_text, sizeof now_text);

	time_iso8601(&now, now_s, 0);
	for (size_t i = 0; i < 3 && o.n == 0; i++)
		if (now_s < certs[i]->not_before || now_s > certs[i]->not_after)
			put_range(&o, names[i], certs[i]->not_before, certs[i]->not_after);
	return checks_judge(checks, "chain.dates", o.n == 0, out_span(&o), out_span(&now), "a certificate is not valid at this time");
}

bool chain_verify(struct span ders, const uint8_t *extra_root, int64_t now_s, struct chain *c, bool *readable,
                  struct checks *checks)
{
	const char *problem = NULL;
	enum snp_product family;
	bool ok;

	*c = (struct chain){ .configured_root = false };
	*readable = read_chain(ders, c, checks);
	if (!*readable)
		return false;
	ok = check_root(c, extra_root, &family, checks);
	ok &= check_signatures(c, checks);
	ok &= check_dates(c, now_s, checks);
	if (vcek_parse(c->leaf.der, &c->vcek, &problem) != ERR_OK) {
		*readable = false; /* nothing to compare a report with */
		return checks_that(checks, "chain.product", false, problem);
	}
	return check_product(c, family, checks) && ok;
}

/* --- Revocation --- */

static bool check_crl_dates(const struct crl *l, int64_t now_s, uint32_t max_age_s, struct checks *checks)
{
	uint8_t text[128], now_text[40];
	struct out o = out_init(text, sizeof text), now = out_init(now_text, sizeof now_text);
	int64_t until = l->next_update;
	bool ok;

	if (max_age_s && l->this_update + (int64_t)max_age_s < until)
		until = l->this_update + (int64_t)max_age_s;
	put_range(&o, "list", l->this_update, until);
	time_iso8601(&now, now_s, 0);
	ok = l->this_update - CLOCK_LEEWAY_S <= now_s && now_s <= until;
	return checks_judge(checks, "crl.dates", ok, out_span(&o), out_span(ok ? &o : &now), "the revocation list is stale, or from the future");
}

bool chain_check_crl(const struct chain *c, struct span crl_der, int64_t now_s, uint32_t max_age_s,
                     struct checks *checks)
{
	const char *why = NULL;
	struct crl l;
	bool ok;

	if (!checks_that(checks, "crl.form", crl_parse(crl_der, &l) == ERR_OK, "not a complete X.509 revocation list"))
		return false;
	if (!is_pss(l.sig_alg) || crl_signed_by(&l, &c->root) != ERR_OK)
		why = "the revocation list is not signed by the chain's root";
	ok = checks_that(checks, "crl.signature", !why, why);
	ok &= check_crl_dates(&l, now_s, max_age_s, checks);
	why = NULL;
	if (crl_has(&l, c->intermediate.serial))
		why = "AMD has revoked the intermediate certificate (ASK or ASVK)";
	else if (crl_has(&l, c->root.serial))
		why = "AMD has revoked the root";
	return checks_that(checks, "crl.revoked", !why, why) && ok;
}
