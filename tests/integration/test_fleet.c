/* SPDX-License-Identifier: Apache-2.0 */
/* Bouncers register, say what they run, and are seen to be behind or not. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stage.h"
#include "temp.h"

#define REGISTER \
	"{'bouncer_id':'%s','bouncer_name':'%s','bouncer_type':'sidecar','resource':{'name':'Users','type':" \
	"'api'," \
	"'target_host':'users:8080','original_host_url':'https://users.acme.com/x'," \
	"'deployment_url':'https://edge.acme.com:8443/" \
	"'},'deployment_info':{'platform':'docker','version':'%s'}}"
#define REGO "package app\\n\\nallow := true\\n"

static int64_t registered(struct client *c, const char *id, const char *name)
{
	return answer_int(
		assert_status(200, client_post(c, "/peps/register", REGISTER, id, name, "1")), "id");
}

static void a_bouncer_registers_at_every_start(void **state)
{
	struct stage *g = *state;
	const struct answer *a =
		assert_status(200, client_post(g->sandbox, "/peps/register", REGISTER, "b-1", "edge", "1"));
	int64_t version;

	assert_text("b-1", a, "bouncer_id");
	assert_text("active", a, "status");
	assert_text("sandbox", a, "environment");
	assert_true(json_is_true(answer_at(a, "is_connected")));
	version = story_number(g->s, "SELECT version FROM head");
	a = assert_status(200, client_post(g->sandbox, "/peps/register", REGISTER, "b-1", "edge", "1"));
	assert_int(1, a, "id");
	assert_int_equal(version, story_number(g->s, "SELECT version FROM head"));
	assert_status(200, client_post(g->sandbox, "/peps/register", REGISTER, "b-1", "edge", "2"));
	a = assert_status(200, client_get(g->s->c, "/bouncers/1"));
	assert_text("2", a, "version");
	assert_text("edge.acme.com", a, "hostname");
	assert_text("docker", a, "platform");
	assert_text("connected", a, "status");
	a = assert_status(200, client_get(g->s->c, "/resources/1"));
	assert_true(json_is_true(answer_at(a, "auto_discovered")));
	assert_text("users.acme.com", a, "original_host");
	assert_text("users:8080", a, "target_host");
	assert_int_equal(1, story_number(g->s, "SELECT count(*) FROM bouncers"));
	assert_int_equal(1, story_number(g->s, "SELECT count(*) FROM resources"));
}

static void a_bouncer_made_by_hand_is_the_same(void **state)
{
	struct stage *g = *state;

	assert_status(201,
		client_post(g->s->c, "/bouncers", "{'name':'edge','hostname':'h','environment':'sandbox'}"));
	assert_int_equal(1, registered(g->sandbox, "b-1", "edge"));
	assert_text("b-1", client_get(g->s->c, "/bouncers/1"), "bouncer_id");
	assert_error(
		409, "name_taken", client_post(g->sandbox, "/peps/register", REGISTER, "b-2", "edge", "1"));
}

static void neither_environment_takes_the_other(void **state)
{
	struct stage *g = *state;

	assert_int_equal(1, registered(g->sandbox, "b-1", "edge"));
	assert_error(409, "bouncer_id_taken",
		client_post(g->production, "/peps/register", REGISTER, "b-1", "x", "1"));
	assert_int_equal(2, registered(g->production, "b-2", "edge"));
	assert_error(403, "environment_mismatch",
		client_post(g->sandbox, "/peps/register",
			"{'bouncer_id':'b-3','resource':{'name':'r'},'deployment_info':{'environment':'"
			"production'}}"));
	assert_error(403, "tenant_access_denied",
		client_post(g->sandbox, "/peps/register",
			"{'bouncer_id':'b-3','tenant_id':'tenant-other-234567','resource':{'name':'r'}}"));
	assert_error(403, "environment_mismatch",
		client_post(g->sandbox, "/peps/2/heartbeat", "{'revision':'another','requests_total':5}"));
	assert_status(200, client_post(g->production, "/peps/2/heartbeat", "{'requests_total':5}"));
	assert_int(2, client_get(g->s->c, "/bouncers/1/health"), "pair_id");
	assert_int(1, client_get(g->s->c, "/bouncers/2/health"), "pair_id");
}

static void a_full_tenant_takes_no_further_one(void **state)
{
	struct stage *g = *state;

	story_limit(g->s, "'max_bouncers':1");
	assert_int_equal(1, registered(g->sandbox, "b-1", "one"));
	assert_text("bouncers",
		assert_error(403, "quota_exceeded",
			client_post(g->sandbox, "/peps/register", REGISTER, "b-2", "two", "1")),
		"resource");
	assert_int_equal(1, registered(g->sandbox, "b-1", "one"));
	assert_int_equal(1, story_number(g->s, "SELECT count(*) FROM bouncers"));
}

static void says(struct client *c, const char *id, const char *revision)
{
	char path[100];

	snprintf(path, sizeof(path), "/status/%s", id);
	assert_text(revision,
		assert_status(200, client_post(c, path,
					   "{'labels':{'id':'x'},'bundles':{'sandbox':{'name':'sandbox',"
					   "'active_revision':'%s','size':1}},'plugins':{},'metrics':{}}",
					   revision)),
		"revision");
}

static void a_rollout_is_followed_to_its_end(void **state)
{
	struct stage *g = *state;
	const struct answer *a;
	char revision[80], before[80];

	registered(g->sandbox, "b-1", "one");
	registered(g->sandbox, "b-2", "two");
	a = bouncer_pull(g->sandbox, "sandbox", NULL);
	snprintf(before, sizeof(before), "%.32s", answer_header(a, "ETag") + 1);
	says(g->sandbox, "b-1", before);
	says(g->sandbox, "b-2", before);
	assert_status(201, client_post(g->s->c, "/policies",
				   "{'name':'p','environment':'sandbox','rego_code':'" REGO "'}"));
	a = bouncer_pull(g->sandbox, "sandbox", answer_header(a, "ETag"));
	snprintf(revision, sizeof(revision), "%.32s", answer_header(a, "ETag") + 1);
	a = assert_status(200, client_get(g->s->c, "/rollouts/%s", revision));
	assert_text("0 of 2 live", a, "summary");
	assert_int_equal(2, answer_count(a, "behind"));
	assert_true(json_is_true(answer_at(a, "wanted")));
	says(g->sandbox, "b-1", revision);
	a = assert_status(200, client_get(g->s->c, "/rollouts/%s", revision));
	assert_text("1 of 2 live", a, "summary");
	assert_text("two", a, "behind[0].name");
	assert_text(before, a, "behind[0].revision");
	a = assert_status(200, client_get(g->s->c, "/bouncers/1/revisions"));
	assert_true(json_is_true(answer_at(a, "current")));
	assert_int(0, a, "lag_seconds");
	a = assert_status(200, client_get(g->s->c, "/bouncers/2/revisions"));
	assert_text(revision, a, "wanted_revision");
	assert_text(before, a, "acknowledged_revision");
	says(g->sandbox, "b-2", revision);
	assert_text("2 of 2 live", client_get(g->s->c, "/rollouts/%s", revision), "summary");
	assert_true(json_is_false(answer_at(client_get(g->s->c, "/rollouts/%s", before), "wanted")));
	assert_error(404, "resource_not_found", client_get(g->s->c, "/rollouts/none"));
}

/* What is wanted again is wanted since then, and not since it was first made. */
static void a_rollback_is_wanted_from_now_on(void **state)
{
	struct stage *g = *state;
	const char *first, *second, *tag;
	const struct answer *a;
	char revision[80];

	registered(g->sandbox, "b-1", "one");
	first = tag_of(bouncer_pull(g->sandbox, "sandbox", NULL));
	story_value(g->s, "UPDATE objects SET created_at = now() - interval '1 hour', wanted_at = created_at"
			  " - interval '1 hour'");
	story_value(g->s, "UPDATE bouncers SET created_at = created_at - interval '1 day'");
	assert_status(201, client_post(g->s->c, "/policies",
				   "{'name':'p','environment':'sandbox','rego_code':'" REGO "'}"));
	second = tag_of(bouncer_pull(g->sandbox, "sandbox", first));
	snprintf(revision, sizeof(revision), "%.32s", second + 1);
	says(g->sandbox, "b-1", revision);
	assert_status(200, client_post(g->s->c, "/policies/1/disable", "{}"));
	assert_string_equal(first, tag_of(bouncer_pull(g->sandbox, "sandbox", second)));
	says(g->sandbox, "b-1", revision);
	a = assert_status(200, client_get(g->s->c, "/bouncers/1/revisions"));
	assert_true(json_is_false(answer_at(a, "current")));
	assert_memory_equal(first + 1, answer_text(a, "wanted_revision"), 32);
	assert_string_equal(answer_text(a, "wanted_since"), answer_text(a, "behind_since"));
	assert_true(answer_int(a, "lag_seconds") < 60);
	tag = tag_of(a);
	temp_sleep_ms(1100);
	assert_string_equal(tag, tag_of(client_get(g->s->c, "/bouncers/1/revisions")));
}

