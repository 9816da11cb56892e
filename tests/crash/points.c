/* SPDX-License-Identifier: Apache-2.0 */
#include "points.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define DEATH_MS 30000
#define POINTS_MAX 500

/* The last commit may be done although the daemon died before it knew: what comes after is looked at too. */
#define COMPLETE_FULL 4

void points_try(struct crash *x, const struct piece *p, int least)
{
	const int every = x->full ? 1 : p->every, before = x->kills;
	int n = 1 + (int)crash_pick(x, (unsigned)every), complete = 0;

	for (; complete < (x->full ? COMPLETE_FULL : 1); n += every) {
		assert_true(n < POINTS_MAX);
		x->rounds++;
		complete = p->round(x, n) ? complete + 1 : 0;
	}
	print_message("# %s: killed %d times, at one point in %d of about %d\n", p->name, x->kills - before,
		every, n - every);
	assert_true(n >= least);
}

bool points_acknowledged(struct crash *x, int expected, const struct answer *a)
{
	if (a->status != 0) {
		assert_status(expected, a);
		return true;
	}
	if (!crash_awaits_death(x, DEATH_MS))
		fail_msg("%s: %s, and the daemon lives", a->asked, a->error);
	return false;
}

const struct answer *points_create(struct crash *x, const char *slug)
{
	return client_post(x->operator, "/tenants",
		"{'name':'Tenant','domain':'%s.controlcore.io','plan_type':'pro','region':'us-east-1'}",
		slug);
}

void points_expect_tenant(struct crash *x, const char *slug, bool certainly)
{
	const struct answer *a = client_get(x->operator, "/tenants/%s", slug);

	if (a->status == 404 && !certainly) {
		assert_status(201, points_create(x, slug));
		return;
	}
	assert_status(200, a);
	assert_text("active", a, "status");
	assert_int(1, a, "limits.users_used");
	assert_error(409, "slug_taken", points_create(x, slug));
}
