/* The format of stored records: sealed field values in JSON lines, one batch a file. */
#include "party/records/records.h"

#include "base/ct.h"
#include "text/base64.h"
#include "text/hex.h"
#include "text/json_read.h"
#include "text/json_write.h"

#include <string.h>

#define HEAD_START "{\"format\":\"parley-records/"
#define FORMAT "parley-records/1"
#define ALG "RSA-OAEP-256+A256GCM"
#define END_START "{\"end\":true,\"batch\":\""
_Static_assert(KEYS_DEK_LEN == GCM_KEY_LEN, "a data key is a key of AES-256-GCM");
#define MARK 0x50 /* first byte of a token */
#define HEAD_TOKS (2 * 16 + FIELDS_MAX)

/* First word of a nonce: what it is for. */
enum { NONCE_VALUE = 1, NONCE_SEAL = 2, NONCE_SOURCE = 3 };

bool records_is_head(struct span line)
{
	return span_starts(line, HEAD_START);
}

bool records_is_end(struct span line)
{
	return span_starts(line, END_START);
}

bool records_field_ok(struct span name)
{
	if (name.n == 0 || name.n > FIELD_NAME_MAX)
		return false;
	for (size_t i = 0; i < name.n; i++) {
		uint8_t c = name.p[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
		bool digit = c >= '0' && c <= '9';

		if (!letter && !digit && c != '_' && c != ' ' && c != '.' && c != '-')
			return false;
	}
	return true;
}

static uint32_t exact_field(const struct records_head *h, struct span name)
{
	for (uint32_t i = 0; i < h->n_fields; i++)
		if (span_eq_str(name, h->field[i]))
			return i;
	return FIELDS_MAX;
}

uint32_t records_field(const struct records_head *h, struct span name)
{
	uint32_t found = exact_field(h, name);

	for (uint32_t i = 0; i < h->n_fields && found == FIELDS_MAX; i++) {
		char plain[FIELD_NAME_MAX + 1];

		if (span_copy_str(name, plain, sizeof plain) && span_eq_nocase(span_trim(span_str(h->field[i])), plain))
			found = i;
	}
	return found;
}

/* --- header --- */

static bool read_fields(struct json_val list, struct records_head *h)
{
	size_t n = json_size(list);

	if (json_type_of(list) != JSON_ARRAY || n == 0 || n > FIELDS_MAX)
		return false;
	for (size_t i = 0; i < n; i++) {
		struct span name;

		if (json_plain(json_at(list, i), &name) || !records_field_ok(name))
			return false;
		h->n_fields = (uint32_t)i;
		if (exact_field(h, name) != FIELDS_MAX || !span_copy_str(name, h->field[i], sizeof h->field[i]))
			return false;
	}
	h->n_fields = (uint32_t)n;
	return true;
}

/* Text that is repeated in every record must need no escaping. */
static bool read_plain(struct json_val v, char *dst, size_t cap)
{
	struct span text;

	if (json_plain(v, &text) || text.n == 0)
		return false;
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] <= 0x20 || text.p[i] >= 0x7f)
			return false;
	return span_copy_str(text, dst, cap);
}

static bool read_head(struct json_val root, struct records_head *h)
{
	struct span batch, wrapped;

	if (!json_is(json_get(root, "format"), FORMAT) || !json_is(json_get(root, "alg"), ALG))
		return false;
	if (!read_plain(json_get(root, "company"), h->company, sizeof h->company))
		return false;
	if (!read_plain(json_get(root, "key_id"), h->key_id, sizeof h->key_id))
		return false;
	if (!read_plain(json_get(root, "created"), h->created, sizeof h->created))
		return false;
	if (json_plain(json_get(root, "batch"), &batch) || hex_decode(batch, h->batch, sizeof h->batch))
		return false;
	if (json_plain(json_get(root, "wrapped_dek"), &wrapped) ||
	    base64_decode(B64_STD, wrapped, h->wrapped, sizeof h->wrapped, &h->wrapped_len))
		return false;
	return read_fields(json_get(root, "fields"), h);
}

enum err records_head_parse(struct span line, struct records_head *h, struct fault *f)
{
	struct json_tok toks[HEAD_TOKS];
	struct json doc;

