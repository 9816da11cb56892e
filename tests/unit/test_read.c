/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "gadget.h"

#define CREATE(body) assert_faults(*state, READ_CREATE, "{'name':'n'," body "}", "")
#define REFUSED(body, faults) assert_faults(*state, READ_CREATE, "{'name':'n'," body "}", faults)

static void a_whole_object_is_read(void **state)
{
	struct gadget g;

	assert_int_equal(gadget_read(*state, READ_CREATE,
		"{'name':'n\\u00e4me','kind':'gateway','url':null,'size':-5,'quota':7,'ratio':0.5,"
		"'enabled':true,'expires_at':'2026-01-31T12:00:00+01:00','tags':['a','b'],'scopes':['write'],"
		"'limits':{'max_users':3,'note':'x'},'secret':'0123456789ab'}", &g), ERR_NONE);
	assert_string_equal(g.name, "n\xC3\xA4me");
	assert_string_equal(g.kind, "gateway");
	assert_null(g.url);
	assert_string_equal(g.secret, "0123456789ab");
	assert_int_equal(g.size, -5);
	assert_int_equal(g.quota, 7);
	assert_true(g.ratio > 0.49 && g.ratio < 0.51);
	assert_true(g.enabled);
	assert_int_equal(g.expires_at, 1769857200 * TIME_SECOND);
	assert_int_equal(g.tags.n, 2);
	assert_string_equal(g.tags.v[1], "b");
	assert_string_equal(g.scopes.v[0], "write");
	assert_int_equal(g.limits.max_users, 3);
	assert_string_equal(g.limits.note, "x");
}

static void what_was_not_sent_has_its_default(void **state)
{
	struct gadget g;

	assert_int_equal(gadget_read(*state, READ_CREATE, "{'name':'n'}", &g), ERR_NONE);
	assert_string_equal(g.kind, "sidecar");
	assert_string_equal(g.mode, "plain");
	assert_null(g.url);
	assert_null(g.id);
	assert_int_equal(g.size, 0);
	assert_int_equal(g.quota, INT_NULL);
	assert_true(isnan(g.ratio));
	assert_false(g.enabled);
	assert_int_equal(g.expires_at, TIME_NULL);
	assert_int_equal(g.created_at, TIME_NULL);
	assert_int_equal(g.tags.n, 0);
	assert_null(g.config);
	assert_int_equal(g.limits.max_users, 0);
	assert_null(g.digest.p);
}

static void seen_says_what_was_sent(void **state)
{
	struct gadget g;

	assert_int_equal(gadget_read(*state, READ_CREATE,
		"{'name':'n','url':null,'limits':{'max_users':1}}", &g), ERR_NONE);
	assert_true(schema_seen(&gadget_schema, &g, "name"));
	assert_true(schema_seen(&gadget_schema, &g, "url"));
	assert_false(schema_seen(&gadget_schema, &g, "kind"));
	assert_true(schema_seen(&gadget_schema, &g, "limits.max_users"));
	assert_false(schema_seen(&gadget_schema, &g, "limits.note"));
}

static void all_faults_are_told_at_once(void **state)
{
	assert_faults(*state, READ_CREATE,
		"{'name':'','kind':'zeppelin','url':3,'id':'x','nonsense':1,'size':101,'enabled':null,"
		"'limits':{'note':'12345678901','x':0}}",
		"name length, kind enum, url type, id read_only, nonsense unknown, size range, enabled null, "
		"limits.note length, limits.x unknown, limits.max_users required");
}

static void required_fields_are_required_to_create_and_replace(void **state)
{
	assert_faults(*state, READ_CREATE, "{}", "name required");
	assert_faults(*state, READ_REPLACE, "{}", "name required");
	assert_faults(*state, READ_MERGE, "{}", "");
	assert_faults(*state, READ_CREATE, "{'name':null}", "name null");
	assert_faults(*state, READ_CREATE, "{'name':'n','limits':{}}", "limits.max_users required");
	assert_faults(*state, READ_MERGE, "{'limits':{}}", "");
}

