/* An attacker with both forms of one answer and one company's own records, who subtracts everything
 * from everything.
 *
 * Each figure is a sum over the people of some group. What the attacker can compute of the other
 * company is every linear combination of these sums; so a group is found out if it is such a
 * combination. Groups are functions on all kinds of person there could be; two combinations are
 * equal if they agree on enough random kinds. */
#include "t.h"

#include <cjson/cJSON.h>

#include "party/query/analysis.h"
#include "party/query/demographics.h"

enum { COUNTRIES = 5, CITIES = 3, GENERATIONS = 4, EYES = 4, COLORS = 5, REASONS = 3, PEOPLE = 150, POINTS = 160, ALL_POINTS = 1500, FACTS = 400 };
#define PRIME 2147483647u

/* The last category of each is to have none; ages and salaries have one for each reason. */
struct person {
	int country, city, age, eye, color, pay;
	bool out; /* a salary that is left out to fill up others without one */
};
static const char *const ages[GENERATIONS + REASONS] = { "20", "35", "50", "70", "", "0", "x" };
static const char *const generation_name[GENERATIONS] = { "Gen Z", "Millennials", "Gen X", "Baby Boomers" };
static const char *const generation_longer[GENERATIONS] = { "Gen Z (14-29)", "Millennials (30-45)", "Gen X (46-61)", "Baby Boomers (62-80)" };
static const char *const range_name[ANALYSIS_RANGES] = { "Under $50K", "$50K-$100K", "$100K-$150K", "$150K-$200K", "Over $200K" };
static const char *const reason_name[REASONS] = { "empty", "zero", "not_a_whole_number" };

enum attribute { EVERYBODY, COUNTRY, CITY, AGE, EYE, COLOR, PAID, COUNTRY_PAID, COUNTRY_UNPAID, UNPAID, REASON };
struct group_of {
	enum attribute attribute;
	unsigned mask; /* of its categories */
	int country;   /* of a city */
};

static struct analysis a;
static struct person person[COMPANIES][PEOPLE], point[ALL_POINTS];
static int people[COMPANIES];
static uint8_t text[262144];

/* What one company's figures are: groups whose number is known, groups whose sum of salaries is. */
static struct known {
	struct group_of group[FACTS];
	size_t n;
} counts, sums;
static uint32_t row[FACTS][POINTS];
static size_t lead[FACTS];

static bool is_paid(const struct person *p)
{
	return p->pay < ANALYSIS_RANGES && !p->out;
}

static bool in_group(const struct group_of *g, const struct person *p)
{
	switch (g->attribute) {
	case EVERYBODY: return true;
	case COUNTRY: return g->mask >> p->country & 1;
	case CITY: return p->country == g->country && (g->mask >> p->city & 1);
	case AGE: return g->mask >> p->age & 1;
	case EYE: return g->mask >> p->eye & 1;
	case COLOR: return g->mask >> p->color & 1;
	case PAID: return is_paid(p) && (g->mask >> p->pay & 1);
	case COUNTRY_PAID: return is_paid(p) && (g->mask >> p->country & 1);
	case COUNTRY_UNPAID: return !is_paid(p) && (g->mask >> p->country & 1);
	case UNPAID: return !is_paid(p);
	case REASON: return p->pay >= ANALYSIS_RANGES && (g->mask >> (p->pay - ANALYSIS_RANGES) & 1);
	}
	return false;
}

static unsigned count_of(enum company c, const struct group_of *g)
{
	unsigned n = 0;

	for (int i = 0; i < people[c]; i++)
		n += in_group(g, &person[c][i]);
	return n;
}

/* --- data --- */

static int any(int categories)
{
	return (int)(t_random() % (uint64_t)categories);
}

/* Small numbers are likelier, so that some categories have few people. */
static int skewed(int categories)
{
	int x = any(categories), y = any(categories);

	return x < y ? x : y;
}

static struct person any_person(void)
{
	struct person p = { .country = skewed(COUNTRIES + 1), .city = skewed(CITIES + 1), .age = skewed(GENERATIONS + REASONS),
		            .eye = skewed(EYES + 1), .color = skewed(COLORS + 1), .pay = skewed(ANALYSIS_RANGES) };

	if (any(30) == 0)
		p.pay = ANALYSIS_RANGES + any(REASONS);
	if (any(4))
		p.age %= GENERATIONS;
	return p;
}

