/* The agreed statistics over both companies' records: pure counting. */
#include "party/query/analysis.h"

#include "base/ct.h"

#include <string.h>

#define TOP_CITIES 3
#define TOP_COLORS 3
/* Upper bounds, not included. */
static const int64_t ranges[ANALYSIS_RANGES] = { 50000, 100000, 150000, 200000, INT64_MAX };

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

static void add_salary(struct salaries *s, enum company c, int64_t v)
{
	if (s->n == 0 || v < s->min)
		s->min = v;
	if (s->n == 0 || v > s->max)
		s->max = v;
	s->sum += v;
	s->n++;
	s->n_of[c]++;
}

static void count_salary(struct analysis *a, enum company c, struct held_salary h)
{
	size_t range = 0;

	add_salary(&a->salary[c], c, h.salary);
	while (range + 1 < ANALYSIS_RANGES && h.salary >= ranges[range])
		range++;
	a->range[c][range]++;
	if (h.country < GROUP_COUNTRIES_MAX) {
		struct salaries *s = &a->by_country[h.country];

		if (s->n == 0)
			s->order = ++a->countries_with_salary;
		add_salary(s, c, h.salary);
	}
}

/* The first ones wait for analysis_close: they may have to stay out. */
static void take_salary(struct analysis *a, enum company c, struct held_salary h)
{
	if (a->n_held[c] < ANALYSIS_HELD && a->n_held[c] + 1 < a->min_group)
		a->held[c][a->n_held[c]++] = h;
	else
		count_salary(a, c, h);
}

static enum err add_label(struct analysis *a, enum group_kind kind, uint32_t parent,
                          struct span label, enum company c, uint32_t *ordinal, struct fault *f)
{
	struct group *g;

	if (!label.n)
		return ERR_OK;
	TRY(groups_add(&a->groups, kind, parent, label, c, &g, f));
	*ordinal = g->ordinal;
	return ERR_OK;
}

enum err analysis_add(struct analysis *a, enum company company, const struct span value[ANALYSIS_FIELDS], struct fault *f)
{
	struct span label[ANALYSIS_FIELDS]; /* empty where there is no value */
	int64_t number[ANALYSIS_FIELDS] = { 0 };
	uint32_t country = GROUP_COUNTRIES_MAX, unused;
	bool readable = false;

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
	TRY(add_label(a, GROUP_COUNTRY, 0, label[ANALYSIS_COUNTRY], company, &country, f));
	if (label[ANALYSIS_SALARY].n)
		take_salary(a, company, (struct held_salary){ number[ANALYSIS_SALARY], country });
	if (label[ANALYSIS_COUNTRY].n) /* a city needs one */
		TRY(add_label(a, GROUP_CITY, country, label[ANALYSIS_CITY], company, &unused, f));
	TRY(add_label(a, GROUP_EYE, 0, label[ANALYSIS_EYE], company, &unused, f));
	return add_label(a, GROUP_COLOR, 0, label[ANALYSIS_COLOR], company, &unused, f);
}

/* --- what may be shown --- */

/* With and without a salary, as suppress_fold counts a cell. */
enum { WITH = COMPANIES, WITHOUT = 2 * COMPANIES };

static uint64_t without_salary(const struct analysis *a, enum company c)
{
	return a->records[c] - a->salary[c].n;
}

bool analysis_shows_salary(const struct analysis *a, enum company c)
{
	return suppress_ok(a->salary[c].n, a->min_group) &&
	       suppress_ok(without_salary(a, c), a->min_group);
}

bool analysis_shows_salaries(const struct analysis *a)
{
	return analysis_shows_salary(a, COMPANY_CONTOSO) &&
	       analysis_shows_salary(a, COMPANY_FABRIKAM);
}

static void settle_salaries(struct analysis *a, enum company c)
{
	uint64_t without = without_salary(a, c) - a->n_held[c];
	uint32_t out = 0;

	if (!suppress_ok(without, a->min_group))
		out = a->min_group - (uint32_t)without;
	for (; out < a->n_held[c]; out++)
		count_salary(a, c, a->held[c][out]);
	a->n_held[c] = 0;
	WIPE(a->held[c]);
}

static struct cell cell_of_two(uint64_t contoso, uint64_t fabrikam)
{
	return (struct cell){ { (uint32_t)contoso, (uint32_t)fabrikam }, false };
}

/* The people of a group, and of a country those with and without a salary where these are shown. */
static struct cell cell_of(const struct analysis *a, const struct group *g)
{
	struct cell cell = { { 0 }, false };

	for (size_t c = 0; c < COMPANIES; c++) {
		cell.part[c] = g->part[c];
		if (g->kind != GROUP_COUNTRY || !analysis_shows_salaries(a))
			continue;
		cell.part[WITH + c] = a->by_country[g->ordinal].n_of[c];
		cell.part[WITHOUT + c] = g->part[c] - cell.part[WITH + c];
	}
	return cell;
}

