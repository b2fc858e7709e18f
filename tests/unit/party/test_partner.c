/* Fetching from partners and the whole analysis: against a server in this process. Who is there is party/peer.c's to say, whose
 * place this file takes. */
#include "records_help.h"

#include <cjson/cJSON.h>
#include <pthread.h>

#include "tls/tls.h"
#include "os/clock.h"
#include "os/net.h"
#include "party/query/analyze.h"
#include "attest/certificate.h"
#include "party/partner.h"

#define LIMIT_MS 20000

static struct settings settings, owner;
static struct partner partner;
static struct fault why;

/* --- a partner: answers every connection with the next reply of its list, the last one again and again --- */

struct reply {
	const char *head; /* complete, or NULL: 200, ndjson and the body's length */
	struct span body;
	bool cut;         /* close in the middle of the body */
};

static struct server {
	struct tls_identity id;
	struct tls tls;
	int listener;
	uint16_t port;
	const struct reply *replies;
	size_t n_replies;
	pthread_t thread;
	volatile int served;
	volatile bool stop;
	char request[2048];
} servers[2];

/* --- in place of party/peer.c --- */

static struct tls_identity ours;
static struct {
	bool another_key; /* what is met is not what is expected */
	enum err check;   /* what the partner's proof is worth */
	const char *hello, *proof; /* its answers, NULL for the right ones */
	int64_t evidence_ms; /* from then on our certificate has evidence */
} peers;

/* In place of attest/certificate.c. */
bool certificate_pending(void)
{
	return clock_ms() < peers.evidence_ms;
}

const struct tls_identity *peer_identity(void)
{
	return &ours;
}

enum err peer_meet(const struct settings *s, enum peer_side us, const struct tls *t, enum role who, struct peer_talk *k,
                   struct peer_work *w, struct fault *f)
{
	uint8_t spki[32];

	(void)s;
	(void)k;
	(void)w;
	assert_int_equal(us, PEER_CLIENT);
	assert_false(certificate_pending());
	assert_true(tls_peer_spki(t, spki));
	assert_memory_equal(spki, servers[who == ROLE_FABRIKAM].id.spki_sha256, 32);
	return peers.another_key ? fault_set(f, ERR_UNTRUSTED, STEP_PARTNER, "another key") : ERR_OK;
}

bool peer_take_nonce(struct json_val v, uint8_t nonce[PEER_NONCE_LEN])
{
	memset(nonce, 1, PEER_NONCE_LEN);
	return json_is(v, "theirs");
}

void peer_put_nonce(struct jw *w, const uint8_t nonce[PEER_NONCE_LEN])
{
	(void)nonce;
	jw_str(w, "nonce", "ours");
}

enum err peer_prove(const struct settings *s, enum peer_side us, const struct peer_talk *k, struct jw *w, struct fault *f)
{
	(void)s;
	(void)f;
	assert_int_equal(us, PEER_CLIENT);
	assert_int_equal(k->nonce[PEER_SERVER][31], 1);
	jw_str(w, "report", "our report");
	return ERR_OK;
}

enum err peer_check(const struct settings *s, enum peer_side us, const struct tls *t, const struct peer_talk *k,
                    struct json_val answer, struct peer_work *w, struct fault *f)
{
	(void)s;
	(void)t;
	(void)w;
	assert_int_equal(us, PEER_CLIENT);
	assert_int_equal(k->nonce[PEER_SERVER][31], 1);
	assert_true(json_is(json_get(answer, "report"), "their report"));
	return peers.check ? fault_set(f, peers.check, STEP_PARTNER, "not proven") : ERR_OK;
}

/* One request with its body. */
static bool take_request(struct server *s, int fd, int64_t limit)
{
	size_t used = 0, n, body = 0;
	const char *end, *length;
	bool orderly;

	do {
		if (used + 1 >= sizeof s->request ||
		    tls_recv(&s->tls, fd, (uint8_t *)s->request + used, sizeof s->request - 1 - used, &n, &orderly, limit))
			return false;
		used += n;
		s->request[used] = '\0';
		end = strstr(s->request, "\r\n\r\n");
		length = strstr(s->request, "Content-Length: ");
		body = length ? (size_t)atoi(length + 16) : 0;
	} while (!end || used < (size_t)(end + 4 - s->request) + body);
	return true;
}

