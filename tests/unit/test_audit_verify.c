/* SPDX-License-Identifier: Apache-2.0 */
/* Exports that somebody has been at: what was done to which record is found and named. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "audit_file.h"
#include "cc/base/clock.h"
#include "cc/core/audit_verify.h"

enum { FOUND_MAX = 4000 };
/* What whoever verifies has; the last is a key of macs that came later. */
enum { NOTHING, KEYS, MACS, LATER_MACS };

static struct signing_key signer, stranger;

struct found {
	int64_t line;
	char text[256];
};

struct bench {
	struct arena *arena;
	struct audit_book book;
	struct audit_file whole, file;
	struct found fault[FOUND_MAX];
	int faults;
	struct verify_result result;
};

/* Instruments see all there is to see the first time: what is repeated differs in its data only. */
static int rounds(int few, int many)
{
	const char *instruments = getenv("CC_SANITIZE");

	if (getenv("CC_LONG") != NULL)
		return many;
	return instruments != NULL && *instruments != '\0' ? 1 : few;
}

static int setup(void **state)
{
	static const unsigned char other[] = "another audit_secret, of 32 bytes or more";
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	b->arena = b->book.arena = arena_create(1 << 20);
	signing_key_make(audit_secret, &signer);
	signing_key_make((struct bytes){ other, sizeof(other) }, &stranger);
	audit_book_rows(&b->book);
	audit_book_export(&b->book, &signer, "{}", AUDIT_RECORDS, -1, &b->whole);
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

/* Each test has the whole file, to do something to. */
static int fresh(void **state)
{
	struct bench *b = *state;

	b->file = b->whole;
	return 0;
}

/* Verifying ------------------------------------------------------------------------------------------- */

static void take_fault(void *arg, int64_t line, const char *text)
{
	struct bench *b = arg;

	if (b->faults < FOUND_MAX) {
		b->fault[b->faults].line = line;
		(void)snprintf(b->fault[b->faults].text, sizeof(b->fault[0].text), "%s", text);
	}
	b->faults++;
}

static int verify(struct bench *b, int with)
{
	struct public_key key;
	struct verify_options o = { .keys = &key, .fault = take_fault, .arg = b };
	struct audit_verify *v;

	memcpy(key.pub, signer.pub, sizeof(key.pub));
	memcpy(key.id, signer.id, sizeof(key.id));
	o.nkeys = with >= KEYS;
	if (with >= MACS) {
		o.audit_key = audit_secret;
		o.audit_key_version = with == LATER_MACS ? 3 : 1;
	}
	b->faults = 0;
	v = audit_verify_open(&o);
	for (int i = 0; i < b->file.n; i++)
		audit_verify_line(v, b->file.line[i].text, b->file.line[i].n);
	b->result = audit_verify_close(v);
	assert_int_equal(b->faults, b->result.faults);
	return b->faults;
}

/* line 0: any; like: what its text has in it */
static bool told(const struct bench *b, int64_t line, const char *like)
{
	for (int i = 0; i < b->faults && i < FOUND_MAX; i++)
		if ((line == 0 || b->fault[i].line == line) && strstr(b->fault[i].text, like) != NULL)
			return true;
	return false;
}

static void show(const struct bench *b)
{
	for (int i = 0; i < b->faults && i < 60; i++)
		print_error("%" PRId64 ": %s\n", b->fault[i].line, b->fault[i].text);
}

#define assert_told(b, line, ...) assert_told_at(b, line, arena_printf((b)->arena, __VA_ARGS__), __LINE__)
static void assert_told_at(const struct bench *b, int64_t line, const char *like, int at)
{
	if (told(b, line, like))
		return;
	show(b);
	print_error("not told (test line %d) of line %" PRId64 ": %s\n", at, line, like);
	fail();
}

static void assert_faults(const struct bench *b, int n)
{
	if (b->faults != n)
		show(b);
	assert_int_equal(n, b->faults);
}

/* Tests ----------------------------------------------------------------------------------------------- */

static void a_whole_file_has_no_fault(void **state)
{
	struct bench *b = *state;

	for (int with = NOTHING; with <= MACS; with++) {
		const int64_t start = clock_mono_ms();

		verify(b, with);
		assert_faults(b, 0);
		assert_string_equal(AUDIT_TENANT, b->result.tenant_id);
		assert_int_equal(AUDIT_RECORDS, b->result.records);
		assert_int_equal(2, b->result.checkpoints);
		assert_int_equal(AUDIT_RECORDS / AUDIT_PIECE + 1, b->result.seals);
		assert_int_equal(with == MACS ? AUDIT_RECORDS : 0, b->result.macs);
		print_message("%d records verified in %" PRId64 " ms\n", AUDIT_RECORDS,
			      clock_mono_ms() - start);
	}
}

static void any_flipped_bit_is_found_and_nothing_else(void **state)
{
	struct bench *b = *state;

	for (int round = 0; round < rounds(5, 100); round++) {
		int places[AUDIT_PLACES];

		b->file = b->whole;
		audit_some_lines(&b->file, places);
		for (int i = 0; i < AUDIT_PLACES; i++) {
			struct audit_text *l = &b->file.line[places[i]];
			char *text = arena_strndup(b->arena, l->text, l->n);
			char *at;

			do {
				at = &text[audit_any((int)l->n)];
				*at ^= (char)(1 << audit_any(8));
			} while (*at == '\n');
			l->text = text;
		}
		verify(b, round % 3);
		for (int i = 0; i < AUDIT_PLACES; i++)
			assert_told(b, places[i] + 1, "was changed");
		assert_faults(b, AUDIT_PLACES);
	}
}

static void what_was_taken_out_is_named(void **state)
{
	struct bench *b = *state;

	for (int with = NOTHING; with <= MACS; with++) {
		int places[AUDIT_PLACES];

		b->file = b->whole;
		audit_some_lines(&b->file, places);
		for (int i = AUDIT_PLACES - 1; i >= 0; i--)
			audit_take_out(&b->file, places[i]);
		verify(b, with);
		for (int i = 0; i < AUDIT_PLACES; i++) {
			const struct audit_text *l = &b->whole.line[places[i]];

			assert_told(b, places[i] + 1 - i,
				    "record %" PRId64 " is missing before this line, %s", audit_n_of(l),
				    audit_place_of(&b->book, l));
		}
		assert_faults(b, AUDIT_PLACES);
	}
}

/* Also the first and the last of a file, and those beside a seal. */
static void records_at_edges_are_missed(void **state)
{
	static const int numbers[] = { 1, 2, AUDIT_PIECE, AUDIT_PIECE + 1, AUDIT_RECORDS - 1, AUDIT_RECORDS };
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		int at = 0;

		b->file = b->whole;
		while (!audit_is_record(&b->file.line[at]) || audit_n_of(&b->file.line[at]) != numbers[i])
			at++;
		audit_take_out(&b->file, at);
		verify(b, KEYS);
		assert_told(b, 0, "record %d is missing", numbers[i]);
		audit_take_out(&b->file, at - (numbers[i] == AUDIT_RECORDS ? 1 : 0));
		assert_true(verify(b, KEYS) > 0);
	}
}

