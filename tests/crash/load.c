/* SPDX-License-Identifier: Apache-2.0 */
#include "load.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "temp.h"

#define BACK_OFF_MS 20 /* after a 503: clients that ask at once again would only take the processor */
#define PROGRESS_MS 120000
#define POLICY_SHARE 3 /* of four changes to others so many become changes to policies */

/* Changes --------------------------------------------------------------------------------------------- */

static const struct answer *create_policy(struct load_client *c, struct item *i)
{
	return client_post(c->own, "/policies", "{'name':'p%d','description':'%d','rego_code':'package p'}",
		i->n, i->new_text);
}

static const struct answer *change_policy(struct load_client *c, struct item *i)
{
	char path[128];

	snprintf(path, sizeof(path), "/policies/%s", i->id);
	return client_patch(c->own, path, "{'description':'%d'}", i->new_text);
}

static const struct answer *delete_policy(struct load_client *c, struct item *i)
{
	return client_delete(c->own, "/policies/%s?hard_delete=%s", i->id, i->n % 2 ? "true" : "false");
}

static const struct answer *create_tenant(struct load_client *c, struct item *i)
{
	return client_post(c->operator, "/tenants",
		"{'name':'Tenant','domain':'load%d-%d.controlcore.io','plan_type':'pro','region':'us-east-1'"
		"}",
		c->index, i->n);
}

static const struct answer *delete_tenant(struct load_client *c, struct item *i)
{
	return client_delete(c->operator, "/tenants/%s", i->id);
}

static const struct answer *suspend_tenant(struct load_client *c, struct item *i)
{
	char path[128];

	snprintf(path, sizeof(path), "/tenants/%s/suspend", i->id);
	return client_post(c->operator, path, "{'mode':'read_only','reason':'tests'}");
}

static const struct answer *resume_tenant(struct load_client *c, struct item *i)
{
	char path[128];

	snprintf(path, sizeof(path), "/api/v1/tenants/%s/resume", i->id);
	return client_call(c->operator, "POST", path, NULL, NULL);
}

static const struct answer *create_key(struct load_client *c, struct item *i)
{
	char path[128];

	snprintf(path, sizeof(path), "/tenants/%s/api-keys", c->t.id);
	return client_post(c->operator, path, "{'name':'k%d','scopes':['policies:read']}", i->n);
}

static const struct answer *revoke_key(struct load_client *c, struct item *i)
{
	return client_delete(c->operator, "/tenants/%s/api-keys/%s", c->t.id, i->id);
}

static const struct change {
	enum load_kind kind;
	unsigned from, to;
	bool renames; /* what it makes has a name that nothing had before */
	int status;
	const struct answer *(*ask)(struct load_client *c, struct item *i);
} changes[] = {
	{LOAD_POLICY,  MAY_BE_ABSENT | MAY_BE_GONE, MAY_BE_LIVE,      false, 201, create_policy },
	{ LOAD_POLICY, MAY_BE_LIVE,                 MAY_BE_LIVE,      false, 200, change_policy },
	{ LOAD_POLICY, MAY_BE_LIVE,                 MAY_BE_LIVE,      false, 200, change_policy },
	{ LOAD_POLICY, MAY_BE_LIVE,                 MAY_BE_GONE,      false, 200, delete_policy },
 /* A name is held long after its tenant is gone. */
	{ LOAD_TENANT, MAY_BE_ABSENT,               MAY_BE_LIVE,      false, 201, create_tenant },
	{ LOAD_TENANT, MAY_BE_GONE,                 MAY_BE_LIVE,      true,  201, create_tenant },
	{ LOAD_TENANT, MAY_BE_LIVE,                 MAY_BE_SUSPENDED, false, 200, suspend_tenant},
	{ LOAD_TENANT, MAY_BE_SUSPENDED,            MAY_BE_LIVE,      false, 200, resume_tenant },
	{ LOAD_TENANT, MAY_BE_LIVE,                 MAY_BE_GONE,      false, 202, delete_tenant },
	{ LOAD_KEY,    MAY_BE_ABSENT | MAY_BE_GONE, MAY_BE_LIVE,      true,  201, create_key    },
	{ LOAD_KEY,    MAY_BE_LIVE,                 MAY_BE_GONE,      false, 200, revoke_key    },
};
enum { CHANGES = sizeof(changes) / sizeof(changes[0]) };

