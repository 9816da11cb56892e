/* SPDX-License-Identifier: Apache-2.0 */
/* Every list, page by page: the pages are the list, in every order, and a cursor is good for nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "contract.h"
#include "temp.h"

enum { ITEMS = 5, TEXT_MAX = 4096, WAIT_MS = 60000 };

#define FOR_EACH_LIST(r, prefix) \
	FOR_EACH_ROUTE(r, prefix) \
	if (r->list != NULL && r->method == M_GET)

/* A list as it is asked for; all of it is for one tenant. */
struct list {
	struct contract *k;
	const struct route *r;
	const char *prefix;
	const char *tenant; /* NULL: the contract's */
	const char *id;     /* for any other {…} of its path */
};

static const struct answer *get(const struct list *l, const char *query)
{
	const struct ask ask = { .r = l->r,
				 .prefix = l->prefix,
				 .method = M_GET,
				 .query = query,
				 .tenant = l->tenant,
				 .id = l->id };

	return contract_ask(l->k, l->k->c, &ask);
}

static const json_t *items_of(const struct list *l, const struct answer *a)
{
	const json_t *items = (l->r->flags & ROUTE_BARE_ARRAY) != 0 ? a->json : answer_at(a, l->r->list);

	assert_true(json_is_array(items));
	return items;
}

/* Of one object for each, where the path names one. */
static struct list list_of(struct contract *k, const struct route *r, const char *prefix)
{
	static struct {
		const struct route *r;
		char id[64];
	} made[16];
	struct list l = { .k = k, .r = r, .prefix = prefix };
	size_t i = 0;

	if (strstr(r->path, "{id}") == NULL)
		return l;
	while (made[i].r != NULL && made[i].r != r)
		assert_true(++i < sizeof(made) / sizeof(made[0]));
	if (made[i].r == NULL)
		snprintf(made[i].id, sizeof(made[i].id), "%s", contract_object(k, r, k->t.id));
	made[i].r = r;
	l.id = made[i].id;
	return l;
}

/* What grows the lists whose path makes nothing. */
static const struct grower {
	const char *op;
	struct step {
		enum method method;
		const char *path, *body;
	} steps[2];
} growers[] = {
	{ "listPolicyVersions", { { M_PATCH, "/policies/{id}", "{\"description\":\"a further one\"}" } } },
	{ "listTenantOperations",
	  { { M_DELETE, "/tenants/{tenant_id}", NULL }, { M_POST, "/tenants/{tenant_id}/restore", NULL } } },
};

static void take(const struct list *l, const struct step *step)
{
	const struct ask ask = { .r = route_find(step->method, step->path),
				 .prefix = "/api/v1",
				 .method = step->method,
				 .body = step->body,
				 .id = l->id };

	assert_non_null(ask.r);
	assert_status(ask.r->status, contract_ask(l->k, l->k->c, &ask));
}

static void grow(const struct list *l)
{
	for (size_t i = 0; i < sizeof(growers) / sizeof(growers[0]); i++)
		for (int n = 0; strcmp(growers[i].op, l->r->op) == 0 && n < ITEMS; n++)
			for (size_t s = 0; s < 2 && growers[i].steps[s].path != NULL; s++)
				take(l, &growers[i].steps[s]);
	for (int n = 0; strcmp(l->r->op, "listAlerts") == 0 && n < ITEMS; n++)
		(void)contract_alert(l->k, l->k->t.id);
	for (int n = 0; strcmp(l->r->op, "listHeldNames") == 0 && n < ITEMS; n++)
		(void)contract_held_name(l->k);
	for (int n = 0; strcmp(l->r->op, "listInvoices") == 0 && n < ITEMS; n++)
		contract_invoice(l->k, l->k->t.id);
	for (int n = 0; strcmp(l->r->op, "listDeployments") == 0 && n < ITEMS; n++)
		(void)contract_deployment(l->k, l->k->t.id, true);
}

/* Some of what it lists. */
static void fill(const struct list *l)
{
	const struct route *maker = route_find(M_POST, l->r->path);

	grow(l);
	for (int i = 0; maker != NULL && i < ITEMS; i++) {
		struct ready ready;
		struct ask ask;

		contract_ready(l->k, maker, l->prefix, i % 2 == 0, &ready);
		ask = ready.ask;
		ask.tenant = l->k->t.id;
		assert_status(maker->status, contract_ask(l->k, l->k->c, &ask));
		ready_clear(&ready);
	}
}

