/* The agreed statistics over both companies' records: pure counting. */
#include "svc/analysis.h"

#include "base/ct.h"

#include <string.h>

#define TOP_COUNTRIES 10
#define TOP_CITIES 3
#define TOP_COLORS 3
static const char *const titles[COMPANIES] = { "Contoso", "Fabrikam" };

/* First birth year of each, multiparty-app.md section 4.1, in the order of that table. */
static const struct {
	const char *name;
	int64_t from;
} generations[ANALYSIS_GENERATIONS] = {
	{ "Gen Alpha", 2013 },       { "Gen Z", 1997 },        { "Millennials", 1981 },
	{ "Gen X", 1965 },           { "Baby Boomers", 1946 }, { "Silent Generation", INT64_MIN },
};

void analysis_init(struct analysis *a, int generation_year, uint32_t min_group, uint32_t seed)
{
	memset(a, 0, offsetof(struct analysis, groups));
	a->generation_year = generation_year;
	a->min_group = min_group;
	groups_init(&a->groups, seed);
}

void analysis_copy(struct analysis *to, const struct analysis *from)
{
	memcpy(to, from, offsetof(struct analysis, groups));
	groups_copy(&to->groups, &from->groups);
}

void analysis_wipe(struct analysis *a)
{
	WIPE_N(a, offsetof(struct analysis, groups));
	groups_wipe(&a->groups);
}

/* Bit by bit: what the compiler would call for 128 bits is in a library of its own, and the program does without that. */
static uint64_t divide(unsigned __int128 n, uint64_t den, unsigned __int128 *rest)
{
	uint64_t q = 0;

	*rest = 0;
	for (int i = 127; i >= 0; i--) {
		*rest = *rest << 1 | (n >> i & 1);
		q <<= 1;
		if (*rest >= den) {
			*rest -= den;
			q |= 1;
		}
	}
	return q;
}

static int64_t signed_quotient(__int128 num, uint64_t den, bool nearest)
{
	bool negative = num < 0;
	unsigned __int128 rest;
	uint64_t q = divide(negative ? -(unsigned __int128)num : (unsigned __int128)num, den, &rest);

	if (nearest && (2 * rest > den || (2 * rest == den && (q & 1))))
		q++;
	return (int64_t)(negative ? 0 - q : q);
}

int64_t analysis_round(__int128 num, uint64_t den)
{
	return signed_quotient(num, den, true);
}

int64_t analysis_truncate(__int128 num, uint64_t den)
{
	return signed_quotient(num, den, false);
}

static size_t generation_of(const struct analysis *a, int64_t age)
{
	int64_t born = a->generation_year - age;
	size_t i = 0;

	while (born < generations[i].from)
		i++;
	return i;
}

static void add_salary(struct salaries *s, int64_t v)
{
	if (s->n == 0 || v < s->min)
		s->min = v;
	if (s->n == 0 || v > s->max)
		s->max = v;
	s->sum += v;
	s->n++;
}

static enum err add_place(struct analysis *a, struct span country, struct span city, bool paid, int64_t salary, struct fault *f)
{
	struct group *g;
	struct salaries *s;
	enum err e;

	if (!country.n)
		return ERR_OK;
	e = groups_add(&a->groups, GROUP_COUNTRY, 0, country, &g, f);
	if (e)
		return e;
	if (paid) {
		s = &a->by_country[g->ordinal];
		if (s->n == 0)
			s->order = ++a->countries_with_salary;
		add_salary(s, salary);
	}
	return city.n ? groups_add(&a->groups, GROUP_CITY, g->ordinal, city, NULL, f) : ERR_OK;
}

enum err analysis_add(struct analysis *a, enum company company, const struct span value[ANALYSIS_FIELDS], struct fault *f)
{
	struct span label[ANALYSIS_FIELDS]; /* empty where there is no value */
	int64_t number[ANALYSIS_FIELDS] = { 0 };
	bool readable = false;
	enum err e;

