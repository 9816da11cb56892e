/* SPDX-License-Identifier: Apache-2.0 */
/* What ETags are worth: of many writers one wins, and an unchanged list is not read again. */
#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libpq-fe.h>

#include "story.h"

enum { WRITERS = 16, ROUNDS = 8, ROUNDS_LONG = 200 };

/* An object that all writers change. */
struct race {
	struct story *s;
	const char *path;
	char etag[128];
	pthread_barrier_t start;
};

struct writer {
	struct race *race;
	int index, status;
	char etag[128];
};

static void *write_once(void *arg)
{
	struct writer *w = arg;
	struct client *c = client_operator(w->race->s->d);
	const struct answer *a;
	char body[64], line[200], target[200];
	const char *etag;

	client_tenant(c, w->race->s->t.id);
	snprintf(line, sizeof(line), "If-Match: %s\r\n", w->race->etag);
	snprintf(body, sizeof(body), "{\"name\":\"writer %d\"}", w->index);
	snprintf(target, sizeof(target), "/api/v1%s", w->race->path);
	pthread_barrier_wait(&w->race->start);
	a = client_call(c, "PATCH", target, line, body);
	w->status = a->status;
	etag = answer_header(a, "ETag");
	snprintf(w->etag, sizeof(w->etag), "%s", etag != NULL ? etag : "");
	client_close(c);
	return NULL;
}

/* The same name twice in a row would be no change: the loser of one round cannot be its winner again. */
static int one_round(struct race *r, int last)
{
	struct writer w[WRITERS];
	pthread_t thread[WRITERS];
	int winner = -1;

	pthread_barrier_init(&r->start, NULL, WRITERS);
	for (int i = 0; i < WRITERS; i++) {
		w[i] = (struct writer){ .race = r, .index = i + (last == i ? WRITERS : 0) };
		assert_int_equal(0, pthread_create(&thread[i], NULL, write_once, &w[i]));
	}
	for (int i = 0; i < WRITERS; i++)
		pthread_join(thread[i], NULL);
	pthread_barrier_destroy(&r->start);
	for (int i = 0; i < WRITERS; i++) {
		if (w[i].status == 200) {
			assert_int_equal(-1, winner);
			winner = i;
			continue;
		}
		assert_int_equal(412, w[i].status);
	}
	assert_int_not_equal(-1, winner);
	/* The others were told what the winner made of it. */
	for (int i = 0; i < WRITERS; i++)
		assert_memory_equal(w[winner].etag, w[i].etag, strcspn(w[winner].etag, "-"));
	snprintf(r->etag, sizeof(r->etag), "%s", w[winner].etag);
	return w[winner].index;
}

static void of_many_writers_with_one_tag_exactly_one_wins(void **state)
{
	struct story *s = *state;
	char tenant[200];
	const char *const paths[] = { "/policies/1", "/resources/1", "/bouncers/1", tenant };
	const int rounds = getenv("CC_LONG") != NULL ? ROUNDS_LONG : ROUNDS;

	snprintf(tenant, sizeof(tenant), "/tenants/%s", s->t.id);
	story_policy(s, "p");
	story_resource(s, "r");
	story_bouncer(s, "b");
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		struct race r = { .s = s, .path = paths[i] };
		int last = -1;

		snprintf(r.etag, sizeof(r.etag), "%s",
			answer_header(assert_status(200, client_get(s->c, "%s", r.path)), "ETag"));
		for (int round = 0; round < rounds; round++)
			last = one_round(&r, last);
	}
}

/* A session that keeps everybody from the rows of a table, but not from head. */
static PGconn *lock_table(struct story *s, const char *table)
{
	char *database = daemon_region_db("us-east-1"), *conninfo = daemon_conninfo(s->d, database);
	PGconn *pg = PQconnectdb(conninfo);
	char sql[300], find[200];

	free(database);
	free(conninfo);
	assert_int_equal(CONNECTION_OK, PQstatus(pg));
	snprintf(find, sizeof(find), "SELECT schema_id FROM cc.tenant WHERE id = '%s'", s->t.id);
	snprintf(sql, sizeof(sql), "BEGIN; LOCK TABLE %.100s.%s IN ACCESS EXCLUSIVE MODE",
		story_control_value(s, find), table);
	PQclear(PQexec(pg, sql));
	assert_int_equal(PQTRANS_INTRANS, PQtransactionStatus(pg));
	return pg;
}

