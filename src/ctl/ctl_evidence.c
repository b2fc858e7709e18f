/* Evidence from files. */
#include "ctl/ctl_evidence.h"

#include <string.h>

#include "crypto/hash.h"
#include "ctl/ctl_say.h"
#include "ctl/ctl_show.h"
#include "text/base64.h"
#include "text/hex.h"
#include "text/pem.h"
#include "text/timefmt.h"
#include "os/file.h"
#include "snp/certs.h"

static uint8_t file[65536];
static struct platform_certs thim;

int ctl_evidence_file(const char *path, uint8_t *dst, size_t cap, size_t *n)
{
	enum err e = file_read_all(path, dst, cap, n);

	return e == ERR_OK ? 0 : ctl_say_problem(SHOW_UNCHECKED, path, NULL, ctl_say_file_error(e));
}

static int wrong(const char *path, const char *why)
{
	return ctl_say_problem(SHOW_NOT_GENUINE, path, NULL, why);
}

int ctl_evidence_report(struct ctl_evidence *v, const char *path)
{
	struct span text;
	size_t n;
	int status = ctl_evidence_file(path, file, sizeof file, &n);

	if (status)
		return status;
	v->e.report = span_of(v->report, sizeof v->report);
	if (n == SNP_REPORT_LEN) {
		memcpy(v->report, file, n);
		return 0;
	}
	text = span_trim(span_of(file, n));
	if (text.n != 2 * SNP_REPORT_LEN || hex_decode(text, v->report, sizeof v->report) != ERR_OK)
		return wrong(path, "not a report: neither 1184 bytes nor 2368 hex digits");
	return 0;
}

bool ctl_evidence_base64(struct span text, uint8_t *dst, size_t cap, size_t *n)
{
	size_t kept = 0;

	for (size_t i = 0; i < text.n && kept < cap; i++) {
		uint8_t c = text.p[i];

		if (c != ' ' && c != '\t' && c != '\r' && c != '\n')
			dst[kept++] = c == '+' ? '-' : c == '/' ? '_' : c;
	}
	return kept > 0 && kept < cap && base64_decode(B64_URL, span_of(dst, kept), dst, cap, n) == ERR_OK;
}

/* Base64 text in file becomes its bytes; other content stays. */
static size_t undo_base64(size_t n)
{
	static uint8_t decoded[sizeof file];
	size_t m;

	if (!ctl_evidence_base64(span_of(file, n), decoded, sizeof decoded, &m))
		return n;
	memcpy(file, decoded, m);
	return m;
}

static bool has_pem(struct span s)
{
	for (size_t i = 0; i + 10 < s.n; i++)
		if (span_starts(span_sub(s, i, 10), "-----BEGIN"))
			return true;
	return false;
}

/* PEM, DER, THIM's JSON or that in base64: appended to the chain as DER. */
static enum err append_certs(struct ctl_evidence *v, size_t n)
{
	uint8_t *at = v->chain + v->e.chain.n;
	size_t room = sizeof v->chain - v->e.chain.n, got = 0;
	struct span s = span_of(file, n);
	enum err err = ERR_OK;

	if (n && file[0] != 0x30 && !has_pem(s))
		s = span_of(file, undo_base64(n));
	if (s.n && span_trim(s).p[0] == '{') {
		err = certs_parse_thim(s, &thim);
		s = span_of(thim.pem, thim.pem_len);
	}
	if (!err && has_pem(s)) {
		err = pem_all(s, "CERTIFICATE", at, room, &got);
	} else if (!err) {
		got = s.n;
		err = s.n == 0 || s.p[0] != 0x30 ? ERR_SYNTAX : s.n > room ? ERR_TOO_BIG : ERR_OK;
		if (!err)
			memcpy(at, s.p, s.n);
	}
	if (!err)
		v->e.chain = span_of(v->chain, v->e.chain.n + got);
	return err;
}

