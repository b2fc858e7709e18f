/* Tests of URLs and percent-encoding. */
#include "text/url.h"

#include "t.h"

static enum err parse(const char *text, struct url *u)
{
	uint8_t *exact = t_exact(span_str(text));
	enum err err = url_parse(span_of(exact, strlen(text)), u);

	free(exact);
	return err;
}

static void urls_are_taken_apart(void **state)
{
	static const struct {
		const char *text, *host, *path;
		bool https;
		uint16_t port;
	} cases[] = {
		{ "https://a.b.example/p/q?x=1&y=%2F", "a.b.example", "/p/q?x=1&y=%2F", true, 443 },
		{ "HTTP://LocalHost:8080", "localhost", "/", false, 8080 },
		{ "http://169.254.169.254/metadata/THIM/amd/certification", "169.254.169.254",
		  "/metadata/THIM/amd/certification", false, 80 },
		{ "https://[::1]:8443/", "::1", "/", true, 8443 },
		{ "https://[2001:DB8::1]?q", "2001:db8::1", "/?q", true, 443 },
		{ "https://h?a=b", "h", "/?a=b", true, 443 },
		{ "https://my-vault.vault.azure.net:443/keys/k/release?api-version=7.3", "my-vault.vault.azure.net",
		  "/keys/k/release?api-version=7.3", true, 443 },
		{ "http://user_name.svc:1/a;b=c,d:e@f!$'()*+~", "user_name.svc", "/a;b=c,d:e@f!$'()*+~", false, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct url u;

		assert_int_equal(parse(cases[i].text, &u), ERR_OK);
		assert_string_equal(u.host, cases[i].host);
		assert_string_equal(u.path, cases[i].path);
		assert_int_equal(u.https, cases[i].https);
		assert_int_equal(u.port, cases[i].port);
	}
}

static void refuses_odd_urls(void **state)
{
	static const char *const bad[] = {
		"", "https", "https:", "https:/", "https://", "https:///", "https:///path", "ftp://h/", "//h/", "/path", "h",
		"httpss://h", " https://h", "https://h ", "https://h/a b", "https://u@h/", "https://u:p@h/", "https://h#f", "https://h/#f",
		"https://h/p?q#f", "https://h:", "https://h:/", "https://h:0/", "https://h:65536/", "https://h:99999999/", "https://h:8a/",
		"https://h:-1/", "https://h:+1/", "https://h: 1/", "https://h:80:80/", "https://h..x/", "https://.h/", "https://h./",
		"https://-h/", "https://h-/", "https://h%41/", "https://h\\x/", "https://\xc3\xa4/", "https://h/\xc3\xa4", "https://h/%",
		"https://h/%4", "https://h/%4g", "https://h/\"", "https://h/<", "https://h/\\", "https://h/^", "https://h/`", "https://h/{",
		"https://h/|", "https://h/[", "https://h/\n", "https://h\r\n/", "https://[::1/", "https://::1/", "https://[]/", "https://[x]/",
		"https://[::1]x/", "https://[fe80::1%25eth0]/", "https://[12]/", "https://]/", "https://h/\x7f",
	};
	struct url u;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		enum err err = parse(bad[i], &u);

		if (err != ERR_SYNTAX)
			print_error("%s -> %d\n", bad[i], err);
		assert_int_equal(err, ERR_SYNTAX);
	}
	assert_int_equal(url_parse(span_of("https://h\0x/", 12), &u), ERR_SYNTAX);
	assert_int_equal(url_parse(span_of("https://h/\0", 11), &u), ERR_SYNTAX);
}

/* "https://" with a host of `host` characters in labels of 50, then a path of `path` characters. */
static enum err parse_long(size_t host, size_t path)
{
	static char text[URL_MAX + HOST_MAX + 100];
	static struct url u;
	size_t n = (size_t)sprintf(text, "https://");

