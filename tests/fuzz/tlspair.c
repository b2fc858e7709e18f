/* One TLS side under test. */
#include "tlspair.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz.h"

struct tls_identity tlspair_identity;
struct tlspair_record tlspair_genuine;

static const struct span hello[2] = { SPAN_LIT("hello server"), SPAN_LIT("hello client") };

static void start(struct tls *t, bool client, enum tls_trust trust)
{
	fuzz_entropy_restart();
	if (client)
		tls_client_start(t, TLSPAIR_NAME, trust, TLSPAIR_NOW);
	else
		tls_server_start(t, &tlspair_identity);
}

/* --- the recording ------------------------------------------------------------------------------------------------ */

struct side {
	bool client;
	int fd;
};

static void *one_side(void *arg)
{
	static struct tls both[2];
	const struct side *s = arg;
	struct tls *t = &both[s->client ? 0 : 1];
	uint8_t text[64];
	bool orderly;
	size_t n;

	start(t, s->client, TLS_TRUST_LATER);
	HOLD(tls_handshake(t, s->fd, 1LL << 60) == ERR_OK);
	HOLD(tls_send(t, s->fd, hello[s->client ? 0 : 1], 1LL << 60) == ERR_OK);
	HOLD(tls_recv(t, s->fd, text, sizeof text, &n, &orderly, 1LL << 60) == ERR_OK && span_eq(span_of(text, n), hello[s->client ? 1 : 0]));
	tls_shutdown(t, s->fd, 1LL << 60);
	shutdown(s->fd, SHUT_WR);
	return NULL;
}

static void make_pair(int fd[2])
{
	HOLD(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd) == 0);
}

/* Carries bytes between the two and keeps them. */
static void record(void)
{
	struct side side[2];
	pthread_t thread[2];
	int client[2], server[2], from[2];
	bool over[2] = { false, false };

	make_pair(client);
	make_pair(server);
	side[0] = (struct side){ true, client[0] };
	side[1] = (struct side){ false, server[0] };
	from[0] = client[1];
	from[1] = server[1];
	for (int i = 0; i < 2; i++)
		HOLD(pthread_create(&thread[i], NULL, one_side, &side[i]) == 0);
	while (!over[0] || !over[1]) {
		for (int i = 0; i < 2; i++) {
			uint8_t *to = tlspair_genuine.sent[i] + tlspair_genuine.n[i];
			ssize_t n = over[i] ? -1 : read(from[i], to, 1000);

			if (n == 0) {
				over[i] = true;
				shutdown(from[1 - i], SHUT_WR);
			}
			if (n > 0) {
				HOLD(write(from[1 - i], to, (size_t)n) == n);
				tlspair_genuine.n[i] += (size_t)n;
			}
		}
		usleep(100);
	}
	for (int i = 0; i < 2; i++) {
		pthread_join(thread[i], NULL);
		close(client[i]);
		close(server[i]);
	}
}

void tlspair_init(void)
{
	fuzz_entropy_restart();
	HOLD(tls_identity_make(&tlspair_identity, TLSPAIR_NAME, TLSPAIR_NOW, 30 * 24, span_of(NULL, 0)) == ERR_OK);
	record();
	for (int client = 0; client < 2; client++) {
		const uint8_t *sent = tlspair_genuine.sent[client ? 1 : 0];
		size_t n = tlspair_genuine.n[client ? 1 : 0], got, at = 0;
		uint8_t text[64];
		bool open;

		/* The recording, played back, is a whole connection; and where it opens is where its Finished ends. */
		tlspair_run(client, TLS_TRUST_LATER, span_of(sent, n), &open, text, sizeof text, &got);
		HOLD(open && span_eq(span_of(text, got), hello[client ? 1 : 0]));
		do {
			HOLD(at + 5 <= n);
			at += 5 + ((size_t)sent[at + 3] << 8 | sent[at + 4]);
			tlspair_run(client, TLS_TRUST_LATER, span_of(sent, at), &open, text, sizeof text, &got);
		} while (!open);
		tlspair_genuine.open_at[client ? 1 : 0] = at;
	}
}

/* --- one run ------------------------------------------------------------------------------------------------------ */

static void drain(int fd)
{
	uint8_t sink[8192];

	while (read(fd, sink, sizeof sink) > 0)
		;
}

void tlspair_run(bool client, enum tls_trust trust, struct span in, bool *open, uint8_t *data, size_t cap, size_t *n)
{
	static struct tls t;
	struct fuzz_dice d = fuzz_dice(in);
	enum err e = ERR_MORE;
	size_t at = 0;
	int fd[2];

	make_pair(fd);
	start(&t, client, trust);
	*open = false;
	*n = 0;
	while (e == ERR_MORE || e == ERR_OK) {
		bool end = at == in.n;
		size_t piece = end ? 0 : 1 + fuzz_roll(&d, in.n - at);

		if (piece)
			HOLD(write(fd[1], in.p + at, piece) == (ssize_t)piece);
		else
			shutdown(fd[1], SHUT_WR);
		at += piece;
		/* Until it waits for what has not been sent yet. */
		for (int turns = 0; turns < 100; turns++) {
			e = tls_step(&t, fd[0]);
			HOLD(e == ERR_OK || e == ERR_MORE || e == ERR_CLOSED || e == ERR_UNTRUSTED || e == ERR_TLS);
			drain(fd[1]);
			*open = *open || tls_open(&t);
			if (e != ERR_OK && e != ERR_MORE)
				break;
			size_t got = tls_take(&t, data + *n, cap - *n);

			HOLD(got == 0 || *open);
			*n += got;
			if (e == ERR_MORE && got == 0)
				break;
		}
		if (end)
			break;
	}
	HOLD(tls_error_text(&t) && *tls_error_text(&t));
	tls_wipe(&t);
	HOLD(fuzz_zero(&t, sizeof t));
	close(fd[0]);
	close(fd[1]);
}
