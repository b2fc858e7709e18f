/* Writing a batch of records: header, sealed records, trailer. */
#include "party/records/recwrite.h"

#include "base/ct.h"
#include "crypto/rng.h"
#include "text/timefmt.h"

static enum err key_fault(struct fault *f, enum err e)
{
	return fault_set(f, e, STEP_STORE, e == ERR_STATE ? "no key is released" : e == ERR_RANGE ? "the released key is not an RSA key" :
	                 "the data key cannot be wrapped");
}

/* Wraps a fresh DEK and names the key that can unwrap it. A release in between may have replaced the key: then the name
 * would be of one key and the wrapping by another, so it is asked for before and after. */
static enum err make_dek(struct recwrite *w, struct fault *f)
{
	struct records_head *h = &w->head;
	char after[JWK_THUMBPRINT_LEN + 1];
	uint8_t dek[GCM_KEY_LEN];
	enum key_type type;
	unsigned bits;
	enum err e;

	rng_bytes(dek, sizeof dek);
	gcm_init(&w->gcm, dek);
	e = keys_describe(KEYS_OWN, &type, &bits, h->key_id);
	if (!e)
		e = keys_oaep_encrypt(KEYS_OWN, span_of(dek, sizeof dek), h->wrapped, sizeof h->wrapped, &h->wrapped_len);
	if (!e)
		e = keys_describe(KEYS_OWN, &type, &bits, after);
	WIPE(dek);
	if (e)
		return key_fault(f, e);
	if (!span_eq_str(span_str(after), h->key_id))
		return fault_set(f, ERR_STATE, STEP_STORE, "the released key was replaced during the import");
	return ERR_OK;
}

enum err recwrite_begin(struct recwrite *w, const char *company, const struct span *names, size_t n, int64_t now_us,
                        struct out *o, struct fault *f)
{
	struct records_head *h = &w->head;
	struct out created = out_init(h->created, sizeof h->created);
	size_t start = o->n;

	w->records = 0;
	rng_bytes(h->batch, sizeof h->batch);
	time_iso8601(&created, now_us / 1000000, (unsigned)(now_us % 1000000));
	(void)out_cstr(&created);
	if (created.bad || !span_copy_str(span_str(company), h->company, sizeof h->company) || n == 0 || n > FIELDS_MAX)
		return fault_set(f, ERR_RANGE, STEP_STORE, "company, time or columns do not fit the record format");
	h->n_fields = (uint32_t)n;
	for (size_t i = 0; i < n; i++)
		if (!span_copy_str(names[i], h->field[i], sizeof h->field[i]))
			return fault_set(f, ERR_RANGE, STEP_STORE, "a column name is too long");
	TRY(make_dek(w, f));
	records_head_write(h, o);
	if (o->bad)
		return fault_set(f, ERR_TOO_BIG, STEP_STORE, "header of the records does not fit");
	gcm_aad_start(&w->gcm, h->hash);
	hash_sha256_init(&w->content);
	hash_sha256_update(&w->content, span_of(o->p + start, o->n - start));
	return ERR_OK;
}

enum err recwrite_record(struct recwrite *w, const struct span *values, struct out *o)
{
	const struct records_head *h = &w->head;
	size_t start = o->n;

	if (w->records >= RECORDS_MAX)
		return ERR_FULL;
	w->records++;
	out_str(o, "{\"line_number\":");
	out_u64(o, w->records);
	out_strs(o, ",\"timestamp\":\"", h->created, "\",\"company\":\"", h->company, "\"");
	for (uint32_t i = 0; i < h->n_fields; i++) {
		out_strs(o, ",\"", h->field[i], "_encrypted\":\"");
		records_seal(h, &w->gcm, (uint32_t)w->records, i, values[i], w->scratch, o);
		out_byte(o, '"');
	}
	out_str(o, "}\n");
	if (o->bad || o->n - start > RECORD_LINE_MAX)
		return ERR_TOO_BIG;
	hash_sha256_update(&w->content, span_of(o->p + start, o->n - start));
	return ERR_OK;
}

void recwrite_end(struct recwrite *w, const uint8_t source_sha256[SHA256_LEN], struct out *o)
{
	records_end_write(&w->head, &w->gcm, &w->content, w->records, source_sha256, o);
}

void recwrite_wipe(struct recwrite *w)
{
	WIPE_N(w, sizeof *w);
}
