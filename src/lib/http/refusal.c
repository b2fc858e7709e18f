/* Error answers, and what a service's table says of them. */
#include "http/refusal.h"

#include <errno.h>
#include <string.h>

#include "base/out.h"
#include "text/json_read.h"
#include "text/utf8.h"

#define REFUSAL_TOKENS 64

/* --- one clean line --- */

/* How much is markup at the start of s, which begins with '<'. What browsers do not show counts
 * too. */
static size_t markup_len(struct span s)
{
	static const struct {
		const char *start, *end;
	} hidden[] = { { "<style", "</style>" }, { "<script", "</script>" }, { "<!--", "-->" } };

	for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++) {
		size_t n = strlen(hidden[i].end), at = 0;

		if (!span_eq_nocase(span_sub(s, 0, strlen(hidden[i].start)), hidden[i].start))
			continue;
		while (at < s.n && !span_eq_nocase(span_sub(s, at, n), hidden[i].end))
			at++;
		return at < s.n ? at + n : s.n;
	}
	return span_find(s, '>') < s.n ? span_find(s, '>') + 1 : s.n;
}

/* More than a quarter of it stands for nothing that a person reads. */
static bool is_binary(struct span s)
{
	size_t odd = 0, n;

	for (size_t i = 0; i < s.n; i += n ? n : 1) {
		n = utf8_len(span_sub(s, i, s.n));
		odd += n == 0 || s.p[i] == 0x7f || (s.p[i] < 0x20 && !strchr("\t\r\n", s.p[i])) ||
		       s.p[i] == 0;
	}
	return odd > s.n / 4;
}

/* Blanks and line breaks become one blank. What is not printable ASCII becomes '?', one for a
 * character. */
static void put_line(struct out *o, struct span s)
{
	bool markup = span_starts(s, "<"), blank = false;

	for (size_t i = 0, n = 1; i < s.n && !o->bad; i += n) {
		uint8_t c = s.p[i];

		n = 1;
		if (markup && c == '<') {
			n = markup_len(span_sub(s, i, s.n));
			c = ' ';
		} else if (c >= 0x80 && utf8_len(span_sub(s, i, 4))) {
			n = utf8_len(span_sub(s, i, 4));
		}
		if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
			blank = o->n > 0;
			continue;
		}
		if (blank)
			out_byte(o, ' ');
		blank = false;
		out_byte(o, c > 0x20 && c < 0x7f ? c : '?');
	}
}

void refusal_line(struct span body, char *dst, size_t cap)
{
	struct out o = out_init(dst, cap - 4); /* room for what says that it is cut */

	if (!is_binary(body))
		put_line(&o, span_trim(body));
	if (o.n == 0 && body.n) {
		out_str(&o, "(no text, bytes: ");
		out_u64(&o, body.n);
		out_byte(&o, ')');
	} else if (o.n == 0) {
		out_str(&o, "(empty answer)");
	}
	memcpy(dst + o.n, o.bad ? "..." : "", o.bad ? 4 : 1);
}

/* --- error answers --- */

static void take_code(struct json_val v, char *dst, size_t cap)
{
	uint8_t text[256];
	struct out o = out_init(text, sizeof text);

	if (json_type_of(v) == JSON_STRING && json_string(v, &o) == ERR_OK)
		fault_text(dst, cap, out_span(&o));
}

/* False: no message. */
static bool take_message(struct json_val v, struct refusal *r)
{
	uint8_t text[2048];
	struct out o = out_init(text, sizeof text);

	if (json_type_of(v) != JSON_STRING)
		return false;
	/* too long to unescape: its beginning is shown as it is */
	refusal_line(json_string(v, &o) == ERR_OK ? out_span(&o) : json_raw(v), r->message,
		     sizeof r->message);
	return !json_is(v, "");
}

