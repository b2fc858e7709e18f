/* How a verification is told. */
#include "ctl/ctl_show.h"

#include <string.h>
#include <unistd.h>

#include "ctl/ctl_say.h"

enum { ID_WIDTH = 24 };
static uint8_t text[131072]; /* CHECKS_MAX lines of some hundred characters */

/* Colours only where a person looks. */
static const char *colour(enum check_state s)
{
	switch (s) {
	case CHECK_PASSED: return "\033[32m";
	case CHECK_FAILED: return "\033[1;31m";
	case CHECK_SKIPPED: return "\033[33m";
	}
	return "";
}

static void pad(struct out *o, const char *word, size_t width)
{
	out_str(o, word);
	for (size_t n = strlen(word); n < width; n++)
		out_byte(o, ' ');
}

static void put_line(struct out *o, const struct checks *c, const struct check *k, bool colours)
{
	enum check_state s = (enum check_state)k->state;
	const char *between = "";

	if (colours)
		out_str(o, colour(s));
	pad(o, s == CHECK_FAILED ? "FAILED" : checks_state_name(s), 9);
	if (colours)
		out_str(o, "\033[0m");
	pad(o, k->id, ID_WIDTH);
	if (k->why) {
		out_str(o, checks_text(c, k->why));
		between = "; ";
	}
	if (k->expected) {
		out_str(o, between);
		out_str(o, "expected ");
		out_str(o, checks_text(c, k->expected));
		between = "; ";
	}
	if (k->found) {
		out_str(o, between);
		if (s == CHECK_FAILED)
			out_str(o, "found ");
		out_str(o, checks_text(c, k->found));
	}
	while (o->n && o->p[o->n - 1] == ' ')
		o->n--;
	out_byte(o, '\n');
}

static void put_field(struct out *o, const char *name, const uint8_t *p, size_t n)
{
	pad(o, "", 9);
	pad(o, name, ID_WIDTH);
	out_hex(o, p, n);
	out_byte(o, '\n');
}

static void put_number(struct out *o, const char *name, uint64_t v)
{
	pad(o, "", 9);
	pad(o, name, ID_WIDTH);
	out_u64(o, v);
	out_byte(o, '\n');
}

static void put_fields(struct out *o, const struct verify_facts *f)
{
	const struct snp_report *r = &f->report;
	const struct snp_tcb *t = &r->reported_tcb;

	if (!r->host_data)
		return;
	pad(o, "", 9);
	pad(o, "product", ID_WIDTH);
	out_str(o, report_product_name(r->product));
	out_byte(o, '\n');
	put_field(o, "host_data", r->host_data, 32);
	put_field(o, "report_data", r->report_data, 64);
	put_field(o, "measurement", r->measurement, 48);
	if (r->chip_id)
		put_field(o, "chip_id", r->chip_id, 64);
	if (!(f->unsaid & UNSAID_VMPL))
		put_number(o, "vmpl", r->vmpl);
	if (!f->unsaid) {
		pad(o, "", 9);
		pad(o, "platform", ID_WIDTH);
		report_put_platform(o, r->platform_info);
		out_byte(o, '\n');
	}
	for (size_t i = 1; i < TCB_PARTS; i++) {
		static const char *const names[TCB_PARTS] = { NULL, "tcb.bootloader", "tcb.tee", "tcb.snp", "tcb.microcode" };

		if (!(f->unsaid & UNSAID_LEVEL(i)))
			put_number(o, names[i], t->part[i]);
	}
	if (r->product == SNP_TURIN)
		put_number(o, "tcb.fmc", t->fmc);
	if (f->endorsed)
		put_number(o, "uvm_svn", f->uvm_svn);
}

static void put_count(struct out *o, const struct checks *c, enum check_group g)
{
	out_str(o, " (");
	out_u64(o, checks_count(c, g, CHECK_PASSED));
	out_str(o, " passed, ");
	out_u64(o, checks_count(c, g, CHECK_FAILED));
	out_str(o, " failed, ");
	out_u64(o, checks_count(c, g, CHECK_SKIPPED));
	out_str(o, " skipped)\n");
}

