/* The columns that the analysis reads, and what a value of each counts as: at import and in the
 * analysis alike. */
#ifndef PARTY_QUERY_VALUES_H
#define PARTY_QUERY_VALUES_H

#include "base/span.h"

/* The only fields that are ever decrypted for the analysis. */
enum {
	ANALYSIS_AGE,
	ANALYSIS_SALARY,
	ANALYSIS_EYE,
	ANALYSIS_COLOR,
	ANALYSIS_CITY,
	ANALYSIS_COUNTRY,
	ANALYSIS_FIELDS
};
extern const char *const analysis_fields[ANALYSIS_FIELDS];

/* Everything but the first is a missing value, and why. */
enum value_kind {
	VALUE_READ,
	VALUE_EMPTY,     /* nothing but blanks, or not decrypted */
	VALUE_ZERO,      /* a number must be above 0 (multiparty-app.md section 4.1) */
	VALUE_NEGATIVE,
	VALUE_NO_NUMBER, /* not a whole number in decimal digits: "85,000", "85.000", "8.5e4", "$85000" */
	VALUE_TOO_LARGE, /* more than 18 digits */
	VALUE_KINDS
};

struct value_counts {
	uint64_t n[ANALYSIS_FIELDS][VALUE_KINDS];
};

/* "not a whole number"; as a member's name "not_a_whole_number". Not of VALUE_READ. */
const char *value_reason(enum value_kind kind);
const char *value_reason_member(enum value_kind kind);
/* What the text counts as in this column; *number is set when it is VALUE_READ and the column is
 * age or salary. Blanks around do not count. Untrusted. */
enum value_kind value_read(size_t field, struct span text, int64_t *number);

#endif