static void serve(struct server *s, int fd)
{
	static const char hello[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 42\r\n\r\n"
	                            "{\"nonce\":\"theirs\",\"report\":\"their report\"}";
	static const char proof[] = "HTTP/1.1 204 No Content\r\n\r\n";
	const struct reply *r = &s->replies[(size_t)s->served < s->n_replies ? (size_t)s->served : s->n_replies - 1];
	int64_t limit = clock_ms() + LIMIT_MS;
	uint8_t spki[32];
	char head[256];

	tls_server_start(&s->tls, &s->id);
	tls_server_ask(&s->tls);
	if (tls_handshake(&s->tls, fd, limit))
		return;
	assert_true(tls_peer_spki(&s->tls, spki));
	assert_memory_equal(spki, ours.spki_sha256, 32);
	if (!take_request(s, fd, limit))
		return;
	assert_non_null(strstr(s->request, "/peer/hello HTTP/1.1\r\n"));
	assert_non_null(strstr(s->request, "{\"nonce\":\"ours\"}"));
	if (tls_send(&s->tls, fd, span_str(peers.hello ? peers.hello : hello), limit) || !take_request(s, fd, limit))
		return;
	assert_non_null(strstr(s->request, "/peer/proof HTTP/1.1\r\n"));
	assert_non_null(strstr(s->request, "{\"report\":\"our report\"}"));
	if (tls_send(&s->tls, fd, span_str(peers.proof ? peers.proof : proof), limit) || !take_request(s, fd, limit))
		return;
	s->served++;
	snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nContent-Length: %zu\r\n\r\n", r->body.n);
	if (tls_send(&s->tls, fd, span_str(r->head ? r->head : head), limit))
		return;
	if (!tls_send(&s->tls, fd, span_sub(r->body, 0, r->cut ? r->body.n / 2 : r->body.n), limit))
		tls_shutdown(&s->tls, fd, limit);
}

static void *run_server(void *arg)
{
	struct server *s = arg;
	struct net_addr peer;
	int fd;

	while (!s->stop) {
		if (net_wait(s->listener, NET_READ, clock_ms() + 100))
			continue;
		if (net_accept(s->listener, &fd, &peer))
			continue;
		serve(s, fd);
		net_close(fd);
	}
	return NULL;
}

static void start_server(struct server *s, const char *name)
{
	assert_int_equal(tls_identity_make(&s->id, name, clock_unix(), 1, span_of(NULL, 0)), ERR_OK);
	assert_int_equal(net_listen(0, true, &s->listener, &s->port), ERR_OK);
	assert_int_equal(pthread_create(&s->thread, NULL, run_server, s), 0);
}

static void answer(int which, const struct reply *replies, size_t n)
{
	servers[which].replies = replies;
	servers[which].n_replies = n;
	servers[which].served = 0;
}

/* Woodgrove, both partners known. */
static void reset_settings(void)
{
	help_settings(&settings, ROLE_WOODGROVE);
	for (int i = 0; i < 2; i++) {
		struct partner_settings *p = &settings.partner[i ? ROLE_FABRIKAM : ROLE_CONTOSO];

		snprintf(p->url, sizeof p->url, "https://localhost:%u", servers[i].port);
		p->host_data.set = true;
	}
}

/* --- stored files of both companies --- */

static uint8_t *stored[2];
static size_t stored_n[2];

static void make_stored(int which, const char *csv)
{
	struct populate_result r;
	char path[512];

	owner = settings;
	owner.role = which ? ROLE_FABRIKAM : ROLE_CONTOSO;
	assert_int_equal(help_import(&owner, span_str(csv), 0, &r, &why), ERR_OK);
	help_path(&owner, store_file_name(&owner), path);
	free(stored[which]);
	stored[which] = help_read(path, &stored_n[which]);
}

static char csv_45[8192], csv_20[4096];

static int set_up(void **state)
{
	size_t n = (size_t)sprintf(csv_45, "name,age,salary,eye_color,favorite_color,city,country\n");

	(void)state;
	for (int i = 0; i < 45; i++)
		n += (size_t)sprintf(csv_45 + n, "N%d,%d,%d,Blue,Red,Rome,Italy\n", i, 20 + i % 40, 1000 + i);
	n = (size_t)sprintf(csv_20, "country,salary\n");
	for (int i = 0; i < 20; i++)
		n += (size_t)sprintf(csv_20 + n, "Spain,%d\n", 2000 + i);
	keys_init();
	assert_int_equal(tls_identity_make(&ours, "woodgrove", clock_unix(), 1, span_of(NULL, 0)), ERR_OK);
	start_server(&servers[0], "contoso");
	start_server(&servers[1], "fabrikam");
	help_new_key(KEYS_OWN);
	help_same_key(KEYS_CONTOSO);
	help_same_key(KEYS_FABRIKAM);
	reset_settings();
	make_stored(0, csv_45);
	make_stored(1, csv_20);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		servers[i].stop = true;
		pthread_join(servers[i].thread, NULL);
		net_close(servers[i].listener);
		free(stored[i]);
	}
	help_clean(&settings);
	keys_wipe();
	return 0;
}

