/* Tests of HTTP message heads. */
#include "text/http_head.h"

#include "t.h"

static struct http_head h;

/* Parses from memory of exactly that size; spans in h are valid until the next call. */
static enum err request(struct span s)
{
	static uint8_t *exact;

	free(exact);
	exact = t_exact(s);
	return http_request_parse(span_of(exact, s.n), &h);
}

static enum err response(const char *method, struct span s)
{
	static uint8_t *exact;

	free(exact);
	exact = t_exact(s);
	return http_response_parse(span_of(exact, s.n), method, &h);
}

static void good(const char *text)
{
	enum err err = request(span_str(text));

	if (err != ERR_OK)
		print_error("%s -> %d refuse %d\n", text, err, h.refuse);
	assert_int_equal(err, ERR_OK);
	assert_int_equal(h.refuse, 0);
}

static void refused_span(struct span s, int status)
{
	enum err err = request(s);

	if ((err != ERR_SYNTAX && err != ERR_TOO_BIG) || h.refuse != status)
		print_error("%.*s -> %d refuse %d, expected %d\n", (int)(s.n < 300 ? s.n : 300), (const char *)s.p, err, h.refuse, status);
	assert_int_equal(err, status == 414 || status == 431 ? ERR_TOO_BIG : ERR_SYNTAX);
	assert_int_equal(h.refuse, status);
}

static void refused(const char *text, int status)
{
	refused_span(span_str(text), status);
}

static const char *const goods[] = {
	"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
	"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
	"POST /a/b?c=d&e=%2F HTTP/1.1\r\nhOST:\t b.example:8080 \t\r\nContent-Length: 12\r\nX-Empty:\r\nX-Odd:a:b \xc3\xa4 \"c\"\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\nExpect: 100-Continue\r\nConnection: x, Close\r\n\r\n",
	"GET http://a.example:80/x?y HTTP/1.1\r\nHost: A.example:80\r\n\r\n",
	"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET / HTTP/1.0\r\n\r\n",
	"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n",
	"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n",
	"DELETE /x HTTP/1.1\r\nHost: [::1]:8443\r\nContent-Length: 0\r\n\r\n",
};

static void a_request_is_taken_apart(void **state)
{
	struct span v;
	bool bad;

	(void)state;
	good(goods[2]);
	t_span_is(h.method, "POST");
	t_span_is(h.target, "/a/b?c=d&e=%2F");
	t_span_is(h.path, "/a/b");
	t_span_is(h.query, "c=d&e=%2F");
	t_span_is(h.host, "b.example:8080");
	assert_int_equal(h.minor, 1);
	assert_int_equal(h.framing, HTTP_LENGTH);
	assert_true(h.length == 12);
	assert_true(h.keep_alive);
	assert_false(h.expect_continue);
	assert_int_equal(h.n_fields, 4);
	assert_int_equal(h.size, strlen(goods[2]));
	assert_true(http_field_get(&h, "x-empty", &v, &bad));
	t_span_is(v, "");
	assert_true(http_field_get(&h, "X-ODD", &v, NULL));
	t_span_is(v, "a:b \xc3\xa4 \"c\"");
	assert_false(http_field_get(&h, "x-od", &v, &bad));
	assert_false(bad);
}

