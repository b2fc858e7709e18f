/* X.509: the names of a certificate, and what the certificates above it permit of them. */
#include "crypto/x509_path.h"

static const uint8_t oid_alt_name[] = { 0x55, 0x1d, 0x11 };
static const uint8_t oid_name_constraints[] = { 0x55, 0x1d, 0x1e };

/* GeneralName (RFC 5280 section 4.2.1.6): the tags of the forms that are compared here. */
enum {
	NAME_EMAIL = DER_CONTEXT + 1,
	NAME_DNS = DER_CONTEXT + 2,
	NAME_DIRECTORY = DER_CONTEXT_CONSTRUCTED + 4,
	NAME_IP = DER_CONTEXT + 7,
};

/* A reader over the names of the subjectAltName; none when there is no such extension. */
static struct der alt_names(const struct x509_cert *c)
{
	struct x509_ext x;
	struct der outer, names;

	if (x509_ext_find(c, span_of(oid_alt_name, sizeof oid_alt_name), &x) == 0)
		return der_init(span_of(NULL, 0));
	outer = der_init(x.value);
	names = der_enter(&outer, DER_SEQUENCE);
	names.bad |= !der_done(&outer);
	return names;
}

/* Contents of the next name, *tag its form. */
static struct span next_name(struct der *names, uint8_t *tag)
{
	*tag = der_peek(names);
	return der_take(names, *tag);
}

static bool host_matches(struct span name, struct span host)
{
	if (span_starts(name, "*.")) {
		(void)span_cut(&host, '.');
		name = span_sub(name, 2, name.n);
	}
	return name.n > 0 && span_same_nocase(name, host);
}

bool x509_names_match(const struct x509_cert *leaf, const char *host)
{
	struct der names = alt_names(leaf);
	bool found = false;

	while (!names.bad && names.rest.n > 0) {
		uint8_t tag;
		struct span name = next_name(&names, &tag);

		found |= tag == NAME_DNS && host_matches(name, span_str(host));
	}
	return found && der_done(&names);
}

/* --- Name constraints --- */

/* base, or names under it; with a leading dot only those under it; the empty base stands for all
 * names. */
static bool dns_within(struct span name, struct span base)
{
	size_t at = name.n - base.n;

	if (base.n == 0)
		return true;
	return name.n >= base.n && span_same_nocase(span_sub(name, at, base.n), base) &&
	       (at == 0 || base.p[0] == '.' || name.p[at - 1] == '.');
}

/* base: address and mask. */
static bool ip_within(struct span name, struct span base)
{
	uint8_t differ = 0;

	if (base.n != 2 * name.n)
		return false;
	for (size_t i = 0; i < name.n; i++)
		differ |= (uint8_t)((name.p[i] ^ base.p[i]) & base.p[name.n + i]);
	return differ == 0;
}

/* base's attributes are the first ones of name, byte by byte. Both are whole Name elements. */
static bool directory_within(struct span name, struct span base)
{
	struct der n = der_init(name), b = der_init(base);
	struct span all = der_take(&n, DER_SEQUENCE), first = der_take(&b, DER_SEQUENCE);

	return der_done(&n) && der_done(&b) && span_eq(span_sub(all, 0, first.n), first);
}

/* Surely inside a permitted subtree. */
static bool is_within(uint8_t form, struct span name, struct span base)
{
	switch (form) {
	case NAME_DNS: return dns_within(name, base);
	case NAME_IP: return ip_within(name, base);
	case NAME_DIRECTORY: return directory_within(name, base);
	}
	return false;
}

/* Not surely outside an excluded subtree. A wildcard stands for a name that may be inside. */
static bool may_be_within(uint8_t form, struct span name, struct span base)
{
	switch (form) {
	case NAME_DNS:
		if (dns_within(name, base) || span_ends(name, ".")) /* "name." is another spelling of "name" */
			return true;
		if (base.p[0] == '.')
			base = span_sub(base, 1, base.n);
		return span_starts(name, "*.") && dns_within(base, span_sub(name, 2, name.n));
	case NAME_IP: return ip_within(name, base) || (name.n != 4 && name.n != 16);
	}
	return true; /* directory names are equal in more ways than byte by byte; other forms are not compared */
}

/* GeneralSubtree ::= SEQUENCE { base GeneralName, minimum [0] DEFAULT 0, maximum [1] OPTIONAL }.
 * RFC 5280 has no use for the last two. */
static struct span next_subtree(struct der *list, uint8_t *form)
{
	struct der d = der_enter(list, DER_SEQUENCE);
	struct span base = next_name(&d, form);
	bool sound = der_done(&d) && *form >= DER_CONTEXT && (*form != NAME_IP || base.n == 8 || base.n == 32) &&
	             (*form != NAME_DNS || base.n == 0 || base.p[base.n - 1] != '.');

	list->bad |= !sound;
	return base;
}

struct constraints {
	struct span permitted, excluded; /* GeneralSubtrees, empty when absent */
};

static bool read_constraints(struct span value, struct constraints *k)
{
	struct der outer = der_init(value), d = der_enter(&outer, DER_SEQUENCE);
	struct span *const lists[] = { &k->permitted, &k->excluded };
	bool some = false;

	for (uint8_t i = 0; i < 2; i++) {
		*lists[i] = span_of(NULL, 0);
		if (der_peek(&d) != DER_CONTEXT_CONSTRUCTED + i)
			continue;
		*lists[i] = der_take(&d, (uint8_t)(DER_CONTEXT_CONSTRUCTED + i));
		some = true;
		d.bad |= lists[i]->n == 0;
		for (struct der list = der_init(*lists[i]); !d.bad && list.rest.n > 0; d.bad |= list.bad) {
			uint8_t form;

			(void)next_subtree(&list, &form);
		}
	}
	return some && der_done(&d) && der_done(&outer);
}

static bool is_permitted(const struct constraints *k, uint8_t form, struct span name)
{
	bool asked = false, inside = false;

	for (struct der list = der_init(k->permitted); !list.bad && list.rest.n > 0;) {
		uint8_t of;
		struct span base = next_subtree(&list, &of);

		asked |= of == form;
		inside |= of == form && is_within(form, name, base);
	}
	for (struct der list = der_init(k->excluded); !list.bad && list.rest.n > 0;) {
		uint8_t of;
		struct span base = next_subtree(&list, &of);

		if (of == form && may_be_within(form, name, base))
			return false;
	}
	return inside || !asked;
}

/* The subject counts as a directory name, and an address in it as one of e-mail. */
static bool subject_permitted(const struct constraints *k, struct span subject)
{
	static const uint8_t email[] = { 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x01 };

	for (size_t at = 0; at + sizeof email <= subject.n; at++)
		if (span_eq(span_sub(subject, at, sizeof email), span_of(email, sizeof email)) &&
		    !is_permitted(k, NAME_EMAIL, span_of(NULL, 0)))
			return false;
	return subject.n == 2 || is_permitted(k, NAME_DIRECTORY, subject); /* 2: no attribute */
}

bool x509_names_permitted(const struct x509_cert *issuer, const struct x509_cert *c)
{
	struct der names = alt_names(c);
	struct constraints k;
	struct x509_ext x;

	if (x509_ext_find(issuer, span_of(oid_name_constraints, sizeof oid_name_constraints), &x) == 0)
		return true;
	if (!read_constraints(x.value, &k) || !subject_permitted(&k, c->subject))
		return false;
	while (!names.bad && names.rest.n > 0) {
		uint8_t form;
		struct span name = next_name(&names, &form);

		if (!is_permitted(&k, form, name))
			return false;
	}
	return der_done(&names);
}
