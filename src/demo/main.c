/* parley: a party with the demonstration, and the SKR sidecar's interface. */
#include "demo/handlers.h"
#include "demo/probe.h"
#include "demo/routes.h"
#include "demo/shared.h"
#include "party/start.h"
#include "sidecar/routes.h"

static struct settings settings;

/* Memory of the workers. */
static union {
	struct demo_scratch demo;
	struct sidecar_scratch sidecar;
} scratch[HTTP_WORKERS];
_Static_assert(SIDECAR_SECRET <= SCRATCH_SECRET, "all that may be secret is wiped");

static struct peer_conn peers[HTTP_SLOTS];

static struct site sites[PORTS] = {
	[PORT_HTTP] = { .name = "http", .listening = "listening, plain", .table = { &party_routes, &demo_routes } },
	[PORT_HTTPS] = { .name = "https", .listening = "listening, TLS", .table = { &party_routes, &demo_routes } },
	[PORT_PEER] = PEER_SITE(peers),
	[PORT_SIDECAR] = SIDECAR_SITE,
};

int main(int argc, char **argv, char **envp)
{
	const struct party_program parley = {
		.name = "parley", .settings = &settings, .sites = sites, .debug = &debug_routes, .share = &shared_blob, .seal = &probe_seal,
		.memory = { .scratch = scratch, .scratch_len = sizeof scratch[0], .text_len = sizeof scratch[0].demo.party.text, .secret_len = SCRATCH_SECRET },
	};

	sidecar_init(&settings.attest);
	return party_main(&parley, argc, argv, envp);
}
