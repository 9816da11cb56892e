/* SPDX-License-Identifier: Apache-2.0 */
/* What all kinds of stores share: keys are looked at, sums are made, results have words. */
#include "objstore_in.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cc/base/clock.h"
#include "cc/base/str.h"
#include "cc/crypto/digest.h"

enum obj_result obj_fail(struct obj_got *ret, enum obj_result r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(ret->error, sizeof(ret->error), fmt, ap);
	va_end(ap);
	return r;
}

const char *obj_result_text(enum obj_result r)
{
	static const char *const texts[] = {
		[OBJ_OK] = "done",
		[OBJ_MISSING] = "there is no such object",
		[OBJ_EXISTS] = "there is one already",
		[OBJ_BAD_KEY] = "the key is none",
		[OBJ_DIFFERENT] = "it is not what was stored",
		[OBJ_TOO_LARGE] = "it is too large",
		[OBJ_STOPPED] = "the caller stopped it",
		[OBJ_DENIED] = "the store refuses it",
		[OBJ_FULL] = "no space is left",
		[OBJ_LATE] = "the deadline passed",
		[OBJ_BROKEN] = "the store does not work",
	};

	return texts[r];
}

static enum obj_result begin(const struct obj_key *key, bool prefix, int64_t deadline_ms, struct obj_got *ret)
{
	*ret = (struct obj_got){ 0 };
	if (!obj_text_is_safe(key->text, prefix))
		return obj_fail(ret, OBJ_BAD_KEY, "%s", obj_result_text(OBJ_BAD_KEY));
	if (clock_mono_ms() >= deadline_ms)
		return obj_fail(ret, OBJ_LATE, "%s", obj_result_text(OBJ_LATE));
	return OBJ_OK;
}

/* Sums up what passes, on its way from the caller or to it. */
struct summed {
	struct sha256 *sum;
	obj_read_fn read;
	obj_write_fn write;
	void *arg;
	int64_t size;
};

static int64_t read_summed(void *arg, void *buf, size_t max)
{
	struct summed *s = arg;
	const int64_t n = s->read(s->arg, buf, max);

	if (n > 0) {
		sha256_add(s->sum, buf, (size_t)n);
		s->size += n;
	}
	return n;
}

static bool write_summed(void *arg, const void *p, size_t n)
{
	struct summed *s = arg;

	sha256_add(s->sum, p, n);
	s->size += (int64_t)n;
	return s->write(s->arg, p, n);
}

enum obj_result obj_put(struct objstore *s, const struct obj_key *key, unsigned flags, obj_read_fn read,
	void *arg, int64_t deadline_ms, struct obj_got *ret)
{
	struct summed in = { .read = read, .arg = arg };
	enum obj_result r = begin(key, false, deadline_ms, ret);

	if (r != OBJ_OK)
		return r;
	in.sum = sha256_begin();
	r = s->kind->put(s, key->text, flags, read_summed, &in, deadline_ms, ret);
	sha256_end(in.sum, ret->sha256);
	ret->size = in.size;
	return r;
}

enum obj_result obj_get(struct objstore *s, const struct obj_key *key, const unsigned char *sha256,
	int64_t size_max, obj_write_fn write, void *arg, int64_t deadline_ms, struct obj_got *ret)
{
	struct summed out = { .write = write, .arg = arg };
	enum obj_result r = begin(key, false, deadline_ms, ret);

	if (r != OBJ_OK)
		return r;
	out.sum = sha256_begin();
	r = s->kind->get(s, key->text, size_max, write_summed, &out, deadline_ms, ret);
	sha256_end(out.sum, ret->sha256);
	ret->size = out.size;
	if (r == OBJ_OK && sha256 != NULL && memcmp(sha256, ret->sha256, OBJ_SHA_LEN) != 0)
		return obj_fail(ret, OBJ_DIFFERENT, "the SHA-256 of %s is another", key->text);
	return r;
}

enum obj_result obj_stat(
	struct objstore *s, const struct obj_key *key, int64_t deadline_ms, struct obj_got *ret)
{
	const enum obj_result r = begin(key, false, deadline_ms, ret);

	return r == OBJ_OK ? s->kind->stat(s, key->text, deadline_ms, ret) : r;
}

enum obj_result obj_delete(
	struct objstore *s, const struct obj_key *key, int64_t deadline_ms, struct obj_got *ret)
{
	const enum obj_result r = begin(key, false, deadline_ms, ret);

	return r == OBJ_OK ? s->kind->remove(s, key->text, deadline_ms, ret) : r;
}