/* What is switched off runs nothing, and holds no rollout up. */
static void only_those_that_are_there_count(void **state)
{
	struct stage *g = *state;
	const struct answer *a;
	char revision[80];

	registered(g->sandbox, "b-1", "one");
	registered(g->sandbox, "b-2", "two");
	registered(g->sandbox, "b-3", "three");
	a = bouncer_pull(g->sandbox, "sandbox", NULL);
	snprintf(revision, sizeof(revision), "%.32s", answer_header(a, "ETag") + 1);
	says(g->sandbox, "b-1", revision);
	says(g->sandbox, "b-2", revision);
	assert_text("2 of 3 live", client_get(g->s->c, "/rollouts/%s", revision), "summary");
	story_value(g->s, "UPDATE bouncer_live SET last_heartbeat = now() - interval '121 seconds'"
			  " WHERE bouncer_id > 1");
	a = assert_status(200, client_get(g->s->c, "/rollouts/%s", revision));
	assert_text("1 of 1 live", a, "summary");
	assert_int(2, a, "disconnected");
	assert_int_equal(0, answer_count(a, "behind"));
}

/* Of several bundles the one that is called so, and none that is called something like it. */
static void a_bundle_is_ours_by_its_name(void **state)
{
	struct stage *g = *state;

	registered(g->sandbox, "b-1", "one");
	assert_text("ours",
		assert_status(200, client_post(g->sandbox, "/status/b-1",
					   "{'bundles':{'no-sandbox':{'active_revision':'theirs'},"
					   "'sandbox':{'active_revision':'ours'},"
					   "'sandbox-2':{'active_revision':'theirs too'}}}")),
		"revision");
	assert_true(answer_null(assert_status(200, client_post(g->sandbox, "/status/b-1",
							   "{'bundles':{'no-sandbox':{'active_revision':'a'},"
							   "'x':{'active_revision':'b'}}}")),
		"revision"));
}

