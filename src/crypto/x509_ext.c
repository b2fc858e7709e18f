/* X.509 names and extensions. */
#include "crypto/x509_ext.h"

#include "enc/der.h"

static const uint8_t oid_basic_constraints[] = { 0x55, 0x1d, 0x13 };
static const uint8_t oid_key_usage[] = { 0x55, 0x1d, 0x0f };
static const uint8_t oid_ext_key_usage[] = { 0x55, 0x1d, 0x25 };
static const uint8_t oid_common_name[] = { 0x55, 0x04, 0x03 };
#define OID(bytes) span_of((bytes), 3)

/* KeyUsage ::= BIT STRING, keyCertSign is bit 5 from the left. It may have unused bits, which der_bits refuses. */
static bool may_sign_certificates(struct span value)
{
	struct der d = der_init(value);
	struct span bits = der_take(&d, DER_BIT_STRING);

	return der_done(&d) && bits.n >= 2 && (bits.p[1] & 0x04);
}

bool x509_ext_is_authority(const struct x509_cert *c)
{
	struct span value, flag;
	struct der outer, d;

	if (!x509_extension(c, OID(oid_basic_constraints), &value, NULL))
		return false;
	outer = der_init(value);
	d = der_enter(&outer, DER_SEQUENCE);
	flag = der_take(&d, DER_BOOLEAN);
	if (d.bad || !der_done(&outer) || flag.n != 1 || flag.p[0] != 0xff)
		return false;
	return !x509_extension(c, OID(oid_key_usage), &value, NULL) || may_sign_certificates(value);
}

bool x509_ext_has_eku(const struct x509_cert *c, struct span oid)
{
	struct span value;
	struct der outer, list;
	bool found = false;

	if (!x509_extension(c, OID(oid_ext_key_usage), &value, NULL))
		return false;
	outer = der_init(value);
	list = der_enter(&outer, DER_SEQUENCE);
	while (!list.bad && list.rest.n > 0)
		if (span_eq(der_take(&list, DER_OID), oid))
			found = true;
	return found && der_done(&list) && der_done(&outer);
}

bool x509_ext_critical_known(const struct x509_cert *c)
{
	const uint8_t *const known[] = { oid_basic_constraints, oid_key_usage, oid_ext_key_usage };
	struct der list = der_init(c->extensions);

	while (!list.bad && list.rest.n > 0) {
		struct x509_ext x = x509_ext_next(&list);
		bool is_known = false;

		for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
			is_known |= span_eq(x.oid, OID(known[i]));
		if (x.critical && !is_known)
			return false;
	}
	return der_done(&list);
}

/* Name ::= SEQUENCE OF SET OF SEQUENCE { OID, string } */
struct span x509_ext_common_name(struct span name)
{
	struct der outer = der_init(name), list = der_enter(&outer, DER_SEQUENCE);
	struct span found = { NULL, 0 };
	unsigned times = 0;

	while (!list.bad && list.rest.n > 0) {
		struct der set = der_enter(&list, DER_SET);

		while (!set.bad && set.rest.n > 0) {
			struct der pair = der_enter(&set, DER_SEQUENCE);
			bool is_cn = span_eq(der_take(&pair, DER_OID), OID(oid_common_name));
			uint8_t tag = der_peek(&pair);
			struct span text = der_take(&pair, tag);

			if (!der_done(&pair))
				return span_of(NULL, 0);
			if (is_cn) {
				found = text;
				times++;
			}
		}
		if (set.bad)
			return span_of(NULL, 0);
	}
	return der_done(&list) && times == 1 ? found : span_of(NULL, 0);
}
