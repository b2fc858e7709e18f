/* Error answers of services: whatever they hold, what is told of them is short printable text and a kind of failure. */
#include "fuzz.h"

#include "base/fault.h"
#include "azure/services.h"

static void printable(const char *text, size_t cap)
{
	HOLD(memchr(text, 0, cap));
	for (; *text; text++)
		HOLD(*text >= 0x20 && *text < 0x7f);
}

void fuzz_one(struct span in)
{
	static const int statuses[] = { 100, 302, 400, 401, 403, 404, 409, 410, 429, 500, 503, 599 };
	static const struct service *const services[] = { SERVICE_IDENTITY, SERVICE_ENTRA, SERVICE_CERTS, SERVICE_MAA, SERVICE_VAULT, SERVICE_STORAGE };
	uint8_t *exact = fuzz_exact(in);
	struct refusal r;
	struct fault f;

	memset(&r, 0xa5, sizeof r);
	refusal_read(span_of(exact, in.n), &r);
	printable(r.code, sizeof r.code);
	printable(r.inner, sizeof r.inner);
	printable(r.message, sizeof r.message);
	for (size_t from = 0; from < sizeof services / sizeof services[0]; from++)
		for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
			enum err e;

			fault_clear(&f);
			e = refusal_fault(services[from], STEP_RELEASE, statuses[i], &r, 7, &f);
			HOLD(e == f.err && (e == ERR_THROTTLED || e == ERR_DENIED || e == ERR_NOT_FOUND || e == ERR_HTTP));
			HOLD(f.http_status == statuses[i] && fault_cause(&f) && fault_remedy(&f));
			printable(f.code, sizeof f.code);
			printable(f.message, sizeof f.message);
		}
	free(exact);
}