static struct cell everybody(const struct analysis *a, bool salaries)
{
	struct cell cell = { { 0 }, false };

	for (enum company c = COMPANY_CONTOSO; c < COMPANIES; c++) {
		cell.part[c] = (uint32_t)a->records[c];
		cell.part[WITH + c] = salaries ? (uint32_t)a->salary[c].n : 0;
		cell.part[WITHOUT + c] = salaries ? (uint32_t)without_salary(a, c) : 0;
	}
	return cell;
}

static void subtract(struct cell *from, const struct cell *cell)
{
	for (size_t i = 0; i < SUPPRESS_PARTS; i++)
		from->part[i] -= cell->part[i];
}

/* The groups of one kind and parent, which with those who have no such value are `rest`. Returns
 * how many people are hidden. */
static uint64_t fold_groups(struct analysis *a, enum group_kind kind, uint32_t parent,
                            struct cell rest, bool *no_value)
{
	struct groups *g = &a->groups;
	uint64_t people;
	size_t n = 0;

	for (uint32_t i = 0; i < g->n; i++) {
		if (g->item[i].kind != kind || g->item[i].parent != parent)
			continue;
		a->cell[n] = cell_of(a, &g->item[i]);
		subtract(&rest, &a->cell[n++]);
	}
	a->cell[n++] = rest;
	people = suppress_fold(a->cell, n, a->min_group);
	*no_value = a->cell[n - 1].hidden;
	for (uint32_t i = g->n; i-- > 0;) {
		if (g->item[i].kind != kind || g->item[i].parent != parent)
			continue;
		g->item[i].hidden = a->cell[--n - 1].hidden;
	}
	WIPE_N(a->cell, (g->of_kind[kind] + 1) * sizeof a->cell[0]);
	return people;
}

/* The same of a table in an array of rows. rest: everybody whom it divides; its last cell gets
 * those in no row. */
static uint64_t fold_rows(struct analysis *a, const uint64_t *contoso, const uint64_t *fabrikam,
                          size_t n, struct cell rest, bool *hidden)
{
	uint64_t people;

	for (size_t i = 0; i < n; i++) {
		a->cell[i] = cell_of_two(contoso[i], fabrikam[i]);
		subtract(&rest, &a->cell[i]);
	}
	a->cell[n] = rest;
	people = suppress_fold(a->cell, n + 1, a->min_group);
	for (size_t i = 0; i <= n; i++)
		hidden[i] = a->cell[i].hidden;
	WIPE_N(a->cell, (n + 1) * sizeof a->cell[0]);
	return people;
}

static void fold_ages_and_ranges(struct analysis *a)
{
	struct withheld *h = &a->withheld;
	bool hidden[ANALYSIS_GENERATIONS + 1];
	struct cell paid = cell_of_two(a->salary[COMPANY_CONTOSO].n, a->salary[COMPANY_FABRIKAM].n);

	h->generations = fold_rows(a, a->generation[COMPANY_CONTOSO], a->generation[COMPANY_FABRIKAM],
	                           ANALYSIS_GENERATIONS, everybody(a, false), hidden);
	memcpy(h->generation, hidden, sizeof h->generation);
	h->no_generation = hidden[ANALYSIS_GENERATIONS];
	/* Nobody is in no range: how many have no salary is known, so they are no cell that could
	 * hide another. */
	(void)fold_rows(a, a->range[COMPANY_CONTOSO], a->range[COMPANY_FABRIKAM], ANALYSIS_RANGES, paid,
	                hidden);
	memcpy(h->range, hidden, sizeof h->range);
	if (!analysis_shows_salaries(a))
		memset(h->range, true, sizeof h->range);
}

void analysis_close(struct analysis *a)
{
	struct withheld *h = &a->withheld;
	const struct cell all = everybody(a, false); /* its people are the same after the next step */
	uint32_t top[ANALYSIS_TOP_COUNTRIES];
	bool no_city;
	size_t n;

	for (enum company c = COMPANY_CONTOSO; c < COMPANIES; c++)
		settle_salaries(a, c);
	h->countries = fold_groups(a, GROUP_COUNTRY, 0, everybody(a, analysis_shows_salaries(a)),
	                           &h->no_country);
	h->eyes = fold_groups(a, GROUP_EYE, 0, all, &h->no_eye);
	h->colors = fold_groups(a, GROUP_COLOR, 0, all, &h->no_color);
	fold_ages_and_ranges(a);
	/* Cities are shown of these countries alone, whose own people may be shown. */
	n = groups_top(&a->groups, GROUP_COUNTRY, 0, top, ANALYSIS_TOP_COUNTRIES);
	for (size_t i = 0; i < n; i++) {
		const struct group *g = &a->groups.item[top[i]];

		(void)fold_groups(a, GROUP_CITY, g->ordinal, cell_of_two(g->part[0], g->part[1]), &no_city);
	}
}