static void one_empty_line_before_is_skipped_and_counted(void **state)
{
	(void)state;
	good(goods[1]);
	assert_int_equal(h.size, strlen(goods[1]));
	refused("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400);
	refused("\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400);
}

static void framing_expectation_and_connection(void **state)
{
	(void)state;
	good(goods[0]);
	assert_int_equal(h.framing, HTTP_NO_BODY);
	good(goods[3]);
	assert_int_equal(h.framing, HTTP_CHUNKED);
	assert_true(h.expect_continue);
	assert_false(h.keep_alive);
	good(goods[6]);
	assert_int_equal(h.minor, 0);
	assert_false(h.keep_alive);
	assert_int_equal(h.host.n, 0);
	good(goods[7]);
	assert_true(h.keep_alive);
	good("GET / HTTP/1.0\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n");
	assert_false(h.keep_alive);
	good("GET / HTTP/1.1\r\nHost: a\r\nConnection: closed, x-close\r\n\r\n");
	assert_true(h.keep_alive);
	good("GET / HTTP/1.0\r\nExpect: something\r\n\r\n");
	assert_false(h.expect_continue);
	good(goods[9]);
	assert_int_equal(h.framing, HTTP_LENGTH);
	assert_true(h.length == 0);
}

static void targets(void **state)
{
	(void)state;
	good(goods[4]);
	t_span_is(h.path, "/x");
	t_span_is(h.query, "y");
	t_span_is(h.host, "a.example:80");
	good("GET HTTPS://a HTTP/1.1\r\nHost: a\r\n\r\n");
	t_span_is(h.path, "/");
	good("GET http://a?q HTTP/1.1\r\nHost: a\r\n\r\n");
	t_span_is(h.path, "/");
	t_span_is(h.query, "q");
	good("GET http://a/ HTTP/1.0\r\n\r\n");
	t_span_is(h.host, "a");
	/* RFC 9112 section 3.2.2: the target's host counts, whatever the field says */
	good("GET http://a:80/ HTTP/1.1\r\nHost: a\r\n\r\n");
	t_span_is(h.host, "a:80");
	good("GET http://a/x HTTP/1.1\r\nHost: b\r\n\r\n");
	t_span_is(h.host, "a");
	t_span_is(h.path, "/x");
	good(goods[5]);
	t_span_is(h.path, "*");
	good(goods[8]);
	assert_int_equal(h.path.n, 0);
	good("GET /?a?b/c HTTP/1.1\r\nHost: a\r\n\r\n");
	t_span_is(h.query, "a?b/c");
	good("GET //x HTTP/1.1\r\nHost: a\r\n\r\n");
	t_span_is(h.path, "//x");
}

static void every_part_of_a_good_request_asks_for_more(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof goods / sizeof goods[0]; i++)
		for (size_t n = 0; n <= strlen(goods[i]); n++) {
			enum err err = request(span_of(goods[i], n));

			assert_int_equal(err, n < strlen(goods[i]) ? ERR_MORE : ERR_OK);
			assert_int_equal(h.refuse, 0);
		}
}

static void what_follows_the_head_is_not_looked_at(void **state)
{
	char text[200];

	(void)state;
	for (size_t i = 0; i < sizeof goods / sizeof goods[0]; i++) {
		snprintf(text, sizeof text, "%s\x01\n\rGET", goods[i]);
		good(text);
		assert_int_equal(h.size, strlen(goods[i]));
	}
}

static void refuses_malformed_request_lines(void **state)
{
	static const char *const bad[] = {
		"GET /\r\n", "GET\r\n", "GET  / HTTP/1.1\r\n", "GET /  HTTP/1.1\r\n", "GET / HTTP/1.1 \r\n", " GET / HTTP/1.1\r\n",
		"GET /\tHTTP/1.1\r\n", "GET / HTTP/1\r\n", "GET / HTTP/1.\r\n", "GET / HTTP/11\r\n", "GET / HTTP/1.10\r\n", "GET / http/1.1\r\n",
		"GET / HTTP/a.1\r\n", "GET / HTTP/1.x\r\n", "GET / HTTPS/1.1\r\n", "GET / HTTP 1.1\r\n", "G(T / HTTP/1.1\r\n", "G\x80T / HTTP/1.1\r\n",
		"\"GET\" / HTTP/1.1\r\n", " / HTTP/1.1\r\n", "GET HTTP/1.1\r\n", "GET  HTTP/1.1\r\n", "GET / a HTTP/1.1\r\n", "GET / HTTP/1.1 x\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		refused(bad[i], 400);
}

static void refuses_malformed_targets(void **state)
{
	static const char *const bad[] = { "a", "*", "?", "#", "/#", "/a#b", "/%", "/%4", "/%gg", "/<", "/\"", "/\\", "/^", "/`", "/{}", "/|",
					   "/\xc3\xa4", "/[", "http:", "http://", "http:///", "ftp://a/", "http://u@a/", "http://a#x", "a:80",
					   "http://a:0/", "http://a b/", "/a\xff" };
	char text[200];

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", bad[i]);
		refused(text, 400);
	}
	refused("CONNECT /x HTTP/1.1\r\nHost: a\r\n\r\n", 400);
	refused("CONNECT http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400);
	refused("POST * HTTP/1.1\r\nHost: a\r\n\r\n", 400);
}

static void answers_unknown_methods_and_versions_with_their_own_status(void **state)
{
	(void)state;
	refused("BREW / HTTP/1.1\r\n", 501);
	refused("get / HTTP/1.1\r\n", 501);
	refused("GETX / HTTP/1.1\r\n", 501);
	refused("GE / HTTP/1.1\r\n", 501);
	refused("GET / HTTP/2.0\r\n", 505);
	refused("GET / HTTP/0.9\r\n", 505);
	refused("GET / HTTP/9.9\r\n", 505);
	refused("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505);
	good("GET / HTTP/1.2\r\nHost: a\r\n\r\n");
	assert_int_equal(h.minor, 1);
}

static void refuses_bare_line_feeds_and_carriage_returns(void **state)
{
	(void)state;
	refused("GET / HTTP/1.1\nHost: a\n\n", 400);
	refused("GET / HTTP/1.1\r\nHost: a\n\r\n", 400);
	refused("GET / HTTP/1.1\r\nHost: a\r\n\n", 400);
	refused("GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", 400);
	refused("GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n", 400);
	refused("GET / HTTP/1.1\r\nHost: a\r\n\rx", 400);
	refused("GET /\r HTTP/1.1\r\n", 400);
}

static void refuses_every_control_character_everywhere(void **state)
{
	static const char base[] = "GET /abc HTTP/1.1\r\nHost: ab\r\nXy: cd ef\r\n\r\n";

	(void)state;
	for (size_t at = 0; at < sizeof base - 1; at++)
		for (unsigned c = 0; c < 128; c++) {
			char text[sizeof base];

			if ((c >= 0x20 && c != 0x7f) || c == '\r' || c == '\n')
				continue;
			memcpy(text, base, sizeof base);
			text[at] = (char)c;
			/* a tab is text inside a value */
			if (c == '\t' && request(span_of(text, sizeof base - 1)) == ERR_OK) {
				assert_true(at >= 23 && base[at] != '\r' && base[at] != '\n');
				continue;
			}
			refused_span(span_of(text, sizeof base - 1), 400);
			/* and without waiting for the rest, but for one that spoils a line break */
			if (base[at] != '\r' && base[at] != '\n' && c != '\t')
				refused_span(span_of(text, at + 1), 400);
		}
}

static void refuses_folded_lines_and_odd_names(void **state)
{
	static const char *const bad[] = { "X: a\r\n b", "X: a\r\n\tb", " X: a", "X : a", "X\t: a", ": a", "X", "X a: b", "X(y): a", "X\xc3: a", "\"X\": a",
					   "X[]: a", "X/y: a", "X,y: a", "@: a" };
	char text[200];

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n\r\n", bad[i]);
		refused(text, 400);
		snprintf(text, sizeof text, "GET / HTTP/1.1\r\n%s\r\nHost: a\r\n\r\n", bad[i]);
		refused(text, 400);
	}
}

static void refuses_ambiguous_lengths(void **state)
{
	static const struct {
		const char *fields;
		int status;
	} bad[] = {
		{ "Content-Length: 1\r\nContent-Length: 1\r\n", 400 },
		{ "Content-Length: 1\r\nContent-Length: 2\r\n", 400 },
		{ "Content-Length: 1\r\ncontent-LENGTH: 1\r\n", 400 },
		{ "Content-Length: 1, 1\r\n", 400 },
		{ "Content-Length:\r\n", 400 },
		{ "Content-Length: -1\r\n", 400 },
		{ "Content-Length: +1\r\n", 400 },
		{ "Content-Length: 1 2\r\n", 400 },
		{ "Content-Length: 0x10\r\n", 400 },
		{ "Content-Length: 1a\r\n", 400 },
		{ "Content-Length: 1.0\r\n", 400 },
		{ "Content-Length: \"1\"\r\n", 400 },
		{ "Content-Length: 18446744073709551616\r\n", 400 },
		{ "Content-Length: 000000000000000000001\r\n", 400 },
		{ "Content-Length: \xd9\xa1\r\n", 400 },
		{ "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n", 400 },
		{ "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n", 400 },
		{ "Transfer-Encoding: identity\r\nContent-Length: 1\r\n", 400 },
		{ "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", 400 },
		{ "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", 400 },
		{ "Transfer-Encoding:\r\n", 400 },
		{ "Transfer-Encoding: gzip\r\n", 501 },
		{ "Transfer-Encoding: gzip, chunked\r\n", 501 },
		{ "Transfer-Encoding: chunked, chunked\r\n", 501 },
		{ "Transfer-Encoding: chunked;q=1\r\n", 501 },
		{ "Transfer-Encoding: xchunked\r\n", 501 },
		{ "Transfer-Encoding: chunke\r\n", 501 },
		{ "Transfer-Encoding: \"chunked\"\r\n", 501 },
		{ "Transfer-Encoding: chunked,\r\n", 501 },
		{ "Expect: 200-ok\r\n", 417 },
		{ "Expect:\r\n", 417 },
		{ "Expect: 100-continue\r\nExpect: 100-continue\r\n", 417 },
	};
	char text[300];

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		snprintf(text, sizeof text, "POST / HTTP/1.1\r\nHost: a\r\n%s\r\n", bad[i].fields);
		refused(text, bad[i].status);
	}
	refused("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400);
	good("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551615\r\n\r\n");
	assert_true(h.length == UINT64_MAX);
}

static void refuses_absent_doubled_or_malformed_hosts(void **state)
{
	static const char *const bad[] = { "", "Host:\r\n", "Host: a\r\nHost: a\r\n", "Host: a\r\nhost: b\r\n", "Host: a b\r\n", "Host: a/b\r\n",
					   "Host: u@a\r\n", "Host: a,b\r\n", "Host: a:x\r\n", "Host: a:\r\n", "Host: http://a\r\n", "Host: [::1\r\n" };
	char text[200];

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		snprintf(text, sizeof text, "GET / HTTP/1.1\r\n%s\r\n", bad[i]);
		refused(text, 400);
	}
	refused("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", 400);
	refused("GET http://a/ HTTP/1.1\r\n\r\n", 400);
	refused("GET http://a/ HTTP/1.1\r\nHost: b/c\r\n\r\n", 400);
	refused("GET http://a/ HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400);
}

/* "GET /ppp HTTP/1.1" of exactly that many bytes. */
static size_t long_line(char *dst, size_t line)
{
	size_t n = (size_t)sprintf(dst, "GET /");

	memset(dst + n, 'p', line - 14);
	n += line - 14;
	return n + (size_t)sprintf(dst + n, " HTTP/1.1\r\n");
}

static void refuses_a_long_request_line_even_before_its_end(void **state)
{
	static char text[20000];
	size_t n = long_line(text, URL_MAX);

	(void)state;
	assert_int_equal(n, URL_MAX + 2);
	strcpy(text + n, "Host: a\r\n\r\n");
	good(text);
	for (size_t cut = 0; cut < strlen(text); cut++)
		assert_int_equal(request(span_of(text, cut)), ERR_MORE);
	n = long_line(text, URL_MAX + 1);
	strcpy(text + n, "Host: a\r\n\r\n");
	refused(text, 414);
	assert_int_equal(request(span_of(text, URL_MAX)), ERR_MORE);
	refused_span(span_of(text, URL_MAX + 1), 414);
	refused_span(span_of(text, URL_MAX + 2), 414);
}

/* A head of exactly `size` bytes, with fields of 1000 bytes. */
static size_t long_head(char *dst, size_t size)
{
	size_t n = (size_t)sprintf(dst, "GET / HTTP/1.1\r\nHost: a\r\n"), i = 0;

	while (size - n - 2 > 0) {
		size_t field = size - n - 2 > 1100 ? 1000 : size - n - 2, start = n;

		n += (size_t)sprintf(dst + n, "X%zu: ", i++);
		memset(dst + n, 'v', field - (n - start) - 2);
		n = start + field - 2;
		n += (size_t)sprintf(dst + n, "\r\n");
	}
	return n + (size_t)sprintf(dst + n, "\r\n");
}

static void a_head_of_the_limit_is_read_and_one_byte_more_refused(void **state)
{
	static char text[HTTP_HEAD_MAX + 2000];

	(void)state;
	for (size_t size = HTTP_HEAD_MAX - 5; size <= HTTP_HEAD_MAX + 5; size++) {
		assert_int_equal(long_head(text, size), size);
		if (size > HTTP_HEAD_MAX) {
			refused_span(span_of(text, size), 431);
			/* a full buffer never asks for more */
			refused_span(span_of(text, HTTP_HEAD_MAX), 431);
		} else {
			assert_int_equal(request(span_of(text, size)), ERR_OK);
			assert_int_equal(h.size, size);
		}
	}
}

static void too_many_fields(void **state)
{
	static char text[HTTP_HEAD_MAX];

	(void)state;
	for (unsigned fields = HTTP_FIELDS_MAX - 1; fields <= HTTP_FIELDS_MAX + 1; fields++) {
		size_t n = (size_t)sprintf(text, "GET / HTTP/1.1\r\nHost: a\r\n");

		for (unsigned i = 1; i < fields; i++)
			n += (size_t)sprintf(text + n, "X: %u\r\n", i);
		strcpy(text + n, "\r\n");
		if (fields > HTTP_FIELDS_MAX) {
			refused(text, 431);
		} else {
			struct span v;
			bool bad;

			good(text);
			assert_int_equal(h.n_fields, fields);
			assert_false(http_field_get(&h, "x", &v, &bad));
			assert_true(bad);
		}
	}
}

static void responses_are_taken_apart(void **state)
{
	(void)state;
	assert_int_equal(response("GET", SPAN_LIT("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")), ERR_OK);
	assert_int_equal(h.status, 200);
	assert_int_equal(h.framing, HTTP_LENGTH);
	assert_true(h.length == 5 && h.keep_alive && h.size == 38);
	assert_int_equal(response("GET", SPAN_LIT("HTTP/1.1 404 Not Found \xe4\r\ntransfer-encoding:chunked\r\nConnection: close\r\n\r\n")), ERR_OK);
	assert_int_equal(h.framing, HTTP_CHUNKED);
	assert_false(h.keep_alive);
	assert_int_equal(response("GET", SPAN_LIT("HTTP/1.1 200 \r\n\r\n")), ERR_OK);
	assert_int_equal(h.framing, HTTP_UNTIL_CLOSE);
	assert_false(h.keep_alive);
	assert_int_equal(response("GET", SPAN_LIT("HTTP/1.0 599\r\n\r\n")), ERR_OK);
	assert_int_equal(h.status, 599);
}

static void responses_without_a_body(void **state)
{
	static const char *const texts[] = { "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n" };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(response("GET", span_str(texts[i])), ERR_OK);
		assert_int_equal(h.framing, HTTP_NO_BODY);
		assert_true(h.keep_alive);
	}
	assert_int_equal(response("HEAD", SPAN_LIT("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n")), ERR_OK);
	assert_int_equal(h.framing, HTTP_NO_BODY);
	assert_true(h.length == 7);
}

static void refuses_malformed_responses(void **state)
{
	static const char *const bad[] = {
		"\r\nHTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 20 OK\r\n", "HTTP/1.1 2000 OK\r\n", "HTTP/1.1 099 x\r\n", "HTTP/1.1 600 x\r\n",
		"HTTP/1.1 2x0 OK\r\n", "HTTP/1.1  200 OK\r\n", "HTTP/2.0 200 OK\r\n", "HTTP/2 200\r\n", "ICY 200 OK\r\n", "http/1.1 200 OK\r\n",
		"HTTP/1.1\r\n", "\r\n", "HTTP/1.1 200 OK\n\n", "HTTP/1.1 200 O\x01K\r\n", "HTTP/1.1 200 OK\r\n\n", "HTTP/1.1 200 OK\r\nX\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.1 204 x\r\nContent-Length: x\r\n\r\n", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n", "HTTP/1.1 -20 OK\r\n", "HTTP/1.1 200OK\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(response("GET", span_str(bad[i])), ERR_SYNTAX);
}

static void every_part_of_a_good_response_asks_for_more(void **state)
{
	static const char text[] = "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 5\r\nContent-Length: 0\r\n\r\n";

	(void)state;
	for (size_t n = 0; n < sizeof text - 1; n++)
		assert_int_equal(response("GET", span_of(text, n)), ERR_MORE);
	assert_int_equal(response("GET", span_of(text, sizeof text - 1)), ERR_OK);
}

static void a_response_head_over_the_limit_is_refused(void **state)
{
	static char text[CLIENT_HEAD_MAX + 10];
	size_t n = (size_t)sprintf(text, "HTTP/1.1 200 ");

	(void)state;
	memset(text + n, 'r', sizeof text - n);
	assert_int_equal(response("GET", span_of(text, CLIENT_HEAD_MAX)), ERR_TOO_BIG);
	assert_int_equal(response("GET", span_of(text, 1000)), ERR_MORE);
	strcpy(text + n, "OK\r\nX: ");
	n = strlen(text);
	memset(text + n, 'r', sizeof text - n);
	assert_int_equal(response("GET", span_of(text, CLIENT_HEAD_MAX)), ERR_TOO_BIG);
}

/* What an accepted head may not be without. */
static void check_accepted(struct span in)
{
	assert_true(h.size <= in.n && h.size >= 4);
	assert_memory_equal(in.p + h.size - 4, "\r\n\r\n", 4);
	assert_true(h.n_fields <= HTTP_FIELDS_MAX && h.refuse == 0);
	assert_true(h.minor == 0 || h.host.n > 0);
	for (size_t i = 0; i < h.n_fields; i++)
		assert_true(h.fields[i].name.n > 0);
}

static void mutated_heads_never_crash(void **state)
{
	static const char alphabet[] = "\r\n\r\n :\t\x01\x7f\xff/?%*,;AaHT019.\"";
	unsigned accepted = 0, refusals = 0;

	(void)state;
	for (unsigned round = 0; round < 40000; round++) {
		const char *base = goods[t_random() % (sizeof goods / sizeof goods[0])];
		uint8_t text[400];
		size_t n = strlen(base);
		enum err err;

		memcpy(text, base, n);
		for (unsigned k = (unsigned)(t_random() % 4); k < 4; k++) {
			size_t at = t_random() % n;

			if (t_random() % 2)
				text[at] = (uint8_t)alphabet[t_random() % (sizeof alphabet - 1)];
			else if (t_random() % 2)
				memmove(text + at, text + at + 1, --n - at);
			else {
				memmove(text + at + 1, text + at, n - at);
				n++;
			}
		}
		err = request(span_of(text, n));
		if (err == ERR_OK) {
			accepted++;
			check_accepted(span_of(text, n));
		} else if (err != ERR_MORE) {
			refusals++;
			assert_true(h.refuse >= 400);
			assert_true(err == ERR_SYNTAX || err == ERR_TOO_BIG);
		}
		(void)response("GET", span_of(text, n));
	}
	assert_true(accepted > 200 && refusals > 1000);
}

UNIT(http_head)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_taken_apart),
		cmocka_unit_test(one_empty_line_before_is_skipped_and_counted),
		cmocka_unit_test(framing_expectation_and_connection),
		cmocka_unit_test(targets),
		cmocka_unit_test(every_part_of_a_good_request_asks_for_more),
		cmocka_unit_test(what_follows_the_head_is_not_looked_at),
		cmocka_unit_test(refuses_malformed_request_lines),
		cmocka_unit_test(refuses_malformed_targets),
		cmocka_unit_test(answers_unknown_methods_and_versions_with_their_own_status),
		cmocka_unit_test(refuses_bare_line_feeds_and_carriage_returns),
		cmocka_unit_test(refuses_every_control_character_everywhere),
		cmocka_unit_test(refuses_folded_lines_and_odd_names),
		cmocka_unit_test(refuses_ambiguous_lengths),
		cmocka_unit_test(refuses_absent_doubled_or_malformed_hosts),
		cmocka_unit_test(refuses_a_long_request_line_even_before_its_end),
		cmocka_unit_test(a_head_of_the_limit_is_read_and_one_byte_more_refused),
		cmocka_unit_test(too_many_fields),
		cmocka_unit_test(responses_are_taken_apart),
		cmocka_unit_test(responses_without_a_body),
		cmocka_unit_test(refuses_malformed_responses),
		cmocka_unit_test(every_part_of_a_good_response_asks_for_more),
		cmocka_unit_test(a_response_head_over_the_limit_is_refused),
		cmocka_unit_test(mutated_heads_never_crash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
