/* X.509 names and extensions. */
#include "crypto/x509_ext.h"

#include "text/der.h"

static const uint8_t oid_basic_constraints[] = { 0x55, 0x1d, 0x13 };
static const uint8_t oid_key_usage[] = { 0x55, 0x1d, 0x0f };
static const uint8_t oid_ext_key_usage[] = { 0x55, 0x1d, 0x25 };
static const uint8_t oid_common_name[] = { 0x55, 0x04, 0x03 };
#define OID(bytes) span_of((bytes), 3)

/* No KeyUsage, or one with this bit of its first byte. KeyUsage ::= BIT STRING; it may have
 * unused bits, which der_bits refuses. */
static bool usage_allows(const struct x509_cert *c, uint8_t bit)
{
	struct x509_ext x;
	struct span bits;
	struct der d;
	size_t times = x509_ext_find(c, OID(oid_key_usage), &x);

	if (times != 1) /* the second of two is no excuse */
		return times == 0;
	d = der_init(x.value);
	bits = der_take(&d, DER_BIT_STRING);
	return der_done(&d) && bits.n >= 2 && (bits.p[1] & bit);
}

bool x509_ext_may_sign(const struct x509_cert *c)
{
	return usage_allows(c, 0x80); /* digitalSignature, bit 0 from the left */
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
	return usage_allows(c, 0x04); /* keyCertSign, bit 5 */
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

bool x509_ext_serves(const struct x509_cert *c, struct span oid)
{
	static const uint8_t any[] = { 0x55, 0x1d, 0x25, 0x00 }; /* anyExtendedKeyUsage */
	struct x509_ext x;

	return x509_ext_find(c, OID(oid_ext_key_usage), &x) == 0 || x509_ext_has_eku(c, oid) ||
	       x509_ext_has_eku(c, span_of(any, sizeof any));
}

bool x509_ext_critical_among(const struct x509_cert *c, struct span arcs)
{
	struct der list = der_init(c->extensions);

	while (!list.bad && list.rest.n > 0) {
		struct x509_ext x = x509_ext_next(&list);
		bool is_known = x.oid.n == 3 && x.oid.p[0] == 0x55 && x.oid.p[1] == 0x1d &&
		                span_find(arcs, x.oid.p[2]) < arcs.n;

		if (x.critical && !is_known)
			return false;
	}
	return der_done(&list);
}

bool x509_ext_critical_known(const struct x509_cert *c)
{
	static const uint8_t arcs[] = { 0x13, 0x0f, 0x25 };

	return x509_ext_critical_among(c, span_of(arcs, sizeof arcs));
}

bool x509_ext_path_length(const struct x509_cert *c, size_t below)
{
	struct span value;
	struct der outer, d;

	if (!x509_extension(c, OID(oid_basic_constraints), &value, NULL))
		return false;
	outer = der_init(value);
	d = der_enter(&outer, DER_SEQUENCE);
	(void)der_take(&d, DER_BOOLEAN);
	if (d.rest.n > 0 && der_u64(&d) < below)
		return false;
	return der_done(&d);
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
