/* SPDX-License-Identifier: Apache-2.0 */
/* One table of commands: it is what is understood, and what --help says. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "cc/crypto/wipe.h"

#include "cli_parts.h"

enum {
	O_CONFIG,
	O_EMBEDDED,
	O_LISTEN,
	O_TLS_LISTEN,
	O_NAME,
	O_SCOPES,
	O_OUTPUT,
	O_KEY,
	O_KEYS,
	O_DRY_RUN,
	O_REMOVE,
	O_SOCKET,
	O_STATUS,
	O_REGION,
	O_TENANT,
	O_JSON,
	O_FOLLOW,
	O_PATH,
	O_FILE,
	O_COUNT
};
/* clang-format off */
const struct option option_table[] = {
	[O_CONFIG] = { "--config", "FILE", offsetof(struct options, config),
		"settings; without it /etc/controlcored/controlcored.conf, if there is one" },
	[O_EMBEDDED] = { "--embedded", "DIR", offsetof(struct options, embedded),
		"PostgreSQL and Redis of its own, all data in DIR" },
	[O_LISTEN] = { "--listen", "ADDR:PORT", offsetof(struct options, listen),
		"instead of server.address and server.port; port 0 is any free one" },
	[O_TLS_LISTEN] = { "--tls-listen", "ADDR:PORT", offsetof(struct options, tls_listen),
		"instead of tls.address and tls.port" },
	[O_NAME] = { "--name", "NAME", offsetof(struct options, name), "what the key is called in lists" },
	[O_SCOPES] = { "--scopes", "A,B", offsetof(struct options, scopes),
		"what the key may do; without it every platform: scope" },
	[O_OUTPUT] = { "--output", "FILE", offsetof(struct options, output),
		"a new file for the key, mode 0600; without it the terminal" },
	[O_KEY] = { "--key", "ID", offsetof(struct options, key),
		"which key: its id as the list shows it (key-…), never the key itself" },
	[O_KEYS] = { "--keys", "FILE", offsetof(struct options, keys),
		"public keys, as /.well-known/controlcore-keys shows them" },
	[O_DRY_RUN] = { "--dry-run", NULL, offsetof(struct options, dry_run), "only say what would be done" },
	[O_REMOVE] = { "--remove", NULL, offsetof(struct options, remove), "mend what is found" },
	[O_SOCKET] = { "--socket", "PATH", offsetof(struct options, socket),
		"the admin socket of a daemon, instead of admin.socket; no settings are read then" },
	[O_STATUS] = { "--status", "STATUS", offsetof(struct options, status),
		"only these: active, suspended, …" },
	[O_REGION] = { "--region", "REGION", offsetof(struct options, region), "only those there" },
	[O_TENANT] = { "--tenant", "NAME", offsetof(struct options, tenant),
		"only this one: its id or its slug" },
	[O_JSON] = { "--json", NULL, offsetof(struct options, json), "what the daemon says, as it says it" },
	[O_FOLLOW] = { "--follow", NULL, offsetof(struct options, follow),
		"until nothing is under way any more" },
	[O_PATH] = { "PATH", NULL, offsetof(struct options, path), "a file, or a folder" },
	[O_FILE] = { "FILE", NULL, offsetof(struct options, path), "a file" },
};

#define BIT(o) (1U << (o))
#define SETTINGS (BIT(O_CONFIG) | BIT(O_EMBEDDED))
#define ADMIN (SETTINGS | BIT(O_SOCKET) | BIT(O_JSON))

