/* A company's own data: what there is, import, listing of ciphertext. */
#include "base/log.h"
#include "party/handlers.h"
#include "party/records/append.h"
#include "attest/keys.h"
#include "party/populate.h"
#include "party/share.h"

/* The role as pages know it: lower case, and only once its key is here. */
static const char *released_company(const struct settings *s)
{
	return keys_have(KEYS_OWN) ? role_name(s->role) : NULL;
}

int h_company_info(struct request *q, struct jw *w)
{
	const char *company = released_company(q->s);
	char file[64];

	out_join(file, sizeof file, company, "-data.json");
	jw_str(w, "company", company);
	jw_str(w, "key_name", answer_or_null(q->s->attest.key_name));
	jw_bool(w, "key_released", keys_have(KEYS_OWN));
	jw_str(w, "data_file", company ? file : NULL);
	return 200;
}

/* Puts what is stored into the shared blob where that is configured; a failure is answered here. What is stored locally stays: the
 * same request again only repeats this part. */
static bool publish(struct request *q)
{
	const struct share *share = share_get();
	uint64_t total;

	if (!share || share->publish(q->s, &total, q->deadline_ms, &q->fault) == ERR_OK)
		return true;
	log_fault(LOG_WARN, "shared", "the shared blob was not written", &q->fault);
	return share->refuse(q);
}

/* Members that say where the records are. The original had one or the other form: all of both are sent. */
static void write_place(struct jw *w, const struct settings *s)
{
	uint8_t url[URL_MAX + 4096];
	struct out o = out_init(url, sizeof url);
	bool blob = share_get() && s->demo.storage.blob;

	if (blob)
		share_get()->url(s, &o);
	jw_str(w, "local_file", store_file_name(s));
	jw_str(w, "blob_name", blob ? s->demo.storage.blob_name : NULL);
	jw_str(w, "full_blob_url", blob ? out_cstr(&o) : NULL);
	jw_str(w, "storage_type", blob ? "blob" : "local");
}

/* The request's body as a source of CSV. */
static enum err read_upload(void *ctx, uint8_t *dst, size_t cap, size_t *n, struct fault *f)
{
	struct request *q = ctx;
	enum err e = conn_body_read(q->conn, dst, cap, n, q->deadline_ms);

	return e == ERR_OK ? ERR_OK : fault_set(f, e, STEP_STORE, "The upload ended before its end.");
}

/* What of the source the analysis counts and what it does not: as figures, and in words. */
static void write_columns(struct jw *w, const struct populate_result *r)
{
	uint8_t text[POPULATE_NOTE_MAX];
	struct out o = out_init(text, sizeof text);

	jw_array(w, "columns");
	for (size_t i = 0; i < ANALYSIS_FIELDS; i++) {
		jw_object(w, NULL);
		jw_str(w, "column", analysis_fields[i]);
		jw_bool(w, "found", r->found[i]);
		jw_u64(w, "read", r->values.n[i][VALUE_READ]);
		jw_object(w, "not_read");
		for (enum value_kind k = VALUE_EMPTY; k < VALUE_KINDS; k++)
			if (r->values.n[i][k])
				jw_u64(w, value_reason_member(k), r->values.n[i][k]);
		jw_end_object(w);
		jw_end_object(w);
	}
	jw_end_array(w);
	jw_u64(w, "empty_rows", r->empty_rows);
	jw_array(w, "warnings");
	for (size_t i = 0; populate_note(r, i, &o); i++, o.n = 0)
		jw_span(w, NULL, out_span(&o));
	jw_end_array(w);
}

