/* SPDX-License-Identifier: Apache-2.0 */
/* controlcored check-objects: the store and the tenants' catalogues, compared. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

#include "cc/core/objects_audit.h"

#include "program.h"
#include "stores.h"
#include "wire.h"

#define SETUP_MS 60000

static void print_finding(void *arg, const char *tenant_id, const char *path, const char *what)
{
	(void)arg;
	printf("%s: tenants/%s/%s\n", what, tenant_id, path);
}

static int check(struct program *p, struct wire *w)
{
	struct objects_audit a = { .remove = p->options->remove, .found = print_finding };
	struct ctx cx = wire_ctx(w, p->arena, SETUP_MS);
	const char *error = NULL;
	enum err e;

	if (!stores_open(p->arena, &p->config, &w->world, &error)) {
		complain("the store cannot be used: %s", error);
		return EXIT_UNAVAILABLE;
	}
	e = objects_audit(&cx, &a);
	if (e != ERR_NONE) {
		complain_problem("check-objects", &cx, e);
		return EXIT_UNAVAILABLE;
	}
	printf("%" PRId64 " tenants, %" PRId64 " objects: %" PRId64 " findings%s\n", a.tenants, a.objects,
		a.findings, a.findings > a.left && a.remove ? ", mended" : "");
	if (a.left > 0)
		printf("%" PRId64 " of them stay: they are of no tenant that was ever here\n", a.left);
	return (a.remove ? a.left : a.findings) > 0 ? EXIT_FOUND : 0;
}

int cmd_check_objects(const struct options *o)
{
	struct program p;
	int status = program_load(&p, o, false);

	if (status == 0) {
		struct wire w;

		signal(SIGPIPE, SIG_IGN);
		wire_open(&w, p.arena, &p.config);
		status = check(&p, &w);
		wire_close(&w);
	}
	program_free(&p);
	return status;
}
