/* SPDX-License-Identifier: Apache-2.0 */
/* Objects in a bucket of an S3 server. */
#include "s3_in.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "s3_xml.h"
#include "cc/base/clock.h"
#include "cc/base/mem.h"
#include "cc/base/str.h"
#include "cc/crypto/digest.h"

#define ATTEMPT_MS 20000
#define LIST_PAGE 1000
#define SCRATCH 8192

/* Putting ------------------------------------------------------------------------------------------ */

int64_t s3_fill(obj_read_fn read, void *arg, unsigned char *buf, size_t max)
{
	size_t n = 0;

	while (n < max) {
		const int64_t got = read(arg, buf + n, max - n);

		if (got < 0)
			return got;
		if (got == 0)
			break;
		n += (size_t)got;
	}
	return (int64_t)n;
}

static bool sum_up(void *arg, const void *p, size_t n)
{
	sha256_add(arg, p, n);
	return true;
}

static enum obj_result s3_get(struct objstore *store, const char *key, int64_t size_max, obj_write_fn write,
	void *arg, int64_t deadline_ms, struct obj_got *got);

/* The answer to an earlier attempt may have been lost, and what is there be ours. */
static enum obj_result is_ours(struct s3 *s, const struct s3_ask *ask, struct obj_got *got)
{
	struct sha256 *sum = sha256_begin();
	unsigned char there[32], ours[32];
	const enum obj_result r = s3_get(&s->store, ask->key, OBJ_PART, sum_up, sum, ask->deadline_ms, got);

	sha256_end(sum, there);
	sha256_of(ask->body.p, ask->body.n, ours);
	if (r == OBJ_OK && memcmp(there, ours, sizeof(ours)) == 0)
		return OBJ_OK;
	return r == OBJ_OK || r == OBJ_TOO_LARGE ? obj_fail(got, OBJ_EXISTS, "%s is there", ask->key) : r;
}

static enum obj_result s3_stat(
	struct objstore *store, const char *key, int64_t deadline_ms, struct obj_got *got);

static enum obj_result put_whole(struct s3 *s, const char *key, unsigned flags, struct bytes body,
	int64_t deadline_ms, struct obj_got *got)
{
	struct arena *a = arena_create(SCRATCH);
	struct s3_ask ask = { .method = "PUT",
		.key = key,
		.body = body,
		.type = "application/octet-stream",
		.deadline_ms = deadline_ms,
		.once = (flags & OBJ_ONCE) != 0 && !atomic_load(&s->unconditional) };
	struct s3_answer answer;
	enum obj_result r = s3_ask(s, a, &ask, &answer, got);

	if (r != OBJ_OK && ask.once && answer.unsupported) {
		atomic_store(&s->unconditional, true);
		ask.once = false;
		r = s3_ask(s, a, &ask, &answer, got);
	}
	if (r == OBJ_EXISTS)
		r = is_ours(s, &ask, got);
	arena_destroy(a);
	return r;
}

static enum obj_result s3_put(struct objstore *store, const char *key, unsigned flags, obj_read_fn read,
	void *arg, int64_t deadline_ms, struct obj_got *got)
{
	struct s3 *s = (struct s3 *)store;
	unsigned char *first = mem_alloc(1, OBJ_PART + 1);
	const int64_t n = s3_fill(read, arg, first, OBJ_PART + 1);
	enum obj_result r = OBJ_MISSING;

	/* Some servers pass over If-None-Match without a word. */
	if (n < 0)
		r = obj_fail(got, OBJ_STOPPED, "%s", obj_result_text(OBJ_STOPPED));
	else if (flags & OBJ_ONCE)
		r = s3_stat(store, key, deadline_ms, got);
	if (r == OBJ_OK)
		r = obj_fail(got, OBJ_EXISTS, "%s is there", key);
	else if (r == OBJ_MISSING && n <= OBJ_PART)
		r = put_whole(s, key, flags, (struct bytes){ first, (size_t)n }, deadline_ms, got);
	else if (r == OBJ_MISSING)
		r = s3_upload(s, key, flags, first, read, arg, deadline_ms, got);
	free(first);
	return r;
}

/* Getting ------------------------------------------------------------------------------------------ */

struct taking {
	obj_write_fn write;
	void *arg;
	int64_t have, most; /* bytes */
	int64_t passed;     /* of those that came in this attempt, from the beginning of the object */
	int64_t from;       /* where this attempt begins */
	bool too_large;
};

