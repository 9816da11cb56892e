/* SPDX-License-Identifier: Apache-2.0 */
#include "load.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *state_name(unsigned state)
{
	switch ((enum load_state)state) {
	case MAY_BE_ABSENT:
		return "absent";
	case MAY_BE_LIVE:
		return "live";
	case MAY_BE_SUSPENDED:
		return "suspended";
	case MAY_BE_GONE:
		return "gone";
	}
	return "?";
}

/* What is seen must be among what is possible, and from now on it is what there is. */
static void resolve(const struct load_client *c, struct item *i, const char *what, unsigned seen, int text)
{
	if ((i->may & seen) == 0)
		fail_msg("%s %d of client %d is %s; that cannot be (%u)", what, i->n, c->index,
			state_name(seen), i->may);
	if (seen == MAY_BE_LIVE && text != i->text && text != i->new_text)
		fail_msg("%s %d of client %d says %d, not %d or %d", what, i->n, c->index, text, i->text,
			i->new_text);
	i->may = seen;
	i->text = i->new_text = seen == MAY_BE_LIVE ? text : 0;
}

/* Absent and deleted look alike from outside. */
static unsigned not_there(const struct item *i)
{
	return (i->may & MAY_BE_GONE) != 0 ? MAY_BE_GONE : MAY_BE_ABSENT;
}

/* Policies -------------------------------------------------------------------------------------------- */

static const json_t *find_named(const json_t *items, const char *name)
{
	const json_t *one;
	size_t k;

	json_array_foreach(items, k, one)
	{
		if (strcmp(json_string_value(json_object_get(one, "name")), name) == 0)
			return one;
	}
	return NULL;
}

static void check_policies(struct load_client *c)
{
	const struct answer *a = assert_status(200, client_get(c->own, "/policies?limit=1000"));
	const json_t *all = answer_at(a, "policies");
	size_t explained = 0;

	assert_int((int64_t)json_array_size(all), a, "total");
	for (int k = 0; k < LOAD_ITEMS; k++) {
		struct item *i = &c->items[LOAD_POLICY][k];
		char name[32];

		snprintf(name, sizeof(name), "p%d", i->n);
		const json_t *found = i->n > 0 ? find_named(all, name) : NULL;
		if (found == NULL) {
			resolve(c, i, "policy", not_there(i), 0);
			continue;
		}
		const char *text = json_string_value(json_object_get(found, "description"));
		snprintf(i->id, sizeof(i->id), "%lld",
			(long long)json_integer_value(json_object_get(found, "id")));
		resolve(c, i, "policy", MAY_BE_LIVE, (int)strtol(text, NULL, 10));
		explained++;
	}
	assert_int_equal(json_array_size(all), explained);
}

/* Tenants --------------------------------------------------------------------------------------------- */

/* 0: it is being made. */
static unsigned tenant_state(struct load_client *c, struct item *i)
{
	const struct answer *a = client_get(c->operator, "/tenants/load%d-%d", c->index, i->n);

	if (a->status == 404)
		return not_there(i);
	assert_status(200, a);
	snprintf(i->id, sizeof(i->id), "%s", answer_text(a, "id"));
	const char *status = answer_text(a, "status");
	if (strcmp(status, "provisioning") == 0)
		return 0;
	if (strcmp(status, "deletion_scheduled") == 0 || strcmp(status, "deleting") == 0)
		return MAY_BE_GONE;
	if (strcmp(status, "suspended") == 0)
		return MAY_BE_SUSPENDED;
	assert_text("active", a, "status");
	return MAY_BE_LIVE;
}

static void check_tenants(struct load_client *c, bool settled)
{
	int64_t explained = 0;

	for (int k = 0; k < LOAD_ITEMS; k++) {
		struct item *i = &c->items[LOAD_TENANT][k];
		const unsigned seen = i->n > 0 ? tenant_state(c, i) : MAY_BE_ABSENT;

		if (seen == 0 && !settled && (i->may & MAY_BE_ABSENT) != 0)
			continue;
		resolve(c, i, "tenant", seen, i->text);
		explained += seen == MAY_BE_LIVE || seen == MAY_BE_SUSPENDED;
	}
	if (settled)
		assert_int_equal(explained, crash_number(c->load->x, NULL,
						    "SELECT count(*) FROM cc.tenant WHERE slug LIKE "
						    "'load%d-%%' AND status IN ('active', 'suspended')",
						    c->index));
}

/* Keys ------------------------------------------------------------------------------------------------ */

static bool works(struct load_client *c, const struct item *i)
{
	struct client *with = client_open(daemon_port(c->load->x->d));

	client_key(with, i->key);
	const struct answer *a = client_get(with, "/policies?limit=1");
	const int status = a->status;
	if (status != 200)
		assert_error(401, "key_revoked", a);
	client_close(with);
	return status == 200;
}

static void check_keys(struct load_client *c)
{
	for (int k = 0; k < LOAD_ITEMS; k++) {
		struct item *i = &c->items[LOAD_KEY][k];
		const int64_t rows = i->n == 0 ? 0
					       : crash_number(c->load->x, NULL,
							 "SELECT count(*) FROM cc.api_key WHERE tenant_id = "
							 "'%s' AND name = 'k%d'",
							 c->t.id, i->n);

		assert_true(rows <= 1 && (rows == 1 || i->key[0] == '\0'));
		if (i->key[0] == '\0')
			resolve(c, i, "key", not_there(i), i->text); /* made or not: nobody can use it */
		else
			resolve(c, i, "key", works(c, i) ? MAY_BE_LIVE : MAY_BE_GONE, i->text);
	}
}

/* All ------------------------------------------------------------------------------------------------- */

void ledger_check(struct load *l, bool settled)
{
	for (int k = 0; k < LOAD_CLIENTS; k++) {
		struct load_client *c = &l->client[k];

		client_port(c->own, daemon_port(l->x->d));
		client_port(c->operator, daemon_port(l->x->d));
		client_request_id(c->own, NULL);
		client_request_id(c->operator, NULL);
		check_policies(c);
		check_tenants(c, settled);
		check_keys(c);
		client_forget(c->own);
		client_forget(c->operator);
	}
}
