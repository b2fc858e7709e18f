/* Reading records back, our format and the original one: only the fields asked for are decrypted. */
#include "party/records/recread.h"

#include "base/ct.h"
#include "text/base64.h"

#include <string.h>

void recread_begin(struct recread *r, enum key_slot slot, const char *company, const char *const *wanted, size_t n_wanted)
{
	memset(r, 0, sizeof *r);
	r->slot = slot;
	r->company = company;
	r->wanted = wanted;
	r->n_wanted = n_wanted < RECREAD_WANTED_MAX ? n_wanted : RECREAD_WANTED_MAX;
}

static enum err damaged(const struct recread *r, struct fault *f, const char *what)
{
	uint8_t text[32];
	struct out o = out_init(text, sizeof text);

	out_str(&o, "record ");
	out_u64(&o, r->count + 1);
	return fault_set_detail(f, ERR_DAMAGED, STEP_STORE, what, out_span(&o));
}

/* --- our format --- */

/* What stands between the values of every record, written once. */
static bool write_between(struct recread *r)
{
	struct out o = out_init(r->between, sizeof r->between);
	size_t start;

	out_str(&o, ",\"timestamp\":\"");
	out_str(&o, r->head.created);
	out_str(&o, "\",\"company\":\"");
	out_str(&o, r->head.company);
	out_byte(&o, '"');
	r->after_number = out_span(&o);
	for (uint32_t i = 0; i < r->head.n_fields; i++) {
		start = o.n;
		out_str(&o, i ? "\",\"" : ",\"");
		out_str(&o, r->head.field[i]);
		out_str(&o, "_encrypted\":\"");
		r->lead[i] = span_of(o.p + start, o.n - start);
	}
	return !o.bad;
}

static enum err begin_ours(struct recread *r, struct span line, struct fault *f)
{
	enum err e = records_head_parse(line, &r->head, f);

	if (e)
		return e;
	if (!span_eq_str(span_str(r->company), r->head.company))
		return fault_set_detail(f, ERR_MISMATCH, STEP_STORE, "the records are another company's", span_str(r->head.company));
	e = records_open_dek(&r->head, r->slot, &r->gcm, f);
	if (e)
		return e;
	if (!write_between(r))
		return damaged(r, f, "the names of the header do not fit");
	for (uint32_t i = 0; i < FIELDS_MAX; i++)
		r->want_of[i] = RECREAD_WANTED_MAX;
	for (size_t i = 0; i < r->n_wanted; i++) {
		uint32_t field = records_field(&r->head, span_str(r->wanted[i]));

		if (field < FIELDS_MAX)
			r->want_of[field] = (uint8_t)i;
	}
	hash_sha256_init(&r->content);
	hash_sha256_update(&r->content, line);
	hash_sha256_update(&r->content, SPAN_LIT("\n"));
	return ERR_OK;
}

static bool eat(struct span *s, struct span text)
{
	if (!span_eq(span_sub(*s, 0, text.n), text))
		return false;
	*s = span_of(s->p + text.n, s->n - text.n);
	return true;
}

/* {"line_number":N,"timestamp":"<created>","company":"<company>" with N exactly the next number. */
static bool eat_start(const struct recread *r, struct span *s)
{
	uint8_t number[24];
	struct out o = out_init(number, sizeof number);

	out_u64(&o, r->count + 1);
	return eat(s, SPAN_LIT("{\"line_number\":")) && eat(s, out_span(&o)) && eat(s, r->after_number);
}

static bool eat_field(const struct recread *r, struct span *s, uint32_t field, struct span *token)
{
	size_t n;

	if (!eat(s, r->lead[field]))
		return false;
	n = span_find(*s, '"');
	*token = span_sub(*s, 0, n);
	*s = span_sub(*s, n, s->n);
	return true;
}

/* A record is accepted only as the bytes that recwrite_record writes: every field once, in the header's order, nothing
 * else. That is stricter than parsing JSON, needs no tokens, and is what the seal covers. */
static enum err record_ours(struct recread *r, struct span line, struct fault *f)
{
	struct span s = line, token;
	uint32_t number = (uint32_t)(r->count + 1);

	if (r->count >= RECORDS_MAX)
		return fault_set(f, ERR_FULL, STEP_STORE, "too many records");
	if (!eat_start(r, &s))
		return damaged(r, f, "a record is missing, repeated, out of order or changed");
	for (uint32_t i = 0; i < r->head.n_fields; i++) {
		uint8_t want = r->want_of[i];

		if (!eat_field(r, &s, i, &token))
			return damaged(r, f, "a field is missing or out of order");
		if (want == RECREAD_WANTED_MAX) {
			if (!records_token_ok(&r->head, number, i, token))
				return damaged(r, f, "a value is not of its place");
		} else if (records_unseal(&r->head, &r->gcm, number, i, token, r->plain[want], &r->value[want])) {
			return damaged(r, f, "a value does not verify");
		}
	}
	if (!span_eq_str(s, "\"}"))
		return damaged(r, f, "a record has more members than its header says");
	hash_sha256_update(&r->content, line);
	hash_sha256_update(&r->content, SPAN_LIT("\n"));
	r->count++;
	return ERR_OK;
}

