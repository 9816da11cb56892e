/* SPDX-License-Identifier: Apache-2.0 */
/* What is larger than a part goes to S3 in parts, one in memory at a time. */
#include "s3_in.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "s3_xml.h"
#include "cc/base/clock.h"
#include "cc/base/str.h"
#include "cc/crypto/digest.h"

#define PARTS_MAX 10000
#define GIVE_UP_MS 5000 /* to take back what was begun, also behind the deadline */
#define ID_MAX 1024
#define ETAG_MAX 128

struct upload {
	struct s3 *s;
	const char *key;
	struct arena *scratch; /* of one request */
	struct arena *own;     /* of all of it */
	struct sha256 *sum;    /* of all that was sent */
	unsigned char sha256[OBJ_SHA_LEN];
	struct str parts;      /* the body of the request that makes one object of them */
	char id[ID_MAX + 1];
	int64_t deadline_ms, size;
	struct obj_got *got;
};

static bool take_id(void *arg, const char *parent, const char *name, const char *text)
{
	struct upload *u = arg;

	(void)parent;
	if (str_eq(name, "UploadId") && strlen(text) <= ID_MAX)
		(void)snprintf(u->id, sizeof(u->id), "%s", text);
	return true;
}

static enum obj_result begin(struct upload *u)
{
	const struct sig_pair query = { "uploads", "" };
	const struct s3_ask ask = { .method = "POST",
		.key = u->key,
		.query = &query,
		.nquery = 1,
		.type = "application/octet-stream",
		.deadline_ms = u->deadline_ms };
	struct s3_answer answer;
	const enum obj_result r = s3_ask(u->s, u->scratch, &ask, &answer, u->got);

	if (r != OBJ_OK)
		return r;
	if (!s3_xml_read(answer.http.body, answer.http.len, take_id, u) || u->id[0] == '\0')
		return obj_fail(u->got, OBJ_BROKEN, "an upload has no id");
	return OBJ_OK;
}

/* As XML wants it; servers put nothing else into it that means something there. */
static bool is_etag(const char *s)
{
	return s != NULL && s[0] != '\0' && strlen(s) <= ETAG_MAX && strpbrk(s, "<>&") == NULL;
}

static enum obj_result send_part(struct upload *u, int number, const unsigned char *p, size_t n)
{
	const struct sig_pair query[] = { { "partNumber", arena_printf(u->scratch, "%d", number) },
		{ "uploadId", u->id } };
	const struct s3_ask ask = { .method = "PUT",
		.key = u->key,
		.query = query,
		.nquery = 2,
		.body = { p, n },
		.deadline_ms = u->deadline_ms };
	struct s3_answer answer;
	const enum obj_result r = s3_ask(u->s, u->scratch, &ask, &answer, u->got);
	const char *etag;

	if (r != OBJ_OK)
		return r;
	etag = http_got_header(&answer.http, "ETag");
	if (!is_etag(etag))
		return obj_fail(u->got, OBJ_BROKEN, "a part has no ETag");
	sha256_add(u->sum, p, n);
	str_addf(&u->parts, "<Part><PartNumber>%d</PartNumber><ETag>%s</ETag></Part>", number, etag);
	u->size += (int64_t)n;
	return OBJ_OK;
}

/* buf: OBJ_PART + 1 bytes that were read; the one beyond a part says whether there is another. */
static enum obj_result send_parts(struct upload *u, unsigned char *buf, obj_read_fn read, void *arg)
{
	int64_t n = OBJ_PART + 1;

	for (int number = 1; n > 0; number++) {
		const bool more = n > OBJ_PART;
		enum obj_result r;

		if (number > PARTS_MAX)
			return obj_fail(u->got, OBJ_TOO_LARGE, "%s", obj_result_text(OBJ_TOO_LARGE));
		r = send_part(u, number, buf, more ? OBJ_PART : (size_t)n);
		if (r != OBJ_OK)
			return r;
		arena_reset(u->scratch);
		if (!more)
			break;
		buf[0] = buf[OBJ_PART];
		n = s3_fill(read, arg, buf + 1, OBJ_PART);
		if (n < 0)
			return obj_fail(u->got, OBJ_STOPPED, "%s", obj_result_text(OBJ_STOPPED));
		n++;
	}
	return OBJ_OK;
}

