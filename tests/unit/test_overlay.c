/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "gadget.h"
#include "schema/value.h"

/* What the database holds. */
static void fill(struct gadget *g)
{
	static const char *const tags[] = { "a", "b" };

	*g = (struct gadget){
		.id = "g-1", .revision = 7, .created_at = 1769860800 * TIME_SECOND + 123456, .name = "old",
		.kind = "gateway", .url = "http://old", .size = 5, .quota = 10, .ratio = 0.5, .enabled = true,
		.expires_at = TIME_NULL, .mode = "fancy", .tags = { tags, 2 },
		.config = "{\"b\": [1, 2], \"a\": {\"x\": null}}", .anything = "1",
		.limits = { .max_users = 50, .note = "note" },
	};
}

static struct strv changed;

/* Reads the body, lays it over `g`, and compares faults and changes, both given as lists. */
static void assert_overlay(struct ctx *cx, enum read_mode mode, const char *body, struct gadget *g,
			   const char *faults, const char *changes)
{
	struct str list;
	struct gadget sent;
	enum err e;

	fill(g);
	assert_int_equal(gadget_read(cx, mode, body, &sent), ERR_NONE);
	changed = (struct strv){ NULL, 0 };
	e = schema_overlay(cx, &gadget_schema, g, &sent, mode, &changed);
	assert_string_equal(faults_of(cx), faults);
	assert_int_equal(e, faults[0] ? ERR_VALIDATION : ERR_NONE);
	str_init(&list, cx->arena, 0);
	for (size_t i = 0; i < changed.n; i++)
		str_addf(&list, "%s%s", i ? " " : "", changed.v[i]);
	assert_string_equal(list.data, changes);
}

static void a_merge_changes_only_what_was_sent(void **state)
{
	struct gadget g;

	assert_overlay(*state, READ_MERGE, "{'name':'new','url':null,'limits':{'note':null}}", &g, "",
		       "name url limits.note");
	assert_string_equal(g.name, "new");
	assert_null(g.url);
	assert_null(g.limits.note);
	assert_int_equal(g.limits.max_users, 50);
	assert_int_equal(g.size, 5);
	assert_string_equal(g.mode, "fancy");
}

static void an_empty_merge_changes_nothing(void **state)
{
	struct gadget g;

	assert_overlay(*state, READ_MERGE, "{}", &g, "", "");
	assert_overlay(*state, READ_MERGE, "{'limits':{}}", &g, "", "");
}

static void a_replacement_resets_what_was_not_sent(void **state)
{
	struct gadget g;

	assert_overlay(*state, READ_REPLACE, "{'name':'old'}", &g, "",
		"url size quota ratio enabled mode tags config anything limits.max_users limits.note");
	assert_null(g.url);
	assert_int_equal(g.size, 0);
	assert_int_equal(g.quota, INT_NULL);
	assert_string_equal(g.mode, "plain");
	assert_int_equal(g.tags.n, 0);
	assert_int_equal(g.limits.max_users, 0);
}

static void a_replacement_keeps_what_cannot_be_sent(void **state)
{
	struct gadget g;

	assert_overlay(*state, READ_REPLACE, "{'name':'old','limits':{'max_users':50}}", &g, "",
		"url size quota ratio enabled mode tags config anything limits.note");
	assert_string_equal(g.id, "g-1");
	assert_string_equal(g.kind, "gateway");
	assert_int_equal(g.revision, 7);
	assert_int_equal(g.created_at, 1769860800 * TIME_SECOND + 123456);
}

static void equal_values_are_no_change(void **state)
{
	struct gadget g;

	assert_overlay(*state, READ_MERGE,
		"{'name':'old','url':'http://old','size':5,'ratio':5e-1,'enabled':true,'expires_at':null,"
		"'tags':['a','b'],'limits':{'max_users':50}}", &g, "", "");
	assert_overlay(*state, READ_MERGE, "{'tags':['b','a']}", &g, "", "tags");
}

static void json_is_compared_as_a_value(void **state)
{
	struct gadget g;

	assert_overlay(*state, READ_MERGE, "{'config':{'a':{},'b':[1,2]}}", &g, "", "");
	assert_string_equal(g.config, "{\"b\": [1, 2], \"a\": {\"x\": null}}");
	assert_overlay(*state, READ_REPLACE,
		"{'name':'old','limits':{'max_users':50,'note':'note'},"
		"'config':{'a':{'x':null},'b':[1,2]}}",
		&g, "", "url size quota ratio enabled mode tags anything");
	assert_string_equal(g.config, "{\"b\": [1, 2], \"a\": {\"x\": null}}");
}