static void what_was_put_in_is_named(void **state)
{
	struct bench *b = *state;

	for (int with = NOTHING; with <= MACS; with++) {
		int places[AUDIT_PLACES];

		b->file = b->whole;
		audit_some_lines(&b->file, places);
		for (int i = AUDIT_PLACES - 1; i >= 0; i--)
			audit_put_in(&b->file, places[i], b->whole.line[places[(i + 7) % AUDIT_PLACES]]);
		verify(b, with);
		for (int i = 0; i < AUDIT_PLACES; i++)
			assert_told(b, places[i] + 1 + i, "record %" PRId64 " was put in",
				    audit_n_of(&b->whole.line[places[(i + 7) % AUDIT_PLACES]]));
		assert_faults(b, AUDIT_PLACES);
	}
}

static void a_forged_record_is_named(void **state)
{
	struct bench *b = *state;
	int places[AUDIT_PLACES], at;

	audit_some_lines(&b->file, places);
	at = places[3];
	audit_put_in(&b->file, at, audit_forge(&b->book, &b->whole.line[at], "\"success\"", "\"failure\""));
	verify(b, KEYS);
	assert_told(b, 0, "record %" PRId64 " is there a second time", audit_n_of(&b->whole.line[at]));
	verify(b, MACS);
	assert_told(b, at + 1, "record %" PRId64 " (%s) was changed: its mac does not fit",
		    audit_n_of(&b->whole.line[at]), audit_place_of(&b->book, &b->whole.line[at]));
}

