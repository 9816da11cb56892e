/* SPDX-License-Identifier: Apache-2.0 */
/* Every field of every body and query: required, unknown, of another type, one beyond each bound. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "contract.h"

#define BODY_MAX 1048576

/* A field of a route's body, and what is known on the way to it: "settings." */
struct spot {
	struct contract *k;
	const struct route *r;
	const char *prefix;
	enum read_mode mode;
	const struct field *f;
	const char *under; /* name of the object it is in; NULL: the body itself */
};

static const struct answer *send(const struct spot *at, json_t *body)
{
	struct ask ask = { .r = at->r, .prefix = at->prefix, .method = at->r->method };
	const struct answer *a;
	char *text = json_dumps(body, JSON_COMPACT);

	ask.body = text;
	a = contract_ask(at->k, at->k->c, &ask);
	free(text);
	json_decref(body);
	return a;
}

static const char *path_of(const struct spot *at)
{
	static char path[200];

	snprintf(path, sizeof(path), "%s%s%s", at->under != NULL ? at->under : "",
		at->under != NULL ? "." : "", at->f->name);
	return path;
}

/* Besides this value there is something that is never right, so that nothing is ever done. */
static void spoil(const struct spot *at, json_t *body)
{
	const struct schema *s = at->r->body;

	if (!s->loose)
		json_object_set_new(body, "no such field", json_true());
	for (size_t i = 0; s->loose && i < s->nfields; i++)
		if (&s->fields[i] != at->f && s->fields[i].kind == K_JSON)
			json_object_set_new(body, s->fields[i].name, json_true());
}

static const struct answer *send_value(const struct spot *at, json_t *value)
{
	json_t *inner = json_pack("{s:o}", at->f->name, value);
	json_t *body = at->under != NULL ? json_pack("{s:o}", at->under, inner) : inner;
	const struct answer *a;

	spoil(at, body);
	a = send(at, body);
	assert_error(422, "validation_error", a);
	return a;
}

static void refused(const struct spot *at, const char *error, json_t *value)
{
	assert_fault(path_of(at), error, send_value(at, value));
}

static void taken(const struct spot *at, json_t *value)
{
	const struct answer *a = send_value(at, value);

	if (answer_fault(a, path_of(at), NULL))
		fail_msg("%s: %s is within its bounds: %s", a->asked, path_of(at), a->body);
}

static void each_field(struct contract *k, void (*test)(const struct spot *at), bool sent_only)
{
	FOR_EACH_ROUTE(r, prefix)
	{
		struct spot at = { .k = k, .r = r, .prefix = prefix, .mode = route_read_mode(r) };

		for (size_t i = 0; r->body != NULL && i < r->body->nfields; i++) {
			const struct field *f = &r->body->fields[i];

			at.f = f;
			at.under = NULL;
			if (!sent_only || field_is_sent(f, at.mode))
				test(&at);
			if (f->kind != K_OBJ || !field_is_sent(f, at.mode))
				continue;
			at.under = f->name;
			for (size_t j = 0; j < f->sub->nfields; j++) {
				at.f = &f->sub->fields[j];
				if (field_is_sent(at.f, at.mode))
					test(&at);
			}
		}
		client_forget(k->c);
	}
}

static void check_required(const struct spot *at)
{
	json_t *body;

	if ((at->f->flags & F_REQUIRED) == 0 || at->mode == READ_MERGE)
		return;
	body = sample_object(at->r->body, at->mode, false);
	json_object_del(at->under != NULL ? json_object_get(body, at->under) : body, at->f->name);
	assert_fault(path_of(at), "required", send(at, body));
}

static void every_required_field_is_required(void **state)
{
	each_field(*state, check_required, true);
}