/* Every kind of person is as likely. */
static struct person any_point(void)
{
	struct person p = { .country = any(COUNTRIES + 1), .city = any(CITIES + 1), .age = any(GENERATIONS + REASONS), .eye = any(EYES + 1),
		            .color = any(COLORS + 1), .pay = any(ANALYSIS_RANGES + REASONS) };

	p.out = p.pay < ANALYSIS_RANGES && any(3) == 0;
	return p;
}

static void add_person(enum company c, const struct person *p)
{
	char salary[32], country[8], city[8], eye[8], color[8];
	static const char *const unread[REASONS] = { " ", "0", "85,000" };
	struct fault f;

	snprintf(salary, sizeof salary, "%d", 10000 + 50000 * p->pay + (int)(t_random() % 30000));
	snprintf(country, sizeof country, "C%d", p->country);
	snprintf(city, sizeof city, "T%d", p->city);
	snprintf(eye, sizeof eye, "E%d", p->eye);
	snprintf(color, sizeof color, "F%d", p->color);
	const struct span v[ANALYSIS_FIELDS] = {
		[ANALYSIS_AGE] = span_str(ages[p->age]),
		[ANALYSIS_SALARY] = span_str(p->pay < ANALYSIS_RANGES ? salary : unread[p->pay - ANALYSIS_RANGES]),
		[ANALYSIS_EYE] = span_str(p->eye < EYES ? eye : ""),
		[ANALYSIS_COLOR] = span_str(p->color < COLORS ? color : ""),
		[ANALYSIS_CITY] = span_str(p->city < CITIES ? city : ""),
		[ANALYSIS_COUNTRY] = span_str(p->country < COUNTRIES ? country : ""),
	};
	assert_int_equal(analysis_add(&a, c, v, &f), ERR_OK);
}

/* Fewer than min without a salary are filled up with the first who have one. */
static void leave_out(enum company c, unsigned min)
{
	const struct group_of unread = { REASON, 7, 0 };
	unsigned without = count_of(c, &unread);

	for (int i = 0; i < people[c] && without > 0 && without < min; i++) {
		person[c][i].out = person[c][i].pay < ANALYSIS_RANGES;
		without += person[c][i].out;
	}
}

static void make_data(unsigned min)
{
	analysis_init(&a, 2026, min, 7);
	for (enum company c = COMPANY_CONTOSO; c < COMPANIES; c++) {
		bool no_salaries = t_random() % 8 == 0, all_paid = t_random() % 2;

		people[c] = (int)(t_random() % 5 ? 20 + t_random() % (PEOPLE - 20) : t_random() % 12);
		for (int i = 0; i < people[c]; i++) {
			person[c][i] = any_person();
			if (no_salaries)
				person[c][i].pay = ANALYSIS_RANGES;
			else if (all_paid)
				person[c][i].pay %= ANALYSIS_RANGES;
			add_person(c, &person[c][i]);
		}
		leave_out(c, min);
	}
	analysis_close(&a);
}

/* --- reading the answers --- */

static enum company other; /* whom the attacker does not know */

static void know(struct known *k, struct group_of g)
{
	assert_true(k->n < FACTS);
	k->group[k->n++] = g;
}

/* A figure over both companies. Also that the model of this test is right: it is the sum of both
 * parts; and each may be shown. */
static void figure(const cJSON *value, struct group_of g)
{
	unsigned own = count_of(!other, &g), theirs = count_of(other, &g);

	if (!cJSON_IsNumber(value) || (unsigned)value->valueint != own + theirs)
		fail_msg("attribute %d mask %x: %d shown, %u + %u", g.attribute, g.mask, value ? value->valueint : -1, own, theirs);
	if (a.min_group > 1)
		assert_true(suppress_ok(own, a.min_group) && suppress_ok(theirs, a.min_group));
	know(&counts, g);
}

/* A figure of one company: it tells the attacker something if it is the other. */
static void figure_of(enum company c, const cJSON *value, struct group_of g)
{
	if (!cJSON_IsNumber(value) || (unsigned)value->valueint != count_of(c, &g))
		fail_msg("attribute %d mask %x: %d shown, %u", g.attribute, g.mask, value ? value->valueint : -1, count_of(c, &g));
	if (c == other)
		know(&counts, g);
}

static const cJSON *get(const cJSON *o, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(o, name);
}

static const char *const titles[COMPANIES] = { "Contoso", "Fabrikam" }, *const names[COMPANIES] = { "contoso", "fabrikam" };

static int number_in(const cJSON *o, const char *member)
{
	return atoi(get(o, member)->valuestring + 1);
}