	for (size_t i = 0; i < host; i++)
		text[n++] = i % 50 == 49 && i + 1 < host ? '.' : 'a';
	for (size_t i = 0; i < path; i++)
		text[n++] = i ? 'p' : '/';
	return url_parse(span_of(text, n), &u);
}

static void long_hosts_and_paths(void **state)
{
	(void)state;
	assert_int_equal(parse_long(253, 1), ERR_OK);
	assert_int_equal(parse_long(254, 1), ERR_TOO_BIG);
	assert_int_equal(parse_long(10, URL_MAX - 1), ERR_OK);
	assert_int_equal(parse_long(10, URL_MAX), ERR_TOO_BIG);
}

static void endpoints(void **state)
{
	static const char *const bad[] = { "", ":", ":80", "h:", "h:0", "h:65536", "h:080000", "http://h", "h/", "h/p", "u@h", "h h", "[::1", "::1",
					   "h:80:81", "h,i", "h\t", "*", "a..b",
					   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" };
	char host[HOST_MAX];
	uint16_t port;

	(void)state;
	assert_int_equal(url_hostport(SPAN_LIT("Sharedeus2.EUS2.attest.azure.net"), 443, host, &port), ERR_OK);
	assert_string_equal(host, "sharedeus2.eus2.attest.azure.net");
	assert_int_equal(port, 443);
	assert_int_equal(url_hostport(SPAN_LIT("127.0.0.1:65535"), 443, host, &port), ERR_OK);
	assert_int_equal(port, 65535);
	assert_int_equal(url_hostport(SPAN_LIT("[::FFFF:1.2.3.4]:7"), 443, host, &port), ERR_OK);
	assert_string_equal(host, "::ffff:1.2.3.4");
	assert_int_equal(port, 7);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(url_hostport(span_str(bad[i]), 443, host, &port), ERR_SYNTAX);
}

static void every_byte_encoded_and_decoded(void **state)
{
	(void)state;
	for (unsigned c = 0; c < 256; c++) {
		uint8_t byte = (uint8_t)c, text[4], back[4];
		struct out o = out_init(text, sizeof text), b = out_init(back, sizeof back);
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c && strchr("-._~", (int)c));

		url_encode(&o, span_of(&byte, 1), false);
		assert_int_equal(o.n, plain ? 1 : 3);
		assert_int_equal(url_decode(out_span(&o), &b), (c < 0x20 && c != '\t') || c == 0x7f ? ERR_SYNTAX : ERR_OK);
		if (c == '\t' || (c >= 0x20 && c != 0x7f))
			assert_true(b.n == 1 && back[0] == byte);
	}
}

static void encoding_of_texts(void **state)
{
	uint8_t b[32];
	struct out o = out_init(b, sizeof b);

	(void)state;
	url_encode(&o, SPAN_LIT("a/b c+\xc3\xa9"), true);
	t_span_is(out_span(&o), "a/b%20c%2B%C3%A9");
	o = out_init(b, sizeof b);
	url_encode(&o, SPAN_LIT("a/b"), false);
	t_span_is(out_span(&o), "a%2Fb");
	o = out_init(b, 4);
	url_encode(&o, SPAN_LIT("a/b"), false);
	assert_true(o.bad);
}

static void decoding(void **state)
{
	static const char *const bad[] = { "%", "%4", "a%4", "%g0", "%0g", "%00", "a%00b", "%0a", "%1F", "%7f", "\n", "\x7f", "%%41", "%u0041", "% 41" };
	uint8_t b[8];
	struct out o;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		uint8_t *exact = t_exact(span_str(bad[i]));

		o = out_init(b, sizeof b);
		assert_int_equal(url_decode(span_of(exact, strlen(bad[i])), &o), ERR_SYNTAX);
		free(exact);
	}
	o = out_init(b, sizeof b);
	assert_int_equal(url_decode(SPAN_LIT("a+%2b%2F%e9%25"), &o), ERR_OK);
	t_span_is(out_span(&o), "a++/\xe9%");
	/* once only */
	o = out_init(b, sizeof b);
	assert_int_equal(url_decode(SPAN_LIT("%252e"), &o), ERR_OK);
	t_span_is(out_span(&o), "%2e");
	o = out_init(b, 2);
	assert_int_equal(url_decode(SPAN_LIT("abc"), &o), ERR_TOO_BIG);
}