static void put_verdict(struct out *o, const struct ctl_verdict *v, const struct verify_facts *f, const struct checks *c)
{
	out_str(o, v->genuine ? "genuine: yes" : "genuine: NO");
	if (v->genuine && f->configured_root)
		out_str(o, ", by the root that was configured, NOT by AMD");
	put_count(o, c, CHECK_GENUINE);
	if (v->judged) {
		out_str(o, v->acceptable ? "acceptable: yes" : "acceptable: NO");
		put_count(o, c, CHECK_ACCEPTABLE);
	} else {
		out_str(o, v->genuine ? "acceptable: not judged (no --policy, no --host-data)\n" : "acceptable: not judged\n");
	}
}

static void put_tcb(struct jw *w, const struct verify_facts *f)
{
	static const char *const names[TCB_PARTS] = { "fmc", "bootloader", "tee", "snp", "microcode" };
	const struct snp_report *r = &f->report;

	jw_object(w, "reported_tcb");
	for (size_t i = r->product == SNP_TURIN ? 0 : 1; i < TCB_PARTS; i++)
		if (!(f->unsaid & UNSAID_LEVEL(i)))
			jw_u64(w, names[i], r->reported_tcb.part[i]);
	jw_end_object(w);
}

static void put_report(struct jw *w, const struct verify_facts *f)
{
	const struct snp_report *r = &f->report;
	uint8_t names[REPORT_UNKNOWN_MAX];
	struct out o = out_init(names, sizeof names);

	jw_object(w, "report");
	if (r->version)
		jw_u64(w, "version", r->version);
	jw_str(w, "product", report_product_name(r->product));
	jw_hex(w, "host_data", span_of(r->host_data, 32));
	jw_hex(w, "report_data", span_of(r->report_data, 64));
	jw_hex(w, "measurement", span_of(r->measurement, 48));
	if (r->chip_id)
		jw_hex(w, "chip_id", span_of(r->chip_id, 64));
	if (!(f->unsaid & UNSAID_VMPL))
		jw_u64(w, "vmpl", r->vmpl);
	if (!(f->unsaid & UNSAID_DEBUG))
		jw_bool(w, "debug_allowed", r->debug_allowed);
	if (!(f->unsaid & UNSAID_MIGRATION))
		jw_bool(w, "migration_allowed", r->migration_allowed);
	if (!f->unsaid) {
		report_put_platform(&o, r->platform_info);
		jw_u64(w, "platform_info", r->platform_info);
		jw_span(w, "platform", out_span(&o));
	}
	put_tcb(w, f);
	if (f->endorsed)
		jw_u64(w, "uvm_svn", f->uvm_svn);
	jw_end_object(w);
}

static void put_json(struct out *o, const struct ctl_verdict *v, const struct verify_facts *f, const struct checks *c)
{
	struct jw w = jw_init(o);

	jw_object(&w, NULL);
	jw_bool(&w, "genuine", v->genuine);
	if (v->judged)
		jw_bool(&w, "acceptable", v->acceptable);
	else
		jw_null(&w, "acceptable");
	jw_bool(&w, "configured_root", f->configured_root);
	if (f->report.host_data)
		put_report(&w, f);
	checks_write_json(c, &w, "checks");
	jw_end_object(&w);
	out_byte(o, '\n');
}

int ctl_show(const struct ctl_show *how, const struct ctl_verdict *v, const struct verify_facts *facts,
             const struct checks *checks)
{
	struct out o = out_init(text, sizeof text);
	bool colours = !how->plain && isatty(STDOUT_FILENO) == 1;

	if (how->json) {
		put_json(&o, v, facts, checks);
	} else if (!how->quiet) {
		for (size_t i = 0; i < checks->n; i++)
			put_line(&o, checks, &checks->list[i], colours);
		if (how->verbose)
			put_fields(&o, facts);
		put_verdict(&o, v, facts, checks);
	}
	ctl_say_out(out_span(&o));
	if (!v->genuine)
		return SHOW_NOT_GENUINE;
	return v->judged && !v->acceptable ? SHOW_UNACCEPTABLE : SHOW_GOOD;
}
