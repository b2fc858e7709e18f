/* CBOR (RFC 8949): a sticky reader over untrusted bytes, and the heads that a writer needs. */
#ifndef TEXT_CBOR_H
#define TEXT_CBOR_H

#include "base/err.h"
#include "base/out.h"

/* Major types (RFC 8949 section 3.1). */
enum cbor_type {
	CBOR_UINT, CBOR_NINT, CBOR_BYTES, CBOR_TEXT, CBOR_ARRAY, CBOR_MAP, CBOR_TAG, CBOR_OTHER,
	CBOR_NOTHING = 255, /* the end, or a fault */
};

/* Reads items one after the other. After the first fault `bad` sticks and every read gives zero or an empty view.
 * Definite lengths and shortest heads only (RFC 8949 section 4.2.1), text in valid UTF-8: what the deterministic form
 * demands of them. The order of a map's keys is not looked at. */
struct cbor {
	struct span rest;
	bool bad;
};

static inline struct cbor cbor_init(struct span in) { return (struct cbor){ in, false }; }
/* Nothing left and nothing wrong. */
static inline bool cbor_done(const struct cbor *c) { return !c->bad && c->rest.n == 0; }
/* Type of the next item. */
enum cbor_type cbor_peek(const struct cbor *c);
/* Unsigned or negative integer within int64_t. */
int64_t cbor_int(struct cbor *c);
/* Contents of a byte or text string: views. */
struct span cbor_bytes(struct cbor *c);
struct span cbor_text(struct cbor *c);
/* Number of items of an array, of pairs of a map: the items follow. Never more than there are bytes left. */
size_t cbor_array(struct cbor *c);
size_t cbor_map(struct cbor *c);
/* cbor_map for a map that is read: a repeated key is a fault (RFC 8949 section 5.6), and so are more than
 * CBOR_FIELDS_MAX pairs. */
#define CBOR_FIELDS_MAX 32
size_t cbor_fields(struct cbor *c);
/* A tag's number: the tagged item follows. */
uint64_t cbor_tag(struct cbor *c);
/* Passes over one whole item of any type, however deep, without recursion. */
void cbor_skip(struct cbor *c);
/* The same, and returns the item's bytes: a view. */
struct span cbor_item(struct cbor *c);

/* Writes the shortest head of an item; its contents follow. */
void cbor_put_head(struct out *o, enum cbor_type type, uint64_t n);

#endif
