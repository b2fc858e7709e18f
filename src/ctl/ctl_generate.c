/* parleyctl policy generate: layers and parties' settings in; policies, their hashes and release policies out. */
#include "ctl/ctl_generate.h"

#include <string.h>

#include "ctl/ctl_layer.h"
#include "ctl/ctl_say.h"
#include "text/base64.h"
#include "text/hex.h"
#include "text/json_read.h"
#include "text/json_write.h"
#include "os/file.h"
#include "party/settings.h"
#include "policy/party.h"

static const char usage[] =
	"usage: parleyctl policy generate --layer LAYER.tar... --out DIR [OPTION...] PARTY.json...\n"
	"       parleyctl policy rego --layer LAYER.tar... [OPTION...] [--name NAME] -- COMMAND [ARGUMENT...]\n"
	"\n"
	"generate: for every party writes NAME.rego (the policy), NAME.b64 (what goes into the template), NAME.hostdata (what\n"
	"the hardware will report), NAME.env.json and NAME.command.json (what the template must ask for) and, if the party has\n"
	"a key, NAME.release.json (the key's release policy) and NAME.key (its name, and who gets it); prints one \"HOST_DATA NAME\" line each.\n"
	"Settings with which /parley would not start are refused, as parley --check refuses them.\n"
	"rego: prints the policy of one bare container: no environment, user 0, no capabilities.\n"
	"  --layer FILE          a layer of the image, base first; repeat for more\n"
	"  --target aci|vn2      Azure Container Instances (the default), or virtual nodes of AKS\n"
	"  --no-fragment         no infrastructure fragment: nothing that Microsoft signs may run beside the container\n"
	"  --fragment-svn N      least version of the fragment, default 4\n"
	"  --platform FILE       lists of the variables that the platform injects (policy/platform.json)\n"
	"  --set NAME=VALUE      what ${NAME} in the settings stands for; repeat for more. ${HOST_DATA:PARTY} is known by\n"
	"                        itself for parties of the same run\n"
	"  --values FILE         the same from a JSON object of strings\n"
	"  --name NAME           the container's name, default the last part of the command\n"
	"\n"
	"exit status: 0 done, 1 refused, 2 wrong use, 3 a file cannot be read or written\n";

/* One run. Static: a party is some 100 KiB. */
static struct {
	const char *out, *platform, *values, *name;
	enum rego_target target;
	struct rego_fragment fragment;
	const char *layers[POLICY_LAYERS_MAX];
	size_t n_layers;
	uint8_t roots[POLICY_LAYERS_MAX][SHA256_LEN];
	const char *files[PARTIES_MAX];
	size_t n_files;
	bool done[PARTIES_MAX];
	struct party party[PARTIES_MAX];
	uint8_t host_data[PARTIES_MAX][SHA256_LEN];
	struct vars vars;
	struct why why;
	size_t platform_n;
	uint8_t platform_text[PARTY_FILE_MAX];
	uint8_t text[POLICY_TEXT_MAX];
	uint8_t b64[POLICY_B64_MAX];
	uint8_t file[PARTY_FILE_MAX];
} G;

static int wrong_use(void)
{
	ctl_say_err(span_str(usage));
	return SAY_USAGE;
}

static int refuse(const char *about)
{
	return ctl_say_problem(SAY_REFUSED, about, G.why.text, G.why.about);
}

/* --- Options --- */

static int set_value(const char *pair)
{
	struct span s = span_str(pair);
	size_t eq = span_find(s, '=');

	if (eq == s.n)
		return ctl_say_problem(SAY_USAGE, "--set", pair, "must be NAME=VALUE");
	return vars_set(&G.vars, span_sub(s, 0, eq), span_sub(s, eq + 1, s.n), &G.why) == ERR_OK ? 0 : refuse("--set");
}