static const char *list_etag(struct story *s, const char *target)
{
	static char kept[4][128];
	static int n;
	const char *etag = answer_header(assert_status(200, client_get(s->c, "%s", target)), "ETag");

	assert_non_null(etag);
	n = (n + 1) % 4;
	snprintf(kept[n], sizeof(kept[n]), "%s", etag);
	return kept[n];
}

static const struct answer *ask_if_changed(struct story *s, const char *target, const char *etag)
{
	char line[200], full[200];

	snprintf(line, sizeof(line), "If-None-Match: %s\r\n", etag);
	snprintf(full, sizeof(full), "/api/v1%s", target);
	return client_call(s->c, "GET", full, line, NULL);
}

static void an_unchanged_list_is_answered_without_its_rows(void **state)
{
	struct story *s = *state;
	const char *etag;
	PGconn *lock;

	story_policy(s, "p");
	etag = list_etag(s, "/policies?limit=5");
	lock = lock_table(s, "policies");
	assert_status(304, ask_if_changed(s, "/policies?limit=5", etag));
	PQfinish(lock);
	assert_status(200, ask_if_changed(s, "/policies?limit=6", etag));
	assert_status(200, ask_if_changed(s, "/resources?limit=5", etag));
}

static void the_tag_of_a_list_changes_with_the_tenants_data(void **state)
{
	struct story *s = *state;
	const char *before = list_etag(s, "/policies"), *after;

	assert_string_equal(before, list_etag(s, "/policies"));
	story_resource(s, "r");
	after = list_etag(s, "/policies");
	assert_string_not_equal(before, after);
	assert_status(200, ask_if_changed(s, "/policies", before));
	/* What was refused, or changed nothing, leaves it alone. */
	assert_status(422, client_post(s->c, "/policies", "{'name':''}"));
	assert_status(200, client_patch(s->c, "/resources/1", "{'name':'r'}"));
	assert_string_equal(after, list_etag(s, "/policies"));
	assert_status(200, client_patch(s->c, "/resources/1", "{'name':'s'}"));
	assert_string_not_equal(after, list_etag(s, "/policies"));
}

static void what_lives_is_another_answer_but_the_same_row(void **state)
{
	struct story *s = *state;
	char before[128], line[200];

	story_bouncer(s, "b");
	snprintf(before, sizeof(before), "%s", answer_header(client_get(s->c, "/bouncers/1"), "ETag"));
	story_value(s, "INSERT INTO bouncer_live (bouncer_id, last_heartbeat) VALUES (1, now())");
	assert_status(200, ask_if_changed(s, "/bouncers/1", before));
	snprintf(line, sizeof(line), "If-Match: %s\r\n", before);
	assert_status(200, client_call(s->c, "PATCH", "/api/v1/bouncers/1", line, "{\"name\":\"c\"}"));
	assert_error(412, "precondition_failed",
		client_call(s->c, "PATCH", "/api/v1/bouncers/1", line, "{\"name\":\"d\"}"));
}

/* A resource shows the policies that name it: they are no part of its row. */
static void what_names_a_resource_shows_in_its_tag(void **state)
{
	struct story *s = *state;
	char before[128];

	story_resource(s, "r");
	snprintf(before, sizeof(before), "%s", answer_header(client_get(s->c, "/resources/1"), "ETag"));
	assert_status(
		201, client_post(s->c, "/policies", "{'name':'p','rego_code':'package p','resource_id':1}"));
	assert_status(200, ask_if_changed(s, "/resources/1", before));
	assert_int(1, ask_if_changed(s, "/resources/1", before), "policies[0]");
}