/* A client -------------------------------------------------------------------------------------------- */

static unsigned pick(struct load_client *c, unsigned n)
{
	return (unsigned)(crash_random(&c->random) % n);
}

static void complain(struct load_client *c, const struct answer *a, const char *what)
{
	if (c->problem[0] == '\0')
		snprintf(c->problem, sizeof(c->problem), "client %d: %s %s: %d %.500s", c->index, a->asked,
			what, a->status, a->status == 0 ? a->error : a->body);
}

static void note_time(struct load *l, int64_t us)
{
	long long longest = atomic_load(&l->longest_us);

	while (us > longest && !atomic_compare_exchange_weak(&l->longest_us, &longest, us))
		;
}

/* An answer that is not the one for success. False: it may not be given. */
static bool is_excused(struct load_client *c, const struct answer *a)
{
	const struct load_rules *rules = &c->load->rules;
	const char *after = a->status == 503 ? answer_header(a, "Retry-After") : NULL;

	if (a->status == 503 && rules->unavailable && after != NULL && strtol(after, NULL, 10) > 0) {
		atomic_fetch_add(&c->load->refused, 1);
		c->refused = true;
		temp_sleep_ms(BACK_OFF_MS);
		return true;
	}
	return a->status == 0 && rules->breaks;
}

static void take_answer(
	struct load_client *c, const struct change *change, struct item *i, const struct answer *a)
{
	const json_t *id = answer_at(a, "id"), *key = answer_at(a, "key");

	i->may = change->to;
	i->text = i->new_text;
	c->refused = false;
	if (json_is_integer(id))
		snprintf(i->id, sizeof(i->id), "%lld", (long long)json_integer_value(id));
	else if (json_is_string(id))
		snprintf(i->id, sizeof(i->id), "%s", json_string_value(id));
	if (json_is_string(key))
		snprintf(i->key, sizeof(i->key), "%s", json_string_value(key));
	atomic_fetch_add(&c->load->acknowledged, 1);
}

/* False: there is nobody to talk to any more, or something is wrong. */
static bool make_change(struct load_client *c, const struct change *change, struct item *i)
{
	char request_id[32];

	if (change->renames || i->n == 0) {
		i->n = ++c->names;
		i->id[0] = i->key[0] = '\0';
		i->may = MAY_BE_ABSENT;
	}
	i->new_text = ++c->requests;
	snprintf(request_id, sizeof(request_id), "load%d-%d", c->index, c->requests);
	client_request_id(c->own, request_id);
	client_request_id(c->operator, request_id);
	const struct answer *a = change->ask(c, i);
	note_time(c->load, a->us);
	if (a->status == change->status) {
		take_answer(c, change, i, a);
		return true;
	}
	i->may |= change->to;
	if (!is_excused(c, a))
		complain(c, a, "was answered");
	if (a->status == 0)
		snprintf(c->unanswered, sizeof(c->unanswered), "%s", request_id);
	return a->status != 0 && c->problem[0] == '\0';
}

static bool read_list(struct load_client *c)
{
	client_request_id(c->own, NULL);
	const struct answer *a = client_get(c->own, "/policies?limit=20&sort=-id");

	note_time(c->load, a->us);
	c->refused = c->refused && a->status != 200;
	if (a->status != 200 && !is_excused(c, a))
		complain(c, a, "was answered");
	return a->status != 0 && c->problem[0] == '\0';
}

static bool is_certain(const struct item *i)
{
	return (i->may & (i->may - 1)) == 0 && i->text == i->new_text;
}

