/* Tests of policy/pattern.c: the guest's regular expressions. */
#include "t.h"

#include "policy/pattern.h"
#include "policy/pattern_loose.h"

static void is(const char *pattern, const char *text, bool want)
{
	bool match = !want;
	enum err e = pattern_match(span_str(pattern), span_str(text), &match);

	if (e != ERR_OK || match != want)
		print_error("%s on %s: %s\n", pattern, text, e ? err_name(e) : match ? "matches" : "does not match");
	assert_int_equal(e, ERR_OK);
	assert_int_equal(match, want);
}

static void bad(const char *pattern)
{
	bool match;

	if (pattern_match(span_str(pattern), SPAN_LIT("x"), &match) == ERR_OK)
		print_error("accepted: %s\n", pattern);
	assert_int_not_equal(pattern_match(span_str(pattern), SPAN_LIT("x"), &match), ERR_OK);
}

static void test_matches(void **state)
{
	(void)state;
	is("", "", true);
	is("", "a", false);
	is("a.c", "abc", true);
	is("a.c", "xabc", false);
	is("a.c", "a\nc", false);
	is("(?s)a.c", "a\nc", true);
	is("(a|b)+", "abab", true);
	is("(a|)b", "b", true);
	is("T(E)?MP=.+", "TMP=/x", true);
	is("T(E)?MP=.+", "TEMP=", false);
	is("(?i)(FABRIC)_.+=.+", "fabric_A=1", true);
	is("(?i:ab)C", "ABc", false);
	is("[A-Z0-9_]+_SERVICE_HOST=.+", "KUBERNETES_SERVICE_HOST=10.0.0.1", true);
	is("[^/]+", "a/b", false);
	is("[]a-]+", "-]a", true);
	is("\\d+\\.\\w\\s", "12.a ", true);
	is("\\D", "1", false);
	is("a{2,3}", "aa", true);
	is("a{2,3}", "aaaa", false);
	is("a{0}b", "b", true);
	is("(ab){2}", "abab", true);
	is("a{2,}", "aaaaa", true);
	is("a+?", "aaa", true);
	is("sandbox/[^/]+/resolv", "sandbox/x/resolv", true);
}

/* Go's own answers (package regexp, Perl syntax): what the guest asks. */
static void test_syntax(void **state)
{
	(void)state;
	is("\\bab\\b", "ab", true);
	is("a\\Bb", "ab", true);
	is("a\\bb", "ab", false);
	is("\\Aab\\z", "ab", true);
	is("a\\z\\n", "a\n", false);
	is("[[:alpha:]]+[[:^digit:]]", "abc", true);
	is("[[:alpha:]]+", "ab1", false);
	is("[[:word:][:punct:]]+", "a_1!", true);
	is("[[:x]+", "[:x", true);
	is("\\Qa.b\\E+", "a.bb", true);
	is("\\Qa.b\\E", "axb", false);
	is("\\x41\\x{42}\\103", "ABC", true);
	is("\\a\\f\\v\\t", "\a\f\v\t", true);
	is("a{", "a{", true);
	is("a{,3}", "a{,3}", true);
	is("a{01}", "a{01}", true);
	is("{", "{", true);
	is("(?m)a$\nb", "a\nb", true);
	is("(?m)a", "a\nevil", true);
	is("(?i-i:a)B(?-i)c", "aBc", true);
	is("(?U)a+", "aa", true);
	is("(?P<n>a)", "a", true);
	is("(?i)[^a]", "A", false);
	is("(?i)\\W", "k", false);
	is("(?i)k", "\xe2\x84\xaa", true);
	is("(?i)[[:^alpha:]]", "\xc5\xbf", false);
	is("[\\d-z]+", "1-z", true);
	is("[a-b-c]+", "a-c", true);
	is("a{2,}?", "aaa", true);
	is("()", "", true);
	is("a||b", "", true);
}

/* Characters are code points. */
static void test_utf8(void **state)
{
	(void)state;
	is("gr.{2}e", "gr\xc3\xb6\xc3\x9f" "e", true);
	is("gr\xc3\xb6.e", "gr\xc3\xb6\xc3\x9f" "e", true);
	is("[\xc3\xa4-\xc3\xbc]+", "\xc3\xb6", true);
	is("[^a]", "\xf0\x9f\x98\x80", true);
	is("\\w", "\xc3\xb6", false);
	is(".", "\xff", true);
	bad("(?i)\xc3\xb6");
	bad("\xff");
}