static void the_owner_decides_whether_tags_are_required(void **state)
{
	struct story *s = *state;
	char path[120], target[140];

	snprintf(path, sizeof(path), "/tenants/%s", s->t.id);
	snprintf(target, sizeof(target), "/api/v1%s", path);
	story_policy(s, "p");
	assert_true(json_is_false(answer_at(client_get(s->c, "%s", path), "settings.require_if_match")));
	assert_status(200, client_patch(s->c, path, "{'settings':{'require_if_match':true}}"));
	assert_error(428, "precondition_required", client_patch(s->c, "/policies/1", "{'name':'q'}"));
	assert_error(428, "precondition_required", client_delete(s->c, "/policies/1"));
	assert_error(428, "precondition_required",
		client_patch(s->operator, path, "{'settings':{'require_if_match':false}}"));
	assert_status(201, client_post(s->c, "/policies", "{'name':'r','rego_code':'package p'}"));
	assert_status(200,
		client_call(s->c, "PATCH", "/api/v1/policies/1", "If-Match: \"1\"\r\n", "{\"name\":\"q\"}"));
	assert_status(200, client_call(s->c, "PATCH", target, "If-Match: *\r\n",
				   "{\"settings\":{\"require_if_match\":false}}"));
	assert_status(200, client_delete(s->c, "/policies/1"));
}

static void a_tenant_can_be_made_to_require_tags(void **state)
{
	struct story *s = *state;
	struct tenant_fixture t;
	struct client *c;

	fixture_tenant(s->d, "careful", NULL, NULL, "{'require_if_match':true}", &t);
	c = client_of(s->d, &t);
	assert_status(201, client_post(c, "/policies", "{'name':'r','rego_code':'package p'}"));
	assert_error(428, "precondition_required", client_delete(c, "/policies/1"));
	client_close(c);
}

static void lines_of_a_list_are_one_list(void **state)
{
	struct story *s = *state;
	char lines[300];

	story_policy(s, "p");
	snprintf(lines, sizeof(lines), "If-Match: \"0\"\r\nIf-Match: \"77\"\r\nIf-Match: %s\r\n",
		answer_header(client_get(s->c, "/policies/1"), "ETag"));
	assert_status(200, client_call(s->c, "PATCH", "/api/v1/policies/1", lines, "{\"name\":\"q\"}"));
}

static void only_patch_takes_a_merge_patch(void **state)
{
	static const char type[] = "Content-Type: application/merge-patch+json\r\n";
	struct story *s = *state;

	story_policy(s, "p");
	assert_status(200, client_call(s->c, "PATCH", "/api/v1/policies/1", type, "{\"name\":\"q\"}"));
	assert_error(415, "unsupported_media_type",
		client_call(s->c, "PUT", "/api/v1/policies/1", type, "{\"name\":\"q\"}"));
	assert_error(415, "unsupported_media_type",
		client_call(s->c, "POST", "/api/v1/policies", type, "{\"name\":\"q\"}"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			of_many_writers_with_one_tag_exactly_one_wins, story_open, story_close),
		cmocka_unit_test_setup_teardown(
			an_unchanged_list_is_answered_without_its_rows, story_open, story_close),
		cmocka_unit_test_setup_teardown(
			the_tag_of_a_list_changes_with_the_tenants_data, story_open, story_close),
		cmocka_unit_test_setup_teardown(
			what_lives_is_another_answer_but_the_same_row, story_open, story_close),
		cmocka_unit_test_setup_teardown(
			what_names_a_resource_shows_in_its_tag, story_open, story_close),
		cmocka_unit_test_setup_teardown(
			the_owner_decides_whether_tags_are_required, story_open, story_close),
		cmocka_unit_test_setup_teardown(
			a_tenant_can_be_made_to_require_tags, story_open, story_close),
		cmocka_unit_test_setup_teardown(lines_of_a_list_are_one_list, story_open, story_close),
		cmocka_unit_test_setup_teardown(only_patch_takes_a_merge_patch, story_open, story_close),
	};

	return cmocka_run_group_tests(tests, daemon_group_setup, daemon_group_teardown);
}