	if (line.n > RECORDS_HEAD_MAX || json_parse(&doc, line, toks, HEAD_TOKS) || !read_head(json_root(&doc), h))
		return fault_set(f, ERR_DAMAGED, STEP_STORE, "header line of the records is malformed or of an unknown format");
	hash_sha256(line, h->hash);
	return ERR_OK;
}

void records_head_write(struct records_head *h, struct out *o)
{
	size_t start = o->n;
	struct jw w = jw_init(o);

	jw_object(&w, NULL);
	jw_str(&w, "format", FORMAT);
	jw_str(&w, "company", h->company);
	jw_hex(&w, "batch", span_of(h->batch, sizeof h->batch));
	jw_str(&w, "key_id", h->key_id);
	jw_str(&w, "alg", ALG);
	jw_b64(&w, "wrapped_dek", span_of(h->wrapped, h->wrapped_len), B64_STD);
	jw_array(&w, "fields");
	for (uint32_t i = 0; i < h->n_fields; i++)
		jw_str(&w, NULL, h->field[i]);
	jw_end_array(&w);
	jw_str(&w, "created", h->created);
	jw_end_object(&w);
	if (!o->bad)
		hash_sha256(span_of(o->p + start, o->n - start), h->hash);
	out_byte(o, '\n');
}

/* What is stored here, or a partner's records in an analysis. */
static const struct step *step_of(enum key_slot slot)
{
	return slot == KEYS_OWN ? STEP_STORE : STEP_ANALYSIS;
}

static enum err dek_fault(struct fault *f, enum key_slot slot, enum err e)
{
	if (e == ERR_STATE)
		return fault_set(f, e, step_of(slot), "the key for these records is not released");
	if (e == ERR_RANGE)
		return fault_set(f, e, step_of(slot), "the released key is not an RSA key");
	return fault_set(f, ERR_CRYPTO, step_of(slot), "the data key of the records cannot be unwrapped");
}

enum err records_open_dek(const struct records_head *h, enum key_slot slot, struct gcm *g, struct fault *f)
{
	char thumb[JWK_THUMBPRINT_LEN + 1];
	uint8_t dek[KEYS_DEK_LEN];
	enum key_type type;
	unsigned bits;
	enum err e = keys_describe(slot, &type, &bits, thumb);

	if (e)
		return dek_fault(f, slot, e);
	if (!span_eq_str(span_str(thumb), h->key_id))
		return fault_set_detail(f, ERR_MISMATCH, step_of(slot), "the records were encrypted for another key than the released one",
		                        span_str(h->key_id));
	e = keys_unwrap_dek(slot, span_of(h->wrapped, h->wrapped_len), dek);
	if (e)
		return dek_fault(f, slot, e);
	gcm_init(g, dek);
	gcm_aad_start(g, h->hash);
	WIPE(dek);
	return ERR_OK;
}

/* --- values --- */

static void value_nonce(uint8_t nonce[GCM_NONCE_LEN], uint32_t record, uint32_t field)
{
	store_be32(nonce, NONCE_VALUE);
	store_be32(nonce + 4, record);
	store_be32(nonce + 8, field);
}

/* What follows the hash of the header in the AAD. */
#define AAD_MAX (4 + FIELD_NAME_MAX)
static struct span value_aad(const struct records_head *h, uint32_t record, uint32_t field, uint8_t aad[AAD_MAX])
{
	size_t n = strlen(h->field[field]);

	store_be32(aad, record);
	memcpy(aad + 4, h->field[field], n);
	return span_of(aad, 4 + n);
}

static void token_head(const struct records_head *h, uint32_t record, uint32_t field, uint8_t head[RECORDS_TOKEN_HEAD])
{
	head[0] = MARK;
	memcpy(head + 1, h->batch, 4);
	store_be32(head + 5, record);
	head[9] = (uint8_t)field;
}

