/* Reading JSON (RFC 8259), strictly: whole text valid, UTF-8 valid, no duplicate member names, bounded depth. */
#ifndef TEXT_JSON_READ_H
#define TEXT_JSON_READ_H

#include "base/err.h"
#include "base/out.h"
#include "base/span.h"
#include "text/base64.h"

#define JSON_DEPTH_MAX 32

enum json_type { JSON_NONE = 0, JSON_OBJECT, JSON_ARRAY, JSON_STRING, JSON_NUMBER, JSON_TRUE, JSON_FALSE, JSON_NULL };

/* Members one object may have: bounds the comparing of names. No document of ours or Azure's comes near. */
#define JSON_MEMBERS_MAX 4096

/* One value; owned by the caller's array. Opaque to callers. */
struct json_tok {
	uint32_t start, end; /* byte range in the text; strings without their quotes */
	uint32_t size;       /* members of an object, elements of an array; of a member's name its hash */
	uint32_t next;       /* index of the token after this value's subtree */
	uint8_t type;        /* enum json_type */
	uint8_t depth;       /* containers around it */
	uint16_t unused;
};

/* A parsed document: views into text and toks, both owned by the caller and to outlive it. */
struct json {
	struct span text;
	const struct json_tok *toks;
	size_t n;
};

/* A value inside a document. .i == SIZE_MAX means absent: every accessor then answers "absent". */
struct json_val {
	const struct json *doc;
	size_t i;
};

/* Parses the whole text. ERR_SYNTAX for anything not strictly JSON (also invalid UTF-8, lone surrogate escapes,
 * duplicate names in one object, depth over JSON_DEPTH_MAX, trailing bytes), ERR_TOO_BIG when cap tokens do not
 * suffice or an object has over JSON_MEMBERS_MAX members. A name and its value take one token each. After an error
 * *doc is empty: everything asked of it is absent. Untrusted input; no recursion; not constant time. */
MUST_USE enum err json_parse(struct json *doc, struct span text, struct json_tok *toks, size_t cap);

struct json_val json_root(const struct json *doc);
bool json_present(struct json_val v);
enum json_type json_type_of(struct json_val v);
/* Member by exact (unescaped) name; absent value when v is no object or has none. */
struct json_val json_get(struct json_val v, const char *name);
/* Descends members along names, NULL-terminated list: json_path(v, "a", "b", NULL). */
struct json_val json_path(struct json_val v, ...) __attribute__((sentinel));
/* Elements of an array, or members of an object, in text order. */
size_t json_size(struct json_val v);
struct json_val json_at(struct json_val array, size_t index);
/* The element after v in the same array; absent after the last. For walking long arrays: json_at counts from the
 * start each time. */
struct json_val json_next(struct json_val array, struct json_val v);
/* The index-th member of an object: its name (as a string value) and value. False past the end. */
bool json_member(struct json_val object, size_t index, struct json_val *name, struct json_val *value);

/* The raw text of a value: strings without quotes and still escaped. */
struct span json_raw(struct json_val v);
/* The unescaped string appended to o (UTF-8). ERR_NOT_FOUND when v is absent or no string, ERR_TOO_BIG. */
MUST_USE enum err json_string(struct json_val v, struct out *o);
/* The string as NUL-terminated text in dst[cap]; embedded NUL is ERR_SYNTAX. */
MUST_USE enum err json_cstr(struct json_val v, char *dst, size_t cap);
/* A string that needs no unescaping, viewed in place (base64, hex, tokens). ERR_SYNTAX when it has escapes. */
MUST_USE enum err json_plain(struct json_val v, struct span *text);
/* The bytes of a string in base64 of this form (text/base64.h), decoded into dst[cap]. ERR_NOT_FOUND, ERR_SYNTAX, ERR_TOO_BIG. */
MUST_USE enum err json_b64(struct json_val v, enum b64_form form, uint8_t *dst, size_t cap, struct span *bytes);
/* True when v is a string equal to text after unescaping. Not constant time. */
bool json_is(struct json_val v, const char *text);
/* A non-negative integer number. ERR_NOT_FOUND when v is no number, ERR_SYNTAX with fraction or exponent, ERR_RANGE
 * when negative or over 64 bits. */
MUST_USE enum err json_u64(struct json_val v, uint64_t *value);
/* The same, also accepting a string of digits (Azure identity services do both); another string is ERR_SYNTAX. */
MUST_USE enum err json_u64_lenient(struct json_val v, uint64_t *value);
/* True or false; ERR_NOT_FOUND otherwise. */
MUST_USE enum err json_bool(struct json_val v, bool *value);

#endif