/* A server that sends all of it again, though only the rest was asked for, is listened to until there. */
static bool take(void *arg, int status, const void *p, size_t n)
{
	struct taking *t = arg;
	const char *bytes = p;
	size_t skip = 0;

	if (status == 200 && t->from > 0) {
		skip = t->passed < t->have ? (size_t)(t->have - t->passed) : 0;
		skip = skip < n ? skip : n;
		t->passed += (int64_t)n;
	}
	n -= skip;
	if ((int64_t)n > t->most - t->have) {
		t->too_large = true;
		return false;
	}
	t->have += (int64_t)n;
	return n == 0 || t->write(t->arg, bytes + skip, n);
}

/* Where the connection broke it goes on; what moves on is tried again as if for the first time. */
static enum obj_result s3_get(struct objstore *store, const char *key, int64_t size_max, obj_write_fn write,
	void *arg, int64_t deadline_ms, struct obj_got *got)
{
	struct s3 *s = (struct s3 *)store;
	struct arena *a = arena_create(SCRATCH);
	struct taking t = { .write = write, .arg = arg, .most = size_max };
	struct s3_answer answer;
	enum obj_result r;
	int i = 0;

	for (;;) {
		struct s3_ask ask = {
			.method = "GET", .key = key, .take = take, .take_arg = &t, .deadline_ms = deadline_ms
		};

		t.from = t.have;
		t.passed = 0;
		if (t.from > 0)
			ask.range = arena_printf(a, "bytes=%" PRId64 "-", t.from);
		r = s3_attempt(s, a, &ask, &answer, got);
		i = t.have > t.from ? 1 : i + 1;
		if (r == OBJ_OK || !answer.again || i >= S3_ATTEMPTS || !s3_rest(i - 1, deadline_ms))
			break;
		arena_reset(a);
	}
	arena_destroy(a);
	if (r == OBJ_STOPPED && t.too_large)
		return obj_fail(got, OBJ_TOO_LARGE, "%s is larger than %" PRId64 " bytes", key, size_max);
	return r;
}

static enum obj_result s3_stat(
	struct objstore *store, const char *key, int64_t deadline_ms, struct obj_got *got)
{
	struct arena *a = arena_create(SCRATCH);
	const struct s3_ask ask = { .method = "HEAD", .key = key, .deadline_ms = deadline_ms };
	struct s3_answer answer;
	const char *length;
	enum obj_result r = s3_ask((struct s3 *)store, a, &ask, &answer, got);

	if (r == OBJ_OK) {
		length = http_got_header(&answer.http, "Content-Length");
		if (length == NULL || !parse_int64(length, &got->size))
			r = obj_fail(got, OBJ_BROKEN, "HEAD: no length");
	}
	arena_destroy(a);
	return r;
}

static enum obj_result s3_remove(
	struct objstore *store, const char *key, int64_t deadline_ms, struct obj_got *got)
{
	struct arena *a = arena_create(SCRATCH);
	const struct s3_ask ask = { .method = "DELETE", .key = key, .deadline_ms = deadline_ms };
	struct s3_answer answer;
	const enum obj_result r = s3_ask((struct s3 *)store, a, &ask, &answer, got);

	arena_destroy(a);
	return r == OBJ_MISSING ? OBJ_OK : r;
}

/* Listing ------------------------------------------------------------------------------------------ */

struct listing {
	obj_each_fn each;
	void *arg;
	struct arena *next_arena;
	struct obj_key key;
	int64_t size;
	char *next; /* the token of the page behind; NULL: there is none */
	bool truncated, stopped;
	int64_t strange;
};

static bool take_listed(void *arg, const char *parent, const char *name, const char *text)
{
	struct listing *l = arg;

	if (str_eq(name, "NextContinuationToken"))
		l->next = arena_strdup(l->next_arena, text);
	else if (str_eq(name, "IsTruncated"))
		l->truncated = str_eq(text, "true");
	else if (str_eq(parent, "Contents") && str_eq(name, "Key"))
		(void)snprintf(
			l->key.text, sizeof(l->key.text), "%s", strlen(text) > OBJ_KEY_MAX ? "" : text);
	else if (str_eq(parent, "Contents") && str_eq(name, "Size") && !parse_int64(text, &l->size))
		return false;
	else if (str_eq(name, "Contents") && !obj_text_is_safe(l->key.text, false))
		l->strange++;
	else if (str_eq(name, "Contents"))
		l->stopped = !l->each(l->arg, &l->key, l->size);
	return !l->stopped;
}