/* A gateway that drops the prefix on its way would show what is somebody else's. */
struct within {
	const char *prefix;
	obj_each_fn each;
	void *arg;
	bool foreign;
};

static bool only_within(void *arg, const struct obj_key *key, int64_t size)
{
	struct within *w = arg;

	w->foreign = !str_starts(key->text, w->prefix);
	return !w->foreign && w->each(w->arg, key, size);
}

static enum obj_result list_within(struct objstore *s, const char *prefix, obj_each_fn each, void *arg,
	int64_t deadline_ms, struct obj_got *ret)
{
	struct within w = { .prefix = prefix, .each = each, .arg = arg };
	const enum obj_result r = s->kind->list(s, prefix, only_within, &w, deadline_ms, ret);

	return w.foreign ? obj_fail(ret, OBJ_BROKEN, "the list of %s is of something else", prefix) : r;
}

enum obj_result obj_list(struct objstore *s, const struct obj_key *prefix, obj_each_fn each, void *arg,
	int64_t deadline_ms, struct obj_got *ret)
{
	const enum obj_result r = begin(prefix, true, deadline_ms, ret);

	return r == OBJ_OK ? list_within(s, prefix->text, each, arg, deadline_ms, ret) : r;
}

enum obj_result obj_walk(
	struct objstore *s, obj_each_fn each, void *arg, int64_t deadline_ms, struct obj_got *ret)
{
	*ret = (struct obj_got){ 0 };
	return list_within(s, OBJ_ROOT, each, arg, deadline_ms, ret);
}

enum obj_result obj_sweep(struct objstore *s, const struct obj_key *prefix, int64_t older_s, bool remove,
	int64_t deadline_ms, int64_t *ret_n, struct obj_got *ret)
{
	const enum obj_result r = begin(prefix, true, deadline_ms, ret);

	*ret_n = 0;
	if (r != OBJ_OK || s->kind->sweep == NULL)
		return r;
	return s->kind->sweep(s, prefix->text, older_s, remove, deadline_ms, ret_n, ret);
}

enum obj_result obj_clear(struct objstore *s, const struct obj_key *prefix, int64_t deadline_ms,
	struct obj_rest *ret_rest, struct obj_got *ret)
{
	const enum obj_result r = begin(prefix, true, deadline_ms, ret);

	*ret_rest = (struct obj_rest){ 0 };
	return r == OBJ_OK ? s->kind->clear(s, prefix->text, deadline_ms, ret_rest, ret) : r;
}

char *obj_presign(struct objstore *s, struct arena *a, const struct obj_key *key, int64_t ttl_s)
{
	if (s->kind->presign == NULL || !obj_text_is_safe(key->text, false))
		return NULL;
	return s->kind->presign(s, a, key->text, ttl_s);
}

void objstore_destroy(struct objstore *s)
{
	if (s != NULL)
		s->kind->destroy(s);
}

/* In memory ---------------------------------------------------------------------------------------- */

struct span {
	const char *p;
	size_t left;
};

static int64_t read_span(void *arg, void *buf, size_t max)
{
	struct span *s = arg;
	const size_t n = s->left < max ? s->left : max;

	if (n > 0)
		memcpy(buf, s->p, n);
	s->p += n;
	s->left -= n;
	return (int64_t)n;
}

enum obj_result obj_put_bytes(struct objstore *s, const struct obj_key *key, unsigned flags, const void *p,
	size_t n, int64_t deadline_ms, struct obj_got *ret)
{
	struct span span = { .p = p != NULL ? p : "", .left = n };

	return obj_put(s, key, flags, read_span, &span, deadline_ms, ret);
}

static bool write_str(void *arg, const void *p, size_t n)
{
	str_add_n(arg, p, n);
	return true;
}

enum obj_result obj_get_bytes(struct objstore *s, struct arena *a, const struct obj_key *key,
	const unsigned char *sha256, size_t max, int64_t deadline_ms, char **ret_bytes, struct obj_got *ret)
{
	struct str out;
	enum obj_result r;

	str_init(&out, a, 4096);
	r = obj_get(s, key, sha256, (int64_t)max, write_str, &out, deadline_ms, ret);
	*ret_bytes = r == OBJ_OK ? out.data : NULL;
	return r;
}

static bool pass_over(void *arg, const void *p, size_t n)
{
	(void)arg;
	(void)p;
	(void)n;
	return true;
}

enum obj_result obj_check(struct objstore *s, const struct obj_key *key, const unsigned char *sha256,
	int64_t size_max, int64_t deadline_ms, struct obj_got *ret)
{
	return obj_get(s, key, sha256, size_max, pass_over, NULL, deadline_ms, ret);
}
