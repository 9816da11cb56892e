/* SPDX-License-Identifier: Apache-2.0 */
/* The audit as a file: what is in it, how long it may be, how its end is seen. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cc/base/bytes.h"
#include "cc/core/audit_export.h"
#include "cc/crypto/digest.h"
#include "cc/crypto/sign.h"
#include "pull.h"
#include "story.h"
#include "temp.h"

enum { MANY = 200000, MANY_LONG = 1000000, GROWTH_KB = 8 * 1024, WAIT_MS = 20000, LINES_MAX = 200 };

struct file {
	json_t *line[LINES_MAX];
	size_t n;
};

static struct file read_file(const struct answer *a)
{
	struct file f = { .n = 0 };

	assert_status(200, a);
	assert_string_equal("application/x-ndjson", answer_header(a, "Content-Type"));
	for (const char *p = a->body; *p != '\0'; p += strcspn(p, "\n") + 1) {
		assert_true(f.n < LINES_MAX);
		assert_non_null(strchr(p, '\n'));
		f.line[f.n] = json_loadb(p, strcspn(p, "\n"), 0, NULL);
		assert_non_null(f.line[f.n++]);
	}
	assert_true(f.n >= 2);
	return f;
}

static void file_free(struct file *f)
{
	for (size_t i = 0; i < f->n; i++)
		json_decref(f->line[i]);
}

static const char *text(const json_t *o, const char *name)
{
	const char *s = json_string_value(json_object_get(o, name));

	return s != NULL ? s : "";
}

static int64_t number(const json_t *o, const char *name)
{
	return json_integer_value(json_object_get(o, name));
}

static bool is_type(const json_t *o, const char *type)
{
	return strcmp(text(o, "type"), type) == 0;
}

static size_t count(const struct file *f, const char *type)
{
	size_t n = 0;

	for (size_t i = 0; i < f->n; i++)
		n += is_type(f->line[i], type);
	return n;
}

/* As another program would: sorted, compact, without one member. */
static void digest_without(json_t *o, const char *without, unsigned char ret[EXPORT_DIGEST_LEN])
{
	json_t *copy = json_copy(o);
	char *plain;

	json_object_del(copy, without);
	plain = json_dumps(copy, JSON_COMPACT | JSON_SORT_KEYS);
	sha256_of(plain, strlen(plain), ret);
	free(plain);
	json_decref(copy);
}

static void check_seal(struct story *s, json_t *seal, const unsigned char digest[EXPORT_DIGEST_LEN])
{
	struct client *nobody = client_open(daemon_port(s->d));
	const struct answer *keys = client_call(nobody, "GET", "/.well-known/controlcore-keys", NULL, NULL);
	struct arena *a = arena_create(4096);
	const char *x = answer_text(keys, "keys[0].x"), *signature = text(seal, "signature");
	json_t *copy = json_copy(seal);
	struct bytes pub, sig;
	char *plain;

	assert_string_equal(hex_encode(a, digest, EXPORT_DIGEST_LEN), text(seal, "digest"));
	assert_text(text(seal, "key_id"), keys, "keys[0].kid");
	json_object_del(copy, "signature");
	plain = json_dumps(copy, JSON_COMPACT | JSON_SORT_KEYS);
	assert_true(base64url_decode(a, x, strlen(x), &pub) && pub.n == SIGN_PUBLIC_LEN);
	assert_true(base64url_decode(a, signature, strlen(signature), &sig) && sig.n == SIGN_LEN);
	assert_true(sign_check(pub.p, plain, strlen(plain), sig.p));
	free(plain);
	json_decref(copy);
	arena_destroy(a);
	client_close(nobody);
}

