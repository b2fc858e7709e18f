/* Platform certificates over the network. */
#include "client/thim.h"

#include "base/out.h"
#include "client/call.h"
#include "plat/lock.h"

/* Work area of one call, guarded by the lock, which is held over the I/O. */
static struct {
	struct https conn;
	uint8_t reply[CERT_CHAIN_PEM_MAX * 2];
	uint8_t vcek[CERT_DER_MAX];
	char target[URL_MAX];
} work;
static struct lock area_lock = LOCK_INIT;

enum { CHIP_LEN = 64, CHIP_LEN_TURIN = 8 };

/* Sixteen digits, as the host's cache wants it. */
static void put_hex16(struct out *o, uint64_t v)
{
	uint8_t b[8];

	store_be64(b, v);
	out_hex(o, b, sizeof b);
}

static void put_number(struct out *o, const char *name, uint8_t v)
{
	out_str(o, name);
	out_u64(o, v);
}

static enum err write_host(struct out *o, const struct snp_report *r)
{
	out_str(o, "/metadata/THIM/amd/certification");
	if (!r)
		return ERR_OK;
	out_str(o, "?tcbVersion=");
	put_hex16(o, r->reported_tcb.raw);
	out_str(o, "&platformId=");
	out_hex(o, r->chip_id, CHIP_LEN);
	out_str(o, "&productName=");
	out_str(o, report_product_name(r->product));
	return ERR_OK;
}

static enum err write_azure(struct out *o, const struct snp_report *r)
{
	out_str(o, "/SevSnpVM/certificates/");
	out_hex(o, r->chip_id, CHIP_LEN);
	out_byte(o, '/');
	out_hex_u64(o, r->reported_tcb.raw); /* not zero padded */
	out_str(o, "?api-version=2020-10-15-preview&clientId=ConfidentialACI");
	return ERR_OK;
}

static enum err write_kds(struct out *o, const struct snp_report *r)
{
	const struct snp_tcb *t = &r->reported_tcb;
	bool turin = r->product == SNP_TURIN;

	out_str(o, "/vcek/v1/");
	out_str(o, report_product_name(r->product));
	out_byte(o, '/');
	out_hex(o, r->chip_id, turin ? CHIP_LEN_TURIN : CHIP_LEN);
	out_byte(o, '?');
	if (turin) {
		put_number(o, "fmcSPL=", t->fmc);
		out_byte(o, '&');
	}
	put_number(o, "blSPL=", t->bootloader);
	put_number(o, "&teeSPL=", t->tee);
	put_number(o, "&snpSPL=", t->snp);
	put_number(o, "&ucodeSPL=", t->microcode);
	return ERR_OK;
}

enum err thim_write_target(struct out *o, enum thim_source source, const struct snp_report *r)
{
	if (source != THIM_HOST && !r)
		return ERR_RANGE;
	if (r && r->product == SNP_PRODUCT_UNKNOWN)
		return ERR_RANGE;
	switch (source) {
	case THIM_HOST: return write_host(o, r);
	case THIM_AZURE_CACHE: return write_azure(o, r);
	case THIM_AMD_KDS: return write_kds(o, r);
	}
	return ERR_RANGE;
}

static bool chip_is_masked(const struct snp_report *r)
{
	uint8_t any = 0;

	for (size_t i = 0; i < CHIP_LEN; i++)
		any |= r->chip_id[i];
	return any == 0;
}

static enum err get(const struct https_target *to, const char *target, bool metadata, struct span *body, int64_t deadline_ms,
                    struct fault *f)
{
	struct call k = {
		.to = *to,
		.request = { .method = "GET", .target = target, .headers = metadata ? "Metadata: true\r\n" : NULL },
		.step = STEP_COLLATERAL, .retry = RETRY_CERTS, .from = REFUSAL_CERTS,
		.body = work.reply, .cap = sizeof work.reply,
	};
	struct call_answer a;
	enum err err = call_run(&work.conn, &k, &a, deadline_ms, f);

	if (!err && a.status != 200)
		err = call_refused(&k, &a, f);
	if (!err)
		*body = a.body;
	return err;
}

/* The KDS gives the VCEK in DER, and ASK and ARK apart. */
static enum err fetch_kds(const struct https_target *to, const struct out *prefix, const struct snp_report *r,
                          struct span vcek, struct platform_certs *certs, int64_t deadline_ms, struct fault *f)
{
	struct out o = *prefix, v = out_init(work.vcek, sizeof work.vcek);
	struct span chain;
	enum err err;

	out_put(&v, vcek);
	out_str(&o, "/vcek/v1/");
	out_str(&o, report_product_name(r->product));
	out_str(&o, "/cert_chain");
	err = get(to, out_cstr(&o), false, &chain, deadline_ms, f);
	if (err)
		return err;
	err = v.bad ? ERR_TOO_BIG : certs_from_parts(out_span(&v), chain, certs);
	return err;
}

static enum err fetch_locked(enum thim_source source, const char *base_url, const struct snp_report *r,
                             struct platform_certs *certs, int64_t deadline_ms, struct fault *f)
{
	struct out o = out_init(work.target, sizeof work.target), prefix;
	struct https_target to;
	char host[HOST_MAX];
	struct span body;
	enum err err;

	if (call_target(base_url, host, &to, &o) != ERR_OK)
		return fault_set(f, ERR_CONFIG, STEP_COLLATERAL, "the certificate service's endpoint is not a URL");
	prefix = o;
	if (thim_write_target(&o, source, r) != ERR_OK || *out_cstr(&o) == '\0')
		return fault_set(f, ERR_RANGE, STEP_COLLATERAL, "no certificate can be asked for: unknown processor");
	err = get(&to, work.target, source == THIM_HOST, &body, deadline_ms, f);
	if (err)
		return err;
	switch (source) {
	case THIM_HOST: err = certs_parse_thim(body, certs); break;
	case THIM_AZURE_CACHE: err = certs_from_pem(body, certs); break;
	case THIM_AMD_KDS: err = fetch_kds(&to, &prefix, r, body, certs, deadline_ms, f); break;
	}
	if (err && (!f || f->err == ERR_OK))
		err = fault_set(f, ERR_PROTOCOL, STEP_COLLATERAL, "the certificate service's answer is malformed");
	return err;
}

enum err thim_fetch(enum thim_source source, const char *base_url, const struct snp_report *r, struct platform_certs *certs,
                    int64_t deadline_ms, struct fault *f)
{
	enum err err;

	if (r && chip_is_masked(r))
		return fault_set(f, ERR_RANGE, STEP_COLLATERAL, "no certificate can be asked for: the chip's identity is masked");
	if (!lock_take_until(&area_lock, deadline_ms))
		return fault_set(f, ERR_TIMEOUT, STEP_COLLATERAL, "waiting for another certificate request took too long");
	err = fetch_locked(source, base_url, r, certs, deadline_ms, f);
	lock_release(&area_lock);
	return err;
}