static int fresh(void **state)
{
	(void)state;
	reset_settings();
	memset(&peers, 0, sizeof peers);
	fault_clear(&why);
	return 0;
}

static enum err fetch(uint64_t *count)
{
	struct partner_job job = { &settings, ROLE_CONTOSO, NULL, NULL };

	fault_clear(&why);
	return partner_fetch(&partner, &job, count, &why);
}

static struct reply whole(int which)
{
	return (struct reply){ NULL, span_of(stored[which], stored_n[which]), false };
}

/* --- fetching --- */

static void spools_the_reply_as_it_came(void **state)
{
	struct reply r = whole(0);
	char path[512];
	uint64_t count;
	uint8_t *bytes;
	size_t n;

	(void)state;
	answer(0, &r, 1);
	assert_int_equal(fetch(&count), ERR_OK);
	assert_int_equal(count, 45);
	assert_non_null(strstr(servers[0].request, "GET /company/list HTTP/1.1\r\n"));
	assert_non_null(strstr(servers[0].request, "Accept: application/x-ndjson\r\n"));
	help_path(&settings, "partner-contoso.spool", path);
	bytes = help_read(path, &n);
	assert_int_equal(n, stored_n[0]);
	assert_memory_equal(bytes, stored[0], n);
	free(bytes);
	unlink(path);
}

static void reads_the_original_reply_under_a_prefix(void **state)
{
	static const char body[] = "{\"company\":\"contoso\",\"records\":[{\"company\":\"contoso\"},{\"company\":\"contoso\"}]}";
	struct reply r = { "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nConnection: close\r\n\r\n", span_str(body), false };
	uint64_t count;

	(void)state;
	strcat(settings.partner[ROLE_CONTOSO].url, "/base/");
	answer(0, &r, 1);
	assert_int_equal(fetch(&count), ERR_OK);
	assert_int_equal(count, 2);
	assert_non_null(strstr(servers[0].request, "GET /base/company/list HTTP/1.1\r\n"));
}

static void another_partner_gets_no_request(void **state)
{
	struct reply r = whole(0);
	uint64_t count;

	(void)state;
	answer(0, &r, 1);
	peers.another_key = true;
	servers[0].request[0] = '\0';
	assert_int_equal(fetch(&count), ERR_UNTRUSTED);
	assert_string_equal(servers[0].request, "");
	assert_int_equal(servers[0].served, 0);
}