static void text_is_measured_in_characters(void **state)
{
	struct ctx *cx = *state;
	char *name = arena_alloc(cx->arena, 121 * 2 + 1);

	REFUSED("'url':'1234567'", "url length");
	CREATE("'url':'12345678'");
	for (int n = 119; n <= 121; n++) {
		const char *body;

		for (int i = 0; i < n; i++)
			memcpy(name + 2 * i, "\xC3\xA4", 2);
		name[2 * n] = '\0';
		body = arena_printf(cx->arena, "{'name':'%s'}", name);
		assert_faults(cx, READ_CREATE, body, n <= 120 ? "" : "name length");
	}
}

static void integers_are_bounded(void **state)
{
	REFUSED("'size':-6", "size range");
	CREATE("'size':-5");
	CREATE("'size':100");
	REFUSED("'size':101", "size range");
	CREATE("'quota':9223372036854775807");
	REFUSED("'quota':-1", "quota range");
	REFUSED("'quota':-9223372036854775808", "quota range");
}

static void an_integer_is_no_real_no_text_and_no_truth_value(void **state)
{
	REFUSED("'size':5.0", "size type");
	REFUSED("'size':1e2", "size type");
	REFUSED("'size':'5'", "size type");
	REFUSED("'size':true", "size type");
	REFUSED("'size':null", "size null");
	REFUSED("'size':[5]", "size type");
}

static void a_number_is_an_integer_or_a_real(void **state)
{
	CREATE("'ratio':5");
	CREATE("'ratio':-5.25e-3");
	CREATE("'ratio':null");
	REFUSED("'ratio':'5'", "ratio type");
	REFUSED("'ratio':false", "ratio type");
}

static void the_other_kinds_take_their_own_type_only(void **state)
{
	REFUSED("'enabled':1", "enabled type");
	REFUSED("'enabled':'true'", "enabled type");
	REFUSED("'url':12345678", "url type");
	REFUSED("'url':{}", "url type");
	REFUSED("'kind':1", "kind type");
	REFUSED("'expires_at':1769857200", "expires_at type");
	REFUSED("'expires_at':'2026-01-31'", "expires_at format");
	REFUSED("'expires_at':''", "expires_at format");
	REFUSED("'limits':[]", "limits type");
	REFUSED("'limits':null", "limits null");
	REFUSED("'tags':'a'", "tags type");
	REFUSED("'tags':{}", "tags type");
}

static void an_enum_takes_one_of_its_values(void **state)
{
	CREATE("'kind':'gateway'");
	REFUSED("'kind':'Gateway'", "kind enum");
	REFUSED("'kind':''", "kind enum");
	REFUSED("'kind':'sidecar '", "kind enum");
	assert_string_equal(first_message(*state, READ_CREATE, "{'kind':'zeppelin','name':'n'}"),
			    "`kind` must be one of: sidecar, gateway; is \"zeppelin\"");
}

static void lists_are_bounded_and_their_items_checked(void **state)
{
	CREATE("'tags':[]");
	CREATE("'tags':['a','b','c']");
	REFUSED("'tags':['a','b','c','d']", "tags items");
	REFUSED("'tags':['','12345','123456']", "tags[0] length, tags[2] length");
	REFUSED("'tags':[1,'a',null]", "tags[0] type, tags[2] type");
	REFUSED("'tags':['a\\n']", "tags[0] format");
	REFUSED("'scopes':[]", "scopes items");
	REFUSED("'scopes':['read','admin']", "scopes[1] enum");
}

static void control_characters_are_for_long_texts_only(void **state)
{
	static const char *const controls[] = { "\\u0001", "\\b", "\\u000b", "\\u001b", "\\u001f" };
	struct ctx *cx = *state;

	for (size_t i = 0; i < sizeof(controls) / sizeof(controls[0]); i++) {
		const char *c = controls[i];
		const char *body = arena_printf(cx->arena, "{'name':'n%s','url':'12345678%s'}", c, c);

		assert_faults(cx, READ_CREATE, body, "name format, url format");
	}
	CREATE("'url':'12345678\\t\\r\\n'");
	REFUSED("'code':'a\\n'", "code format");
	CREATE("'url':'12345678\\u007f'");
}

static void u0000_is_refused_everywhere(void **state)
{
	static const char *const bodies[] = {
		"{'name':'a\\u0000b'}", "{'name':'n','url':'12345678\\u0000'}",
		"{'name':'n','config':{'a':'\\u0000'}}", "{'name':'n','config':{'\\u0000':1}}",
		"{'a\\u0000':1}",
	};
	struct gadget g;

	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
		assert_int_equal(gadget_read(*state, READ_CREATE, bodies[i], &g), ERR_INVALID_REQUEST);
}