static void every_line_is_signed_for(void **state)
{
	struct story *s = *state;
	unsigned char digest[EXPORT_DIGEST_LEN] = { 0 }, one[EXPORT_DIGEST_LEN];
	struct arena *a = arena_create(4096);
	struct file f;
	int64_t n = 0;

	story_policy(s, "p");
	story_resource(s, "r");
	f = read_file(client_get(s->c, "/audit/export"));
	assert_true(is_type(f.line[0], "export"));
	assert_string_equal(s->t.id, text(f.line[0], "tenant_id"));
	for (size_t i = 0; i < f.n; i++) {
		if (is_type(f.line[i], "seal")) {
			assert_int_equal(n, number(f.line[i], "n"));
			check_seal(s, f.line[i], digest);
			continue;
		}
		digest_without(f.line[i], "digest", one);
		export_fold(digest, one);
		if (json_object_get(f.line[i], "type") != NULL)
			continue;
		assert_int_equal(++n, number(f.line[i], "n"));
		assert_string_equal(hex_encode(a, one, sizeof(one)), text(f.line[i], "digest"));
	}
	assert_true(json_is_true(json_object_get(f.line[f.n - 1], "last")));
	assert_int_equal(2, count(&f, "checkpoint"));
	file_free(&f);
	arena_destroy(a);
}

/* Of the same time there is only one order, in the list as in the file. */
static void the_file_is_the_list_from_its_other_end(void **state)
{
	struct story *s = *state;
	const struct answer *list;
	struct file f;
	size_t n;

	story_policy(s, "p");
	free(fixture_key(s->d, s->t.id, "policies:read", NULL));
	story_resource(s, "r");
	list = assert_status(200, client_get(s->c, "/audit/logs?limit=1000"));
	f = read_file(client_get(s->c, "/audit/export?format=ndjson"));
	n = answer_count(list, "logs");
	assert_int_equal(n, count(&f, ""));
	for (size_t i = 0; i < n; i++) {
		json_t *item = json_array_get(answer_at(list, "logs"), n - 1 - i);
		const char *key;
		json_t *v;

		json_object_foreach(item, key, v)
		{
			if (!json_is_null(v))
				assert_true(json_equal(v, json_object_get(f.line[1 + i], key)));
		}
	}
	file_free(&f);
}

static size_t exported(struct story *s, const char *query)
{
	struct file f = read_file(client_get(s->c, "/audit/export?%s", query));
	const size_t n = count(&f, "");

	file_free(&f);
	return n;
}

static void filters_are_those_of_the_list(void **state)
{
	static const char *const filters[] = { "action=createPolicy", "object=resource", "chain=control",
		"chain=data&environment=sandbox", "category=authentication", "actor=nobody",
		"object=policy&object_id=1", "end_date=2020-01-01", "start_date=2020-01-01" };
	struct story *s = *state;
	struct file f;

	story_policy(s, "p");
	story_resource(s, "r");
	assert_status(200, client_delete(s->c, "/resources/1"));
	for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++)
		assert_int_equal(answer_int(client_get(s->c, "/audit/logs?%s", filters[i]), "total"),
			exported(s, filters[i]));
	f = read_file(client_get(s->c, "/audit/export?chain=data&object=policy"));
	assert_string_equal("data", text(json_object_get(f.line[0], "filter"), "chain"));
	assert_string_equal("policy", text(json_object_get(f.line[0], "filter"), "object"));
	assert_int_equal(2, json_object_size(json_object_get(f.line[0], "filter")));
	assert_int_equal(1, count(&f, "checkpoint"));
	file_free(&f);
	assert_fault("format", "enum", client_get(s->c, "/audit/export?format=xml"));
	assert_fault("end_date", "range",
		client_get(s->c, "/audit/export?start_date=2020-02-03&end_date=2020-02-01"));
}

static void csv_has_a_line_for_each_record(void **state)
{
	static const char head[] = "chain,seq,timestamp,actor_kind,actor,action,category,object_type,"
				   "object_id,environment,outcome,request_id,ip,detail,tenant_id,key_version,"
				   "prev_mac,mac\r\n";
	struct story *s = *state;
	const struct answer *a;
	char begin[300];
	const char *row;
	int lines = 0;

	assert_status(200, client_call(s->c, "GET", "/api/v1/policies", NULL, NULL));
	assert_status(201, client_call(s->c, "POST", "/api/v1/policies", "X-Request-ID: story-csv-1\r\n",
				   "{\"name\":\"p\",\"rego_code\":\"package p\"}"));
	a = assert_status(200, client_get(s->c, "/audit/export?format=csv&action=createPolicy"));
	assert_string_equal("text/csv", answer_header(a, "Content-Type"));
	assert_memory_equal(head, a->body, strlen(head));
	for (const char *p = a->body; (p = strstr(p, "\r\n")) != NULL; p += 2)
		lines++;
	assert_int_equal(2, lines);
	row = a->body + strlen(head);
	assert_memory_equal("data,2,20", row, 9);
	snprintf(begin, sizeof(begin),
		"Z,api_key,%s,createPolicy,control_management,policy,1,sandbox,success,story-csv-1,127.0.0.",
		s->t.key_id);
	assert_non_null(strstr(row, begin));
}

