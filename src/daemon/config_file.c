/* SPDX-License-Identifier: Apache-2.0 */
#include "config_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LEAST_ROOM 4096

/* Bytes to make room for: a file that is no longer than it says takes no more, whatever max is. */
static size_t first_room(const struct stat *st, size_t max)
{
	const bool told = S_ISREG(st->st_mode) && st->st_size > 0 && (uint64_t)st->st_size < max;

	return told ? (size_t)st->st_size + 1 : max < LEAST_ROOM ? max + 1 : LEAST_ROOM;
}

/* At most max + 1 bytes, and a NUL behind them. NULL: errno says why. */
static char *read_all(struct arena *a, int fd, size_t room, size_t max, size_t *ret_n)
{
	char *text = arena_alloc(a, room + 1);
	ssize_t got = 1;

	for (*ret_n = 0; got > 0 && *ret_n <= max; *ret_n += (size_t)got) {
		if (*ret_n == room) {
			char *more = arena_alloc(a, (room = 2 * room <= max ? 2 * room : max + 1) + 1);

			memcpy(more, text, *ret_n);
			text = more;
		}
		got = read(fd, text + *ret_n, room - *ret_n);
		if (got < 0)
			return NULL;
	}
	return text;
}

char *text_file_read(struct arena *a, const char *path, size_t max, size_t *ret_len, const char **ret_error)
{
	char *text = NULL;
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;

	*ret_error = NULL;
	if (fd < 0 || fstat(fd, &st) != 0)
		*ret_error = strerror(errno);
	else if (S_ISDIR(st.st_mode))
		*ret_error = strerror(EISDIR);
	else if ((text = read_all(a, fd, first_room(&st, max), max, ret_len)) == NULL)
		*ret_error = strerror(errno);
	else if (*ret_len > max)
		*ret_error = "it is too large";
	else if (memchr(text, '\0', *ret_len) != NULL)
		*ret_error = "it holds a NUL byte";
	if (fd >= 0)
		close(fd);
	return *ret_error == NULL ? text : NULL;
}

bool libconfig_parse(config_t *ret, const char *text, const char *path, struct config_faults *faults)
{
	config_init(ret);
	if (config_read_string(ret, text) == CONFIG_TRUE)
		return true;
	const char *file = config_error_file(ret);
	config_fault(faults,
		arena_printf(faults->arena, "%s:%d", file != NULL ? file : path, config_error_line(ret)), "",
		"%s", config_error_text(ret));
	return false;
}

const char *setting_where(struct arena *a, const config_setting_t *s, const char *path)
{
	const char *file = config_setting_source_file(s);

	return arena_printf(a, "%s:%u", file != NULL ? file : path, config_setting_source_line(s));
}

const char *setting_found(struct arena *a, const config_setting_t *s, const struct field *f)
{
	if (f != NULL && (f->flags & (F_SECRET | F_UNSHOWN)))
		return "a value that is not shown";
	switch (config_setting_type(s)) {
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		return arena_printf(a, "%lld", config_setting_get_int64(s));
	case CONFIG_TYPE_FLOAT:
		return arena_printf(a, "%g", config_setting_get_float(s));
	case CONFIG_TYPE_BOOL:
		return config_setting_get_bool(s) ? "true" : "false";
	case CONFIG_TYPE_STRING:
		if (config_tells_secret(config_setting_get_string(s)))
			return "a value that is not shown";
		return arena_printf(a, "\"%.200s\"", config_setting_get_string(s));
	case CONFIG_TYPE_GROUP:
		return "a group { … }";
	default:
		return "a list";
	}
}

/* Items joined by commas, the text form of K_STRS; NULL when an item is no text or has a comma. */
static const char *join_texts(struct arena *a, const config_setting_t *s)
{
	struct str out;

	str_init(&out, a, 64);
	for (int i = 0; i < config_setting_length(s); i++) {
		const char *item = config_setting_get_string_elem(s, i);

		if (item == NULL || strchr(item, ',') != NULL)
			return NULL;
		str_addf(&out, "%s%s", i > 0 ? "," : "", item);
	}
	return out.data;
}

static const char *text_of_kind(struct arena *a, const config_setting_t *s, enum kind kind)
{
	const int type = config_setting_type(s);

	switch (kind) {
	case K_INT:
		if (type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64)
			return arena_printf(a, "%lld", config_setting_get_int64(s));
		return NULL;
	case K_BOOL:
		if (type == CONFIG_TYPE_BOOL)
			return config_setting_get_bool(s) ? "true" : "false";
		return NULL;
	case K_STRS:
		return type == CONFIG_TYPE_ARRAY || type == CONFIG_TYPE_LIST ? join_texts(a, s) : NULL;
	case K_TEXT:
	case K_ENUM:
	case K_TIME:
	case K_NUM:
	case K_JSON:
	case K_OBJ:
	case K_BYTES:
		return type == CONFIG_TYPE_STRING ? arena_strdup(a, config_setting_get_string(s)) : NULL;
	}
	return NULL;
}

