/* SPDX-License-Identifier: Apache-2.0 */
#include "config_parts.h"

#include <stdlib.h>
#include <string.h>

#include "cc/crypto/digest.h"
#include "cc/model/issuer.h"
#include "cc/schema/read.h"

#include "stores.h"
#include "tls.h"

#define CONFIG_FILE_MAX (1 << 20)
#define SECRET_FILE_MAX 4096

const struct raw *raw_find(const struct raw_set *set, const char *setting)
{
	for (const struct raw *r = set->first; r != NULL; r = r->next)
		if (str_eq(r->setting, setting))
			return r;
	return NULL;
}

void raw_put(struct raw_set *set, struct raw value)
{
	struct raw **at = &set->first;

	while (*at != NULL && !str_eq((*at)->setting, value.setting))
		at = &(*at)->next;
	if (*at != NULL && (*at)->level == value.level) {
		config_fault(set->faults, value.where, value.setting, "is set twice; the first is at %s",
			(*at)->where);
		return;
	}
	struct raw *r = *at != NULL ? *at : ARENA_NEW(set->arena, struct raw);

	value.next = r->next;
	*r = value;
	*at = r;
}

/* --- From raw values to structs ------------------------------------------------------------------- */

/* The value itself: read from its file when it was given as one; NULL after a fault. */
static const char *raw_value(struct raw_set *set, const struct raw *r, const struct field *f)
{
	const char *error;
	size_t n;

	if (f->flags & F_SECRET)
		arena_hold_secret(set->arena);
	if (!r->in_file)
		return r->value;
	char *text = text_file_read(set->arena, r->value, SECRET_FILE_MAX, &n, &error);
	if (text == NULL) {
		/* What is no path may be the secret itself. */
		config_fault(set->faults, r->where, arena_printf(set->arena, "%s_file", r->setting),
			"cannot read %s: %s", r->value[0] == '/' ? r->value : "what is named there", error);
		return NULL;
	}
	while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\r'))
		text[--n] = '\0';
	return text;
}

/* What of the value the fault is about: hosts[2] is the third of a list. */
static const char *faulty_part(struct arena *a, const char *field, const char *value)
{
	const char *bracket = strchr(field, '[');
	int64_t skip = bracket != NULL ? strtol(bracket + 1, NULL, 10) : 0;

	if (bracket == NULL)
		return value;
	for (; skip > 0 && strchr(value, ',') != NULL; skip--)
		value = strchr(value, ',') + 1;
	return arena_strndup(a, value, strcspn(value, ","));
}

/* In the words of the field's own rule when that is what it broke. */
static const char *expectation(struct arena *a, const struct field *f, const char *found)
{
	const bool whole = f->kind == K_TEXT || f->kind == K_STRS;
	const char *rule =
		whole && f->check != NULL && found != NULL && found[0] != '\0' ? f->check(found) : NULL;
	struct str expected;

	if (rule != NULL)
		return rule;
	str_init(&expected, a, 64);
	str_add(&expected, "expected ");
	field_describe(&expected, f);
	return expected.data;
}

static void report_missing(
	struct raw_set *set, const struct field *f, const char *setting, const char *nowhere)
{
	const bool secret = f != NULL && (f->flags & F_SECRET);

	config_fault(set->faults, nowhere, setting, "is required%s%s%s", secret ? " (or " : "",
		secret ? setting : "", secret ? "_file)" : "");
}

static void report(struct raw_set *set, const struct schema *schema, const char *prefix, const char *nowhere,
	const struct fault *fault)
{
	struct arena *a = set->arena;
	const char *name = arena_strndup(a, fault->field, strcspn(fault->field, "[")); /* hosts[2] → hosts */
	const char *setting = arena_printf(a, "%s.%s", prefix, name);
	const struct raw *r = raw_find(set, setting);
	const struct field *f = schema_field(schema, name);

	if (f == NULL || r == NULL) {
		report_missing(set, f, setting, nowhere);
		return;
	}
	const char *found = r->in_file ? NULL : faulty_part(a, fault->field, r->value);
	const char *shown = found != NULL ? found : r->value;
	const char *expected = expectation(a, f, found);
	const char *hint = r->hint != NULL ? arena_printf(a, "; %s", r->hint) : "";

	if ((f->flags & (F_SECRET | F_UNSHOWN)) || config_tells_secret(shown))
		config_fault(set->faults, r->where, setting, "%s; what was found is not shown%s", expected,
			hint);
	else
		config_fault(set->faults, r->where, setting, "%s, found \"%.200s\"%s", expected, shown, hint);
}

