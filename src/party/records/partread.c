/* Reading a partner's records beside the analysis. */
#include "party/records/partread.h"

#include <string.h>

#include "base/ct.h"
#include "base/log.h"
#include "os/lock.h"
#include "party/partner.h"
#include "party/records/recread.h"

/* The working memory of the one reader. Holds plaintext and a data key while it reads: wiped at its end. */
static struct {
	struct settings own; /* the same settings with a directory of our own: the analysis has spool files of these names */
	struct partner partner;
	struct spool_in spool;
	struct recread reader;
} work;
static struct lock work_lock = LOCK_INIT;

bool partread_enter(void)
{
	return lock_take_until(&work_lock, 0);
}

void partread_leave(void)
{
	lock_release(&work_lock);
}

enum key_slot partread_slot(enum role partner)
{
	return partner == ROLE_CONTOSO ? KEYS_CONTOSO : KEYS_FABRIKAM;
}

static enum err own_directory(const struct settings *s, struct fault *f)
{
	work.own = *s;
	if (!out_join(work.own.data_dir, sizeof work.own.data_dir, s->data_dir, "/reading"))
		return fault_set(f, ERR_CONFIG, STEP_STORE, "path of the data directory is too long");
	return file_prepare_dir(work.own.data_dir) ? fault_set(f, ERR_SYSTEM, STEP_STORE, "cannot make a directory for spool files") : ERR_OK;
}

static enum err read_all(const struct partread_sink *sink, struct fault *f)
{
	struct span item;
	bool is_record;
	enum err e = ERR_OK;

	while (!e) {
		e = spool_next(&work.spool, &item, f);
		if (!e)
			e = recread_item(&work.reader, item, &is_record, f);
		if (!e && is_record)
			e = sink->record(sink->ctx, work.reader.value, f);
	}
	return e == ERR_NOT_FOUND ? recread_end(&work.reader, f) : e;
}

static enum err fetch_and_read(const struct settings *s, enum role partner, const char *const *wanted, size_t n_wanted,
                               const struct partread_sink *sink, uint64_t *count, struct fault *f)
{
	struct partner_job job = { .s = &work.own, .role = partner };
	const char *spool = partner_spool_name(partner);
	enum err e;

	TRY(own_directory(s, f));
	TRY(partner_fetch(&work.partner, &job, count, f));
	recread_begin(&work.reader, partread_slot(partner), role_name(partner), wanted, n_wanted);
	e = spool_open(&work.spool, work.own.data_dir, spool, f);
	if (!e)
		e = read_all(sink, f);
	spool_close(&work.spool);
	recread_wipe(&work.reader);
	if (file_remove(work.own.data_dir, spool))
		log_line(LOG_WARN, "partread", "a spool file could not be removed");
	return e;
}

enum err partread_run(const struct settings *s, enum role partner, const char *const *wanted, size_t n_wanted,
                      const struct partread_sink *sink, uint64_t *count, struct fault *f)
{
	enum err e;

	if (!keys_have(partread_slot(partner)))
		return fault_set(f, ERR_STATE, STEP_ANALYSIS, "the partner's key is not released to this party");
	e = fetch_and_read(s, partner, wanted, n_wanted, sink, count, f);
	WIPE(work.own); /* the settings hold secrets */
	return e;
}
