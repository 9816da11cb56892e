/* SPDX-License-Identifier: Apache-2.0 */
#include "s3_story.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "lossy.h"
#include "temp.h"
#include "store/sigv4.h"
#include "cc/base/bytes.h"
#include "cc/base/clock.h"
#include "cc/crypto/digest.h"
#include "cc/net/http_client.h"

#define LOST_PERCENT 15
#define LOSSY_OBJECTS 30
#define STREAMED (48 << 20)
#define STREAM_ROOM_KIB (40 << 10) /* parts, their copies in the library, and what allocators keep */
#define SOON_MS 1500

static enum s3_server server; /* of this suite */

static int set_up(void **state)
{
	struct objstore_fixture *fx = calloc(1, sizeof(*fx));
	struct s3_stage *stage = calloc(1, sizeof(*stage));
	struct s3_conf conf;

	stage->peer = s3_peer_start(server);
	stage->http = http_client_create(&(struct http_client_conf){ 0 });
	conf = s3_peer_conf(stage->peer);
	conf.list_page = 7;
	fx->arena = arena_create(4096);
	fx->store = objstore_s3(stage->http, &conf);
	fx->own = stage;
	*state = fx;
	return 0;
}

static int tear_down(void **state)
{
	struct objstore_fixture *fx = *state;
	struct s3_stage *stage = fx->own;

	objstore_destroy(fx->store);
	http_client_destroy(stage->http);
	s3_peer_stop(stage->peer);
	arena_destroy(fx->arena);
	free(stage);
	free(fx);
	return 0;
}

static void is_denied(struct objstore_fixture *fx, const struct s3_conf *conf)
{
	const struct s3_stage *stage = fx->own;
	struct objstore *s = objstore_s3(stage->http, conf);
	const struct obj_key key = story_key(story_tenant(fx), "a/b");
	struct story_sink out = { .stop_at = -1 };
	struct obj_key prefix;
	int64_t deadline = story_deadline();

	assert_int_equal(OBJ_OK, obj_put_bytes(fx->store, &key, 0, "x", 1, deadline, &fx->got));
	assert_int_equal(OBJ_DENIED, obj_put_bytes(s, &key, 0, "y", 1, deadline, &fx->got));
	assert_null(strstr(fx->got.error, conf->secret_key));
	assert_int_equal(OBJ_DENIED, obj_get(s, &key, NULL, 10, story_write, &out, deadline, &fx->got));
	assert_int_equal(OBJ_DENIED, obj_stat(s, &key, deadline, &fx->got));
	assert_int_equal(OBJ_DENIED, obj_delete(s, &key, deadline, &fx->got));
	assert_true(obj_prefix_make(&prefix, "tenant-case-1"));
	assert_int_equal(OBJ_DENIED, obj_list(s, &prefix, NULL, NULL, deadline, &fx->got));
	assert_int_equal(OBJ_OK, obj_stat(fx->store, &key, deadline, &fx->got));
	objstore_destroy(s);
}

static void a_wrong_secret_is_refused(void **state)
{
	struct objstore_fixture *fx = *state;
	const struct s3_stage *stage = fx->own;
	struct s3_conf conf = s3_peer_conf(stage->peer);

	conf.secret_key = "not-the-secret";
	is_denied(fx, &conf);
}

static void a_wrong_key_id_is_refused(void **state)
{
	struct objstore_fixture *fx = *state;
	const struct s3_stage *stage = fx->own;
	struct s3_conf conf = s3_peer_conf(stage->peer);

	conf.access_key = "nobody:nobody";
	is_denied(fx, &conf);
}

/* Without any header of ours. */
static int fetched(struct objstore_fixture *fx, const char *url, const char **ret_body)
{
	const struct s3_stage *stage = fx->own;
	const struct http_ask ask = {
		.method = "GET", .url = url, .deadline_ms = story_deadline(), .answer_max = 65536
	};
	struct http_got got;

	assert_int_equal(HTTP_GOT, http_client_send(stage->http, fx->arena, &ask, &got));
	*ret_body = got.body;
	return got.status;
}

