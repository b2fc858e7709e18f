/* Endorsements of utility VMs: what is not the recorded genuine message (tests/corpus/cose/genuine) is never verified. */
#include "fuzz.h"

#include "crypto/cose.h"
#include "tee/did.h"
#include "tee/uvm.h"

static struct checks checks;
static struct span genuine;
static struct cose_sign1 good;
static uint8_t measurement[48];
static char *issuer;

static int nibble(uint8_t c)
{
	return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

void fuzz_setup(void)
{
	struct span key = SPAN_LIT("\"x-ms-sevsnpvm-launchmeasurement\"");
	uint64_t svn;
	size_t n, at;
	uint8_t *did = fuzz_file("tests/fuzz/data/uvm.did", &n);

	issuer = fuzz_text(span_of(did, n));
	genuine.p = fuzz_file("tests/corpus/cose/genuine", &n);
	genuine.n = n;
	HOLD(cose_parse(genuine, &good) == ERR_OK);
	for (at = 0; at < good.payload.n && !span_eq(span_sub(good.payload, at, key.n), key); at++)
		;
	at += key.n;
	at += 1 + span_find(span_sub(good.payload, at, good.payload.n), '"');
	HOLD(at + 96 < good.payload.n);
	for (size_t i = 0; i < 48; i++)
		measurement[i] = (uint8_t)(nibble(good.payload.p[at + 2 * i]) << 4 | nibble(good.payload.p[at + 2 * i + 1]));
	checks_init(&checks);
	HOLD(uvm_verify(genuine, issuer, NULL, measurement, &svn, &checks));
}

void fuzz_one(struct span in)
{
	uint8_t *copy = fuzz_exact(in);
	struct span s = span_of(copy, in.n);
	struct cose_sign1 c;
	struct x509_cert cert;
	struct did d;
	uint64_t svn = 4711;
	enum err e = cose_parse(s, &c);
	bool ok;

	if (e == ERR_OK) {
		HOLD(fuzz_inside(c.protected_bytes, s) && fuzz_inside(c.payload, s) && fuzz_inside(c.sig, s));
		HOLD(c.n_chain <= COSE_CHAIN_MAX && fuzz_inside(c.iss, c.protected_bytes) && fuzz_inside(c.feed, c.protected_bytes));
		for (size_t i = 0; i < c.n_chain; i++)
			HOLD(fuzz_inside(c.chain[i], c.protected_bytes));
		(void)did_parse(c.iss, &d);
		if (c.n_chain && x509_parse(c.chain[0], &cert) == ERR_OK && cose_verify(&c, &cert.key) == ERR_OK)
			HOLD(span_eq(c.protected_bytes, good.protected_bytes) && span_eq(c.payload, good.payload));
	}
	checks_init(&checks);
	ok = uvm_verify(s, issuer, NULL, measurement, &svn, &checks);
	HOLD(ok == checks_ok(&checks, CHECK_GENUINE));
	if (ok) /* its unprotected headers are nobody's word and may differ */
		HOLD(e == ERR_OK && span_eq(c.protected_bytes, good.protected_bytes) && span_eq(c.payload, good.payload));
	else
		HOLD(svn == 4711);
	if (did_parse(s, &d) == ERR_OK)
		HOLD(d.eku_len <= DID_OID_MAX);
	free(copy);
}
