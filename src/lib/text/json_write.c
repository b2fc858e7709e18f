/* Writing JSON into a bounded writer. */
#include "text/json_write.h"

#include <string.h>

#include "text/base64.h"
#include "text/utf8.h"

#define DEPTH_MAX 64

struct jw jw_init(struct out *o)
{
	return (struct jw){ o, 0, 0 };
}

/* Bytes that may stand in a string as they are. */
static bool is_plain(uint8_t c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&';
}

static void put_escape(struct out *o, uint8_t c)
{
	static const char bytes[] = "\"\\\n\r\t", letters[] = "\"\\nrt";
	const char *hit = c ? strchr(bytes, c) : NULL;

	if (hit) {
		out_byte(o, '\\');
		out_byte(o, (uint8_t)letters[hit - bytes]);
		return;
	}
	out_str(o, "\\u00");
	out_hex(o, &c, 1);
}

static void put_string(struct out *o, struct span s)
{
	out_byte(o, '"');
	while (s.n && !o->bad) {
		size_t run = 0, n;

		while (run < s.n && is_plain(s.p[run]))
			run++;
		out_bytes(o, s.p, run);
		s = span_sub(s, run, s.n);
		if (s.n == 0)
			break;
		n = utf8_len(s);
		if (n == 0)
			out_str(o, "\xef\xbf\xbd");
		else if (n == 1)
			put_escape(o, s.p[0]);
		else
			out_bytes(o, s.p, n);
		s = span_sub(s, n ? n : 1, s.n);
	}
	out_byte(o, '"');
}

/* A comma when something stands before in the same container. */
static void separate(struct jw *w)
{
	uint64_t bit;

	if (w->depth == 0)
		return;
	bit = (uint64_t)1 << (w->depth - 1);
	if (w->has_item & bit)
		out_byte(w->o, ',');
	w->has_item |= bit;
}

static void begin(struct jw *w, const char *name)
{
	separate(w);
	if (name) {
		put_string(w->o, span_str(name));
		out_byte(w->o, ':');
	}
}

void jw_open(struct jw *w, const char *name, uint8_t bracket)
{
	begin(w, name);
	if (w->depth == DEPTH_MAX) {
		w->o->bad = true;
		return;
	}
	out_byte(w->o, bracket);
	w->has_item &= ~((uint64_t)1 << w->depth);
	w->depth++;
}

void jw_close(struct jw *w, uint8_t bracket)
{
	/* More ends than starts is our bug: it must not go out as a message. */
	if (w->depth == 0) {
		w->o->bad = true;
		return;
	}
	out_byte(w->o, bracket);
	w->depth--;
}

void jw_str(struct jw *w, const char *name, const char *text)
{
	begin(w, name);
	if (text)
		put_string(w->o, span_str(text));
	else
		out_str(w->o, "null");
}

void jw_span(struct jw *w, const char *name, struct span text)
{
	begin(w, name);
	put_string(w->o, text);
}

void jw_name_span(struct jw *w, struct span name, struct span text)
{
	separate(w);
	put_string(w->o, name);
	out_byte(w->o, ':');
	put_string(w->o, text);
}

void jw_u64(struct jw *w, const char *name, uint64_t v)
{
	begin(w, name);
	out_u64(w->o, v);
}

void jw_i64(struct jw *w, const char *name, int64_t v)
{
	begin(w, name);
	out_i64(w->o, v);
}

void jw_fixed(struct jw *w, const char *name, int64_t v, unsigned decimals)
{
	begin(w, name);
	out_fixed(w->o, v, decimals);
}

void jw_bool(struct jw *w, const char *name, bool v)
{
	begin(w, name);
	out_str(w->o, v ? "true" : "false");
}

void jw_raw(struct jw *w, const char *name, struct span json)
{
	begin(w, name);
	out_put(w->o, json);
}

void jw_b64(struct jw *w, const char *name, struct span bytes, int b64_form)
{
	begin(w, name);
	out_byte(w->o, '"');
	base64_encode(w->o, (enum b64_form)b64_form, bytes);
	out_byte(w->o, '"');
}

void jw_hex(struct jw *w, const char *name, struct span bytes)
{
	begin(w, name);
	out_byte(w->o, '"');
	out_hex(w->o, bytes.p, bytes.n);
	out_byte(w->o, '"');
}