static void the_export_needs_its_scope(void **state)
{
	struct story *s = *state;
	char *key = fixture_key(s->d, s->t.id, "policies:read,policies:write", NULL);

	client_key(s->c, key);
	assert_error(403, "insufficient_scope", client_get(s->c, "/audit/export"));
	free(key);
}

/* Nor does anything of it come with the answers after it. */
static void asking_for_the_head_brings_no_body(void **state)
{
	struct story *s = *state;

	for (int i = 0; i < 200; i++) {
		assert_status(200, client_call(s->c, "HEAD", "/api/v1/audit/export", NULL, NULL));
		assert_status(200, client_get(s->c, "/audit/checkpoints"));
		client_forget(s->c);
	}
}

/* Long files ----------------------------------------------------------------------------------------- */

/* Records that the database alone has made; nobody checks their macs here. */
static void grow(struct story *s, int64_t n)
{
	char sql[1200];

	snprintf(sql, sizeof(sql),
		"WITH a AS (INSERT INTO audit SELECT g, date_trunc('milliseconds', clock_timestamp()),"
		" 'system', 'system', 'expunge', 'tenant_management', 'tenant', 'many', NULL, 'success',"
		" NULL, NULL, json '{\"changed\":[\"name\",\"status\"]}', 1, sha256(int8send(g - 1)),"
		" sha256(int8send(g)) FROM head, generate_series(audit_seq + 1, audit_seq + %" PRId64
		") g RETURNING seq)"
		" UPDATE head SET audit_seq = (SELECT max(seq) FROM a),"
		" audit_mac = (SELECT sha256(int8send(max(seq))) FROM a)",
		n);
	story_value(s, sql);
}

static void shrink(struct story *s)
{
	story_value(s, "DELETE FROM audit WHERE object_id = 'many'");
	story_value(s, "UPDATE head SET audit_seq = (SELECT max(seq) FROM audit),"
		       " audit_mac = (SELECT mac FROM audit ORDER BY seq DESC LIMIT 1)");
}

static int64_t peak_kb(struct story *s)
{
	char path[64], *status;
	const char *at;
	int64_t kb;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)daemon_pid(s->d));
	status = temp_read(path);
	at = status != NULL ? strstr(status, "VmHWM:") : NULL;
	assert_non_null(at);
	kb = strtoll(at + strlen("VmHWM:"), NULL, 10);
	free(status);
	return kb;
}

static int64_t member_of(const char *line, const char *name)
{
	const char *at = strstr(line, name);

	assert_non_null(at);
	return strtoll(at + strlen(name), NULL, 10);
}

/* From where it is to its end: how many records there were in all, each in its place. */
static int64_t drain(struct pull *p)
{
	int64_t n = 0, seq = 0;
	const char *line;

	while ((line = pull_line(p)) != NULL) {
		if (strncmp(line, "{\"action\":", 10) != 0)
			continue;
		assert_true(n == 0 || member_of(line, "\"n\":") == n + 1);
		n = member_of(line, "\"n\":");
		if (strstr(line, "\"chain\":\"data\"") == NULL)
			continue;
		assert_true(seq == 0 || member_of(line, "\"seq\":") == seq + 1);
		seq = member_of(line, "\"seq\":");
	}
	return n;
}

/* A sanitizer keeps what was freed: then it is not the daemon's memory that is measured. */
static bool measured(void)
{
	const char *sanitize = getenv("CC_SANITIZE");

	return sanitize == NULL || sanitize[0] == '\0';
}

