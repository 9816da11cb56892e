/* SPDX-License-Identifier: Apache-2.0 */
/* Operations on what is there: whatever was acknowledged is true afterwards, and done once. */
#include "points.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The tenant that is acted upon, made with the first round; and what the act is about. */
struct actor {
	struct crash *x;
	struct tenant_fixture t;
	struct client *own;
	int n; /* of this round: makes names */
	int64_t id;
	char *key, *key_id;
};

struct act {
	const char *op;
	void (*prepare)(struct actor *o);
	const struct answer *(*ask)(struct actor *o);
	int status;
	bool (*is_done)(struct actor *o); /* fails the test when it is neither done nor not */
};

static const char *tenant_path(const struct actor *o)
{
	static char path[120];

	snprintf(path, sizeof(path), "/tenants/%s", o->t.id);
	return path;
}

static const struct answer *look(struct actor *o)
{
	return assert_status(200, client_get(o->x->operator, "/tenants/%s", o->t.id));
}

/* One of two texts, and which. */
static bool is_new(const struct answer *a, const char *path, const char *old, const char *new)
{
	if (strcmp(answer_text(a, path), new) != 0)
		assert_text(old, a, path);
	return strcmp(answer_text(a, path), new) == 0;
}

/* Policies -------------------------------------------------------------------------------------------- */

static void no_preparation(struct actor *o)
{
	(void)o;
}

static const struct answer *create_policy(struct actor *o)
{
	return client_post(
		o->own, "/policies", "{'name':'act-%d','description':'old','rego_code':'package p'}", o->n);
}

static void prepare_policy(struct actor *o)
{
	o->id = answer_int(assert_status(201, create_policy(o)), "id");
}

static bool is_policy_created(struct actor *o)
{
	const struct answer *a =
		assert_status(200, client_get(o->own, "/policies?name=act-%d&limit=1000", o->n));
	const int64_t total = answer_int(a, "total");

	assert_true(total == 0 || total == 1);
	return total == 1;
}

static const struct answer *update_policy(struct actor *o)
{
	char path[64];

	snprintf(path, sizeof(path), "/policies/%lld", (long long)o->id);
	return client_patch(o->own, path, "{'description':'new'}");
}

static bool is_policy_updated(struct actor *o)
{
	return is_new(assert_status(200, client_get(o->own, "/policies/%lld", (long long)o->id)),
		"description", "old", "new");
}

static const struct answer *delete_policy(struct actor *o)
{
	return client_delete(
		o->own, "/policies/%lld?hard_delete=%s", (long long)o->id, o->n % 2 ? "true" : "false");
}

static bool is_policy_deleted(struct actor *o)
{
	const struct answer *a = client_get(o->own, "/policies/%lld", (long long)o->id);

	if (a->status != 404)
		assert_status(200, a);
	return a->status == 404;
}

/* Keys ------------------------------------------------------------------------------------------------ */

static void forget_key(struct actor *o)
{
	free(o->key);
	free(o->key_id);
	o->key = o->key_id = NULL;
}

static const struct answer *create_key(struct actor *o)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/api-keys", tenant_path(o));
	return client_post(o->x->operator, path, "{'name':'act-%d','scopes':['policies:read']}", o->n);
}

static bool works(struct actor *o, const char *key)
{
	struct client *c = client_open(daemon_port(o->x->d));

	client_key(c, key);
	const struct answer *a = client_get(c, "/policies?limit=1");
	const int status = a->status;
	if (status != 200)
		assert_error(401, "key_revoked", a);
	client_close(c);
	return status == 200;
}

static bool is_key_created(struct actor *o)
{
	return crash_number(o->x, NULL,
		       "SELECT count(*) FROM cc.api_key WHERE tenant_id = '%s' AND name = 'act-%d'", o->t.id,
		       o->n) == 1;
}

static void prepare_key(struct actor *o)
{
	const struct answer *a = assert_status(201, create_key(o));

	forget_key(o);
	o->key = strdup(answer_text(a, "key"));
	o->key_id = strdup(answer_text(a, "id"));
	assert_true(works(o, o->key));
}

static const struct answer *revoke_key(struct actor *o)
{
	return client_delete(o->x->operator, "%s/api-keys/%s", tenant_path(o), o->key_id);
}

static bool is_key_revoked(struct actor *o)
{
	return !works(o, o->key);
}

/* The tenant ------------------------------------------------------------------------------------------ */

static const struct answer *suspend(struct actor *o)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/suspend", tenant_path(o));
	return client_post(o->x->operator, path, "{'mode':'blocked','reason':'tests'}");
}

static const struct answer *resume(struct actor *o)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/resume", tenant_path(o));
	return client_post(o->x->operator, path, "{}");
}

static const struct answer *restore(struct actor *o)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/restore", tenant_path(o));
	return client_post(o->x->operator, path, "{}");
}

static const struct answer *delete_tenant(struct actor *o)
{
	return client_delete(o->x->operator, "%s", tenant_path(o));
}

static void prepare_active(struct actor *o)
{
	const char *status = answer_text(look(o), "status");

	if (strcmp(status, "suspended") == 0)
		assert_status(200, resume(o));
	else if (strcmp(status, "active") != 0)
		assert_status(200, restore(o));
}

