/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a bundle holds, by the documentation of OPA: files, manifest, signature. Nothing in it says when it
 * was made.
 */
#include "bundles_in.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cc/base/clock.h"
#include "cc/crypto/digest.h"
#include "cc/model/rego.h"
#include "cc/model/resource.h"
#include "cc/schema/doc.h"
#include "cc/schema/write.h"
#include "cc/store/tarball.h"

#define KEY_LABEL "controlcore bundle key v1"
#define REVISION_LEN 32 /* digits */

void bundle_key_make(const struct signing_key *platform, const char *tenant_id, struct bundle_key *ret)
{
	struct arena *a = arena_create(1024);
	const char *text = arena_printf(a, KEY_LABEL "\n%s", tenant_id);
	unsigned char secret[32], sum[32];
	const char *jwk;

	hmac_sha256(platform->seed, sizeof(platform->seed), text, strlen(text), secret);
	es256_key(secret, sizeof(secret), ret->key);
	es256_public(ret->key, ret->point);
	jwk = arena_printf(a, "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"}",
		base64url_encode(a, ret->point, 32), base64url_encode(a, ret->point + 32, 32));
	sha256_of(jwk, strlen(jwk), sum);
	memcpy(ret->id, base64url_encode(a, sum, sizeof(sum)), sizeof(ret->id));
	bytes_wipe(secret, sizeof(secret));
	arena_destroy(a);
}

void bundle_jwk_make(
	struct arena *a, const struct signing_key *platform, const char *tenant_id, struct bundle_jwk *ret)
{
	struct bundle_key key;

	bundle_key_make(platform, tenant_id, &key);
	*ret = (struct bundle_jwk){
		.kty = "EC",
		.crv = "P-256",
		.x = base64url_encode(a, key.point, 32),
		.y = base64url_encode(a, key.point + 32, 32),
		.kid = arena_strdup(a, key.id),
		.use = "sig",
		.alg = "ES256",
		.pem = es256_pem(a, key.point),
	};
	bytes_wipe(&key, sizeof(key));
}

/* Files -------------------------------------------------------------------------------------------- */

struct file {
	const char *name, *text, *sum;
	size_t n;
};

struct making {
	struct ctx *cx;
	struct arena *a;
	const struct bundle_content *content;
	const struct bundle_key *key;
	struct file *file;
	size_t n;
	/* of each policy: "app/authz", its file, whether it is written as before v1, and left out */
	const char **package, **policy_file;
	bool *old_syntax, *left_out;
};

static void add_file(struct making *m, const char *name, const char *text, size_t n)
{
	unsigned char sum[32];

	sha256_of(text, n, sum);
	m->file[m->n++] = (struct file){ name, text, hex_encode(m->a, sum, sizeof(sum)), n };
}

static const char *policy_text(const struct making *m, size_t i)
{
	return DB_ROW(&m->content->policies, struct bundle_policy, i)->rego_code;
}

/* Engines refuse a bundle in which two do not go together: the policy that came first is in it. */
static void look_at(struct making *m, struct rego_union *u, struct arena *a, size_t i)
{
	struct rego_module *r = ARENA_NEW(a, struct rego_module);
	struct rego_clash clash;

	rego_check(a, policy_text(m, i), strlen(policy_text(m, i)), r);
	m->old_syntax[i] = r->old_syntax;
	m->package[i] = arena_strdup(m->a, r->package_path != NULL ? r->package_path : "policies");
	m->left_out[i] = !rego_union_add(u, policy_text(m, i), r, (int64_t)i, &clash);
}

/* Nobody has the thread for longer than the step's time, however much there is to do. */
static enum err check_time(struct making *m)
{
	if (clock_mono_ms() < m->cx->deadline_ms)
		return ERR_NONE;
	return refuse(m->cx, ERR_UNAVAILABLE, "the bundle takes too long to make");
}

/* What reading one takes, many times what it weighs, is given back before the next: a. */
static enum err look_at_all(struct making *m, struct rego_union *u, struct arena *a)
{
	for (size_t i = 0; i < m->content->policies.n; i++) {
		const struct bundle_policy *p = DB_ROW(&m->content->policies, struct bundle_policy, i);

		TRY(check_time(m));
		look_at(m, u, a, i);
		arena_reset(a);
		m->policy_file[i] = arena_printf(m->a, "%s/policy-%" PRId64 ".rego", m->package[i], p->id);
		if (!m->left_out[i])
			add_file(m, m->policy_file[i], p->rego_code, strlen(p->rego_code));
	}
	return ERR_NONE;
}

static enum err add_policies(struct making *m)
{
	struct rego_union *u = rego_union_create(m->a);
	struct arena *a = arena_create(1 << 16);
	const enum err e = look_at_all(m, u, a);

	arena_destroy(a);
	rego_union_destroy(u);
	return e;
}