/* The members of the documented forms. False: no message among them. */
static bool read_members(struct json_val root, struct refusal *r)
{
	struct json_val error = json_get(root, "error");

	if (json_type_of(error) == JSON_STRING) {
		take_code(error, r->code, sizeof r->code);
		return take_message(json_get(root, "error_description"), r);
	}
	take_code(json_get(error, "code"), r->code, sizeof r->code);
	take_code(json_path(error, "innererror", "code", NULL), r->inner, sizeof r->inner);
	/* App Service's identity endpoint has {"statusCode","message"} without an error object. */
	return take_message(json_get(json_present(error) ? error : root, "message"), r);
}

void refusal_read(struct span body, struct refusal *r)
{
	struct json_tok toks[REFUSAL_TOKENS];
	struct json doc;

	memset(r, 0, sizeof *r);
	if (json_parse(&doc, body, toks, REFUSAL_TOKENS) != ERR_OK ||
	    !read_members(json_root(&doc), r))
		refusal_line(body, r->message, sizeof r->message);
}

static bool has_word(const struct refusal *r, const char *words)
{
	char word[64];

	for (struct span rest = span_str(words); rest.n;)
		if (span_copy_str(span_cut(&rest, '|'), word, sizeof word) &&
		    (span_has_nocase(span_str(r->inner), word) ||
		     span_has_nocase(span_str(r->code), word) ||
		     span_has_nocase(span_str(r->message), word)))
			return true;
	return false;
}

static const struct service_answer *find_answer(const struct service *from, int status,
						const struct refusal *r)
{
	for (size_t i = 0; i < from->n_answers; i++) {
		const struct service_answer *a = &from->answers[i];

		if ((a->status == 0 || a->status == status || a->status == status / 100) &&
		    (!a->words || has_word(r, a->words)))
			return a;
	}
	return NULL;
}

enum err refusal_fault(const struct service *from, const struct step *step, int status, const struct refusal *r,
		       uint32_t retry_after_s, struct fault *f)
{
	const struct service_answer *a = find_answer(from, status, r);
	enum err err = a ? a->err : ERR_HTTP;
	char what[64];
	struct out o = out_init(what, sizeof what);

	f->http_status = status;
	f->retry_after_s = retry_after_s;
	(void)out_join(f->code, sizeof f->code, r->code, r->inner[0] ? "/" : "", r->inner);
	if (a)
		fault_advise(f, a->cause, a->remedy);
	else
		fault_advise(f,
			     "this status is none that the service answers with: a proxy, or "
			     "another service, may have answered",
			     from->remedy);
	out_str(&o, err == ERR_THROTTLED ? "the service is throttling with status "
					 : "the service refused with status ");
	out_u64(&o, (uint64_t)status);
	return fault_set_detail(f, err, step, out_cstr(&o), span_str(r->message));
}

/* Below HTTP the same few causes hold for all services; only where to look differs. */
static const struct {
	enum err err;
	const char *cause;
} causes[] = {
	{ ERR_NOT_FOUND, "the name does not exist, or there is no DNS here" },
	{ ERR_CONNECT, "nothing listens there, or a firewall is in between" },
	{ ERR_TIMEOUT, "the service or the network is slow, or a firewall drops packets" },
	{ ERR_CLOSED, "the service or something in between cut the connection" },
	{ ERR_UNTRUSTED, "its certificate does not lead to a known root, is for another name, or "
			 "is not valid now" },
	{ ERR_TLS, "the peer speaks no TLS 1.2 with ECDHE, or something in between interferes" },
	{ ERR_PROTOCOL, "this is another service than expected" },
};

void refusal_transport(const struct service *from, struct fault *f)
{
	if (f->cause)
		return;
	for (size_t i = 0; i < sizeof causes / sizeof causes[0]; i++)
		if (causes[i].err == f->err)
			fault_advise(f, causes[i].cause, from->remedy);
	if (f->err == ERR_CONNECT && f->sys_errno == EACCES) /* conf/confine.h */
		fault_advise(f, "this process is confined to the ports of its settings and to 443", "use such a port");
}
