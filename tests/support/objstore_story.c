/* SPDX-License-Identifier: Apache-2.0 */
#include "objstore_story.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cc/base/clock.h"
#include "cc/base/str.h"
#include "cc/crypto/digest.h"

#define LISTED 25

int64_t story_deadline(void)
{
	return clock_mono_ms() + STORY_PATIENCE_MS;
}

const char *story_tenant(struct objstore_fixture *fx)
{
	return arena_printf(fx->arena, "tenant-case-%d", ++fx->tenants);
}

struct obj_key story_key(const char *tenant, const char *path)
{
	struct obj_key key;

	if (!obj_key_make(&key, tenant, path))
		fail_msg("%s is no path", path);
	return key;
}

static unsigned char byte_at(int64_t at)
{
	return (unsigned char)((uint64_t)at * UINT64_C(2654435761) >> 13);
}

int64_t story_read(void *arg, void *buf, size_t max)
{
	struct story_source *s = arg;
	unsigned char *out = buf;
	size_t n = 0;

	if (s->stop_at >= 0 && s->at >= s->stop_at)
		return -1;
	while (n < max && s->at < s->size)
		out[n++] = byte_at(s->at++);
	return (int64_t)n;
}

bool story_write(void *arg, const void *p, size_t n)
{
	struct story_sink *s = arg;
	const unsigned char *in = p;

	if (s->stop_at >= 0 && s->at + (int64_t)n > s->stop_at)
		return false;
	for (size_t i = 0; i < n; i++)
		s->differs = s->differs || in[i] != byte_at(s->at + (int64_t)i);
	s->at += (int64_t)n;
	return true;
}

static void is(struct objstore_fixture *fx, enum obj_result want, enum obj_result r)
{
	if (r != want)
		fail_msg("%s, not: %s (%s)", obj_result_text(r), obj_result_text(want), fx->got.error);
}

void story_round(struct objstore_fixture *fx, const struct obj_key *key, int64_t n)
{
	struct story_source in = { .size = n, .stop_at = -1 };
	struct story_sink out = { .stop_at = -1 };
	unsigned char sum[OBJ_SHA_LEN];

	is(fx, OBJ_OK, obj_put(fx->store, key, 0, story_read, &in, story_deadline(), &fx->got));
	assert_int_equal(n, fx->got.size);
	memcpy(sum, fx->got.sha256, sizeof(sum));
	is(fx, OBJ_OK, obj_stat(fx->store, key, story_deadline(), &fx->got));
	assert_int_equal(n, fx->got.size);
	is(fx, OBJ_OK, obj_get(fx->store, key, sum, n, story_write, &out, story_deadline(), &fx->got));
	assert_int_equal(n, fx->got.size);
	assert_int_equal(n, out.at);
	assert_false(out.differs);
}

void what_is_put_is_got(void **state)
{
	static const int64_t sizes[] = { 0, 1, 70000, OBJ_PART, OBJ_PART + 1, 2 * OBJ_PART + 12345 };
	struct objstore_fixture *fx = *state;
	const char *tenant = story_tenant(fx);

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		const struct obj_key key =
			story_key(tenant, arena_printf(fx->arena, "bundles/production/%zu.tar.gz", i));

		story_round(fx, &key, sizes[i]);
		is(fx, OBJ_OK, obj_delete(fx->store, &key, story_deadline(), &fx->got));
		is(fx, OBJ_MISSING, obj_stat(fx->store, &key, story_deadline(), &fx->got));
	}
}

void what_is_not_there_is_missing(void **state)
{
	struct objstore_fixture *fx = *state;
	const struct obj_key key = story_key(story_tenant(fx), "exports/none");
	struct story_sink out = { .stop_at = -1 };

	is(fx, OBJ_MISSING, obj_stat(fx->store, &key, story_deadline(), &fx->got));
	is(fx, OBJ_MISSING,
		obj_get(fx->store, &key, NULL, 1000, story_write, &out, story_deadline(), &fx->got));
	is(fx, OBJ_OK, obj_delete(fx->store, &key, story_deadline(), &fx->got));
	is(fx, OBJ_LATE, obj_stat(fx->store, &key, clock_mono_ms() - 1, &fx->got));
}

static void holds(struct objstore_fixture *fx, const struct obj_key *key, const char *want)
{
	char *bytes;

	is(fx, OBJ_OK,
		obj_get_bytes(fx->store, fx->arena, key, NULL, 1000, story_deadline(), &bytes, &fx->got));
	assert_string_equal(want, bytes);
}

static enum obj_result put_text(
	struct objstore_fixture *fx, const struct obj_key *key, unsigned flags, const char *text)
{
	return obj_put_bytes(fx->store, key, flags, text, strlen(text), story_deadline(), &fx->got);
}

