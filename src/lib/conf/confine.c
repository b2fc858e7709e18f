/* Sealing as a program does it. */
#include "conf/confine.h"

#include "base/limits.h"
#include "base/log.h"
#include "text/url.h"

#define HTTPS 443

static int landlock;

void confine_endpoint(struct seal *s, const char *endpoint)
{
	char host[HOST_MAX];
	uint16_t port;
	struct url u;

	if (!endpoint[0])
		return;
	if (url_parse(span_str(endpoint), &u) == ERR_OK)
		seal_add_port(s, u.port);
	else if (url_hostport(span_str(endpoint), HTTPS, host, &port) == ERR_OK)
		seal_add_port(s, port);
}

enum err confine_files(const struct seal *s)
{
	enum err e = seal_files(s, &landlock);

	if (e == ERR_NOT_FOUND) {
		log_line(LOG_WARN, "seal", "this kernel has no Landlock: files and ports are confined by permissions alone");
		return ERR_OK;
	}
	if (e == ERR_OK)
		log_num(LOG_INFO, "seal", "files and outgoing ports confined", "landlock_abi", (uint64_t)landlock);
	else if (e == ERR_FULL)
		log_text(LOG_ERROR, "seal", "the settings need more than can be allowed; parley does not run unsealed", "limit", span_str(s->over));
	else
		log_line(LOG_ERROR, "seal", "Landlock is there but refuses the rules for files and ports; parley does not run unsealed");
	return e;
}

int confine_landlock(void)
{
	return landlock;
}
