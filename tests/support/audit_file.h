/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_TESTS_AUDIT_FILE_H
#define CC_TESTS_AUDIT_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cc/base/arena.h"
#include "cc/base/bytes.h"
#include "cc/core/signing.h"
#include "cc/model/audit.h"

/* Exports as the daemon makes them, without one, and what somebody may do to them. Failures end the test. */
enum { AUDIT_RECORDS = 10000, AUDIT_PIECE = 400, AUDIT_LINES_MAX = AUDIT_RECORDS + 200, AUDIT_PLACES = 20 };
#define AUDIT_TENANT "tenant-acme-abc234"
extern const struct bytes audit_secret; /* of the macs */

/* One line, without its end. */
struct audit_text {
	const char *text;
	size_t n;
};

struct audit_file {
	struct audit_text line[AUDIT_LINES_MAX];
	int n;
};

/* Both chains of a tenant in the order of an export. */
struct audit_book {
	struct arena *arena; /* of all texts */
	struct audit_row row[AUDIT_RECORDS];
};

/* 0 … n - 1, the same in every run. */
int audit_any(int n);

/* As the daemon would have written them, with macs. */
void audit_book_rows(struct audit_book *b);
/* The first n of the rows, heads signed as they were. skip: one that the database has lost; -1: none. */
void audit_book_export(struct audit_book *b, const struct signing_key *key, const char *filter, int n,
		       int skip, struct audit_file *ret);

bool audit_is_record(const struct audit_text *l);
int64_t audit_n_of(const struct audit_text *l);
/* "data 41" */
const char *audit_place_of(struct audit_book *b, const struct audit_text *l);
/* Lines of records, ascending, each in a part of the file of its own and so at least a few apart. */
void audit_some_lines(const struct audit_file *f, int places[AUDIT_PLACES]);

void audit_take_out(struct audit_file *f, int i);
void audit_put_in(struct audit_file *f, int i, struct audit_text l);
/* The line with other words, and a digest that fits them. */
struct audit_text audit_forge(struct audit_book *b, const struct audit_text *l, const char *was,
			      const char *is);

#endif