void records_seal(const struct records_head *h, struct gcm *g, uint32_t record, uint32_t field, struct span value,
                  uint8_t scratch[RECORDS_TOKEN_MAX], struct out *o)
{
	uint8_t nonce[GCM_NONCE_LEN], aad[AAD_MAX];
	uint8_t *text = scratch + RECORDS_TOKEN_HEAD;

	if (value.n > FIELD_VALUE_MAX) {
		o->bad = true;
		return;
	}
	value_nonce(nonce, record, field);
	token_head(h, record, field, scratch);
	if (value.n)
		memcpy(text, value.p, value.n);
	gcm_seal(g, nonce, value_aad(h, record, field, aad), text, value.n, text + value.n);
	base64_encode(o, B64_STD, span_of(scratch, RECORDS_TOKEN_HEAD + value.n + GCM_TAG_LEN));
}

bool records_token_ok(const struct records_head *h, uint32_t record, uint32_t field, struct span text)
{
	uint8_t want[RECORDS_TOKEN_HEAD], got[12];
	size_t n;

	/* 16 characters hold the 10 bytes of the token's head. The rest is covered by the seal. */
	if (text.n < B64_LEN(RECORDS_TOKEN_HEAD + GCM_TAG_LEN) || text.n > B64_LEN(RECORDS_TOKEN_MAX) || text.n % 4)
		return false;
	if (base64_decode(B64_STD, span_sub(text, 0, 16), got, sizeof got, &n) || n != sizeof got)
		return false;
	token_head(h, record, field, want);
	return span_eq(span_of(want, sizeof want), span_of(got, sizeof want));
}

bool records_token_claims(struct span text, uint64_t record)
{
	uint8_t got[12];
	size_t n;

	if (text.n < 16 || base64_decode(B64_STD, span_sub(text, 0, 16), got, sizeof got, &n) || n != sizeof got)
		return false;
	return got[0] == MARK && load_be32(got + 5) == record;
}

enum err records_unseal(const struct records_head *h, struct gcm *g, uint32_t record, uint32_t field, struct span text,
                        uint8_t scratch[RECORDS_TOKEN_MAX], struct span *value)
{
	uint8_t nonce[GCM_NONCE_LEN], aad[AAD_MAX], head[RECORDS_TOKEN_HEAD];
	size_t n, len;

	if (base64_decode(B64_STD, text, scratch, RECORDS_TOKEN_MAX, &n) || n < RECORDS_TOKEN_HEAD + GCM_TAG_LEN)
		return ERR_DAMAGED;
	token_head(h, record, field, head);
	if (!span_eq(span_of(head, sizeof head), span_of(scratch, sizeof head)))
		return ERR_DAMAGED;
	len = n - RECORDS_TOKEN_HEAD - GCM_TAG_LEN;
	value_nonce(nonce, record, field);
	if (gcm_open(g, nonce, value_aad(h, record, field, aad), scratch + RECORDS_TOKEN_HEAD, len,
	             scratch + RECORDS_TOKEN_HEAD + len))
		return ERR_DAMAGED;
	*value = span_of(scratch + RECORDS_TOKEN_HEAD, len);
	return ERR_OK;
}

/* --- trailer --- */

static void end_nonce_aad(const struct sha256 *content, uint64_t records, uint8_t nonce[GCM_NONCE_LEN], uint8_t aad[SHA256_LEN])
{
	store_be32(nonce, NONCE_SEAL);
	store_be64(nonce + 4, records);
	hash_sha256_out(content, aad);
}

static void source_nonce(uint8_t nonce[GCM_NONCE_LEN])
{
	store_be32(nonce, NONCE_SOURCE);
	store_be64(nonce + 4, 0);
}

enum err records_end_source(const struct gcm *g, const struct records_end *end,
                            uint8_t source_sha256[SHA256_LEN], struct fault *f)
{
	uint8_t nonce[GCM_NONCE_LEN], hash[SHA256_LEN];

	memcpy(hash, end->source, sizeof hash);
	source_nonce(nonce);
	if (!end->source_clear &&
	    gcm_open(g, nonce, span_of(NULL, 0), hash, sizeof hash, end->source + SHA256_LEN))
		return fault_set(f, ERR_DAMAGED, STEP_STORE, "the hash of the source does not verify");
	memcpy(source_sha256, hash, sizeof hash);
	return ERR_OK;
}