/* Takes the option at argv[*i] and its value. 0, or the exit status. */
static int take_option(int argc, char **argv, int *i)
{
	const char *o = argv[*i], *v;

	if (strcmp(o, "--no-fragment") == 0) {
		G.fragment.on = false;
		return 0;
	}
	if (*i + 1 >= argc)
		return wrong_use();
	v = argv[++*i];
	if (strcmp(o, "--layer") == 0 && G.n_layers < POLICY_LAYERS_MAX)
		G.layers[G.n_layers++] = v;
	else if (strcmp(o, "--target") == 0 && (strcmp(v, "aci") == 0 || strcmp(v, "vn2") == 0))
		G.target = v[0] == 'a' ? REGO_ACI : REGO_VN2;
	else if (strcmp(o, "--fragment-svn") == 0)
		G.fragment.minimum_svn = span_str(v);
	else if (strcmp(o, "--platform") == 0)
		G.platform = v;
	else if (strcmp(o, "--values") == 0)
		G.values = v;
	else if (strcmp(o, "--out") == 0)
		G.out = v;
	else if (strcmp(o, "--name") == 0)
		G.name = v;
	else if (strcmp(o, "--set") == 0)
		return set_value(v);
	else
		return wrong_use();
	return 0;
}

/* Options up to "--" or the end; plain words go to files. *at is where "--" was left behind, or argc. */
static int take_options(int argc, char **argv, int *at)
{
	G.fragment = (struct rego_fragment){ true, SPAN_LIT("4") };
	for (int i = 1; i < argc; i++) {
		int status = 0;

		*at = i + 1;
		if (strcmp(argv[i], "--") == 0)
			return 0;
		if (strncmp(argv[i], "--", 2) == 0)
			status = take_option(argc, argv, &i);
		else if (G.n_files < PARTIES_MAX)
			G.files[G.n_files++] = argv[i];
		else
			status = ctl_say_problem(SAY_USAGE, argv[i], NULL, "too many parties");
		if (status)
			return status;
	}
	*at = argc;
	return 0;
}

static bool asks_help(int argc, char **argv)
{
	if (argc != 2 || strcmp(argv[1], "--help") != 0)
		return false;
	ctl_say_out(span_str(usage));
	return true;
}

/* --- Inputs --- */

static int measure_layers(void)
{
	for (size_t i = 0; i < G.n_layers; i++) {
		struct layer_info info;
		int status = ctl_layer_measure(G.layers[i], NULL, &info);

		if (status)
			return status;
		memcpy(G.roots[i], info.root, SHA256_LEN);
	}
	return 0;
}

static int read_values(void)
{
	static struct json_tok toks[PARTY_TOKENS_MAX];
	struct json_val name, value;
	struct json doc;
	size_t n;
	int status = G.values ? ctl_say_read(G.values, G.file, sizeof G.file, &n) : 0;

	if (status || !G.values)
		return status;
	if (json_parse(&doc, span_of(G.file, n), toks, PARTY_TOKENS_MAX) != ERR_OK || json_type_of(json_root(&doc)) != JSON_OBJECT)
		return ctl_say_problem(SAY_REFUSED, G.values, NULL, "must be a JSON object of strings");
	if (!json_member(json_root(&doc), 0, &name, &value))
		return ctl_say_problem(SAY_REFUSED, G.values, NULL, "holds no values");
	for (size_t i = 0; json_member(json_root(&doc), i, &name, &value); i++) {
		struct span text;

		if (json_plain(value, &text) != ERR_OK)
			return ctl_say_problem(SAY_REFUSED, G.values, NULL, "must be a JSON object of strings without escapes");
		if (vars_set(&G.vars, json_raw(name), text, &G.why) != ERR_OK)
			return refuse(G.values);
	}
	return 0;
}

static int read_inputs(void)
{
	int status = measure_layers();

	if (!status)
		status = read_values();
	if (!status && G.platform)
		status = ctl_say_read(G.platform, G.platform_text, sizeof G.platform_text, &G.platform_n);
	return status;
}

/* --- Outputs --- */

