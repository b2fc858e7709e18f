/* Files of records as they may come from disk, storage or a partner, with the key and without. */
#include "fuzz.h"

#include "genuine.h"

static struct span good, older; /* older: the same file as 0.1.0 wrote it, which is still read */

void fuzz_setup(void)
{
	uint8_t *file;
	size_t n;

	good = genuine_records();
	file = fuzz_file("tests/corpus/records/genuine-0.1.0", &n);
	older = span_of(file, n);
	fuzz_seed("records", "genuine", good);
}

/* Lines of ours are accepted as a file that was written, or not at all. */
static bool same_lines(struct span a, struct span b)
{
	while (a.n || b.n) {
		struct span x, y;

		x = span_sub(a, 0, span_find(a, '\n'));
		a = span_sub(a, x.n + 1, a.n);
		if (span_trim(x).n == 0 && x.n + a.n)
			continue;
		y = span_sub(b, 0, span_find(b, '\n'));
		b = span_sub(b, y.n + 1, b.n);
		if (!span_eq(span_trim(x), span_trim(y)))
			return false;
	}
	return true;
}

void fuzz_one(struct span in)
{
	uint8_t *exact = fuzz_exact(in);
	struct span s = span_of(exact, in.n);
	struct records_head h;
	struct records_end end;
	struct fault f;
	uint64_t records;
	enum err e = genuine_read(s, KEYS_OWN, &records);

	if (e == ERR_OK && records_is_head(span_trim(s)))
		HOLD(records == GENUINE_RECORDS && (same_lines(s, good) || same_lines(s, older)));
	e = genuine_read(s, KEYS_CONTOSO, &records); /* an empty slot */
	HOLD(records == 0);
	fault_clear(&f);
	if (records_head_parse(s, &h, &f) == ERR_OK) {
		HOLD(h.n_fields >= 1 && h.n_fields <= FIELDS_MAX && h.wrapped_len <= RSA_MAX);
		for (uint32_t i = 0; i < h.n_fields; i++)
			HOLD(records_field_ok(span_str(h.field[i])) && records_field(&h, span_str(h.field[i])) == i);
	}
	if (records_end_parse(s, &end, &f) == ERR_OK)
		HOLD(end.sealed < s.n);
	free(exact);
}