static int index_of(const char *name, const char *const *list, int n)
{
	int i = 0;

	while (i < n && strcmp(name, list[i]))
		i++;
	assert_true(i < n);
	return i;
}

static void read_countries(const cJSON *r)
{
	const cJSON *o, *city;

	cJSON_ArrayForEach(o, get(r, "top_10_countries")) {
		int country = number_in(o, "country");

		figure(get(o, "count"), (struct group_of){ COUNTRY, 1u << country, 0 });
		cJSON_ArrayForEach(city, get(o, "top_cities"))
			figure(get(city, "count"), (struct group_of){ CITY, 1u << number_in(city, "city"), country });
	}
	cJSON_ArrayForEach(o, get(r, "salary_by_country")) {
		struct group_of g = { COUNTRY_PAID, 1u << number_in(o, "country"), 0 };

		figure(get(o, "count"), g);
		know(&sums, g);
		if (a.min_group > 1)
			assert_true(cJSON_IsNull(get(o, "min_salary")) && cJSON_IsNull(get(o, "max_salary")));
	}
}

static void read_colors(const cJSON *r)
{
	const cJSON *o, *eyes = get(r, "eye_colors");

	cJSON_ArrayForEach(o, get(eyes, "all"))
		figure(get(o, "count"), (struct group_of){ EYE, 1u << number_in(o, "color"), 0 });
	cJSON_ArrayForEach(o, eyes)
		if (cJSON_IsObject(o) && get(o, "count")->valueint)
			figure(get(o, "count"), (struct group_of){ EYE, 1u << number_in(o, "color"), 0 });
	cJSON_ArrayForEach(o, get(r, "top_3_favorite_colors"))
		figure(get(o, "count"), (struct group_of){ COLOR, 1u << number_in(o, "color"), 0 });
}

/* What count a percentage is of: of all, or of those with an age. */
static void read_percent(enum company c, int count, double percent)
{
	const struct group_of aged = { AGE, (1u << GENERATIONS) - 1, 0 };
	char of_all[32], of_aged[32], shown[32];

	snprintf(shown, sizeof shown, "%.1f", percent);
	snprintf(of_all, sizeof of_all, "%.1f", 0.1 * (double)analysis_round((__int128)count * 1000, (uint64_t)people[c]));
	snprintf(of_aged, sizeof of_aged, "%.1f", 0.1 * (double)analysis_round((__int128)count * 1000, count_of(c, &aged)));
	assert_true(!strcmp(shown, of_all) || !strcmp(shown, of_aged));
	if (strcmp(shown, of_all) && c == other)
		know(&counts, aged);
}

static void read_ages(const cJSON *r)
{
	const cJSON *o;

	cJSON_ArrayForEach(o, get(r, "generations"))
		figure(get(o, "count"), (struct group_of){ AGE, 1u << index_of(get(o, "generation")->valuestring, generation_name, GENERATIONS), 0 });
	for (enum company c = COMPANY_CONTOSO; c < COMPANIES; c++) {
		cJSON_ArrayForEach(o, get(get(r, "generations_by_company"), titles[c])) {
			figure_of(c, get(o, "count"), (struct group_of){ AGE, 1u << index_of(get(o, "generation")->valuestring, generation_name, GENERATIONS), 0 });
			read_percent(c, get(o, "count")->valueint, get(o, "percent")->valuedouble);
		}
	}
}

static void read_unread(const cJSON *r)
{
	static const struct group_of none[ANALYSIS_FIELDS] = {
		[ANALYSIS_AGE] = { AGE, 7u << GENERATIONS, 0 },     [ANALYSIS_SALARY] = { UNPAID, 0, 0 },         [ANALYSIS_EYE] = { EYE, 1u << EYES, 0 },
		[ANALYSIS_COLOR] = { COLOR, 1u << COLORS, 0 }, [ANALYSIS_COUNTRY] = { COUNTRY, 1u << COUNTRIES, 0 },
	};
	const cJSON *o, *reason;

	cJSON_ArrayForEach(o, get(r, "not_read")) {
		enum company c = (enum company)index_of(get(o, "company")->valuestring, titles, COMPANIES);
		int field = index_of(get(o, "column")->valuestring, analysis_fields, ANALYSIS_FIELDS);

		if (field == ANALYSIS_CITY) { /* of these the number is never told */
			assert_true(a.min_group == 1 || cJSON_IsNull(get(o, "count")));
			continue;
		}
		if (cJSON_IsNull(get(o, "count")))
			continue;
		figure_of(c, get(o, "count"), none[field]);
		cJSON_ArrayForEach(reason, get(o, "reasons")) {
			int i = index_of(reason->string, reason_name, REASONS);

			if (field == ANALYSIS_AGE)
				figure_of(c, reason, (struct group_of){ AGE, 1u << (GENERATIONS + i), 0 });
			if (field == ANALYSIS_SALARY)
				figure_of(c, reason, (struct group_of){ REASON, 1u << i, 0 });
		}
	}
}