static int write_one(const char *party, const char *suffix, struct span data)
{
	char name[64];
	struct out o = out_init(name, sizeof name);

	out_str(&o, party);
	out_str(&o, suffix);
	return ctl_say_write(G.out, out_cstr(&o), data);
}

static void put_variable(struct jw *w, const struct rego_rule *r, struct span value)
{
	jw_object(w, NULL);
	jw_span(w, "name", span_sub(r->pattern, 0, span_find(r->pattern, '=')));
	jw_span(w, "value", value);
	jw_end_object(w);
}

/* The HOST_DATA of a party of this run, or given with --set. */
static int host_data_of(const struct party *p, const char *party, uint8_t host_data[SHA256_LEN])
{
	uint8_t name[64], hex[PARTY_TEXT_MAX];
	struct out n = out_init(name, sizeof name), h = out_init(hex, sizeof hex);

	out_str(&n, "${HOST_DATA:");
	out_str(&n, party);
	out_str(&n, "}");
	if (vars_expand(&G.vars, out_span(&n), &h, &G.why) != ERR_OK)
		return refuse(p->name);
	if (hex_decode(out_span(&h), host_data, SHA256_LEN) != ERR_OK)
		return ctl_say_problem(SAY_REFUSED, p->name, party, "HOST_DATA must be 64 hexadecimal digits");
	return 0;
}

/* The variables of known value as a template lists them: [{"name":...,"value":...}]. */
static int write_env(const struct party *p)
{
	struct out o = out_init(G.b64, sizeof G.b64);
	struct jw w = jw_init(&o);

	jw_array(&w, NULL);
	for (size_t i = 0; i < p->container.n_rules; i++) {
		const struct rego_rule *r = &p->container.rules[i];

		if (!r->re2 && r->required)
			put_variable(&w, r, span_sub(r->pattern, span_find(r->pattern, '=') + 1, r->pattern.n));
	}
	for (size_t i = 0; i < p->n_host_data_env; i++) {
		uint8_t host_data[SHA256_LEN], hex[2 * SHA256_LEN];
		struct out h = out_init(hex, sizeof hex);
		int status = host_data_of(p, p->host_data_env[i].party, host_data);

		if (status)
			return status;
		out_hex(&h, host_data, SHA256_LEN);
		put_variable(&w, &p->container.rules[p->host_data_env[i].rule], out_span(&h));
	}
	jw_end_array(&w);
	out_byte(&o, '\n');
	return write_one(p->name, ".env.json", out_span(&o));
}

static int write_command(const struct party *p)
{
	struct out o = out_init(G.b64, sizeof G.b64);
	struct jw w = jw_init(&o);

	jw_array(&w, NULL);
	for (size_t i = 0; i < p->container.n_command; i++)
		jw_span(&w, NULL, p->container.command[i]);
	jw_end_array(&w);
	out_byte(&o, '\n');
	return write_one(p->name, ".command.json", out_span(&o));
}

static int write_policy(size_t i, struct span text)
{
	const struct party *p = &G.party[i];
	struct out b64 = out_init(G.b64, sizeof G.b64);
	uint8_t hex[2 * SHA256_LEN + 1];
	struct out h = out_init(hex, sizeof hex);
	int status;

	out_hex(&h, G.host_data[i], SHA256_LEN);
	out_byte(&h, '\n');
	base64_encode(&b64, B64_STD, text);
	status = write_one(p->name, ".rego", text);
	if (!status)
		status = write_one(p->name, ".b64", out_span(&b64));
	if (!status)
		status = write_one(p->name, ".hostdata", out_span(&h));
	return status ? status : write_command(p);
}

/* --- One party after the other --- */

static int tell_host_data(const struct party *p, const uint8_t host_data[SHA256_LEN])
{
	uint8_t name[64], hex[2 * SHA256_LEN];
	struct out n = out_init(name, sizeof name), h = out_init(hex, sizeof hex);

	out_str(&n, "HOST_DATA:");
	out_str(&n, p->name);
	out_hex(&h, host_data, SHA256_LEN);
	return vars_set(&G.vars, out_span(&n), out_span(&h), &G.why) == ERR_OK ? 0 : refuse(p->name);
}