static void prepare_suspended(struct actor *o)
{
	prepare_active(o);
	assert_status(200, suspend(o));
}

static void prepare_deleted(struct actor *o)
{
	prepare_active(o);
	assert_status(202, delete_tenant(o));
}

static const struct answer *rename_tenant(struct actor *o)
{
	return client_patch(o->x->operator, tenant_path(o), "{'name':'new %d'}", o->n);
}

static void prepare_name(struct actor *o)
{
	prepare_active(o);
	assert_status(200, client_patch(o->x->operator, tenant_path(o), "{'name':'old %d'}", o->n));
}

static bool is_renamed(struct actor *o)
{
	char old[32], new[32];

	snprintf(old, sizeof(old), "old %d", o->n);
	snprintf(new, sizeof(new), "new %d", o->n);
	return is_new(look(o), "name", old, new);
}

static bool is_suspended(struct actor *o)
{
	return is_new(look(o), "status", "active", "suspended");
}

static bool is_resumed(struct actor *o)
{
	return is_new(look(o), "status", "suspended", "active");
}

static bool is_deleted(struct actor *o)
{
	return is_new(look(o), "status", "active", "deletion_scheduled");
}

static bool is_restored(struct actor *o)
{
	return is_new(look(o), "status", "deletion_scheduled", "active");
}

/* A round --------------------------------------------------------------------------------------------- */

static struct actor *actor_of(struct crash *x)
{
	static struct actor o;

	if (o.x != x) {
		forget_key(&o);
		client_close(o.own);
		o = (struct actor){ .x = x };
		fixture_tenant(x->d, "actor", "enterprise", NULL, NULL, &o.t);
		o.own = client_of(x->d, &o.t);
	}
	return &o;
}

static int audited(struct actor *o, const char *request_id)
{
	char *schema = strdup(crash_schema(o->x, o->t.id));
	const int64_t control = crash_number(
		o->x, NULL, "SELECT count(*) FROM cc.tenant_audit WHERE request_id = '%s'", request_id);
	const int64_t data = crash_number(o->x, "us-east-1",
		"SELECT count(*) FROM %s.audit WHERE request_id = '%s'", schema, request_id);

	free(schema);
	return (int)(control + data);
}

static bool act_round(struct crash *x, const struct act *act, int nth)
{
	struct actor *o = actor_of(x);
	char request_id[40];

	o->n = x->rounds;
	client_port(o->own, daemon_port(x->d));
	act->prepare(o);
	snprintf(request_id, sizeof(request_id), "act-%d", o->n);
	client_request_id(o->own, request_id);
	client_request_id(x->operator, request_id);
	crash_arm(x, act->op, "*", nth);
	const struct answer *a = act->ask(o);
	const bool acknowledged = points_acknowledged(x, act->status, a);
	/* What a new key can do is in this answer only. */
	char *key = acknowledged && answer_at(a, "key") != NULL ? strdup(answer_text(a, "key")) : NULL;
	client_request_id(o->own, NULL);
	client_request_id(x->operator, NULL);
	client_forget(o->own);
	crash_kill(x);
	crash_recover(x);
	client_port(o->own, daemon_port(x->d));
	const bool done = act->is_done(o);
	assert_true(done || !acknowledged);
	assert_true(key == NULL || works(o, key));
	assert_int_equal(done, audited(o, request_id));
	client_forget(o->own);
	free(key);
	return acknowledged;
}

#define ACT(name, prepare, ask, status, is_done) \
	static bool name##_round(struct crash *x, int nth) \
	{ \
		static const struct act act = { #name, prepare, ask, status, is_done }; \
\
		return act_round(x, &act, nth); \
	}

ACT(createPolicy, no_preparation, create_policy, 201, is_policy_created)
ACT(updatePolicy, prepare_policy, update_policy, 200, is_policy_updated)
ACT(deletePolicy, prepare_policy, delete_policy, 200, is_policy_deleted)
ACT(createApiKey, no_preparation, create_key, 201, is_key_created)
ACT(revokeApiKey, prepare_key, revoke_key, 200, is_key_revoked)
ACT(updateTenant, prepare_name, rename_tenant, 200, is_renamed)
ACT(suspendTenant, prepare_active, suspend, 200, is_suspended)
ACT(resumeTenant, prepare_suspended, resume, 200, is_resumed)
ACT(deleteTenant, prepare_active, delete_tenant, 202, is_deleted)
ACT(restoreTenant, prepare_deleted, restore, 200, is_restored)

/* Those that need the tenant's own key come first, while it is active. */
#define PIECE(name) \
	{ \
#name, name##_round, 6 \
	}
const struct piece acts[] = { PIECE(createPolicy), PIECE(updatePolicy), PIECE(deletePolicy),
	PIECE(createApiKey), PIECE(revokeApiKey), PIECE(updateTenant), PIECE(suspendTenant),
	PIECE(resumeTenant), PIECE(deleteTenant), PIECE(restoreTenant) };
const size_t nacts = sizeof(acts) / sizeof(acts[0]);
