/* TLS: why a connection failed, in words and in an alert. */
#include "tls/tls_state.h"

/* BearSSL's error numbers; a peer's fatal alert is 256 and one of ours 512 more than the alert's own number
 * (RFC 5246 section 7.2). alert: what we send then, where 0 is no row's own. */
static const struct {
	int16_t error;
	uint8_t alert;
	char text[54]; /* in the table itself: no relocation */
} texts[] = {
	{ BR_ERR_UNSUPPORTED_VERSION, 70, "peer does not speak TLS 1.2" },
	{ BR_ERR_BAD_VERSION, 70, "record of another version" },
	{ BR_ERR_BAD_LENGTH, 22, "bad record length" },
	{ BR_ERR_TOO_LARGE, 22, "record too large" },
	{ BR_ERR_BAD_MAC, 20, "record failed its integrity check" },
	{ BR_ERR_UNKNOWN_TYPE, 10, "unknown record type: not TLS" },
	{ BR_ERR_UNEXPECTED, 10, "unexpected message" },
	{ BR_ERR_BAD_ALERT, 50, "bad alert" },
	{ BR_ERR_BAD_HANDSHAKE, 50, "bad handshake message" },
	{ BR_ERR_BAD_CIPHER_SUITE, 47, "no common cipher suite" },
	{ BR_ERR_BAD_FINISHED, 51, "handshake was tampered with" },
	{ BR_ERR_INVALID_ALGORITHM, 40, "no common signature algorithm or curve" },
	{ BR_ERR_BAD_SIGNATURE, 51, "bad signature in the handshake" },
	{ BR_ERR_WRONG_KEY_USAGE, 42, "certificate does not allow this key exchange" },
	{ BR_ERR_NO_CLIENT_AUTH, 40, "peer sent no certificate" },
	{ BR_ERR_X509_EMPTY_CHAIN, 40, "peer sent no certificate" },
	{ BR_ERR_X509_NOT_TRUSTED, 48, "certificate does not lead to a trusted root" },
	{ BR_ERR_RECV_FATAL_ALERT + 10, 0, "peer's alert: unexpected message" },
	{ BR_ERR_RECV_FATAL_ALERT + 20, 0, "peer's alert: bad record" },
	{ BR_ERR_RECV_FATAL_ALERT + 40, 0, "peer's alert: handshake failure, no common parameters" },
	{ BR_ERR_RECV_FATAL_ALERT + 42, 0, "peer's alert: bad certificate" },
	{ BR_ERR_RECV_FATAL_ALERT + 45, 0, "peer's alert: certificate expired" },
	{ BR_ERR_RECV_FATAL_ALERT + 46, 0, "peer's alert: certificate unknown" },
	{ BR_ERR_RECV_FATAL_ALERT + 48, 0, "peer's alert: unknown authority" },
	{ BR_ERR_RECV_FATAL_ALERT + 51, 0, "peer's alert: decrypt error" },
	{ BR_ERR_RECV_FATAL_ALERT + 70, 0, "peer's alert: protocol version" },
	{ BR_ERR_RECV_FATAL_ALERT + 71, 0, "peer's alert: insufficient security" },
	{ BR_ERR_RECV_FATAL_ALERT + 80, 0, "peer's alert: internal error" },
	{ BR_ERR_RECV_FATAL_ALERT + 112, 0, "peer's alert: unrecognized name" },
	{ BR_ERR_RECV_FATAL_ALERT + 116, 0, "peer's alert: certificate required" },
	{ BR_ERR_SEND_FATAL_ALERT + 40, 0, "no common cipher suite, curve or signature algorithm" },
	{ BR_ERR_SEND_FATAL_ALERT + 70, 0, "peer does not speak TLS 1.2" },
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

uint8_t tls_text_alert(int error)
{
	if (error == BR_ERR_X509_EXPIRED)
		return 45; /* certificate_expired */
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		if (texts[i].error == error && texts[i].alert)
			return texts[i].alert;
	return error >= BR_ERR_X509_OK ? 42 : 50; /* bad_certificate, decode_error */
}
