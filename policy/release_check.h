/* Azure key release policies: would this policy release a key to a token with these claims, and if not, what is in the
 * way. Source: Azure Key Vault, policy grammar; azure-protocols.md section 4.8. How Azure compares values is not
 * published in full: scalars are compared as text here, which all policies seen in use agree with. */
#ifndef POLICY_RELEASE_CHECK_H
#define POLICY_RELEASE_CHECK_H

#include "text/json_read.h"

#define RELEASE_NODES_MAX 512
#define RELEASE_TEXT_MAX 512 /* of a claim's name, and of a value compared */

enum release_kind { RELEASE_ANY, RELEASE_ALL, RELEASE_AUTHORITY, RELEASE_CLAIM };
enum release_op {
	RELEASE_EQUALS, RELEASE_NOT_EQUALS, RELEASE_LESS, RELEASE_LESS_OR_EQUALS, RELEASE_GREATER, RELEASE_GREATER_OR_EQUALS,
	RELEASE_EXISTS,
};

/* One part of a policy. Node 0 is the whole; parents come before their children. */
struct release_node {
	struct json_val claim, wanted, found; /* RELEASE_CLAIM: its name, the policy's value, the token's (may be absent);
	                                         RELEASE_AUTHORITY: wanted and found are issuer URLs */
	uint16_t parent;
	uint16_t cost;  /* 0: it holds; else how much must change, at least, so that it does */
	uint8_t kind, op;
	bool in_way;    /* does not hold and is on the cheapest way to a release: what to tell */
};

struct release_check {
	char found[RELEASE_TEXT_MAX]; /* after an error: the value or name that is not known; else "" */
	size_t n;
	struct release_node nodes[RELEASE_NODES_MAX];
};

/* Evaluates a policy over a token's claims (both parsed, to outlive *p). *problem: static text for a policy that is not of
 * the grammar, or has a version, operator or member that is not known: then p->found names it. ERR_SYNTAX, ERR_FULL.
 * Untrusted; no recursion. */
MUST_USE enum err release_check_run(struct json_val policy, struct json_val claims, struct release_check *p, const char **problem);
static inline bool release_check_holds(const struct release_check *p) { return p->n > 0 && p->nodes[0].cost == 0; }
/* "equals", "lessOrEquals", ... */
const char *release_check_op(enum release_op op);
/* A scalar as the text that is compared, cut to fit; false for objects, arrays and what is absent. */
bool release_check_text(struct json_val v, char *dst, size_t cap);

#endif
