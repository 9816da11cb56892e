/* SPDX-License-Identifier: Apache-2.0 */
#include "s3_pages.h"

#include <stdio.h>
#include <string.h>

#include "s3_xml.h"
#include "cc/base/clock.h"
#include "cc/base/str.h"

#define PAGE 100
#define PAGE_TEXT "100"

const struct s3_pages s3_versions = {
	.query = "versions",
	.most = "max-keys",
	.id_marker = "version-id-marker",
	.next_id_marker = "NextVersionIdMarker",
	.id = "VersionId",
	.entry = { "Version", "DeleteMarker" },
};

const struct s3_pages s3_uploads = {
	.query = "uploads",
	.most = "max-uploads",
	.id_marker = "upload-id-marker",
	.next_id_marker = "NextUploadIdMarker",
	.id = "UploadId",
	.entry = { "Upload", NULL },
};

struct page {
	struct arena *arena;
	const struct s3_pages *of;
	struct s3_entry now; /* being read */
	struct s3_entry *v;
	size_t n;
	const char *key_marker, *id_marker; /* of the page behind */
	bool truncated;
};

static bool is_entry(const struct s3_pages *of, const char *name)
{
	return str_eq(name, of->entry[0]) || str_eq(name, of->entry[1]);
}

static void take_part(struct s3_entry *e, const struct s3_pages *of, const char *name, const char *text)
{
	if (str_eq(name, "Key"))
		(void)snprintf(
			e->key.text, sizeof(e->key.text), "%s", strlen(text) > OBJ_KEY_MAX ? "" : text);
	else if (str_eq(name, of->id))
		(void)snprintf(e->id, sizeof(e->id), "%s", strlen(text) > S3_ID_MAX ? "" : text);
	else if (str_eq(name, "Initiated") && !time_parse(text, false, &e->begun))
		e->begun = TIME_NULL;
}

static bool take(void *arg, const char *parent, const char *name, const char *text)
{
	struct page *p = arg;

	if (str_eq(name, "IsTruncated"))
		p->truncated = str_eq(text, "true");
	else if (str_eq(name, "NextKeyMarker"))
		p->key_marker = arena_strdup(p->arena, text);
	else if (str_eq(name, p->of->next_id_marker))
		p->id_marker = arena_strdup(p->arena, text);
	else if (is_entry(p->of, parent))
		take_part(&p->now, p->of, name, text);
	else if (is_entry(p->of, name)) {
		if (p->n < PAGE)
			p->v[p->n++] = p->now;
		p->now = (struct s3_entry){ .begun = TIME_NULL };
	}
	return true;
}

static enum obj_result read_page(
	struct s3 *s, struct s3_walk *w, const struct page *last, struct page *ret, struct obj_got *got)
{
	const struct sig_pair query[] = { { w->pages->query, "" }, { "prefix", w->prefix },
		{ w->pages->most, PAGE_TEXT }, { "key-marker", last->key_marker },
		{ w->pages->id_marker, last->id_marker } };
	const struct s3_ask ask = { .method = "GET",
		.query = query,
		.nquery = last->key_marker == NULL  ? 3
			  : last->id_marker == NULL ? 4
						    : 5,
		.deadline_ms = w->deadline_ms };
	struct s3_answer answer;
	enum obj_result r = s3_ask(s, ret->arena, &ask, &answer, got);

	w->unsupported = r != OBJ_OK && answer.unsupported;
	if (w->unsupported)
		return OBJ_OK;
	if (r == OBJ_MISSING)
		r = OBJ_DENIED; /* a bucket, not an object */
	if (r == OBJ_OK && !s3_xml_read(answer.http.body, answer.http.len, take, ret))
		return obj_fail(got, OBJ_BROKEN, "the list of %s is none", w->pages->query);
	if (r == OBJ_OK && ret->truncated && ret->key_marker == NULL)
		return obj_fail(got, OBJ_BROKEN, "the list of %s ends in the middle", w->pages->query);
	return r;
}

enum obj_result s3_walk(struct s3 *s, struct s3_walk *w, struct obj_got *got)
{
	struct page last = { .arena = NULL };
	enum obj_result r;
	int pages = 0;

	do {
		struct page p = { .arena = arena_create(16384), .of = w->pages };

		p.now.begun = TIME_NULL;
		p.v = ARENA_ARRAY(p.arena, struct s3_entry, PAGE);
		r = read_page(s, w, &last, &p, got);
		for (size_t i = 0; r == OBJ_OK && i < p.n; i++)
			r = w->each(w->arg, p.arena, &p.v[i]);
		arena_destroy(last.arena);
		last = p;
	} while (r == OBJ_OK && last.truncated && ++pages != w->most);
	w->more = last.truncated;
	arena_destroy(last.arena);
	return r;
}
