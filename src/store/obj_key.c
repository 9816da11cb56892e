/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of objects: the one place that makes them, and the one that tells whether they stay where they
 * belong.
 */
#include <stdio.h>
#include <string.h>

#include "objstore_in.h"
#include "cc/base/str.h"

#define SEGMENT_MAX 200

/*
 * Neither dots in front ("..", hidden files) nor anything that some server or file system reads
 * differently.
 */
static bool is_segment(const char *s, size_t n)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";

	return n > 0 && n <= SEGMENT_MAX && s[0] != '.' && strspn(s, allowed) >= n;
}

/* How many segments; 0: it is no path. */
static size_t path_depth(const char *s)
{
	size_t depth = 0;

	for (;; s++) {
		const size_t n = strcspn(s, "/");

		if (!is_segment(s, n))
			return 0;
		depth++;
		s += n;
		if (*s == '\0')
			return depth;
	}
}

bool obj_text_is_safe(const char *text, bool prefix)
{
	const size_t n = strnlen(text, OBJ_KEY_MAX + 1);
	char bare[OBJ_KEY_MAX + 1];

	if (n == 0 || n > OBJ_KEY_MAX || !str_starts(text, OBJ_ROOT))
		return false;
	(void)snprintf(bare, sizeof(bare), "%s", text);
	if (prefix && bare[n - 1] != '/')
		return false;
	if (prefix)
		bare[n - 1] = '\0';
	return prefix ? path_depth(bare) == 2 : path_depth(bare) >= 3;
}

static bool make(struct obj_key *ret, const char *tenant_id, const char *path)
{
	int n = -1;

	if (tenant_id != NULL && is_segment(tenant_id, strlen(tenant_id)))
		n = snprintf(ret->text, sizeof(ret->text), OBJ_ROOT "%s/%s", tenant_id, path);
	if (n > 0 && (size_t)n < sizeof(ret->text) && obj_text_is_safe(ret->text, path[0] == '\0'))
		return true;
	ret->text[0] = '\0';
	return false;
}

bool obj_key_make(struct obj_key *ret, const char *tenant_id, const char *path)
{
	if (path != NULL && path[0] != '\0')
		return make(ret, tenant_id, path);
	ret->text[0] = '\0';
	return false;
}

bool obj_prefix_make(struct obj_key *ret, const char *tenant_id)
{
	return make(ret, tenant_id, "");
}

const char *obj_key_path(const struct obj_key *key, const char *tenant_id)
{
	const size_t root = strlen(OBJ_ROOT), n = strlen(tenant_id);

	if (!obj_text_is_safe(key->text, false) || strncmp(key->text + root, tenant_id, n) != 0 ||
		key->text[root + n] != '/')
		return NULL;
	return key->text + root + n + 1;
}
