/* The pages and what they are made of: embedded files, compressed when they were built. */
#include <string.h>

#include "text/inflate.h"
#include "text/url.h"
#include "demo/handlers.h"
#include "demo/ui.h"
#include "os/lock.h"

#define OPENED_MAX 262144 /* all of them, opened */

/* The file that is at the request's path: "/" is index.html, "/compare" compare.html, and "/ui/x.js" is x.js. */
static const struct ui_file *find_file(const struct http_head *h)
{
	uint8_t path[UI_PATH_MAX];
	struct out o = out_init(path, sizeof path);

	if (url_decode(h->path, &o) == ERR_OK)
		for (size_t i = 0; i < ui_files_n; i++)
			if (span_eq_str(out_span(&o), ui_files[i].path))
				return &ui_files[i];
	return NULL;
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
	const uint8_t *at[UI_FILES_MAX]; /* NULL: not opened yet */
	uint8_t bytes[OPENED_MAX];
} opened = { .lock = LOCK_INIT };

static const uint8_t *open_locked(const struct ui_file *file)
{
	struct out o = out_init(opened.bytes + opened.used, sizeof opened.bytes - opened.used);

	if (inflate_gzip(span_of(file->gzip, file->gzip_len), &o) != ERR_OK || o.n != file->len)
		return NULL;
	opened.used += o.n;
	return o.p;
}

static void send_identity(struct request *q, const struct ui_file *file)
{
	size_t i = (size_t)(file - ui_files);
	const uint8_t *p = NULL;

	lock_take(&opened.lock);
	if (i < UI_FILES_MAX && !opened.at[i])
		opened.at[i] = open_locked(file);
	if (i < UI_FILES_MAX)
		p = opened.at[i];
	lock_release(&opened.lock);
	if (p)
		reply_send(q->reply, 200, file->type, span_of(p, file->len));
	else
		reply_error(q->reply, 500, "The embedded page cannot be read.");
}

int h_page(struct request *q, struct jw *w)
{
	const struct ui_file *file = find_file(q->head);
	char extra[160], tag[24], digits[17];
	bool gzip = takes_gzip(q->head);

	(void)w;
	if (!file)
		return answer_error(q, 404, "There is nothing at this path.");
	(void)span_copy_str(span_sub(span_str(file->sha256), 0, sizeof digits - 1), digits, sizeof digits);
	out_join(tag, sizeof tag, "\"", digits, "\"");
	out_join(extra, sizeof extra, "Vary: Accept-Encoding\r\nETag: W/", tag, gzip ? "\r\nContent-Encoding: gzip\r\n" : "\r\n");
	q->reply->extra = extra;
	q->reply->cache = "no-cache"; /* kept, but asked for each time */
	if (strcmp(file->path, "/") == 0)
		q->reply->framed_by = q->s->demo.compare_origins;
	if (strcmp(file->path, "/compare") == 0)
		q->reply->frames = q->s->demo.compare_origins;
	if (has_it(q->head, tag))
		reply_send(q->reply, 304, NULL, span_of(NULL, 0));
	else if (gzip)
		reply_send(q->reply, 200, file->type, span_of(file->gzip, file->gzip_len));
	else
		send_identity(q, file);
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