void section_apply(
	struct raw_set *set, const struct schema *schema, const char *prefix, const char *nowhere, void *ret)
{
	struct arena *a = set->arena;
	struct ctx cx = { .arena = a };
	struct kv *pair = ARENA_ARRAY(a, struct kv, schema->nfields);
	size_t n = 0;
	const int before = set->faults->n;

	for (size_t i = 0; i < schema->nfields; i++) {
		const struct field *f = &schema->fields[i];
		const struct raw *r = raw_find(set, arena_printf(a, "%s.%s", prefix, f->name));
		const char *value = r != NULL ? raw_value(set, r, f) : NULL;

		if (value != NULL)
			pair[n++] = (struct kv){ f->name, value };
	}
	const bool readable = set->faults->n == before;

	if (schema_read_kv(&cx, schema, pair, n, ret) == ERR_NONE)
		return;
	for (const struct fault *f = cx.problem.faults; f != NULL; f = f->next)
		if (readable || !str_eq(f->error, "required"))
			report(set, schema, prefix, nowhere, f);
	if (set->faults->n == before)
		config_fault(set->faults, nowhere, prefix, "%s",
			cx.problem.message != NULL ? cx.problem.message : "cannot be read");
}

static bool region_named(const struct raw_set *set, const char *prefix)
{
	const size_t n = strlen(prefix);

	for (const struct raw *r = set->first; r != NULL; r = r->next)
		if (strncmp(r->setting, prefix, n) == 0 && r->setting[n] == '.')
			return true;
	return false;
}

static void apply_regions(struct raw_set *set, const char *nowhere, struct config *ret)
{
	for (size_t i = 0; i < REGIONS_MAX; i++) {
		const char *id = known_regions[i].id;
		const char *prefix = arena_printf(set->arena, "regions.%s", id);
		const char *setting = arena_printf(set->arena, "%s.id", prefix);
		const struct raw *named = raw_find(set, setting);

		if (!region_named(set, prefix))
			continue;
		if (named == NULL)
			raw_put(set, (struct raw){ .setting = setting,
					     .value = id,
					     .where = nowhere,
					     .level = LEVEL_ENV });
		section_apply(set, &region_conf_schema, prefix, named != NULL ? named->where : nowhere,
			&ret->region[ret->nregions]);
		ret->region[ret->nregions].id = id;
		ret->nregions++;
	}
	if (ret->nregions == 0)
		config_fault(set->faults, nowhere, "regions", "at least one region is required");
}

/* Tenants of a region without a host would be led to the one that they have left. */
static void check_hosts(const struct config *c, const char *nowhere, struct config_faults *faults)
{
	for (size_t i = 0; i < c->nregions && c->dns.server != NULL; i++)
		if (c->region[i].host == NULL)
			config_fault(faults, nowhere, "regions.host",
				"must be set for each region where dns.server is: %s has none",
				c->region[i].id);
}

static bool is_live(const char *key)
{
	return key != NULL && strncmp(key + 3, "live_", 5) == 0;
}

static void check_stripe(const struct stripe_conf *c, const char *nowhere, struct config_faults *faults)
{
	if (str_eq(c->meter_api_calls, c->meter_bouncer_requests))
		config_fault(faults, nowhere, "stripe.meter_bouncer_requests",
			"must be another meter than stripe.meter_api_calls");
	if (is_live(c->key) && c->url != NULL && !str_starts(c->url, "https://"))
		config_fault(faults, nowhere, "stripe.url", "must be https with a key of live mode");
}

static void apply_presets(struct raw_set *set, const struct config_source *source)
{
	for (size_t i = 0; i < source->npresets; i++) {
		const struct preset *p = &source->preset[i];
		const struct raw *r = raw_find(set, p->setting);

		if (r != NULL && p->weak)
			continue;
		if (r != NULL && p->by != NULL)
			config_fault(set->faults, r->where, p->setting,
				"is decided by %s and cannot be set beside it", p->by);
		raw_put(set, (struct raw){ .setting = p->setting,
				     .value = p->value,
				     .where = p->where != NULL ? p->where : "command line",
				     .hint = p->hint,
				     .in_file = p->in_file,
				     .level = LEVEL_PRESET });
	}
}

void config_note_file(struct config *c, const void *p, size_t n)
{
	unsigned char both[2 * sizeof(c->files)];

	memcpy(both, c->files, sizeof(c->files));
	sha256_of(p, n, both + sizeof(c->files));
	sha256_of(both, sizeof(both), c->files);
}

