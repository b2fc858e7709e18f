/* Calendar times as text, without time zones: everything is UTC. */
#ifndef TEXT_TIMEFMT_H
#define TEXT_TIMEFMT_H

#include "base/err.h"
#include "base/out.h"

struct civil {
	int year, month, day, hour, minute, second; /* month and day from 1 */
};

/* Whether all members are in range: year 1 to 9999, a day that month has, no leap second. */
bool time_civil_ok(const struct civil *c);
/* Proleptic Gregorian, years 1 to 9999; *c must be in range. */
int64_t time_from_civil(const struct civil *c);
/* Times outside the years 1 to 9999 give the nearest second inside. */
struct civil time_to_civil(int64_t unix_s);
/* "2026-11-21T02:03:04.000005Z" */
void time_iso8601(struct out *o, int64_t unix_s, unsigned microseconds);
/* "Sat, 21 Nov 2026 02:03:04 GMT" (RFC 9110 section 5.6.7) */
void time_http(struct out *o, int64_t unix_s);
/* The same form read back strictly. ERR_SYNTAX. Untrusted. */
MUST_USE enum err time_parse_http(struct span text, int64_t *unix_s);
/* A number of exactly so many digits at a place; -1 when something else stands there. */
int time_digits(struct span text, size_t at, size_t digits);

#endif