/* People in groups that are not shown, in the table whose shown groups the counts from `from` are.
 */
static void read_withheld(const cJSON *r, const char *table, enum attribute attribute, unsigned categories, unsigned none, bool none_hidden)
{
	unsigned shown = none_hidden ? 0 : none;
	struct group_of g;

	if (!get(r, "withheld"))
		return;
	for (size_t i = 0; i < counts.n; i++)
		if (counts.group[i].attribute == attribute && !(counts.group[i].mask & none) && !(counts.group[i].mask & (counts.group[i].mask - 1)))
			shown |= counts.group[i].mask;
	if (attribute == COLOR) /* three are listed of those that may be */
		return;
	g = (struct group_of){ attribute, ~shown & (categories | none), 0 };
	if (count_of(COMPANY_CONTOSO, &g) < (unsigned)people[COMPANY_CONTOSO] || count_of(COMPANY_FABRIKAM, &g) < (unsigned)people[COMPANY_FABRIKAM])
		figure(get(get(r, "withheld"), table), g); /* else everybody: how many there are is public */
}

static void read_older(const cJSON *r)
{
	const struct group_of paid = { PAID, (1u << ANALYSIS_RANGES) - 1, 0 };
	const cJSON *o;

	for (unsigned i = 0; i < GENERATIONS; i++)
		if (cJSON_IsNumber(o = get(get(r, "generations"), generation_longer[i])))
			figure(o, (struct group_of){ AGE, 1u << i, 0 });
	for (unsigned i = 0; i < ANALYSIS_RANGES; i++)
		if (cJSON_IsNumber(o = get(get(r, "salary_ranges"), range_name[i])))
			figure(o, (struct group_of){ PAID, 1u << i, 0 });
	cJSON_ArrayForEach(o, get(r, "top_countries"))
		figure(o, (struct group_of){ COUNTRY, 1u << atoi(o->string + 1), 0 });
	cJSON_ArrayForEach(o, get(r, "top_eye_colors"))
		figure(o, (struct group_of){ EYE, 1u << atoi(o->string + 1), 0 });
	cJSON_ArrayForEach(o, get(r, "top_favorite_colors"))
		figure(o, (struct group_of){ COLOR, 1u << atoi(o->string + 1), 0 });
	for (enum company c = COMPANY_CONTOSO; c < COMPANIES; c++) {
		const cJSON *s = get(get(r, "salary_comparison"), names[c]);

		if (cJSON_IsNull(get(s, "count"))) {
			assert_true(cJSON_IsNull(get(s, "avg")));
			continue;
		}
		figure_of(c, get(s, "count"), paid);
		if (c == other)
			know(&sums, paid);
		if (a.min_group > 1)
			assert_true(cJSON_IsNull(get(s, "min")) && cJSON_IsNull(get(s, "max")));
	}
}

static void read_answers(void)
{
	const struct group_of paid = { PAID, (1u << ANALYSIS_RANGES) - 1, 0 };
	struct out o = out_init(text, sizeof text);
	struct jw w = jw_init(&o);
	const struct withheld *h = &a.withheld;
	cJSON *r;

	counts.n = sums.n = 0;
	jw_object(&w, NULL);
	analysis_write(&a, &w, true);
	analysis_write_rest(&a, &w);
	demographics_write(&a, &w);
	jw_end_object(&w);
	assert_false(o.bad);
	r = cJSON_ParseWithLength((const char *)text, o.n);
	assert_non_null(r);
	figure_of(COMPANY_CONTOSO, get(r, "contoso_count"), (struct group_of){ EVERYBODY, 0, 0 });
	figure_of(COMPANY_FABRIKAM, get(r, "fabrikam_count"), (struct group_of){ EVERYBODY, 0, 0 });
	read_countries(r);
	read_ages(r);
	read_colors(r);
	/* The number that this average is of is the older form's count. */
	if (cJSON_IsNumber(get(get(r, "avg_salaries"), titles[other])))
		know(&sums, paid);
	assert_true(!cJSON_IsNumber(get(get(r, "avg_salaries"), "Combined")) || analysis_shows_salaries(&a));
	read_unread(r);
	if (get(r, "combined_analytics") && get(get(r, "combined_analytics"), "total_records"))
		read_older(get(r, "combined_analytics"));
	read_withheld(r, "countries", COUNTRY, (1u << COUNTRIES) - 1, 1u << COUNTRIES, h->no_country);
	read_withheld(r, "generations", AGE, (1u << GENERATIONS) - 1, 7u << GENERATIONS, h->no_generation);
	read_withheld(r, "eye_colors", EYE, (1u << EYES) - 1, 1u << EYES, h->no_eye);
	cJSON_Delete(r);
}

