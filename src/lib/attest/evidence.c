/* Evidence about this party. */
#include "attest/evidence.h"

#include <string.h>

#include "crypto/rng.h"
#include "text/base64.h"
#include "text/pem.h"
#include "os/clock.h"
#include "os/lock.h"
#include "attest/keys.h"
#include "azure/services.h"
#include "os/snp_device.h"
#include "snp/cert_evidence.h"

#define PROOF_GOOD_MS 300000
#define NONCE_BYTES 32

static uint8_t tls_spki[32];

/* One collection at a time in each: the lock is held over it, also over the network. Public data. */
struct collection {
	struct runtime runtime;
	uint8_t report[SNP_REPORT_LEN], runtime_text[1024], chain[CHAIN_DER_MAX];
	size_t runtime_len;
	struct attest_collateral with;
	struct span token; /* view of the caller's result */
};
/* For anonymous callers. */
static struct lock evidence_lock = LOCK_INIT;
static struct collection asked;
/* For this party's certificate, which strangers' questions must not hold up. Of the thread that makes extensions. */
static struct attest_collect own_area;
static struct collection own;
/* The last proof without a caller's nonce. The lock guards it. */
static struct {
	uint8_t text[PROOF_MAX];
	size_t n; /* 0: none */
	int64_t made_ms;
	bool token;
	char key[RUNTIME_THUMBPRINT_MAX + 1];
} last;

void evidence_init(const uint8_t tls_spki_sha256[32])
{
	memcpy(tls_spki, tls_spki_sha256, sizeof tls_spki);
}

/* Thumbprint of the key that this party works with, "" before it was released. */
static void key_now(char key[RUNTIME_THUMBPRINT_MAX + 1])
{
	enum key_type type;
	unsigned bits;

	if (keys_describe(KEYS_OWN, &type, &bits, key) != ERR_OK)
		key[0] = 0;
}

static bool key_is(const char *key)
{
	char current[RUNTIME_THUMBPRINT_MAX + 1];

	key_now(current);
	return strcmp(current, key) == 0;
}

static void fill_nonce(struct span given, char text[RUNTIME_NONCE_TEXT_MAX + 1])
{
	uint8_t bytes[NONCE_BYTES];
	struct out o = out_init(text, RUNTIME_NONCE_TEXT_MAX + 1);

	if (given.n) {
		out_put(&o, given);
	} else {
		rng_bytes(bytes, sizeof bytes);
		base64_encode(&o, B64_URL, span_of(bytes, sizeof bytes));
	}
	(void)out_cstr(&o);
}

static enum err write_runtime(struct collection *c, const struct attest_settings *s, const struct evidence_wish *wish, struct fault *f)
{
	struct out o = out_init(c->runtime_text, sizeof c->runtime_text);

	memset(&c->runtime, 0, sizeof c->runtime);
	fill_nonce(wish->nonce, c->runtime.nonce);
	(void)span_copy_str(span_str(s->party ? s->party : "other"), c->runtime.role, sizeof c->runtime.role);
	key_now(c->runtime.key);
	memcpy(c->runtime.tls_spki_sha256, wish->tls_spki_sha256 ? wish->tls_spki_sha256 : tls_spki, sizeof tls_spki);
	runtime_write(&o, &c->runtime);
	c->runtime_len = o.n;
	return o.bad ? fault_set(f, ERR_TOO_BIG, STEP_REPORT, "the runtime data are too long") : ERR_OK;
}

static enum err collect(struct collection *c, const struct attest_settings *s, const struct evidence_wish *wish, struct attest_result *work,
                        int64_t deadline_ms, struct fault *f)
{
	struct span runtime;

	TRY(write_runtime(c, s, wish, f));
	runtime = span_of(c->runtime_text, c->runtime_len);
	c->token = span_of(NULL, 0);
	if (wish->token) {
		TRY(attest_token(s, runtime, work, deadline_ms, f));
		memcpy(c->report, work->report, sizeof c->report);
		c->token = span_of(work->token, work->token_len);
	} else {
		TRY(c == &own ? attest_evidence_in(&own_area, s, runtime, c->report, deadline_ms, f) :
		                attest_evidence(s, runtime, c->report, deadline_ms, f));
	}
	attest_collateral(&c->with);
	return ERR_OK;
}

/* --- As an answer --- */

static void put_b64(struct jw *w, const char *name, struct span bytes)
{
	if (bytes.n)
		jw_b64(w, name, bytes, B64_STD);
	else
		jw_null(w, name);
}

