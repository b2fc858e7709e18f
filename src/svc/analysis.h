/* The agreed statistics over both companies' records: pure counting (multiparty-app.md section 4). */
#ifndef SVC_ANALYSIS_H
#define SVC_ANALYSIS_H

#include "enc/json_write.h"
#include "svc/groups.h"
#include "svc/values.h"

enum company { COMPANY_CONTOSO, COMPANY_FABRIKAM, COMPANIES };
#define ANALYSIS_GENERATIONS 6

struct salaries {
	__int128 sum;
	uint64_t n;
	int64_t min, max;
	uint32_t order; /* of the first salary among all countries, from 1 */
};

/* Counters and tables, about 2.3 MiB, no pointers. Holds partners' data in aggregated form: wiped by the owner. */
struct analysis {
	int generation_year;
	uint32_t min_group;
	uint64_t records[COMPANIES];
	struct value_counts values[COMPANIES];
	uint64_t readable;                                   /* records with at least one value */
	uint64_t generation[COMPANIES][ANALYSIS_GENERATIONS];
	struct salaries salary[COMPANIES];
	struct salaries by_country[GROUP_COUNTRIES_MAX];     /* by ordinal of the country */
	uint32_t countries_with_salary;
	struct groups groups;
};

/* *a is zeroed or wiped. generation_year: what ages are counted back from. min_group >= 1: smaller groups' salaries are not shown. */
void analysis_init(struct analysis *a, int generation_year, uint32_t min_group, uint32_t seed);
/* As groups_copy and groups_wipe. */
void analysis_copy(struct analysis *to, const struct analysis *from);
void analysis_wipe(struct analysis *a);
/* Counts one record. What value_read does not read is missing. Records are to be given
 * in file order, Contoso's first. ERR_FULL: the record is then counted in part and *a is no longer of use. */
MUST_USE enum err analysis_add(struct analysis *a, enum company company, const struct span value[ANALYSIS_FIELDS],
                               struct fault *f);
/* Writes the members of section 4.2 from contoso_count to top_3_favorite_colors into the open object.
 *
 * Salaries of fewer than min_group people are null: a country's average, minimum and maximum (with "suppressed":true, sorted
 * last in order of appearance), a company's average, and the combined average too when one company's would follow from it by
 * subtraction. Counts are always shown. This hides small groups in the figures as listed; it is no proof against somebody
 * who already knows the salaries of all the others, or who compares results of different data sets. */
void analysis_write(const struct analysis *a, struct jw *w, bool with_staff);

/* num/den, whose size must fit an int64_t: the nearest integer, halves to even; or the next one towards zero. den > 0. */
int64_t analysis_round(__int128 num, uint64_t den);
int64_t analysis_truncate(__int128 num, uint64_t den);

#endif