/* With Content-Type text/csv the body is the data; otherwise the configured file is read and the body ignored. */
int h_company_populate(struct request *q, struct jw *w)
{
	struct populate_source upload = { q, read_upload };
	struct populate_result r = { 0 };
	bool uploaded = http_media_type_is(q->head, "text/csv");

	if ((uploaded ? populate_from(q->s, &upload, &r, &q->fault) : populate_from_file(q->s, &r, &q->fault)) != ERR_OK)
		return FAILED;
	if (!publish(q))
		return REPLIED;
	jw_str(w, "status", "success");
	jw_str(w, "message", r.unchanged ? "This content is stored already; nothing was changed." :
	                     r.kept ? "The records were encrypted and stored. What was stored before could not be read; it is kept beside them." :
	                              "The records were encrypted and stored.");
	jw_str(w, "company", role_name(q->s->role));
	jw_str(w, "source_file", uploaded ? "upload" : q->s->csv_path);
	jw_u64(w, "records_added", r.records_added);
	jw_u64(w, "total_records", r.total_records);
	jw_str(w, "destination", q->s->demo.storage.blob ? q->s->demo.storage.blob_name : store_file_name(q->s));
	write_place(w, q->s);
	jw_bool(w, "unchanged", r.unchanged);
	write_columns(w, &r);
	jw_str(w, "note", "Each value is encrypted with AES-256-GCM under a fresh key that only the company's released key opens.");
	return 200;
}

/* A member that is absent or null is an empty value. False: no string, or too long. */
static bool take_text(struct json_val v, uint8_t *dst, size_t cap, struct span *text)
{
	struct out o = out_init(dst, cap);
	bool ok = !json_present(v) || json_type_of(v) == JSON_NULL || json_string(v, &o) == ERR_OK;

	*text = out_span(&o);
	return ok;
}

/* One record with a name, a phone number, or both. */
int h_company_save(struct request *q, struct jw *w)
{
	struct append_value values[2] = { { .column = "name" }, { .column = "phone" } };
	uint64_t total = 0;

	if (!body_json(q, true))
		return REPLIED;
	if (!keys_have(KEYS_OWN))
		return answer_error(q, 400, "No key has been released.");
	if (!take_text(json_get(q->root, "name"), q->scratch->value, FIELD_VALUE_MAX, &values[0].value))
		return answer_error(q, 400, "name must be a string of at most 4096 bytes.");
	if (!take_text(json_get(q->root, "phone"), q->scratch->value2, FIELD_VALUE_MAX, &values[1].value))
		return answer_error(q, 400, "phone must be a string of at most 4096 bytes.");
	if (values[0].value.n == 0 && values[1].value.n == 0)
		return answer_error(q, 400, "At least one of name and phone is needed.");
	if (append_record(q->s, values, 2, &total, &q->fault) != ERR_OK)
		return FAILED;
	if (!publish(q))
		return REPLIED;
	jw_str(w, "status", "success");
	jw_str(w, "message", "The record was encrypted and stored.");
	jw_str(w, "company", role_name(q->s->role));
	jw_u64(w, "record_count", total);
	write_place(w, q->s);
	jw_str(w, "note", "All stored records were sealed anew under a fresh key.");
	return 200;
}

/* "fields" of the stored data, as the members of a record are called. */
static void write_fields(struct jw *w, const struct records_head *head)
{
	char name[FIELD_NAME_MAX + sizeof "_encrypted"];

	jw_array(w, "fields");
	jw_str(w, NULL, "line_number");
	jw_str(w, NULL, "timestamp");
	jw_str(w, NULL, "company");
	for (uint32_t i = 0; i < head->n_fields; i++) {
		out_join(name, sizeof name, head->field[i], "_encrypted");
		jw_str(w, NULL, name);
	}
	jw_end_array(w);
}

int h_company_encrypted_status(struct request *q, struct jw *w)
{
	const char *file = store_file_name(q->s);
	struct store_status st = { 0 };
	struct records_head head;
	struct records_end end;

	if (store_status(q->s, &st, &q->fault) != ERR_OK)
		return FAILED;
	jw_str(w, "company", role_name(q->s->role));
	jw_str(w, "key_name", answer_or_null(q->s->attest.key_name));
	jw_bool(w, "key_released", keys_have(KEYS_OWN));
	jw_str(w, "encrypted_file", answer_or_null(file));
	jw_bool(w, "file_exists", st.exists);
	if (st.exists) {
		jw_u64(w, "file_size_bytes", st.size_bytes);
		jw_u64(w, "record_count", st.record_count);
		if (store_describe(q->s, &head, &end, &q->fault) == ERR_OK)
			write_fields(w, &head);
	}
	jw_str(w, "status", st.exists ? "success" : "pending");
	jw_str(w, "message", st.exists ? "Encrypted records are stored." : file[0] ? "Nothing has been imported yet." : "This party holds no records of its own.");
	return 200;
}