static void write_json(const struct attest_settings *s, struct out *o)
{
	char url[HOSTPORT_MAX + 64];
	struct jw w = jw_init(o);

	(void)out_join(url, sizeof url, "https://", s->maa, "/attest/SevSnpVm?api-version=2022-08-01");
	jw_object(&w, NULL);
	jw_str(&w, "tee_type", "sevsnp");
	put_b64(&w, "report", span_of(asked.report, sizeof asked.report));
	jw_span(&w, "certificates", span_of(asked.with.pem, asked.with.pem_len));
	put_b64(&w, "endorsement", asked.with.endorsement);
	put_b64(&w, "policy", attest_policy());
	put_b64(&w, "runtime_data", span_of(asked.runtime_text, asked.runtime_len));
	jw_str(&w, "nonce", asked.runtime.nonce);
	if (asked.token.n)
		jw_span(&w, "attestation_token", asked.token);
	else
		jw_null(&w, "attestation_token");
	jw_str(&w, "verification_endpoint", url);
	jw_hex(&w, "tls_spki_sha256", span_of(tls_spki, sizeof tls_spki));
	jw_str(&w, "instructions",
	       "REPORT_DATA is SHA-256(runtime_data) and 32 zero bytes; HOST_DATA is SHA-256(policy). The report is signed (ECDSA P-384) "
	       "by the first certificate, that chain ends in AMD's root. Compare nonce and tls_spki_sha256 in runtime_data with your nonce "
	       "and with this connection's public key. parleyctl verify https://host does all of it.");
	jw_end_object(&w);
}

enum err evidence_write(const struct attest_settings *s, const struct evidence_wish *wish, struct attest_result *work,
                        struct out *o, int64_t deadline_ms, struct fault *f)
{
	enum err err;

	if (!lock_take_until(&evidence_lock, deadline_ms))
		return fault_set(f, ERR_TIMEOUT, STEP_REPORT, "waiting for other evidence took too long");
	err = collect(&asked, s, wish, work, deadline_ms, f);
	if (!err)
		write_json(s, o);
	lock_release(&evidence_lock);
	return err;
}

/* --- As a proof --- */

static enum err gather(struct collection *c, struct proof *p, struct fault *f)
{
	size_t n;

	if (pem_all(span_of(c->with.pem, c->with.pem_len), "CERTIFICATE", c->chain, sizeof c->chain, &n) != ERR_OK)
		return fault_set(f, ERR_PROTOCOL, STEP_COLLATERAL, "the platform's certificates cannot be read");
	*p = (struct proof){
		.report = span_of(c->report, sizeof c->report), .chain = span_of(c->chain, n), .endorsement = c->with.endorsement,
		.policy = attest_policy(), .token = c->token, .runtime_data = span_of(c->runtime_text, c->runtime_len),
	};
	memcpy(p->nonce, c->runtime.nonce, sizeof p->nonce);
	memcpy(p->tls_spki_sha256, c->runtime.tls_spki_sha256, sizeof p->tls_spki_sha256);
	return ERR_OK;
}

static enum err write_proof(struct out *o, struct fault *f)
{
	struct proof p;
	enum err err;

	TRY(gather(&asked, &p, f));
	err = proof_write_fitting(o, &p);
	return err ? fault_set(f, err, STEP_COLLATERAL, "the evidence does not fit into a proof") : ERR_OK;
}

/* The last proof, as long as nobody asks for a nonce and its key is still the one in use. */
static bool last_is_good(const struct evidence_wish *wish)
{
	return !wish->nonce.n && last.n && last.token == wish->token && clock_ms() - last.made_ms < PROOF_GOOD_MS && key_is(last.key);
}

static void remember(const struct evidence_wish *wish, struct span text)
{
	if (wish->nonce.n || text.n > sizeof last.text)
		return;
	memcpy(last.text, text.p, text.n);
	last.n = text.n;
	last.made_ms = clock_ms();
	last.token = wish->token;
	memcpy(last.key, asked.runtime.key, sizeof last.key);
}

enum err evidence_proof(const struct attest_settings *s, const struct evidence_wish *wish, struct attest_result *work,
                        struct out *o, int64_t deadline_ms, struct fault *f)
{
	size_t start = o->n;
	enum err err = ERR_OK;

	if (!lock_take_until(&evidence_lock, deadline_ms))
		return fault_set(f, ERR_TIMEOUT, STEP_REPORT, "waiting for other evidence took too long");
	if (last_is_good(wish)) {
		out_put(o, span_of(last.text, last.n));
	} else {
		err = collect(&asked, s, wish, work, deadline_ms, f);
		if (!err)
			err = write_proof(o, f);
		if (!err)
			remember(wish, span_of(o->p + start, o->n - start));
	}
	lock_release(&evidence_lock);
	return err;
}

/* --- In a certificate --- */

/* What the last extension says. */
static struct {
	bool made;
	unsigned version;
	char key[RUNTIME_THUMBPRINT_MAX + 1];
} extension_says;

enum err evidence_extension(const struct attest_settings *s, const uint8_t tls_spki_sha256[32], uint8_t *buf, size_t cap,
                            struct span *extension, int64_t deadline_ms, struct fault *f)
{
	const struct evidence_wish wish = { .tls_spki_sha256 = tls_spki_sha256 };
	struct proof p;

	TRY(collect(&own, s, &wish, NULL, deadline_ms, f));
	TRY(gather(&own, &p, f));
	if (cert_evidence_write(buf, cap, &p, extension) != ERR_OK)
		return fault_set(f, ERR_TOO_BIG, STEP_COLLATERAL, "the evidence does not fit into a certificate");
	extension_says.made = true;
	extension_says.version = own.with.version;
	memcpy(extension_says.key, own.runtime.key, sizeof extension_says.key);
	return ERR_OK;
}

bool evidence_extension_true(void)
{
	return extension_says.made && extension_says.version == attest_certs_version() && key_is(extension_says.key);
}
