/* SPDX-License-Identifier: Apache-2.0 */
#include "config_parts.h"

#include <string.h>

#define PLANS_MAX 32

struct plan_price {
	int64_t minor;
	const char *currency;
};

/*
 * Every field of a group is required, but for lists; that is found here, because a plan names the line of its
 * group.
 */

/* Amounts are shown with two decimals, so currencies that have others are none of ours (ISO 4217). */
static const char *check_currency(const char *s)
{
	static const char other_decimals[] =
		"BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF "
		"BHD IQD JOD KWD LYD OMR TND CLF UYW";

	for (const char *p = s; *p != '\0'; p++)
		if (*p < 'A' || *p > 'Z')
			return "must be three capital letters such as USD";
	if (strlen(s) != 3)
		return "must be three capital letters such as USD";
	return strstr(other_decimals, s) == NULL ? NULL : "must be a currency with two decimals";
}

static const char *check_stripe_price(const char *s)
{
	return strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == strlen(s)
		       ? NULL : "must be the id of a price at Stripe such as price_1Abc";
}

#define T struct limits
static const struct field limit_fields[] = {
	INT(T, max_policies, F_CREATE, 0, 1000000000, "Policies at most, or \"unlimited\"."),
	INT(T, max_resources, F_CREATE, 0, 1000000000, "Resources at most, or \"unlimited\"."),
	INT(T, max_users, F_CREATE, 0, 1000000000, "Users at most, or \"unlimited\"."),
	INT(T, max_bouncers, F_CREATE, 0, 1000000000, "Bouncers at most, or \"unlimited\"."),
};
#undef T
static SCHEMA(limits_schema, struct limits, "limits", limit_fields);

#define T struct rate
static const struct field rate_fields[] = {
	INT(T, limit, F_CREATE, 1, 1000000000, "Requests …"),
	INT(T, window, F_CREATE, 1, 86400, "… in this many seconds."),
};
#undef T
static SCHEMA(rate_schema, struct rate, "rate", rate_fields);

#define T struct plan_price
static const struct field price_fields[] = {
	INT(T, minor, F_CREATE, 0, 1000000000000, "Per month, in minor units."),
	TEXT_LIKE(T, currency, F_CREATE, 3, 3, check_currency, "ISO 4217."),
};
#undef T
static SCHEMA(price_schema, struct plan_price, "price", price_fields);

#define T struct meter_price
static const struct field meter_fields[] = {
	INT(T, included, F_CREATE, 0, 1000000000000, "So many in a period cost nothing …"),
	INT(T, minor, F_CREATE, 0, 1000000000, "… then so many minor units …"),
	INT(T, per, F_CREATE, 1, 1000000000000, "… for each block of so many that was begun."),
};
#undef T
static SCHEMA(meter_schema, struct meter_price, "meter", meter_fields);

struct stripe_prices {
	const char *base, *api_calls, *bouncer_requests;
};
#define T struct stripe_prices
static const struct field stripe_fields[] = {
	TEXT_LIKE(T, base, F_CREATE, 1, 255, check_stripe_price, "Of the plan itself."),
	TEXT_LIKE(T, api_calls, F_CREATE, 1, 255, check_stripe_price, "Metered."),
	TEXT_LIKE(T, bouncer_requests, F_CREATE, 1, 255, check_stripe_price, "Metered."),
};
#undef T
static SCHEMA(stripe_schema, struct stripe_prices, "stripe", stripe_fields);

struct stripe_before {
	struct strv base, api_calls, bouncer_requests;
};
#define BEFORE_MAX 32
#define T struct stripe_before
static const struct field before_fields[] = {
	STRS(T, base, F_CREATE, 0, BEFORE_MAX, NULL, 255, "Of the plan itself.", .check = check_stripe_price),
	STRS(T, api_calls, F_CREATE, 0, BEFORE_MAX, NULL, 255, "Metered.", .check = check_stripe_price),
	STRS(T, bouncer_requests, F_CREATE, 0, BEFORE_MAX, NULL, 255, "Metered.",
		.check = check_stripe_price),
};
#undef T
static SCHEMA(before_schema, struct stripe_before, "stripe_before", before_fields);

#define T struct plan
static const struct field plan_fields[] = {
	INT(T, term_months, F_CREATE, 1, 120, "How long a subscription runs."),
};
#undef T
static SCHEMA(plan_schema, struct plan, "plan", plan_fields);