static void is_refused(struct objstore_fixture *fx, const char *url)
{
	const char *body;
	const int status = fetched(fx, url, &body);

	if (status != 400 && status != 401 && status != 403)
		fail_msg("%d: %s", status, url);
	assert_null(strstr(body, "mine"));
}

static void a_signed_url_is_good_for_itself_alone(void **state)
{
	struct objstore_fixture *fx = *state;
	const char *tenant = story_tenant(fx), *body;
	const struct obj_key key = story_key(tenant, "a/1"), other = story_key(tenant, "a/2");
	char *url, *changed;

	assert_int_equal(OBJ_OK, obj_put_bytes(fx->store, &key, 0, "mine", 4, story_deadline(), &fx->got));
	assert_int_equal(OBJ_OK, obj_put_bytes(fx->store, &other, 0, "other", 5, story_deadline(), &fx->got));
	url = obj_presign(fx->store, fx->arena, &key, 60);
	assert_non_null(url);
	assert_int_equal(200, fetched(fx, url, &body));
	assert_string_equal("mine", body);
	changed = arena_strdup(fx->arena, url);
	*(strstr(changed, "/a/1?") + 3) = '2';
	is_refused(fx, changed);
	changed = arena_strdup(fx->arena, url);
	*(strstr(changed, "Expires=60") + 8) = '9';
	is_refused(fx, changed);
	*strchr(url, '?') = '\0';
	is_refused(fx, url);
}

/* Replies that are lost or cut in the middle, of requests that arrived. */
static void what_is_lost_on_the_way_is_sent_again(void **state)
{
	struct objstore_fixture *fx = *state;
	const struct s3_stage *stage = fx->own;
	struct s3_conf conf = s3_peer_conf(stage->peer);
	struct lossy *lossy = lossy_open(s3_peer_port(stage->peer), 7);
	struct objstore *direct = fx->store;
	const char *tenant = story_tenant(fx);
	long lost = 0, delivered = 0;

	conf.endpoint = arena_printf(fx->arena, "http://127.0.0.1:%d", lossy_port(lossy));
	conf.attempt_ms = 5000;
	fx->store = objstore_s3(stage->http, &conf);
	lossy_rate(lossy, LOST_PERCENT);
	for (int i = 0; i < LOSSY_OBJECTS; i++) {
		const struct obj_key key = story_key(tenant, arena_printf(fx->arena, "l/%d", i));

		story_round(fx, &key, i % 10 == 0 ? 2 * OBJ_PART + i : 50000 + i);
		assert_int_equal(
			OBJ_OK, obj_put_bytes(fx->store, &key, 0, "x", 1, story_deadline(), &fx->got));
	}
	for (int i = 0; i < LOSSY_OBJECTS; i++) {
		const struct obj_key key = story_key(tenant, arena_printf(fx->arena, "once/%d", i));

		assert_int_equal(
			OBJ_OK, obj_put_bytes(fx->store, &key, OBJ_ONCE, "x", 1, story_deadline(), &fx->got));
	}
	lossy_counts(lossy, &lost, &delivered);
	assert_true(lost > 10);
	objstore_destroy(fx->store);
	lossy_close(lossy);
	fx->store = direct;
}

/* Takes connections, and says nothing. */
static int silent(int port)
{
	const struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons((uint16_t)port) };
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(0, bind(fd, (const struct sockaddr *)&a, sizeof(a)));
	assert_int_equal(0, listen(fd, 16));
	return fd;
}

