/* SPDX-License-Identifier: Apache-2.0 */
#include "config_parts.h"

#include <string.h>

#define PREFIX "CONTROLCORE_"

/* "SERVER_PORT" as the tables write it; what is not in capitals is no name of ours. */
static const char *in_small(struct arena *a, const char *name, size_t len)
{
	char *s = arena_strndup(a, name, len);

	for (char *p = s; *p != '\0'; p++) {
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
		else if (*p >= 'a' && *p <= 'z')
			*p = '?';
	}
	return s;
}

/* What follows the word and an underscore; NULL: the name does not begin with them. */
static const char *after(const char *name, const char *word)
{
	const size_t n = strlen(word);

	return strncmp(name, word, n) == 0 && name[n] == '_' ? name + n + 1 : NULL;
}

static void collect_field(struct raw_set *set, const struct schema *schema, const char *prefix,
	const char *name, struct raw raw)
{
	const struct field *f = section_field(set->arena, schema, name, &raw.in_file);

	if (f == NULL) {
		config_fault(set->faults, raw.where, prefix, "unknown setting; known here: %s",
			schema_names(set->arena, schema));
		return;
	}
	raw.setting = arena_printf(set->arena, "%s.%s", prefix, f->name);
	raw_put(set, raw);
}

/* EU_WEST_1_CONNINFO names a region by itself, in the file or not. */
static void collect_region(struct raw_set *set, const char *name, struct raw raw)
{
	struct str expected;

	for (size_t i = 0; i < REGIONS_MAX; i++) {
		const char *rest = after(name, known_regions[i].ident);
		const char *prefix = arena_printf(set->arena, "regions.%s", known_regions[i].id);

		if (rest != NULL) {
			collect_field(set, &region_conf_schema, prefix, rest, raw);
			return;
		}
	}
	str_init(&expected, set->arena, 128);
	field_describe(&expected, schema_field(&region_conf_schema, "id"));
	config_fault(set->faults, raw.where, "regions", "unknown region; expected %s, as in %s",
		expected.data, PREFIX "REGIONS_EU_WEST_1_CONNINFO");
}

static void collect_variable(struct raw_set *set, const char *name, struct raw raw)
{
	const char *rest = after(name, "regions");

	if (rest != NULL) {
		collect_region(set, rest, raw);
		return;
	}
	for (size_t i = 0; i < nsections; i++) {
		rest = after(name, sections[i].name);
		if (rest != NULL) {
			collect_field(set, sections[i].schema, sections[i].name, rest, raw);
			return;
		}
	}
	config_fault(set->faults, raw.where, "", "unknown section; known ones: %s, as in %s",
		section_names(set->arena), PREFIX "SERVER_PORT");
}

void config_collect_env(struct raw_set *set, const char *const *env)
{
	struct arena *a = set->arena;

	for (; *env != NULL; env++) {
		const size_t n = strcspn(*env, "=");

		if (strncmp(*env, PREFIX, strlen(PREFIX)) != 0 || (*env)[n] != '=')
			continue;
		collect_variable(set, in_small(a, *env + strlen(PREFIX), n - strlen(PREFIX)),
			(struct raw){ .value = *env + n + 1,
				.where = arena_printf(a, "environment %.*s", n < 200 ? (int)n : 200, *env),
				.level = LEVEL_ENV });
	}
}