void records_end_write(const struct records_head *h, struct gcm *g, struct sha256 *content, uint64_t records,
                       const uint8_t source_sha256[SHA256_LEN], struct out *o)
{
	size_t start = o->n;
	uint8_t source[SHA256_LEN + GCM_TAG_LEN];
	uint8_t nonce[GCM_NONCE_LEN], aad[SHA256_LEN], seal[GCM_TAG_LEN], nothing = 0;

	memcpy(source, source_sha256, SHA256_LEN);
	source_nonce(nonce);
	gcm_seal(g, nonce, span_of(NULL, 0), source, SHA256_LEN, source + SHA256_LEN);
	out_str(o, END_START);
	out_hex(o, h->batch, sizeof h->batch);
	out_str(o, "\",\"records\":");
	out_u64(o, records);
	out_str(o, ",\"source\":\"");
	base64_encode(o, B64_STD, span_of(source, sizeof source));
	out_str(o, "\",\"seal\":\"");
	if (o->bad)
		return;
	hash_sha256_update(content, span_of(o->p + start, o->n - start));
	end_nonce_aad(content, records, nonce, aad);
	gcm_seal(g, nonce, span_of(aad, sizeof aad), &nothing, 0, seal);
	base64_encode(o, B64_STD, span_of(seal, sizeof seal));
	out_str(o, "\"}\n");
}

/* Takes a fixed text off the front of s. */
static bool eat(struct span *s, const char *text)
{
	if (!span_starts(*s, text))
		return false;
	*s = span_sub(*s, strlen(text), s->n);
	return true;
}

static bool eat_until(struct span *s, uint8_t stop, struct span *part)
{
	size_t n = span_find(*s, stop);

	*part = span_sub(*s, 0, n);
	*s = span_sub(*s, n, s->n);
	return s->n != 0;
}

static bool read_source(struct span *s, struct records_end *end)
{
	struct span text;
	size_t n;

	end->source_clear = eat(s, ",\"source_sha256\":\"");
	if (!end->source_clear && !eat(s, ",\"source\":\""))
		return false;
	if (!eat_until(s, '"', &text))
		return false;
	if (end->source_clear)
		return hex_decode(text, end->source, SHA256_LEN) == ERR_OK;
	return base64_decode(B64_STD, text, end->source, sizeof end->source, &n) == ERR_OK &&
	       n == sizeof end->source;
}

/* The trailer is accepted only in the exact form in which it is written. */
static bool read_end(struct span line, struct records_end *end)
{
	struct span s = line, batch, count, seal;
	size_t n;

	if (!eat(&s, END_START) || !eat_until(&s, '"', &batch) || hex_decode(batch, end->batch, sizeof end->batch))
		return false;
	if (!eat(&s, "\",\"records\":") || !eat_until(&s, ',', &count) || !span_u64(count, &end->records))
		return false;
	if (!read_source(&s, end) || !eat(&s, "\",\"seal\":\""))
		return false;
	end->sealed = line.n - s.n;
	if (!eat_until(&s, '"', &seal) || base64_decode(B64_STD, seal, end->seal, sizeof end->seal, &n))
		return false;
	return n == sizeof end->seal && span_eq_str(s, "\"}");
}

enum err records_end_parse(struct span line, struct records_end *end, struct fault *f)
{
	if (!read_end(line, end))
		return fault_set(f, ERR_DAMAGED, STEP_STORE, "trailer line of the records is malformed");
	return ERR_OK;
}

enum err records_end_check(const struct records_head *h, struct gcm *g, const struct sha256 *content, struct span line,
                           uint64_t records, struct fault *f)
{
	struct records_end end;
	struct sha256 all = *content;
	uint8_t nonce[GCM_NONCE_LEN], aad[SHA256_LEN], nothing = 0;
	enum err e = records_end_parse(line, &end, f);

	if (e)
		return e;
	hash_sha256_update(&all, span_sub(line, 0, end.sealed));
	end_nonce_aad(&all, end.records, nonce, aad);
	if (gcm_open(g, nonce, span_of(aad, sizeof aad), &nothing, 0, end.seal) ||
	    !ct_equal(end.batch, h->batch, sizeof end.batch))
		return fault_set(f, ERR_DAMAGED, STEP_STORE, "the records were changed: their seal does not verify");
	if (end.records != records)
		return fault_set(f, ERR_DAMAGED, STEP_STORE, "the trailer counts other than the records that were read");
	return ERR_OK;
}