/* --- subtracting everything from everything --- */

static uint32_t inverse(uint32_t x)
{
	uint64_t r = 1, b = x;

	for (uint32_t e = PRIME - 2; e; e >>= 1, b = b * b % PRIME)
		if (e & 1)
			r = r * b % PRIME;
	return (uint32_t)r;
}

static void vector_of(const struct group_of *g, uint32_t v[POINTS])
{
	for (size_t i = 0; i < POINTS; i++)
		v[i] = in_group(g, &point[i]);
}

/* Takes from v what the first n rows can make of it. False: nothing is left. */
static bool reduce(uint32_t v[POINTS], size_t n, size_t *first)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t by = v[lead[i]];

		for (size_t k = 0; by && k < POINTS; k++)
			v[k] = (uint32_t)((v[k] + (PRIME - by) * row[i][k]) % PRIME);
	}
	for (*first = 0; *first < POINTS; ++*first)
		if (v[*first])
			return true;
	return false;
}

static size_t solve(const struct known *k)
{
	size_t n = 0;

	for (size_t i = 0; i < k->n; i++) {
		vector_of(&k->group[i], row[n]);
		if (!reduce(row[n], n, &lead[n]))
			continue;
		uint64_t by = inverse(row[n][lead[n]]);
		for (size_t p = 0; p < POINTS; p++)
			row[n][p] = (uint32_t)(row[n][p] * by % PRIME);
		n++;
	}
	return n;
}

static bool found_out(const struct group_of *g, size_t n)
{
	uint32_t v[POINTS];
	size_t first;

	vector_of(g, v);
	return !reduce(v, n, &first);
}

/* Which it was, for the one who has to mend it. */
static char said[1000];
static void say(const struct group_of *g, unsigned size)
{
	size_t n = strlen(said);

	snprintf(said + n, sizeof said - n, " attribute %d mask %x country %d: %u;", g->attribute, g->mask, g->country, size);
}

/* How many small groups of the other company are found out: every union of categories of each
 * attribute is tried. */
static unsigned attack(const struct known *k, unsigned min, bool salaries)
{
	static const struct {
		enum attribute attribute;
		unsigned categories, countries;
		bool salaries; /* of its sum too */
	} groups[] = {
		{ EVERYBODY, 1, 1, true }, { COUNTRY, COUNTRIES + 1, 1, false }, { CITY, CITIES + 1, COUNTRIES, false },
		{ AGE, GENERATIONS + REASONS, 1, false }, { EYE, EYES + 1, 1, false }, { COLOR, COLORS + 1, 1, false }, { PAID, ANALYSIS_RANGES, 1, true },
		{ COUNTRY_PAID, COUNTRIES + 1, 1, true }, { COUNTRY_UNPAID, COUNTRIES + 1, 1, false }, { UNPAID, 1, 1, false }, { REASON, REASONS, 1, false },
	};
	size_t n = solve(k);
	unsigned found = 0;

	for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
		for (unsigned country = 0; country < groups[i].countries; country++) {
			for (unsigned mask = 1; mask < 1u << groups[i].categories; mask++) {
				struct group_of g = { groups[i].attribute, mask, (int)country };
				unsigned size = count_of(other, &g);

				if (size == 0 || size >= min || (salaries && !groups[i].salaries))
					continue;
				/* How many records a company has is public; their salaries are not.
				 */
				if (!salaries && mask + 1 == 1u << groups[i].categories && size == (unsigned)people[other])
					continue;
				if (!found_out(&g, n))
					continue;
				say(&g, size);
				found++;
			}
		}
	}
	/* One figure from another, whatever they are of. */
	for (size_t i = 0; i < k->n; i++) {
		for (size_t j = 0; j < k->n; j++) {
			unsigned x = count_of(other, &k->group[i]), y = count_of(other, &k->group[j]);
			bool within = x > y && x - y < min;

			for (size_t p = 0; within && p < ALL_POINTS; p++)
				within = in_group(&k->group[i], &point[p]) >= in_group(&k->group[j], &point[p]);
			if (!within)
				continue;
			say(&k->group[i], x);
			say(&k->group[j], y);
			found++;
		}
	}
	return found;
}

