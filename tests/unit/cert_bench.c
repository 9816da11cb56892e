/* SPDX-License-Identifier: Apache-2.0 */
#include "cert_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "temp.h"

#include "cc/base/clock.h"

struct cert *root, *middle;
static char *folder, *store;

int cert_bench_setup(void **state)
{
	(void)state;
	root = cert_make(&(struct cert_spec){ .ca = true, .subject = "root", .until_s = 3000 * DAY });
	middle = cert_make(&(struct cert_spec){ .ca = true, .subject = "middle", .issuer = root });
	folder = temp_folder("cc-certs");
	store = temp_path(folder, "store.pem");
	temp_write(store, cert_pem(root));
	return 0;
}

int cert_bench_teardown(void **state)
{
	(void)state;
	cert_free(middle);
	cert_free(root);
	temp_remove(folder);
	free(store);
	return 0;
}

struct certificate_ask ask_of(const struct cert *c)
{
	return (struct certificate_ask){
		.certificate = cert_pem(c), .key = cert_private(c), .host = HOST, .self_managed = true,
		.now = clock_wall_us(), .trust_store = store,
		.at_certificate = "cert", .at_chain = "chain", .at_key = "key",
	};
}

bool has_fault(const struct ctx *cx, const char *field, const char *error)
{
	for (const struct fault *f = cx->problem.faults; f != NULL; f = f->next)
		if (strcmp(f->field, field) == 0 && strcmp(f->error, error) == 0)
			return true;
	return false;
}

void print_faults(const struct ctx *cx)
{
	for (const struct fault *f = cx->problem.faults; f != NULL; f = f->next)
		print_message("# %s %s: %s\n", f->field, f->error, f->message);
}

void expect_ask(const struct certificate_ask *ask, const char *field, const char *error)
{
	struct ctx cx = { .arena = arena_create(16384) };
	struct certificate c;
	const enum err e = certificate_check(&cx, ask, &c);

	if ((e == ERR_NONE) != (field == NULL) || (field != NULL && !has_fault(&cx, field, error))) {
		print_faults(&cx);
		fail_msg("expected %s %s", field != NULL ? field : "no fault", field != NULL ? error : "");
	}
	for (const struct fault *f = cx.problem.faults; f != NULL; f = f->next)
		if (strlen(ask->key) > 200)
			assert_null(strstr(f->message, ask->key + 100));
	arena_destroy(cx.arena);
}