static void json_objects_merge_member_by_member(void **state)
{
	struct gadget g;

	assert_overlay(*state, READ_MERGE, "{'config':{'b':[2],'a':{'x':null,'y':1.5},'c':{'d':null}}}", &g,
		"", "config");
	assert_string_equal(g.config, "{\"b\":[2],\"a\":{\"y\":1.5},\"c\":{}}");
	assert_overlay(*state, READ_MERGE, "{'config':null}", &g, "", "config");
	assert_null(g.config);
	assert_overlay(*state, READ_MERGE, "{'anything':{'a':1,'b':null}}", &g, "", "anything");
	assert_string_equal(g.anything, "{\"a\":1}");
	assert_overlay(*state, READ_MERGE, "{'anything':[null]}", &g, "", "anything");
	assert_string_equal(g.anything, "[null]");
}

/* Each within its bounds (100 bytes), but not together. */
static void what_merges_to_too_much_is_a_fault(void **state)
{
	static const char old[] =
		"{\"old\":\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}";
	struct ctx *cx = *state;
	struct gadget g, sent;
	const char *patch = arena_printf(cx->arena, "{'config':{'new':%s}}", old);

	fill(&g);
	g.config = old;
	assert_int_equal(gadget_read(cx, READ_MERGE, patch, &sent), ERR_NONE);
	assert_int_equal(schema_overlay(cx, &gadget_schema, &g, &sent, READ_MERGE, NULL), ERR_VALIDATION);
	assert_string_equal(faults_of(cx), "config length");
	assert_string_equal(g.config, old);
}

static const char *many_keys(struct arena *a, const char *prefix)
{
	struct str text;

	str_init(&text, a, 64);
	for (int i = 0; i < 600; i++)
		str_addf(&text, "%s\"%s%d\":0", i == 0 ? "{" : ",", prefix, i);
	str_add(&text, "}");
	return text.data;
}

static void what_merges_to_too_many_keys_is_a_fault(void **state)
{
	struct ctx *cx = *state;
	struct gadget g, sent;
	const char *patch = arena_printf(cx->arena, "{\"anything\":%s}", many_keys(cx->arena, "new"));

	fill(&g);
	g.anything = many_keys(cx->arena, "old");
	assert_int_equal(gadget_read(cx, READ_MERGE, patch, &sent), ERR_NONE);
	assert_int_equal(schema_overlay(cx, &gadget_schema, &g, &sent, READ_MERGE, NULL), ERR_VALIDATION);
	assert_string_equal(faults_of(cx), "anything length");
}

/* The examples of RFC 7396, appendix A. */
static void a_merge_patch_does_what_its_rfc_says(void **state)
{
	static const char *const cases[][3] = {
		{ "{'a':'b'}", "{'a':'c'}", "{'a':'c'}" },
		{ "{'a':'b'}", "{'b':'c'}", "{'a':'b','b':'c'}" },
		{ "{'a':'b'}", "{'a':null}", "{}" },
		{ "{'a':'b','b':'c'}", "{'a':null}", "{'b':'c'}" },
		{ "{'a':['b']}", "{'a':'c'}", "{'a':'c'}" },
		{ "{'a':'c'}", "{'a':['b']}", "{'a':['b']}" },
		{ "{'a':{'b':'c'}}", "{'a':{'b':'d','c':null}}", "{'a':{'b':'d'}}" },
		{ "{'a':[{'b':'c'}]}", "{'a':[1]}", "{'a':[1]}" },
		{ "['a','b']", "['c','d']", "['c','d']" },
		{ "{'a':'b'}", "['c']", "['c']" },
		{ "{'a':'foo'}", "null", "null" },
		{ "{'a':'foo'}", "'bar'", "'bar'" },
		{ "{'e':null}", "{'a':1}", "{'e':null,'a':1}" },
		{ "[1,2]", "{'a':'b','c':null}", "{'a':'b'}" },
		{ "{}", "{'a':{'bb':{'ccc':null}}}", "{'a':{'bb':{}}}" },
	};
	struct ctx *cx = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(with_quotes(cx->arena, cases[i][2]),
			json_text_merge(cx->arena, with_quotes(cx->arena, cases[i][0]),
					with_quotes(cx->arena, cases[i][1])));
	assert_string_equal("{\"a\":1}",
		json_text_merge(cx->arena, NULL, "{\"a\":1,\"b\":null}"));
}