static void a_field_has_a_check_of_its_own(void **state)
{
	CREATE("'code':'abc'");
	CREATE("'code':''");
	REFUSED("'code':'aBc'", "code format");
	assert_string_equal(first_message(*state, READ_CREATE, "{'code':'1','name':'n'}"),
			    "`code` must be lower-case letters");
}

static void json_is_kept_compact_and_in_its_order(void **state)
{
	struct gadget g;

	assert_int_equal(gadget_read(*state, READ_CREATE,
		"{'name':'n','config': { 'z' : [ 1 , 2.5, 5.0, 1e300, 0.1, -0.0 ],"
		" 'a' : {'t':true, 'f' : false}, 's':'\\u00e4\\n\\\\' , 'n':null } }", &g), ERR_NONE);
	assert_string_equal(g.config, "{\"z\":[1,2.5,5.0,1e+300,0.1,-0.0],\"a\":{\"t\":true,\"f\":false},"
				      "\"s\":\"\xC3\xA4\\n\\\\\",\"n\":null}");
}

static void json_is_an_object_unless_the_table_says_otherwise(void **state)
{
	struct gadget g;

	REFUSED("'config':[]", "config type");
	REFUSED("'config':'x'", "config type");
	CREATE("'config':null");
	assert_int_equal(gadget_read(*state, READ_CREATE, "{'name':'n','anything':[1]}", &g), ERR_NONE);
	assert_string_equal(g.anything, "[1]");
	assert_int_equal(gadget_read(*state, READ_CREATE, "{'name':'n','anything':'x'}", &g), ERR_NONE);
	assert_string_equal(g.anything, "\"x\"");
	assert_int_equal(gadget_read(*state, READ_CREATE, "{'name':'n','anything':null}", &g), ERR_NONE);
	assert_string_equal(g.anything, "null");
}

static void json_is_bounded_in_bytes(void **state)
{
	struct ctx *cx = *state;

	for (int n = 99; n <= 101; n++) {
		/* {"a":"…"} is eight bytes and the text; blanks do not count. */
		const char *body = arena_printf(cx->arena, "{'name':'n','config':{'a' : '%0*d'}}", n - 8, 0);

		assert_faults(cx, READ_CREATE, body, n <= 100 ? "" : "config length");
	}
	for (int n = 65535; n <= 65537; n++) {
		const char *body = arena_printf(cx->arena, "{'name':'n','anything':'%0*d'}", n - 2, 0);

		assert_faults(cx, READ_CREATE, body, n <= 65536 ? "" : "anything length");
	}
}

static void a_list_of_objects_is_checked_by_its_table(void **state)
{
	struct gadget g;

	REFUSED("'examples':[{'expected':'a'},{'weight':0,'x':1},3,{'expected':''}]", "examples items");
	REFUSED("'examples':[{'expected':''},{'weight':6,'x':1},3]",
		"examples[0].expected length, examples[1].weight range, examples[1].x unknown, "
		"examples[1].expected required, examples[2] type");
	REFUSED("'examples':{}", "examples type");
	assert_int_equal(gadget_read(*state, READ_REPLACE,
		"{'name':'n','examples':[ {'expected':'a'} ]}", &g), ERR_NONE);
	assert_string_equal(g.examples, "[{\"expected\":\"a\"}]");
}

static void fields_that_cannot_be_sent_are_read_only_or_unknown(void **state)
{
	REFUSED("'id':'x'", "id read_only");
	REFUSED("'revision':1", "revision read_only");
	REFUSED("'digest':'x'", "digest unknown");
	REFUSED("'seen':1", "seen unknown");
	REFUSED("'limits.max_users':1", "limits.max_users unknown");
}

/* What changes by itself is not compared, but must be what it could be. */
static void volatile_fields_of_a_wrong_type_are_faults(void **state)
{
	struct ctx *cx = *state;
	struct gadget g;

	assert_int_equal(ERR_VALIDATION, gadget_read(cx, READ_MERGE, "{'revision':'seven'}", &g));
	assert_string_equal("revision", cx->problem.faults->field);
	assert_string_equal("type", cx->problem.faults->error);
}

