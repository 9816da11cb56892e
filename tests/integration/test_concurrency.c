/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many clients at once: three tenants whose rows are tagged, so that a row of another would be seen; and
 * races for the last place, for a name, for a domain, which exactly one may win.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libpq-fe.h>

#include "chain.h"
#include "client.h"
#include "daemon.h"

enum { THREADS = 64, TENANTS = 3, KINDS = 3, OPS = 60, OPS_LONG = 2000, IDS_MAX = OPS_LONG };

/* What a tenant manages; a body is made of name and description. */
static const struct kind {
	const char *path, *used, *table, *body;
} kinds[KINDS] = {
	{ "/policies", "policies_used", "policies", "'rego_code':'package p'" },
	{ "/resources", "resources_used", "resources", "'type':'api'" },
	{ "/bouncers", "bouncers_used", "bouncers", "'hostname':'h.example.com','environment':'sandbox'" },
};

/* The mix ------------------------------------------------------------------------------------------- */

struct worker {
	int index, ops;
	struct daemon *d;
	const struct tenant_fixture *t;
	const char *const *tags;        /* of all tenants; its own is tags[index % TENANTS] */
	uint64_t random;
	int64_t ids[KINDS][IDS_MAX];    /* every one it was given … */
	bool live[KINDS][IDS_MAX];      /* … and whether it is still there */
	int nids[KINDS];
	long writes, n;
	char problem[600];              /* empty: none */
};

static unsigned pick(struct worker *w, unsigned n)
{
	w->random = w->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(w->random >> 33) % n;
}

static void note(struct worker *w, const struct answer *a, const char *what)
{
	if (w->problem[0] == '\0')
		snprintf(w->problem, sizeof(w->problem), "thread %d of %s: %s: %s answered %d %.300s",
			 w->index, w->t->slug, what, a->asked, a->status,
			 a->status == 0 ? a->error : a->body);
}

static const char *own_tag(const struct worker *w)
{
	return w->tags[w->index % TENANTS];
}

/* The status is the expected one and nothing of another tenant is in the answer. */
static bool is_good(struct worker *w, const struct answer *a, int status)
{
	for (int i = 0; i < TENANTS; i++)
		if (i != w->index % TENANTS && strstr(a->body, w->tags[i]) != NULL)
			note(w, a, "shows a row of another tenant");
	if (a->status != status)
		note(w, a, "is not what was expected");
	return a->status == status;
}

static bool is_text(const json_t *object, const char *member, const char *expected)
{
	const char *text = json_string_value(json_object_get(object, member));

	return text != NULL && strcmp(text, expected) == 0;
}

static void create(struct worker *w, struct client *c, int k)
{
	const struct answer *a;
	const json_t *id;

	if (w->nids[k] == IDS_MAX)
		return;
	a = client_post(c, kinds[k].path, "{'name':'n-%d-%ld','description':'%s',%s}", w->index, w->n++,
			own_tag(w), kinds[k].body);
	if (!is_good(w, a, 201))
		return;
	id = answer_at(a, "id");
	if (!json_is_integer(id) || !is_text(a->json, "description", own_tag(w)))
		note(w, a, "is not what was created");
	w->ids[k][w->nids[k]] = json_integer_value(id);
	w->live[k][w->nids[k]++] = true;
	w->writes++;
}

static void read_one(struct worker *w, struct client *c, int k, int i)
{
	const struct answer *a = client_get(c, "%s/%lld", kinds[k].path, (long long)w->ids[k][i]);
	char prefix[32];
	const char *name;

	if (!is_good(w, a, w->live[k][i] ? 200 : 404) || !w->live[k][i])
		return;
	snprintf(prefix, sizeof(prefix), "n-%d-", w->index);
	name = json_string_value(json_object_get(a->json, "name"));
	if (name == NULL || strncmp(name, prefix, strlen(prefix)) != 0)
		note(w, a, "is another's object");
}

static void list(struct worker *w, struct client *c, int k)
{
	const struct answer *a = client_get(c, "%s?limit=50&sort=-id", kinds[k].path);
	const json_t *items, *item;
	size_t i;

	if (!is_good(w, a, 200))
		return;
	items = json_object_get(a->json, kinds[k].table);
	if (!json_is_array(items))
		note(w, a, "holds no list");
	json_array_foreach(items, i, item) {
		const char *tag = json_string_value(json_object_get(item, "description"));

		if (tag == NULL || strncmp(tag, own_tag(w), strlen(own_tag(w))) != 0)
			note(w, a, "lists a row that is not the tenant's");
	}
}

