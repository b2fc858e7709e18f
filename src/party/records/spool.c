/* Files of JSON records in the data directory, item by item in fixed memory. */
#include "party/records/spool.h"

enum err spool_open(struct spool_in *in, const char *dir, const char *name, struct fault *f)
{
	char path[512];
	uint64_t size;
	enum err e;

	in->open = in->ended = false;
	in->rest = span_of(NULL, 0);
	if (!out_join(path, sizeof path, dir, "/", name))
		return fault_set(f, ERR_CONFIG, STEP_STORE, "path of the data directory is too long");
	e = file_open(path, &in->file, &size);
	if (e == ERR_NOT_FOUND)
		return e;
	if (e)
		return fault_set_errno(f, e, STEP_STORE, "cannot open a data file");
	in->open = true;
	json_items_init(&in->items, in->item, sizeof in->item);
	return ERR_OK;
}

static enum err refill(struct spool_in *in, struct fault *f)
{
	size_t n = 0;
	enum err e = file_read(&in->file, in->chunk, sizeof in->chunk, &n);

	if (e)
		return fault_set_errno(f, e, STEP_STORE, "cannot read a data file");
	in->rest = span_of(in->chunk, n);
	in->ended = n == 0;
	return ERR_OK;
}

enum err spool_next(struct spool_in *in, struct span *item, struct fault *f)
{
	enum err e = ERR_MORE;

	while (in->open && !in->ended) {
		e = json_items_next(&in->items, &in->rest, item);
		if (e == ERR_OK)
			return ERR_OK;
		if (e != ERR_MORE)
			return fault_set(f, ERR_DAMAGED, STEP_STORE, "records are not JSON, or one is too long");
		TRY(refill(in, f));
	}
	if (json_items_finish(&in->items))
		return fault_set(f, ERR_DAMAGED, STEP_STORE, "records end in the middle of a line");
	return ERR_NOT_FOUND;
}

void spool_close(struct spool_in *in)
{
	if (in->open)
		file_close(&in->file);
	in->open = false;
}

enum err spool_create(struct spool_out *out, const char *dir, const char *name, struct fault *f)
{
	enum err e = file_create(dir, name, &out->file);

	out->open = e == ERR_OK;
	out->written = 0;
	out->o = out_init(out->buf, sizeof out->buf);
	return e ? fault_set_errno(f, e, STEP_STORE, "cannot create a file in the data directory") : ERR_OK;
}

static enum err flush(struct spool_out *out, struct fault *f)
{
	enum err e;

	if (out->o.bad)
		return fault_set(f, ERR_TOO_BIG, STEP_STORE, "a record is too long");
	e = file_write(&out->file, out_span(&out->o));
	if (e)
		return fault_set_errno(f, e, STEP_STORE, "cannot write to the data directory");
	out->written += out->o.n;
	out->o = out_init(out->buf, sizeof out->buf);
	return ERR_OK;
}

enum err spool_settle(struct spool_out *out, struct fault *f)
{
	return out->o.bad || out->o.n >= SPOOL_CHUNK ? flush(out, f) : ERR_OK;
}

enum err spool_commit(struct spool_out *out, struct fault *f)
{
	enum err e;

	TRY(flush(out, f));
	e = file_commit(&out->file);
	return e ? fault_set_errno(f, e, STEP_STORE, "cannot put a new file in place in the data directory") : ERR_OK;
}

void spool_abandon(struct spool_out *out)
{
	if (out->open)
		file_abandon(&out->file);
	out->open = false;
}
