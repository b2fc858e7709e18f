/* snpbox: command line and config files, one table for both. */
#include "snpbox.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { KIND_DEVICE, KIND_PRODUCT, KIND_U32, KIND_HEX64, KIND_BYTES, KIND_PATH, KIND_FLAG, KIND_CONFIG };

struct option {
	const char *name;
	enum kind kind;
	size_t at, len;
	const char *help;
};
#define AT(field) offsetof(struct options, field), sizeof(((struct options *)0)->field)

static const struct option OPTIONS[] = {
	{"device", KIND_DEVICE, AT(device), "sev-guest (default), sev (legacy 5.15 driver) or none"},
	{"vcek-key", KIND_PATH, AT(vcek_key), "PEM file with the P-384 private key that signs reports"},
	{"product", KIND_PRODUCT, AT(product), "Milan (default), Genoa or Turin"},
	{"report-version", KIND_U32, AT(report_version), "2 to 6, default 3, of Turin 5"},
	{"policy", KIND_HEX64, AT(policy), "guest policy, hex, default 3001f"},
	{"platform-info", KIND_HEX64, AT(platform_info), "PLATFORM_INFO, hex, default 25, of Turin 65 (version 2: 5)"},
	{"vlek", KIND_FLAG, AT(vlek), "a VLEK is loaded, with the key of --vcek-key, and signs"},
	{"mask-chip-key", KIND_FLAG, AT(mask_chip_key), "no VCEK: without --vlek reports are not signed"},
	{"mask-chip-id", KIND_FLAG, AT(mask_chip_id), "CHIP_ID is zeros"},
	{"vmpl", KIND_U32, AT(vmpl), "lowest VMPL that may be asked for, default 0"},
	{"guest-svn", KIND_U32, AT(guest_svn), "default 2"},
	{"tcb", KIND_HEX64, AT(tcb), "REPORTED_TCB, hex, numeric form as THIM's tcbm"},
	{"current-tcb", KIND_HEX64, AT(current_tcb), "CURRENT_TCB and LAUNCH_TCB, default as --tcb"},
	{"host-data", KIND_BYTES, AT(host_data), "64 hex digits, default zeros"},
	{"measurement", KIND_BYTES, AT(measurement), "96 hex digits"},
	{"chip-id", KIND_BYTES, AT(chip_id), "128 hex digits"},
	{"id-key-digest", KIND_BYTES, AT(id_key_digest), "96 hex digits"},
	{"certs", KIND_PATH, AT(certs), "certificates of extended requests: PEM (VCEK, ASK, ARK) or a binary table"},
	{"faults", KIND_PATH, AT(faults), "fault file, see README.md"},
	{"config", KIND_CONFIG, 0, 0, "file of name=value lines with the names above"},
	{"verbose", KIND_FLAG, AT(verbose), "a line on stderr for each open and request"},
};
#define N_OPTIONS (sizeof OPTIONS / sizeof OPTIONS[0])

static _Noreturn void refuse(const char *name, const char *why)
{
	box_log("%s: %s", name, why);
	exit(2);
}

static void help(void)
{
	printf("snpbox [OPTIONS] -- PROGRAM [ARGS...]\n");
	for (size_t i = 0; i < N_OPTIONS; i++)
		printf("  --%-15s %s\n", OPTIONS[i].name, OPTIONS[i].help);
	exit(0);
}

static const struct option *find(const char *name, size_t len)
{
	for (size_t i = 0; i < N_OPTIONS; i++)
		if (strlen(OPTIONS[i].name) == len && memcmp(OPTIONS[i].name, name, len) == 0)
			return &OPTIONS[i];
	box_log("unknown option %.*s", (int)len, name);
	exit(2);
}

static uint64_t number(const struct option *p, const char *value, int base)
{
	char *end;

	errno = 0;
	unsigned long long v = strtoull(value, &end, base);
	if (*value == 0 || *value == '-' || *end != 0 || errno != 0)
		refuse(p->name, "not a number");
	return v;
}

static void bytes(const struct option *p, const char *value, uint8_t *dst)
{
	size_t n = 0;

	if (strlen(value) != 2 * p->len || OPENSSL_hexstr2buf_ex(dst, p->len, &n, value, '\0') != 1)
		refuse(p->name, p->len == 32 ? "not 64 hex digits" : p->len == 48 ? "not 96 hex digits" : "not 128 hex digits");
}

static uint32_t choice(const struct option *p, const char *value, const char *const names[3])
{
	for (uint32_t i = 0; i < 3; i++)
		if (strcmp(value, names[i]) == 0)
			return i;
	refuse(p->name, "no such choice");
}

static void config_read(struct options *o, const char *path);

static void set(struct options *o, const struct option *p, const char *value, bool from_file)
{
	static const char *const devices[3] = {"none", "sev-guest", "sev"};
	static const char *const products[3] = {"Milan", "Genoa", "Turin"};
	void *field = (char *)o + p->at;

	switch (p->kind) {
	case KIND_DEVICE:
		*(uint32_t *)field = choice(p, value, devices);
		break;
	case KIND_PRODUCT:
		*(uint32_t *)field = choice(p, value, products);
		break;
	case KIND_U32: {
		uint64_t v = number(p, value, 10);
		if (v > UINT32_MAX)
			refuse(p->name, "too large");
		*(uint32_t *)field = (uint32_t)v;
		break;
	}
	case KIND_HEX64:
		*(uint64_t *)field = number(p, value, 16);
		break;
	case KIND_BYTES:
		bytes(p, value, field);
		break;
	case KIND_PATH: {
		char *copy = strdup(value);
		memcpy(field, &copy, sizeof copy);
		break;
	}
	case KIND_FLAG:
		*(bool *)field = strcmp(value, "0") != 0;
		break;
	case KIND_CONFIG:
		if (from_file)
			refuse(p->name, "not allowed in a config file");
		config_read(o, value);
		break;
	}
}

