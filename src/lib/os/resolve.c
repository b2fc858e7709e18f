/* Host names to addresses. */
#include "os/resolve.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <resolv.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "base/span.h"
#include "os/file.h"

static const struct seal_call resolve_calls[] = {
	SEAL_ALLOW_IF(open, ONLY(2, O_CLOEXEC | SEAL_LARGEFILE)), /* musl opens resolv.conf, for reading */
	SEAL_ALLOW_IF(fcntl, ONLY(2, F_SETFD)), /* musl marks it close-on-exec and reads it */
	SEAL_ALLOW_IF(socket, EITHER(1, AF_INET, AF_INET6), { 2, SOCK_NONBLOCK | SOCK_CLOEXEC, SOCK_DGRAM, SOCK_DGRAM }, ONLY(3, 0)), /* name servers */
	SEAL_ALLOW(bind), /* musl takes a random port */
	SEAL_ALLOW_IF(setsockopt, ONLY(2, IPPROTO_IPV6), ONLY(3, IPV6_V6ONLY)), /* name servers of both families */
};
static const struct seal_path resolve_paths[] = { { "/etc/resolv.conf", SEAL_READ }, { "/etc/hosts", SEAL_READ } };
const struct seal_list resolve_seal = { SEAL_CALLS(resolve_calls), SEAL_PATHS(resolve_paths) };

struct list {
	struct resolve_addr *addrs;
	size_t n;
};

static void add(struct list *l, int family, const void *ip)
{
	if (l->n == RESOLVE_MAX)
		return;
	l->addrs[l->n].family = family;
	memset(l->addrs[l->n].ip, 0, sizeof l->addrs[l->n].ip);
	memcpy(l->addrs[l->n].ip, ip, family == AF_INET ? 4 : 16);
	l->n++;
}

static bool add_literal(struct list *l, const char *text)
{
	uint8_t ip[16];

	if (inet_pton(AF_INET, text, ip) == 1)
		add(l, AF_INET, ip);
	else if (inet_pton(AF_INET6, text, ip) == 1)
		add(l, AF_INET6, ip);
	else
		return false;
	return true;
}

/* One word of a hosts line; false at the line's end. */
static bool next_word(struct span *line, struct span *word)
{
	*line = span_trim(*line);
	if (line->n == 0)
		return false;
	size_t end = 0;
	while (end < line->n && line->p[end] != ' ' && line->p[end] != '\t')
		end++;
	*word = span_sub(*line, 0, end);
	*line = span_sub(*line, end, line->n);
	return true;
}

static void add_from_hosts(struct list *l, const char *host)
{
	uint8_t text[8192];
	struct span rest, word;
	size_t n;

	/* A longer hosts file than this is not a container's: the resolver is asked instead. */
	if (file_read_all("/etc/hosts", text, sizeof text, &n) != ERR_OK)
		return;
	rest = span_of(text, n);
	while (rest.n) {
		struct span all = span_cut(&rest, '\n'), line = span_cut(&all, '#');
		char addr[64] = "";

		if (!next_word(&line, &word) || !span_copy_str(word, addr, sizeof addr))
			continue;
		while (next_word(&line, &word))
			if (span_eq_nocase(word, host)) {
				add_literal(l, addr);
				break;
			}
	}
}

static void add_from_dns(struct list *l, const char *host, int type)
{
	uint8_t answer[4096];
	ns_msg msg;
	int n = res_query(host, ns_c_in, type, answer, sizeof answer);

	if (n <= 0 || (size_t)n > sizeof answer || ns_initparse(answer, n, &msg) != 0)
		return;
	for (int i = 0; i < ns_msg_count(msg, ns_s_an); i++) {
		ns_rr rr;

		if (ns_parserr(&msg, ns_s_an, i, &rr) != 0 || (int)ns_rr_type(rr) != type)
			continue;
		if (type == ns_t_a && ns_rr_rdlen(rr) == 4)
			add(l, AF_INET, ns_rr_rdata(rr));
		if (type == ns_t_aaaa && ns_rr_rdlen(rr) == 16)
			add(l, AF_INET6, ns_rr_rdata(rr));
	}
}

enum err resolve_host(const char *host, struct resolve_addr addrs[RESOLVE_MAX], size_t *n)
{
	struct list l = { addrs, 0 };
	struct span name = span_str(host);

	if (add_literal(&l, host)) {
		/* nothing to look up */
	} else if (span_eq_nocase(name, "localhost") || span_ends(name, ".localhost")) {
		add_literal(&l, "127.0.0.1");
	} else {
		add_from_hosts(&l, host);
		if (l.n == 0)
			add_from_dns(&l, host, ns_t_a);
		if (l.n == 0)
			add_from_dns(&l, host, ns_t_aaaa);
	}
	*n = l.n;
	return l.n ? ERR_OK : ERR_NOT_FOUND;
}
