/* SPDX-License-Identifier: Apache-2.0 */
/* What is sealed for one opens for no other, and a KEK is changed without opening it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cc/core/envelope.h"
#include "cc/core/world.h"
#include "cc/crypto/seal.h"

#define SECRET "-----BEGIN PRIVATE KEY-----"

static const struct kek both[] = { { .id = "new", .key = { 1 } }, { .id = "old", .key = { 2 } } };
static const struct binding acme = { "tenant-acme-1", "www.acme.com", "0a" };

struct bench {
	struct settings settings;
	struct world world;
	struct ctx cx;
};

static int setup(void **state)
{
	static struct bench b;

	b = (struct bench){ .settings = { .keks = { both, 2 } } };
	b.world.settings = &b.settings;
	b.cx = (struct ctx){ .arena = arena_create(4096), .world = &b.world };
	*state = &b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	arena_destroy(b->cx.arena);
	return 0;
}

static struct sealed seal(struct bench *b, const struct binding *to)
{
	const struct bytes plain = { (const unsigned char *)SECRET, sizeof(SECRET) };
	struct sealed s;

	assert_int_equal(ERR_NONE, envelope_seal(&b->cx, to, plain, &s));
	return s;
}

static void assert_opens(struct bench *b, const struct binding *as, const struct sealed *s)
{
	struct bytes plain;

	assert_int_equal(ERR_NONE, envelope_open(&b->cx, as, s, &plain));
	assert_int_equal(sizeof(SECRET), plain.n);
	assert_memory_equal(SECRET, plain.p, plain.n);
}

static void assert_shut(struct bench *b, const struct binding *as, const struct sealed *s)
{
	struct bytes plain;

	assert_int_equal(ERR_INTERNAL, envelope_open(&b->cx, as, s, &plain));
	assert_null(plain.p);
	ctx_clear_problem(&b->cx);
}

static void it_opens_where_it_was_sealed_and_nowhere_else(void **state)
{
	/* The last ones have the same texts one after the other. */
	static const struct binding others[] = {
		{ "tenant-acme-2", "www.acme.com", "0a" },
		{ "tenant-acme-1", "www.acme.org", "0a" },
		{ "tenant-acme-1", "www.acme.com", "0b" },
		{ "tenant-acme-1w", "ww.acme.com", "0a" },
		{ "tenant-acme-1", "www.acme.com0", "a" },
		{ "", "tenant-acme-1www.acme.com", "0a" },
	};
	struct bench *b = *state;
	const struct sealed s = seal(b, &acme);

	assert_string_equal("new", s.kek_id);
	assert_opens(b, &acme, &s);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_shut(b, &others[i], &s);
}

static struct bytes flipped(struct bench *b, struct bytes from, size_t at)
{
	unsigned char *p = arena_memdup(b->cx.arena, from.p, from.n);

	p[at] ^= 0x40;
	return (struct bytes){ p, from.n };
}

static void what_is_changed_does_not_open(void **state)
{
	struct bench *b = *state;
	const struct sealed s = seal(b, &acme), other = seal(b, &acme);
	struct sealed bad;

	for (size_t i = 0; i < s.secret.n; i++) {
		bad = s;
		bad.secret = flipped(b, s.secret, i);
		assert_shut(b, &acme, &bad);
	}
	for (size_t i = 0; i < s.dek.n; i++) {
		bad = s;
		bad.dek = flipped(b, s.dek, i);
		assert_shut(b, &acme, &bad);
	}
	for (size_t n = 0; n < s.secret.n; n++) {
		bad = s;
		bad.secret.n = n;
		assert_shut(b, &acme, &bad);
	}
	bad = s;
	bad.dek = other.dek;
	assert_shut(b, &acme, &bad);
}

/* Neither the secret nor its key is in what is stored, and nothing comes twice. */
static void every_seal_is_another(void **state)
{
	struct bench *b = *state;
	const struct sealed one = seal(b, &acme), two = seal(b, &acme);

	assert_int_equal(sizeof(SECRET) + SEAL_EXTRA, one.secret.n);
	assert_int_equal(SEAL_KEY_LEN + SEAL_EXTRA, one.dek.n);
	assert_memory_not_equal(one.secret.p, two.secret.p, SEAL_NONCE_LEN);
	assert_memory_not_equal(one.secret.p + SEAL_NONCE_LEN, two.secret.p + SEAL_NONCE_LEN, 16);
	assert_memory_not_equal(one.dek.p, two.dek.p, one.dek.n);
}

static void another_kek_opens_the_same(void **state)
{
	struct bench *b = *state;
	struct sealed s, again;

	b->settings.keks = (struct kek_set){ &both[1], 1 };
	s = seal(b, &acme);
	assert_string_equal("old", s.kek_id);
	b->settings.keks = (struct kek_set){ both, 2 };
	assert_opens(b, &acme, &s);
	assert_int_equal(ERR_NONE, envelope_rewrap(&b->cx, &acme, &s, &again));
	assert_string_equal("new", again.kek_id);
	assert_ptr_equal(s.secret.p, again.secret.p);
	assert_opens(b, &acme, &again);
	b->settings.keks = (struct kek_set){ both, 1 };
	assert_opens(b, &acme, &again);
	again.kek_id = "old";
	b->settings.keks = (struct kek_set){ both, 2 };
	assert_shut(b, &acme, &again);
}

static void a_kek_that_is_missing_is_named(void **state)
{
	struct bench *b = *state;
	const struct sealed s = seal(b, &acme);
	struct bytes plain;
	struct sealed again;

	b->settings.keks = (struct kek_set){ &both[1], 1 };
	assert_int_equal(ERR_INTERNAL, envelope_open(&b->cx, &acme, &s, &plain));
	assert_non_null(strstr(b->cx.problem.message, "the KEK new"));
	ctx_clear_problem(&b->cx);
	assert_int_equal(ERR_INTERNAL, envelope_rewrap(&b->cx, &acme, &s, &again));
	assert_non_null(strstr(b->cx.problem.message, "the KEK new"));
}

static void without_a_kek_nothing_is_sealed(void **state)
{
	struct bench *b = *state;
	struct sealed s;

	b->settings.keks = (struct kek_set){ 0 };
	assert_int_equal(ERR_KEK_MISSING,
			 envelope_seal(&b->cx, &acme, (struct bytes){ (const unsigned char *)"x", 1 }, &s));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(it_opens_where_it_was_sealed_and_nowhere_else, setup,
						teardown),
		cmocka_unit_test_setup_teardown(what_is_changed_does_not_open, setup, teardown),
		cmocka_unit_test_setup_teardown(every_seal_is_another, setup, teardown),
		cmocka_unit_test_setup_teardown(another_kek_opens_the_same, setup, teardown),
		cmocka_unit_test_setup_teardown(a_kek_that_is_missing_is_named, setup, teardown),
		cmocka_unit_test_setup_teardown(without_a_kek_nothing_is_sealed, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
