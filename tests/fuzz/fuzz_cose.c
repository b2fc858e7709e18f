/* Endorsements of utility VMs, in both forms: what is not a recorded genuine message (tests/corpus/cose/genuine, .../envelope) is
 * never verified. */
#include "fuzz.h"

#include "crypto/cose.h"
#include "snp/did.h"
#include "snp/uvm.h"

static struct checks checks;
/* Each of an issuer of its own. */
static struct endorsed {
	struct cose_sign1 good;
	uint8_t measurement[48];
	char *issuer;
} first, envelope;

static void load(struct endorsed *e, const char *message, const char *did)
{
	size_t n;
	uint8_t *text = fuzz_file(did, &n), *bytes;

	e->issuer = fuzz_text(span_of(text, n));
	bytes = fuzz_file(message, &n);
	HOLD(cose_parse(span_of(bytes, n), &e->good) == ERR_OK);
}

static void accept(const char *message, const struct endorsed *e)
{
	size_t n;
	uint8_t *bytes = fuzz_file(message, &n);
	uint64_t svn;

	checks_init(&checks);
	HOLD(uvm_verify(span_of(bytes, n), e->issuer, NULL, e->measurement, &svn, &checks) && svn == 104);
}

static int nibble(uint8_t c)
{
	return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

void fuzz_setup(void)
{
	struct span key = SPAN_LIT("\"x-ms-sevsnpvm-launchmeasurement\""), payload;
	size_t at;

	load(&first, "tests/corpus/cose/genuine", "tests/fuzz/data/uvm.did");
	load(&envelope, "tests/corpus/cose/envelope", "tests/fuzz/data/uvm-envelope.did");
	payload = first.good.payload;
	for (at = 0; at < payload.n && !span_eq(span_sub(payload, at, key.n), key); at++)
		;
	at += key.n;
	at += 1 + span_find(span_sub(payload, at, payload.n), '"');
	HOLD(at + 96 < payload.n && envelope.good.payload.n == 48);
	for (size_t i = 0; i < 48; i++)
		first.measurement[i] = (uint8_t)(nibble(payload.p[at + 2 * i]) << 4 | nibble(payload.p[at + 2 * i + 1]));
	memcpy(envelope.measurement, envelope.good.payload.p, 48);
	accept("tests/corpus/cose/genuine", &first);
	accept("tests/corpus/cose/envelope", &envelope);
}

static bool is_good(const struct cose_sign1 *c, const struct endorsed *e)
{
	return span_eq(c->protected_bytes, e->good.protected_bytes) && span_eq(c->payload, e->good.payload);
}

static void judge(struct span s, bool parsed, const struct cose_sign1 *c, const struct endorsed *e)
{
	uint64_t svn = 4711;
	bool ok;

	checks_init(&checks);
	ok = uvm_verify(s, e->issuer, NULL, e->measurement, &svn, &checks);
	HOLD(ok == checks_ok(&checks, CHECK_GENUINE));
	if (ok) /* its unprotected headers are nobody's word and may differ */
		HOLD(parsed && is_good(c, e));
	else
		HOLD(svn == 4711);
}

void fuzz_one(struct span in)
{
	uint8_t *copy = fuzz_exact(in);
	struct span s = span_of(copy, in.n);
	struct cose_sign1 c;
	struct x509_cert cert;
	struct did d;
	bool parsed = cose_parse(s, &c) == ERR_OK;

	if (parsed) {
		uint8_t labels[256];
		struct out o = out_init(labels, sizeof labels);

		HOLD(fuzz_inside(c.protected_bytes, s) && fuzz_inside(c.payload, s) && fuzz_inside(c.sig, s));
		HOLD(c.n_chain <= COSE_CHAIN_MAX && fuzz_inside(c.iss, c.protected_bytes) && fuzz_inside(c.feed, c.protected_bytes));
		HOLD(fuzz_inside(c.claims, c.protected_bytes));
		for (size_t i = 0; i < c.n_chain; i++)
			HOLD(fuzz_inside(c.chain[i], c.protected_bytes));
		cose_labels(&c, &o);
		HOLD(o.n <= sizeof labels);
		(void)did_parse(c.iss, &d);
		if (c.n_chain && x509_parse(c.chain[0], &cert) == ERR_OK && cose_verify(&c, &cert.key) == ERR_OK)
			HOLD(is_good(&c, &first) || is_good(&c, &envelope));
	}
	judge(s, parsed, &c, &first);
	judge(s, parsed, &c, &envelope);
	if (did_parse(s, &d) == ERR_OK)
		HOLD(d.eku_len <= DID_OID_MAX);
	free(copy);
}