/* "limit=2&sort=x&cursor=…" of the page after this one; false: it was the last. */
static bool next_query(const struct list *l, const struct answer *a, const char *query, char ret[TEXT_MAX])
{
	const char *link = answer_header(a, "Link"), *cursor;

	if ((l->r->flags & ROUTE_BARE_ARRAY) == 0 && answer_null(a, "next_cursor")) {
		assert_null(link);
		return false;
	}
	if (link == NULL)
		return false;
	cursor = strstr(link, "cursor=");
	assert_non_null(cursor);
	cursor += strlen("cursor=");
	if ((l->r->flags & ROUTE_BARE_ARRAY) == 0)
		assert_memory_equal(
			cursor, answer_text(a, "next_cursor"), strlen(answer_text(a, "next_cursor")));
	snprintf(ret, TEXT_MAX, "%s%scursor=%.*s", query, query[0] != '\0' ? "&" : "",
		(int)strcspn(cursor, ">"), cursor);
	return true;
}

/* In pages of limit the list is what it is at once. */
static void walk(const struct list *l, const char *sort, int limit)
{
	char query[200], page[TEXT_MAX];
	const json_t *whole;
	size_t seen = 0;
	const struct answer *a;
	int64_t number = 1;

	snprintf(query, sizeof(query), "limit=1000%s%s", sort[0] != '\0' ? "&sort=" : "", sort);
	whole = items_of(l, assert_status(200, get(l, query)));
	snprintf(query, sizeof(query), "limit=%d%s%s", limit, sort[0] != '\0' ? "&sort=" : "", sort);
	snprintf(page, sizeof(page), "%s", query);
	do {
		const json_t *items;

		a = assert_status(200, get(l, page));
		items = items_of(l, a);
		if ((l->r->flags & ROUTE_BARE_ARRAY) == 0) {
			assert_int(number++, a, "page");
			assert_int(limit, a, "page_size");
			assert_int((int64_t)json_array_size(whole), a, "total");
		}
		assert_true(json_array_size(items) <= (size_t)limit);
		for (size_t i = 0; i < json_array_size(items); i++, seen++)
			if (!json_equal(json_array_get(whole, seen), json_array_get(items, i)))
				fail_msg("%s: item %zu is another: %s", a->asked, seen, a->body);
	} while (next_query(l, a, query, page));
	assert_int_equal(json_array_size(whole), seen);
}

/* Until both heads are signed as they are: nothing makes the list of checkpoints longer any more. */
static void settle(struct contract *k)
{
	static const char *const chains[] = { "data", "control" };
	const struct list records = { .k = k, .r = route_find(M_GET, "/audit/logs"), .prefix = "/api/v1" };
	const struct list heads = { .k = k,
				    .r = route_find(M_GET, "/audit/checkpoints"),
				    .prefix = "/api/v1" };

	for (int i = 0; i < 2; i++) {
		char query[40];
		int64_t seq;
		const struct answer *a;

		snprintf(query, sizeof(query), "limit=1&chain=%s", chains[i]);
		seq = answer_int(assert_status(200, get(&records, query)), "logs[0].seq");
		for (int64_t end = temp_now_ms() + WAIT_MS;; temp_sleep_ms(100)) {
			a = assert_status(200, get(&heads, query));
			if (answer_count(a, "checkpoints") > 0 && answer_int(a, "checkpoints[0].seq") == seq)
				break;
			if (temp_now_ms() > end)
				fail_msg("the head is not signed: %s", a->body);
		}
	}
}

static int setup(void **state)
{
	static const char *const env[] = { "CONTROLCORE_JOBS_AUDIT_CHECKPOINT_S=1", NULL };

	daemon_group_options(&(struct daemon_options){ .env = env });
	if (contract_setup(state) != 0)
		return -1;
	FOR_EACH_LIST(r, prefix)
	{
		const struct list l = list_of(*state, r, prefix);

		fill(&l);
	}
	settle(*state);
	return 0;
}

static void every_list_has_pages(void **state)
{
	static const char *const parameters[] = { "skip", "limit", "cursor" };

	(void)state;
	FOR_EACH_LIST(r, prefix)
	{
		for (size_t i = 0; i < sizeof(parameters) / sizeof(parameters[0]); i++)
			if (r->query == NULL || schema_field(r->query, parameters[i]) == NULL)
				fail_msg("%s does not take %s", r->op, parameters[i]);
	}
}

