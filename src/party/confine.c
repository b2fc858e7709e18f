/* What the sealed process may still reach. */
#include "party/confine.h"

#include "base/log.h"
#include "text/url.h"
#include "os/seal.h"

#define PORTS_MAX 16
#define HTTPS 443

static int landlock;

struct ports {
	uint16_t port[PORTS_MAX];
	size_t n;
};

static void add(struct ports *p, uint16_t port)
{
	if (p->n < PORTS_MAX)
		p->port[p->n++] = port;
}

/* An endpoint in either form the settings have: URL, or host[:port] (https). Checked when they were read. */
static void add_endpoint(struct ports *p, const char *text)
{
	char host[HOST_MAX];
	uint16_t port;
	struct url u;

	if (!text[0])
		return;
	if (url_parse(span_str(text), &u) == ERR_OK)
		add(p, u.port);
	else if (url_hostport(span_str(text), HTTPS, host, &port) == ERR_OK)
		add(p, port);
}

static void collect(const struct settings *s, struct ports *p)
{
	const char *const endpoints[] = {
		s->attest.maa, s->attest.akv, s->attest.identity.imds, s->attest.identity.endpoint, s->attest.identity.authority,
		s->attest.certs.endpoint, s->demo.storage.at.endpoint,
	};

	add(p, HTTPS); /* defaults of what is not set */
	for (size_t i = 0; i < sizeof endpoints / sizeof endpoints[0]; i++)
		add_endpoint(p, endpoints[i]);
	for (enum role r = ROLE_CONTOSO; r <= ROLE_FABRIKAM; r++) {
		add_endpoint(p, s->partner[r].akv);
		add_endpoint(p, s->partner[r].url);
	}
}

/* The directory of a file that others replace under us (a token rotated by the platform): a rule holds for what is there now. */
static const char *directory_of(const char *file, char *dir, size_t cap)
{
	struct span s = span_str(file);

	while (s.n > 1 && s.p[s.n - 1] != '/')
		s.n--;
	return s.n > 1 && span_copy_str(s, dir, cap) ? dir : "";
}

enum err confine_files(const struct settings *s)
{
	char token_dir[256], csv_dir[256];
	const struct seal_path paths[] = {
		{ s->data_dir, SEAL_REPLACE },
		{ directory_of(s->csv_path, csv_dir, sizeof csv_dir), SEAL_READ },
		{ directory_of(s->attest.identity.token_file, token_dir, sizeof token_dir), SEAL_READ },
		{ "/dev/sev-guest", SEAL_DEVICE },
		{ "/dev/sev", SEAL_DEVICE },
		{ "/etc/resolv.conf", SEAL_READ },
		{ "/etc/hosts", SEAL_READ },
		{ "/proc", SEAL_READ },          /* access test: our own status, listening ports */
		{ "/proc/self/exe", SEAL_READ }, /* /container/info: its hash */
		{ "/", SEAL_LIST },              /* access test: which executables are there */
	};
	struct ports ports = { .n = 0 };
	enum err e;

	collect(s, &ports);
	e = seal_files(paths, sizeof paths / sizeof paths[0], ports.port, ports.n, &landlock);
	if (e == ERR_NOT_FOUND) {
		log_line(LOG_WARN, "seal", "this kernel has no Landlock: files and ports are confined by permissions alone");
		return ERR_OK;
	}
	if (e == ERR_OK)
		log_num(LOG_INFO, "seal", "files and outgoing ports confined", "landlock_abi", (uint64_t)landlock);
	else
		log_line(LOG_ERROR, "seal", "Landlock is there but refuses the rules for files and ports; parley does not run unsealed");
	return e;
}

int confine_landlock(void)
{
	return landlock;
}