static enum err item_ours(struct recread *r, struct span item, bool *is_record, struct fault *f)
{
	enum err e;

	if (r->ended)
		return fault_set(f, ERR_DAMAGED, STEP_STORE, "the records go on after their trailer");
	if (records_is_end(item)) {
		e = records_end_check(&r->head, &r->gcm, &r->content, item, r->count, f);
		r->ended = e == ERR_OK;
		return e;
	}
	e = record_ours(r, item, f);
	*is_record = e == ERR_OK;
	return e;
}

/* --- the original format --- */

/* RSA-OAEP-256 over one value, standard base64 (multiparty-app.md 3.2). Anything else is a missing value, but the
 * absence of the key is not. */
static enum err value_legacy(struct recread *r, struct json_val v, size_t want)
{
	uint8_t sealed[RSA_MAX];
	struct span text;
	size_t n, len = 0;
	enum err e;

	if (json_plain(v, &text) || base64_decode(B64_STD, text, sealed, sizeof sealed, &n))
		return ERR_OK;
	e = keys_oaep_decrypt(r->slot, span_of(sealed, n), r->plain[want], sizeof r->plain[want], &len);
	if (e == ERR_OK)
		r->value[want] = span_of(r->plain[want], len);
	return e == ERR_STATE ? e : ERR_OK;
}

/* Original records have a time, a company, sealed fields, and in replies a number. Our header and trailer do not pass, so a
 * file of ours whose first line was damaged does not turn into an original one full of missing values; nor do our records
 * without their header, whose values name their own place, here or as their line says (an RSA value does so by chance once
 * in 2^39). */
static bool looks_original(const struct recread *r, struct json_val root)
{
	struct json_val name, value;
	uint64_t here = r->count + 1, number;

	if (json_u64(json_get(root, "line_number"), &number) != ERR_OK)
		number = here;

	for (size_t i = 0; json_member(root, i, &name, &value); i++) {
		struct span text = json_raw(name), sealed;
		bool field = span_ends(text, "_encrypted");

		if (!field && !span_eq_str(text, "timestamp") && !span_eq_str(text, "company") && !span_eq_str(text, "line_number"))
			return false;
		if (field && json_plain(value, &sealed) == ERR_OK &&
		    (records_token_claims(sealed, here) || records_token_claims(sealed, number)))
			return false;
	}
	return json_type_of(root) == JSON_OBJECT;
}

static enum err item_legacy(struct recread *r, struct span item, bool *is_record, struct fault *f)
{
	char name[FIELD_NAME_MAX + sizeof "_encrypted"];
	char company[RECORDS_COMPANY_MAX];
	struct json doc;
	struct json_val root, says;

	if (json_parse(&doc, item, r->toks, RECREAD_TOKS))
		return damaged(r, f, "a record is not a small JSON object");
	root = json_root(&doc);
	if (!looks_original(r, root))
		return damaged(r, f, "a line is neither a record of the original format nor behind our header");
	says = json_get(root, "company");
	/* The original could keep all companies' records in one file: another company's must not be counted as this one's. */
	if (json_type_of(says) == JSON_STRING &&
	    (json_cstr(says, company, sizeof company) || !span_eq_nocase(span_str(company), r->company)))
		return fault_set(f, ERR_MISMATCH, STEP_STORE, "a record names another company");
	for (size_t i = 0; i < r->n_wanted; i++) {
		struct out o = out_init(name, sizeof name);

		out_str(&o, r->wanted[i]);
		out_str(&o, "_encrypted");
		r->value[i] = span_of(NULL, 0);
		if (value_legacy(r, json_get(root, out_cstr(&o)), i))
			return fault_set(f, ERR_STATE, STEP_ANALYSIS, "the key for these records is not released");
	}
	r->count++;
	*is_record = true;
	return ERR_OK;
}

enum err recread_item(struct recread *r, struct span item, bool *is_record, struct fault *f)
{
	*is_record = false;
	if (!r->begun) {
		r->begun = true;
		r->legacy = !records_is_head(item);
		if (!r->legacy)
			return begin_ours(r, item, f);
		if (!keys_have(r->slot))
			return fault_set(f, ERR_STATE, STEP_ANALYSIS, "the key for these records is not released");
	}
	return r->legacy ? item_legacy(r, item, is_record, f) : item_ours(r, item, is_record, f);
}

enum err recread_end(struct recread *r, struct fault *f)
{
	if (r->begun && !r->legacy && !r->ended)
		return fault_set(f, ERR_DAMAGED, STEP_STORE, "the records are cut: their trailer is missing");
	return ERR_OK;
}

void recread_wipe(struct recread *r)
{
	WIPE_N(r, sizeof *r);
}