static void make_points(void)
{
	for (size_t i = 0; i < ALL_POINTS; i++)
		point[i] = any_point();
}

static void nobody_is_found_out(void **state)
{
	static const unsigned mins[] = { 2, 3, 5, 10 };
	unsigned figures = 0, salaries = 0;

	(void)state;
	make_points();
	for (int i = 0; i < 400; i++) {
		unsigned min = mins[i % 4];

		make_data(min);
		for (other = COMPANY_CONTOSO; other < COMPANIES; other++) {
			unsigned n, m;

			said[0] = '\0';
			read_answers();
			figures += (unsigned)counts.n;
			salaries += (unsigned)sums.n;
			n = attack(&counts, min, false);
			m = attack(&sums, min, true);
			if (n || m)
				fail_msg("data set %d, groups of %u: %u of %s's small groups are found out, salaries of %u:%s", i, min, n, titles[other], m, said);
		}
	}
	/* Much is shown all the same. */
	print_message("%u figures, %u of salaries\n", figures, salaries);
	assert_true(figures > 8000 && salaries > 800);
}

/* The attack works: where nothing is hidden, and where only the small groups themselves are. */
static void the_attack_finds_what_is_there(void **state)
{
	unsigned open = 0, primary = 0;

	(void)state;
	make_points();
	for (int i = 0; i < 40; i++) {
		make_data(1);
		other = i % 2;
		read_answers();
		open += attack(&counts, 5, false) && attack(&sums, 5, true);
		/* One country is missing and the others follow from the total. */
		for (size_t k = 0; k < counts.n; k++)
			if (counts.group[k].attribute == COUNTRY && !suppress_ok(count_of(other, &counts.group[k]), 5))
				counts.group[k] = (struct group_of){ EVERYBODY, 0, 0 };
		primary += attack(&counts, 5, false) > 0;
	}
	assert_true(open > 25 && primary > 25);
}

/* --- the rule itself --- */

static void hides_until_the_rest_may_be_known(void **state)
{
	static const struct {
		uint32_t part[5][2];
		const char *shown;
		uint64_t hidden;
	} cases[] = {
		{ { { 9, 9 }, { 5, 0 }, { 0, 7 } }, "yyy", 0 },
		{ { { 9, 9 }, { 5, 5 }, { 4, 7 } }, "ynn", 21 },                    /* one alone would follow from the total */
		{ { { 9, 9 }, { 6, 6 }, { 1, 0 }, { 1, 0 } }, "ynnn", 14 },
		{ { { 9, 9 }, { 8, 0 }, { 4, 0 }, { 4, 0 } }, "yynn", 8 },
		{ { { 9, 9 }, { 3, 3 } }, "nn", 24 },
		{ { { 3, 30 } }, "n", 33 },                                          /* nothing is left to hide it among */
		{ { { 30, 30 }, { 20, 0 }, { 9, 3 }, { 0, 5 } }, "yynn", 17 },
		{ { { 0, 0 }, { 9, 9 }, { 9, 4 }, { 0, 0 }, { 7, 7 } }, "nynnn", 27 }, /* nobody is no group */
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct cell cell[5] = { { { 0 }, false } };
		size_t n = strlen(cases[i].shown);
		uint64_t hidden;
		char shown[6] = "";

		for (size_t k = 0; k < n; k++)
			memcpy(cell[k].part, cases[i].part[k], sizeof cases[i].part[k]);
		hidden = suppress_fold(cell, n, 5);
		for (size_t k = 0; k < n; k++)
			shown[k] = cell[k].hidden ? 'n' : 'y';
		assert_string_equal(shown, cases[i].shown);
		assert_int_equal(hidden, cases[i].hidden);
		(void)suppress_fold(cell, n, 1);
		for (size_t k = 0; k < n; k++)
			assert_false(cell[k].hidden);
	}
}

UNIT(disclosure)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hides_until_the_rest_may_be_known),
		cmocka_unit_test(the_attack_finds_what_is_there),
		cmocka_unit_test(nobody_is_found_out),
	};

	return cmocka_run_group_tests_name("disclosure", tests, NULL, NULL);
}
