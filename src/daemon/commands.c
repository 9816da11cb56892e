/* SPDX-License-Identifier: Apache-2.0 */
/* The commands beside serve. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cc/base/clock.h"
#include "cc/core/apikeys.h"
#include "cc/core/certificates.h"
#include "cc/core/provision.h"
#include "cc/core/scope.h"
#include "cc/crypto/apikey.h"

#include "private.h"
#include "program.h"
#include "wire.h"

#define COMMAND_MS 600000

int cmd_migrate(const struct options *o)
{
	struct program p;
	int status = program_load(&p, o, false);

	if (status == 0) {
		struct setup_report r;
		struct wire w;

		signal(SIGPIPE, SIG_IGN);
		wire_open(&w, p.arena, &p.config);
		struct ctx cx = wire_ctx(&w, p.arena, COMMAND_MS);
		const enum err e = setup_all(&cx, p.config.control.admin_conninfo, o->dry_run, &r);

		if (e != ERR_NONE) {
			complain_problem("migrate", &cx, e);
			status = EXIT_UNAVAILABLE;
		} else if (o->dry_run) {
			printf("would apply: control %d, regions %d, tenants %d\n", r.control_pending,
				r.region_pending, r.tenants_pending);
		} else {
			printf("applied: control %d, regions %d, tenants %d\n", r.control_applied,
				r.region_applied, r.tenants_applied);
		}
		wire_close(&w);
	}
	program_free(&p);
	return status;
}

/* --- operator-key create -------------------------------------------------------------------------- */

static struct strv split_scopes(struct arena *a, const char *text)
{
	const char **v = ARENA_ARRAY(a, const char *, strlen(text) + 1);
	size_t n = 0;

	for (const char *p = text; *p != '\0';) {
		const size_t len = strcspn(p, ",");

		v[n++] = arena_strndup(a, p, len);
		p += len + (p[len] == ',');
	}
	return (struct strv){ .v = v, .n = n };
}

static bool scopes_known(const struct strv *scopes)
{
	for (size_t i = 0; i < scopes->n; i++)
		if (scope_bit(scopes->v[i]) == 0) {
			complain("unknown scope %s; known ones:", scopes->v[i]);
			for (size_t k = 0; scope_names[k] != NULL; k++)
				fprintf(stderr, "  %s\n", scope_names[k]);
			return false;
		}
	return scopes->n > 0;
}

static int hand_over(struct program *p, const char *key)
{
	const char *path = p->options->output, *error = NULL;
	struct apikey parsed;

	if (path == NULL) {
		printf("%s\n", key);
		fputs("This is the only time it is shown.\n", stderr);
		return 0;
	}
	if (private_file(p->arena, path, arena_printf(p->arena, "%s\n", key), false, &error))
		return 0;
	complain("%s; the key was made and is lost, revoke it: controlcored operator-key revoke --key key-%s",
		error, apikey_parse(key, &parsed) ? parsed.id : "…");
	return EXIT_NO_FILE;
}

/* What the control database did not answer, the first time most often because nothing is in it yet. */
static int unanswered(const char *doing, const struct ctx *cx, enum err e)
{
	complain_problem(doing, cx, e);
	if (e == ERR_NOT_FOUND)
		return EXIT_USAGE;
	/* The latter is how a table that is not there is taken in general. */
	if (e == ERR_UNAVAILABLE || e == ERR_TENANT_MOVING)
		complain("  Databases and tables are made by `controlcored migrate`.");
	return EXIT_UNAVAILABLE;
}

static int make_key(struct program *p)
{
	const struct options *o = p->options;
	struct strv scopes = { 0 };
	const char *key = NULL;
	struct wire w;
	int status;

	if (o->scopes != NULL) {
		scopes = split_scopes(p->arena, o->scopes);
		if (!scopes_known(&scopes))
			return EXIT_USAGE;
	}
	wire_open(&w, p->arena, &p->config);
	struct ctx cx = wire_ctx(&w, p->arena, COMMAND_MS);
	const enum err e = operator_key_create(
		&cx, o->name != NULL ? o->name : "operator", o->scopes != NULL ? &scopes : NULL, &key);

	if (e != ERR_NONE)
		status = unanswered("the key cannot be made", &cx, e);
	else
		status = hand_over(p, key);
	wire_close(&w);
	return status;
}

static bool can_make(const char *path)
{
	const char *slash = strrchr(path, '/');
	char folder[PATH_MAX];

	if (slash == NULL)
		(void)snprintf(folder, sizeof(folder), ".");
	else
		(void)snprintf(folder, sizeof(folder), "%.*s", slash == path ? 1 : (int)(slash - path), path);
	if (access(folder, W_OK | X_OK) == 0)
		return true;
	complain("no file can be made in %s: %s", folder, strerror(errno));
	return false;
}

int cmd_operator_key_create(const struct options *o)
{
	struct program p;
	int status;

	/* Neither a pipe's reader nor a log shall keep it by accident. */
	if (o->output == NULL && !isatty(STDOUT_FILENO)) {
		complain("the key is shown on a terminal only; name a new file for it: --output FILE");
		return EXIT_USAGE;
	}
	if (o->output != NULL && access(o->output, F_OK) == 0) {
		complain("%s exists already; the key goes to a new file", o->output);
		return EXIT_NO_FILE;
	}
	/* Before there is a key: one that nobody can read is one that nobody revokes. */
	if (o->output != NULL && !can_make(o->output))
		return EXIT_NO_FILE;
	signal(SIGPIPE, SIG_IGN);
	umask(077);
	status = program_load(&p, o, false);
	if (status == 0)
		status = make_key(&p);
	program_free(&p);
	return status;
}

