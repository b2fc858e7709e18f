/* Reading policies, our own and those other tools write: not the language Rego, only assignments of values. */
#ifndef POLICY_REGO_READ_H
#define POLICY_REGO_READ_H

#include "text/json_read.h"
#include "policy/policy_limits.h"
#include "policy/why.h"

#define REGO_STATEMENTS_MAX 96

enum rego_kind {
	REGO_VALUE, /* JSON */
	REGO_WORD,  /* a reference such as data.framework.mount_device */
};

struct rego_statement {
	struct span name, word;
	enum rego_kind kind;
	bool is_default; /* "default NAME := VALUE": counts where there is no other */
	struct json doc;
};

/* A policy as read. About 3 MiB: keep it static. All spans point into it. */
struct rego_policy {
	size_t n, n_unknown;
	struct rego_statement list[REGO_STATEMENTS_MAX];
	char unknown[80];            /* the beginning of the first statement that is more than an assignment */
	size_t toks_used, clean_used;
	struct json_tok toks[POLICY_TOKENS_MAX];
	uint8_t clean[2 * POLICY_TEXT_MAX]; /* values, with raw strings quoted and trailing commas dropped, then unescaped */
};

/* Reads "package policy" and its statements; the text must outlive p. What is no plain assignment (a rule with a body,
 * an expression) is counted in n_unknown: whoever judges the policy must say so. ERR_SYNTAX, ERR_TOO_BIG with the
 * reason. Untrusted. */
MUST_USE enum err rego_read(struct rego_policy *p, struct span text, struct why *why);
/* The value assigned to a name; absent when there is none or it is a reference. */
struct json_val rego_read_value(const struct rego_policy *p, const char *name);
/* The statement of a name, or NULL. */
const struct rego_statement *rego_read_statement(const struct rego_policy *p, const char *name);

/* Strings of values are unescaped once, when they are read. Then json_raw, not json_is or json_string, gives their text.
 * rego_unescape does it in place for all strings of a document that are no member names. text: the document's own bytes. */
void rego_unescape(const struct json *doc, struct json_tok *toks, uint8_t *text);
/* The text of an unescaped string; empty when v is none. */
struct span rego_text(struct json_val v);
bool rego_is(struct json_val v, const char *text);
/* Both are strings, and equal. */
bool rego_same(struct json_val a, struct json_val b);

#endif