static void without_its_host_data_a_partner_is_not_asked(void **state)
{
	struct reply r = whole(0);
	uint64_t count;

	(void)state;
	answer(0, &r, 1);
	settings.partner[ROLE_CONTOSO].host_data.set = false;
	assert_int_equal(fetch(&count), ERR_CONFIG);
	settings.partner[ROLE_CONTOSO].url[0] = '\0';
	assert_int_equal(fetch(&count), ERR_CONFIG);
	reset_settings();
	memmove(settings.partner[ROLE_CONTOSO].url + 4, settings.partner[ROLE_CONTOSO].url + 5, 40); /* http */
	assert_int_equal(fetch(&count), ERR_CONFIG);
	assert_int_equal(servers[0].served, 0);
}

/* Whatever goes wrong on the way to both sides being proven: no list is asked for. */
static void nothing_is_asked_for_before_both_are_proven(void **state)
{
	static const struct {
		const char *hello, *proof;
		enum err check, err;
		const char *text;
	} cases[] = {
		{ NULL, NULL, ERR_MISMATCH, ERR_MISMATCH, "Contoso: not proven" },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", NULL, ERR_OK, ERR_PROTOCOL, "Contoso: the partner's answer holds no nonce" },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{]", NULL, ERR_OK, ERR_PROTOCOL, "Contoso: the partner's answer holds no nonce" },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n{}", NULL, ERR_OK, ERR_TOO_BIG, "Contoso: the answer is larger than allowed" },
		{ "HTTP/1.1 204 No Content\r\n\r\n", NULL, ERR_OK, ERR_HTTP, "Contoso: HTTP 204" },
		{ "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", NULL, ERR_OK, ERR_HTTP, "Contoso: HTTP 404" },
		{ NULL, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", ERR_OK, ERR_HTTP, NULL },
		{ NULL, "HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\nContent-Length: 17\r\n\r\n{\"message\":\"why\"}", ERR_OK, ERR_HTTP, "Contoso: HTTP 403" },
	};
	struct reply r = whole(0);
	uint64_t count;
	char text[640];

	(void)state;
	answer(0, &r, 1);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct out o = out_init(text, sizeof text);

		peers.hello = cases[i].hello;
		peers.proof = cases[i].proof;
		peers.check = cases[i].check;
		assert_int_equal(fetch(&count), cases[i].err);
		assert_int_equal(servers[0].served, 0);
		partner_error_text(ROLE_CONTOSO, &why, &o);
		if (cases[i].text)
			assert_string_equal(out_cstr(&o), cases[i].text);
	}
	assert_string_equal(why.message, "the partner answered with status 403: why");
}

static void tells_what_a_partner_answered(void **state)
{
	static const struct {
		struct reply reply;
		enum err err;
		const char *text;
	} cases[] = {
		{ { "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", { NULL, 0 }, false }, ERR_HTTP, "Contoso: HTTP 404" },
		{ { "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\n", SPAN_LIT("{}"), false }, ERR_PROTOCOL,
		  "Contoso: the partner's answer is not JSON" },
		{ { NULL, SPAN_LIT("hello"), false }, ERR_PROTOCOL, "Contoso: the partner's answer is no list of records" },
		{ { NULL, SPAN_LIT("[{},"), false }, ERR_PROTOCOL, "Contoso: the partner's answer ends in the middle of a record" },
		{ { "nonsense\r\n\r\n", { NULL, 0 }, false }, ERR_PROTOCOL, "Contoso: the answer is not proper HTTP" },
	};
	uint64_t count;
	char text[640];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct out o = out_init(text, sizeof text);

		answer(0, &cases[i].reply, 1);
		assert_int_equal(fetch(&count), cases[i].err);
		partner_error_text(ROLE_CONTOSO, &why, &o);
		assert_string_equal(out_cstr(&o), cases[i].text);
		assert_int_equal(servers[0].served, 1);
	}
}

