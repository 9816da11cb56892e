/* SPDX-License-Identifier: Apache-2.0 */
#include "bouncer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <archive.h>
#include <archive_entry.h>
#include <cmocka.h>

#include "go_json.h"
#include "temp.h"
#include "cc/base/bytes.h"
#include "cc/base/str.h"
#include "cc/crypto/digest.h"
#include "cc/crypto/jws.h"

#define PULL_MS 30000

char *bouncer_key(struct daemon *d, const char *tenant_id, const char *environment)
{
	struct client *c = client_operator(d);
	char path[160];
	const struct answer *a;
	char *key;

	snprintf(path, sizeof(path), "/tenants/%s/api-keys", tenant_id);
	a = assert_status(201,
		client_post(c, path, "{'name':'bouncers','scopes':['bouncers:connect'],'environment':'%s'}",
			strcmp(environment, "sandbox") == 0 ? "test" : "live"));
	key = strdup(answer_text(a, "key"));
	client_close(c);
	return key;
}

const struct answer *bouncer_ask(struct client *c, const char *environment, const char *etag, int wait_s)
{
	char target[100], headers[300];
	int n = 0;

	headers[0] = '\0';
	snprintf(target, sizeof(target), "/api/v1/bundles/%s", environment);
	if (etag != NULL)
		n = snprintf(headers, sizeof(headers), "If-None-Match: %s\r\n", etag);
	if (wait_s >= 0)
		snprintf(headers + n, sizeof(headers) - (size_t)n, "Prefer: modes=snapshot,delta;wait=%d\r\n",
			wait_s);
	return client_call(c, "GET", target, headers, NULL);
}

const struct answer *bouncer_pull(struct client *c, const char *environment, const char *etag)
{
	const int64_t until = temp_now_ms() + PULL_MS;
	const struct answer *a;

	do {
		a = bouncer_ask(c, environment, etag, 5);
	} while (a->status == 304 && temp_now_ms() < until);
	return assert_status(200, a);
}

static void take_apart(const struct answer *a, struct bouncer_bundle *ret)
{
	struct archive *in = archive_read_new();
	struct archive_entry *e;

	assert_int_equal(ARCHIVE_OK, archive_read_support_filter_gzip(in));
	assert_int_equal(ARCHIVE_OK, archive_read_support_format_tar(in));
	assert_int_equal(ARCHIVE_OK, archive_read_open_memory(in, a->body, a->body_len));
	while (archive_read_next_header(in, &e) == ARCHIVE_OK) {
		struct bouncer_file *f = &ret->file[ret->n++];

		assert_true(ret->n < BOUNCER_FILES_MAX);
		snprintf(f->name, sizeof(f->name), "%s", archive_entry_pathname(e));
		f->n = (size_t)archive_entry_size(e);
		f->text = calloc(1, f->n + 1);
		assert_int_equal(f->n, archive_read_data(in, f->text, f->n));
	}
	archive_read_free(in);
}

const struct bouncer_file *bouncer_file(const struct bouncer_bundle *b, const char *name)
{
	for (size_t i = 0; i < b->n; i++)
		if (strcmp(b->file[i].name, name) == 0)
			return &b->file[i];
	return NULL;
}

static struct bytes part(struct arena *a, const char *text, size_t n)
{
	struct bytes b;

	assert_true(base64url_decode(a, text, n, &b));
	return b;
}

static bool signed_by(struct arena *a, const json_t *key, const char *token)
{
	const char *x = json_string_value(json_object_get(key, "x"));
	const char *y = json_string_value(json_object_get(key, "y"));
	const char *dot = strrchr(token, '.');
	struct jwk k = { .alg = JWS_ES256 };

	k.x = part(a, x, strlen(x));
	k.y = part(a, y, strlen(y));
	return jws_verify(&k, token, (size_t)(dot - token), part(a, dot + 1, strlen(dot + 1)));
}

static json_t *json_of(const char *text, size_t n)
{
	json_error_t error;
	json_t *v = json_loadb(text, n, JSON_REJECT_DUPLICATES, &error);

	if (v == NULL)
		fail_msg("%s: %.*s", error.text, (int)n, text);
	return v;
}

