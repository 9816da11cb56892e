/* SPDX-License-Identifier: Apache-2.0 */
/* Uploads in parts that nobody came back to: their parts take room, and no list of objects shows them. */
#include "s3_pages.h"

#include <string.h>

#include "cc/base/clock.h"

struct sweeping {
	struct s3 *s;
	const char *prefix;
	int64_t older_s;
	bool remove;
	int64_t deadline_ms;
	int64_t *ret_n;
	struct obj_got *got;
};

static enum obj_result abandon(const struct sweeping *w, struct arena *a, const struct s3_entry *u)
{
	const struct sig_pair query = { "uploadId", u->id };
	const struct s3_ask ask = { .method = "DELETE",
		.key = u->key.text,
		.query = &query,
		.nquery = 1,
		.deadline_ms = w->deadline_ms };
	struct s3_answer answer;
	const enum obj_result r = s3_ask(w->s, a, &ask, &answer, w->got);

	return r == OBJ_MISSING ? OBJ_OK : r;
}

/* What is not ours by its key, or may still be written, is left alone. */
static bool is_due(const struct s3_entry *u, const char *prefix, int64_t older_s)
{
	return strncmp(u->key.text, prefix, strlen(prefix)) == 0 && obj_text_is_safe(u->key.text, false) &&
	       u->id[0] != '\0' &&
	       (older_s == 0 ||
		       (u->begun != TIME_NULL && u->begun < clock_wall_us() - older_s * TIME_SECOND));
}

static enum obj_result sweep_upload(void *arg, struct arena *a, const struct s3_entry *u)
{
	struct sweeping *w = arg;

	if (!is_due(u, w->prefix, w->older_s))
		return OBJ_OK;
	*w->ret_n += 1;
	return w->remove ? abandon(w, a, u) : OBJ_OK;
}

/* A server that cannot tell has nothing that it would be asked to take back. */
enum obj_result s3_sweep(struct objstore *store, const char *prefix, int64_t older_s, bool remove,
	int64_t deadline_ms, int64_t *ret_n, struct obj_got *got)
{
	struct s3 *s = (struct s3 *)store;
	struct sweeping sweeping = { .s = s,
		.prefix = prefix,
		.older_s = older_s,
		.remove = remove,
		.deadline_ms = deadline_ms,
		.ret_n = ret_n,
		.got = got };
	struct s3_walk w = { .pages = &s3_uploads,
		.prefix = prefix,
		.each = sweep_upload,
		.arg = &sweeping,
		.deadline_ms = deadline_ms };

	return s3_walk(s, &w, got);
}