static enum err sorted(struct making *m, const char *json, const char **ret)
{
	const char *why = "";

	*ret = json_sorted(m->a, json, &why);
	return *ret != NULL ? ERR_NONE : refuse(m->cx, ERR_INTERNAL, "a bundle's JSON: %s", why);
}

/* What of a resource counts for a decision; when it was saved does not. */
static void write_resource(struct jw *w, const struct resource *r)
{
	static const char *const members[] = { "id", "name", "type", "environment", "path", "methods",
		"description", "attributes", "url", "original_host", "target_host",
		"default_security_posture", "auto_discovered" };

	jw_object(w);
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		const struct field *f = schema_field(&resource_schema, members[i]);

		if (f == NULL)
			abort();
		jw_key(w, f->name);
		schema_write_value(w, f, schema_member_const(r, f), WRITE_FULL);
	}
	jw_object_end(w);
}

static enum err add_data(struct making *m)
{
	struct str out;
	struct jw w;
	const char *text;

	str_init(&out, m->a, 4096);
	jw_init(&w, &out);
	jw_object(&w);
	jw_key(&w, "resources");
	jw_object(&w);
	for (size_t i = 0; i < m->content->resources.n; i++) {
		const struct resource *r = DB_ROW(&m->content->resources, struct resource, i);

		TRY(check_time(m));
		jw_key(&w, r->name);
		write_resource(&w, r);
	}
	jw_object_end(&w);
	jw_object_end(&w);
	TRY(sorted(m, out.data, &text));
	add_file(m, "data.json", text, strlen(text));
	return ERR_NONE;
}

/* Manifest ----------------------------------------------------------------------------------------- */

/* What lies below one follows it at once: the slash comes before all that names are made of. */
static int by_path(const void *x, const void *y)
{
	const char *a = *(const char *const *)x, *b = *(const char *const *)y;

	for (; *a != '\0' && *a == *b; a++)
		b++;
	if (*a == *b)
		return 0;
	if (*a == '\0' || *b == '\0')
		return *a == '\0' ? -1 : 1;
	if (*a == '/' || *b == '/')
		return *a == '/' ? -1 : 1;
	return *a < *b ? -1 : 1;
}