struct plan_reader {
	struct arena *arena;
	struct config_faults *faults;
	const char *path;
};

/* -1 and "unlimited" stand for no limit. */
static bool is_unlimited(const config_setting_t *s)
{
	const int type = config_setting_type(s);

	return type == CONFIG_TYPE_STRING ? str_eq(config_setting_get_string(s), "unlimited")
					  : type == CONFIG_TYPE_INT && config_setting_get_int(s) == -1;
}

/* One field's text; fields that are without limit are noted and read as 0. */
static void read_field(struct plan_reader *r, struct raw_set *set, const config_setting_t *group,
	const struct field *f, const char *prefix, bool *unlimited)
{
	const config_setting_t *s = config_setting_get_member(group, f->name);
	const char *setting = arena_printf(r->arena, "%s.%s", prefix, f->name);
	const char *value = "0";

	if (s == NULL && f->kind == K_STRS)
		return;
	if (s == NULL) {
		config_fault(r->faults, setting_where(r->arena, group, r->path), setting, "is required");
		return;
	}
	*unlimited = *unlimited && is_unlimited(s);
	if (!*unlimited)
		value = setting_text(r->faults, s, f, setting, r->path);
	if (value != NULL)
		raw_put(set, (struct raw){ .setting = setting,
				     .value = value,
				     .where = setting_where(r->arena, s, r->path) });
}

static bool group_knows(const char *const *known, const char *name)
{
	for (size_t i = 0; known[i] != NULL; i++)
		if (str_eq(known[i], name))
			return true;
	return false;
}

static void refuse_unknown(
	struct plan_reader *r, const config_setting_t *group, const char *prefix, const char *const *known)
{
	for (int i = 0; i < config_setting_length(group); i++) {
		const config_setting_t *s = config_setting_get_elem(group, (unsigned)i);
		const char *name = config_setting_name(s);

		if (!group_knows(known, name))
			config_fault(r->faults, setting_where(r->arena, s, r->path),
				arena_printf(r->arena, "%s.%s", prefix, name), "unknown setting");
	}
}

/* Reads a group { … } whose members are the fields of a table. may_unlimited: every field is a limit. */
static void read_group(struct plan_reader *r, const config_setting_t *plan, const char *name,
	const struct schema *schema, bool may_unlimited, void *ret)
{
	struct raw_set set = { .arena = r->arena, .faults = r->faults };
	const config_setting_t *group = config_setting_get_member(plan, name);
	const char *prefix = arena_printf(r->arena, "%s.%s", config_setting_name(plan), name);
	const char *known[8] = { NULL };
	bool unlimited[8] = { false };

	if (group == NULL || config_setting_type(group) != CONFIG_TYPE_GROUP) {
		config_fault(r->faults, setting_where(r->arena, group != NULL ? group : plan, r->path),
			prefix, "is required and must be a group { … }");
		return;
	}
	for (size_t i = 0; i < schema->nfields; i++) {
		known[i] = schema->fields[i].name;
		unlimited[i] = may_unlimited;
		read_field(r, &set, group, &schema->fields[i], prefix, &unlimited[i]);
	}
	refuse_unknown(r, group, prefix, known);
	section_apply(&set, schema, prefix, setting_where(r->arena, group, r->path), ret);
	for (size_t i = 0; i < schema->nfields; i++)
		if (unlimited[i])
			*(int64_t *)schema_member(ret, &schema->fields[i]) = INT_NULL;
}

static bool has_group(const config_setting_t *plan, const char *name)
{
	return config_setting_get_member(plan, name) != NULL;
}

/* What is billed beside the base price, and by which prices of Stripe: a plan may say nothing of either. */
static void read_billing(struct plan_reader *r, const config_setting_t *s, struct plan *ret)
{
	struct stripe_prices prices = { 0 };
	struct stripe_before before = { 0 };

	for (int m = 0; m < METERS; m++)
		if (has_group(s, meter_names[m]))
			read_group(r, s, meter_names[m], &meter_schema, false, &ret->meter[m]);
	if (has_group(s, "stripe"))
		read_group(r, s, "stripe", &stripe_schema, false, &prices);
	if (has_group(s, "stripe_before"))
		read_group(r, s, "stripe_before", &before_schema, false, &before);
	ret->stripe = (struct plan_stripe){
		.base = prices.base,
		.meter = { [METER_API_CALLS] = prices.api_calls,
			   [METER_BOUNCER_REQUESTS] = prices.bouncer_requests },
		.before = { [0] = before.base,
			    [1 + METER_API_CALLS] = before.api_calls,
			    [1 + METER_BOUNCER_REQUESTS] = before.bouncer_requests },
	};
}