/* The framework looks at the first and the last character of a pattern, not at what they mean. */
static void test_anchors(void **state)
{
	static const char *const open[] = { "P=[0-9]+\\$", "P=1\\", "P=\\Qx", "(?m)P=1", "P=1(?is-m:x)(?sm)", "^*P=1", "*P=1", "P=\\Qx$" };
	static const char *const closed[] = { "^P=1$", "P=\\\\", "P=\\\\$", "P=[$]", "P=\\Qx\\E", "(?i)P=m", "P=(?:m)$" };

	(void)state;
	is("PRICE=[0-9]+\\$", "PRICE=5$", true);
	is("PRICE=[0-9]+\\$", "PRICE=5$;rm -rf /", true);
	is("PRICE=[0-9]+\\$", "xPRICE=5$", false);
	is("P=1\\", "P=1$ and more", true);
	is("P=\\Qx", "P=x$ and more", true);
	is("^*P=1", "more P=1", true);
	is("*P=1", "more P=1", true);
	is("^A=1$", "A=1", true);
	is("A=1$", "xA=1", false);
	is("^A=1", "A=1x", false);
	is("^", "", true);
	is("$", "a", false);
	for (size_t i = 0; i < sizeof open / sizeof open[0]; i++)
		assert_true(pattern_is_open(span_str(open[i])));
	for (size_t i = 0; i < sizeof closed / sizeof closed[0]; i++)
		assert_false(pattern_is_open(span_str(closed[i])));
}

static void test_wide(void **state)
{
	static const char *const wide[] = { "A=.+", "A=.", "A=[^/]", "A=\\S", "A=[\\s\\S]*", "[!-~]+", "[[:^space:]]", "[\\x00-\\x{10ffff}]", "\\Qa\\E.", "[]].", "[^]]" };
	static const char *const narrow[] = { "A=1\\.0", "A=[.]", "A=[0-9.]+", "\\Q.\\E", "[a^]", "\\d\\w\\s", "A=\\[^" };

	(void)state;
	for (size_t i = 0; i < sizeof wide / sizeof wide[0]; i++)
		if (!pattern_is_wide(span_str(wide[i])))
			fail_msg("not wide: %s", wide[i]);
	for (size_t i = 0; i < sizeof narrow / sizeof narrow[0]; i++)
		if (pattern_is_wide(span_str(narrow[i])))
			fail_msg("wide: %s", narrow[i]);
}

/* The guest puts ^ and $ around the text of the pattern, so an alternative at the top is anchored at one end only. */
static void test_loose_alternative(void **state)
{
	(void)state;
	is("A=1|B=2", "A=1 and more", true);
	is("A=1|B=2", "more B=2", true);
	is("(A=1|B=2)", "A=1 and more", false);
	assert_true(pattern_has_loose_or(SPAN_LIT("A=1|B=2")));
	assert_false(pattern_has_loose_or(SPAN_LIT("(A|B)[|]\\|")));
}

static void test_refused(void **state)
{
	(void)state;
	bad("(");
	bad(")");
	bad("a)");
	bad("[a");
	bad("(*a)");
	bad("a{3,2}");
	bad("a{1001}");
	bad("((a{100})){11}");
	bad("a**");
	bad("a{2}{3}");
	bad("a*{2}");
	bad("\\1");
	bad("\\8");
	bad("\\E");
	bad("\\Z");
	bad("\\pL");
	bad("[[:alpha]:]]");
	bad("[[:d:]]");
	bad("[a-\\d]");
	bad("\\x{110000}");
	bad("(?=a)");
	bad("(?x)a");
	bad("(?i-)a");
	bad("(?<n>a)");
	bad("(?P<a>x)(?P<a>y)");
	bad("((((a{100}){100}){100}){100})");
	bad("[z-a]");
}

/* What would take for ever with backtracking. */
static void test_time_is_bounded(void **state)
{
	(void)state;
	is("(a*)*(a*)*(a*)*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false);
	is("(x+x+)+y", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", false);
}

static void test_garbage(void **state)
{
	static const char alphabet[] = "ab.*+?()[]{}|\\^$-,0129d:i";

	(void)state;
	for (int i = 0; i < 20000; i++) {
		char p[24];
		size_t n = t_random() % 20;
		uint8_t *exact;
		bool match;

		for (size_t j = 0; j < n; j++)
			p[j] = alphabet[t_random() % (sizeof alphabet - 1)];
		exact = t_exact(span_of(p, n));
		if (pattern_match(span_of(exact, n), SPAN_LIT("abab0129"), &match) != ERR_OK)
			assert_true(n > 0);
		free(exact);
	}
}

UNIT(pattern)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_matches), cmocka_unit_test(test_syntax), cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_anchors), cmocka_unit_test(test_wide), cmocka_unit_test(test_loose_alternative), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_time_is_bounded), cmocka_unit_test(test_garbage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