static enum obj_result list_page(
	struct s3 *s, struct listing *l, const char *prefix, int64_t deadline_ms, struct obj_got *got)
{
	struct arena *a = arena_create(SCRATCH);
	const struct sig_pair query[] = { { "list-type", "2" }, { "prefix", prefix },
		{ "max-keys", arena_printf(a, "%d", s->list_page) },
		{ "continuation-token", l->next != NULL ? l->next : "" } };
	const struct s3_ask ask = {
		.method = "GET", .query = query, .nquery = l->next != NULL ? 4 : 3, .deadline_ms = deadline_ms
	};
	struct s3_answer answer;
	enum obj_result r = s3_ask(s, a, &ask, &answer, got);

	if (r == OBJ_MISSING)
		r = OBJ_DENIED; /* a bucket, not an object */
	if (r == OBJ_OK) {
		arena_reset(l->next_arena);
		l->next = NULL;
		l->truncated = false;
		if (!s3_xml_read(answer.http.body, answer.http.len, take_listed, l))
			r = l->stopped ? obj_fail(got, OBJ_STOPPED, "%s", obj_result_text(OBJ_STOPPED))
				       : obj_fail(got, OBJ_BROKEN, "the list of objects is none");
	}
	arena_destroy(a);
	return r;
}

enum obj_result s3_list_counting(struct s3 *s, const char *prefix, obj_each_fn each, void *arg,
	int64_t deadline_ms, int64_t *ret_strange, struct obj_got *got)
{
	struct listing l = { .each = each, .arg = arg, .next_arena = arena_create(1024) };
	enum obj_result r;

	do {
		r = list_page(s, &l, prefix, deadline_ms, got);
	} while (r == OBJ_OK && l.truncated && l.next != NULL);
	/* A list that is not at its end, and does not say how to go on, is no list of what is there. */
	if (r == OBJ_OK && l.truncated)
		r = obj_fail(got, OBJ_BROKEN, "the list of objects ends in the middle");
	arena_destroy(l.next_arena);
	*ret_strange = l.strange;
	return r;
}

static enum obj_result s3_list(struct objstore *store, const char *prefix, obj_each_fn each, void *arg,
	int64_t deadline_ms, struct obj_got *got)
{
	int64_t strange;

	return s3_list_counting((struct s3 *)store, prefix, each, arg, deadline_ms, &strange, got);
}

/* URLs --------------------------------------------------------------------------------------------- */

static char *s3_presign(struct objstore *store, struct arena *a, const char *key, int64_t ttl_s)
{
	const struct s3 *s = (const struct s3 *)store;
	const struct sig_key sig_key = { s->access_key, s->secret_key, s->region, "s3" };
	const struct sig_pair host = { "host", s->host };
	const struct sig_ask ask = { .method = "GET",
		.path = arena_printf(a, "%s/%s", s->root, key),
		.headers = &host,
		.nheaders = 1,
		.payload = SIG_UNSIGNED };
	char time[SIG_TIME_LEN + 1];

	sig_time(clock_wall_us(), time);
	return arena_printf(a, "%s%s%s", s->scheme, s->host, sig_presigned(a, &sig_key, &ask, time, ttl_s));
}

/* Life --------------------------------------------------------------------------------------------- */

static void s3_destroy(struct objstore *store)
{
	struct s3 *s = (struct s3 *)store;

	free(s->scheme);
	free(s->host);
	free(s->root);
	free(s->region);
	mem_free_wiped(s->access_key);
	mem_free_wiped(s->secret_key);
	free(s);
}

static const struct objstore_kind kind = {
	.put = s3_put,
	.get = s3_get,
	.stat = s3_stat,
	.remove = s3_remove,
	.list = s3_list,
	.presign = s3_presign,
	.sweep = s3_sweep,
	.clear = s3_clear,
	.destroy = s3_destroy,
};

struct objstore *objstore_s3(struct http_client *client, const struct s3_conf *conf)
{
	struct s3 *s = mem_alloc(1, sizeof(*s));
	struct arena *a = arena_create(1024);
	const char *host = strstr(conf->endpoint, "://") + strlen("://");

	s->store.kind = &kind;
	s->http = client;
	s->scheme = mem_strdup(arena_strndup(a, conf->endpoint, (size_t)(host - conf->endpoint)));
	s->host = mem_strdup(conf->path_style ? host : arena_printf(a, "%s.%s", conf->bucket, host));
	s->root = mem_strdup(conf->path_style ? arena_printf(a, "/%s", conf->bucket) : "");
	s->region = mem_strdup(conf->region);
	s->access_key = mem_strdup(conf->access_key);
	s->secret_key = mem_strdup(conf->secret_key);
	s->attempt_ms = conf->attempt_ms > 0 ? conf->attempt_ms : ATTEMPT_MS;
	s->list_page = conf->list_page > 0 ? conf->list_page : LIST_PAGE;
	arena_destroy(a);
	return &s->store;
}