static void read_only_fields_are_accepted_when_equal(void **state)
{
	struct gadget g;

	assert_overlay(*state, READ_MERGE,
		"{'id':'g-1','kind':'gateway','created_at':'2026-01-31T12:00:00Z'}", &g, "", "");
	assert_overlay(*state, READ_MERGE, "{'created_at':'2026-01-31T13:00:00+01:00'}", &g, "", "");
}

static void read_only_fields_are_faults_when_not(void **state)
{
	struct gadget g;

	assert_overlay(*state, READ_MERGE, "{'id':'g-2','kind':'sidecar','created_at':null,'name':'new'}", &g,
		       "id read_only, created_at read_only, kind read_only", "");
	assert_string_equal(g.id, "g-1");
	assert_string_equal(g.kind, "gateway");
}

static void volatile_fields_are_ignored(void **state)
{
	struct gadget g;

	assert_overlay(*state, READ_REPLACE,
		"{'name':'old','revision':1,'limits':{'max_users':50,'note':'note'}}", &g, "",
		"url size quota ratio enabled mode tags config anything");
	assert_int_equal(g.revision, 7);
	assert_overlay(*state, READ_MERGE, "{'revision':null,'name':'old'}", &g, "", "");
}

/* A struct whose table has no `seen` counts as sent whole. */
static void without_seen_everything_was_sent(void **state)
{
	struct ctx *cx = *state;
	struct example current = { .expected = "a", .weight = 1 }, sent = { .expected = "a", .weight = 2 };

	assert_int_equal(schema_overlay(cx, &example_schema, &current, &sent, READ_MERGE, &changed),
			 ERR_NONE);
	assert_int_equal(changed.n, 1);
	assert_string_equal(changed.v[0], "weight");
	assert_int_equal(current.weight, 2);
}

struct outer {
	struct limits limits;
	uint64_t seen;
};
static const struct field fixed_fields[] = {
	OBJ(struct outer, limits, F_CREATE | F_OUT, struct limits, &limits_schema, "Fixed at creation."),
};
static SCHEMA_IN(fixed_schema, struct outer, "Outer", fixed_fields);

/* A replacement by this number of users. */
static enum err replace_fixed(struct ctx *cx, struct outer *current, int users)
{
	const char *body = arena_printf(cx->arena, "{\"limits\":{\"max_users\":%d}}", users);
	struct outer sent;

	assert_int_equal(schema_read_json(cx, &fixed_schema, body, strlen(body), READ_REPLACE, &sent),
			 ERR_NONE);
	return schema_overlay(cx, &fixed_schema, current, &sent, READ_REPLACE, NULL);
}

static void nothing_inside_a_fixed_object_can_change(void **state)
{
	struct outer current = { .limits = { .max_users = 5 } };
	struct ctx *cx = *state;

	assert_int_equal(replace_fixed(cx, &current, 5), ERR_NONE);
	assert_int_equal(replace_fixed(cx, &current, 5000), ERR_VALIDATION);
	assert_string_equal(faults_of(cx), "limits.max_users read_only");
	assert_int_equal(current.limits.max_users, 5);
}

static void many_changes_are_all_named(void **state)
{
	struct gadget g;

	assert_overlay(*state, READ_MERGE,
		"{'name':'n','url':'12345678','code':'x','secret':'0123456789ab','size':1,'quota':1,"
		"'ratio':1,'enabled':false,'expires_at':'2026-01-31T12:00:00Z','mode':'m','tags':[],"
		"'scopes':['read'],'config':{'z':1},'anything':2,'examples':[],"
		"'limits':{'max_users':1,'note':'x'}}", &g, "",
		"name url code secret size quota ratio enabled expires_at mode tags scopes config anything "
		"examples limits.max_users limits.note");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_merge_changes_only_what_was_sent, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(an_empty_merge_changes_nothing, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(
			a_replacement_resets_what_was_not_sent, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(
			a_replacement_keeps_what_cannot_be_sent, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(equal_values_are_no_change, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(json_is_compared_as_a_value, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(json_objects_merge_member_by_member, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(what_merges_to_too_much_is_a_fault, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(
			what_merges_to_too_many_keys_is_a_fault, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(
			a_merge_patch_does_what_its_rfc_says, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(
			read_only_fields_are_accepted_when_equal, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(
			read_only_fields_are_faults_when_not, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(volatile_fields_are_ignored, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(without_seen_everything_was_sent, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(
			nothing_inside_a_fixed_object_can_change, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(many_changes_are_all_named, ctx_setup, ctx_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
