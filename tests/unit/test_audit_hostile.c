/* SPDX-License-Identifier: Apache-2.0 */
/* Exports that are none: whatever is in them, the end is reached and something is said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "audit_file.h"
#include "cc/core/audit_verify.h"

enum { NOTHING, KEYS, MACS }; /* what whoever verifies has */

static struct signing_key signer;

struct bench {
	struct arena *arena;
	struct audit_book book;
	struct audit_file whole, file;
	bool torn;
};

static int rounds(int few, int many)
{
	return getenv("CC_LONG") != NULL ? many : few;
}

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	b->arena = b->book.arena = arena_create(1 << 20);
	signing_key_make(audit_secret, &signer);
	audit_book_rows(&b->book);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	arena_destroy(b->arena);
	free(b);
	return 0;
}

static void take_fault(void *arg, int64_t line, const char *text)
{
	struct bench *b = arg;

	(void)line;
	b->torn = b->torn || strstr(text, "out of order in more than") != NULL;
}

static int64_t verify(struct bench *b, int with)
{
	struct public_key key;
	struct verify_options o = { .keys = &key, .fault = take_fault, .arg = b };
	struct audit_verify *v;

	memcpy(key.pub, signer.pub, sizeof(key.pub));
	memcpy(key.id, signer.id, sizeof(key.id));
	o.nkeys = with >= KEYS;
	if (with == MACS) {
		o.audit_key = audit_secret;
		o.audit_key_version = 1;
	}
	v = audit_verify_open(&o);
	for (int i = 0; i < b->file.n; i++)
		audit_verify_line(v, b->file.line[i].text, b->file.line[i].n);
	return audit_verify_close(v).faults;
}

static void hostile_lines_do_no_harm(void **state)
{
	static const char *const lines[] = { "", "{", "null", "[]", "{}", "\"", "{\"type\":7}", "{\"n\":1}",
		"{\"type\":\"seal\",\"last\":true,\"n\":9223372036854775807}",
		"{\"type\":\"checkpoint\",\"checkpoint\":{\"chain\":\"data\",\"seq\":9007199254740992}}",
		"{\"type\":\"export\",\"filter\":[],\"format\":1}",
		"{\"n\":9007199254740992,\"seq\":9007199254740992,\"chain\":\"data\",\"digest\":\"zz\"}",
		"{\"n\":-1,\"seq\":0,\"chain\":null,\"mac\":7}" };
	struct bench *b = *state;
	char *deep = arena_alloc(b->arena, VERIFY_LINE_MAX + 1);

	memset(deep, '[', VERIFY_LINE_MAX);
	audit_book_export(&b->book, &signer, "{}", 600, -1, &b->whole);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		b->file = b->whole;
		audit_put_in(&b->file, audit_any(b->file.n),
			     (struct audit_text){ lines[i], strlen(lines[i]) });
		assert_true(verify(b, (int)i % 3) > 0);
	}
	b->file = b->whole;
	audit_put_in(&b->file, 50, (struct audit_text){ deep, VERIFY_LINE_MAX });
	audit_put_in(&b->file, 60, (struct audit_text){ NULL, 0 });
	assert_true(verify(b, MACS) >= 2);
	for (int round = 0; round < rounds(60, 2000); round++) {
		b->file = b->whole;
		for (int i = 0; i < 30; i++) {
			struct audit_text l = b->whole.line[audit_any(b->whole.n)];
			char *text = arena_strndup(b->arena, l.text, l.n);

			for (int k = audit_any(20); k > 0; k--)
				text[audit_any((int)l.n)] = (char)audit_any(256);
			l.text = text;
			l.n -= (size_t)audit_any(3) * l.n / 4;
			if (audit_any(2) == 0)
				audit_put_in(&b->file, audit_any(b->file.n), l);
			else
				b->file.line[audit_any(b->file.n)] = l;
		}
		assert_true(verify(b, round % 3) > 0);
	}
}

static void a_file_torn_to_pieces_has_an_end(void **state)
{
	struct bench *b = *state;

	audit_book_export(&b->book, &signer, "{}", AUDIT_RECORDS, -1, &b->whole);
	b->file = b->whole;
	for (int i = b->file.n - 2; i > 1; i--) {
		const int k = 1 + audit_any(i);
		const struct audit_text kept = b->file.line[i];

		b->file.line[i] = b->file.line[k];
		b->file.line[k] = kept;
	}
	assert_true(verify(b, KEYS) > 0);
	assert_true(b->torn);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hostile_lines_do_no_harm),
		cmocka_unit_test(a_file_torn_to_pieces_has_an_end),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