static void update(struct worker *w, struct client *c, int k, int i)
{
	const struct answer *a;
	char path[64], tag[80];

	snprintf(path, sizeof(path), "%s/%lld", kinds[k].path, (long long)w->ids[k][i]);
	snprintf(tag, sizeof(tag), "%s %ld", own_tag(w), w->n++);
	a = client_patch(c, path, "{'description':'%s'}", tag);
	if (!is_good(w, a, w->live[k][i] ? 200 : 404) || !w->live[k][i])
		return;
	if (!is_text(a->json, "description", tag))
		note(w, a, "is not what was written");
	w->writes++;
}

static void delete(struct worker *w, struct client *c, int k, int i)
{
	const struct answer *a = client_delete(c, "%s/%lld%s", kinds[k].path, (long long)w->ids[k][i],
					       w->live[k][i] && pick(w, 2) == 0 ? "?hard_delete=true" : "");

	if (!is_good(w, a, w->live[k][i] ? 200 : 404) || !w->live[k][i])
		return;
	w->live[k][i] = false;
	w->writes++;
}

static void *work(void *arg)
{
	struct worker *w = arg;
	struct client *c = client_of(w->d, w->t);

	for (int n = 0; n < w->ops && w->problem[0] == '\0'; n++) {
		const int k = (int)pick(w, KINDS);
		const int i = w->nids[k] > 0 ? (int)pick(w, (unsigned)w->nids[k]) : -1;
		const unsigned dice = pick(w, 100);

		if (i < 0 || dice < 30)
			create(w, c, k);
		else if (dice < 55)
			read_one(w, c, k, i);
		else if (dice < 70)
			list(w, c, k);
		else if (dice < 88)
			update(w, c, k, i);
		else
			delete(w, c, k, i);
		client_forget(c);
	}
	client_close(c);
	return NULL;
}

static char *value(struct daemon *d, const char *database, const char *sql)
{
	char *conninfo = daemon_conninfo(d, database), *text;
	PGconn *pg = PQconnectdb(conninfo);
	PGresult *res = PQexec(pg, sql);

	if (PQresultStatus(res) != PGRES_TUPLES_OK)
		fail_msg("%s: %s", sql, PQerrorMessage(pg));
	text = strdup(PQntuples(res) > 0 ? PQgetvalue(res, 0, 0) : "");
	PQclear(res);
	PQfinish(pg);
	free(conninfo);
	return text;
}

static int order_ids(const void *x, const void *y)
{
	const int64_t a = *(const int64_t *)x, b = *(const int64_t *)y;

	return a < b ? -1 : a > b;
}

/* No id was given twice within the tenant. Returns how many objects of the kind are live. */
static long check_ids(const struct worker *workers, int tenant, int k)
{
	int64_t *all = calloc((size_t)THREADS * IDS_MAX, sizeof(*all));
	long n = 0, live = 0;

	assert_non_null(all);
	for (int i = tenant; i < THREADS; i += TENANTS) {
		for (int j = 0; j < workers[i].nids[k]; j++) {
			all[n++] = workers[i].ids[k][j];
			live += workers[i].live[k][j];
		}
	}
	qsort(all, (size_t)n, sizeof(*all), order_ids);
	for (long i = 1; i < n; i++)
		if (all[i - 1] == all[i])
			fail_msg("%s: the id %lld was given twice", kinds[k].path, (long long)all[i]);
	free(all);
	return live;
}