int ctl_evidence_certs(struct ctl_evidence *v, const struct ctl_list *paths)
{
	v->e.chain = span_of(v->chain, 0);
	for (size_t i = 0; i < paths->n; i++) {
		size_t n;
		int status = ctl_evidence_file(paths->item[i], file, sizeof file, &n);

		if (status)
			return status;
		if (append_certs(v, n) != ERR_OK)
			return wrong(paths->item[i], "no certificates in PEM, DER or THIM's JSON");
	}
	return 0;
}

/* PEM with this label, or DER; into dst. */
static enum err one_object(const char *label, size_t n, uint8_t *dst, size_t cap, struct span *out)
{
	struct span s = span_of(file, n);
	size_t got = n;
	enum err err = ERR_OK;

	if (has_pem(s))
		err = pem_next(&s, label, dst, cap, &got);
	else if (n > cap)
		err = ERR_TOO_BIG;
	else
		memcpy(dst, file, n);
	if (!err)
		*out = span_of(dst, got);
	return err;
}

int ctl_evidence_crl(struct ctl_evidence *v, const char *path)
{
	size_t n;
	int status = ctl_evidence_file(path, file, sizeof file, &n);

	if (status)
		return status;
	if (n == 0 || one_object("X509 CRL", n, v->crl, sizeof v->crl, &v->e.crl) != ERR_OK)
		return wrong(path, "not a revocation list in PEM or DER");
	return 0;
}

int ctl_evidence_endorsement(struct ctl_evidence *v, const char *path)
{
	size_t n;
	int status = ctl_evidence_file(path, file, sizeof file, &n);

	if (status)
		return status;
	if (n && file[0] != 0xd2) /* CBOR tag 18 */
		n = undo_base64(n);
	if (n == 0 || n > sizeof v->endorsement)
		return wrong(path, "not an endorsement");
	memcpy(v->endorsement, file, n);
	v->e.endorsement = span_of(v->endorsement, n);
	return 0;
}

int ctl_evidence_cert(const char *path, uint8_t der[TLS_CERT_MAX], struct x509_cert *c)
{
	struct span s;
	size_t n;
	int status = ctl_evidence_file(path, file, sizeof file, &n);

	if (status)
		return status;
	if (one_object("CERTIFICATE", n, der, TLS_CERT_MAX, &s) != ERR_OK || x509_parse(s, c) != ERR_OK)
		return ctl_say_problem(SHOW_UNCHECKED, path, NULL, "not a certificate in PEM or DER");
	return 0;
}

int ctl_evidence_root(struct ctl_evidence *v, const char *path)
{
	static uint8_t der[TLS_CERT_MAX];
	struct x509_cert c;
	int status = ctl_evidence_cert(path, der, &c);

	if (!status)
		hash_sha256(c.spki, v->root_sha256);
	return status;
}

static bool digits(struct span *s, size_t n, char behind, int *v)
{
	uint64_t x;

	if (!span_u64(span_sub(*s, 0, n), &x) || s->n < n || (behind && (s->n == n || s->p[n] != behind)))
		return false;
	*s = span_sub(*s, n + (behind ? 1 : 0), s->n);
	*v = (int)x;
	return true;
}

bool ctl_evidence_time(const char *text, int64_t *unix_s)
{
	struct span s = span_str(text);
	struct civil c = { .year = 0 };
	uint64_t seconds;

	if (span_u64(s, &seconds) && seconds < INT64_MAX) {
		*unix_s = (int64_t)seconds;
		return true;
	}
	if (!digits(&s, 4, '-', &c.year) || !digits(&s, 2, '-', &c.month))
		return false;
	if (!digits(&s, 2, s.n > 2 ? 'T' : 0, &c.day))
		return false;
	if (s.n && (!digits(&s, 2, ':', &c.hour) || !digits(&s, 2, ':', &c.minute) || !digits(&s, 2, 'Z', &c.second)))
		return false;
	if (s.n || !time_civil_ok(&c))
		return false;
	*unix_s = time_from_civil(&c);
	return true;
}
