/* Platform certificates over the nett-> */
#include "azure/thim.h"

#include "base/out.h"
#include "http/call.h"
#include "azure/services.h"

static const setting_word sources[] = { "thim", "azure", "amd", "" };

const struct setting thim_settings[] = {
	{ SETTING("CERT_CACHE", "thim", "source of the platform's certificates", struct thim_settings, source),
	  .kind = SETTING_CHOICE, .words = sources, .own = 10 },
	{ SETTING("CERT_CACHE_ENDPOINT", "", "its address, else the service's own", struct thim_settings, endpoint),
	  .kind = SETTING_URL, .rules = SETTING_BASE | SETTING_OR_HOST },
	{ .text = NULL },
};

void thim_settle(struct thim_settings *t, const char *imds)
{
	const char *const endpoints[] = {
		[THIM_HOST] = imds, [THIM_AZURE_CACHE] = "https://global.acccache.azure.net", [THIM_AMD_KDS] = "https://kdsintf.amd.com",
	};

	if (!t->endpoint[0])
		(void)span_copy_str(span_str(endpoints[t->source]), t->endpoint, sizeof t->endpoint);
}

enum { CHIP_LEN = 64, CHIP_LEN_TURIN = 8 };

static void write_host(struct out *o, const struct snp_report *r)
{
	uint8_t tcb[8]; /* sixteen digits, as the host's cache wants it */

	out_str(o, "/metadata/THIM/amd/certification");
	if (!r)
		return;
	store_be64(tcb, r->reported_tcb.raw);
	out_str(o, "?tcbVersion=");
	out_hex(o, tcb, sizeof tcb);
	out_str(o, "&platformId=");
	out_hex(o, r->chip_id, CHIP_LEN);
	out_strs(o, "&productName=", report_product_name(r->product));
}

static void write_azure(struct out *o, const struct snp_report *r)
{
	out_str(o, "/SevSnpVM/certificates/");
	out_hex(o, r->chip_id, CHIP_LEN);
	out_byte(o, '/');
	out_hex_u64(o, r->reported_tcb.raw); /* not zero padded */
	out_str(o, "?api-version=2020-10-15-preview&clientId=ConfidentialACI");
}

static void write_kds(struct out *o, const struct snp_report *r)
{
	const struct snp_tcb *t = &r->reported_tcb;
	const struct { const char *name; uint8_t level; } all[] = {
		{ "fmcSPL=", t->fmc }, { "blSPL=", t->bootloader }, { "teeSPL=", t->tee }, { "snpSPL=", t->snp }, { "ucodeSPL=", t->microcode },
	};
	size_t first = r->product == SNP_TURIN ? 0 : 1; /* only Turin has an FMC */

	out_strs(o, "/vcek/v1/", report_product_name(r->product), "/");
	out_hex(o, r->chip_id, r->product == SNP_TURIN ? CHIP_LEN_TURIN : CHIP_LEN);
	for (size_t i = first; i < sizeof all / sizeof all[0]; i++) {
		out_strs(o, i == first ? "?" : "&", all[i].name);
		out_u64(o, all[i].level);
	}
}

enum err thim_write_target(struct out *o, enum thim_source source, const struct snp_report *r)
{
	/* Azure's cache goes by chip and TCB alone. */
	if (r ? r->product == SNP_PRODUCT_UNKNOWN && source != THIM_AZURE_CACHE : source != THIM_HOST)
		return ERR_RANGE;
	switch (source) {
	case THIM_HOST: write_host(o, r); return ERR_OK;
	case THIM_AZURE_CACHE: write_azure(o, r); return ERR_OK;
	case THIM_AMD_KDS: write_kds(o, r); return ERR_OK;
	}
	return ERR_RANGE;
}

static enum err get(struct thim *t, const struct https_target *to, const char *target, bool metadata, struct span *body,
                    int64_t deadline_ms, struct fault *f)
{
	struct call k = {
		.to = *to,
		.request = { .method = "GET", .target = target, .headers = metadata ? "Metadata: true\r\n" : NULL },
		.step = STEP_COLLATERAL, .service = SERVICE_CERTS,
		.body = t->reply, .cap = sizeof t->reply,
	};
	struct call_answer a;

	TRY(call_success(&t->conn, &k, &a, deadline_ms, f));
	*body = a.body;
	return ERR_OK;
}

/* The KDS gives the VCEK in DER, and ASK and ARK apart. */
static enum err fetch_kds(struct thim *t, const struct https_target *to, const struct out *prefix, const struct snp_report *r,
                          struct span vcek, int64_t deadline_ms, struct fault *f)
{
	struct out o = *prefix, v = out_init(t->vcek, sizeof t->vcek);
	struct span chain;

	out_put(&v, vcek);
	out_strs(&o, "/vcek/v1/", report_product_name(r->product), "/cert_chain");
	TRY(get(t, to, out_cstr(&o), false, &chain, deadline_ms, f));
	return v.bad ? ERR_TOO_BIG : certs_from_parts(out_span(&v), chain, &t->certs);
}

enum err thim_fetch(struct thim *t, enum thim_source source, const char *base_url, const struct snp_report *r,
                    int64_t deadline_ms, struct fault *f)
{
	struct out o = out_init(t->target, sizeof t->target), prefix;
	struct https_target to;
	char host[HOST_MAX];
	struct span body;
	enum err err = ERR_OK;

	if (r && span_is_zero(span_of(r->chip_id, CHIP_LEN)))
		return fault_set(f, ERR_RANGE, STEP_COLLATERAL, "no certificate can be asked for: the chip's identity is masked");
	if (call_target(base_url, host, &to, &o) != ERR_OK)
		return fault_set(f, ERR_CONFIG, STEP_COLLATERAL, "the certificate service's endpoint is not a URL");
	prefix = o;
	if (thim_write_target(&o, source, r) != ERR_OK || *out_cstr(&o) == '\0')
		return fault_set(f, ERR_RANGE, STEP_COLLATERAL, r && r->product_assumed ?
		                 "no certificate can be asked for: version 2 of the report does not name the processor" :
		                 "no certificate can be asked for: unknown processor");
	TRY(get(t, &to, t->target, source == THIM_HOST, &body, deadline_ms, f));
	switch (source) {
	case THIM_HOST: err = certs_parse_thim(body, &t->certs); break;
	case THIM_AZURE_CACHE: err = certs_from_pem(body, &t->certs); break;
	case THIM_AMD_KDS: err = fetch_kds(t, &to, &prefix, r, body, deadline_ms, f); break;
	}
	if (err && (!f || f->err == ERR_OK))
		err = fault_set(f, ERR_PROTOCOL, STEP_COLLATERAL, "the certificate service's answer is malformed");
	return err;
}
