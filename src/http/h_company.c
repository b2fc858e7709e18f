/* A company's own data: what there is, import, listing of ciphertext. */
#include "base/log.h"
#include "http/body.h"
#include "http/handlers.h"
#include "svc/append.h"
#include "svc/keys.h"
#include "svc/populate.h"
#include "svc/shared.h"

/* The role as pages know it: lower case, and only once its key is here. */
static const char *released_company(const struct settings *s)
{
	return keys_have(KEYS_OWN) ? role_name(s->role) : NULL;
}

void h_company_info(struct request *q)
{
	const char *company = released_company(q->s);
	uint8_t buf[1024], file_buf[64];
	struct out o = out_init(buf, sizeof buf), file = out_init(file_buf, sizeof file_buf);
	struct jw w = jw_init(&o);

	out_str(&file, company ? company : "");
	out_str(&file, "-data.json");
	jw_object(&w, NULL);
	jw_str(&w, "company", company);
	jw_str(&w, "key_name", q->s->key_name[0] ? q->s->key_name : NULL);
	jw_bool(&w, "key_released", keys_have(KEYS_OWN));
	jw_str(&w, "data_file", company ? out_cstr(&file) : NULL);
	jw_end_object(&w);
	reply_json(q->reply, 200, &o);
}

/* Puts what is stored into the shared blob where that is configured; a failure is answered here. What is stored locally stays: the
 * same request again only repeats this part. */
static bool publish(struct request *q, struct shared_result *shared)
{
	struct fault f;

	fault_clear(&f);
	if (shared_publish(q->s, shared, q->deadline_ms, &f) == ERR_OK)
		return true;
	h_storage_fault(q, &f, q->s->storage.blob_name);
	return false;
}

