/* SPDX-License-Identifier: Apache-2.0 */
/* What a bucket keeps of objects that were removed, and what lies there under names that are none of ours. */
#include "s3_in.h"

#include <stdio.h>
#include <string.h>

#include "s3_xml.h"
#include "cc/base/clock.h"
#include "cc/base/str.h"

#define PAGE 100
#define PAGES 4 /* at a time: whoever asks comes back for more */
#define ID_MAX 1024

struct version {
	struct obj_key key; /* "": longer than any of ours */
	char id[ID_MAX + 1];
};

struct page {
	struct arena *arena;
	struct version now; /* being read */
	struct version *v;
	size_t n;
	const char *key_marker, *id_marker; /* of the page behind */
	bool truncated;
};

static bool take(void *arg, const char *parent, const char *name, const char *text)
{
	struct page *p = arg;
	const bool inside = str_eq(parent, "Version") || str_eq(parent, "DeleteMarker");

	if (str_eq(name, "IsTruncated"))
		p->truncated = str_eq(text, "true");
	else if (str_eq(name, "NextKeyMarker"))
		p->key_marker = arena_strdup(p->arena, text);
	else if (str_eq(name, "NextVersionIdMarker"))
		p->id_marker = arena_strdup(p->arena, text);
	else if (inside && str_eq(name, "Key"))
		(void)snprintf(p->now.key.text, sizeof(p->now.key.text), "%s",
			strlen(text) > OBJ_KEY_MAX ? "" : text);
	else if (inside && str_eq(name, "VersionId"))
		(void)snprintf(p->now.id, sizeof(p->now.id), "%s", strlen(text) > ID_MAX ? "" : text);
	else if ((str_eq(name, "Version") || str_eq(name, "DeleteMarker")) && p->n < PAGE)
		p->v[p->n++] = p->now;
	return true;
}

/* *ret_unknown: the server has no versions. */
static enum obj_result list(struct s3 *s, const char *prefix, const struct page *last, struct page *ret,
	bool *ret_unknown, int64_t deadline_ms, struct obj_got *got)
{
	const struct sig_pair query[] = { { "versions", "" }, { "prefix", prefix }, { "max-keys", "100" },
		{ "key-marker", last->key_marker },
		{ "version-id-marker", last->id_marker != NULL ? last->id_marker : "" } };
	const struct s3_ask ask = { .method = "GET",
		.query = query,
		.nquery = last->key_marker == NULL  ? 3
			  : last->id_marker == NULL ? 4
						    : 5,
		.deadline_ms = deadline_ms };
	struct s3_answer answer;
	enum obj_result r = s3_ask(s, ret->arena, &ask, &answer, got);

	*ret_unknown = r != OBJ_OK && answer.unsupported;
	if (*ret_unknown)
		return OBJ_OK;
	if (r == OBJ_MISSING)
		r = OBJ_DENIED; /* a bucket, not an object */
	if (r == OBJ_OK && !s3_xml_read(answer.http.body, answer.http.len, take, ret))
		return obj_fail(got, OBJ_BROKEN, "the list of versions is none");
	if (r == OBJ_OK && ret->truncated && ret->key_marker == NULL)
		return obj_fail(got, OBJ_BROKEN, "the list of versions ends in the middle");
	return r;
}

static enum obj_result remove_version(
	struct s3 *s, struct arena *a, const struct version *v, int64_t deadline_ms, struct obj_got *got)
{
	const struct sig_pair query = { "versionId", v->id };
	const struct s3_ask ask = { .method = "DELETE",
		.key = v->key.text,
		.query = &query,
		.nquery = v->id[0] != '\0' ? 1 : 0,
		.deadline_ms = deadline_ms };
	struct s3_answer answer;
	const enum obj_result r = s3_ask(s, a, &ask, &answer, got);

	return r == OBJ_MISSING ? OBJ_OK : r;
}

static enum obj_result clear_page(struct s3 *s, const struct page *p, const char *prefix, int64_t deadline_ms,
	struct obj_rest *rest, struct obj_got *got)
{
	enum obj_result r = OBJ_OK;

	for (size_t i = 0; r == OBJ_OK && i < p->n; i++) {
		const struct version *v = &p->v[i];

		if (!obj_text_is_safe(v->key.text, false)) {
			rest->strange++;
		} else if (strncmp(v->key.text, prefix, strlen(prefix)) != 0) {
			r = obj_fail(got, OBJ_BROKEN, "the list of versions is of something else");
		} else {
			r = remove_version(s, p->arena, v, deadline_ms, got);
			rest->removed += r == OBJ_OK;
		}
	}
	return r;
}

static bool pass_over(void *arg, const struct obj_key *key, int64_t size)
{
	(void)arg;
	(void)key;
	(void)size;
	return true;
}

enum obj_result s3_clear(struct objstore *store, const char *prefix, int64_t deadline_ms,
	struct obj_rest *rest, struct obj_got *got)
{
	struct s3 *s = (struct s3 *)store;
	struct page last = { .arena = NULL };
	bool unknown = false;
	enum obj_result r;
	int pages = 0;

	do {
		struct page p = { .arena = arena_create(16384) };

		p.v = ARENA_ARRAY(p.arena, struct version, PAGE);
		r = list(s, prefix, &last, &p, &unknown, deadline_ms, got);
		if (r == OBJ_OK)
			r = clear_page(s, &p, prefix, deadline_ms, rest, got);
		arena_destroy(last.arena);
		last = p;
	} while (r == OBJ_OK && last.truncated && ++pages < PAGES);
	/* Where all that was seen stays, the next time would see the same. */
	rest->more = r == OBJ_OK && last.truncated && (rest->removed > 0 || rest->strange == 0);
	arena_destroy(last.arena);
	/* Then there are only objects; those with names of ours were removed by them. */
	return unknown ? s3_list_counting(s, prefix, pass_over, NULL, deadline_ms, &rest->strange, got) : r;
}