/* Counters, rows and lists say the same, and the audit has one row for each write without a gap. */
static void check_tenant(struct daemon *d, const struct worker *workers, int tenant, const char *region)
{
	const struct tenant_fixture *t = workers[tenant].t;
	struct client *op = client_operator(d), *own = client_of(d, t);
	char sql[300], member[64], expected[80], *db = daemon_region_db(region), *schema, *got;
	long writes = 0;

	snprintf(sql, sizeof(sql), "SELECT schema_id FROM cc.tenant WHERE id = '%s'", t->id);
	schema = value(d, DAEMON_CONTROL_DB, sql);
	for (int k = 0; k < KINDS; k++) {
		const long live = check_ids(workers, tenant, k);

		snprintf(member, sizeof(member), "limits.%s", kinds[k].used);
		assert_int(live, client_get(op, "/tenants/%s", t->id), member);
		assert_int(live, client_get(own, "%s?limit=1", kinds[k].path), "total");
		assert_int(live, client_get(own, "%s?limit=1&name=n-", kinds[k].path), "total");
		snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s.%s WHERE deleted_at IS NULL", schema,
			 kinds[k].table);
		got = value(d, db, sql);
		assert_int_equal(live, strtol(got, NULL, 10));
		free(got);
	}
	for (int i = tenant; i < THREADS; i += TENANTS)
		writes += workers[i].writes;
	/* The first row is the creation of the tenant. */
	snprintf(expected, sizeof(expected), "%ld 1 %ld", writes + 1, writes + 1);
	snprintf(sql, sizeof(sql), "SELECT count(*) || ' ' || min(seq) || ' ' || max(seq) FROM %s.audit",
		 schema);
	got = value(d, db, sql);
	assert_string_equal(expected, got);
	chain_check_tenant(d, t->id, region);
	free(got);
	free(schema);
	free(db);
	client_close(op);
	client_close(own);
}

static void rows_of_three_tenants_never_meet(void **state)
{
	static const char *const tags[TENANTS] = { "tag-aventurine", "tag-beryl", "tag-carnelian" };
	static const char *const regions[TENANTS] = { "us-east-1", "us-east-1", "eu-west-1" };
	struct worker *workers = calloc(THREADS, sizeof(*workers));
	struct tenant_fixture t[TENANTS];
	pthread_t threads[THREADS];
	struct daemon *d = *state;
	long writes = 0;

	assert_non_null(workers);
	for (int i = 0; i < TENANTS; i++)
		fixture_tenant(d, tags[i], "enterprise", regions[i], NULL, &t[i]);
	for (int i = 0; i < THREADS; i++) {
		workers[i].index = i;
		workers[i].ops = getenv("CC_LONG") != NULL ? OPS_LONG : OPS;
		workers[i].d = d;
		workers[i].t = &t[i % TENANTS];
		workers[i].tags = tags;
		workers[i].random = (uint64_t)i + 1;
		assert_int_equal(0, pthread_create(&threads[i], NULL, work, &workers[i]));
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < THREADS; i++) {
		writes += workers[i].writes;
		if (workers[i].problem[0] != '\0')
			fail_msg("%s", workers[i].problem);
	}
	for (int i = 0; i < TENANTS; i++)
		check_tenant(d, workers, i, regions[i]);
	print_message("# %d threads, %d operations each, %ld writes\n", THREADS, workers[0].ops, writes);
	free(workers);
}

/* Races --------------------------------------------------------------------------------------------- */

struct racer {
	struct daemon *d;
	const char *key, *path;
	char body[300];
	pthread_barrier_t *start;
	int status;
	char error[64], answer[300];
};

static void *race(void *arg)
{
	struct racer *r = arg;
	struct client *c = client_open(daemon_port(r->d));
	const struct answer *a;
	const char *error;

	client_key(c, r->key);
	(void)client_get(c, "/health");         /* connected before the start */
	pthread_barrier_wait(r->start);
	a = client_post(c, r->path, "%s", r->body);
	error = json_string_value(answer_at(a, "error"));
	r->status = a->status;
	snprintf(r->error, sizeof(r->error), "%s", error != NULL ? error : "");
	snprintf(r->answer, sizeof(r->answer), "%s", a->status == 0 ? a->error : a->body);
	client_close(c);
	return NULL;
}