static void a_silent_server_is_not_waited_for(void **state)
{
	struct objstore_fixture *fx = *state;
	const struct s3_stage *stage = fx->own;
	struct s3_conf conf = s3_peer_conf(stage->peer);
	const struct obj_key key = story_key(story_tenant(fx), "a/b");
	const int64_t begun = clock_mono_ms();
	const int port = temp_port(), fd = silent(port);
	struct objstore *s;

	conf.endpoint = arena_printf(fx->arena, "http://127.0.0.1:%d", port);
	s = objstore_s3(stage->http, &conf);
	assert_int_equal(OBJ_LATE, obj_put_bytes(s, &key, 0, "x", 1, begun + SOON_MS, &fx->got));
	assert_true(clock_mono_ms() - begun < 20 * SOON_MS);
	objstore_destroy(s);
	close(fd);
}

static long resident_kib(void)
{
	struct rusage u;

	assert_int_equal(0, getrusage(RUSAGE_SELF, &u));
	return u.ru_maxrss;
}

static void memory_is_constant(void **state)
{
	struct objstore_fixture *fx = *state;
	const struct obj_key key = story_key(story_tenant(fx), "large");
	long before;

	story_round(fx, &key, OBJ_PART + 1);
	before = resident_kib();
	story_round(fx, &key, STREAMED);
	assert_true(resident_kib() - before < STREAM_ROOM_KIB);
	assert_int_equal(OBJ_OK, obj_delete(fx->store, &key, story_deadline(), &fx->got));
}

void s3_story_ask(struct objstore_fixture *fx, const char *method, const char *path, const char *query_name,
	const char *body)
{
	const struct s3_stage *stage = fx->own;
	const struct s3_conf conf = s3_peer_conf(stage->peer);
	const struct sig_key sig_key = { conf.access_key, conf.secret_key, conf.region, "s3" };
	const struct sig_pair query = { query_name, "" };
	const char *host = arena_printf(fx->arena, "127.0.0.1:%d", s3_peer_port(stage->peer));
	char time[SIG_TIME_LEN + 1];
	unsigned char sum[32];
	const char *payload = (sha256_of(body, strlen(body), sum), hex_encode(fx->arena, sum, sizeof(sum)));
	const struct sig_pair headers[] = { { "host", host }, { "x-amz-content-sha256", payload },
		{ "x-amz-date", time } };
	const struct sig_ask ask = { .method = method,
		.path = path,
		.query = &query,
		.nquery = query_name != NULL ? 1 : 0,
		.headers = headers,
		.nheaders = 3,
		.payload = payload };
	const char *url = arena_printf(fx->arena, "http://%s%s", host, sig_target(fx->arena, &ask));
	const char *authorization;

	sig_time(clock_wall_us(), time);
	authorization = arena_printf(
		fx->arena, "Authorization: %s", sig_authorization(fx->arena, &sig_key, &ask, time));
	const char *dated = arena_printf(fx->arena, "x-amz-date: %s", time);
	const char *const argv[] = { "curl", "-fsS", "-X", method, "-H",
		arena_printf(fx->arena, "x-amz-content-sha256: %s", payload), "-H", dated, "-H",
		authorization, "-H", "Content-Type:", "--data-binary", body, url, NULL };
	struct temp_run r = temp_run(argv, NULL, STORY_PATIENCE_MS);

	if (r.status != 0)
		fail_msg("%s%s", r.out, r.err);
	temp_run_free(&r);
}

/* As a client of its own that died in the middle. */
static void begin_upload(struct objstore_fixture *fx, const struct obj_key *key)
{
	s3_story_ask(fx, "POST", arena_printf(fx->arena, "/" S3_PEER_BUCKET "/%s", key->text), "uploads", "");
}

struct obj_rest s3_story_cleared(struct objstore_fixture *fx, const char *tenant)
{
	struct obj_rest rest;
	struct obj_key prefix;

	assert_true(obj_prefix_make(&prefix, tenant));
	assert_int_equal(OBJ_OK, obj_clear(fx->store, &prefix, story_deadline(), &rest, &fx->got));
	return rest;
}

