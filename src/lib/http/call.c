/* One call of a service, with retries. */
#include "http/call.h"

#include "base/log.h"
#include "text/url.h"
#include "os/clock.h"

static void take_fields(const struct https *c, const struct call *k)
{
	for (size_t i = 0; i < k->n_fields; i++) {
		struct span value = { NULL, 0 };

		if (!http_field_get(&c->head, k->fields[i].name, &value, NULL) || value.n >= k->fields[i].cap)
			value.n = 0;
		fault_text(k->fields[i].dst, k->fields[i].cap, value);
	}
}

/* The body of an error answer tells more about it, when it comes whole and as much of it as fits: the status counts. */
static enum err read_body(struct https *c, const struct call *k, struct call_answer *a, int64_t limit, struct fault *f)
{
	enum err err = ERR_OK;
	size_t n = 0;

	if (a->status < 300)
		err = https_body(c, k->body, k->cap, &n, k->step, limit, f);
	else
		n = https_error_body(c, k->body, k->cap, k->step, limit);
	a->body = span_of(k->body, n);
	/* Not our request is too big, but its answer: the service's fault. */
	return err == ERR_TOO_BIG ? (f->err = ERR_PROTOCOL) : err;
}

static enum err try_once(struct https *c, const struct call *k, struct call_answer *a, int64_t limit, struct fault *f)
{
	TRY(https_open(c, &k->to, k->step, limit, f));
	TRY(https_send(c, &k->request, k->step, limit, f));
	a->status = c->head.status;
	a->json = http_media_type_is(&c->head, "application/json");
	a->retry_after_s = https_retry_after(c);
	take_fields(c, k);
	return read_body(c, k, a, limit, f);
}

enum err call_run(struct https *c, const struct call *k, struct call_answer *a, int64_t deadline_ms, struct fault *f)
{
	struct retry r = retry_init(&k->service->retry, deadline_ms);
	enum err err;

	for (;;) {
		fault_clear(f);
		*a = (struct call_answer){ 0 };
		err = try_once(c, k, a, retry_try_deadline(&r), f);
		https_close(c);
		if (!retry_again(&r, err, a->status, a->retry_after_s))
			break;
		if (err)
			log_fault(LOG_DEBUG, "client", "trying again", f);
		else
			log_num(LOG_DEBUG, "client", "trying again after an error status", "status",
				(uint64_t)a->status);
	}
	if (err)
		refusal_transport(k->service, f);
	return err;
}

enum err call_success(struct https *c, const struct call *k, struct call_answer *a, int64_t deadline_ms, struct fault *f)
{
	TRY(call_run(c, k, a, deadline_ms, f));
	return a->status == 200 ? ERR_OK : call_refused(k, a, f);
}

enum err call_refused(const struct call *k, const struct call_answer *a, struct fault *f)
{
	struct refusal r;

	refusal_read(a->body, &r);
	return refusal_fault(k->service, k->step, a->status, &r, a->retry_after_s, f);
}

enum err call_target(const char *base_url, char host[HOST_MAX], struct https_target *to, struct out *prefix)
{
	struct url u;

	if (url_parse(span_str(base_url), &u) != ERR_OK || !span_copy_str(span_str(u.host), host, HOST_MAX))
		return ERR_CONFIG;
	*to = (struct https_target){ !u.https, host, u.port, TLS_TRUST_ANCHORS, NULL };
	if (!span_eq_str(span_str(u.path), "/"))
		out_str(prefix, u.path);
	return prefix->bad ? ERR_CONFIG : ERR_OK;
}

enum err call_host(const char *hostport, char host[HOST_MAX], struct https_target *to)
{
	uint16_t port;

	if (url_hostport(span_str(hostport), 443, host, &port) != ERR_OK)
		return ERR_CONFIG;
	*to = (struct https_target){ false, host, port, TLS_TRUST_ANCHORS, NULL };
	return ERR_OK;
}