static void query_parameters(void **state)
{
	struct span q = SPAN_LIT("a=1&b=x%26y&c&d=&&e=f=g&aa=2"), v = SPAN_LIT("before");
	bool bad = true;

	(void)state;
	assert_true(url_query(q, "a", &v, &bad));
	assert_false(bad);
	t_span_is(v, "1");
	assert_true(url_query(q, "b", &v, NULL));
	t_span_is(v, "x%26y");
	assert_true(url_query(q, "c", &v, &bad));
	t_span_is(v, "");
	assert_true(url_query(q, "d", &v, &bad));
	t_span_is(v, "");
	assert_true(url_query(q, "e", &v, &bad));
	t_span_is(v, "f=g");
	assert_true(url_query(q, "aa", &v, &bad));
	t_span_is(v, "2");
	assert_false(url_query(q, "A", &v, &bad));
	assert_false(url_query(q, "x", &v, &bad));
	assert_false(bad);
	assert_false(url_query(SPAN_LIT(""), "a", &v, &bad));
	t_span_is(v, "2");
}

static void refuses_a_repeated_parameter(void **state)
{
	struct span v = SPAN_LIT("before");
	bool bad = false;

	(void)state;
	assert_false(url_query(SPAN_LIT("a=1&b=2&a=1"), "a", &v, &bad));
	assert_true(bad);
	t_span_is(v, "before");
	assert_true(url_query(SPAN_LIT("a=1&b=2&a=1"), "b", &v, &bad));
	assert_false(bad);
	assert_false(url_query(SPAN_LIT("a&a"), "a", &v, NULL));
}

static void a_name_that_begins_like_an_address_is_not_near(void **state)
{
	static const char *const loopback[] = { "127.0.0.1", "127.255.255.254", "127.0.0.0", "localhost", "x.localhost", "::1" };
	static const char *const far[] = {
		"127.evil.example", "127.0.0.1.evil.example", "localhost.evil", "localhost.evil.example", "xlocalhost", "127", "127.1",
		"127.0.1", "127.0.0.1.1", "127.0.0.256", "127.0.0.01", "0127.0.0.1", "127.0.0.", "127..0.1", "127.0.0.x", "127.0.0.1-x",
		"128.0.0.1", "12.7.0.1", "2130706433", "0x7f.0.0.1", "169.254.evil.example", "169.254.1", "169.25.4.1", "1169.254.0.1",
		"::", "::2", "::ffff:127.0.0.1", "", ".",
	};

	(void)state;
	for (size_t i = 0; i < sizeof loopback / sizeof loopback[0]; i++) {
		assert_true(url_host_is_loopback(loopback[i]));
		assert_false(url_host_is_link_local(loopback[i]));
	}
	for (size_t i = 0; i < sizeof far / sizeof far[0]; i++) {
		assert_false(url_host_is_loopback(far[i]));
		assert_false(url_host_is_link_local(far[i]));
	}
	assert_true(url_host_is_link_local("169.254.169.254"));
	assert_false(url_host_is_loopback("169.254.169.254"));
}

UNIT(url)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(urls_are_taken_apart), cmocka_unit_test(refuses_odd_urls),
		cmocka_unit_test(long_hosts_and_paths), cmocka_unit_test(endpoints),
		cmocka_unit_test(every_byte_encoded_and_decoded), cmocka_unit_test(encoding_of_texts),
		cmocka_unit_test(decoding), cmocka_unit_test(query_parameters),
		cmocka_unit_test(refuses_a_repeated_parameter), cmocka_unit_test(a_name_that_begins_like_an_address_is_not_near),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