static void what_was_moved_is_named(void **state)
{
	struct bench *b = *state;

	for (int with = NOTHING; with <= MACS; with++) {
		int places[AUDIT_PLACES];

		b->file = b->whole;
		audit_some_lines(&b->file, places);
		for (int i = 0; i < AUDIT_PLACES; i += 2) {
			b->file.line[places[i]] = b->whole.line[places[i + 1]];
			b->file.line[places[i + 1]] = b->whole.line[places[i]];
		}
		verify(b, with);
		for (int i = 0; i < AUDIT_PLACES; i++)
			assert_told(b, 0, "record %" PRId64 " was moved",
				    audit_n_of(&b->whole.line[places[i]]));
		assert_faults(b, AUDIT_PLACES);
	}
}

static void neighbours_that_changed_places_are_found(void **state)
{
	struct bench *b = *state;
	int places[AUDIT_PLACES];

	audit_some_lines(&b->file, places);
	for (int i = 0; i < rounds(5, AUDIT_PLACES); i++) {
		struct audit_text *l = &b->file.line[places[i]];
		const struct audit_text kept = l[0];

		if (!audit_is_record(&l[1]))
			continue;
		b->file.line[places[i]] = l[1];
		l[1] = kept;
		assert_int_equal(1, verify(b, KEYS));
		assert_told(b, 0, "was moved");
		l[1] = b->whole.line[places[i] + 1];
		l[0] = kept;
	}
}

static void a_file_that_was_cut_is_found(void **state)
{
	struct bench *b = *state;

	for (int i = 0; i < rounds(6, 60); i++) {
		b->file.n = i == 0 ? b->whole.n - 1 : audit_any(b->whole.n);
		assert_true(verify(b, i % 3) > 0);
		assert_told(b, 0, b->file.n == 0 ? "empty" : "the end is missing");
	}
	/* In the middle of its last line. */
	b->file = b->whole;
	b->file.line[b->file.n - 1].n -= 10;
	assert_true(verify(b, KEYS) > 0);
}

/* Whoever makes the digests anew cannot sign. */
static void a_digest_made_anew_is_found_by_the_seal(void **state)
{
	struct bench *b = *state;

	for (int round = 0; round < rounds(2, 5); round++) {
		int places[AUDIT_PLACES], at, from = 0;

		b->file = b->whole;
		audit_some_lines(&b->file, places);
		at = places[round * 4 + 1];
		b->file.line[at] = audit_forge(&b->book, &b->whole.line[at], "\"success\"", "\"failure\"");
		for (int i = 1; i < at; i++)
			if (!audit_is_record(&b->whole.line[i]))
				from = i + 1;
		verify(b, NOTHING);
		assert_faults(b, 1);
		verify(b, KEYS);
		assert_faults(b, 1);
		assert_told(b, 0, "something in the lines %d to ", from == 0 ? 1 : from + 1);
		verify(b, MACS);
		assert_told(b, at + 1, "record %" PRId64 " (%s) was changed: its mac does not fit",
			    audit_n_of(&b->whole.line[at]), audit_place_of(&b->book, &b->whole.line[at]));
		assert_faults(b, 1);
	}
}

static void who_signs_with_another_key_is_found(void **state)
{
	struct bench *b = *state;

	audit_book_export(&b->book, &stranger, "{}", 1000, -1, &b->file);
	verify(b, NOTHING);
	assert_faults(b, 0);
	assert_int_equal(2 + 2 + 1, verify(b, KEYS));
	assert_told(b, 0, "a seal is signed with the key %s, which is none of those given", stranger.id);
	assert_told(b, 0, "the checkpoint of the chain data is signed with the key");
}

static void a_changed_seal_or_checkpoint_is_found(void **state)
{
	struct bench *b = *state;

	for (int i = 0; i < b->whole.n; i++) {
		struct audit_text l;
		char *text;
		int at;

		if (i > 0 && audit_is_record(&b->whole.line[i]))
			continue;
		if (i > 0 && i < b->whole.n - 4 && audit_any(6) > 0)
			continue;
		b->file = b->whole;
		l = b->whole.line[i];
		text = arena_strndup(b->arena, l.text, l.n);
		do {
			memcpy(text, l.text, l.n);
			at = audit_any((int)l.n);
			text[at] ^= (char)(1 << audit_any(8));
		} while (text[at] == '\n');
		b->file.line[i].text = text;
		if (verify(b, KEYS) == 0)
			fail_msg("line %d: %s", i + 1, text);
	}
}