/* While the service is away it is mostly read: too much would become uncertain. */
static bool do_something(struct load_client *c)
{
	const struct change *change = &changes[pick(c, CHANGES)];
	const unsigned first = pick(c, LOAD_ITEMS);

	/* Most of the load is on policies; the others take much longer. */
	if (change->kind != LOAD_POLICY && pick(c, 4) < POLICY_SHARE)
		change = &changes[pick(c, 4)];
	if (pick(c, 8) == 0 || (c->refused && pick(c, 16) != 0))
		return read_list(c);
	for (unsigned k = 0; k < LOAD_ITEMS; k++) {
		struct item *i = &c->items[change->kind][(first + k) % LOAD_ITEMS];

		if (is_certain(i) && (i->may & change->from) != 0)
			return make_change(c, change, i);
	}
	return true;
}

static void *run_client(void *arg)
{
	struct load_client *c = arg;
	bool goes_on = true;

	while (goes_on && !atomic_load(&c->load->stop)) {
		goes_on = do_something(c);
		client_forget(c->own);
		client_forget(c->operator);
	}
	return NULL;
}

/* All of them ----------------------------------------------------------------------------------------- */

struct load *load_create(struct crash *x, const struct load_rules *rules)
{
	struct load *l = calloc(1, sizeof(*l));

	assert_non_null(l);
	l->x = x;
	l->rules = *rules;
	for (int k = 0; k < LOAD_CLIENTS; k++) {
		struct load_client *c = &l->client[k];
		char slug[32];

		c->load = l;
		c->index = k;
		c->random = crash_random(&x->random);
		snprintf(slug, sizeof(slug), "home%d", k);
		fixture_tenant(x->d, slug, "enterprise", NULL, NULL, &c->t);
		c->own = client_of(x->d, &c->t);
		c->operator= client_operator(x->d);
		for (int kind = 0; kind < LOAD_KINDS; kind++)
			for (int i = 0; i < LOAD_ITEMS; i++)
				c->items[kind][i].may = MAY_BE_ABSENT;
	}
	return l;
}

void load_destroy(struct load *l)
{
	if (l == NULL)
		return;
	print_message(
		"# %ld changes acknowledged, %ld requests answered 503, the slowest answer took %lld ms\n",
		atomic_load(&l->acknowledged), atomic_load(&l->refused), atomic_load(&l->longest_us) / 1000);
	for (int k = 0; k < LOAD_CLIENTS; k++) {
		client_close(l->client[k].own);
		client_close(l->client[k].operator);
	}
	free(l);
}

void load_start(struct load *l)
{
	atomic_store(&l->stop, false);
	for (int k = 0; k < LOAD_CLIENTS; k++) {
		struct load_client *c = &l->client[k];

		c->unanswered[0] = '\0';
		client_port(c->own, daemon_port(l->x->d));
		client_port(c->operator, daemon_port(l->x->d));
		assert_int_equal(0, pthread_create(&c->thread, NULL, run_client, c));
	}
	l->running = true;
}

void load_stop(struct load *l)
{
	atomic_store(&l->stop, true);
	for (int k = 0; k < LOAD_CLIENTS; k++)
		pthread_join(l->client[k].thread, NULL);
	l->running = false;
	for (int k = 0; k < LOAD_CLIENTS; k++)
		if (l->client[k].problem[0] != '\0')
			fail_msg("%s", l->client[k].problem);
}

void load_await_progress(struct load *l, long more)
{
	const int64_t end = temp_now_ms() + PROGRESS_MS;
	const long goal = atomic_load(&l->acknowledged) + more;

	while (atomic_load(&l->acknowledged) < goal && temp_now_ms() < end)
		temp_sleep_ms(5);
	if (atomic_load(&l->acknowledged) >= goal)
		return;
	load_stop(l);
	fail_msg("no change is acknowledged any more");
}