static void a_long_file_takes_no_more_memory(void **state)
{
	const int64_t many = getenv("CC_LONG") != NULL ? MANY_LONG : MANY;
	struct story *s = *state;
	int64_t before, total, growth, start;
	struct pull p;

	story_policy(s, "p");
	grow(s, 2000);
	pull_open(&p, daemon_port(s->d), s->t.key, "/audit/export");
	assert_int_equal(answer_int(client_get(s->c, "/audit/logs"), "total"), drain(&p));
	pull_close(&p);
	grow(s, many);
	before = peak_kb(s);
	start = temp_now_ms();
	pull_open(&p, daemon_port(s->d), s->t.key, "/audit/export");
	total = drain(&p);
	assert_true(p.whole);
	growth = peak_kb(s) - before;
	print_message("%" PRId64 " records, %" PRId64 " MiB in %" PRId64 " ms: the daemon's peak grew by "
		      "%" PRId64 " KiB\n",
		total, p.bytes >> 20, temp_now_ms() - start, growth);
	assert_true(total > many + 2000);
	if (measured())
		assert_true(growth <= GROWTH_KB);
	pull_close(&p);
	pull_open(&p, daemon_port(s->d), s->t.key, "/audit/export?object_id=1&object=policy");
	assert_int_equal(1, drain(&p));
	assert_true(p.whole);
	pull_close(&p);
	shrink(s);
}

/* Begins to read a long one, and rests. */
static void begin(struct story *s, struct pull *p, const char *key)
{
	pull_open(p, daemon_port(s->d), key, "/audit/export");
	for (int i = 0; i < 1000; i++)
		assert_non_null(pull_line(p));
}

/* What is written meanwhile is not in it: the file is of when it began. */
static void who_rests_holds_no_transaction(void **state)
{
	struct story *s = *state;
	const int64_t end = temp_now_ms() + WAIT_MS;
	int64_t total;
	struct pull p;

	story_policy(s, "p");
	grow(s, 20000);
	total = answer_int(client_get(s->c, "/audit/logs"), "total");
	begin(s, &p, s->t.key);
	while (story_number(s, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
			       " AND pid <> pg_backend_pid() AND xact_start IS NOT NULL"
			       " AND backend_type = 'client backend'") > 0)
		assert_true(temp_now_ms() < end);
	free(fixture_key(s->d, s->t.id, "policies:read", NULL));
	assert_int_equal(total, drain(&p));
	assert_true(p.whole);
	pull_close(&p);
	assert_int(total + 1, client_get(s->c, "/audit/logs"), "total");
	shrink(s);
}

static void what_fails_in_the_middle_has_no_end(void **state)
{
	struct story *s = *state;
	struct pull p;

	story_policy(s, "p");
	grow(s, 20000);
	begin(s, &p, s->t.key);
	story_value(s, "ALTER TABLE audit RENAME TO away");
	(void)drain(&p);
	assert_false(p.whole);
	assert_true(p.lines < 20000);
	pull_close(&p);
	story_value(s, "ALTER TABLE away RENAME TO audit");
	shrink(s);
}

static void a_key_that_is_revoked_reads_no_further(void **state)
{
	struct story *s = *state;
	char *id, *key = fixture_key(s->d, s->t.id, "audit:read", &id);
	struct pull p;

	story_policy(s, "p");
	grow(s, 20000);
	begin(s, &p, key);
	assert_status(200, client_delete(s->operator, "/tenants/%s/api-keys/%s", s->t.id, id));
	(void)drain(&p);
	assert_false(p.whole);
	assert_true(p.lines < 20000);
	pull_close(&p);
	shrink(s);
	free(key);
	free(id);
}

#define STORY(fn) cmocka_unit_test_setup_teardown(fn, story_open, story_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(every_line_is_signed_for),
		STORY(the_file_is_the_list_from_its_other_end),
		STORY(filters_are_those_of_the_list),
		STORY(csv_has_a_line_for_each_record),
		STORY(the_export_needs_its_scope),
		STORY(asking_for_the_head_brings_no_body),
		STORY(a_long_file_takes_no_more_memory),
		STORY(who_rests_holds_no_transaction),
		STORY(what_fails_in_the_middle_has_no_end),
		STORY(a_key_that_is_revoked_reads_no_further),
	};

	return cmocka_run_group_tests(tests, daemon_group_setup, daemon_group_teardown);
}