static void the_pages_are_the_list_in_every_order(void **state)
{
	struct contract *k = *state;

	FOR_EACH_LIST(r, prefix)
	{
		const struct list l = list_of(k, r, prefix);

		walk(&l, "", 2);
		walk(&l, "", 1);
		client_forget(k->c);
		if (schema_field(r->query, "sort") == NULL)
			continue;
		for (size_t i = 0; i < r->reply->nfields; i++) {
			const struct field *f = &r->reply->fields[i];
			char sort[100];

			if ((f->flags & F_SORT) == 0)
				continue;
			walk(&l, f->name, 2);
			snprintf(sort, sizeof(sort), "-%s", f->name);
			walk(&l, sort, 3);
			client_forget(k->c);
		}
	}
}

/* The cursor of the second page of one item, and with what it was asked for; false: there is no such page. */
static bool second_page(const struct list *l, const char *more, char ret[TEXT_MAX])
{
	char query[200];

	snprintf(query, sizeof(query), "limit=1%s", more);
	return next_query(l, assert_status(200, get(l, query)), query, ret);
}

static void refused(const struct list *l, const char *query, const char *more)
{
	char full[TEXT_MAX];
	const struct answer *a;

	snprintf(full, sizeof(full), "%s%s", query, more);
	a = assert_error(422, "validation_error", get(l, full));
	assert_fault("cursor", NULL, a);
}

static void a_cursor_that_was_changed_is_refused(void **state)
{
	struct contract *k = *state;

	FOR_EACH_LIST(r, prefix)
	{
		const struct list l = list_of(k, r, prefix);
		char query[TEXT_MAX], *cursor;
		size_t n;

		if (!second_page(&l, "", query))
			fail_msg("%s has no second page", r->op);
		cursor = strstr(query, "cursor=") + strlen("cursor=");
		n = strlen(cursor);
		for (size_t i = 0; i < n; i += 3) {
			const char was = cursor[i];

			cursor[i] = was == 'A' ? 'B' : 'A';
			refused(&l, query, "");
			cursor[i] = was;
		}
		refused(&l, query, "A");
		cursor[n - 1] = '\0';
		refused(&l, query, "");
		*cursor = '\0';
		refused(&l, query, "AAAA");
		refused(&l, query, "%20");
		client_forget(k->c);
	}
}

static void a_cursor_is_good_for_its_own_list_only(void **state)
{
	struct contract *k = *state;
	char other[80], before[TEXT_MAX] = "";

	snprintf(other, sizeof(other), "%s", contract_tenant(k));
	FOR_EACH_LIST(r, prefix)
	{
		struct list l = list_of(k, r, prefix);
		char query[TEXT_MAX];

		assert_true(second_page(&l, "", query));
		assert_status(200, get(&l, query));
		refused(&l, query, "&skip=0");
		refused(&l, query, "&skip=1");
		if (schema_field(r->query, "sort") != NULL) {
			refused(&l, query, "&sort=created_at");
			refused(&l, query, "&full=true");
		}
		if (before[0] != '\0')
			refused(&l, before, "");
		snprintf(before, sizeof(before), "%s", query);
		if (r->auth == AUTH_TENANT) {
			l.tenant = other;
			refused(&l, query, "");
		}
		client_forget(k->c);
	}
}

/* How many are shown, and the order of the parameters, may change from page to page. */
static void a_cursor_takes_another_limit(void **state)
{
	struct contract *k = *state;

	FOR_EACH_LIST(r, prefix)
	{
		const struct list l = list_of(k, r, prefix);
		char query[TEXT_MAX], turned[TEXT_MAX];
		const char *cursor;

		if (schema_field(r->query, "sort") == NULL)
			continue;
		assert_true(second_page(&l, "&sort=-created_at&full=false", query));
		cursor = strstr(query, "cursor=");
		snprintf(turned, sizeof(turned), "%.3000s&full=false&limit=1000&sort=-created_at", cursor);
		assert_status(200, get(&l, turned));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_list_has_pages),
		cmocka_unit_test(the_pages_are_the_list_in_every_order),
		cmocka_unit_test(a_cursor_that_was_changed_is_refused),
		cmocka_unit_test(a_cursor_is_good_for_its_own_list_only),
		cmocka_unit_test(a_cursor_takes_another_limit),
	};

	return cmocka_run_group_tests(tests, setup, contract_teardown);
}
