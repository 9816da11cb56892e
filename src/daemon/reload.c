/* SPDX-License-Identifier: Apache-2.0 */
#include "reload.h"

#include <string.h>

#include "cc/base/log.h"

static bool same_list(const struct strv *a, const struct strv *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!str_eq(a->v[i], b->v[i]))
			return false;
	return true;
}

static bool same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* Settings have no other kinds. */
static bool same_value(const struct field *f, const void *a, const void *b)
{
	const void *x = schema_member_const(a, f), *y = schema_member_const(b, f);

	if (f->kind == K_INT)
		return *(const int64_t *)x == *(const int64_t *)y;
	if (f->kind == K_BOOL)
		return *(const bool *)x == *(const bool *)y;
	if (f->kind == K_STRS)
		return same_list(x, y);
	return same_text(*(const char *const *)x, *(const char *const *)y);
}

static void copy_value(const struct field *f, const void *from, void *to)
{
	const size_t size = f->kind == K_INT ? sizeof(int64_t) : f->kind == K_BOOL ? sizeof(bool)
		: f->kind == K_STRS ? sizeof(struct strv) : sizeof(const char *);

	memcpy(schema_member(to, f), schema_member_const(from, f), size);
}

/*
 * Makes `next` what can be put in place of `now`: the fields that are not F_LIVE become those of now, which
 * are those of the start and live as long as the program. Names what differs, comma-separated.
 */
static void merge(
	const struct section *s, const void *now, void *next, struct str *applied, struct str *waiting)
{
	for (size_t i = 0; i < s->schema->nfields; i++) {
		const struct field *f = &s->schema->fields[i];
		struct str *list = f->flags & F_LIVE ? applied : waiting;

		if (!same_value(f, now, next))
			str_addf(list, "%s%s.%s", list->len > 0 ? ", " : "", s->name, f->name);
		if (list == waiting)
			copy_value(f, now, next);
	}
}

static bool same_regions(const struct config *a, const struct config *b)
{
	if (a->nregions != b->nregions)
		return false;
	for (size_t i = 0; i < a->nregions; i++)
		for (size_t k = 0; k < region_conf_schema.nfields; k++)
			if (!same_value(&region_conf_schema.fields[k], &a->region[i], &b->region[i]))
				return false;
	return true;
}

static void keep_regions(const struct config *now, struct config *next, struct str *waiting)
{
	if (!same_regions(now, next))
		str_addf(waiting, "%sregions", waiting->len > 0 ? ", " : "");
	memcpy(next->region, now->region, sizeof(next->region));
	next->nregions = now->nregions;
}

static void tell_faults(struct config_faults *faults)
{
	char *rest = faults->text.data, *line;

	LOG(LOG_ERROR, "the settings are not valid: those before stay", LOG_INT("faults", faults->n));
	while ((line = strsep(&rest, "\n")) != NULL)
		if (line[0] != '\0')
			LOG(LOG_ERROR, "a setting is not valid", LOG_TEXT("fault", line));
}

/* One line, and short: the log has all of them. */
static const char *status_of(const struct config_faults *faults)
{
	const char *text = faults->text.data;

	return arena_printf(faults->arena, "serving with the settings of before: %d not valid, first %.*s",
		faults->n, (int)strcspn(text, "\n"), text);
}

static void set_log_level(const char *name)
{
	enum log_level level;

	if (log_parse_level(name, &level))
		log_set_level(level);
}

static void put_in_place(struct program *p, struct wire *w, struct reloaded *r)
{
	struct reloaded *before = p->reloaded;

	set_log_level(r->config.log.level);
	wire_reload(w, r->arena, &r->config);
	p->reloaded = r;
	if (before != NULL) {
		before->next = p->replaced;
		p->replaced = before;
	}
	if (!arena_is_locked(r->arena))
		LOG0(LOG_WARN, "secrets that were read again may be swapped out: so much memory cannot be "
			       "locked (LimitMEMLOCK)");
}

/* False: nothing that counts differs, and nothing of it is kept. */
static bool take(struct program *p, struct wire *w, struct reloaded *r)
{
	const bool other_files = memcmp(w->config->files, r->config.files, sizeof(r->config.files)) != 0;
	struct str applied, waiting;
	bool differs;

	str_init(&applied, r->arena, 128);
	str_init(&waiting, r->arena, 128);
	for (size_t i = 0; i < nsections; i++)
		merge(&sections[i], (const char *)w->config + sections[i].offset,
			(char *)&r->config + sections[i].offset, &applied, &waiting);
	keep_regions(w->config, &r->config, &waiting);
	differs = applied.len > 0 || other_files;
	if (differs)
		put_in_place(p, w, r);
	LOG(LOG_INFO, "settings were read again", LOG_TEXT("changed", applied.data),
		LOG_TEXT("files", other_files ? "changed" : NULL),
		LOG_TEXT("wait_for_restart", waiting.len > 0 ? waiting.data : NULL));
	return differs;
}

void reload_settings(struct program *p, struct wire *w)
{
	struct arena *a = arena_create_locked(16384);
	struct reloaded *r = ARENA_NEW(a, struct reloaded);
	struct config_faults faults;
	const char *status;
	bool kept = false, good;

	systemd_reloading();
	r->arena = a;
	good = program_read_again(p, a, &r->config, &faults);
	/* The text of the faults is taken apart when they are logged. */
	status = good ? "serving" : status_of(&faults);
	if (good)
		kept = take(p, w, r);
	else
		tell_faults(&faults);
	wire_reloaded(w, good);
	systemd_ready(status);
	if (!kept)
		arena_destroy(a);
}

bool reload_tidy(struct program *p, struct wire *w)
{
	if (p->replaced == NULL && p->leaving == NULL)
		return false;
	if (turnover_turn(&w->world.turnover)) {
		program_forget(p->leaving);
		p->leaving = p->replaced;
		p->replaced = NULL;
	}
	return p->replaced != NULL || p->leaving != NULL;
}