const struct command commands[] = {
	{ { "serve", NULL }, SETTINGS | BIT(O_LISTEN) | BIT(O_TLS_LISTEN), cmd_serve,
		"run the control plane",
		"Serves the API until SIGTERM or Ctrl-C: running requests are answered first. A second\n"
		"signal ends it at once. With --embedded it starts a private PostgreSQL and Redis, keeps\n"
		"their data in DIR, and writes the first operator key to DIR/operator.key." },
	{ { "migrate", NULL }, SETTINGS | BIT(O_DRY_RUN), cmd_migrate,
		"create and migrate the databases",
		"Makes login roles and databases with control.admin_conninfo, then brings the control\n"
		"database, the regions and every tenant's schema to the newest version. May be repeated,\n"
		"also by several nodes at once." },
	{ { "operator-key", "create" }, SETTINGS | BIT(O_NAME) | BIT(O_SCOPES) | BIT(O_OUTPUT),
		cmd_operator_key_create,
		"make an operator's API key",
		"Shows the key once. Only its HMAC is stored." },
	{ { "operator-key", "list" }, SETTINGS, cmd_operator_key_list,
		"list the API keys of operators",
		"Revoked and expired ones too, the oldest first. Keys themselves are not stored." },
	{ { "operator-key", "revoke" }, SETTINGS | BIT(O_KEY), cmd_operator_key_revoke,
		"refuse an operator's API key from now on",
		"Every node refuses it within a second. The last key with platform:ops stays, and so does\n"
		"the last with all scopes of the platform, no end and no networks: make another first." },
	{ { "kek", "rotate" }, SETTINGS, cmd_kek_rotate,
		"seal private keys of certificates under another KEK",
		"Seals what is under another KEK under the first of secrets.keks: only the keys that the\n"
		"private keys are sealed with, which themselves are not opened. Nobody has to stop for it.\n"
		"It may be ended at any time and run again. Changes nothing while a KEK that is in use is\n"
		"missing, and names it. Before it every node must know the new KEK, behind the old one." },
	{ { "check-objects", NULL }, SETTINGS | BIT(O_REMOVE), cmd_check_objects,
		"compare the store with the tenants' catalogues",
		"Names each object that no catalogue knows, and each that one knows and that is missing or\n"
		"of another size. With --remove the former are removed and the latter forgotten: bundles\n"
		"are made again when they are asked for. Nobody has to stop for it; what is being stored\n"
		"at the moment may be found too, and is made again as well. Status 1: something was found\n"
		"and not mended." },
	{ { "scan-secrets", NULL }, BIT(O_PATH), cmd_scan_secrets,
		"find API keys in files",
		"Looks through a file, or through every regular file below a folder, for keys of this\n"
		"product: their beginning and their checksum tell them from any other text. Prints\n"
		"file:line:column, the key's id and its end, never the key. Symbolic links below PATH are\n"
		"not followed; pipes, sockets and devices are passed over, which is said. Needs no settings\n"
		"and no database. Revoke what it finds, by that id." },
	{ { "verify-audit", NULL }, SETTINGS | BIT(O_KEYS) | BIT(O_FILE), cmd_verify_audit,
		"find what was changed in an export of the audit",
		"Reads what GET /audit/export?format=ndjson sent, and names each record that was changed,\n"
		"taken out, put in or moved, with its line. Needs no database. With --keys signatures are\n"
		"checked; without, digests made anew are not found. With --config or --embedded the macs\n"
		"are computed from secrets.audit_key: then also what was changed in the database before is\n"
		"found. Status 2: no fault was found, but nothing proves who wrote the file (none of these\n"
		"was given), or some macs are of an earlier audit_key and were not computed." },
	{ { "admin", "tenants" }, ADMIN | BIT(O_STATUS) | BIT(O_REGION) | BIT(O_TENANT), cmd_admin_tenants,
		"list tenants",
		"Asks a daemon that runs, over its admin socket, as all of `admin` does: whoever may open\n"
		"that socket needs no key. It is --socket, or admin.socket of the settings, of which\n"
		"nothing else is read, or that of the unit, /run/controlcored/admin.sock. The latest\n"
		"first, a thousand at most; if there are more it says how many." },
	{ { "admin", "deployments" }, ADMIN | BIT(O_FOLLOW), cmd_admin_deployments,
		"list moves of tenants between regions",
		"Those under way first. With --follow it shows how far they are until none is, on a\n"
		"terminal in one line, else a line for each step." },
	{ { "admin", "jobs" }, ADMIN, cmd_admin_jobs, "show how background work goes",
		"Of the one node that is asked: how often each kind was done, how often in vain, and when\n"
		"it last went well." },
	{ { "admin", "outbox" }, ADMIN, cmd_admin_outbox, "list calls of Stripe's that wait or were refused",
		"Those that were refused in the last week first." },
	{ { "admin", "nodes" }, ADMIN, cmd_admin_nodes, "list the processes that serve",
		"Each says every ten seconds that it is there. One that was killed is listed for a day." },
	{ { "admin", "cache" }, ADMIN, cmd_admin_cache, "show what a node keeps in memory", NULL },
	{ { "config", "check" }, SETTINGS, cmd_config_check,
		"find every fault of the settings",
		"Reads the settings file, the environment (CONTROLCORE_<SECTION>_<NAME>) and the plans,\n"
		"and names each fault with its file, line, setting, what was expected and what was found." },
	{ { "config", "example" }, 0, cmd_config_example, "print a commented settings file", NULL },
	{ { "openapi", NULL }, 0, cmd_openapi, "print the OpenAPI 3.1 document", NULL },
	{ { "settings", NULL }, 0, cmd_settings, "print the table of settings (Markdown)", NULL },
	{ { "routes", NULL }, 0, cmd_routes, "print the table of operations (Markdown)", NULL },
	{ { "errors", NULL }, 0, cmd_errors, "print the table of errors (Markdown)", NULL },
	{ { "manual", "program" }, 0, cmd_manual_program, "print the page controlcored(8) (man)", NULL },
	{ { "manual", "settings" }, 0, cmd_manual_settings,
		"print the page controlcored.conf(5) (man)", NULL },
	{ { "version", NULL }, 0, cmd_version, "print the version", NULL },
};
/* clang-format on */
const size_t ncommands = sizeof(commands) / sizeof(commands[0]);
const size_t noptions = O_COUNT;