static void check_type(const struct spot *at)
{
	switch (at->f->kind) {
	case K_TEXT:
	case K_ENUM:
	case K_TIME:
	case K_OBJ:
		refused(at, "type", json_integer(1));
		break;
	case K_INT:
		refused(at, "type", json_real(1.5));
		refused(at, "type", json_string("1"));
		break;
	case K_BOOL:
	case K_NUM:
		refused(at, "type", json_string("true"));
		break;
	case K_STRS:
		refused(at, "type", json_object());
		break;
	case K_JSON:
		if (at->f->sub != NULL || (at->f->flags & F_ANY_JSON) == 0)
			refused(at, "type", json_integer(1));
		break;
	case K_BYTES:
		break;
	}
}

static void every_field_has_its_type(void **state)
{
	each_field(*state, check_type, true);
}

static void check_null(const struct spot *at)
{
	if ((at->f->flags & F_NULLABLE) != 0)
		taken(at, json_null());
	else if (at->f->kind != K_JSON || (at->f->flags & F_ANY_JSON) == 0)
		assert_true(answer_fault(send_value(at, json_null()), path_of(at), NULL));
}

static void null_is_a_value_where_the_table_says_so(void **state)
{
	each_field(*state, check_null, true);
}

static json_t *text_of(int64_t n)
{
	char *text = malloc((size_t)n + 1);
	json_t *v;

	memset(text, 'x', (size_t)n);
	text[n] = '\0';
	v = json_string(text);
	free(text);
	return v;
}

static void check_text_bounds(const struct spot *at)
{
	refused(at, "length", text_of(at->f->max + 1));
	if (at->f->min > 0)
		refused(at, "length", text_of(at->f->min - 1));
	if (at->f->check == NULL) {
		taken(at, text_of(at->f->max));
		taken(at, text_of(at->f->min));
	}
}

static void check_int_bounds(const struct spot *at)
{
	if (at->f->max < INT64_MAX)
		refused(at, "range", json_integer(at->f->max + 1));
	if (at->f->min > INT64_MIN)
		refused(at, "range", json_integer(at->f->min - 1));
	taken(at, json_integer(at->f->min));
	taken(at, json_integer(at->f->max));
}

static json_t *list_of(const struct field *f, int64_t n)
{
	json_t *list = json_array();

	for (int64_t i = 0; i < n; i++) {
		json_t *one = sample_value(f);

		json_array_append(list, json_array_get(one, 0));
		json_decref(one);
	}
	return list;
}

static void check_list_bounds(const struct spot *at)
{
	refused(at, "items", list_of(at->f, at->f->max + 1));
	taken(at, list_of(at->f, at->f->max));
	if (at->f->min > 0)
		refused(at, "items", list_of(at->f, at->f->min - 1));
	if (at->f->kind == K_STRS && at->f->values == NULL) {
		char item[220];

		snprintf(item, sizeof(item), "%s[0]", path_of(at));
		assert_fault(item, "length", send_value(at, json_pack("[o]", text_of(at->f->item_max + 1))));
	}
}

static void check_bounds(const struct spot *at)
{
	const struct field *f = at->f;

	if (f->kind == K_TEXT)
		check_text_bounds(at);
	else if (f->kind == K_INT)
		check_int_bounds(at);
	else if (f->kind == K_STRS || (f->kind == K_JSON && f->sub != NULL))
		check_list_bounds(at);
	else if (f->kind == K_JSON && f->max > 0)
		refused(at, "length", json_pack("{s:o}", "a", text_of(f->max)));
	else if (f->kind == K_ENUM)
		refused(at, "enum", json_string("no such value"));
	else if (f->kind == K_TIME)
		refused(at, "format", json_string("yesterday"));
}

static void every_bound_holds_and_is_reached(void **state)
{
	each_field(*state, check_bounds, true);
}

static void check_values(const struct spot *at)
{
	for (size_t i = 0; at->f->kind == K_ENUM && at->f->values[i] != NULL; i++)
		taken(at, json_string(at->f->values[i]));
}

static void every_value_of_an_enum_is_taken(void **state)
{
	each_field(*state, check_values, true);
}