static bool is_no_error(void *arg, const char *parent, const char *name, const char *text)
{
	bool *error = arg;

	(void)text;
	*error = *error || (str_eq(name, "Error") && parent[0] == '\0');
	return true;
}

static enum obj_result ask_for_whole(struct upload *u, bool once, struct s3_answer *answer)
{
	const struct sig_pair query = { "uploadId", u->id };
	const struct s3_ask ask = { .method = "POST",
		.key = u->key,
		.query = &query,
		.nquery = 1,
		.once = once,
		.body = { (const unsigned char *)u->parts.data, u->parts.len },
		.type = "application/xml",
		.deadline_ms = u->deadline_ms };
	bool error = false;
	const enum obj_result r = s3_ask(u->s, u->scratch, &ask, answer, u->got);

	/* It may begin with 200 before it is known how it ends. */
	if (r == OBJ_OK && (!s3_xml_read(answer->http.body, answer->http.len, is_no_error, &error) || error))
		return obj_fail(u->got, OBJ_BROKEN, "the parts do not become an object");
	return r;
}

static bool add_to_sum(void *arg, const void *p, size_t n)
{
	sha256_add(arg, p, n);
	return true;
}

/* An earlier attempt may have made it, and its answer was lost: then what is there is what was sent. */
static enum obj_result is_ours(struct upload *u, enum obj_result otherwise)
{
	struct sha256 *sum = sha256_begin();
	unsigned char there[OBJ_SHA_LEN];
	enum obj_result r = u->s->store.kind->get(
		&u->s->store, u->key, u->size, add_to_sum, sum, u->deadline_ms, u->got);

	sha256_end(sum, there);
	if (r == OBJ_OK && memcmp(there, u->sha256, sizeof(there)) == 0)
		return OBJ_OK;
	if (r == OBJ_OK || r == OBJ_TOO_LARGE || r == OBJ_MISSING)
		return obj_fail(u->got, otherwise, "%s is not what was sent", u->key);
	return r;
}

static enum obj_result finish(struct upload *u, unsigned flags)
{
	const bool once = (flags & OBJ_ONCE) != 0 && !atomic_load(&u->s->unconditional);
	struct s3_answer answer;
	enum obj_result r;

	str_add(&u->parts, "</CompleteMultipartUpload>");
	r = ask_for_whole(u, once, &answer);
	if (r != OBJ_OK && once && answer.unsupported) {
		atomic_store(&u->s->unconditional, true);
		r = ask_for_whole(u, false, &answer);
	}
	if (r == OBJ_EXISTS)
		return is_ours(u, OBJ_EXISTS);
	return r == OBJ_MISSING ? is_ours(u, OBJ_BROKEN) : r;
}

static void take_back(struct upload *u)
{
	const struct sig_pair query = { "uploadId", u->id };
	const struct s3_ask ask = { .method = "DELETE",
		.key = u->key,
		.query = &query,
		.nquery = 1,
		.deadline_ms = clock_mono_ms() + GIVE_UP_MS };
	struct s3_answer answer;
	struct obj_got nobody_asks;

	(void)s3_ask(u->s, u->scratch, &ask, &answer, &nobody_asks);
}

enum obj_result s3_upload(struct s3 *s, const char *key, unsigned flags, unsigned char *first,
	obj_read_fn read, void *arg, int64_t deadline_ms, struct obj_got *got)
{
	struct upload u = { .s = s,
		.key = key,
		.deadline_ms = deadline_ms,
		.got = got,
		.scratch = arena_create(8192),
		.own = arena_create(4096),
		.sum = sha256_begin() };
	enum obj_result r;

	str_init(&u.parts, u.own, 4096);
	str_add(&u.parts, "<CompleteMultipartUpload>");
	r = begin(&u);
	if (r == OBJ_OK)
		r = send_parts(&u, first, read, arg);
	sha256_end(u.sum, u.sha256);
	if (r == OBJ_OK)
		r = finish(&u, flags);
	if (r != OBJ_OK && u.id[0] != '\0')
		take_back(&u);
	arena_destroy(u.scratch);
	arena_destroy(u.own);
	return r;
}