uint64_t analysis_unread(const struct analysis *a, enum company c, size_t field)
{
	const struct withheld *h = &a->withheld;
	uint64_t n = a->records[c] - a->values[c].n[field][VALUE_READ];
	/* The number follows from what is shown, or from nothing. Of cities only parts are shown.
	 */
	const bool some[ANALYSIS_FIELDS] = {
		[ANALYSIS_AGE] = h->no_generation, [ANALYSIS_SALARY] = !analysis_shows_salary(a, c),
		[ANALYSIS_EYE] = h->no_eye,        [ANALYSIS_COLOR] = h->no_color,
		[ANALYSIS_CITY] = a->min_group > 1, [ANALYSIS_COUNTRY] = h->no_country,
	};

	if (n && some[field])
		return ANALYSIS_SOME;
	return field == ANALYSIS_SALARY && n ? without_salary(a, c) : n;
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

	write_counted(w, name, label_name, groups_label(&a->groups, g), group_count(g));
}

static void write_countries(const struct analysis *a, struct jw *w)
{
	uint32_t top[ANALYSIS_TOP_COUNTRIES], cities[TOP_CITIES];
	size_t n = groups_top(&a->groups, GROUP_COUNTRY, 0, top, ANALYSIS_TOP_COUNTRIES);

	jw_array(w, "top_10_countries");
	for (size_t i = 0; i < n; i++) {
		const struct group *g = &a->groups.item[top[i]];
		size_t m = groups_top(&a->groups, GROUP_CITY, g->ordinal, cities, TOP_CITIES);

		jw_object(w, NULL);
		jw_span(w, "country", groups_label(&a->groups, g));
		jw_u64(w, "count", group_count(g));
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

		if (n && !a->withheld.generation[i])
			write_counted(w, NULL, "generation", span_str(generations[i].name), n);
	}
	jw_end_array(w);
}

static void write_generations_of(const struct analysis *a, struct jw *w, enum company c)
{
	/* Of those with a generation, or of all where how many have none is not shown. */
	uint64_t all = a->withheld.no_generation ? a->records[c] :
	               a->values[c].n[ANALYSIS_AGE][VALUE_READ];

	jw_array(w, titles[c]);
	for (size_t i = 0; i < ANALYSIS_GENERATIONS; i++) {
		uint64_t n = a->generation[c][i];

		if (!n || a->withheld.generation[i])
			continue;
		jw_object(w, NULL);
		jw_str(w, "generation", generations[i].name);
		jw_u64(w, "count", n);
		jw_fixed(w, "percent", analysis_round((__int128)n * 1000, all), 1);
		jw_end_object(w);
	}
	jw_end_array(w);
}

/* 0 without salaries, as the original has it; with groups withheld it would pass for a figure. */
static void write_average(const struct analysis *a, struct jw *w, const char *name,
                          const struct salaries *s, bool shown)
{
	if (!shown || (s->n == 0 && a->min_group > 1))
		jw_null(w, name);
	else
		jw_i64(w, name, s->n ? analysis_round(s->sum, s->n) : 0);
}

static void write_averages(const struct analysis *a, struct jw *w)
{
	const struct salaries *c = &a->salary[COMPANY_CONTOSO], *f = &a->salary[COMPANY_FABRIKAM];
	struct salaries both = { .sum = c->sum + f->sum, .n = c->n + f->n };

	jw_object(w, "avg_salaries");
	write_average(a, w, titles[COMPANY_CONTOSO], c, analysis_shows_salary(a, COMPANY_CONTOSO));
	write_average(a, w, titles[COMPANY_FABRIKAM], f, analysis_shows_salary(a, COMPANY_FABRIKAM));
	write_average(a, w, "Combined", &both, analysis_shows_salaries(a));
	jw_end_object(w);
}

/* By rounded average (what the original sorts by), ties by first salary. */
static bool goes_before(const struct salaries *x, const struct salaries *y)
{
	int64_t ax = analysis_round(x->sum, x->n), ay = analysis_round(y->sum, y->n);

	return ax != ay ? ax > ay : x->order < y->order;
}