static void updates_take_what_a_reply_shows(void **state)
{
	struct gadget g;

	assert_int_equal(gadget_read(*state, READ_REPLACE,
		"{'id':'x','revision':3,'created_at':'2026-01-31T12:00:00Z','name':'n',"
		"'kind':'any'}", &g), ERR_NONE);
	assert_string_equal(g.id, "x");
	assert_string_equal(g.kind, "any");
	assert_false(schema_seen(&gadget_schema, &g, "revision"));
	assert_faults(*state, READ_MERGE, "{'id':7,'kind':[],'created_at':'yesterday'}",
		      "id read_only, kind read_only, created_at read_only");
}

static void secrets_are_never_repeated(void **state)
{
	struct ctx *cx = *state;

	assert_faults(cx, READ_CREATE, "{'name':'n','secret':'hunter2'}", "secret length");
	assert_null(strstr(cx->problem.faults->message, "hunter2"));
	assert_faults(cx, READ_CREATE, "{'name':'n','secret':'hunter2\\u0001xxxxx'}", "secret format");
	assert_null(strstr(cx->problem.faults->message, "hunter2"));
}

static void what_is_repeated_is_short(void **state)
{
	struct ctx *cx = *state;
	const char *body = arena_printf(cx->arena, "{'name':'n','kind':'%0*d','%0*d':1}", 5000, 0, 5000, 0);

	assert_string_equal(first_message(cx, READ_CREATE, body),
		"`kind` must be one of: sidecar, gateway; is "
		"\"000000000000000000000000000000000000000000000000000000000000"
		"\xE2\x80\xA6\"");
	assert_int_equal(utf8_length(cx->problem.faults->next->field), 61);
}

static void messages_are_sentences_about_the_field(void **state)
{
	struct ctx *cx = *state;

	assert_string_equal(first_message(cx, READ_CREATE, "{'name':''}"),
			    "`name` must be 1 to 120 characters, is 0");
	assert_string_equal(first_message(cx, READ_CREATE, "{'size':101,'name':'n'}"),
			    "`size` must be -5 to 100, is 101");
	assert_string_equal(first_message(cx, READ_CREATE, "{'quota':-1,'name':'n'}"),
			    "`quota` must be at least 0, is -1");
	assert_string_equal(first_message(cx, READ_MERGE, "{'limits':{'note':'12345678901'}}"),
			    "`limits.note` must be at most 10 characters, is 11");
	assert_string_equal(first_message(cx, READ_CREATE, "{'url':3,'name':'n'}"),
			    "`url` must be a string, is an integer");
	assert_string_equal(first_message(cx, READ_CREATE, "{}"), "`name` is required");
	assert_string_equal(first_message(cx, READ_CREATE, "{'x':1,'name':'n'}"),
			    "`x` is not a field of Gadget");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_whole_object_is_read, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(what_was_not_sent_has_its_default, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(seen_says_what_was_sent, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(all_faults_are_told_at_once, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(
			required_fields_are_required_to_create_and_replace, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(text_is_measured_in_characters, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(integers_are_bounded, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(
			an_integer_is_no_real_no_text_and_no_truth_value, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(a_number_is_an_integer_or_a_real, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(
			the_other_kinds_take_their_own_type_only, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(an_enum_takes_one_of_its_values, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(
			lists_are_bounded_and_their_items_checked, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(
			control_characters_are_for_long_texts_only, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(u0000_is_refused_everywhere, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(a_field_has_a_check_of_its_own, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(
			json_is_kept_compact_and_in_its_order, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(
			json_is_an_object_unless_the_table_says_otherwise, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(json_is_bounded_in_bytes, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(
			a_list_of_objects_is_checked_by_its_table, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(
			fields_that_cannot_be_sent_are_read_only_or_unknown, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(volatile_fields_of_a_wrong_type_are_faults, ctx_setup,
						ctx_teardown),
		cmocka_unit_test_setup_teardown(updates_take_what_a_reply_shows, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(secrets_are_never_repeated, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(what_is_repeated_is_short, ctx_setup, ctx_teardown),
		cmocka_unit_test_setup_teardown(
			messages_are_sentences_about_the_field, ctx_setup, ctx_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