/* Everybody at once; body has a %d in it, or not. One gets 201, all the others this refusal. */
static void one_wins(struct daemon *d, const char *key, const char *path, const char *name, bool numbered,
		     const char *rest, int status, const char *error)
{
	struct racer *racers = calloc(THREADS, sizeof(*racers));
	pthread_t threads[THREADS];
	pthread_barrier_t start;
	int won = 0;

	assert_non_null(racers);
	pthread_barrier_init(&start, NULL, THREADS);
	for (int i = 0; i < THREADS; i++) {
		struct racer *r = &racers[i];

		*r = (struct racer){ .d = d, .key = key, .path = path, .start = &start };
		snprintf(r->body, sizeof(r->body), "{'name':'%s%d',%s}", name, numbered ? i : 0, rest);
		assert_int_equal(0, pthread_create(&threads[i], NULL, race, r));
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&start);
	for (int i = 0; i < THREADS; i++) {
		const struct racer *r = &racers[i];

		won += r->status == 201;
		if (r->status != 201 && (r->status != status || strcmp(r->error, error) != 0))
			fail_msg("POST %s: expected 201 or %d %s, got %d %s", path, status, error, r->status,
				 r->answer);
	}
	if (won != 1)
		fail_msg("POST %s: %d of %d were admitted instead of one", path, won, THREADS);
	free(racers);
}

static void the_last_place_goes_to_exactly_one(void **state)
{
	struct daemon *d = *state;
	struct tenant_fixture t;
	struct client *c, *op = client_operator(d);
	char member[64];

	fixture_tenant(d, "last-place", NULL, NULL,
		       "{'max_policies':3,'max_resources':3,'max_bouncers':3}", &t);
	c = client_of(d, &t);
	for (int k = 0; k < KINDS; k++) {
		for (int i = 0; i < 2; i++)
			assert_status(201, client_post(c, kinds[k].path, "{'name':'before%d',%s}", i,
						       kinds[k].body));
		one_wins(d, t.key, kinds[k].path, "racer", true, kinds[k].body, 403, "quota_exceeded");
		snprintf(member, sizeof(member), "limits.%s", kinds[k].used);
		assert_int(3, client_get(op, "/tenants/%s", t.id), member);
		assert_int(3, client_get(c, "%s?name=e", kinds[k].path), "total");
	}
	client_close(c);
	client_close(op);
}

static void a_name_goes_to_exactly_one(void **state)
{
	struct daemon *d = *state;
	const struct answer *a;
	struct tenant_fixture t;
	struct client *c;

	fixture_tenant(d, "one-name", "enterprise", NULL, NULL, &t);
	c = client_of(d, &t);
	for (int k = 0; k < KINDS; k++) {
		one_wins(d, t.key, kinds[k].path, "same", false, kinds[k].body, 409, "name_taken");
		assert_int(1, client_get(c, "%s?limit=1", kinds[k].path), "total");
		/* A refused creation gives back its place and its id. */
		a = client_post(c, kinds[k].path, "{'name':'next',%s}", kinds[k].body);
		assert_int(2, assert_status(201, a), "id");
	}
	client_close(c);
}

/* Of the tenant that won, and of nothing else. */
static void check_domain(struct daemon *d, const char *slug)
{
	char sql[400], *got;

	snprintf(sql, sizeof(sql),
		 "SELECT (SELECT count(*) FROM cc.tenant WHERE slug = '%s') || ' ' || "
		 "(SELECT count(*) FROM cc.name WHERE name = '%s' OR name LIKE 'tenant-%s-%%') || ' ' || "
		 "(SELECT count(*) FROM cc.domain WHERE domain = '%s.controlcore.io')",
		 slug, slug, slug, slug);
	got = value(d, DAEMON_CONTROL_DB, sql);
	assert_string_equal("1 2 1", got);
	free(got);
}

static void a_domain_goes_to_exactly_one_tenant(void **state)
{
	static const char rest[] = "'plan_type':'pro','region':'us-east-1',"
				   "'domain':'one-domain.controlcore.io'";
	struct daemon *d = *state;
	struct client *op = client_operator(d);

	one_wins(d, daemon_operator_key(d), "/tenants", "T", true, rest, 409, "slug_taken");
	check_domain(d, "one-domain");
	assert_text("active", assert_status(200, client_get(op, "/tenants/one-domain")), "status");
	assert_int(1, client_get(op, "/tenants/one-domain"), "limits.users_used");
	client_close(op);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_of_three_tenants_never_meet),
		cmocka_unit_test(the_last_place_goes_to_exactly_one),
		cmocka_unit_test(a_name_goes_to_exactly_one),
		cmocka_unit_test(a_domain_goes_to_exactly_one_tenant),
	};

	return cmocka_run_group_tests(tests, daemon_group_setup, daemon_group_teardown);
}