/* Indices in groups.item of the countries whose salaries are shown, sorted. */
static size_t sort_by_salary(const struct analysis *a, uint32_t order[GROUP_COUNTRIES_MAX])
{
	size_t n = 0;

	for (uint32_t i = 0; i < a->groups.n; i++) {
		const struct group *g = &a->groups.item[i];
		size_t at = n;

		if (g->kind != GROUP_COUNTRY || g->hidden || a->by_country[g->ordinal].n == 0)
			continue;
		for (; at > 0; at--) {
			const struct group *before = &a->groups.item[order[at - 1]];

			if (!goes_before(&a->by_country[g->ordinal], &a->by_country[before->ordinal]))
				break;
			order[at] = order[at - 1];
		}
		order[at] = i;
		n++;
	}
	return n;
}

/* One person's salary: only where groups may be of one. */
void analysis_write_extreme(const struct analysis *a, struct jw *w, const char *name,
                            int64_t salary)
{
	if (a->min_group > 1)
		jw_null(w, name);
	else
		jw_i64(w, name, salary);
}

static void write_salaries(const struct analysis *a, struct jw *w)
{
	uint32_t order[GROUP_COUNTRIES_MAX];
	size_t n = analysis_shows_salaries(a) ? sort_by_salary(a, order) : 0;

	jw_array(w, "salary_by_country");
	for (size_t i = 0; i < n; i++) {
		const struct group *g = &a->groups.item[order[i]];
		const struct salaries *s = &a->by_country[g->ordinal];

		jw_object(w, NULL);
		jw_span(w, "country", groups_label(&a->groups, g));
		write_average(a, w, "avg_salary", s, true);
		jw_u64(w, "count", s->n);
		analysis_write_extreme(a, w, "min_salary", s->min);
		analysis_write_extreme(a, w, "max_salary", s->max);
		jw_end_object(w);
	}
	jw_end_array(w);
}

static void write_eyes(const struct analysis *a, struct jw *w)
{
	uint32_t all[GROUP_EYES_MAX];
	size_t n = groups_top(&a->groups, GROUP_EYE, 0, all, GROUP_EYES_MAX);

	jw_object(w, "eye_colors");
	if (n)
		write_group(a, w, "most_common", "color", all[0]);
	else
		write_counted(w, "most_common", "color", SPAN_LIT("N/A"), 0);
	if (n && !a->withheld.eyes)
		write_group(a, w, "least_common", "color", all[n - 1]);
	else
		write_counted(w, "least_common", "color", SPAN_LIT("N/A"), 0);
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

static void write_withheld(const struct analysis *a, struct jw *w)
{
	const struct withheld *h = &a->withheld;
	const struct {
		const char *name;
		uint64_t people;
	} tables[] = {
		{ "countries", h->countries }, { "generations", h->generations },
		{ "eye_colors", h->eyes },     { "favorite_colors", h->colors },
	};

	jw_object(w, "withheld");
	jw_u64(w, "min_group_size", a->min_group);
	for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
		jw_u64(w, tables[i].name, tables[i].people);
	jw_bool(w, "salaries", !analysis_shows_salaries(a));
	jw_end_object(w);
}

/* The reasons divide a number that is shown: those of too few values are left out, and others as
 * long as these follow. */
static void write_reasons(const struct analysis *a, struct jw *w, enum company c, size_t field)
{
	struct cell cell[VALUE_KINDS] = { { { 0 }, false } };

	for (size_t k = VALUE_EMPTY; k < VALUE_KINDS; k++)
		cell[k].part[0] = (uint32_t)a->values[c].n[field][k];
	(void)suppress_fold(cell, VALUE_KINDS, a->min_group);
	jw_object(w, "reasons");
	for (enum value_kind k = VALUE_EMPTY; k < VALUE_KINDS; k++)
		if (cell[k].part[0] && !cell[k].hidden)
			jw_u64(w, value_reason_member(k), cell[k].part[0]);
	jw_end_object(w);
}

static void write_unread(const struct analysis *a, struct jw *w, enum company c, size_t field)
{
	uint64_t n = analysis_unread(a, c, field);

	if (n == 0)
		return;
	jw_object(w, NULL);
	jw_str(w, "company", titles[c]);
	jw_str(w, "column", analysis_fields[field]);
	if (n == ANALYSIS_SOME) {
		jw_null(w, "count");
	} else {
		jw_u64(w, "count", n);
		write_reasons(a, w, c, field);
	}
	jw_end_object(w);
}

void analysis_write_rest(const struct analysis *a, struct jw *w)
{
	bool unread = false;

	if (a->min_group > 1)
		write_withheld(a, w);
	for (enum company c = COMPANY_CONTOSO; c < COMPANIES; c++)
		for (size_t i = 0; i < ANALYSIS_FIELDS; i++)
			unread = unread || analysis_unread(a, c, i);
	if (!unread)
		return;
	jw_array(w, "not_read");
	for (enum company c = COMPANY_CONTOSO; c < COMPANIES; c++)
		for (size_t i = 0; i < ANALYSIS_FIELDS; i++)
			write_unread(a, w, c, i);
	jw_end_array(w);
}
