/* A genuine file of records. */
#include "genuine.h"

#include "text/json_items.h"
#include "fuzz.h"
#include "party/records/recwrite.h"

static uint8_t file_bytes[32768];

static void value_of(size_t record, size_t field, struct out *o)
{
	static const char *const words[] = { "Ada", "", "caf\xc3\xa9 \"x\"", "1815-12-10", "a,b" };

	out_str(o, words[(record + field) % 5]);
	out_u64(o, record * 10 + field);
}

struct span genuine_records(void)
{
	static struct private_key k;
	static struct recwrite w;
	static const struct span names[] = { SPAN_LIT("name"), SPAN_LIT("city"), SPAN_LIT("monthly_income") };
	struct out o = out_init(file_bytes, sizeof file_bytes);
	uint8_t source[32] = { 1, 2, 3 }, text[3][64];
	struct span values[3];
	struct fault f;
	size_t n;
	uint8_t *der = fuzz_file("tests/fuzz/data/rsa.p8", &n);

	fuzz_entropy_restart();
	fault_clear(&f);
	keys_init();
	HOLD(pkcs8_parse(span_of(der, n), &k) == ERR_OK);
	keys_put(KEYS_OWN, &k);
	HOLD(recwrite_begin(&w, "contoso", names, 3, 1790000000000000, &o, &f) == ERR_OK);
	for (size_t r = 1; r <= GENUINE_RECORDS; r++) {
		for (size_t i = 0; i < 3; i++) {
			struct out v = out_init(text[i], sizeof text[i]);

			value_of(r, i, &v);
			values[i] = out_span(&v);
		}
		HOLD(recwrite_record(&w, values, &o) == ERR_OK);
	}
	recwrite_end(&w, source, &o);
	HOLD(!o.bad);
	recwrite_wipe(&w);
	free(der);
	return out_span(&o);
}

static void check_values(const struct recread *r)
{
	uint8_t text[64];

	HOLD(r->count >= 1 && r->count <= GENUINE_RECORDS);
	for (size_t i = 0; i < 2; i++) { /* name and monthly_income are wanted */
		struct out v = out_init(text, sizeof text);

		value_of(r->count, i * 2, &v);
		HOLD(r->value[i].n == 0 || span_eq(r->value[i], out_span(&v)));
	}
}

enum err genuine_read(struct span file, enum key_slot slot, uint64_t *records)
{
	static const char *const wanted[] = { "name", "monthly_income" };
	static uint8_t buf[RECORD_LINE_MAX];
	static struct recread r;
	struct json_items it;
	struct span item;
	bool is_record;
	struct fault f;
	enum err e;

	fault_clear(&f);
	*records = 0;
	recread_begin(&r, slot, "contoso", wanted, 2);
	json_items_init(&it, buf, sizeof buf);
	while ((e = json_items_next(&it, &file, &item)) == ERR_OK) {
		e = recread_item(&r, item, &is_record, &f);
		if (e)
			break;
		if (is_record) {
			++*records;
			HOLD(*records == r.count);
			if (!r.legacy)
				check_values(&r);
			for (size_t i = 0; i < 2; i++)
				HOLD(fuzz_inside(r.value[i], span_of(r.plain[i], sizeof r.plain[i])));
		}
	}
	if (e == ERR_MORE)
		e = json_items_finish(&it);
	if (!e)
		e = recread_end(&r, &f);
	if (e)
		HOLD(e == ERR_SYNTAX || e == ERR_TOO_BIG || (f.err == e && f.message[0]));
	/* Without the key nothing is given out. */
	if (!keys_have(slot))
		HOLD(*records == 0);
	recread_wipe(&r);
	HOLD(fuzz_zero(&r, sizeof r));
	return e;
}
