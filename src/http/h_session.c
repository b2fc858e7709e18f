/* Signing in with the operator's token, for browsers: the token once, then a cookie. */
#include "base/ct.h"
#include "http/access.h"
#include "http/answer.h"
#include "http/body.h"
#include "http/handlers.h"
#include "plat/clock.h"

#define OPERATOR_TOKEN_MAX 1024

/* "Set-Cookie: ..." with an identifier, or "" to take it away. Not readable by scripts, not sent from other sites' pages. The worker wipes
 * the line (scratch->value) after the request. */
static void set_cookie(struct request *q, const char *id, unsigned seconds)
{
	struct out o = out_init(q->scratch->value, sizeof q->scratch->value);
	char name[ACCESS_COOKIE_MAX];

	access_cookie_name(q->head, name);
	out_strs(&o, "Set-Cookie: ", name, "=", id, "; Path=/; HttpOnly; SameSite=Strict; Max-Age=");
	out_u64(&o, seconds);
	out_str(&o, q->conn->use_tls ? "; Secure\r\n" : "\r\n");
	q->reply->extra = out_cstr(&o);
}

static int answer(struct request *q, struct jw *w, const char *message, bool operator)
{
	jw_str(w, "status", "success");
	jw_str(w, "message", message);
	jw_bool(w, "operator", operator);
	jw_bool(w, "open", q->s->operator_none);
	if (operator && !q->s->operator_none)
		jw_u64(w, "expires_in_seconds", SESSION_SECONDS);
	return 200;
}

int h_login(struct request *q, struct jw *w)
{
	char token[OPERATOR_TOKEN_MAX], id[SESSION_ID_LEN + 1];
	bool ok;

	if (!body_json(q, true))
		return REPLIED;
	if (q->s->operator_none)
		return answer(q, w, "Everybody is operator here (OPERATOR_AUTH=none).", true);
	if (!q->s->operator_set)
		return answer_error(q, 403, "No operator is configured (OPERATOR_AUTH).");
	ok = json_cstr(json_get(q->root, "token"), token, sizeof token) == ERR_OK && access_token_ok(q->s, span_str(token));
	WIPE(token);
	if (!ok)
		return answer_error(q, 401, "This is not the operator's token.");
	session_open(id, clock_ms());
	set_cookie(q, id, SESSION_SECONDS);
	WIPE(id);
	return answer(q, w, "Signed in.", true);
}

int h_logout(struct request *q, struct jw *w)
{
	struct span id;

	if (access_cookie(q->head, &id))
		session_close(id);
	set_cookie(q, "", 0);
	return answer(q, w, "Signed out.", q->s->operator_none);
}

int h_session(struct request *q, struct jw *w)
{
	jw_bool(w, "operator", access_check(ACCESS_OPERATOR, q->s, q->head, q->conn->use_tls) == ACCESS_GRANTED);
	jw_bool(w, "open", q->s->operator_none);
	jw_bool(w, "configured", q->s->operator_none || q->s->operator_set);
	return 200;
}