static void what_is_wrong_with_a_bundle_is_told(void **state)
{
	struct stage *g = *state;
	const struct answer *a;

	assert_int_equal(1, registered(g->sandbox, "b-1", "one"));
	assert_text("healthy", client_get(g->s->c, "/bouncers/1/health"), "status");
	assert_status(200,
		client_post(g->sandbox, "/status",
			"{'labels':{'bouncer_id':'b-1'},'bundles':{'a':{'name':'a','active_revision':'r',"
			"'code':'bundle_error','message':'verification failed'}}}"));
	a = assert_status(200, client_get(g->s->c, "/bouncers/1/health"));
	assert_text("degraded", a, "status");
	assert_text("bundle_error: verification failed", a, "fault");
	assert_true(json_is_false(answer_at(a, "opal_connected")));
	assert_text(
		"bundle_error: verification failed", client_get(g->s->c, "/bouncers/1/revisions"), "fault");
}

static void whose_status_it_is_must_be_known(void **state)
{
	struct stage *g = *state;

	assert_error(404, "resource_not_found", client_post(g->sandbox, "/status/nobody", "{}"));
	assert_fault("labels", "required", client_post(g->sandbox, "/status", "{'labels':{'id':'x'}}"));
	assert_int_equal(1, registered(g->production, "b-1", "one"));
	assert_error(404, "resource_not_found", client_post(g->sandbox, "/status/b-1", "{}"));
	assert_status(200, client_post(g->production, "/status/b-1", "{}"));
	assert_error(403, "insufficient_scope", client_get(g->sandbox, "/bouncers/1/health"));
}

/* A key of its own: *ret_id names it. */
static struct client *with_key(struct stage *g, const char *scopes, char ret_path[200])
{
	struct client *c = client_open(daemon_port(g->s->d));
	char base[160];
	const struct answer *a;

	snprintf(base, sizeof(base), "/tenants/%s/api-keys", g->s->t.id);
	a = assert_status(201,
		client_post(g->s->operator, base, "{'name':'b','environment':'test','scopes':[%s]}", scopes));
	snprintf(ret_path, 200, "%s/%s", base, answer_text(a, "id"));
	client_key(c, answer_text(a, "key"));
	return c;
}

#define CONNECT "'bouncers:connect'"

static void its_key_ends_with_a_bouncer(void **state)
{
	struct stage *g = *state;
	char path[200];
	struct client *own = with_key(g, CONNECT, path);
	const struct answer *a;
	int64_t id;

	id = registered(own, "b-1", "one");
	assert_status(200, client_delete(g->s->c, "/bouncers/%" PRId64 "?dry_run=true", id));
	assert_status(200, client_post(own, "/status/b-1", "{}"));
	assert_status(200, client_delete(g->s->c, "/bouncers/%" PRId64, id));
	assert_error(401, "key_revoked", client_post(own, "/status/b-1", "{}"));
	assert_error(401, "key_revoked", client_post(own, "/peps/register", REGISTER, "b-1", "one", "1"));
	a = assert_status(200, client_get(g->s->operator, "%s", path));
	assert_non_null(answer_text(a, "revoked_at"));
	assert_string_equal("bouncer 1 was deleted",
		story_control_value(g->s, "SELECT detail->>'reason' FROM cc.tenant_audit"
					  " WHERE action = 'revokeApiKey'"));
	assert_int_equal(1, registered(g->sandbox, "b-1", "one") - id);
	client_close(own);
}

