/* The vault's answer to a release: a key comes out of the genuine one (tests/corpus/release/genuine) and of no other. */
#include "azure/akv.c"

#include "fuzz.h"

static struct akv work;
static struct akv_stage stage;
static struct akv_release call;
static struct expectation expected;
static struct span genuine;

static enum err open_answer(struct span in, char kid[URL_MAX])
{
	struct fault f;
	enum err e;

	fault_clear(&f);
	memset(&stage.key, 0, sizeof stage.key);
	e = verify_and_unwrap(in, &expected, kid, &f);
	if (e)
		HOLD(f.err == e && f.message[0] && fuzz_zero(&stage.key, sizeof stage.key));
	HOLD(fuzz_zero(stage.kek, sizeof stage.kek) && fuzz_zero(stage.plain, sizeof stage.plain));
	WIPE(work);
	return e;
}

void fuzz_setup(void)
{
	const struct private_key *k = &stage.key;
	char kid[URL_MAX];
	size_t n;
	uint8_t *file = fuzz_file("tests/fuzz/data/rsa.p8", &n);

	HOLD(pkcs8_parse(span_of(file, n), &stage.wrap) == ERR_OK);
	file = fuzz_file("tests/fuzz/data/root.pem", &n);
	HOLD(x509_anchors_init(span_of(file, n)) == ERR_OK);
	call = (struct akv_release){ .vault = "fuzz.example", .key_name = "contoso-secret-key", .stage = &stage };
	expected = (struct expectation){ .work = &work, .call = &call, .enc = "RSA_AES_KEY_WRAP_256" };
	memset(expected.nonce, '0', 32);
	genuine.p = fuzz_file("tests/corpus/release/genuine", &n);
	genuine.n = n;
	HOLD(open_answer(genuine, kid) == ERR_OK && k->type == KEY_OCT && k->oct_len == 32 && k->oct[31] == 7);
}

/* Header and payload without the signature. */
static struct span signed_part(struct span jws)
{
	size_t n = span_find(jws, '.');

	return span_sub(jws, 0, n + 1 + span_find(span_sub(jws, n + 1, jws.n), '.'));
}

/* What stands behind the signature, by itself: an input that is a JSON object is taken for the payload, and for the header. */
static void parts(struct span in)
{
	static const char ours[] = "https://fuzz.example/keys/contoso-secret-key/";
	struct json_tok toks[HEADER_TOKENS];
	struct span chain[CHAIN_MAX];
	char kid[URL_MAX];
	struct json doc;
	struct fault f;
	size_t n;

	fault_clear(&f);
	memset(&stage.key, 0, sizeof stage.key);
	if (json_parse(&doc, in, work.payload_toks, AKV_TOKENS) == ERR_OK) {
		if (check_payload(json_root(&doc), &expected, kid, &f) == ERR_OK)
			HOLD(span_eq_nocase(span_sub(span_str(kid), 0, strlen(ours)), ours));
		if (unwrap(json_root(&doc), &expected, &f) == ERR_OK)
			HOLD(stage.key.type != KEY_NONE);
		else
			HOLD(fuzz_zero(&stage.key, sizeof stage.key));
	}
	if (json_parse(&doc, in, toks, HEADER_TOKENS) == ERR_OK && read_chain(&work, json_root(&doc), chain, &n) == ERR_OK)
		for (size_t i = 0; i < n; i++)
			HOLD(n <= CHAIN_MAX && fuzz_inside(chain[i], span_of(work.certs, sizeof work.certs)));
	WIPE(work);
}

void fuzz_one(struct span in)
{
	uint8_t *exact = fuzz_exact(in);
	char kid[URL_MAX];

	if (in.n && in.p[0] == '{')
		parts(span_of(exact, in.n));
	if (open_answer(span_of(exact, in.n), kid) == ERR_OK)
		HOLD(span_eq(signed_part(in), signed_part(genuine)) && stage.key.type == KEY_OCT && strcmp(kid, "https://fuzz.example/keys/contoso-secret-key/1") == 0);
	free(exact);
}