const char *setting_text(struct config_faults *faults, const config_setting_t *s, const struct field *f,
	const char *setting, const char *path)
{
	struct arena *a = faults->arena;
	const char *text = text_of_kind(a, s, f->kind);
	struct str expected;

	if (text != NULL)
		return text;
	str_init(&expected, a, 64);
	field_describe(&expected, f);
	config_fault(faults, setting_where(a, s, path), setting, "expected %s, found %s", expected.data,
		setting_found(a, s, f));
	return NULL;
}

/* --- From the file to raw values ------------------------------------------------------------------ */

static void collect_group(struct raw_set *set, const config_setting_t *group, const struct schema *schema,
	const char *prefix, const char *path)
{
	struct arena *a = set->arena;

	for (int i = 0; i < config_setting_length(group); i++) {
		const config_setting_t *s = config_setting_get_elem(group, (unsigned)i);
		const char *setting = arena_printf(a, "%s.%s", prefix, config_setting_name(s));
		struct raw raw = { .level = LEVEL_FILE, .where = setting_where(a, s, path) };
		const struct field *f = section_field(a, schema, config_setting_name(s), &raw.in_file);

		if (f == NULL) {
			config_fault(set->faults, raw.where, setting, "unknown setting; known here: %s",
				schema_names(a, schema));
			continue;
		}
		raw.setting = arena_printf(a, "%s.%s", prefix, f->name);
		raw.value = setting_text(set->faults, s, f, setting, path);
		if (raw.value != NULL)
			raw_put(set, raw);
	}
}

static void collect_region(struct raw_set *set, const config_setting_t *group, const char *path)
{
	struct arena *a = set->arena;
	const char *where = setting_where(a, group, path);
	const char *id = NULL;

	if (config_setting_type(group) != CONFIG_TYPE_GROUP) {
		config_fault(set->faults, where, "regions",
			"expected a group { id = …; conninfo = …; }, found %s",
			setting_found(a, group, NULL));
		return;
	}
	if (config_setting_lookup_string(group, "id", &id) != CONFIG_TRUE) {
		config_fault(set->faults, where, "regions.id", "is required and must be text");
		return;
	}
	if (region_info_find(id) == NULL) {
		struct str expected;

		str_init(&expected, a, 128);
		field_describe(&expected, schema_field(&region_conf_schema, "id"));
		config_fault(set->faults, where, "regions.id", "expected %s, found %s", expected.data,
			setting_found(a, config_setting_get_member(group, "id"), NULL));
		return;
	}
	const char *prefix = arena_printf(a, "regions.%s", id);
	const struct raw *twice = raw_find(set, arena_printf(a, "%s.id", prefix));

	if (twice != NULL)
		config_fault(set->faults, where, prefix, "is there twice; the first is at %s", twice->where);
	else
		collect_group(set, group, &region_conf_schema, prefix, path);
}

static void collect_regions(struct raw_set *set, const config_setting_t *list, const char *path)
{
	if (config_setting_type(list) != CONFIG_TYPE_LIST) {
		config_fault(set->faults, setting_where(set->arena, list, path), "regions",
			"expected a list ( { id = …; conninfo = …; }, … ), found %s",
			setting_found(set->arena, list, NULL));
		return;
	}
	for (int i = 0; i < config_setting_length(list); i++)
		collect_region(set, config_setting_get_elem(list, (unsigned)i), path);
}

static void collect_section(struct raw_set *set, const config_setting_t *s, const char *path)
{
	const char *name = config_setting_name(s);
	const char *where = setting_where(set->arena, s, path);

	for (size_t i = 0; i < nsections; i++) {
		if (!str_eq(sections[i].name, name))
			continue;
		if (config_setting_type(s) == CONFIG_TYPE_GROUP)
			collect_group(set, s, sections[i].schema, name, path);
		else
			config_fault(set->faults, where, name, "expected a group { … }, found %s",
				setting_found(set->arena, s, NULL));
		return;
	}
	config_fault(
		set->faults, where, name, "unknown section; known ones: %s", section_names(set->arena));
}

void config_collect_file(struct raw_set *set, const char *text, const char *path)
{
	config_t file;

	if (libconfig_parse(&file, text, path, set->faults)) {
		const config_setting_t *root = config_root_setting(&file);

		for (int i = 0; i < config_setting_length(root); i++) {
			const config_setting_t *s = config_setting_get_elem(root, (unsigned)i);

			if (str_eq(config_setting_name(s), "regions"))
				collect_regions(set, s, path);
			else
				collect_section(set, s, path);
		}
	}
	config_destroy(&file);
}