/* In a POST what the server decides is a fault; hidden columns are unknown everywhere. */
static void check_not_sent(const struct spot *at)
{
	if ((at->f->flags & (F_IN | F_OUT)) == 0)
		refused(at, "unknown", json_integer(1));
	else if (at->mode == READ_CREATE && (at->f->flags & F_CREATE) == 0)
		refused(at, "read_only", json_integer(1));
}

static void what_is_the_servers_cannot_be_set(void **state)
{
	each_field(*state, check_not_sent, false);
}

static void bodies_that_are_none_are_refused(void **state)
{
	static const char *const bodies[] = { "{", "[]", "1", "null", "{\"a\":1,\"a\":2}", "{\"a\":1}x",
		"{\"a\":\"\xff\"}" };
	struct contract *k = *state;

	FOR_EACH_ROUTE(r, prefix)
	{
		for (size_t i = 0; r->body != NULL && i < sizeof(bodies) / sizeof(bodies[0]); i++) {
			const struct ask ask = {
				.r = r, .prefix = prefix, .method = r->method, .body = bodies[i]
			};

			assert_error(400, "invalid_request", contract_ask(k, k->c, &ask));
		}
	}
}

static bool requires_something(const struct schema *s)
{
	for (size_t i = 0; i < s->nfields; i++)
		if ((s->fields[i].flags & F_REQUIRED) != 0)
			return true;
	return false;
}

static void no_body_is_not_enough_for_a_change_or_a_required_field(void **state)
{
	struct contract *k = *state;

	FOR_EACH_ROUTE(r, prefix)
	{
		const struct ask ask = { .r = r, .prefix = prefix, .method = r->method };
		const bool change = r->method == M_PUT || r->method == M_PATCH;

		if (r->body != NULL && (change || requires_something(r->body)))
			assert_error(400, "invalid_request", contract_ask(k, k->c, &ask));
	}
}

static void unknown_fields_are_refused(void **state)
{
	struct contract *k = *state;

	FOR_EACH_ROUTE(r, prefix)
	{
		struct ask ask = { .r = r, .prefix = prefix, .method = r->method };
		json_t *o;
		char *text;

		if (r->body == NULL || r->body->loose)
			continue;
		o = sample_object(r->body, route_read_mode(r), false);
		json_object_set_new(o, "colour", json_string("red"));
		text = json_dumps(o, JSON_COMPACT);
		ask.body = text;
		assert_fault("colour", "unknown", contract_ask(k, k->c, &ask));
		free(text);
		json_decref(o);
	}
}

static void unknown_fields_inside_of_objects_are_refused(void **state)
{
	struct contract *k = *state;

	FOR_EACH_ROUTE(r, prefix)
	{
		struct spot at = { .k = k, .r = r, .prefix = prefix, .mode = route_read_mode(r) };

		for (size_t i = 0; r->body != NULL && i < r->body->nfields; i++) {
			char path[100];

			at.f = &r->body->fields[i];
			if (at.f->kind != K_OBJ || !field_is_sent(at.f, at.mode))
				continue;
			snprintf(path, sizeof(path), "%s.colour", at.f->name);
			assert_fault(path, "unknown", send_value(&at, json_pack("{s:s}", "colour", "red")));
		}
	}
}

static void other_media_are_refused(void **state)
{
	struct contract *k = *state;

	FOR_EACH_ROUTE(r, prefix)
	{
		const struct ask ask = { .r = r,
			.prefix = prefix,
			.method = r->method,
			.body = "{}",
			.headers = "Content-Type: text/plain\r\n" };

		if (r->body != NULL)
			assert_error(415, "unsupported_media_type", contract_ask(k, k->c, &ask));
	}
}

static void bodies_over_the_cap_are_refused(void **state)
{
	struct contract *k = *state;
	char *body = malloc(BODY_MAX + 2);

	memset(body, ' ', BODY_MAX + 1);
	body[BODY_MAX + 1] = '\0';
	body[0] = '{';
	body[BODY_MAX] = '}';
	FOR_EACH_ROUTE(r, prefix)
	{
		const struct ask ask = { .r = r, .prefix = prefix, .method = r->method, .body = body };

		if (r->body != NULL)
			assert_error(413, "payload_too_large", contract_ask(k, k->c, &ask));
		client_forget(k->c);
	}
	free(body);
}