static bool is_below(const char *path, const char *root)
{
	const size_t n = strlen(root);

	return strncmp(path, root, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

/* What the bundle speaks for: none of these lies in another. */
static void write_roots(struct making *m, struct jw *w)
{
	const size_t n = m->content->policies.n;
	const char **v = ARENA_ARRAY(m->a, const char *, n + 1);
	const char *last = NULL;

	for (size_t i = 0; i < n; i++)
		v[i] = m->left_out[i] ? "resources" : m->package[i];
	v[n] = "resources";
	qsort(v, n + 1, sizeof(*v), by_path);
	jw_array(w);
	for (size_t i = 0; i <= n; i++) {
		if (last != NULL && is_below(v[i], last))
			continue;
		last = v[i];
		jw_text(w, v[i]);
	}
	jw_array_end(w);
}

static void write_id(struct jw *w, const char *key, int64_t id)
{
	jw_key(w, key);
	if (id == INT_NULL)
		jw_null(w);
	else
		jw_int(w, id);
}

static void write_policies(struct making *m, struct jw *w)
{
	jw_array(w);
	for (size_t i = 0; i < m->content->policies.n; i++) {
		const struct bundle_policy *p = DB_ROW(&m->content->policies, struct bundle_policy, i);

		jw_object(w);
		write_id(w, "id", p->id);
		jw_key(w, "name");
		jw_text(w, p->name);
		jw_key(w, "package");
		jw_text(w, m->package[i]);
		write_id(w, "version", p->version);
		write_id(w, "resource_id", p->resource_id);
		write_id(w, "bouncer_id", p->bouncer_id);
		jw_key(w, "left_out");
		jw_bool(w, m->left_out[i]);
		jw_object_end(w);
	}
	jw_array_end(w);
}

/*
 * Of all files that are there, with whose they are and who signs them: bouncers that have the same by another
 * key must ask for it anew.
 */
static const char *revision_of(struct making *m, const char *policies)
{
	struct sha256 *s = sha256_begin();
	unsigned char sum[32];
	char *digits;

	sha256_add(s, m->content->tenant_id, strlen(m->content->tenant_id) + 1);
	sha256_add(s, m->content->environment, strlen(m->content->environment) + 1);
	sha256_add(s, m->key->id, sizeof(m->key->id));
	sha256_add(s, policies, strlen(policies) + 1);
	for (size_t i = 0; i < m->n; i++) {
		sha256_add(s, m->file[i].name, strlen(m->file[i].name) + 1);
		sha256_add(s, m->file[i].sum, strlen(m->file[i].sum));
	}
	sha256_end(s, sum);
	digits = hex_encode(m->a, sum, sizeof(sum));
	digits[REVISION_LEN] = '\0';
	return digits;
}

/* Engines read modules as v1 (OPA 1.0 does, unless it is told otherwise), but for those written before it. */
static void write_versions(struct making *m, struct jw *w)
{
	jw_key(w, "rego_version");
	jw_int(w, 1);
	jw_key(w, "file_rego_versions");
	jw_object(w);
	for (size_t i = 0; i < m->content->policies.n; i++) {
		if (m->left_out[i] || !m->old_syntax[i])
			continue;
		jw_key(w, arena_printf(m->a, "/%s", m->policy_file[i]));
		jw_int(w, 0);
	}
	jw_object_end(w);
}

static enum err add_manifest(struct making *m, const char **ret_revision)
{
	struct str policies, out;
	struct jw w;
	const char *text;

	str_init(&policies, m->a, 1024);
	jw_init(&w, &policies);
	write_policies(m, &w);
	*ret_revision = revision_of(m, policies.data);
	str_init(&out, m->a, 1024);
	jw_init(&w, &out);
	jw_object(&w);
	jw_key(&w, "revision");
	jw_text(&w, *ret_revision);
	jw_key(&w, "roots");
	write_roots(m, &w);
	write_versions(m, &w);
	jw_key(&w, "metadata");
	jw_object(&w);
	jw_key(&w, "tenant_id");
	jw_text(&w, m->content->tenant_id);
	jw_key(&w, "environment");
	jw_text(&w, m->content->environment);
	jw_key(&w, "policies");
	jw_raw(&w, policies.data);
	jw_object_end(&w);
	jw_object_end(&w);
	TRY(sorted(m, out.data, &text));
	add_file(m, ".manifest", text, strlen(text));
	return ERR_NONE;
}

/* Signature ---------------------------------------------------------------------------------------- */

static void write_files(struct making *m, struct jw *w)
{
	jw_object(w);
	jw_key(w, "files");
	jw_array(w);
	for (size_t i = 0; i < m->n; i++) {
		jw_object(w);
		jw_key(w, "name");
		jw_text(w, m->file[i].name);
		jw_key(w, "hash");
		jw_text(w, m->file[i].sum);
		jw_key(w, "algorithm");
		jw_text(w, "SHA-256");
		jw_object_end(w);
	}
	jw_array_end(w);
	jw_object_end(w);
}

static const char *signatures_of(struct making *m, const struct bundle_key *key)
{
	const char *head = arena_printf(m->a, "{\"alg\":\"ES256\",\"kid\":\"%s\",\"typ\":\"JWT\"}", key->id);
	unsigned char made[ES256_LEN];
	struct str files;
	struct jw w;
	const char *text;

	str_init(&files, m->a, 1024);
	jw_init(&w, &files);
	write_files(m, &w);
	text = arena_printf(m->a, "%s.%s", base64url_encode(m->a, head, strlen(head)),
		base64url_encode(m->a, files.data, files.len));
	es256_sign(key->key, text, strlen(text), made);
	return arena_printf(
		m->a, "{\"signatures\":[\"%s.%s\"]}", text, base64url_encode(m->a, made, sizeof(made)));
}

static int by_name(const void *x, const void *y)
{
	return strcmp(((const struct file *)x)->name, ((const struct file *)y)->name);
}

enum err bundle_make(struct ctx *cx, const struct bundle_content *c, const struct bundle_key *key,
	struct bundle_bytes *ret)
{
	struct making m = { .cx = cx, .a = cx->arena, .content = c, .key = key };
	const char *signatures;
	struct tarball *t;
	enum err e = ERR_NONE;

	m.file = ARENA_ARRAY(cx->arena, struct file, c->policies.n + 2);
	m.package = ARENA_ARRAY(cx->arena, const char *, c->policies.n + 1);
	m.policy_file = ARENA_ARRAY(cx->arena, const char *, c->policies.n + 1);
	m.old_syntax = ARENA_ARRAY(cx->arena, bool, c->policies.n + 1);
	m.left_out = ARENA_ARRAY(cx->arena, bool, c->policies.n + 1);
	TRY(add_policies(&m));
	TRY(add_data(&m));
	TRY(add_manifest(&m, &ret->revision));
	qsort(m.file, m.n, sizeof(*m.file), by_name);
	signatures = signatures_of(&m, key);
	t = tarball_begin(cx->arena);
	tarball_add(t, ".signatures.json", signatures, strlen(signatures));
	for (size_t i = 0; i < m.n && e == ERR_NONE; i++) {
		e = check_time(&m);
		tarball_add(t, m.file[i].name, m.file[i].text, m.file[i].n);
	}
	ret->p = tarball_end(t, &ret->n);
	return e;
}
