/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_TESTS_UNIT_GADGET_H
#define CC_TESTS_UNIT_GADGET_H

#include "cc/base/ctx.h"
#include "cc/schema/read.h"
#include "cc/schema/schema.h"

/* An object with a field of every kind and of every way to be sent, for the tests of the schema floor. */
struct limits {
	int64_t max_users;
	const char *note;
	uint64_t seen;
};

struct example {
	const char *expected;
	int64_t weight;
};

struct gadget {
	const char *id;
	int64_t revision;
	int64_t created_at;
	const char *name;
	const char *kind;
	const char *url;
	const char *code;
	const char *secret;
	int64_t size;
	int64_t quota;
	double ratio;
	bool enabled;
	int64_t expires_at;
	const char *mode;
	struct strv tags;
	struct strv scopes;
	const char *config;
	const char *anything;
	const char *examples;
	struct limits limits;
	struct bytes digest;
	uint64_t seen;
};

extern const struct schema limits_schema, example_schema, gadget_schema;

/* cmocka fixtures: *state is a struct ctx with an arena. */
int ctx_setup(void **state);
int ctx_teardown(void **state);

/* Reads a body given with ' in place of ". */
enum err gadget_read(struct ctx *cx, enum read_mode mode, const char *body, struct gadget *ret);
/* The body must be refused with exactly these faults, given as "field error, field error". */
void assert_faults(struct ctx *cx, enum read_mode mode, const char *body, const char *faults);
/* The message of the first fault of a body. */
const char *first_message(struct ctx *cx, enum read_mode mode, const char *body);
/* "field error, field error" of what is recorded. */
const char *faults_of(struct ctx *cx);
char *with_quotes(struct arena *a, const char *body);

#endif