static void config_read(struct options *o, const char *path)
{
	char line[4096];
	FILE *f = fopen(path, "re");

	if (f == NULL)
		refuse(path, strerror(errno));
	while (fgets(line, sizeof line, f) != NULL) {
		line[strcspn(line, "\r\n")] = 0;
		if (line[0] == 0 || line[0] == '#')
			continue;
		char *eq = strchr(line, '=');
		if (eq == NULL)
			refuse(path, "a line is not name=value");
		*eq = 0;
		set(o, find(line, strlen(line)), eq + 1, true);
	}
	fclose(f);
}

/* Values of a real ACI guest where they are public, otherwise something recognisable. */
static void defaults(struct options *o)
{
	static const uint8_t azure_id_key[48] = {
		0x03, 0x56, 0x21, 0x58, 0x82, 0xa8, 0x25, 0x27, 0x9a, 0x85, 0xb3, 0x00, 0xb0, 0xb7, 0x42, 0x93,
		0x1d, 0x11, 0x3b, 0xf7, 0xe3, 0x2d, 0xde, 0x2e, 0x50, 0xff, 0xde, 0x7e, 0xc7, 0x43, 0xca, 0x49,
		0x1e, 0xcd, 0xd7, 0xf3, 0x36, 0xdc, 0x28, 0xa6, 0xe0, 0xb2, 0xbb, 0x57, 0xaf, 0x7a, 0x44, 0xa3};

	o->device = DEVICE_SEV_GUEST;
	o->product = PRODUCT_MILAN;
	o->platform_info = UINT64_MAX;
	o->guest_svn = 2;
	o->policy = 0x3001f;
	memcpy(o->id_key_digest, azure_id_key, sizeof azure_id_key);
	EVP_Digest("snpbox guest", 12, o->measurement, NULL, EVP_sha384(), NULL);
}

/* What depends on the product: TCB layout and the part of CHIP_ID in use. */
static void check_product(struct options *o)
{
	static const uint64_t default_tcb[3] = {0xdb18000000000004, 0x541700000000000a, 0x4800000004010101};
	static const uint64_t reserved[3] = {0x0000ffffffff0000, 0x0000ffffffff0000, 0x00ffffff00000000};
	static const uint8_t none[64];

	if (o->report_version == 0)
		o->report_version = o->product == PRODUCT_TURIN ? 5 : 3;
	/* SMT, ECC; alias check complete from version 3; real Turin machines: writes of the IOMMU are safe */
	if (o->platform_info == UINT64_MAX)
		o->platform_info = o->product == PRODUCT_TURIN ? 0x65 : o->report_version >= 3 ? 0x25 : 0x05;
	if (o->tcb == 0)
		o->tcb = default_tcb[o->product];
	if (o->current_tcb == 0)
		o->current_tcb = o->tcb;
	if (((o->tcb | o->current_tcb) & reserved[o->product]) != 0)
		refuse("tcb", "reserved bytes of this product's TCB are set");
	if (memcmp(o->chip_id, none, 64) == 0) {
		EVP_Digest("snpbox chip", 11, o->chip_id, NULL, EVP_sha512(), NULL);
		if (o->product == PRODUCT_TURIN)
			memset(o->chip_id + 8, 0, 56);
	}
	if (o->product == PRODUCT_TURIN && memcmp(o->chip_id + 8, none, 56) != 0)
		refuse("chip-id", "only the first 8 bytes are used on Turin, the others must be zero");
}

void options_parse(struct options *o, int argc, char **argv)
{
	int i = 1;

	defaults(o);
	for (; i < argc && strncmp(argv[i], "--", 2) == 0 && argv[i][2] != 0; i++) {
		const char *name = argv[i] + 2;
		if (strcmp(name, "help") == 0)
			help();
		size_t len = strcspn(name, "=");
		const struct option *p = find(name, len);
		if (name[len] == '=')
			set(o, p, name + len + 1, false);
		else if (p->kind == KIND_FLAG)
			set(o, p, "1", false);
		else if (i + 1 < argc)
			set(o, p, argv[++i], false);
		else
			refuse(name, "needs a value");
	}
	if (i >= argc || strcmp(argv[i], "--") != 0 || i + 1 >= argc)
		refuse("usage", "snpbox [OPTIONS] -- PROGRAM [ARGS...] (see --help)");
	o->argv = argv + i + 1;
	if (o->device != DEVICE_NONE && o->vcek_key == NULL)
		refuse("vcek-key", "needed to sign reports");
	if (o->vmpl > 3)
		refuse("vmpl", "not 0 to 3");
	check_product(o);
	if (o->report_version < 2 || o->report_version > 6)
		refuse("report-version", "not 2 to 6");
}