	for (size_t i = 0; i < ANALYSIS_FIELDS; i++) {
		enum value_kind kind = value_read(i, value[i], &number[i]);

		a->values[company].n[i][kind]++;
		label[i] = kind == VALUE_READ ? value[i] : span_of(NULL, 0);
		readable |= kind != VALUE_EMPTY;
	}
	a->records[company]++;
	a->readable += readable;
	if (label[ANALYSIS_AGE].n)
		a->generation[company][generation_of(a, number[ANALYSIS_AGE])]++;
	if (label[ANALYSIS_SALARY].n)
		add_salary(&a->salary[company], number[ANALYSIS_SALARY]);
	e = add_place(a, label[ANALYSIS_COUNTRY], label[ANALYSIS_CITY], label[ANALYSIS_SALARY].n != 0, number[ANALYSIS_SALARY], f);
	if (!e && label[ANALYSIS_EYE].n)
		e = groups_add(&a->groups, GROUP_EYE, 0, label[ANALYSIS_EYE], NULL, f);
	if (!e && label[ANALYSIS_COLOR].n)
		e = groups_add(&a->groups, GROUP_COLOR, 0, label[ANALYSIS_COLOR], NULL, f);
	return e;
}

/* --- writing --- */

static void write_counted(struct jw *w, const char *name, const char *label_name, struct span label, uint64_t count)
{
	jw_object(w, name);
	jw_span(w, label_name, label);
	jw_u64(w, "count", count);
	jw_end_object(w);
}

static void write_group(const struct analysis *a, struct jw *w, const char *name, const char *label_name, uint32_t index)
{
	const struct group *g = &a->groups.item[index];

	write_counted(w, name, label_name, groups_label(&a->groups, g), g->count);
}

static void write_countries(const struct analysis *a, struct jw *w)
{
	uint32_t top[TOP_COUNTRIES], cities[TOP_CITIES];
	size_t n = groups_top(&a->groups, GROUP_COUNTRY, 0, top, TOP_COUNTRIES);

	jw_array(w, "top_10_countries");
	for (size_t i = 0; i < n; i++) {
		const struct group *g = &a->groups.item[top[i]];
		size_t m = groups_top(&a->groups, GROUP_CITY, g->ordinal, cities, TOP_CITIES);

		jw_object(w, NULL);
		jw_span(w, "country", groups_label(&a->groups, g));
		jw_u64(w, "count", g->count);
		jw_array(w, "top_cities");
		for (size_t k = 0; k < m; k++)
			write_group(a, w, NULL, "city", cities[k]);
		jw_end_array(w);
		jw_end_object(w);
	}
	jw_end_array(w);
}

static void write_generations(const struct analysis *a, struct jw *w)
{
	jw_array(w, "generations");
	for (size_t i = 0; i < ANALYSIS_GENERATIONS; i++) {
		uint64_t n = a->generation[COMPANY_CONTOSO][i] + a->generation[COMPANY_FABRIKAM][i];

		if (n)
			write_counted(w, NULL, "generation", span_str(generations[i].name), n);
	}
	jw_end_array(w);
}

static void write_generations_of(const struct analysis *a, struct jw *w, enum company c)
{
	uint64_t all = 0;

	for (size_t i = 0; i < ANALYSIS_GENERATIONS; i++)
		all += a->generation[c][i];
	jw_array(w, titles[c]);
	for (size_t i = 0; i < ANALYSIS_GENERATIONS; i++) {
		uint64_t n = a->generation[c][i];

		if (!n)
			continue;
		jw_object(w, NULL);
		jw_str(w, "generation", generations[i].name);
		jw_u64(w, "count", n);
		jw_fixed(w, "percent", analysis_round((__int128)n * 1000, all), 1);
		jw_end_object(w);
	}
	jw_end_array(w);
}

static void write_average(struct jw *w, const char *name, const struct salaries *s, bool hide)
{
	if (hide)
		jw_null(w, name);
	else
		jw_i64(w, name, s->n ? analysis_round(s->sum, s->n) : 0);
}

static bool too_few(const struct analysis *a, const struct salaries *s)
{
	return s->n != 0 && s->n < a->min_group;
}

static void write_averages(const struct analysis *a, struct jw *w)
{
	const struct salaries *c = &a->salary[COMPANY_CONTOSO], *f = &a->salary[COMPANY_FABRIKAM];
	struct salaries both = { c->sum + f->sum, c->n + f->n, 0, 0, 0 };
	bool hide_c = too_few(a, c), hide_f = too_few(a, f);

	jw_object(w, "avg_salaries");
	write_average(w, titles[COMPANY_CONTOSO], c, hide_c);
	write_average(w, titles[COMPANY_FABRIKAM], f, hide_f);
	/* With one of them hidden and the other shown, the combined mean would give the hidden one away. */
	write_average(w, "Combined", &both, too_few(a, &both) || hide_c != hide_f);
	jw_end_object(w);
}

