/* SPDX-License-Identifier: Apache-2.0 */
#include "config_parts.h"

#include <string.h>

/* CONTROLCORE_<SECTION>_<NAME>, in capitals, every other character an underscore. */
static const char *env_name(struct arena *a, const char *section, const char *name, const char *suffix)
{
	char *s = arena_printf(a, "CONTROLCORE_%s_%s%s", section, name, suffix);

	for (char *p = s; *p != '\0'; p++) {
		if (*p >= 'a' && *p <= 'z')
			*p = (char)(*p - 'a' + 'A');
		else if (*p == '-' || *p == '.')
			*p = '_';
	}
	return s;
}

static const char *env_find(const char *const *env, const char *name)
{
	const size_t n = strlen(name);

	for (size_t i = 0; env[i] != NULL; i++)
		if (strncmp(env[i], name, n) == 0 && env[i][n] == '=')
			return env[i] + n + 1;
	return NULL;
}

static bool collect_one(
	struct raw_set *set, const char *const *env, const char *prefix, const struct field *f, bool in_file)
{
	struct arena *a = set->arena;
	const char *name = env_name(a, prefix, f->name, in_file ? "_FILE" : "");
	const char *value = env_find(env, name);

	if (value == NULL)
		return false;
	raw_put(set, (struct raw){
			     .setting = arena_printf(a, "%s.%s", prefix, f->name),
			     .value = value,
			     .where = arena_printf(a, "environment %s", name),
			     .in_file = in_file,
			     .level = LEVEL_ENV,
		     });
	return true;
}

static bool collect_schema(
	struct raw_set *set, const char *const *env, const char *prefix, const struct schema *schema)
{
	bool any = false;

	for (size_t i = 0; i < schema->nfields; i++) {
		const struct field *f = &schema->fields[i];

		any |= collect_one(set, env, prefix, f, false);
		if (f->flags & F_SECRET)
			any |= collect_one(set, env, prefix, f, true);
	}
	return any;
}

void config_collect_env(struct raw_set *set, const char *const *env)
{
	for (size_t i = 0; i < nsections; i++)
		collect_schema(set, env, sections[i].name, sections[i].schema);
	/* CONTROLCORE_REGIONS_EU_WEST_1_CONNINFO names a region by itself, in the file or not. */
	for (size_t i = 0; i < REGIONS_MAX; i++) {
		const char *id = known_regions[i].id;
		const char *prefix = arena_printf(set->arena, "regions.%s", id);

		collect_schema(set, env, prefix, &region_conf_schema);
	}
}