/* Queries ----------------------------------------------------------------------------------------- */

static const struct answer *send_query(const struct spot *at, const char *value)
{
	char query[300];
	struct ask ask = { .r = at->r, .prefix = at->prefix, .method = at->r->method, .query = query };

	snprintf(query, sizeof(query), "%s=%s&nosuch=1", at->f->name, value);
	return assert_error(422, "validation_error", contract_ask(at->k, at->k->c, &ask));
}

static void check_parameter(const struct spot *at)
{
	const struct field *f = at->f;
	char number[32];

	if (f->kind == K_INT) {
		assert_fault(f->name, "type", send_query(at, "x"));
		assert_fault(f->name, "type", send_query(at, ""));
		snprintf(number, sizeof(number), "%" PRId64, f->min - 1);
		assert_fault(f->name, "range", send_query(at, number));
		snprintf(number, sizeof(number), "%" PRId64, f->min);
		assert_false(answer_fault(send_query(at, number), f->name, NULL));
		snprintf(number, sizeof(number), "%" PRIu64, (uint64_t)f->max + 1);
		assert_true(answer_fault(send_query(at, number), f->name, NULL));
	} else if (f->kind == K_BOOL) {
		assert_fault(f->name, "type", send_query(at, "1"));
		assert_false(answer_fault(send_query(at, "true"), f->name, NULL));
	} else if (f->kind == K_ENUM) {
		assert_fault(f->name, "enum", send_query(at, "nosuch"));
		assert_false(answer_fault(send_query(at, f->values[0]), f->name, NULL));
	} else if (f->kind == K_TEXT && f->min > 0) {
		assert_fault(f->name, "length", send_query(at, ""));
	}
	snprintf(number, sizeof(number), "1&%.20s=1", f->name);
	assert_fault(f->name, "repeated", send_query(at, number));
}

static void every_parameter_is_checked(void **state)
{
	struct contract *k = *state;

	FOR_EACH_ROUTE(r, prefix)
	{
		for (size_t i = 0; r->query != NULL && i < r->query->nfields; i++) {
			const struct spot at = {
				.k = k, .r = r, .prefix = prefix, .f = &r->query->fields[i]
			};

			check_parameter(&at);
		}
		client_forget(k->c);
	}
}

static void unknown_parameters_are_refused(void **state)
{
	struct contract *k = *state;

	FOR_EACH_ROUTE(r, prefix)
	{
		const struct ask ask = { .r = r, .prefix = prefix, .method = r->method, .query = "nosuch=1" };

		/* Of a write without a body nothing else would stop it. */
		if (r->auth != AUTH_PUBLIC && r->body == NULL && r->mode == DB_READ)
			assert_fault("nosuch", "unknown", contract_ask(k, k->c, &ask));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_required_field_is_required),
		cmocka_unit_test(every_field_has_its_type),
		cmocka_unit_test(null_is_a_value_where_the_table_says_so),
		cmocka_unit_test(every_bound_holds_and_is_reached),
		cmocka_unit_test(every_value_of_an_enum_is_taken),
		cmocka_unit_test(what_is_the_servers_cannot_be_set),
		cmocka_unit_test(bodies_that_are_none_are_refused),
		cmocka_unit_test(no_body_is_not_enough_for_a_change_or_a_required_field),
		cmocka_unit_test(unknown_fields_are_refused),
		cmocka_unit_test(unknown_fields_inside_of_objects_are_refused),
		cmocka_unit_test(other_media_are_refused),
		cmocka_unit_test(bodies_over_the_cap_are_refused),
		cmocka_unit_test(every_parameter_is_checked),
		cmocka_unit_test(unknown_parameters_are_refused),
	};

	return cmocka_run_group_tests(tests, contract_setup, contract_teardown);
}