/* Shown before hidden; shown ones by rounded average (what the original sorts by), ties and hidden ones by first salary. */
static bool goes_before(const struct analysis *a, const struct salaries *x, const struct salaries *y)
{
	bool hide_x = too_few(a, x), hide_y = too_few(a, y);

	if (hide_x != hide_y)
		return hide_y;
	if (!hide_x) {
		int64_t ax = analysis_round(x->sum, x->n), ay = analysis_round(y->sum, y->n);

		if (ax != ay)
			return ax > ay;
	}
	return x->order < y->order;
}

/* Indices in groups.item of the countries with salaries, sorted. */
static size_t sort_by_salary(const struct analysis *a, uint32_t order[GROUP_COUNTRIES_MAX])
{
	size_t n = 0;

	for (uint32_t i = 0; i < a->groups.n; i++) {
		const struct group *g = &a->groups.item[i];
		size_t at = n;

		if (g->kind != GROUP_COUNTRY || a->by_country[g->ordinal].n == 0)
			continue;
		for (; at > 0; at--) {
			const struct group *before = &a->groups.item[order[at - 1]];

			if (!goes_before(a, &a->by_country[g->ordinal], &a->by_country[before->ordinal]))
				break;
			order[at] = order[at - 1];
		}
		order[at] = i;
		n++;
	}
	return n;
}

static void write_salaries(const struct analysis *a, struct jw *w)
{
	uint32_t order[GROUP_COUNTRIES_MAX];
	size_t n = sort_by_salary(a, order);

	jw_array(w, "salary_by_country");
	for (size_t i = 0; i < n; i++) {
		const struct group *g = &a->groups.item[order[i]];
		const struct salaries *s = &a->by_country[g->ordinal];
		bool hide = too_few(a, s);

		jw_object(w, NULL);
		jw_span(w, "country", groups_label(&a->groups, g));
		write_average(w, "avg_salary", s, hide);
		jw_u64(w, "count", s->n);
		if (hide) {
			jw_null(w, "min_salary");
			jw_null(w, "max_salary");
			jw_bool(w, "suppressed", true);
		} else {
			jw_i64(w, "min_salary", s->min);
			jw_i64(w, "max_salary", s->max);
		}
		jw_end_object(w);
	}
	jw_end_array(w);
}

static void write_eyes(const struct analysis *a, struct jw *w)
{
	uint32_t all[GROUP_EYES_MAX];
	size_t n = groups_top(&a->groups, GROUP_EYE, 0, all, GROUP_EYES_MAX);

	jw_object(w, "eye_colors");
	if (n) {
		write_group(a, w, "most_common", "color", all[0]);
		write_group(a, w, "least_common", "color", all[n - 1]);
	} else {
		write_counted(w, "most_common", "color", SPAN_LIT("N/A"), 0);
		write_counted(w, "least_common", "color", SPAN_LIT("N/A"), 0);
	}
	jw_array(w, "all");
	for (size_t i = 0; i < n; i++)
		write_group(a, w, NULL, "color", all[i]);
	jw_end_array(w);
	jw_end_object(w);
}

static void write_colors(const struct analysis *a, struct jw *w)
{
	uint32_t top[TOP_COLORS];
	size_t n = groups_top(&a->groups, GROUP_COLOR, 0, top, TOP_COLORS);

	jw_array(w, "top_3_favorite_colors");
	for (size_t i = 0; i < n; i++)
		write_group(a, w, NULL, "color", top[i]);
	jw_end_array(w);
}

void analysis_write(const struct analysis *a, struct jw *w, bool with_staff)
{
	uint64_t contoso = a->records[COMPANY_CONTOSO], fabrikam = a->records[COMPANY_FABRIKAM];

	jw_u64(w, "contoso_count", contoso);
	jw_u64(w, "fabrikam_count", fabrikam);
	jw_u64(w, "total_count", contoso + fabrikam);
	write_countries(a, w);
	write_generations(a, w);
	jw_object(w, "generations_by_company");
	write_generations_of(a, w, COMPANY_CONTOSO);
	write_generations_of(a, w, COMPANY_FABRIKAM);
	jw_end_object(w);
	if (with_staff) {
		jw_object(w, "company_staff");
		jw_u64(w, titles[COMPANY_CONTOSO], contoso);
		jw_u64(w, titles[COMPANY_FABRIKAM], fabrikam);
		jw_u64(w, "Total", contoso + fabrikam);
		jw_end_object(w);
	}
	write_averages(a, w);
	write_salaries(a, w);
	write_eyes(a, w);
	write_colors(a, w);
}