static bool name_taken(size_t i)
{
	for (size_t j = 0; j < G.n_files; j++)
		if (j != i && G.done[j] && strcmp(G.party[j].name, G.party[i].name) == 0)
			return true;
	return false;
}

/* --- Would it start? --- */

/* What the container is given, as NAME=value with its NUL, one behind the other. The policy does not tell the values of secrets and
 * of other parties' hashes: these are NAME= and nothing. */
struct environment {
	struct out text;
	char *list[PARTY_ENV_MAX + PARTY_RULES_MAX + 1];
	size_t n;
	bool secrets;
};

static bool is_host_data(const struct party *p, size_t rule)
{
	for (size_t i = 0; i < p->n_host_data_env; i++)
		if (p->host_data_env[i].rule == rule)
			return true;
	return false;
}

static void list_environment(const struct party *p, struct environment *e)
{
	for (size_t i = 0; i < p->container.n_rules; i++) {
		const struct rego_rule *r = &p->container.rules[i];
		size_t name = span_find(r->pattern, '=');

		if (!r->required || !rego_name(span_sub(r->pattern, 0, name)))
			continue;
		e->secrets |= r->re2 && !is_host_data(p, i);
		e->list[e->n++] = (char *)e->text.p + e->text.n;
		out_put(&e->text, r->re2 ? span_sub(r->pattern, 0, name + 1) : r->pattern);
		out_byte(&e->text, 0);
	}
}

/* What the program says of its settings. Whether they go together is only known when all of them are. */
static int check_settings(const char *file, const struct party *p)
{
	static struct settings settings;
	static struct setting_report report;
	struct environment e = { .text = out_init(G.b64, sizeof G.b64) };
	char line[400];

	if (!span_eq_str(p->container.command[0], "/parley"))
		return 0; /* a program that is not known here */
	list_environment(p, &e);
	if (e.text.bad)
		return ctl_say_problem(SAY_REFUSED, file, NULL, "too many variables");
	conf_take(&settings, e.list, &report);
	if (!e.secrets)
		conf_settle(&settings, &report);
	for (struct span lines = span_str(report.problems); lines.n;)
		if (span_copy_str(span_cut(&lines, '\n'), line, sizeof line))
			(void)ctl_say_problem(SAY_REFUSED, file, line, NULL);
	return report.n ? SAY_REFUSED : 0;
}

/* Reads and writes party i; *later when it needs another party's HOST_DATA first. */
static int run_party(size_t i, bool *later)
{
	struct party *p = &G.party[i];
	struct out o = out_init(G.text, sizeof G.text);
	size_t n;
	enum err e;
	int status = ctl_say_read(G.files[i], G.file, sizeof G.file, &n);

	*later = false;
	if (status)
		return status;
	e = party_read(p, span_of(G.file, n), span_of(G.platform_text, G.platform_n), G.target, &G.vars, &G.why);
	if (e == ERR_NOT_FOUND && span_starts(span_str(G.why.about), "HOST_DATA:")) {
		*later = true;
		return 0;
	}
	if (e != ERR_OK)
		return refuse(G.files[i]);
	status = check_settings(G.files[i], p);
	if (status)
		return status;
	if (name_taken(i))
		return ctl_say_problem(SAY_REFUSED, G.files[i], p->name, "another party has this name");
	memcpy(p->container.layers, G.roots, sizeof G.roots);
	p->container.n_layers = G.n_layers;
	if (rego_write(&o, &p->container, G.target, &G.fragment, &G.why) != ERR_OK)
		return refuse(G.files[i]);
	hash_sha256(out_span(&o), G.host_data[i]);
	status = write_policy(i, out_span(&o));
	G.done[i] = true;
	return status ? status : tell_host_data(p, G.host_data[i]);
}