static void check_key(struct arena *a, const char *token, const struct answer *keys)
{
	const struct bytes head = part(a, token, strcspn(token, "."));
	json_t *h = json_of((const char *)head.p, head.n), *key;
	bool found = false;
	size_t i;

	assert_string_equal("ES256", json_string_value(json_object_get(h, "alg")));
	json_array_foreach(answer_at(keys, "keys"), i, key)
	{
		if (json_equal(json_object_get(key, "kid"), json_object_get(h, "kid")) == 1) {
			assert_true(signed_by(a, key, token));
			found = true;
		}
	}
	assert_true(found);
	json_decref(h);
}

/* Of structured files OPA sums up what they say, with sorted keys; ours are written so. */
static void check_file(struct arena *a, const struct bouncer_bundle *b, const json_t *listed)
{
	const char *name = json_string_value(json_object_get(listed, "name"));
	const struct bouncer_file *f = bouncer_file(b, name);
	const char *text;
	unsigned char sum[32];

	if (f == NULL)
		fail_msg("%s is signed, and not there", name);
	assert_string_equal("SHA-256", json_string_value(json_object_get(listed, "algorithm")));
	text = f->text;
	if (str_ends(name, ".json") || strcmp(name, ".manifest") == 0)
		text = go_json(a, f->text, f->n);
	sha256_of(text, strlen(text), sum);
	assert_string_equal(
		hex_encode(a, sum, sizeof(sum)), json_string_value(json_object_get(listed, "hash")));
}

static void check_signature(struct bouncer_bundle *b, const struct answer *keys)
{
	const struct bouncer_file *f = bouncer_file(b, ".signatures.json");
	struct arena *a = arena_create(8192);
	json_t *list, *claims, *files, *listed;
	struct bytes text;
	const char *token;
	size_t i;

	assert_non_null(f);
	list = json_of(f->text, f->n);
	assert_int_equal(1, json_array_size(json_object_get(list, "signatures")));
	token = json_string_value(json_array_get(json_object_get(list, "signatures"), 0));
	check_key(a, token, keys);
	token += strcspn(token, ".") + 1;
	text = part(a, token, strcspn(token, "."));
	claims = json_of((const char *)text.p, text.n);
	files = json_object_get(claims, "files");
	assert_int_equal(b->n - 1, json_array_size(files));
	json_array_foreach(files, i, listed) check_file(a, b, listed);
	json_decref(claims);
	json_decref(list);
	arena_destroy(a);
}

/* Every module lies below a root, and no root below another. */
static void check_roots(const struct bouncer_bundle *b)
{
	const json_t *roots = json_object_get(b->manifest, "roots");
	json_t *x, *y;
	size_t i, k;

	json_array_foreach(roots, i, x)
	{
		json_array_foreach(roots, k, y)
		{
			const char *one = json_string_value(x), *two = json_string_value(y);
			const size_t n = strlen(one);

			if (i != k && strncmp(one, two, n) == 0 && (two[n] == '/' || two[n] == '\0'))
				fail_msg("root %s holds %s", one, two);
		}
	}
	for (i = 0; i < b->n; i++) {
		bool below = !str_ends(b->file[i].name, ".rego");

		json_array_foreach(roots, k, y) below =
			below || strncmp(b->file[i].name, json_string_value(y), json_string_length(y)) == 0;
		assert_true(below);
	}
}

void bouncer_open(const struct answer *bundle, const struct answer *keys, struct bouncer_bundle *ret)
{
	const struct bouncer_file *f;
	char etag[90];

	memset(ret, 0, sizeof(*ret));
	take_apart(bundle, ret);
	check_signature(ret, keys);
	f = bouncer_file(ret, ".manifest");
	ret->manifest = json_of(f->text, f->n);
	f = bouncer_file(ret, "data.json");
	assert_non_null(f);
	ret->data = json_of(f->text, f->n);
	snprintf(ret->revision, sizeof(ret->revision), "%s",
		json_string_value(json_object_get(ret->manifest, "revision")));
	snprintf(etag, sizeof(etag), "\"%s\"", ret->revision);
	assert_string_equal(etag, answer_header(bundle, "ETag"));
	check_roots(ret);
}

void bouncer_close(struct bouncer_bundle *b)
{
	for (size_t i = 0; i < b->n; i++)
		free(b->file[i].text);
	json_decref(b->manifest);
	json_decref(b->data);
}
