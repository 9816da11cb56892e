/* SPDX-License-Identifier: Apache-2.0 */
#include "audit_file.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cc/core/audit_chain.h"
#include "cc/core/audit_export.h"
#include "cc/core/checkpoint.h"
#include "cc/crypto/digest.h"
#include "cc/crypto/sign.h"

const struct bytes audit_secret = { (const unsigned char *)"0123456789abcdef0123456789abcdef", 32 };

static uint64_t seed = 20260131;

int audit_any(int n)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (int)((seed >> 33) % (uint64_t)n);
}

/* Making files -------------------------------------------------------------------------------------- */

static int chain_at(const struct audit_row *r)
{
	return str_eq(r->chain, AUDIT_CHAIN_DATA) ? CHAIN_DATA : CHAIN_CONTROL;
}

void audit_book_rows(struct audit_book *b)
{
	unsigned char key[AUDIT_MAC_LEN], mac[CHAINS][AUDIT_MAC_LEN] = { { 0 } };
	int64_t seq[CHAINS] = { 0 };

	audit_key(audit_secret, AUDIT_TENANT, 1, key);
	for (int i = 0; i < AUDIT_RECORDS; i++) {
		struct audit_row *r = &b->row[i];
		const int c = i % 10 == 0 ? CHAIN_CONTROL : CHAIN_DATA;

		*r = (struct audit_row){
			.chain = c == CHAIN_DATA ? AUDIT_CHAIN_DATA : AUDIT_CHAIN_CONTROL,
			.seq = ++seq[c],
			.timestamp = INT64_C(1769860800250000) + i * INT64_C(1000),
			.actor_kind = "api_key",
			.actor = "key-abcdefghij",
			.action = i % 3 == 0 ? "updatePolicy" : "createPolicy",
			.category = "control_management",
			.object_type = "policy",
			.object_id = arena_printf(b->arena, "%d", i),
			.environment = i % 2 == 0 ? "sandbox" : NULL,
			.outcome = "success",
			.request_id = arena_printf(b->arena, "req-%d-\xc3\xa9", i),
			.ip = "192.0.2.7",
			.detail = "{\"changed\":[\"name\",\"status\"]}",
			.tenant_id = AUDIT_TENANT,
			.key_version = 1,
		};
		r->prev_mac = hex_encode(b->arena, mac[c], sizeof(mac[c]));
		audit_row_mac(b->arena, key, mac[c], r, mac[c]);
		r->mac = hex_encode(b->arena, mac[c], sizeof(mac[c]));
	}
}

static void split(struct audit_file *f, const struct str *text)
{
	f->n = 0;
	for (const char *p = text->data; *p != '\0'; p += f->line[f->n++].n + 1) {
		assert_true(f->n < AUDIT_LINES_MAX);
		f->line[f->n] = (struct audit_text){ p, strcspn(p, "\n") };
	}
}

static void add_checkpoint(struct audit_book *b, struct audit_export *x, struct str *out,
			   const struct audit_row *r)
{
	unsigned char signature[SIGN_LEN];
	struct checkpoint c = {
		.tenant_id = AUDIT_TENANT,
		.chain = r->chain,
		.number = 1,
		.seq = r->seq,
		.mac = r->mac,
		.at = r->timestamp,
		.previous = b->row[0].prev_mac,
		.key_id = x->key->id,
	};
	struct str text;

	str_init(&text, b->arena, 512);
	checkpoint_canonical(&text, &c, false);
	sign_make(x->key->seed, text.data, text.len, signature);
	c.signature = base64url_encode(b->arena, signature, sizeof(signature));
	export_checkpoint(x, out, &c);
}

void audit_book_export(struct audit_book *b, const struct signing_key *key, const char *filter, int n,
		       int skip, struct audit_file *ret)
{
	struct audit_export x = { .tenant_id = AUDIT_TENANT, .key = key };
	const struct audit_row *last[CHAINS] = { NULL };
	struct str out;

	str_init(&out, b->arena, 8 << 20);
	export_head(&x, &out, INT64_C(1769860800000000), filter);
	for (int i = 0; i < n; i++) {
		last[chain_at(&b->row[i])] = &b->row[i];
		if (i != skip)
			export_record(&x, &out, &b->row[i]);
		if (i % AUDIT_PIECE == AUDIT_PIECE - 1)
			export_seal(&x, &out, false);
	}
	for (int c = 0; c < CHAINS; c++)
		if (last[c] != NULL)
			add_checkpoint(b, &x, &out, last[c]);
	export_seal(&x, &out, true);
	split(ret, &out);
}

/* Doing something to files -------------------------------------------------------------------------- */

bool audit_is_record(const struct audit_text *l)
{
	return strncmp(l->text, "{\"action\":", 10) == 0;
}

static int64_t number_of(const struct audit_text *l, const char *name)
{
	const char *at = strstr(l->text, name);

	assert_non_null(at);
	return strtoll(at + strlen(name), NULL, 10);
}

int64_t audit_n_of(const struct audit_text *l)
{
	return number_of(l, "\"n\":");
}

const char *audit_place_of(struct audit_book *b, const struct audit_text *l)
{
	const bool data = strstr(l->text, "\"chain\":\"data\"") < l->text + l->n &&
			  strstr(l->text, "\"chain\":\"data\"") != NULL;

	return arena_printf(b->arena, "%s %" PRId64, data ? "data" : "control", number_of(l, "\"seq\":"));
}

void audit_some_lines(const struct audit_file *f, int places[AUDIT_PLACES])
{
	const int part = f->n / AUDIT_PLACES;

	for (int i = 0; i < AUDIT_PLACES; i++)
		do
			places[i] = i * part + 5 + audit_any(part - 10);
		while (!audit_is_record(&f->line[places[i]]));
}

void audit_take_out(struct audit_file *f, int i)
{
	memmove(&f->line[i], &f->line[i + 1], (size_t)(f->n - i - 1) * sizeof(f->line[0]));
	f->n--;
}

void audit_put_in(struct audit_file *f, int i, struct audit_text l)
{
	assert_true(f->n < AUDIT_LINES_MAX);
	memmove(&f->line[i + 1], &f->line[i], (size_t)(f->n - i) * sizeof(f->line[0]));
	f->line[i] = l;
	f->n++;
}

struct audit_text audit_forge(struct audit_book *b, const struct audit_text *l, const char *was,
			      const char *is)
{
	const char *at = strstr(l->text, was), *digest = strstr(l->text, ",\"digest\":");
	unsigned char sum[32];
	const char *text;

	assert_true(at != NULL && digest != NULL && at < digest);
	text = arena_printf(b->arena, "%.*s%s%.*s}", (int)(at - l->text), l->text, is,
			    (int)(digest - at - (ptrdiff_t)strlen(was)), at + strlen(was));
	sha256_of(text, strlen(text), sum);
	text = arena_printf(b->arena, "%.*s,\"digest\":\"%s\"}", (int)strlen(text) - 1, text,
			    hex_encode(b->arena, sum, sizeof(sum)));
	return (struct audit_text){ text, strlen(text) };
}

