/* XML answers: what is read, what is refused, and every cut of a good one. */
#include "t.h"

#include "base/out.h"
#include "text/xml.h"

/* All events as "<a" "</a" "text" joined; NULL when refused. */
static const char *events(struct span text)
{
	static char buf[4096];
	struct out o = out_init(buf, sizeof buf);
	struct xml x = xml_begin(text);
	enum xml_kind kind;
	struct span s;

	for (;;) {
		if (xml_next(&x, &kind, &s) != ERR_OK)
			return NULL;
		if (kind == XML_END)
			return out_cstr(&o);
		out_str(&o, kind == XML_OPEN ? "<" : kind == XML_CLOSE ? "/" : "'");
		out_put(&o, s);
		out_str(&o, kind == XML_TEXT ? "'" : " ");
	}
}

static const char *of(const char *text)
{
	struct span s = span_str(text);
	uint8_t *copy = t_exact(s);
	const char *got = events(span_of(copy, s.n));

	free(copy);
	return got;
}

static void reads(void **state)
{
	static const struct { const char *text, *events; } good[] = {
		{ "<a/>", "<a /a " }, { "<a></a>", "<a /a " }, { "<?xml version=\"1.0\" encoding=\"utf-8\"?><a/>", "<a /a " },
		{ "\xef\xbb\xbf<?xml version=\"1.0\"?>\n<a/>\n", "<a /a " }, { "<a>x</a>", "<a 'x'/a " },
		{ "<a><b/><b>&lt;</b></a>", "<a <b /b <b '&lt;'/b /a " }, { "<a b=\"c\" d='>' ><e x='\"'/></a >", "<a <e /e /a " },
		{ "<a>\n <b>1</b>\n</a>", "<a '\n '<b '1'/b '\n'/a " }, { "<a:b-c._1/>", "<a:b-c._1 /a:b-c._1 " },
	};

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		const char *got = of(good[i].text);

		if (!got)
			fail_msg("refused: %s", good[i].text);
		assert_string_equal(got, good[i].events);
	}
}

static void refuses(void **state)
{
	static const char *const bad[] = {
		"", " ", "x", "<", "<>", "< a/>", "<a", "<a>", "</a>", "<a></b>", "<a/><b/>", "<a/>x", "x<a/>", "<a><b></a></b>", "<a b></a>", "<a b=c/>",
		"<a b=\"c/>", "<a b=\"<\"/>", "<a b=\"1\"c=\"2\"/>", "<!DOCTYPE a><a/>", "<!-- --><a/>", "<a><!-- --></a>", "<a><![CDATA[x]]></a>",
		"<a><?pi x?></a>", "<?xml version=\"1.0\"", "<a>\x01</a", "<a/ >", "<a></a", "<a></ a>", "\xef\xbb<a/>",
		"<1><1><1><1><1><1><1><1><1><1><1><1><1><1><1><1><1>",
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (of(bad[i]))
			fail_msg("accepted: %s", bad[i]);
}

static void refuses_every_cut(void **state)
{
	static const char text[] = "<?xml version=\"1.0\"?><E a=\"b\"><Blobs><Blob><Name>x&amp;y</Name><P/></Blob></Blobs><NextMarker /></E>";

	(void)state;
	assert_non_null(of(text));
	for (size_t n = 0; n < sizeof text - 1; n++) {
		uint8_t *copy = t_exact(span_of(text, n));

		if (events(span_of(copy, n)))
			fail_msg("accepted the first %zu bytes", n);
		free(copy);
	}
}

static void survives_noise(void **state)
{
	static const char letters[] = "<>/= \"'ab&?!";

	(void)state;
	for (int round = 0; round < 20000; round++) {
		char text[24];
		size_t n = t_random() % sizeof text;
		uint8_t *copy;

		for (size_t i = 0; i < n; i++)
			text[i] = letters[t_random() % (sizeof letters - 1)];
		copy = t_exact(span_of(text, n));
		(void)events(span_of(copy, n));
		free(copy);
	}
}

static enum err unescape(const char *raw, char dst[64])
{
	struct out o = out_init(dst, 64);
	enum err e = xml_unescape(span_str(raw), &o);

	(void)out_cstr(&o);
	return e;
}

static void unescapes(void **state)
{
	static const struct { const char *raw, *text; } good[] = {
		{ "", "" }, { "plain", "plain" }, { "&lt;&gt;&amp;&quot;&apos;", "<>&\"'" }, { "a&#65;&#x42;c", "aABc" }, { "&#xe9;", "\xc3\xa9" },
		{ "&#x20ac;", "\xe2\x82\xac" }, { "&#128512;", "\xf0\x9f\x98\x80" }, { "\xc3\xa9", "\xc3\xa9" }, { "&#9;", "\t" },
	};
	static const char *const bad[] = {
		"&", "&lt", "&;", "&nbsp;", "&#;", "&#x;", "&#0;", "&#1;", "&#xd800;", "&#xffff;", "&#x110000;", "&#99999999;", "&#-1;", "&# 1;", "&LT;", "\xff", "&#x1g;",
	};
	char got[64];

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		assert_int_equal(unescape(good[i].raw, got), ERR_OK);
		assert_string_equal(got, good[i].text);
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (unescape(bad[i], got) == ERR_OK)
			fail_msg("accepted: %s", bad[i]);
	assert_int_equal(unescape("0123456789012345678901234567890123456789012345678901234567890123456789", got), ERR_TOO_BIG);
}

UNIT(xml)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads), cmocka_unit_test(refuses), cmocka_unit_test(refuses_every_cut), cmocka_unit_test(survives_noise), cmocka_unit_test(unescapes),
	};

	return cmocka_run_group_tests_name("XML", tests, NULL, NULL);
}