/* Members that say where the records are. The original had one or the other form: all of both are sent. */
static void write_place(struct jw *w, const struct settings *s)
{
	uint8_t url[URL_MAX + 4096];
	struct out o = out_init(url, sizeof url);
	bool blob = s->storage.blob;

	storage_url(s, s->storage.blob_name, &o);
	jw_str(w, "local_file", store_file_name(s));
	jw_str(w, "blob_name", blob ? s->storage.blob_name : NULL);
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

static bool is_upload(const struct http_head *h)
{
	struct span type;

	return http_field_get(h, "Content-Type", &type, NULL) &&
	       span_eq_nocase(span_trim(span_sub(type, 0, span_find(type, ';'))), "text/csv");
}

/* With Content-Type text/csv the body is the data; otherwise the configured file is read and the body ignored. */
void h_company_populate(struct request *q)
{
	struct populate_source upload = { q, read_upload };
	struct populate_result r = { 0 };
	struct shared_result shared;
	bool uploaded = is_upload(q->head);
	uint8_t buf[8192];
	struct out o = out_init(buf, sizeof buf);
	struct jw w = jw_init(&o);
	struct fault f;
	enum err e;

	fault_clear(&f);
	e = uploaded ? populate_from(q->s, &upload, &r, &f) : populate_from_file(q->s, &r, &f);
	if (e != ERR_OK) {
		reply_fault(q->reply, &f);
		return;
	}
	if (!publish(q, &shared))
		return;
	jw_object(&w, NULL);
	jw_str(&w, "status", "success");
	jw_str(&w, "message", r.unchanged ? "This content is stored already; nothing was changed." :
	                      r.kept ? "The records were encrypted and stored. What was stored before could not be read; it is kept beside them." :
	                               "The records were encrypted and stored.");
	jw_str(&w, "company", role_name(q->s->role));
	jw_str(&w, "source_file", uploaded ? "upload" : q->s->csv_path);
	jw_u64(&w, "records_added", r.records_added);
	jw_u64(&w, "total_records", r.total_records);
	jw_str(&w, "destination", q->s->storage.blob ? q->s->storage.blob_name : store_file_name(q->s));
	write_place(&w, q->s);
	jw_bool(&w, "unchanged", r.unchanged);
	jw_str(&w, "note", "Each value is encrypted with AES-256-GCM under a fresh key that only the company's released key opens.");
	jw_end_object(&w);
	reply_json(q->reply, 200, &o);
}

/* A member that is absent or null is an empty value. False: no string, or too long; answered. */
static bool take_text(struct request *q, struct json_val v, const char *message, uint8_t *dst, size_t cap, struct span *text)
{
	struct out o = out_init(dst, cap);

	*text = span_of(dst, 0);
	if (!json_present(v) || json_type_of(v) == JSON_NULL)
		return true;
	if (json_string(v, &o) != ERR_OK) {
		reply_error(q->reply, 400, message);
		return false;
	}
	*text = out_span(&o);
	return true;
}

/* One record with a name, a phone number, or both. */
void h_company_save(struct request *q)
{
	struct append_value values[2] = { { .column = "name" }, { .column = "phone" } };
	uint8_t buf[8192];
	struct out o = out_init(buf, sizeof buf);
	struct jw w = jw_init(&o);
	struct shared_result shared;
	uint64_t total = 0;
	struct body b;
	struct fault f;

	fault_clear(&f);
	if (!body_json(q, &b, true))
		return;
	if (!keys_have(KEYS_OWN)) {
		reply_error(q->reply, 400, "No key has been released.");
		return;
	}
	/* scratch->value and value2 are wiped after each request. */
	if (!take_text(q, json_get(b.root, "name"), "name must be a string of at most 4096 bytes.", q->scratch->value, FIELD_VALUE_MAX, &values[0].value) ||
	    !take_text(q, json_get(b.root, "phone"), "phone must be a string of at most 4096 bytes.", q->scratch->value2, FIELD_VALUE_MAX, &values[1].value))
		return;
	if (values[0].value.n == 0 && values[1].value.n == 0) {
		reply_error(q->reply, 400, "At least one of name and phone is needed.");
		return;
	}
	if (append_record(q->s, values, 2, &total, &f) != ERR_OK) {
		reply_fault(q->reply, &f);
		return;
	}
	if (!publish(q, &shared))
		return;
	jw_object(&w, NULL);
	jw_str(&w, "status", "success");
	jw_str(&w, "message", "The record was encrypted and stored.");
	jw_str(&w, "company", role_name(q->s->role));
	jw_u64(&w, "record_count", total);
	write_place(&w, q->s);
	jw_str(&w, "note", "All stored records were sealed anew under a fresh key.");
	jw_end_object(&w);
	reply_json(q->reply, 200, &o);
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
		struct out o = out_init(name, sizeof name);

		out_str(&o, head->field[i]);
		out_str(&o, "_encrypted");
		jw_str(w, NULL, out_cstr(&o));
	}
	jw_end_array(w);
}

void h_company_encrypted_status(struct request *q)
{
	const char *company = role_name(q->s->role), *file = store_file_name(q->s);
	struct out o = out_init(q->scratch->text, sizeof q->scratch->text);
	struct jw w = jw_init(&o);
	struct store_status st = { 0 };
	struct records_head head;
	struct records_end end;
	struct fault f;

	fault_clear(&f);
	if (store_status(q->s, &st, &f) != ERR_OK) {
		reply_fault(q->reply, &f);
		return;
	}
	jw_object(&w, NULL);
	jw_str(&w, "company", company);
	jw_str(&w, "key_name", q->s->key_name[0] ? q->s->key_name : NULL);
	jw_bool(&w, "key_released", keys_have(KEYS_OWN));
	jw_str(&w, "encrypted_file", file[0] ? file : NULL);
	jw_bool(&w, "file_exists", st.exists);
	if (st.exists) {
		jw_u64(&w, "file_size_bytes", st.size_bytes);
		jw_u64(&w, "record_count", st.record_count);
		if (store_describe(q->s, &head, &end, &f) == ERR_OK)
			write_fields(&w, &head);
	}
	jw_str(&w, "status", st.exists ? "success" : "pending");
	jw_str(&w, "message", st.exists ? "Encrypted records are stored." : file[0] ? "Nothing has been imported yet." : "This party holds no records of its own.");
	jw_end_object(&w);
	reply_json(q->reply, 200, &o);
}

