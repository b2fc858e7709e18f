/* A Key Vault release policy. */
#include "policy/release.h"

#include "text/json_write.h"
#include "text/url.h"

const char *const release_svn_names[SVN_COUNT] = { "bootloader", "tee", "snp", "microcode", "uvm" };

static const char *const svn_claims[SVN_COUNT] = { "x-ms-sevsnpvm-bootloader-svn", "x-ms-sevsnpvm-tee-svn",
	"x-ms-sevsnpvm-snpfw-svn", "x-ms-sevsnpvm-microcode-svn", "x-ms-sevsnpvm-uvm-endorsement.x-ms-sevsnpvm-guestsvn-int" };

static void put_equals(struct jw *w, const char *claim, struct span value)
{
	jw_object(w, NULL);
	jw_str(w, "claim", claim);
	jw_span(w, "equals", value);
	jw_end_object(w);
}

static void put_entry(struct jw *w, const struct release_policy *r, const uint8_t host_data[SHA256_LEN])
{
	uint8_t hex[2 * SHA256_LEN];
	struct out h = out_init(hex, sizeof hex);

	out_hex(&h, host_data, SHA256_LEN);
	jw_object(w, NULL);
	jw_span(w, "authority", r->authority);
	jw_array(w, "allOf");
	put_equals(w, "x-ms-attestation-type", SPAN_LIT("sevsnpvm"));
	put_equals(w, "x-ms-compliance-status", SPAN_LIT("azure-compliant-uvm"));
	put_equals(w, "x-ms-sevsnpvm-hostdata", out_span(&h));
	/* Texts, not JSON's own false and 0: that is the form known to be accepted. */
	put_equals(w, "x-ms-sevsnpvm-is-debuggable", SPAN_LIT("false"));
	put_equals(w, "x-ms-sevsnpvm-vmpl", SPAN_LIT("0"));
	for (size_t i = 0; i < SVN_COUNT; i++) {
		if (!r->has_svn[i])
			continue;
		jw_object(w, NULL);
		jw_str(w, "claim", svn_claims[i]);
		jw_u64(w, "greaterOrEquals", r->svn[i]);
		jw_end_object(w);
	}
	jw_end_array(w);
	jw_end_object(w);
}

static bool authority_right(struct span a)
{
	char host[HOST_MAX];
	uint16_t port;

	return span_starts(a, "https://") && url_hostport(span_sub(a, 8, a.n), 443, host, &port) == ERR_OK;
}

enum err release_write(struct out *o, const struct release_policy *r, struct why *why)
{
	struct jw w = jw_init(o);

	if (!authority_right(r->authority))
		return why_set(why, ERR_RANGE, "the authority of a release policy must be https://HOST", r->authority);
	if (!r->n)
		return why_say(why, ERR_RANGE, "a release policy without an environment");
	jw_object(&w, NULL);
	jw_str(&w, "version", "1.0.0");
	jw_array(&w, "anyOf");
	for (size_t i = 0; i < r->n; i++)
		put_entry(&w, r, r->host_data[i]);
	jw_end_array(&w);
	jw_end_object(&w);
	out_byte(o, '\n');
	return o->bad ? why_say(why, ERR_TOO_BIG, "the release policy is too long") : ERR_OK;
}
