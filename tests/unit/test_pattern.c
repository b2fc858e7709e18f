/* Tests of policy/pattern.c: the guest's regular expressions. */
#include "t.h"

#include "policy/pattern.h"

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
	bad("a{");
	bad("a{3,2}");
	bad("a{1001}");
	bad("\\b");
	bad("\\1");
	bad("[[:alpha:]]");
	bad("(?=a)");
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_matches), cmocka_unit_test(test_loose_alternative), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_time_is_bounded), cmocka_unit_test(test_garbage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