static void load_plans(struct arena *a, struct config *ret, struct config_faults *faults)
{
	const char *error, *text = embedded_plans_conf, *path = "built-in plans";
	size_t n;

	if (ret->plans.file != NULL) {
		path = ret->plans.file;
		text = text_file_read(a, path, CONFIG_FILE_MAX, &n, &error);
	}
	if (text == NULL)
		config_fault(faults, path, "plans.file", "cannot be read: %s", error);
	else
		plans_load(a, text, path, &ret->plan_set, faults);
	if (text != NULL)
		config_note_file(ret, text, strlen(text));
}

/* The same table reads the file that reads the API's body, and the same words say what is wrong. */
static void load_issuers(struct arena *a, struct config *ret, struct config_faults *faults)
{
	struct ctx cx = { .arena = a };
	struct issuer_list list;
	const char *error, *path = ret->auth.issuers;
	char *text;
	size_t n;
	bool good;

	if (path == NULL)
		return;
	text = text_file_read(a, path, CONFIG_FILE_MAX, &n, &error);
	if (text == NULL) {
		config_fault(faults, path, "auth.issuers", "cannot be read: %s", error);
		return;
	}
	config_note_file(ret, text, n);
	good = schema_read_json(&cx, &issuer_list_schema, text, n, READ_CREATE, &list) == ERR_NONE &&
	       issuers_read(&cx, list.issuers, ret->auth.private_issuers, &ret->issuers) == ERR_NONE;
	if (!good && cx.problem.faults == NULL)
		config_fault(faults, path, "auth.issuers", "%s", cx.problem.message);
	for (const struct fault *f = cx.problem.faults; !good && f != NULL; f = f->next)
		config_fault(faults, path, "auth.issuers", "%s", f->message);
}

/* Read here too, so that `config check` finds what would keep the listener from starting. */
static void check_tls(
	struct arena *a, const struct tls_conf *c, const char *nowhere, struct config_faults *faults)
{
	if (c->keys.n != c->certificates.n) {
		config_fault(faults, nowhere, "tls.keys",
			"must name as many files as tls.certificates, in the same order");
		return;
	}
	for (size_t i = 0; c->address != NULL && i < c->certificates.n; i++) {
		const char *error = NULL;

		tls_cert_put(tls_file_read(a, c->certificates.v[i], c->keys.v[i], &error));
		if (error != NULL)
			config_fault(faults, c->certificates.v[i], "tls.certificates", "%s", error);
	}
}

/* The text itself is not kept. */
static bool collect(struct raw_set *set, const char *path)
{
	struct arena *own = arena_create_locked(0);
	const char *error;
	size_t n;
	const char *text = text_file_read(own, path, CONFIG_FILE_MAX, &n, &error);

	if (text != NULL)
		config_collect_file(set, text, path);
	else
		config_fault(set->faults, path, "", "cannot be read: %s", error);
	arena_destroy(own);
	return text != NULL;
}

bool config_load(
	struct arena *a, const struct config_source *source, struct config *ret, struct config_faults *faults)
{
	struct raw_set set = { .arena = a, .faults = faults };
	const char *nowhere = source->path != NULL ? source->path : "settings";

	memset(ret, 0, sizeof *ret);
	/* Without its text everything else would be reported as missing. */
	if (source->path != NULL && !collect(&set, source->path))
		return false;
	const bool parsed = faults->n == 0;

	if (source->env != NULL)
		config_collect_env(&set, source->env);
	apply_presets(&set, source);
	if (!parsed && set.first == NULL)
		return false;
	for (size_t i = 0; i < nsections; i++)
		if (source->only == NULL || str_eq(sections[i].name, source->only))
			section_apply(&set, sections[i].schema, sections[i].name, nowhere,
				(char *)ret + sections[i].offset);
	if (source->only != NULL)
		return faults->n == 0;
	apply_regions(&set, nowhere, ret);
	check_hosts(ret, nowhere, faults);
	check_stripe(&ret->stripe, nowhere, faults);
	load_plans(a, ret, faults);
	load_issuers(a, ret, faults);
	if (!source->rehearsal)
		config_load_keks(a, ret, faults);
	config_load_blocklist(a, ret, faults);
	check_tls(a, &ret->tls, nowhere, faults);
	stores_check(ret, nowhere, faults);
	if ((ret->server.proxy_protocol || ret->tls.proxy_protocol) && ret->server.trusted_proxies.n == 0)
		config_fault(faults, nowhere, "server.trusted_proxies",
			"must name whose connections proxy_protocol is about");
	return faults->n == 0;
}
