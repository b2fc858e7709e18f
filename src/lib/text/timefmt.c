/* Calendar times as text. */
#include "text/timefmt.h"

#define DAY_S 86400
/* 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z. */
#define FIRST_S (-62135596800)
#define LAST_S 253402300799

static const char month_names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
/* 0001-01-01 was a Monday. */
static const char day_names[] = "MonTueWedThuFriSatSun";

static bool is_leap(int year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int month_days(int year, int month)
{
	static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return days[month - 1] + (month == 2 && is_leap(year));
}

bool time_civil_ok(const struct civil *c)
{
	return c->year >= 1 && c->year <= 9999 && c->month >= 1 && c->month <= 12 && c->day >= 1 &&
	       c->day <= month_days(c->year, c->month) && c->hour >= 0 && c->hour < 24 && c->minute >= 0 &&
	       c->minute < 60 && c->second >= 0 && c->second < 60;
}

/* Days from 0001-01-01 to the first of January of a year. */
static int64_t days_before_year(int year)
{
	int64_t y = year - 1;

	return y * 365 + y / 4 - y / 100 + y / 400;
}

int64_t time_from_civil(const struct civil *c)
{
	int64_t days = days_before_year(c->year) + c->day - 1;

	for (int m = 1; m < c->month; m++)
		days += month_days(c->year, m);
	return FIRST_S + days * DAY_S + c->hour * 3600 + c->minute * 60 + c->second;
}

struct civil time_to_civil(int64_t unix_s)
{
	struct civil c = { 1, 1, 1, 0, 0, 0 };
	int64_t s = (unix_s < FIRST_S ? FIRST_S : unix_s > LAST_S ? LAST_S : unix_s) - FIRST_S;
	int64_t days = s / DAY_S;

	/* The first guess is never too late, and in year 9999 twenty years too early. */
	c.year = (int)(days / 366) + 1;
	while (days_before_year(c.year + 1) <= days)
		c.year++;
	days -= days_before_year(c.year);
	while (days >= month_days(c.year, c.month))
		days -= month_days(c.year, c.month++);
	c.day = (int)days + 1;
	c.hour = (int)(s % DAY_S / 3600);
	c.minute = (int)(s % 3600 / 60);
	c.second = (int)(s % 60);
	return c;
}

static void put_digits(struct out *o, unsigned v, unsigned digits)
{
	unsigned unit = 1;

	while (--digits)
		unit *= 10;
	for (; unit; unit /= 10)
		out_byte(o, (uint8_t)('0' + v / unit % 10));
}

/* Numbers by a pattern, in which a digit stands for so many digits of the next one, any other character for itself. */
static void put_numbers(struct out *o, const char *pattern, const unsigned *number)
{
	for (; *pattern; pattern++) {
		if (*pattern >= '1' && *pattern <= '9')
			put_digits(o, *number++, (unsigned)(*pattern - '0'));
		else
			out_byte(o, (uint8_t)*pattern);
	}
}

void time_iso8601(struct out *o, int64_t unix_s, unsigned microseconds)
{
	struct civil c = time_to_civil(unix_s);
	const unsigned numbers[] = { (unsigned)c.year, (unsigned)c.month, (unsigned)c.day, (unsigned)c.hour, (unsigned)c.minute,
		                     (unsigned)c.second, microseconds };

	put_numbers(o, "4-2-2T2:2:2.6Z", numbers);
}

void time_http(struct out *o, int64_t unix_s)
{
	struct civil c = time_to_civil(unix_s);
	const unsigned numbers[] = { (unsigned)c.day, (unsigned)c.year, (unsigned)c.hour, (unsigned)c.minute, (unsigned)c.second };
	int64_t weekday = (time_from_civil(&c) - FIRST_S) / DAY_S % 7;

	out_bytes(o, day_names + 3 * weekday, 3);
	put_numbers(o, ", 2 ", numbers);
	out_bytes(o, month_names + 3 * (c.month - 1), 3);
	put_numbers(o, " 4 2:2:2 GMT", numbers + 1);
}

int time_digits(struct span text, size_t at, size_t digits)
{
	uint64_t v;

	return span_u64(span_sub(text, at, digits), &v) ? (int)v : -1;
}

static int read_month(struct span text)
{
	for (size_t m = 0; m < 12; m++)
		if (span_eq(text, span_of(month_names + 3 * m, 3)))
			return (int)m + 1;
	return -1;
}

/* Reads the numbers where they must be, writes the time back and compares: this checks every other character. */
enum err time_parse_http(struct span text, int64_t *unix_s)
{
	struct civil c;
	uint8_t again[29];
	struct out o = out_init(again, sizeof again);

	if (text.n != sizeof again)
		return ERR_SYNTAX;
	c = (struct civil){ time_digits(text, 12, 4), read_month(span_sub(text, 8, 3)), time_digits(text, 5, 2),
			    time_digits(text, 17, 2), time_digits(text, 20, 2), time_digits(text, 23, 2) };
	if (!time_civil_ok(&c))
		return ERR_SYNTAX;
	time_http(&o, time_from_civil(&c));
	if (o.bad || !span_eq(out_span(&o), text))
		return ERR_SYNTAX;
	*unix_s = time_from_civil(&c);
	return ERR_OK;
}