static void tries_again_when_it_may_pass(void **state)
{
	const struct reply replies[] = {
		{ "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", { NULL, 0 }, false },
		{ NULL, SPAN_LIT("{\"records\":[]}"), false },
		whole(0),
	}, cut = { NULL, span_of(stored[0], stored_n[0]), true };
	uint64_t count;
	int64_t start = clock_ms();

	(void)state;
	answer(0, replies, 3);
	assert_int_equal(fetch(&count), ERR_OK);
	assert_int_equal(count, 45);
	assert_int_equal(servers[0].served, 3);
	assert_true(clock_ms() - start >= 4000);
	answer(0, &replies[1], 1);
	assert_int_equal(fetch(&count), ERR_NOT_FOUND);
	assert_string_equal(why.message, "no records after 2 recovery attempts");
	assert_int_equal(servers[0].served, 3);
	answer(0, &cut, 1);
	assert_int_equal(fetch(&count), ERR_CLOSED);
	assert_int_equal(servers[0].served, 3);
}

static enum err go_away(void *asked)
{
	return ++*(int *)asked == 3 ? ERR_CLOSED : ERR_OK;
}

/* Right after our start no partner would believe us yet; but who asked may go away meanwhile. */
static void waits_for_our_own_evidence(void **state)
{
	struct reply r = whole(0);
	uint64_t count;
	int asked = 0;
	struct partner_job job = { &settings, ROLE_CONTOSO, go_away, &asked };

	(void)state;
	answer(0, &r, 1);
	peers.evidence_ms = clock_ms() + 700;
	assert_int_equal(fetch(&count), ERR_OK);
	assert_int_equal(count, 45);
	peers.evidence_ms = INT64_MAX;
	assert_int_equal(partner_fetch(&partner, &job, &count, &why), ERR_CLOSED);
	assert_int_equal(asked, 3);
	assert_int_equal(servers[0].served, 1);
}

static void nobody_there(void **state)
{
	uint64_t count;
	char text[640];
	struct out o = out_init(text, sizeof text);

	(void)state;
	strcpy(settings.partner[ROLE_CONTOSO].url, "https://localhost:1");
	assert_int_equal(fetch(&count), ERR_CONNECT);
	partner_error_text(ROLE_FABRIKAM, &why, &o);
	assert_string_equal(out_cstr(&o), "Fabrikam: connecting failed");
}

/* --- the analysis and its events --- */

static struct {
	char *text[200];
	size_t n, alive, fail_at; /* fail_at: the sink refuses that event */
	enum err inner;
} seen;

static enum err keep_event(void *ctx, struct span json, bool more)
{
	struct fault f;

	(void)ctx;
	if (more) /* only what is followed by another may wait */
		assert_true(span_has_nocase(json, "\"progress\""));
	if (json.n == 0) {
		seen.alive++;
		return ERR_OK;
	}
	if (seen.n == 0) {
		static const struct analyze_sink sink = { NULL, keep_event };

		seen.inner = analyze_stream(&settings, &sink, &f);
	}
	if (seen.fail_at && seen.n + 1 == seen.fail_at)
		return ERR_CLOSED;
	assert_true(seen.n < 200);
	seen.text[seen.n] = malloc(json.n + 1);
	memcpy(seen.text[seen.n], json.p, json.n);
	seen.text[seen.n++][json.n] = '\0';
	return ERR_OK;
}

static enum err stream(size_t fail_at)
{
	static const struct analyze_sink sink = { NULL, keep_event };
	char path[512];
	enum err e;

	for (size_t i = 0; i < seen.n; i++)
		free(seen.text[i]);
	memset(&seen, 0, sizeof seen);
	seen.fail_at = fail_at;
	fault_clear(&why);
	e = analyze_stream(&settings, &sink, &why);
	/* Nothing fetched stays behind. */
	help_path(&settings, "partner-contoso.spool", path);
	assert_int_not_equal(access(path, F_OK), 0);
	help_path(&settings, "partner-fabrikam.spool", path);
	assert_int_not_equal(access(path, F_OK), 0);
	return e;
}

static int drop_events(void **state)
{
	(void)state;
	for (size_t i = 0; i < seen.n; i++)
		free(seen.text[i]);
	seen.n = 0;
	return 0;
}