static bool wants_lines(const struct http_head *h)
{
	struct span accept;

	return http_field_get(h, "Accept", &accept, NULL) && span_has_nocase(accept, "application/x-ndjson");
}

/* Pieces are gathered to a decent size before they are sent. */
static enum err emit(struct request *q, struct out *o)
{
	return o->bad || o->cap - o->n < RECORD_LINE_MAX + 2 ? answer_piece(q, o) : ERR_OK;
}

/* For partners: the file as it is stored. */
static enum err stream_file(struct request *q, struct out *o)
{
	enum err e = reply_stream_start(q->reply, 200, "application/x-ndjson");

	for (o->n = 1; e == ERR_OK && o->n;) {
		e = store_read(&q->scratch->reader.file, o->p, o->cap, &o->n, &q->fault);
		if (e == ERR_OK)
			e = reply_stream_write(q->reply, out_span(o));
	}
	return e;
}

/* The same of an original-format file: a JSON object a line. */
static enum err stream_lines(struct request *q, struct out *o)
{
	struct span line;
	enum err e = reply_stream_start(q->reply, 200, "application/x-ndjson");

	while (e == ERR_OK && (e = spool_next(&q->scratch->reader, &line, &q->fault)) == ERR_OK) {
		out_put(o, line);
		out_byte(o, '\n');
		e = emit(q, o);
	}
	return e == ERR_NOT_FOUND ? answer_piece(q, o) : e;
}

/* For pages and clients of the original: one object with all records in an array. */
static enum err stream_object(struct request *q, struct jw *w, const struct store_status *st)
{
	struct span line;
	uint64_t total = share_get() ? share_get()->total() : 0;
	enum err e = ERR_OK;

	jw_str(w, "status", "success");
	jw_str(w, "company", role_name(q->s->role));
	write_place(w, q->s);
	jw_u64(w, "record_count", st->record_count);
	jw_u64(w, "total_records_in_file", total ? total : st->record_count);
	jw_bool(w, "key_released", keys_have(KEYS_OWN));
	jw_str(w, st->exists ? "note" : "message", st->exists ? "Ciphertext only." : "Nothing has been imported yet.");
	jw_array(w, "records");
	while (e == ERR_OK && st->exists && (e = spool_next(&q->scratch->reader, &line, &q->fault)) == ERR_OK) {
		if (!records_is_head(line) && !records_is_end(line))
			jw_raw(w, NULL, line);
		e = emit(q, w->o);
	}
	jw_end_array(w);
	jw_end_object(w);
	return e == ERR_NOT_FOUND || e == ERR_OK ? answer_piece(q, w->o) : e;
}

int h_company_list(struct request *q, struct jw *w)
{
	struct out lines = out_init(q->scratch->text, sizeof q->scratch->text);
	struct store_status st = { 0 };
	enum err e;

	if (q->s->role != ROLE_CONTOSO && q->s->role != ROLE_FABRIKAM)
		return answer_error(q, 400, "This party holds no records of its own.");
	if (store_status(q->s, &st, &q->fault) != ERR_OK || (st.exists && store_open(q->s, &q->scratch->reader, &q->fault) != ERR_OK))
		return FAILED;
	if (wants_lines(q->head) && st.exists)
		e = st.ours ? stream_file(q, &lines) : stream_lines(q, &lines);
	else
		e = stream_object(q, w, &st);
	if (st.exists)
		spool_close(&q->scratch->reader);
	if (q->fault.err)
		log_fault(LOG_ERROR, "company", "the list of records was cut off", &q->fault);
	return answer_end(q, e);
}