/* Parties may name each other's HOST_DATA, so they are taken in any order that works. */
static int run_parties(void)
{
	for (size_t left = G.n_files, before; left;) {
		before = left;
		for (size_t i = 0; i < G.n_files; i++) {
			bool later = false;
			int status = G.done[i] ? 0 : run_party(i, &later);

			if (status)
				return status;
		}
		left = 0;
		for (size_t i = 0; i < G.n_files; i++)
			left += !G.done[i];
		if (left == before)
			return ctl_say_problem(SAY_REFUSED, "HOST_DATA of a party that is not in this run, or parties that wait for each other",
				G.why.about, NULL);
	}
	return 0;
}

/* For scripts: the key's name, then who gets it, a line each. */
static int write_key(const struct party *p)
{
	struct out o = out_init(G.b64, sizeof G.b64);

	out_str(&o, p->key_name);
	out_byte(&o, '\n');
	for (size_t i = 0; i < p->n_release_to; i++) {
		out_str(&o, p->release_to[i]);
		out_byte(&o, '\n');
	}
	return write_one(p->name, ".key", out_span(&o));
}

static int write_release(struct party *p)
{
	struct release_policy *r = &p->release;
	struct out o = out_init(G.text, sizeof G.text);

	for (r->n = 0; r->n < p->n_release_to; r->n++) {
		int status = host_data_of(p, p->release_to[r->n], r->host_data[r->n]);

		if (status)
			return status;
	}
	if (release_write(&o, r, &G.why) != ERR_OK)
		return refuse(p->name);
	if (write_key(p) != 0)
		return SAY_FILE;
	return write_one(p->name, ".release.json", out_span(&o));
}

static void print_hashes(void)
{
	uint8_t text[PARTIES_MAX * 128];
	struct out o = out_init(text, sizeof text);

	for (size_t i = 0; i < G.n_files; i++) {
		out_hex(&o, G.host_data[i], SHA256_LEN);
		out_byte(&o, ' ');
		out_str(&o, G.party[i].name);
		out_byte(&o, '\n');
	}
	ctl_say_out(out_span(&o));
}

int ctl_generate(int argc, char **argv)
{
	int at, status;

	if (asks_help(argc, argv))
		return SAY_DONE;
	status = take_options(argc, argv, &at);
	if (status)
		return status;
	if (!G.n_files || !G.n_layers || !G.out || G.name || at != argc)
		return wrong_use();
	status = read_inputs();
	if (!status && file_prepare_dir(G.out) != ERR_OK)
		status = ctl_say_problem(SAY_FILE, G.out, NULL, "no directory that can be written");
	if (!status)
		status = run_parties();
	for (size_t i = 0; i < G.n_files && !status; i++) {
		status = write_env(&G.party[i]);
		if (!status && G.party[i].has_key)
			status = write_release(&G.party[i]);
	}
	if (!status)
		print_hashes();
	return status;
}

int ctl_generate_rego(int argc, char **argv)
{
	struct rego_container *c = &G.party[0].container;
	struct out o = out_init(G.text, sizeof G.text);
	int at, status;

	if (asks_help(argc, argv))
		return SAY_DONE;
	status = take_options(argc, argv, &at);
	if (status)
		return status;
	if (G.n_files || !G.n_layers || G.out || G.values || G.platform || at >= argc || argc - at > PARTY_ITEMS_MAX)
		return wrong_use();
	status = read_inputs();
	if (status)
		return status;
	*c = (struct rego_container){ .working_dir = SPAN_LIT("/"), .n_gids = 1, .n_layers = G.n_layers };
	memcpy(c->layers, G.roots, sizeof G.roots);
	for (; at < argc; at++)
		c->command[c->n_command++] = span_str(argv[at]);
	if (!G.name) {
		const char *slash = strrchr((const char *)c->command[0].p, '/');

		G.name = slash ? slash + 1 : (const char *)c->command[0].p;
	}
	c->name = span_str(G.name);
	if (rego_write(&o, c, G.target, &G.fragment, &G.why) != ERR_OK)
		return refuse("policy rego");
	ctl_say_out(out_span(&o));
	return SAY_DONE;
}
