/* parley-party: a party without the demonstration, and the SKR sidecar's interface. */
#include "party/routes.h"
#include "party/start.h"
#include "sidecar/routes.h"

static struct settings settings;

/* Memory of the workers. */
static union {
	struct scratch party;
	struct sidecar_scratch sidecar;
} scratch[HTTP_WORKERS];
_Static_assert(SIDECAR_SECRET <= SCRATCH_SECRET, "all that may be secret is wiped");

static struct peer_conn peers[HTTP_SLOTS];

static struct site sites[PORTS] = {
	[PORT_HTTP] = { .name = "http", .listening = "listening, plain", .table = { &party_routes } },
	[PORT_HTTPS] = { .name = "https", .listening = "listening, TLS", .table = { &party_routes } },
	[PORT_PEER] = PEER_SITE(peers),
	[PORT_SIDECAR] = SIDECAR_SITE,
};

int main(int argc, char **argv, char **envp)
{
	const struct party_program parley_party = {
		.name = "parley-party", .settings = &settings, .sites = sites,
		.memory = { .scratch = scratch, .scratch_len = sizeof scratch[0], .text_len = sizeof scratch[0].party.text, .secret_len = SCRATCH_SECRET },
	};

	sidecar_init(&settings.attest);
	return party_main(&parley_party, argc, argv, envp);
}
