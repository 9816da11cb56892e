/* SPDX-License-Identifier: Apache-2.0 */
/* What a bucket keeps of objects that were removed, and what lies there under names that are none of ours. */
#include "s3_pages.h"

#include <string.h>

#define PAGES 4 /* at a time: whoever asks comes back for more */

struct clearing {
	struct s3 *s;
	const char *prefix;
	int64_t deadline_ms;
	struct obj_rest *rest;
	struct obj_got *got;
};

static enum obj_result remove_version(const struct clearing *c, struct arena *a, const struct s3_entry *v)
{
	const struct sig_pair query = { "versionId", v->id };
	const struct s3_ask ask = { .method = "DELETE",
		.key = v->key.text,
		.query = &query,
		.nquery = v->id[0] != '\0' ? 1 : 0,
		.deadline_ms = c->deadline_ms };
	struct s3_answer answer;
	const enum obj_result r = s3_ask(c->s, a, &ask, &answer, c->got);

	return r == OBJ_MISSING ? OBJ_OK : r;
}

static enum obj_result clear_version(void *arg, struct arena *a, const struct s3_entry *v)
{
	struct clearing *c = arg;
	enum obj_result r;

	if (!obj_text_is_safe(v->key.text, false)) {
		c->rest->strange++;
		return OBJ_OK;
	}
	if (strncmp(v->key.text, c->prefix, strlen(c->prefix)) != 0)
		return obj_fail(c->got, OBJ_BROKEN, "the list of versions is of something else");
	r = remove_version(c, a, v);
	c->rest->removed += r == OBJ_OK;
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
	struct clearing c = {
		.s = s, .prefix = prefix, .deadline_ms = deadline_ms, .rest = rest, .got = got
	};
	struct s3_walk w = { .pages = &s3_versions,
		.prefix = prefix,
		.most = PAGES,
		.each = clear_version,
		.arg = &c,
		.deadline_ms = deadline_ms };
	const enum obj_result r = s3_walk(s, &w, got);

	/* Where all that was seen stays, the next time would see the same. */
	rest->more = r == OBJ_OK && w.more && (rest->removed > 0 || rest->strange == 0);
	/* Then there are only objects; those with names of ours were removed by them. */
	return w.unsupported ? s3_list_counting(s, prefix, pass_over, NULL, deadline_ms, &rest->strange, got)
			     : r;
}
