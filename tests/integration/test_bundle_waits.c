/* SPDX-License-Identifier: Apache-2.0 */
/* There is room for so many who wait, and one tenant does not have all of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bouncer.h"
#include "story.h"
#include "temp.h"

#define PATIENCE_MS 30000

enum { CONNECTIONS = 96, ROOM = CONNECTIONS * 3 / 4, HALF = ROOM / 2, SCARCE = ROOM * 3 / 4 };

static int start(void **state)
{
	static const char *const env[] = { "CONTROLCORE_SERVER_CONNECTIONS_MAX=96",
		"CONTROLCORE_SERVER_CONNECTIONS_PER_ADDRESS=0", NULL };

	*state = daemon_start(&(struct daemon_options){ .env = env });
	return 0;
}

static int stop(void **state)
{
	daemon_finish(*state);
	return 0;
}

/* A bouncer of one tenant that has the newest bundle. */
struct side {
	struct tenant_fixture t;
	struct client *c, *bouncer;
	char *key, tag[100];
};

static void side_open(struct daemon *d, const char *slug, struct side *s)
{
	fixture_tenant(d, slug, NULL, NULL, NULL, &s->t);
	s->c = client_of(d, &s->t);
	s->key = bouncer_key(d, s->t.id, "sandbox");
	s->bouncer = client_open(daemon_port(d));
	client_key(s->bouncer, s->key);
	snprintf(s->tag, sizeof(s->tag), "%s",
		answer_header(bouncer_pull(s->bouncer, "sandbox", NULL), "ETag"));
}

static void side_close(struct side *s)
{
	client_close(s->c);
	client_close(s->bouncer);
	free(s->key);
}

static struct crowd *crowd(struct daemon *d, const struct side *s, int n)
{
	return crowd_open(daemon_port(d), n, s->key, "sandbox", s->tag, 60);
}

/* Of both (the second may be NULL) so many are refused, whoever came last, and the others go on waiting. */
static void await_refused(struct crowd *first, struct crowd *second, int n)
{
	int refused = 0;

	for (int64_t end = temp_now_ms() + PATIENCE_MS; refused < n && temp_now_ms() < end;) {
		refused += crowd_answered(first, "HTTP/1.1 503", 200);
		refused += second != NULL ? crowd_answered(second, "HTTP/1.1 503", 200) : 0;
	}
	refused += crowd_answered(first, "HTTP/1.1", 300);
	assert_int_equal(n, refused);
}

/* What is too many is refused in a way that clients do not answer by asking at once. */
static void one_tenant_has_half_of_the_room(void **state)
{
	struct daemon *d = *state;
	struct side a, b;
	struct crowd *many;
	const struct answer *x;

	side_open(d, "waitsa", &a);
	side_open(d, "waitsb", &b);
	many = crowd(d, &a, HALF + 8);
	await_refused(many, NULL, 8);
	x = assert_error(503, "overloaded", bouncer_ask(a.bouncer, "sandbox", a.tag, 5));
	assert_string_equal("5", answer_header(x, "Retry-After"));
	/* Without the wish to wait it is answered as ever. */
	assert_status(304, bouncer_ask(a.bouncer, "sandbox", a.tag, -1));
	x = assert_status(304, bouncer_ask(b.bouncer, "sandbox", b.tag, 1));
	assert_true(x->us >= 900000);
	/* Those who wait are told of a change, and then there is room for others. */
	assert_status(
		201, client_post(a.c, "/policies",
			     "{'name':'p','environment':'sandbox','rego_code':'package app\\n\\nx := 1'}"));
	assert_int_equal(HALF, crowd_answered(many, "HTTP/1.1 200", 30000));
	snprintf(
		a.tag, sizeof(a.tag), "%s", answer_header(bouncer_pull(a.bouncer, "sandbox", a.tag), "ETag"));
	x = assert_status(304, bouncer_ask(a.bouncer, "sandbox", a.tag, 1));
	assert_true(x->us >= 900000);
	crowd_close(many);
	side_close(&a);
	side_close(&b);
}

/* Two that would fill it between them leave others some. */
static void the_last_quarter_is_for_those_of_whom_few_wait(void **state)
{
	struct daemon *d = *state;
	struct crowd *first, *second;
	struct side a, b, c;
	const struct answer *x;

	side_open(d, "waitsc", &a);
	side_open(d, "waitsd", &b);
	side_open(d, "waitse", &c);
	first = crowd(d, &a, HALF);
	second = crowd(d, &b, SCARCE - HALF + 3);
	await_refused(first, second, 3);
	x = assert_status(304, bouncer_ask(c.bouncer, "sandbox", c.tag, 1));
	assert_true(x->us >= 900000);
	assert_error(503, "overloaded", bouncer_ask(a.bouncer, "sandbox", a.tag, 1));
	crowd_close(first);
	crowd_close(second);
	side_close(&a);
	side_close(&b);
	side_close(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_tenant_has_half_of_the_room),
		cmocka_unit_test(the_last_quarter_is_for_those_of_whom_few_wait),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
