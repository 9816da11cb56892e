/* SPDX-License-Identifier: Apache-2.0 */
/* What the documents of the API say beside the tables: nothing is left out, and examples hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cc/api/api.h"
#include "cc/base/arena.h"
#include "http/openapi.h"

static void each_route(struct arena *a, void (*check)(struct arena *a, const struct route_group *g,
							const struct route *r))
{
	for (const struct route_group *const *g = api_groups; *g != NULL; g++)
		for (size_t i = 0; i < (*g)->n; i++)
			check(a, *g, &(*g)->routes[i]);
}

static void run(void (*check)(struct arena *a, const struct route_group *g, const struct route *r))
{
	struct arena *a = arena_create(65536);

	each_route(a, check);
	arena_destroy(a);
}

static void has_words(struct arena *a, const struct route_group *g, const struct route *r)
{
	(void)a;
	if (r->doc == NULL || r->doc[0] == '\0')
		fail_msg("%s: the route has no .doc", r->op);
	if (reference_find(api_reference.tags, g->tag, strlen(g->tag)) == NULL)
		fail_msg("src/api/reference.c does not say what the tag %s is", g->tag);
	for (const char *p = strchr(r->path, '{'); p != NULL; p = strchr(p, '{')) {
		const size_t n = strcspn(++p, "}");

		if (reference_find(api_reference.params, p, n) == NULL)
			fail_msg("src/api/reference.c does not say what {%.*s} is", (int)n, p);
	}
}

static void every_operation_tag_and_parameter_has_words(void **state)
{
	(void)state;
	run(has_words);
}

static bool is_tag(const char *name)
{
	for (const struct route_group *const *g = api_groups; *g != NULL; g++)
		if (strcmp((*g)->tag, name) == 0)
			return true;
	return false;
}

static void no_word_is_of_what_is_not_there(void **state)
{
	(void)state;
	for (const struct reference_word *w = api_reference.tags; w->name != NULL; w++)
		if (!is_tag(w->name))
			fail_msg("there is no tag %s", w->name);
}

static enum read_mode mode_of(enum schema_use use)
{
	return use == USE_CREATE ? READ_CREATE : use == USE_REPLACE ? READ_REPLACE : READ_MERGE;
}

static void example_is_read(struct arena *a, const struct route_group *g, const struct route *r)
{
	struct ctx cx = { .arena = a };
	struct str text;
	struct jw w;

	(void)g;
	if (r->body == NULL)
		return;
	str_init(&text, a, 256);
	jw_init(&w, &text);
	schema_write_example(&w, r->body, body_use(r));
	if (schema_read_json(&cx, r->body, text.data, text.len, mode_of(body_use(r)),
		    arena_alloc(a, r->body->size)) != ERR_NONE)
		fail_msg("%s: its example is refused (%s): %s", r->op,
			cx.problem.faults != NULL ? cx.problem.faults->message : cx.problem.message,
			text.data);
	if (r->method != M_POST && strcmp(text.data, "{}") == 0)
		fail_msg("%s: its example says nothing", r->op);
}

static void every_body_has_an_example_that_is_taken(void **state)
{
	(void)state;
	run(example_is_read);
}

static const char *text_without_example(const struct schema *s)
{
	for (size_t i = 0; i < s->nfields; i++) {
		const struct field *f = &s->fields[i];
		const char *nested = f->sub != NULL ? text_without_example(f->sub) : NULL;

		if (nested != NULL)
			return nested;
		if (f->kind == K_TEXT && (f->flags & F_IN) != 0 && (f->flags & F_REQUIRED) != 0 &&
			f->example == NULL && f->def == NULL)
			return f->name;
	}
	return NULL;
}

static void shows_texts(struct arena *a, const struct route_group *g, const struct route *r)
{
	const char *field = r->body != NULL ? text_without_example(r->body) : NULL;

	(void)a;
	(void)g;
	if (field != NULL)
		fail_msg("%s: the required field %s has no .example", r->body->name, field);
}

static void every_required_text_has_an_example(void **state)
{
	(void)state;
	run(shows_texts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_operation_tag_and_parameter_has_words),
		cmocka_unit_test(no_word_is_of_what_is_not_there),
		cmocka_unit_test(every_body_has_an_example_that_is_taken),
		cmocka_unit_test(every_required_text_has_an_example),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
