/* What a party may still do after start. */
#include "party/rules.h"

#include "conf/confine.h"
#include "os/file.h"
#include "os/net.h"
#include "os/resolve.h"
#include "os/snp_device.h"

static const struct seal_list *const lists[] = {
	&seal_base, &file_seal_read, &file_seal_replace, &net_seal, &resolve_seal, &snp_device_seal,
};

void rules_collect(struct seal *seal, const struct settings *s)
{
	const char *const endpoints[] = {
		s->attest.maa, s->attest.akv, s->attest.identity.imds, s->attest.identity.endpoint, s->attest.identity.authority,
		s->attest.certs.endpoint, s->demo.storage.at.endpoint,
	};

	for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
		seal_add(seal, lists[i]);
	seal_add_path(seal, s->data_dir, SEAL_REPLACE);
	seal_add_path(seal, s->csv_path, SEAL_BESIDE);
	seal_add_path(seal, s->attest.identity.token_file, SEAL_BESIDE);
	seal_add_port(seal, 443); /* https: defaults of what is not set */
	for (size_t i = 0; i < sizeof endpoints / sizeof endpoints[0]; i++)
		confine_endpoint(seal, endpoints[i]);
	for (enum role r = ROLE_CONTOSO; r <= ROLE_FABRIKAM; r++) {
		confine_endpoint(seal, s->partner[r].akv);
		confine_endpoint(seal, s->partner[r].url);
	}
}