/* What was done to the database before the export was made. */
static void a_database_that_was_changed_is_found(void **state)
{
	struct bench *b = *state;
	const int at = 4321;
	const struct audit_row was = b->book.row[at];

	b->book.row[at].action = "deletePolicy";
	audit_book_export(&b->book, &signer, "{}", AUDIT_RECORDS, -1, &b->file);
	verify(b, KEYS);
	assert_faults(b, 0);
	verify(b, MACS);
	assert_faults(b, 1);
	assert_told(b, 0, "record %d (data %" PRId64 ") was changed: its mac does not fit", at + 1, was.seq);
	b->book.row[at] = was;
	audit_book_export(&b->book, &signer, "{}", AUDIT_RECORDS, at, &b->file);
	verify(b, KEYS);
	assert_faults(b, 1);
	assert_told(b, 0, "before record %d data %" PRId64 " to %" PRId64 " is missing", at + 1, was.seq,
		    was.seq);
	/* The last of a chain: only the checkpoint knows. */
	audit_book_export(&b->book, &signer, "{}", AUDIT_RECORDS, AUDIT_RECORDS - 1, &b->file);
	verify(b, KEYS);
	assert_faults(b, 1);
	assert_told(b, 0, "the chain data ends at %" PRId64 " but was signed up to %" PRId64,
		    b->book.row[AUDIT_RECORDS - 1].seq - 1, b->book.row[AUDIT_RECORDS - 1].seq);
	/* Said to have the mac of another key: of one that is not there yet, or of one before. */
	b->book.row[at].action = "deletePolicy";
	b->book.row[at].key_version = 2;
	audit_book_export(&b->book, &signer, "{}", AUDIT_RECORDS, -1, &b->file);
	verify(b, MACS);
	assert_int_equal(0, b->result.other_versions);
	assert_faults(b, 1);
	assert_told(b, 0, "no audit_key has its key_version yet");
	verify(b, LATER_MACS);
	assert_int_equal(AUDIT_RECORDS, b->result.other_versions);
	assert_int_equal(0, b->result.macs);
	assert_faults(b, 1);
	assert_told(b, 0, "its key_version went back");
	b->book.row[at] = was;
	/* Written anew with macs of another key. */
	b->book.row[at].mac = b->book.row[at + 1].mac;
	audit_book_export(&b->book, &signer, "{}", AUDIT_RECORDS, -1, &b->file);
	assert_true(verify(b, KEYS) > 0);
	assert_told(b, 0, "does not follow the one before it in its chain");
	b->book.row[at] = was;
}

static void what_a_filter_leaves_out_is_not_missed(void **state)
{
	struct bench *b = *state;

	audit_book_export(&b->book, &signer, "{\"action\":\"createPolicy\"}", 900, 321, &b->file);
	verify(b, MACS);
	assert_faults(b, 0);
	audit_take_out(&b->file, 500);
	verify(b, MACS);
	assert_faults(b, 1);
	assert_told(b, 501, "is missing");
	audit_book_export(&b->book, &signer, "{\"end_date\":\"2026-01-31\",\"start_date\":\"2026-01-31\"}",
			  900, 0, &b->file);
	verify(b, MACS);
	assert_faults(b, 0);
}

#define CASE(fn) cmocka_unit_test_setup(fn, fresh)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_whole_file_has_no_fault),
		CASE(any_flipped_bit_is_found_and_nothing_else),
		CASE(what_was_taken_out_is_named),
		CASE(records_at_edges_are_missed),
		CASE(what_was_put_in_is_named),
		CASE(a_forged_record_is_named),
		CASE(what_was_moved_is_named),
		CASE(neighbours_that_changed_places_are_found),
		CASE(a_file_that_was_cut_is_found),
		CASE(a_digest_made_anew_is_found_by_the_seal),
		CASE(who_signs_with_another_key_is_found),
		CASE(a_changed_seal_or_checkpoint_is_found),
		CASE(a_database_that_was_changed_is_found),
		CASE(what_a_filter_leaves_out_is_not_missed),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