/* Names that no key has are seen, counted, and left alone. */
static void what_has_a_name_of_nobody_is_told(void **state)
{
	struct objstore_fixture *fx = *state;
	const char *tenant = story_tenant(fx);
	const struct obj_key key = story_key(tenant, "a/b");
	struct obj_rest rest = s3_story_cleared(fx, tenant);

	assert_int_equal(0, rest.strange + rest.removed);
	assert_int_equal(OBJ_OK, obj_put_bytes(fx->store, &key, 0, "x", 1, story_deadline(), &fx->got));
	for (int i = 0; i < 120; i++)
		s3_story_ask(fx, "PUT",
			arena_printf(fx->arena, "/" S3_PEER_BUCKET "/tenants/%s/.%d", tenant, i), NULL,
			"mine");
	assert_int_equal(OBJ_OK, obj_delete(fx->store, &key, story_deadline(), &fx->got));
	for (int i = 0; i < 2; i++) {
		rest = s3_story_cleared(fx, tenant);
		assert_int_equal(120, rest.strange);
		assert_false(rest.more);
	}
}

static int64_t swept(struct objstore_fixture *fx, const char *tenant, int64_t older_s, bool remove)
{
	struct obj_key prefix;
	int64_t n = -1;

	assert_true(obj_prefix_make(&prefix, tenant));
	assert_int_equal(
		OBJ_OK, obj_sweep(fx->store, &prefix, older_s, remove, story_deadline(), &n, &fx->got));
	return n;
}

static void what_was_not_finished_is_swept(void **state)
{
	struct objstore_fixture *fx = *state;
	const char *tenant = arena_strdup(fx->arena, story_tenant(fx));
	const char *other = arena_strdup(fx->arena, story_tenant(fx));
	const struct obj_key a = story_key(tenant, "u/a"), b = story_key(tenant, "u/b"),
			     c = story_key(other, "u/a");

	assert_int_equal(0, swept(fx, tenant, 0, true));
	begin_upload(fx, &a);
	begin_upload(fx, &b);
	begin_upload(fx, &c);
	/* Somebody may be at it. */
	assert_int_equal(0, swept(fx, tenant, 3600, true));
	assert_int_equal(2, swept(fx, tenant, 0, false));
	assert_int_equal(2, swept(fx, tenant, 0, true));
	assert_int_equal(0, swept(fx, tenant, 0, true));
	assert_int_equal(1, swept(fx, other, 0, true));
}

static const struct CMUnitTest stories[] = {
	cmocka_unit_test(what_is_put_is_got),
	cmocka_unit_test(what_is_not_there_is_missing),
	cmocka_unit_test(once_is_once),
	cmocka_unit_test(a_later_one_takes_the_place),
	cmocka_unit_test(keys_that_leave_their_prefix_are_refused),
	cmocka_unit_test(a_list_is_of_one_tenant),
	cmocka_unit_test(what_was_changed_is_told),
	cmocka_unit_test(what_is_too_large_is_not_read),
	cmocka_unit_test(whoever_stops_leaves_nothing),
	cmocka_unit_test(a_wrong_secret_is_refused),
	cmocka_unit_test(a_wrong_key_id_is_refused),
	cmocka_unit_test(a_signed_url_is_good_for_itself_alone),
	cmocka_unit_test(what_is_lost_on_the_way_is_sent_again),
	cmocka_unit_test(a_silent_server_is_not_waited_for),
	cmocka_unit_test(memory_is_constant),
	cmocka_unit_test(what_was_not_finished_is_swept),
	cmocka_unit_test(what_has_a_name_of_nobody_is_told),
};
#define STORIES (sizeof(stories) / sizeof(stories[0]))
#define OWN_MAX 8

int s3_stories(enum s3_server which, const struct CMUnitTest *own, size_t n)
{
	struct CMUnitTest tests[STORIES + OWN_MAX];

	if (n > OWN_MAX)
		abort();
	server = which;
	memcpy(tests, stories, sizeof(stories));
	if (n > 0)
		memcpy(tests + STORIES, own, n * sizeof(*own));
	return _cmocka_run_group_tests("stories of S3", tests, STORIES + n, set_up, tear_down);
}
