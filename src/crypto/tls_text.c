/* TLS: why a connection failed, in words. */
#include "crypto/tls_state.h"

/* BearSSL's error numbers; a peer's fatal alert is 256 and one of ours 512 more than the alert's own number
 * (RFC 5246 section 7.2). */
static const struct {
	int16_t error;
	char text[54]; /* in the table itself: no relocation */
} texts[] = {
	{ BR_ERR_UNSUPPORTED_VERSION, "peer does not speak TLS 1.2" },
	{ BR_ERR_BAD_VERSION, "record of another version" },
	{ BR_ERR_BAD_LENGTH, "bad record length" },
	{ BR_ERR_TOO_LARGE, "record too large" },
	{ BR_ERR_BAD_MAC, "record failed its integrity check" },
	{ BR_ERR_UNKNOWN_TYPE, "unknown record type: not TLS" },
	{ BR_ERR_UNEXPECTED, "unexpected message" },
	{ BR_ERR_BAD_ALERT, "bad alert" },
	{ BR_ERR_BAD_HANDSHAKE, "bad handshake message" },
	{ BR_ERR_BAD_CIPHER_SUITE, "no common cipher suite" },
	{ BR_ERR_BAD_FINISHED, "handshake was tampered with" },
	{ BR_ERR_INVALID_ALGORITHM, "no common signature algorithm or curve" },
	{ BR_ERR_BAD_SIGNATURE, "bad signature in the handshake" },
	{ BR_ERR_WRONG_KEY_USAGE, "certificate does not allow this key exchange" },
	{ BR_ERR_NO_CLIENT_AUTH, "peer sent no certificate" },
	{ BR_ERR_X509_EMPTY_CHAIN, "peer sent no certificate" },
	{ BR_ERR_X509_NOT_TRUSTED, "certificate does not lead to a trusted root" },
	{ BR_ERR_RECV_FATAL_ALERT + 10, "peer's alert: unexpected message" },
	{ BR_ERR_RECV_FATAL_ALERT + 20, "peer's alert: bad record" },
	{ BR_ERR_RECV_FATAL_ALERT + 40, "peer's alert: handshake failure, no common parameters" },
	{ BR_ERR_RECV_FATAL_ALERT + 42, "peer's alert: bad certificate" },
	{ BR_ERR_RECV_FATAL_ALERT + 45, "peer's alert: certificate expired" },
	{ BR_ERR_RECV_FATAL_ALERT + 46, "peer's alert: certificate unknown" },
	{ BR_ERR_RECV_FATAL_ALERT + 48, "peer's alert: unknown authority" },
	{ BR_ERR_RECV_FATAL_ALERT + 51, "peer's alert: decrypt error" },
	{ BR_ERR_RECV_FATAL_ALERT + 70, "peer's alert: protocol version" },
	{ BR_ERR_RECV_FATAL_ALERT + 71, "peer's alert: insufficient security" },
	{ BR_ERR_RECV_FATAL_ALERT + 80, "peer's alert: internal error" },
	{ BR_ERR_RECV_FATAL_ALERT + 112, "peer's alert: unrecognized name" },
	{ BR_ERR_RECV_FATAL_ALERT + 116, "peer's alert: certificate required" },
	{ BR_ERR_SEND_FATAL_ALERT + 40, "no common cipher suite, curve or signature algorithm" },
	{ BR_ERR_SEND_FATAL_ALERT + 70, "peer does not speak TLS 1.2" },
};

const char *tls_error_text(const struct tls *t)
{
	struct tls_state *s = (struct tls_state *)(uintptr_t)t->opaque;
	const br_ssl_engine_context *eng = tls_engine(s);
	int e = br_ssl_engine_last_error(eng);

	if (s->why)
		return s->why;
	if (s->check.why)
		return s->check.why;
	if (*s->check.path.why)
		return s->check.path.why;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		if (texts[i].error == e)
			return texts[i].text;
	if (e >= BR_ERR_RECV_FATAL_ALERT)
		return e >= BR_ERR_SEND_FATAL_ALERT ? "handshake refused" : "peer's alert: another one";
	if (e == BR_ERR_OK)
		return s->eof && !s->open ? "connection closed during the handshake" : "no error";
	return "malformed handshake";
}