static bool is_plan_name(const char *s)
{
	const size_t n = strlen(s);

	return n >= 1 && n <= 32 && strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_-") == n;
}

static void read_plan(struct plan_reader *r, const config_setting_t *s, struct plan *ret)
{
	static const char *const known[] = { "limits", "tenant_rate", "key_rate", "price", "term_months",
		"api_calls", "bouncer_requests", "stripe", "stripe_before", NULL };
	struct raw_set set = { .arena = r->arena, .faults = r->faults };
	const char *name = arena_strdup(r->arena, config_setting_name(s));
	const char *where = setting_where(r->arena, s, r->path);
	struct plan_price price = { 0 };
	bool unlimited = false;

	if (config_setting_type(s) != CONFIG_TYPE_GROUP || !is_plan_name(name)) {
		config_fault(r->faults, where, name,
			"expected a plan { … } whose name is 1 to 32 characters of a-z 0-9 _ -");
		return;
	}
	refuse_unknown(r, s, name, known);
	read_field(r, &set, s, &plan_fields[0], name, &unlimited);
	section_apply(&set, &plan_schema, name, where, ret);
	ret->name = name;
	read_group(r, s, "limits", &limits_schema, true, &ret->limits);
	read_group(r, s, "tenant_rate", &rate_schema, false, &ret->tenant_rate);
	read_group(r, s, "key_rate", &rate_schema, false, &ret->key_rate);
	read_group(r, s, "price", &price_schema, false, &price);
	ret->price_minor = price.minor;
	ret->currency = price.currency;
	read_billing(r, s, ret);
}

struct priced {
	const char *plan, *price;
};

static size_t list_prices(const struct plan *p, struct priced *ret)
{
	size_t n = 0;

	for (int kind = 0; kind < PLAN_PRICES; kind++) {
		const struct strv *before = &p->stripe.before[kind];

		if (plan_price(p, kind) != NULL)
			ret[n++] = (struct priced){ p->name, plan_price(p, kind) };
		for (size_t i = 0; i < before->n; i++)
			ret[n++] = (struct priced){ p->name, before->v[i] };
	}
	return n;
}

/* Of an item Stripe says its price alone: by that must be known which plan it is of, and what it counts. */
static void check_prices(struct plan_reader *r, const struct plan_set *plans)
{
	const size_t most = (size_t)PLAN_PRICES * (1 + BEFORE_MAX);
	struct priced *all = ARENA_ARRAY(r->arena, struct priced, plans->n * most);
	size_t n = 0;

	for (size_t i = 0; i < plans->n; i++)
		n += list_prices(&plans->v[i], &all[n]);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < i; k++)
			if (str_eq(all[i].price, all[k].price))
				config_fault(r->faults, r->path,
					arena_printf(r->arena, "%s.stripe", all[i].plan),
					"has a price that the plan %s has as well, or has it twice: %s",
					all[k].plan, all[i].price);
}

bool plans_load(struct arena *a, const char *text, const char *path, struct plan_set *ret,
	struct config_faults *faults)
{
	struct plan_reader r = { .arena = a, .faults = faults, .path = path };
	const int before = faults->n;
	config_t file;

	if (libconfig_parse(&file, text, path, faults)) {
		const config_setting_t *root = config_root_setting(&file);
		const int n = config_setting_length(root);
		struct plan *plan = ARENA_ARRAY(a, struct plan, PLANS_MAX);

		for (int i = 0; i < n && i < PLANS_MAX; i++)
			read_plan(&r, config_setting_get_elem(root, (unsigned)i), &plan[i]);
		if (n < 1 || n > PLANS_MAX)
			config_fault(faults, path, "", "expected 1 to %d plans, found %d", PLANS_MAX, n);
		*ret = (struct plan_set){ .v = plan, .n = n < PLANS_MAX ? (size_t)n : PLANS_MAX };
		check_prices(&r, ret);
	}
	config_destroy(&file);
	return faults->n == before;
}