static void event_starts(size_t i, const char *start)
{
	assert_true(i < seen.n);
	if (strncmp(seen.text[i], start, strlen(start)))
		fail_msg("event %zu: %s", i, seen.text[i]);
}

static void streams_every_event_in_order(void **state)
{
	struct reply contoso = whole(0), fabrikam = whole(1);
	cJSON *last, *item;

	(void)state;
	answer(0, &contoso, 1);
	answer(1, &fabrikam, 1);
	assert_int_equal(stream(0), ERR_OK);
	assert_int_equal(seen.inner, ERR_STATE); /* a second one while it ran */
	assert_int_equal(seen.n, 10);
	event_starts(0, "{\"type\":\"status\",\"phase\":\"fetch\",\"message\":\"");
	event_starts(1, "{\"type\":\"fetch\",\"partner\":\"Contoso\",\"count\":45}");
	event_starts(2, "{\"type\":\"fetch\",\"partner\":\"Fabrikam\",\"count\":20}");
	event_starts(3, "{\"type\":\"status\",\"phase\":\"decrypt\",\"message\":\"");
	assert_non_null(strstr(seen.text[3], "\"total\":65}"));
	event_starts(4, "{\"type\":\"progress\",\"decrypted\":20,\"total\":65,\"percent\":30.8,\"elapsed\":");
	event_starts(5, "{\"type\":\"progress\",\"decrypted\":40,\"total\":65,\"percent\":61.5,");
	event_starts(6, "{\"type\":\"progress\",\"decrypted\":45,\"total\":65,\"percent\":69.2,");
	assert_non_null(strstr(seen.text[6], "\"current_partner\":\"Contoso\""));
	event_starts(7, "{\"type\":\"progress\",\"decrypted\":65,\"total\":65,\"percent\":100.0,");
	assert_non_null(strstr(seen.text[7], "\"remaining\":0.0,\"current_partner\":\"Fabrikam\",\"decrypt_rate\":"));
	event_starts(8, "{\"type\":\"status\",\"phase\":\"analyze\",\"message\":\"");
	event_starts(9, "{\"type\":\"complete\",\"status\":\"success\",\"contoso_count\":45,\"fabrikam_count\":20,\"total_count\":65,");
	last = cJSON_Parse(seen.text[9]);
	assert_non_null(last);
	assert_true(cJSON_IsNull(cJSON_GetObjectItem(last, "errors")));
	assert_true(cJSON_IsNumber(cJSON_GetObjectItem(last, "total_time")));
	assert_null(cJSON_GetObjectItem(last, "company_staff"));
	item = cJSON_GetArrayItem(cJSON_GetObjectItem(last, "salary_by_country"), 0);
	assert_string_equal(cJSON_GetObjectItem(item, "country")->valuestring, "Spain");
	assert_int_equal(cJSON_GetObjectItem(item, "avg_salary")->valueint, 2010); /* 2009.5 */
	cJSON_Delete(last);
}

static void a_failing_partner_is_listed_and_the_other_counted(void **state)
{
	struct reply contoso = { "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", { NULL, 0 }, false }, fabrikam = whole(1);

	(void)state;
	settings.partial_results = true;
	answer(0, &contoso, 1);
	answer(1, &fabrikam, 1);
	assert_int_equal(stream(0), ERR_OK);
	event_starts(seen.n - 1, "{\"type\":\"complete\",\"status\":\"partial\",\"contoso_count\":0,\"fabrikam_count\":20,");
	assert_non_null(strstr(seen.text[seen.n - 1], "\"errors\":[\"Contoso: HTTP 403\"]"));
}