static bool wants_lines(const struct http_head *h)
{
	struct span accept;

	return http_field_get(h, "Accept", &accept, NULL) && span_has_nocase(accept, "application/x-ndjson");
}

/* Pieces are gathered to a decent size before they are sent. */
static enum err emit(struct request *q, struct out *o, bool flush)
{
	enum err e = ERR_OK;

	if (o->bad)
		return ERR_TOO_BIG;
	if (flush || o->cap - o->n < RECORD_LINE_MAX + 2) {
		e = reply_stream_write(q->reply, out_span(o));
		o->n = 0;
	}
	return e;
}

/* For partners: the file as it is stored, a JSON object a line. */
static enum err stream_lines(struct request *q, struct out *o, struct fault *f)
{
	struct span line;
	enum err e = reply_stream_start(q->reply, 200, "application/x-ndjson");

	while (e == ERR_OK && (e = spool_next(&q->scratch->reader, &line, f)) == ERR_OK) {
		out_put(o, line);
		out_byte(o, '\n');
		e = emit(q, o, false);
	}
	return e == ERR_NOT_FOUND ? emit(q, o, true) : e;
}

/* For pages and clients of the original: one object with all records in an array. */
static enum err stream_object(struct request *q, struct out *o, const struct store_status *st, struct fault *f)
{
	struct jw w = jw_init(o);
	struct span line;
	uint64_t total = shared_total();
	enum err e = reply_stream_start(q->reply, 200, "application/json");

	jw_object(&w, NULL);
	jw_str(&w, "status", "success");
	jw_str(&w, "company", role_name(q->s->role));
	write_place(&w, q->s);
	jw_u64(&w, "record_count", st->record_count);
	jw_u64(&w, "total_records_in_file", total ? total : st->record_count);
	jw_bool(&w, "key_released", keys_have(KEYS_OWN));
	jw_str(&w, st->exists ? "note" : "message", st->exists ? "Ciphertext only." : "Nothing has been imported yet.");
	jw_array(&w, "records");
	while (e == ERR_OK && st->exists && (e = spool_next(&q->scratch->reader, &line, f)) == ERR_OK) {
		if (!records_is_head(line) && !records_is_end(line))
			jw_raw(&w, NULL, line);
		e = emit(q, o, false);
	}
	jw_end_array(&w);
	jw_end_object(&w);
	return e == ERR_NOT_FOUND || e == ERR_OK ? emit(q, o, true) : e;
}

void h_company_list(struct request *q)
{
	struct out o = out_init(q->scratch->text, sizeof q->scratch->text);
	struct store_status st = { 0 };
	struct fault f;
	enum err e;

	fault_clear(&f);
	if (q->s->role != ROLE_CONTOSO && q->s->role != ROLE_FABRIKAM) {
		reply_error(q->reply, 400, "This party holds no records of its own.");
		return;
	}
	e = store_status(q->s, &st, &f);
	if (e == ERR_OK && st.exists)
		e = store_open(q->s, &q->scratch->reader, &f);
	if (e != ERR_OK) {
		reply_fault(q->reply, &f);
		return;
	}
	if (wants_lines(q->head) && st.exists)
		e = stream_lines(q, &o, &f);
	else
		e = stream_object(q, &o, &st, &f);
	if (st.exists)
		spool_close(&q->scratch->reader);
	/* After the head there is only one way to tell the client that something went wrong: no proper end. */
	if (e == ERR_OK)
		reply_stream_end(q->reply);
	else
		q->reply->keep_alive = false;
	if (f.err)
		log_fault(LOG_ERROR, "company", "the list of records was cut off", &f);
}
