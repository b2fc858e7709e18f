/* The older one-shot statistics over both partners' records. */
#include "party/query/demographics.h"

#include <string.h>

#include "base/ct.h"
#include "base/log.h"
#include "crypto/rng.h"
#include "party/query/analysis.h"
#include "party/partner.h"
#include "party/records/partread.h"
#include "party/partner_key.h"

#define TOP_CITIES 3
#define TOP_EYES 6
#define TOP_COLORS 10

static const enum role providers[COMPANIES] = { [COMPANY_CONTOSO] = ROLE_CONTOSO, [COMPANY_FABRIKAM] = ROLE_FABRIKAM };

static const char *const range_names[ANALYSIS_RANGES] = {
	"Under $50K", "$50K-$100K", "$100K-$150K", "$150K-$200K", "Over $200K",
};

static const char *const generation_names[ANALYSIS_GENERATIONS] = {
	"Gen Alpha (2-13)", "Gen Z (14-29)", "Millennials (30-45)", "Gen X (46-61)", "Baby Boomers (62-80)", "Silent Generation (81+)",
};

/* How one partner's reading went. */
struct outcome {
	bool ok;
	uint64_t records;
	char message[sizeof ((struct fault *)0)->message];
};

/* Between partread_enter and _leave. Holds partners' data in aggregated form: wiped at the end. */
static struct {
	/* As in party/query/analyze: what has verified to its end, and the same plus what is being read. */
	struct analysis believed, trial;
	struct outcome outcome[COMPANIES];
	enum company now;
} work;

/* --- counting ---------------------------------------------------------------------------------------------------- */

/* The same records as in the other form of the answer: two sets would differ by a few people. */
static enum err take_record(void *ctx, const struct span *value, struct fault *f)
{
	(void)ctx;
	return analysis_add(&work.trial, work.now, value, f);
}

static enum err read_partner(const struct settings *s, enum company c, int64_t deadline_ms, struct fault *f)
{
	const struct partread_sink sink = { NULL, take_record };
	enum role partner = providers[c];
	struct release_info info;

	if (!keys_have(partread_slot(partner)))
		TRY(partner_key_release(s, partner, false, &info, deadline_ms, f));
	analysis_copy(&work.trial, &work.believed);
	work.now = c;
	TRY(partread_run(s, partner, analysis_fields, ANALYSIS_FIELDS, &sink, &work.outcome[c].records, f));
	analysis_copy(&work.believed, &work.trial);
	return ERR_OK;
}

/* --- writing ----------------------------------------------------------------------------------------------------- */

static void write_partner(struct jw *w, enum company c)
{
	const struct outcome *o = &work.outcome[c];
	bool have = keys_have(partread_slot(providers[c]));

	jw_object(w, role_name(providers[c]));
	jw_str(w, "status", o->ok ? "success" : "error");
	if (!o->ok)
		jw_str(w, "message", o->message);
	jw_u64(w, "records", o->ok ? o->records : 0);
	jw_u64(w, "decrypted", o->ok ? o->records : 0);
	jw_u64(w, "decrypt_errors", 0); /* not_read counts values that are missing; a record is never dropped */
	jw_bool(w, "has_private_key", have);
	jw_bool(w, "key_released", have);
	jw_end_object(w);
}

static const char *label(const struct groups *all, const struct group *g, char text[GROUP_LABEL_MAX + 1])
{
	if (!span_copy_str(groups_label(all, g), text, GROUP_LABEL_MAX + 1))
		text[0] = '\0';
	return text;
}

static void write_top(const struct analysis *a, struct jw *w, const char *name, enum group_kind kind, size_t max)
{
	const struct groups *g = &a->groups;
	char text[GROUP_LABEL_MAX + 1];
	uint32_t top[ANALYSIS_TOP_COUNTRIES];
	size_t n = groups_top(g, kind, 0, top, max);

	jw_object(w, name);
	for (size_t i = 0; i < n; i++)
		jw_u64(w, label(g, &g->item[top[i]], text), group_count(&g->item[top[i]]));
	jw_end_object(w);
}

/* Of the countries with the most people: the original took the first ten it met. */
static void write_cities(const struct analysis *a, struct jw *w)
{
	const struct groups *g = &a->groups;
	char text[GROUP_LABEL_MAX + 1];
	uint32_t top[ANALYSIS_TOP_COUNTRIES], cities[TOP_CITIES];
	size_t n = groups_top(g, GROUP_COUNTRY, 0, top, ANALYSIS_TOP_COUNTRIES);

	jw_object(w, "top_cities_by_country");
	for (size_t i = 0; i < n; i++) {
		size_t m = groups_top(g, GROUP_CITY, g->item[top[i]].ordinal, cities, TOP_CITIES);

		jw_array(w, label(g, &g->item[top[i]], text));
		for (size_t k = 0; k < m; k++)
			jw_span(w, NULL, groups_label(g, &g->item[cities[k]]));
		jw_end_array(w);
	}
	jw_end_object(w);
}