void once_is_once(void **state)
{
	struct objstore_fixture *fx = *state;
	const char *tenant = story_tenant(fx);
	const struct obj_key small = story_key(tenant, "a/once"), large = story_key(tenant, "a/large");
	struct story_source in = { .size = OBJ_PART + 100, .stop_at = -1 };

	is(fx, OBJ_OK, put_text(fx, &small, OBJ_ONCE, "the first"));
	is(fx, OBJ_EXISTS, put_text(fx, &small, OBJ_ONCE, "the second"));
	holds(fx, &small, "the first");
	is(fx, OBJ_OK, obj_put(fx->store, &large, OBJ_ONCE, story_read, &in, story_deadline(), &fx->got));
	is(fx, OBJ_EXISTS, put_text(fx, &large, OBJ_ONCE, "small"));
	is(fx, OBJ_OK, obj_stat(fx->store, &large, story_deadline(), &fx->got));
	assert_int_equal(OBJ_PART + 100, fx->got.size);
}

void a_later_one_takes_the_place(void **state)
{
	struct objstore_fixture *fx = *state;
	const struct obj_key key = story_key(story_tenant(fx), "a/b/c");

	is(fx, OBJ_OK, put_text(fx, &key, 0, "before"));
	is(fx, OBJ_OK, put_text(fx, &key, 0, "after"));
	holds(fx, &key, "after");
}

/*
 * Each would be another place for some file system, some server, or somebody who only looks at the
 * beginning.
 */
static const char *const leaving[] = {
	"../x",
	"a/../../x",
	"a/..",
	"..",
	".",
	"./a",
	"a/./b",
	"a//b",
	"/a",
	"//a",
	"a/",
	"/",
	"a\\b",
	"..\\x",
	"%2e%2e/x",
	"%2e%2e%2fx",
	"a%2f..%2fx",
	"..%2fx",
	"..%5cx",
	"%252e%252e/x",
	"%c0%ae%c0%ae/x",
	"..;/x",
	"a/.aside/x",
	".aside/x",
	".hidden",
	"a b",
	"a\tb",
	"a\nb",
	"a\r\nX-Header: 1",
	"a?versionId=1",
	"a?acl",
	"a#b",
	"a&b",
	"a=b",
	"a+b",
	"a*b",
	"a:b",
	"C:/x",
	"~/x",
	"$HOME",
	"`id`",
	"a|b",
	"a;b",
	"\xc3\xa9",
	"\xe2\x80\xae",
	"\xff",
	"\xef\xbc\x8e\xef\xbc\x8e/x",
	"a/\xe2\x88\x95/b",
	"a@b",
	"a,b",
	"(a)",
	"\"a\"",
	"'a'",
	"<a>",
	"{a}",
	"[a]",
	"a^b",
	"a!b",
};

static const char *const no_tenants[] = { "", ".", "..", "a/b", "../b", "/", "a%2fb", "a b", ".a",
	"\xc3\xa9" };

static bool count_one(void *arg, const struct obj_key *key, int64_t size)
{
	int *n = arg;

	(void)key;
	(void)size;
	(*n)++;
	return true;
}

static void refuses_all(struct objstore_fixture *fx, const struct obj_key *key)
{
	struct story_sink out = { .stop_at = -1 };
	int n = 0;

	is(fx, OBJ_BAD_KEY, put_text(fx, key, 0, "x"));
	is(fx, OBJ_BAD_KEY, put_text(fx, key, OBJ_ONCE, "x"));
	is(fx, OBJ_BAD_KEY, obj_get(fx->store, key, NULL, 10, story_write, &out, story_deadline(), &fx->got));
	is(fx, OBJ_BAD_KEY, obj_stat(fx->store, key, story_deadline(), &fx->got));
	is(fx, OBJ_BAD_KEY, obj_delete(fx->store, key, story_deadline(), &fx->got));
	is(fx, OBJ_BAD_KEY, obj_list(fx->store, key, count_one, &n, story_deadline(), &fx->got));
	assert_null(obj_presign(fx->store, fx->arena, key, 60));
}

/* The function that makes keys says no; and so does the store to one that somebody made without it. */
void keys_that_leave_their_prefix_are_refused(void **state)
{
	struct objstore_fixture *fx = *state;
	const char *tenant = story_tenant(fx);
	struct obj_key key, made;
	char longest[OBJ_KEY_MAX + 10];

	for (size_t i = 0; i < sizeof(leaving) / sizeof(leaving[0]); i++) {
		assert_false(obj_key_make(&made, tenant, leaving[i]));
		assert_string_equal("", made.text);
		snprintf(key.text, sizeof(key.text), "tenants/%s/%s", tenant, leaving[i]);
		refuses_all(fx, &key);
		snprintf(key.text, sizeof(key.text), "%s", leaving[i]);
		refuses_all(fx, &key);
	}
	for (size_t i = 0; i < sizeof(no_tenants) / sizeof(no_tenants[0]); i++) {
		assert_false(obj_key_make(&made, no_tenants[i], "a"));
		assert_false(obj_prefix_make(&made, no_tenants[i]));
	}
	assert_false(obj_key_make(&made, NULL, "a"));
	assert_false(obj_key_make(&made, tenant, NULL));
	assert_false(obj_key_make(&made, tenant, ""));
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_false(obj_key_make(&made, tenant, longest));
	assert_false(obj_key_make(&made, longest, "a"));
	snprintf(key.text, sizeof(key.text), "tenants/");
	refuses_all(fx, &key);
	snprintf(key.text, sizeof(key.text), "objects/%s/x", tenant);
	refuses_all(fx, &key);
}