/* One company's statistics, subtracted from an earlier result over both, would be the other's. */
static void without_a_partner_nothing_is_shown(void **state)
{
	struct reply contoso = whole(0), fabrikam = { "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", { NULL, 0 }, false };
	uint8_t text[8192];
	struct out o = out_init(text, sizeof text);

	(void)state;
	answer(0, &contoso, 1);
	answer(1, &fabrikam, 1);
	assert_int_equal(stream(0), ERR_HTTP);
	assert_ptr_equal(why.step, STEP_PARTNER);
	assert_string_equal(why.message, "no statistics without the records of every partner: Fabrikam: HTTP 403");
	assert_non_null(strstr(fault_remedy(&why), "PARTIAL_RESULTS=on"));
	assert_int_equal(seen.n, 3); /* nothing was decrypted */
	event_starts(2, "{\"type\":\"error\",\"message\":\"no statistics without the records of every partner: Fabrikam: HTTP 403\","
	                "\"errors\":[\"Fabrikam: HTTP 403\"],\"likely_cause\":\"a partner is down");
	answer(0, &contoso, 1);
	answer(1, &fabrikam, 1);
	assert_int_equal(analyze_once(&settings, &o, &why), ERR_HTTP);
	assert_ptr_equal(why.step, STEP_PARTNER);
	assert_int_equal(o.n, 0);
}

/* Damage is found only at the very end of the data (the seal), after everything was counted: none of it may show. */
static void damaged_data_contribute_nothing(void **state)
{
	struct reply contoso = whole(0), fabrikam = whole(1);
	size_t at = stored_n[0];

	(void)state;
	while (memcmp(stored[0] + at - 16, "name_encrypted\":", 16) != 0)
		at--;
	stored[0][at + 40] = stored[0][at + 40] == 'A' ? 'B' : 'A'; /* a name, which the analysis never decrypts */
	answer(0, &contoso, 1);
	answer(1, &fabrikam, 1);
	assert_int_equal(stream(0), ERR_DAMAGED);
	event_starts(seen.n - 1, "{\"type\":\"error\",\"message\":\"no statistics without the records of every partner: Contoso: the records were changed");
	settings.partial_results = true;
	answer(0, &contoso, 1);
	answer(1, &fabrikam, 1);
	assert_int_equal(stream(0), ERR_OK);
	event_starts(seen.n - 1, "{\"type\":\"complete\",\"status\":\"partial\",\"contoso_count\":0,\"fabrikam_count\":20,\"total_count\":20,");
	assert_null(strstr(seen.text[seen.n - 1], "Italy"));
	assert_non_null(strstr(seen.text[seen.n - 1], "\"errors\":[\"Contoso: the records were changed: their seal does not verify\"]"));
	make_stored(0, csv_45);
}

static void no_records_at_all_is_an_error_event(void **state)
{
	(void)state;
	settings.partner[ROLE_CONTOSO].url[0] = '\0';
	settings.partner[ROLE_FABRIKAM].host_data.set = false;
	assert_int_equal(stream(0), ERR_NOT_FOUND);
	assert_int_equal(seen.n, 2);
	event_starts(1, "{\"type\":\"error\",\"message\":\"no records to analyze from any partner\",\"errors\":[\"Contoso: no URL is configured\","
	                "\"Fabrikam: no expected host data");
}

static void a_reader_that_has_gone_stops_it(void **state)
{
	struct reply contoso = whole(0), fabrikam = whole(1);

	(void)state;
	for (size_t at = 1; at <= 10; at++) {
		answer(0, &contoso, 1);
		answer(1, &fabrikam, 1);
		assert_int_equal(stream(at), ERR_CLOSED);
		assert_int_equal(seen.n, at - 1);
	}
}

static void only_woodgrove_analyses(void **state)
{
	static const struct analyze_sink sink = { NULL, keep_event };
	uint8_t text[256];
	struct out o = out_init(text, sizeof text);

	(void)state;
	seen.n = 0;
	settings.role = ROLE_CONTOSO;
	assert_int_equal(analyze_stream(&settings, &sink, &why), ERR_CONFIG);
	assert_int_equal(analyze_once(&settings, &o, &why), ERR_CONFIG);
	assert_int_equal(seen.n, 0);
	assert_int_equal(o.n, 0);
}

