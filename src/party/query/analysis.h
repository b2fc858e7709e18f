/* The agreed statistics over both companies' records: pure counting (multiparty-app.md section 4). */
#ifndef PARTY_QUERY_ANALYSIS_H
#define PARTY_QUERY_ANALYSIS_H

#include "text/json_write.h"
#include "party/query/groups.h"
#include "party/query/suppress.h"
#include "party/query/values.h"

enum company { COMPANY_CONTOSO, COMPANY_FABRIKAM, COMPANIES };
_Static_assert(COMPANIES == GROUP_PARTS && 3 * COMPANIES == SUPPRESS_PARTS,
               "a part for each company");
#define ANALYSIS_GENERATIONS 6
#define ANALYSIS_RANGES 5 /* of salaries, from the lowest */
#define ANALYSIS_HELD 64
#define ANALYSIS_TOP_COUNTRIES 10

struct salaries {
	__int128 sum;
	uint64_t n;
	uint32_t n_of[COMPANIES];
	int64_t min, max;
	uint32_t order; /* of the first salary among all countries, from 1 */
};

/* The first salaries of a company, which may have to be left out. */
struct held_salary {
	int64_t salary;
	uint32_t country; /* ordinal, or GROUP_COUNTRIES_MAX */
};

/* What analysis_close decided. People in groups that are not shown, and whether those without a
 * value are among them. */
struct withheld {
	uint64_t countries, generations, eyes, colors;
	bool no_country, no_generation, no_eye, no_color;
	bool generation[ANALYSIS_GENERATIONS], range[ANALYSIS_RANGES];
};

/* Counters and tables, about 3.2 MiB, no pointers. Holds partners' data in aggregated form: wiped
 * by the owner. */
struct analysis {
	int generation_year;
	uint32_t min_group;
	uint64_t records[COMPANIES];
	struct value_counts values[COMPANIES];
	uint64_t readable;                                   /* records with at least one value */
	uint64_t generation[COMPANIES][ANALYSIS_GENERATIONS];
	uint64_t range[COMPANIES][ANALYSIS_RANGES];
	struct salaries salary[COMPANIES];
	struct salaries by_country[GROUP_COUNTRIES_MAX];     /* by ordinal of the country */
	uint32_t countries_with_salary;
	struct held_salary held[COMPANIES][ANALYSIS_HELD];
	uint32_t n_held[COMPANIES];
	struct withheld withheld;
	struct groups groups;
	/* Only while analysis_close works: zero before and after. */
	struct cell cell[GROUP_CITIES_MAX + 1];
};

/* *a is zeroed or wiped. generation_year: what ages are counted back from. min_group >= 1: the
 * smallest group that is shown. */
void analysis_init(struct analysis *a, int generation_year, uint32_t min_group, uint32_t seed);
/* As groups_copy and groups_wipe. */
void analysis_copy(struct analysis *to, const struct analysis *from);
void analysis_wipe(struct analysis *a);
/* Counts one record. What value_read does not read is missing. Records are to be given
 * in file order, Contoso's first. ERR_FULL: the record is then counted in part and *a is no longer of use. */
MUST_USE enum err analysis_add(struct analysis *a, enum company company, const struct span value[ANALYSIS_FIELDS],
                               struct fault *f);

/* Once, after the last record: decides what may be shown, in every form of the answer. Both forms
 * show the same records.
 *
 * The known totals are each company's records (anybody can list them). Each table (countries,
 * cities of a country, generations, eye and favorite colors, salary ranges) divides them, people
 * without the value being a group too; party/query/suppress.h decides which groups are shown, and what is
 * not shown has neither name nor figure. A country counts three times: its people, those with a
 * salary, those without one; so no difference of these is small either.
 *
 * Salaries of a company are shown if those with one and those without may be. Fewer than min_group
 * without one are therefore filled up: the first salaries of the company are left out as well, so
 * that exactly min_group are without. With more than ANALYSIS_HELD to fill up, its salaries are not
 * shown. A combined average and salaries by country or range need both companies. No minimum or
 * maximum is shown: that is one person's salary. With min_group 1 everything is shown, as
 * multiparty-app.md 4.2 has it.
 *
 * That holds against subtraction in one answer by a reader who knows one company's records. It is
 * no proof against answers over changing data, nor against somebody who knows records of both. */
void analysis_close(struct analysis *a);
/* After analysis_close. Whether a company's salaries are shown; of both. */
bool analysis_shows_salary(const struct analysis *a, enum company c);
bool analysis_shows_salaries(const struct analysis *a);
/* How many of a company's values in a column are not read: 0, ANALYSIS_SOME where the number may
 * not be told, or the number. */
#define ANALYSIS_SOME UINT64_MAX
uint64_t analysis_unread(const struct analysis *a, enum company c, size_t field);
/* Writes the members of section 4.2 from contoso_count to top_3_favorite_colors into the open
 * object. Averages that are not shown are null, other groups absent; least_common is N/A when it
 * may be one that is not shown. */
void analysis_write(const struct analysis *a, struct jw *w, bool with_staff);
/* A lowest or highest salary: null with min_group above 1. */
void analysis_write_extreme(const struct analysis *a, struct jw *w, const char *name,
                            int64_t salary);
/* Members of all forms: "withheld", with min_group above 1: people in groups that are not shown.
 * "not_read", if there are any: values by company, column and reason. */
void analysis_write_rest(const struct analysis *a, struct jw *w);

/* num/den, whose size must fit an int64_t: the nearest integer, halves to even; or the next one towards zero. den > 0. */
int64_t analysis_round(__int128 num, uint64_t den);
int64_t analysis_truncate(__int128 num, uint64_t den);

#endif
