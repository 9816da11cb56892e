/* SPDX-License-Identifier: Apache-2.0 */
/* Uploads in parts that nobody came back to: their parts take room, and no list of objects shows them. */
#include "s3_in.h"

#include <stdio.h>
#include <string.h>

#include "s3_xml.h"
#include "cc/base/clock.h"
#include "cc/base/str.h"

#define PAGE 100
#define ID_MAX 1024

struct unfinished {
	struct obj_key key;
	char id[ID_MAX + 1];
	int64_t begun; /* wall clock; TIME_NULL: the server did not say */
};

struct page {
	struct arena *arena;
	struct unfinished now; /* being read */
	struct unfinished *v;
	size_t n;
	const char *key_marker, *id_marker; /* of the page behind */
	bool truncated;
};

static bool take(void *arg, const char *parent, const char *name, const char *text)
{
	struct page *p = arg;

	if (str_eq(name, "IsTruncated"))
		p->truncated = str_eq(text, "true");
	else if (str_eq(name, "NextKeyMarker"))
		p->key_marker = arena_strdup(p->arena, text);
	else if (str_eq(name, "NextUploadIdMarker"))
		p->id_marker = arena_strdup(p->arena, text);
	else if (str_eq(parent, "Upload") && str_eq(name, "Key"))
		(void)snprintf(p->now.key.text, sizeof(p->now.key.text), "%s",
			strlen(text) > OBJ_KEY_MAX ? "" : text);
	else if (str_eq(parent, "Upload") && str_eq(name, "UploadId"))
		(void)snprintf(p->now.id, sizeof(p->now.id), "%s", strlen(text) > ID_MAX ? "" : text);
	else if (str_eq(parent, "Upload") && str_eq(name, "Initiated") &&
		 !time_parse(text, false, &p->now.begun))
		p->now.begun = TIME_NULL;
	else if (str_eq(name, "Upload") && p->n < PAGE)
		p->v[p->n++] = p->now;
	return true;
}

static enum obj_result list(struct s3 *s, const char *prefix, const struct page *last, struct page *ret,
	int64_t deadline_ms, struct obj_got *got)
{
	const struct sig_pair query[] = { { "uploads", "" }, { "prefix", prefix }, { "max-uploads", "100" },
		{ "key-marker", last->key_marker }, { "upload-id-marker", last->id_marker } };
	const struct s3_ask ask = { .method = "GET",
		.query = query,
		.nquery = last->key_marker == NULL  ? 3
			  : last->id_marker == NULL ? 4
						    : 5,
		.deadline_ms = deadline_ms };
	struct s3_answer answer;
	enum obj_result r = s3_ask(s, ret->arena, &ask, &answer, got);

	/* A server that cannot tell has nothing that it would be asked to take back. */
	if (r != OBJ_OK && answer.unsupported)
		return OBJ_OK;
	if (r == OBJ_MISSING)
		r = OBJ_DENIED; /* a bucket, not an object */
	if (r == OBJ_OK && !s3_xml_read(answer.http.body, answer.http.len, take, ret))
		return obj_fail(got, OBJ_BROKEN, "the list of uploads is none");
	if (r == OBJ_OK && ret->truncated && ret->key_marker == NULL)
		return obj_fail(got, OBJ_BROKEN, "the list of uploads ends in the middle");
	return r;
}

static enum obj_result abandon(struct s3 *s, struct arena *a, const struct unfinished *u,
	int64_t deadline_ms, struct obj_got *got)
{
	const struct sig_pair query = { "uploadId", u->id };
	const struct s3_ask ask = { .method = "DELETE",
		.key = u->key.text,
		.query = &query,
		.nquery = 1,
		.deadline_ms = deadline_ms };
	struct s3_answer answer;
	const enum obj_result r = s3_ask(s, a, &ask, &answer, got);

	return r == OBJ_MISSING ? OBJ_OK : r;
}

/* What is not ours by its key, or may still be written, is left alone. */
static bool is_due(const struct unfinished *u, const char *prefix, int64_t older_s)
{
	return strncmp(u->key.text, prefix, strlen(prefix)) == 0 && obj_text_is_safe(u->key.text, false) &&
	       u->id[0] != '\0' &&
	       (older_s == 0 ||
		       (u->begun != TIME_NULL && u->begun < clock_wall_us() - older_s * TIME_SECOND));
}

enum obj_result s3_sweep(struct objstore *store, const char *prefix, int64_t older_s, bool remove,
	int64_t deadline_ms, int64_t *ret_n, struct obj_got *got)
{
	struct s3 *s = (struct s3 *)store;
	struct page last = { .arena = NULL };
	enum obj_result r;

	do {
		struct page p = { .arena = arena_create(16384) };

		p.v = ARENA_ARRAY(p.arena, struct unfinished, PAGE);
		r = list(s, prefix, &last, &p, deadline_ms, got);
		for (size_t i = 0; r == OBJ_OK && i < p.n; i++) {
			if (!is_due(&p.v[i], prefix, older_s))
				continue;
			*ret_n += 1;
			if (remove)
				r = abandon(s, p.arena, &p.v[i], deadline_ms, got);
		}
		arena_destroy(last.arena);
		last = p;
	} while (r == OBJ_OK && last.truncated);
	arena_destroy(last.arena);
	return r;
}