const char statuses[] =
	"Exit status: 0 done, 1 a secret or a fault was found, 2 no fault was found but not all could be\n"
	"checked, 64 wrong usage, 66 a file cannot be read, 69 something needed is away or unsafe,\n"
	"70 an internal fault, 73 a file cannot be written, 75 another instance has it,\n"
	"78 a setting is not valid.\n";

/* --- Help ----------------------------------------------------------------------------------------- */

static bool is_operand(int i)
{
	return option_table[i].name[0] != '-';
}

static void print_usage(FILE *f, const struct command *c)
{
	fprintf(f, "usage: controlcored %s%s%s", c->words[0], c->words[1] != NULL ? " " : "",
		c->words[1] != NULL ? c->words[1] : "");
	for (int i = 0; i < O_COUNT; i++)
		if ((c->options & BIT(i)) && is_operand(i))
			fprintf(f, " %s", option_table[i].name);
		else if (c->options & BIT(i))
			fprintf(f, " [%s%s%s]", option_table[i].name,
				option_table[i].value != NULL ? " " : "",
				option_table[i].value != NULL ? option_table[i].value : "");
	fputc('\n', f);
}

static int print_command_help(const struct command *c)
{
	print_usage(stdout, c);
	printf("\n%s%s%s\n", c->summary, c->doc != NULL ? ".\n\n" : ".", c->doc != NULL ? c->doc : "");
	if (c->options != 0)
		fputs("\nOptions:\n", stdout);
	for (int i = 0; i < O_COUNT; i++)
		if (c->options & BIT(i))
			printf("  %-11s %-10s %s\n", option_table[i].name,
				option_table[i].value != NULL ? option_table[i].value : "",
				option_table[i].doc);
	return 0;
}

/* Those of one first word, or all of them. False: there is none. */
static bool print_commands(FILE *f, const char *word)
{
	bool any = false;

	for (size_t i = 0; i < ncommands; i++) {
		const char *const *w = commands[i].words;
		char words[64];

		if (word != NULL && !str_eq(w[0], word))
			continue;
		any = true;
		snprintf(words, sizeof words, "%s%s%s", w[0], w[1] != NULL ? " " : "",
			w[1] != NULL ? w[1] : "");
		fprintf(f, "  %-20s %s\n", words, commands[i].summary);
	}
	return any;
}

static int print_help(void)
{
	fputs("usage: controlcored COMMAND [OPTION]…\n\nCommands:\n", stdout);
	(void)print_commands(stdout, NULL);
	printf("\ncontrolcored COMMAND --help says more. Secrets are never given on the command line.\n%s",
		statuses);
	return 0;
}

static int wrong_usage(const struct command *c, const char *what, const char *arg)
{
	complain("%s%s%s", what, arg != NULL ? ": " : "", arg != NULL ? arg : "");
	if (c != NULL)
		print_usage(stderr, c);
	else
		fputs("controlcored --help lists the commands\n", stderr);
	return EXIT_USAGE;
}

/* --- Reading the arguments ------------------------------------------------------------------------ */

