/* The pages and what they are made of: embedded files, compressed when they were built. */
#include "text/inflate.h"
#include "http/answer.h"
#include "party/handlers.h"
#include "party/routes.h"
#include "party/ui.h"
#include "os/lock.h"

#define HTML "text/html; charset=utf-8"
#define CSS "text/css; charset=utf-8"
#define JS "text/javascript; charset=utf-8"

static const struct asset {
	const char *path; /* as in party/routes.c */
	const char *type;
	const struct ui_file *file;
} assets[] = {
	{ "/", HTML, &ui_index_html },          { "/compare", HTML, &ui_compare_html },   { "/ui/style.css", CSS, &ui_style_css },
	{ "/ui/analysis.js", JS, &ui_analysis_js }, { "/ui/app.js", JS, &ui_app_js },     { "/ui/attest.js", JS, &ui_attest_js },
	{ "/ui/base.js", JS, &ui_base_js },     { "/ui/claims.js", JS, &ui_claims_js },   { "/ui/compare.js", JS, &ui_compare_js },
	{ "/ui/data.js", JS, &ui_data_js },     { "/ui/map.js", JS, &ui_map_js },         { "/ui/proof.js", JS, &ui_proof_js },
	{ "/ui/verify.mjs", JS, &ui_verify_mjs },
};

#define ASSETS (sizeof assets / sizeof assets[0])
#define OPENED_MAX 262144 /* all of them, opened */

static const struct asset *find_asset(const char *path)
{
	for (size_t i = 0; i < ASSETS; i++)
		if (span_eq_str(span_str(path), assets[i].path))
			return &assets[i];
	return NULL;
}

bool h_page_asset(size_t i, const char **path, const struct ui_file **file)
{
	if (i >= ASSETS)
		return false;
	*path = assets[i].path;
	*file = assets[i].file;
	return true;
}

/* gzip is taken when it is named without a weight of zero. */
static bool takes_gzip(const struct http_head *h)
{
	struct span list;

	if (!http_field_get(h, "Accept-Encoding", &list, NULL))
		return false;
	while (list.n) {
		struct span weight = span_trim(span_cut(&list, ',')), coding = span_trim(span_cut(&weight, ';'));

		weight = span_trim(weight);
		if (span_eq_nocase(coding, "gzip"))
			return !span_eq_nocase(weight, "q=0") && !span_starts(weight, "q=0.0");
	}
	return false;
}

/* The tag is the same for both codings, so it is a weak one; so is the comparison (RFC 9110, section 13.1.2). */
static bool has_it(const struct http_head *h, const char *tag)
{
	struct span value;

	return http_field_get(h, "If-None-Match", &value, NULL) && (span_eq_str(value, "*") || span_has_nocase(value, tag));
}

/* Anybody may ask for a page, so each is opened once, at its first use, and kept. */
static struct {
	struct lock lock;
	size_t used;
	const uint8_t *at[ASSETS]; /* NULL: not opened yet */
	uint8_t bytes[OPENED_MAX];
} opened = { .lock = LOCK_INIT };

static const uint8_t *open_locked(const struct asset *a)
{
	struct out o = out_init(opened.bytes + opened.used, sizeof opened.bytes - opened.used);

	if (inflate_gzip(span_of(a->file->gzip, a->file->gzip_len), &o) != ERR_OK || o.n != a->file->len)
		return NULL;
	opened.used += o.n;
	return o.p;
}

static void send_identity(struct request *q, const struct asset *a)
{
	const uint8_t **at = &opened.at[a - assets], *p;

	lock_take(&opened.lock);
	if (!*at)
		*at = open_locked(a);
	p = *at;
	lock_release(&opened.lock);
	if (p)
		reply_send(q->reply, 200, a->type, span_of(p, a->file->len));
	else
		reply_error(q->reply, 500, "The embedded page cannot be read.");
}

int h_page(struct request *q, struct jw *w)
{
	const struct asset *a = find_asset(q->conn->route->path);
	char extra[160], tag[24], digits[17];
	bool gzip = takes_gzip(q->head);

	(void)w;
	if (!a)
		return answer_error(q, 404, "There is nothing at this path.");
	(void)span_copy_str(span_sub(span_str(a->file->sha256), 0, sizeof digits - 1), digits, sizeof digits);
	out_join(tag, sizeof tag, "\"", digits, "\"");
	out_join(extra, sizeof extra, "Vary: Accept-Encoding\r\nETag: W/", tag, gzip ? "\r\nContent-Encoding: gzip\r\n" : "\r\n");
	q->reply->extra = extra;
	q->reply->cache = "no-cache"; /* kept, but asked for each time */
	if (a->file == &ui_index_html)
		q->reply->framed_by = q->s->demo.compare_origins;
	if (a->file == &ui_compare_html)
		q->reply->frames = q->s->demo.compare_origins;
	if (has_it(q->head, tag))
		reply_send(q->reply, 304, NULL, span_of(NULL, 0));
	else if (gzip)
		reply_send(q->reply, 200, a->type, span_of(a->file->gzip, a->file->gzip_len));
	else
		send_identity(q, a);
	q->reply->extra = NULL;
	return REPLIED;
}

/* Whose pages /compare shows, in the order of the setting. */
int h_compare_config(struct request *q, struct jw *w)
{
	struct span list = span_str(q->s->demo.compare_origins);

	jw_array(w, "origins");
	while (list.n)
		jw_span(w, NULL, span_cut(&list, ' '));
	jw_end_array(w);
	return 200;
}