static void the_one_shot_gives_the_same_members(void **state)
{
	struct reply contoso = whole(0), fabrikam = whole(1);
	static uint8_t text[ANALYZE_RESULT_MAX];
	struct out o = out_init(text, sizeof text);
	cJSON *root;

	(void)state;
	answer(0, &contoso, 1);
	answer(1, &fabrikam, 1);
	assert_int_equal(analyze_once(&settings, &o, &why), ERR_OK);
	root = cJSON_ParseWithLength((const char *)text, o.n);
	assert_non_null(root);
	assert_string_equal(cJSON_GetObjectItem(root, "status")->valuestring, "success");
	assert_int_equal(cJSON_GetObjectItem(root, "total_count")->valueint, 65);
	assert_int_equal(cJSON_GetObjectItem(cJSON_GetObjectItem(root, "company_staff"), "Total")->valueint, 65);
	assert_true(cJSON_IsNull(cJSON_GetObjectItem(root, "errors")));
	assert_true(cJSON_IsString(cJSON_GetObjectItem(root, "note")));
	cJSON_Delete(root);
	/* Nothing from anybody: an error, or partial with the reasons where results may be. */
	settings.partner[ROLE_CONTOSO].url[0] = settings.partner[ROLE_FABRIKAM].url[0] = '\0';
	o = out_init(text, sizeof text);
	assert_int_equal(analyze_once(&settings, &o, &why), ERR_CONFIG);
	assert_string_equal(why.message, "no statistics without the records of every partner: Contoso: no URL is configured; Fabrikam: no URL is configured");
	settings.partial_results = true;
	assert_int_equal(analyze_once(&settings, &o, &why), ERR_OK);
	root = cJSON_ParseWithLength((const char *)text, o.n);
	assert_string_equal(cJSON_GetObjectItem(root, "status")->valuestring, "partial");
	assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(root, "errors")), 2);
	cJSON_Delete(root);
	/* No room for the result: an error, not half of it. */
	o = out_init(text, 40);
	assert_int_equal(analyze_once(&settings, &o, &why), ERR_FULL);
}

static void after_a_cancel_none_starts(void **state)
{
	(void)state;
	analyze_cancel();
	assert_int_equal(stream(0), ERR_STATE);
	assert_int_equal(seen.n, 0);
}

UNIT(partner)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(spools_the_reply_as_it_came, fresh),
		cmocka_unit_test_setup(reads_the_original_reply_under_a_prefix, fresh),
		cmocka_unit_test_setup(another_partner_gets_no_request, fresh),
		cmocka_unit_test_setup(without_its_host_data_a_partner_is_not_asked, fresh),
		cmocka_unit_test_setup(nothing_is_asked_for_before_both_are_proven, fresh),
		cmocka_unit_test_setup(tells_what_a_partner_answered, fresh),
		cmocka_unit_test_setup(tries_again_when_it_may_pass, fresh),
		cmocka_unit_test_setup(waits_for_our_own_evidence, fresh),
		cmocka_unit_test_setup(nobody_there, fresh),
		cmocka_unit_test_setup_teardown(streams_every_event_in_order, fresh, drop_events),
		cmocka_unit_test_setup_teardown(a_failing_partner_is_listed_and_the_other_counted, fresh, drop_events),
		cmocka_unit_test_setup_teardown(without_a_partner_nothing_is_shown, fresh, drop_events),
		cmocka_unit_test_setup_teardown(damaged_data_contribute_nothing, fresh, drop_events),
		cmocka_unit_test_setup_teardown(no_records_at_all_is_an_error_event, fresh, drop_events),
		cmocka_unit_test_setup_teardown(a_reader_that_has_gone_stops_it, fresh, drop_events),
		cmocka_unit_test_setup(only_woodgrove_analyses, fresh),
		cmocka_unit_test_setup(the_one_shot_gives_the_same_members, fresh),
		cmocka_unit_test_setup_teardown(after_a_cancel_none_starts, fresh, drop_events),
	};

	return cmocka_run_group_tests_name("partner", tests, set_up, tear_down);
}
