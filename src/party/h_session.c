/* Signing in with the operator's token, for browsers: the token once, then a cookie. */
#include "base/ct.h"
#include "http/access.h"
#include "party/handlers.h"
#include "http/site.h"
#include "os/clock.h"

#define OPERATOR_TOKEN_MAX 1024

/* "Set-Cookie: ..." with an identifier, or "" to take it away. Not readable by scripts, not sent from other sites' pages. */
static void set_cookie(struct request *q, const char *id, unsigned seconds)
{
	struct out o = out_init(q->scratch->value, sizeof q->scratch->value);
	char name[ACCESS_COOKIE_MAX];

	access_cookie_name(q->head, q->conn->use_tls, name);
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
	jw_bool(w, "open", q->s->operator.none);
	if (operator && !q->s->operator.none)
		jw_u64(w, "expires_in_seconds", SESSION_SECONDS);
	return 200;
}

/* Replaces the lines of this route's own limit. */
static int answer_limited(struct request *q, const struct rate_verdict *limit)
{
	uint8_t lines[192];
	struct out o = out_init(lines, sizeof lines);

	rate_headers(limit, &o);
	q->reply->rate = out_cstr(&o);
	reply_error(q->reply, 429, ACCESS_LIMITED_TEXT);
	q->reply->rate = NULL;
	return REPLIED;
}

int h_login(struct request *q, struct jw *w)
{
	const struct access_way way = { q->conn->peer, q->conn->use_tls };
	char token[OPERATOR_TOKEN_MAX] = "", id[SESSION_ID_LEN + 1];
	struct rate_verdict limit;
	enum access_verdict v;

	if (!body_json(q, true))
		return REPLIED;
	if (q->s->operator.none)
		return answer(q, w, "Everybody is operator here (OPERATOR_AUTH=none).", true);
	if (!q->s->operator.set)
		return answer_error(q, 403, "No operator is configured (OPERATOR_AUTH).");
	if (json_cstr(json_get(q->root, "token"), token, sizeof token) != ERR_OK)
		token[0] = '\0'; /* counts as a wrong one */
	v = access_token(&q->s->operator, span_str(token), &way, &limit);
	WIPE(token);
	if (v == ACCESS_LIMITED)
		return answer_limited(q, &limit);
	if (v != ACCESS_GRANTED)
		return answer_error(q, 401, "This is not the operator's token.");
	session_open(id, clock_ms());
	set_cookie(q, id, SESSION_SECONDS);
	WIPE(id);
	return answer(q, w, "Signed in.", true);
}

int h_logout(struct request *q, struct jw *w)
{
	struct span id;

	if (access_cookie(q->head, q->conn->use_tls, &id))
		session_close(id);
	set_cookie(q, "", 0);
	return answer(q, w, "Signed out.", q->s->operator.none);
}

int h_session(struct request *q, struct jw *w)
{
	const struct access_way way = { q->conn->peer, q->conn->use_tls };
	const struct site *secure = q->conn->site->secure;
	char origin[ACCESS_ORIGIN_MAX];
	struct rate_verdict limit;
	struct span id;
	enum access_verdict v = access_check(ACCESS_OPERATOR, &q->s->operator, q->head, &way, &limit);

	if (v == ACCESS_LIMITED)
		return answer_limited(q, &limit);
	/* A browser would send it again each time, and each counts as a guess. */
	if (v == ACCESS_DENIED && access_cookie(q->head, way.tls, &id))
		set_cookie(q, "", 0);
	jw_bool(w, "operator", v == ACCESS_GRANTED);
	jw_bool(w, "open", q->s->operator.none);
	jw_bool(w, "configured", q->s->operator.none || q->s->operator.set);
	if (v == ACCESS_PLAIN) {
		access_https_origin(q->head, secure ? secure->port : 0, origin);
		jw_str(w, "https", origin[0] ? origin : NULL);
	}
	return 200;
}