static void write_salaries(const struct analysis *a, struct jw *w, enum company c)
{
	const struct salaries *s = &a->salary[c];

	jw_object(w, role_name(providers[c]));
	if (!analysis_shows_salary(a, c)) {
		jw_null(w, "count");
		jw_null(w, "avg");
		jw_null(w, "min");
		jw_null(w, "max");
		jw_bool(w, "suppressed", true);
	} else {
		jw_u64(w, "count", s->n);
		jw_i64(w, "avg", s->n ? analysis_truncate(s->sum, s->n) : 0);
		analysis_write_extreme(a, w, "min", s->min);
		analysis_write_extreme(a, w, "max", s->max);
	}
	jw_end_object(w);
}

/* Members of an object: rows that may not be shown are null. */
static void write_rows(struct jw *w, const char *name, const char *const *names, size_t n,
                       const uint64_t *contoso, const uint64_t *fabrikam, const bool *hidden)
{
	jw_object(w, name);
	for (size_t i = 0; i < n; i++) {
		if (hidden[i])
			jw_null(w, names[i]);
		else
			jw_u64(w, names[i], contoso[i] + fabrikam[i]);
	}
	jw_end_object(w);
}

void demographics_write(const struct analysis *a, struct jw *w)
{
	uint64_t contoso = a->records[COMPANY_CONTOSO], fabrikam = a->records[COMPANY_FABRIKAM];

	jw_object(w, "combined_analytics");
	if (contoso + fabrikam == 0) {
		jw_str(w, "note", "No record of either partner could be decrypted.");
		jw_end_object(w);
		return;
	}
	jw_u64(w, "total_records", contoso + fabrikam);
	jw_u64(w, "contoso_records", contoso);
	jw_u64(w, "fabrikam_records", fabrikam);
	jw_array(w, "decrypted_fields");
	for (size_t i = 0; i < ANALYSIS_FIELDS; i++)
		jw_str(w, NULL, analysis_fields[i]);
	jw_end_array(w);
	write_rows(w, "generations", generation_names, ANALYSIS_GENERATIONS, a->generation[COMPANY_CONTOSO],
	           a->generation[COMPANY_FABRIKAM], a->withheld.generation);
	write_rows(w, "salary_ranges", range_names, ANALYSIS_RANGES, a->range[COMPANY_CONTOSO],
	           a->range[COMPANY_FABRIKAM], a->withheld.range);
	write_top(a, w, "top_countries", GROUP_COUNTRY, ANALYSIS_TOP_COUNTRIES);
	write_cities(a, w);
	write_top(a, w, "top_eye_colors", GROUP_EYE, TOP_EYES);
	write_top(a, w, "top_favorite_colors", GROUP_COLOR, TOP_COLORS);
	jw_object(w, "salary_comparison");
	write_salaries(a, w, COMPANY_CONTOSO);
	write_salaries(a, w, COMPANY_FABRIKAM);
	jw_end_object(w);
	analysis_write_rest(a, w);
	jw_str(w, "analysis_note", "Only the fields named in decrypted_fields were decrypted, inside the TEE; groups smaller than the configured "
	       "size are not shown, nor what they would follow from.");
	jw_end_object(w);
}

static void write_result(struct jw *w, bool whole)
{
	jw_object(w, NULL);
	jw_str(w, "status", whole && work.believed.readable ? "success" : "partial");
	jw_object(w, "partners");
	write_partner(w, COMPANY_CONTOSO);
	write_partner(w, COMPANY_FABRIKAM);
	jw_end_object(w);
	demographics_write(&work.believed, w);
	jw_end_object(w);
}

enum err demographics_run(const struct settings *s, struct out *result, int64_t deadline_ms, struct fault *f)
{
	struct jw w = jw_init(result);
	uint8_t text[COMPANIES * (sizeof f->message + 16)];
	struct out errors = out_init(text, sizeof text);
	bool whole = true;
	uint32_t seed;

	if (!partread_enter())
		return fault_set(f, ERR_STATE, STEP_ANALYSIS, "another reading of partners' records is running");
	memset(&work, 0, sizeof work);
	rng_bytes(&seed, sizeof seed);
	analysis_init(&work.believed, s->generation_year, s->min_group, seed);
	fault_clear(f);
	for (enum company c = COMPANY_CONTOSO; c < COMPANIES; c++) {
		struct fault one;

		fault_clear(&one);
		work.outcome[c].ok = read_partner(s, c, deadline_ms, &one) == ERR_OK;
		memcpy(work.outcome[c].message, one.message, sizeof work.outcome[c].message);
		if (work.outcome[c].ok)
			continue;
		log_fault(LOG_WARN, "demographics", role_name(providers[c]), &one);
		out_str(&errors, errors.n ? "; " : "");
		partner_error_text(providers[c], &one, &errors);
		if (whole)
			*f = one;
		whole = false;
	}
	analysis_close(&work.believed);
	if (whole || s->partial_results)
		write_result(&w, whole);
	WIPE(work);
	partread_leave();
	if (!whole && !s->partial_results)
		return partner_incomplete(f, out_cstr(&errors));
	return result->bad ? fault_set(f, ERR_FULL, STEP_ANALYSIS, "the result is larger than the reply can be") : ERR_OK;
}
