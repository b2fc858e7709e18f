/* XML of storage services: events written out again give the same events; listings and error answers stay inside their buffers. */
#include "fuzz.h"

#include "azure/blob.h"
#include "text/utf8.h"
#include "text/xml.h"

#define TEXT_MAX 30000

static uint8_t plain[2 * TEXT_MAX], names[65536];

static enum err events(struct span in, struct out *o)
{
	struct xml x = xml_begin(in);
	unsigned depth = 0;
	enum err e;

	for (;;) {
		enum xml_kind kind;
		struct span text;
		size_t before = x.rest.n;
		bool was_empty = x.empty;

		e = xml_next(&x, &kind, &text);
		if (e != ERR_OK)
			return e;
		HOLD(fuzz_inside(text, in) && x.depth <= XML_DEPTH_MAX);
		HOLD(x.rest.n < before || was_empty || kind == XML_END);
		switch (kind) {
		case XML_OPEN:
			HOLD(text.n && x.depth == ++depth && span_eq(x.open[depth - 1], text));
			out_str(o, "<");
			out_put(o, text);
			out_str(o, " >");
			break;
		case XML_CLOSE:
			HOLD(depth > 0 && x.depth == --depth);
			out_str(o, "</");
			out_put(o, text);
			out_str(o, "\n>");
			break;
		case XML_TEXT: {
			struct out u = out_init(plain, sizeof plain);
			enum err ue = xml_unescape(text, &u);

			HOLD(depth > 0 && span_find(text, '<') == text.n);
			HOLD(ue == ERR_OK || ue == ERR_SYNTAX);
			if (ue == ERR_OK) {
				HOLD(u.n <= text.n && utf8_valid(out_span(&u)));
				if (span_find(text, '&') == text.n)
					HOLD(span_eq(out_span(&u), text));
			}
			out_put(o, text);
			break;
		}
		case XML_END:
			HOLD(depth == 0 && x.rest.n == 0);
			return ERR_OK;
		}
	}
}

static enum err each(void *ctx, const struct blob_item *item)
{
	size_t *count = ctx;
	struct span whole = span_of(names, sizeof names);

	/* Views of memory that we gave: the input or the text buffer. Read every byte. */
	HOLD(item->name.n <= sizeof names && item->etag.n <= sizeof names);
	HOLD(utf8_valid(item->name) && utf8_valid(item->etag) && utf8_valid(item->content_type) && utf8_valid(item->last_modified));
	(void)whole;
	(*count)++;
	return *count == 40 ? ERR_FULL : ERR_OK;
}

void fuzz_one(struct span in)
{
	static uint8_t once[4 * TEXT_MAX], twice[4 * TEXT_MAX];
	struct out o = out_init(once, sizeof once), o2 = out_init(twice, sizeof twice);
	static char marker[BLOB_MARKER_MAX];
	struct span code, message;
	uint8_t *copy;
	size_t count = 0;
	enum err e;

	if (in.n > TEXT_MAX)
		return;
	copy = fuzz_exact(in);
	e = events(span_of(copy, in.n), &o);
	HOLD(e == ERR_OK || e == ERR_SYNTAX || e == ERR_TOO_BIG);
	if (e == ERR_OK && !o.bad) {
		HOLD(events(out_span(&o), &o2) == ERR_OK && span_eq(out_span(&o), out_span(&o2)));
	}
	memset(marker, 0, sizeof marker);
	e = blob_read_page(span_of(copy, in.n), marker, names, sizeof names, each, &count);
	HOLD(memchr(marker, 0, sizeof marker));
	HOLD((e != ERR_FULL) == (count < 40));
	blob_read_error(span_of(copy, in.n), &code, &message);
	HOLD(fuzz_inside(code, span_of(copy, in.n)) && fuzz_inside(message, span_of(copy, in.n)));
	free(copy);
}
