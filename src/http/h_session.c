/* Signing in with the operator's token, for browsers: the token once, then a cookie. */
#include "base/ct.h"
#include "http/access.h"
#include "http/body.h"
#include "http/handlers.h"
#include "plat/clock.h"

#define OPERATOR_TOKEN_MAX 1024

/* "Set-Cookie: ..." with an identifier, or "" to take it away. Not readable by scripts, not sent from other sites' pages. */
static void cookie_line(const struct request *q, const char *id, unsigned seconds, struct out *o)
{
	char name[ACCESS_COOKIE_MAX];

	access_cookie_name(q->head, name);
	out_str(o, "Set-Cookie: ");
	out_str(o, name);
	out_byte(o, '=');
	out_str(o, id);
	out_str(o, "; Path=/; HttpOnly; SameSite=Strict; Max-Age=");
	out_u64(o, seconds);
	out_str(o, q->conn->use_tls ? "; Secure\r\n" : "\r\n");
}

static void answer(struct request *q, const char *message, bool operator)
{
	uint8_t buf[512];
	struct out o = out_init(buf, sizeof buf);
	struct jw w = jw_init(&o);

	jw_object(&w, NULL);
	jw_str(&w, "status", "success");
	jw_str(&w, "message", message);
	jw_bool(&w, "operator", operator);
	jw_bool(&w, "open", q->s->operator_none);
	if (operator && !q->s->operator_none)
		jw_u64(&w, "expires_in_seconds", SESSION_SECONDS);
	jw_end_object(&w);
	reply_json(q->reply, 200, &o);
}

void h_login(struct request *q)
{
	char token[OPERATOR_TOKEN_MAX], id[SESSION_ID_LEN + 1];
	uint8_t line[256];
	struct out o = out_init(line, sizeof line);
	struct body b;
	bool ok;

	if (!body_json(q, &b, true))
		return;
	if (q->s->operator_none) {
		answer(q, "Everybody is operator here (OPERATOR_AUTH=none).", true);
		return;
	}
	if (!q->s->operator_set) {
		reply_error(q->reply, 403, "No operator is configured (OPERATOR_AUTH).");
		return;
	}
	ok = json_cstr(json_get(b.root, "token"), token, sizeof token) == ERR_OK && access_token_ok(q->s, span_str(token));
	WIPE(token);
	if (!ok) {
		reply_error(q->reply, 401, "This is not the operator's token.");
		return;
	}
	session_open(id, clock_ms());
	cookie_line(q, id, SESSION_SECONDS, &o);
	q->reply->extra = out_cstr(&o);
	answer(q, "Signed in.", true);
	q->reply->extra = NULL;
	WIPE(id);
	WIPE(line);
}

void h_logout(struct request *q)
{
	uint8_t line[256];
	struct out o = out_init(line, sizeof line);
	struct span id;

	if (access_cookie(q->head, &id))
		session_close(id);
	cookie_line(q, "", 0, &o);
	q->reply->extra = out_cstr(&o);
	answer(q, "Signed out.", q->s->operator_none);
	q->reply->extra = NULL;
}

void h_session(struct request *q)
{
	uint8_t buf[256];
	struct out o = out_init(buf, sizeof buf);
	struct jw w = jw_init(&o);

	jw_object(&w, NULL);
	jw_bool(&w, "operator", access_check(ACCESS_OPERATOR, q->s, q->head, q->conn->use_tls) == ACCESS_GRANTED);
	jw_bool(&w, "open", q->s->operator_none);
	jw_bool(&w, "configured", q->s->operator_none || q->s->operator_set);
	jw_end_object(&w);
	reply_json(q->reply, 200, &o);
}
