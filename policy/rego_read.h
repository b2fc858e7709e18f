/* Reading policies, our own and those other tools write: not the language Rego, only assignments of values. */
#ifndef POLICY_REGO_READ_H
#define POLICY_REGO_READ_H

#include "enc/json_read.h"
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
	struct json doc;
};

/* A policy as read. About 3 MiB: keep it static. All spans point into it. */
struct rego_policy {
	size_t n, n_unknown;
	struct rego_statement list[REGO_STATEMENTS_MAX];
	char unknown[80];            /* the beginning of the first statement that is more than an assignment */
	size_t toks_used, clean_used;
	struct json_tok toks[POLICY_TOKENS_MAX];
	uint8_t clean[2 * POLICY_TEXT_MAX]; /* values, with raw strings quoted and trailing commas dropped */
};

/* Reads "package policy" and its statements; the text must outlive p. What is no plain assignment (a rule with a body,
 * an expression) is counted in n_unknown: whoever judges the policy must say so. ERR_SYNTAX, ERR_TOO_BIG with the
 * reason. Untrusted. */
MUST_USE enum err rego_read(struct rego_policy *p, struct span text, struct why *why);
/* The value assigned to a name; absent when there is none or it is a reference. */
struct json_val rego_read_value(const struct rego_policy *p, const char *name);
/* The statement of a name, or NULL. */
const struct rego_statement *rego_read_statement(const struct rego_policy *p, const char *name);

#endif