static const struct command *find_command(int argc, char **argv, int *ret_used)
{
	for (size_t i = 0; i < ncommands; i++) {
		const struct command *c = &commands[i];

		if (argc < 2 || !str_eq(argv[1], c->words[0]))
			continue;
		if (c->words[1] != NULL && (argc < 3 || !str_eq(argv[2], c->words[1])))
			continue;
		*ret_used = c->words[1] != NULL ? 3 : 2;
		return c;
	}
	return NULL;
}

/* The option an argument names, as --name VALUE or --name=VALUE, or the operand it is; -1: neither. */
static int find_option(const struct command *c, const char *arg)
{
	for (int i = 0; i < O_COUNT; i++) {
		const size_t n = strlen(option_table[i].name);

		if ((c->options & BIT(i)) && is_operand(i) && arg[0] != '-' && arg[0] != '\0')
			return i;
		if ((c->options & BIT(i)) && strncmp(arg, option_table[i].name, n) == 0 &&
			(arg[n] == '\0' || (arg[n] == '=' && option_table[i].value != NULL)))
			return i;
	}
	return -1;
}

/* 0, or the exit status after saying what is wrong; -1: help was asked for. */
static int read_options(const struct command *c, int argc, char **argv, struct options *ret)
{
	for (int i = 0; i < argc; i++) {
		const char *arg = argv[i];

		if (str_eq(arg, "--help") || str_eq(arg, "-h"))
			return -1;
		const int k = find_option(c, arg);
		if (k < 0)
			return wrong_usage(c, arg[0] == '-' ? "unknown option" : "unexpected argument", arg);
		char *member = (char *)ret + option_table[k].offset;
		const char *equals = strchr(arg, '=');

		if (is_operand(k)) {
			if (*(const char **)member != NULL)
				return wrong_usage(c, "unexpected argument", arg);
			*(const char **)member = arg;
			continue;
		}
		if (option_table[k].value == NULL) {
			*(bool *)member = true;
			continue;
		}
		const char *value = equals != NULL ? equals + 1 : i + 1 < argc ? argv[++i] : NULL;
		if (value == NULL || value[0] == '\0')
			return wrong_usage(c, "this option needs a value", option_table[k].name);
		if (*(const char **)member != NULL)
			return wrong_usage(c, "this option is there twice", option_table[k].name);
		*(const char **)member = value;
	}
	return 0;
}

static int help(int argc, char **argv)
{
	int used;
	const struct command *c = find_command(argc, argv, &used);

	if (c != NULL)
		return print_command_help(c);
	return argc == 2 && print_commands(stdout, argv[1]) ? 0 : print_help();
}

static bool is_help(const char *arg)
{
	return str_eq(arg, "--help") || str_eq(arg, "-h");
}

/* "admin" alone is none. */
static int no_command(int argc, char **argv)
{
	if (argc == 3 && is_help(argv[2]) && print_commands(stdout, argv[1]))
		return 0;
	complain("unknown command: %s", argv[1]);
	if (!print_commands(stderr, argv[1]))
		fputs("controlcored --help lists the commands\n", stderr);
	return EXIT_USAGE;
}

/* What was to be read did not get where it was to go: that is no success. */
static int written(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	if (status != 0)
		return status;
	complain("what was to be shown cannot be written: %s", strerror(errno));
	return EXIT_NO_FILE;
}

int cli_main(int argc, char **argv)
{
	struct options o = { 0 };
	int used = 0, status;

	if (!crypto_wipes()) {
		complain("OpenSSL was at work before this program: private keys would stay in memory");
		return EXIT_SOFTWARE;
	}
	if (argc < 2)
		return wrong_usage(NULL, "no command", NULL);
	if (str_eq(argv[1], "--help") || str_eq(argv[1], "-h"))
		return written(print_help());
	if (str_eq(argv[1], "help"))
		return written(help(argc - 1, argv + 1));
	if (str_eq(argv[1], "--version"))
		return written(cmd_version(&o));
	const struct command *c = find_command(argc, argv, &used);
	if (c == NULL)
		return written(no_command(argc, argv));
	status = read_options(c, argc - used, argv + used, &o);
	if (status != 0)
		return status < 0 ? written(print_command_help(c)) : status;
	for (int i = 0; i < O_COUNT; i++)
		if ((c->options & BIT(i)) && is_operand(i) && o.path == NULL)
			return wrong_usage(c, "this is missing", option_table[i].name);
	status = c->run(&o);
	/* Of a daemon the end counts, not what it greeted somebody with. */
	return c->run == cmd_serve ? status : written(status);
}
