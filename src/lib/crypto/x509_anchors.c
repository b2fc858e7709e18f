/* Trust anchors: the compiled-in public roots and one configured bundle. */
#include "crypto/anchors_data.h"
#include "crypto/x509_ext.h"
#include "crypto/x509_path.h"
#include "text/pem.h"

#define ANCHORS_MAX 24        /* compiled-in roots and a bundle of some more */
#define EXTRA_DER_MAX 16384   /* the bundle's certificates in DER: eight of RSA-4096 */

/* Written once before threads start, then only read. Names and keys are views into the certificates. */
static struct {
	struct x509_cert table[ANCHORS_MAX];
	size_t n;
	uint8_t extra[EXTRA_DER_MAX];
	size_t extra_len;
} anchors;

static enum err add(struct span der)
{
	struct x509_cert c;

	if (anchors.n == ANCHORS_MAX)
		return ERR_FULL;
	if (x509_parse(der, &c) != ERR_OK || !x509_ext_is_authority(&c))
		return ERR_SYNTAX;
	anchors.table[anchors.n++] = c;
	return ERR_OK;
}

static enum err add_bundle(struct span pem)
{
	size_t count = 0;

	for (;;) {
		uint8_t *at = anchors.extra + anchors.extra_len;
		size_t n = 0;
		enum err e = pem_next(&pem, "CERTIFICATE", at, EXTRA_DER_MAX - anchors.extra_len, &n);

		if (e == ERR_NOT_FOUND) /* a bundle without a certificate is a mistake */
			return count ? ERR_OK : ERR_SYNTAX;
		if (e == ERR_OK)
			e = add(span_of(at, n));
		if (e != ERR_OK)
			return e == ERR_TOO_BIG ? ERR_FULL : e;
		anchors.extra_len += n;
		count++;
	}
}

enum err x509_anchors_init(struct span extra_pem)
{
	enum err e = ERR_OK;

	anchors.n = 0;
	anchors.extra_len = 0;
	for (size_t i = 0; i < anchors_data_n && e == ERR_OK; i++)
		e = add(span_of(anchors_data[i].der, anchors_data[i].der_len));
	if (e == ERR_OK && extra_pem.n > 0)
		e = add_bundle(extra_pem);
	if (e != ERR_OK)
		anchors.n = 0; /* no trust at all rather than a part of it */
	return e;
}

const struct x509_cert *x509_anchors_table(size_t *n)
{
	*n = anchors.n;
	return anchors.table;
}
