/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <string.h>

#include "cc/schema/write.h"
#include "gadget.h"

static json_t *described(struct ctx *cx, enum schema_use use)
{
	struct str out;
	struct jw w;
	json_t *o;

	str_init(&out, cx->arena, 0);
	jw_init(&w, &out);
	schema_write_jsonschema(&w, &gadget_schema, use);
	o = json_loads(out.data, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(o);
	return o;
}

/* One property, as compact JSON. */
static void assert_property(struct ctx *cx, enum schema_use use, const char *name, const char *expected)
{
	const struct field *f = schema_field(&gadget_schema, name);
	struct str out;
	struct jw w;

	str_init(&out, cx->arena, 0);
	jw_init(&w, &out);
	schema_write_field_jsonschema(&w, f, use);
	assert_string_equal(out.data, with_quotes(cx->arena, expected));
}

static void each_kind_has_its_type_and_bounds(void **state)
{
	struct ctx *cx = *state;

	assert_property(cx, USE_CREATE, "name",
		"{'type':'string','minLength':1,'maxLength':120,'description':'Its name.'}");
	assert_property(cx, USE_CREATE, "size",
		"{'type':'integer','format':'int64','minimum':-5,'maximum':100,'description':'How large.'}");
	assert_property(cx, USE_CREATE, "quota",
		"{'type':['integer','null'],'format':'int64','minimum':0,"
		"'description':'Null is unlimited.'}");
	assert_property(cx, USE_CREATE, "enabled", "{'type':'boolean','description':'In use.'}");
	assert_property(cx, USE_CREATE, "ratio", "{'type':['number','null'],'description':'A share.'}");
	assert_property(cx, USE_CREATE, "expires_at",
		"{'type':['string','null'],'format':'date-time','description':'When it ends.'}");
	assert_property(cx, USE_CREATE, "kind",
		"{'type':'string','enum':['sidecar','gateway'],'description':'Fixed at creation.',"
		"'default':'sidecar'}");
	assert_property(cx, USE_CREATE, "config", "{'type':['object','null'],'description':'Settings.'}");
	assert_property(cx, USE_CREATE, "anything", "{'description':'Any value.'}");
}

static void lists_describe_their_items(void **state)
{
	struct ctx *cx = *state;

	assert_property(cx, USE_CREATE, "tags",
		"{'type':'array','items':{'type':'string','minLength':1,'maxLength':5},'maxItems':3,"
		"'description':'Labels.'}");
	assert_property(cx, USE_CREATE, "scopes",
		"{'type':'array','items':{'type':'string','enum':['read','write']},'minItems':1,'maxItems':2,"
		"'description':'Rights.'}");
	assert_property(cx, USE_UPDATE, "examples",
		"{'type':'array','items':{'type':'object','properties':{"
		"'expected':{'type':'string','minLength':1,'maxLength':20,'description':'What comes out.'},"
		"'weight':{'type':'integer','format':'int64','minimum':1,'maximum':5,"
		"'description':'How much it counts.'}},"
		"'required':['expected'],'additionalProperties':false},'maxItems':3,"
		"'description':'Examples.'}");
}

static void a_field_that_cannot_change_is_read_only_in_updates(void **state)
{
	struct ctx *cx = *state;

	assert_property(cx, USE_UPDATE, "id",
		"{'type':'string','description':'Assigned by the server.','readOnly':true}");
	assert_property(cx, USE_OUT, "id", "{'type':'string','description':'Assigned by the server.'}");
}

static bool has(const json_t *o, const char *name)
{
	return json_object_get(json_object_get(o, "properties"), name) != NULL;
}

static bool requires(const json_t *o, const char *name)
{
	const json_t *v = json_object_get(o, "required");

	for (size_t i = 0; i < json_array_size(v); i++) {
		if (strcmp(json_string_value(json_array_get(v, i)), name) == 0)
			return true;
	}
	return false;
}

static void creation_takes_what_can_be_sent(void **state)
{
	json_t *o = described(*state, USE_CREATE);

	assert_true(has(o, "kind") && has(o, "secret") && has(o, "limits"));
	assert_false(has(o, "id") || has(o, "revision") || has(o, "digest"));
	assert_true(requires(o, "name"));
	assert_int_equal(json_array_size(json_object_get(o, "required")), 1);
	assert_true(json_is_false(json_object_get(o, "additionalProperties")));
	json_decref(o);
}

static void only_a_replacement_requires_fields_of_an_update(void **state)
{
	json_t *merge = described(*state, USE_UPDATE), *replace = described(*state, USE_REPLACE);

	assert_true(has(merge, "id") && has(merge, "kind") && has(merge, "secret"));
	assert_null(json_object_get(merge, "required"));
	assert_true(requires(replace, "name"));
	json_decref(merge);
	json_decref(replace);
}

static void replies_show_what_goes_out(void **state)
{
	json_t *o = described(*state, USE_OUT);

	assert_true(has(o, "id") && has(o, "revision"));
	assert_false(has(o, "secret") || has(o, "digest"));
	assert_true(requires(o, "url"));
	assert_false(requires(o, "examples") || requires(o, "config"));
	assert_null(json_object_get(o, "additionalProperties"));
	json_decref(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_kind_has_its_type_and_bounds, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(lists_describe_their_items, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(
			a_field_that_cannot_change_is_read_only_in_updates, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(creation_takes_what_can_be_sent, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(
			only_a_replacement_requires_fields_of_an_update, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(replies_show_what_goes_out, ctx_setup, ctx_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
