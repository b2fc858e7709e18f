/* What a value of the analysis's columns counts as. */
#include "party/query/values.h"

#define INT_DIGITS_MAX 18 /* fits int64_t whatever the digits are */

const char *const analysis_fields[ANALYSIS_FIELDS] = {
	[ANALYSIS_AGE] = "age",           [ANALYSIS_SALARY] = "salary", [ANALYSIS_EYE] = "eye_color",
	[ANALYSIS_COLOR] = "favorite_color", [ANALYSIS_CITY] = "city",  [ANALYSIS_COUNTRY] = "country",
};

static const struct {
	const char *text, *member;
} reasons[VALUE_KINDS] = {
	[VALUE_READ] = { "", "" },
	[VALUE_EMPTY] = { "empty", "empty" },
	[VALUE_ZERO] = { "zero", "zero" },
	[VALUE_NEGATIVE] = { "negative", "negative" },
	[VALUE_NO_NUMBER] = { "not a whole number", "not_a_whole_number" },
	[VALUE_TOO_LARGE] = { "too large", "too_large" },
};

const char *value_reason(enum value_kind kind)
{
	return reasons[kind].text;
}

const char *value_reason_member(enum value_kind kind)
{
	return reasons[kind].member;
}

/* Decimal digits, one sign before them. Nothing is guessed: "85.000" is 85 to one reader and 85000
 * to another. */
static enum value_kind read_number(struct span t, int64_t *number)
{
	bool negative = t.p[0] == '-';
	uint64_t v;

	if (negative || t.p[0] == '+')
		t = span_sub(t, 1, t.n);
	for (size_t i = 0; i < t.n; i++)
		if (t.p[i] < '0' || t.p[i] > '9')
			return VALUE_NO_NUMBER;
	if (t.n == 0)
		return VALUE_NO_NUMBER;
	while (t.n > 1 && t.p[0] == '0')
		t = span_sub(t, 1, t.n);
	if (t.p[0] == '0')
		return VALUE_ZERO;
	if (negative)
		return VALUE_NEGATIVE;
	if (t.n > INT_DIGITS_MAX || !span_u64(t, &v))
		return VALUE_TOO_LARGE;
	*number = (int64_t)v;
	return VALUE_READ;
}

enum value_kind value_read(size_t field, struct span text, int64_t *number)
{
	struct span t = span_trim(text);

	if (t.n == 0)
		return VALUE_EMPTY;
	return field == ANALYSIS_AGE || field == ANALYSIS_SALARY ? read_number(t, number) : VALUE_READ;
}