struct seen {
	const char *tenant;
	int64_t bytes;
	int n, foreign;
};

static bool see(void *arg, const struct obj_key *key, int64_t size)
{
	struct seen *s = arg;

	s->n++;
	s->bytes += size;
	s->foreign += obj_key_path(key, s->tenant) == NULL;
	return true;
}

static bool see_one(void *arg, const struct obj_key *key, int64_t size)
{
	return see(arg, key, size) && false;
}

/* Also of a tenant whose name begins with another's. */
void a_list_is_of_one_tenant(void **state)
{
	struct objstore_fixture *fx = *state;
	const char *tenant = story_tenant(fx), *longer = arena_printf(fx->arena, "%s0", tenant);
	struct seen seen = { .tenant = tenant }, other = { .tenant = longer }, one = { .tenant = tenant };
	struct obj_key prefix, beside = story_key(longer, "a/1");

	for (int i = 0; i < LISTED; i++) {
		const struct obj_key key = story_key(tenant, arena_printf(fx->arena, "a/%d/%d", i % 3, i));

		is(fx, OBJ_OK, put_text(fx, &key, 0, "12345"));
	}
	is(fx, OBJ_OK, put_text(fx, &beside, 0, "1234567"));
	assert_true(obj_prefix_make(&prefix, tenant));
	is(fx, OBJ_OK, obj_list(fx->store, &prefix, see, &seen, story_deadline(), &fx->got));
	assert_int_equal(LISTED, seen.n);
	assert_int_equal(5 * LISTED, seen.bytes);
	assert_int_equal(0, seen.foreign);
	is(fx, OBJ_STOPPED, obj_list(fx->store, &prefix, see_one, &one, story_deadline(), &fx->got));
	assert_int_equal(1, one.n);
	assert_true(obj_prefix_make(&prefix, longer));
	is(fx, OBJ_OK, obj_list(fx->store, &prefix, see, &other, story_deadline(), &fx->got));
	assert_int_equal(1, other.n);
	assert_true(obj_prefix_make(&prefix, story_tenant(fx)));
	other.n = 0;
	is(fx, OBJ_OK, obj_list(fx->store, &prefix, see, &other, story_deadline(), &fx->got));
	assert_int_equal(0, other.n);
}

void what_was_changed_is_told(void **state)
{
	struct objstore_fixture *fx = *state;
	const struct obj_key key = story_key(story_tenant(fx), "a/b");
	unsigned char sum[OBJ_SHA_LEN];
	char *bytes;

	is(fx, OBJ_OK, put_text(fx, &key, 0, "what it is"));
	sha256_of("what it was", 11, sum);
	is(fx, OBJ_DIFFERENT,
		obj_get_bytes(fx->store, fx->arena, &key, sum, 100, story_deadline(), &bytes, &fx->got));
	assert_null(bytes);
}

void what_is_too_large_is_not_read(void **state)
{
	struct objstore_fixture *fx = *state;
	const struct obj_key key = story_key(story_tenant(fx), "a/b");
	struct story_source in = { .size = 300000, .stop_at = -1 };
	struct story_sink out = { .stop_at = -1 }, stopping = { .stop_at = 100000 };

	is(fx, OBJ_OK, obj_put(fx->store, &key, 0, story_read, &in, story_deadline(), &fx->got));
	is(fx, OBJ_TOO_LARGE,
		obj_get(fx->store, &key, NULL, 299999, story_write, &out, story_deadline(), &fx->got));
	assert_true(out.at <= 299999);
	is(fx, OBJ_STOPPED,
		obj_get(fx->store, &key, NULL, 300000, story_write, &stopping, story_deadline(), &fx->got));
}

void whoever_stops_leaves_nothing(void **state)
{
	struct objstore_fixture *fx = *state;
	const struct obj_key key = story_key(story_tenant(fx), "a/b");
	struct story_source soon = { .size = 100000, .stop_at = 1000 };
	struct story_source late = { .size = 3 * OBJ_PART, .stop_at = 2 * OBJ_PART };

	is(fx, OBJ_STOPPED, obj_put(fx->store, &key, 0, story_read, &soon, story_deadline(), &fx->got));
	is(fx, OBJ_MISSING, obj_stat(fx->store, &key, story_deadline(), &fx->got));
	is(fx, OBJ_STOPPED, obj_put(fx->store, &key, 0, story_read, &late, story_deadline(), &fx->got));
	is(fx, OBJ_MISSING, obj_stat(fx->store, &key, story_deadline(), &fx->got));
}