/* Both the one that it registered with and its successor. */
static void so_does_all_that_its_key_was_rotated_to(void **state)
{
	struct stage *g = *state;
	char path[200], rotate[240];
	struct client *old = with_key(g, CONNECT, path), *next = client_open(daemon_port(g->s->d));

	registered(old, "b-1", "one");
	snprintf(rotate, sizeof(rotate), "%s/rotate", path);
	client_key(next, answer_text(assert_status(201, client_post(g->s->operator, rotate, "{}")), "key"));
	assert_status(200, client_post(next, "/status/b-1", "{}"));
	assert_status(200, client_delete(g->s->c, "/bouncers/1?hard_delete=true"));
	assert_error(401, "key_revoked", client_post(old, "/status/b-1", "{}"));
	assert_error(401, "key_revoked", client_post(next, "/status/b-1", "{}"));
	client_close(old);
	client_close(next);
}

static void a_key_of_others_too_ends_with_the_last_of_them(void **state)
{
	struct stage *g = *state;
	char path[200];
	struct client *shared = with_key(g, CONNECT, path),
		      *wide = with_key(g, CONNECT ",'bouncers:read'", path);

	registered(shared, "b-1", "one");
	registered(shared, "b-2", "two");
	registered(wide, "b-3", "three");
	assert_status(200, client_delete(g->s->c, "/bouncers/1"));
	assert_status(200, client_post(shared, "/status/b-2", "{}"));
	assert_status(200, client_delete(g->s->c, "/bouncers/2"));
	assert_error(401, "key_revoked", client_post(shared, "/status/b-2", "{}"));
	/* What can do more is more than a bouncer's. */
	assert_status(200, client_delete(g->s->c, "/bouncers/3"));
	assert_error(404, "resource_not_found", client_post(wide, "/status/b-3", "{}"));
	client_close(shared);
	client_close(wide);
}

/* Refused because of what names it, it keeps its key. */
static void what_is_not_deleted_keeps_its_key(void **state)
{
	struct stage *g = *state;
	char path[200];
	struct client *own = with_key(g, CONNECT, path);

	registered(own, "b-1", "one");
	assert_status(
		201, client_post(g->s->c, "/policies",
			     "{'name':'p','environment':'sandbox','bouncer_id':1,'rego_code':'" REGO "'}"));
	assert_error(409, "in_use", client_delete(g->s->c, "/bouncers/1"));
	assert_status(200, client_post(own, "/status/b-1", "{}"));
	client_close(own);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_bouncer_registers_at_every_start, stage_open, stage_close),
		cmocka_unit_test_setup_teardown(a_bouncer_made_by_hand_is_the_same, stage_open, stage_close),
		cmocka_unit_test_setup_teardown(neither_environment_takes_the_other, stage_open, stage_close),
		cmocka_unit_test_setup_teardown(a_full_tenant_takes_no_further_one, stage_open, stage_close),
		cmocka_unit_test_setup_teardown(a_rollout_is_followed_to_its_end, stage_open, stage_close),
		cmocka_unit_test_setup_teardown(a_rollback_is_wanted_from_now_on, stage_open, stage_close),
		cmocka_unit_test_setup_teardown(only_those_that_are_there_count, stage_open, stage_close),
		cmocka_unit_test_setup_teardown(a_bundle_is_ours_by_its_name, stage_open, stage_close),
		cmocka_unit_test_setup_teardown(what_is_wrong_with_a_bundle_is_told, stage_open, stage_close),
		cmocka_unit_test_setup_teardown(whose_status_it_is_must_be_known, stage_open, stage_close),
		cmocka_unit_test_setup_teardown(its_key_ends_with_a_bouncer, stage_open, stage_close),
		cmocka_unit_test_setup_teardown(
			so_does_all_that_its_key_was_rotated_to, stage_open, stage_close),
		cmocka_unit_test_setup_teardown(
			a_key_of_others_too_ends_with_the_last_of_them, stage_open, stage_close),
		cmocka_unit_test_setup_teardown(what_is_not_deleted_keeps_its_key, stage_open, stage_close),
	};

	return cmocka_run_group_tests(tests, daemon_group_setup, daemon_group_teardown);
}