/* --- operator-key list, revoke -------------------------------------------------------------------- */

static const char *when(struct arena *a, int64_t t)
{
	return t == TIME_NULL ? "-" : time_format(a, t);
}

static void print_key(struct arena *a, const struct api_key_row *k)
{
	printf("%-16s %-21s %-21s %-21s %s (", k->id, when(a, k->created_at), when(a, k->expires_at),
		when(a, k->revoked_at), printable(a, k->name));
	for (size_t i = 0; i < k->scopes.n; i++)
		printf("%s%s", i > 0 ? ", " : "", k->scopes.v[i]);
	printf(")\n");
}

static enum err list_keys(struct ctx *cx, const struct options *o)
{
	struct db_rows rows;
	const enum err e = operator_key_list(cx, &rows);

	(void)o;
	if (e != ERR_NONE)
		return e;
	printf("%-16s %-21s %-21s %-21s %s\n", "ID", "CREATED", "EXPIRES", "REVOKED", "NAME (SCOPES)");
	for (size_t i = 0; i < rows.n; i++)
		print_key(cx->arena, DB_ROW(&rows, struct api_key_row, i));
	return ERR_NONE;
}

static enum err revoke_key(struct ctx *cx, const struct options *o)
{
	struct api_key_deletion gone;
	const enum err e = operator_key_revoke(cx, o->key, &gone);

	if (e == ERR_NONE)
		printf("%s is revoked since %s\n", gone.id, time_format(cx->arena, gone.deleted_at));
	return e;
}

/* A command that is one question to the control database. */
static int ask_control(const char *doing, const struct options *o,
	enum err (*ask)(struct ctx *cx, const struct options *o))
{
	struct program p;
	int status = program_load(&p, o, false);

	if (status == 0) {
		struct wire w;

		signal(SIGPIPE, SIG_IGN);
		wire_open(&w, p.arena, &p.config);
		struct ctx cx = wire_ctx(&w, p.arena, COMMAND_MS);
		const enum err e = ask(&cx, o);

		if (e != ERR_NONE)
			status = unanswered(doing, &cx, e);
		wire_close(&w);
	}
	program_free(&p);
	return status;
}

int cmd_operator_key_list(const struct options *o)
{
	return ask_control("operator-key", o, list_keys);
}

int cmd_operator_key_revoke(const struct options *o)
{
	if (o->key == NULL) {
		complain("name the key: --key ID; operator-key list shows the ids");
		return EXIT_USAGE;
	}
	return ask_control("operator-key", o, revoke_key);
}

/* --- kek rotate ----------------------------------------------------------------------------------- */

static enum err rotate_kek(struct ctx *cx, const struct options *o)
{
	struct kek_rotation r;
	const enum err e = certificates_rotate(cx, &r);

	(void)o;
	if (e == ERR_NONE)
		printf("all certificates are under %s: %" PRId64 " changed, %" PRId64 " were already\n",
			r.kek_id, r.changed, r.unchanged);
	else if (r.ndamaged > 0)
		printf("under %s: %" PRId64 " changed, %" PRId64 " were already\n", r.kek_id, r.changed,
			r.unchanged);
	for (size_t i = 0; i < r.ndamaged; i++)
		complain("does not open: tenant %s, domain %s, serial %s, sealed under %s",
			r.damaged[i].tenant_id, r.damaged[i].domain, r.damaged[i].serial,
			r.damaged[i].kek_id);
	return e;
}

int cmd_kek_rotate(const struct options *o)
{
	return ask_control("kek rotate", o, rotate_kek);
}

/* --- What needs no database ----------------------------------------------------------------------- */

int cmd_config_check(const struct options *o)
{
	struct program p;
	const int status = program_load(&p, o, false);

	if (status == 0)
		printf("the settings are valid: %zu region%s, %zu plan%s\n", p.config.nregions,
			p.config.nregions == 1 ? "" : "s", p.config.plan_set.n,
			p.config.plan_set.n == 1 ? "" : "s");
	program_free(&p);
	return status;
}

/* Writes what `fill` says to standard output. */
static int print_text(void (*fill)(struct str *out))
{
	struct arena *a = arena_create(65536);
	struct str out;
	int status = 0;

	str_init(&out, a, 65536);
	fill(&out);
	if (fwrite(out.data, 1, out.len, stdout) != out.len || fflush(stdout) != 0)
		status = EXIT_NO_FILE;
	arena_destroy(a);
	return status;
}

static void fill_openapi(struct str *out)
{
	struct str flat;

	str_init(&flat, out->arena, 65536);
	openapi_write(&flat, &api_reference);
	jw_indent(out, flat.data);
	str_add_char(out, '\n');
}

static void fill_routes(struct str *out)
{
	routes_markdown(out, api_groups);
}

int cmd_config_example(const struct options *o)
{
	(void)o;
	return print_text(config_example);
}

int cmd_settings(const struct options *o)
{
	(void)o;
	return print_text(config_markdown);
}

int cmd_openapi(const struct options *o)
{
	(void)o;
	return print_text(fill_openapi);
}

int cmd_routes(const struct options *o)
{
	(void)o;
	return print_text(fill_routes);
}

int cmd_errors(const struct options *o)
{
	(void)o;
	return print_text(errors_markdown);
}

int cmd_version(const struct options *o)
{
	(void)o;
	printf("controlcored %s (API v1)\n", CC_VERSION);
	return 0;
}
