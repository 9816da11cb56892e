/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/core/audit_export.h"

#include <string.h>

#include "cc/base/clock.h"
#include "cc/core/audit_chain.h"
#include "cc/core/checkpoint.h"
#include "cc/crypto/digest.h"
#include "cc/crypto/sign.h"
#include "cc/schema/write.h"

void export_fold(unsigned char digest[EXPORT_DIGEST_LEN], const unsigned char line[EXPORT_DIGEST_LEN])
{
	unsigned char both[2 * EXPORT_DIGEST_LEN];

	memcpy(both, digest, EXPORT_DIGEST_LEN);
	memcpy(both + EXPORT_DIGEST_LEN, line, EXPORT_DIGEST_LEN);
	sha256_of(both, sizeof(both), digest);
}

/* What was appended since `from` is one line. ret (may be NULL): its digest. */
static void fold(struct audit_export *x, const struct str *out, size_t from, unsigned char *ret)
{
	unsigned char line[EXPORT_DIGEST_LEN];

	sha256_of(out->data + from, out->len - from, line);
	export_fold(x->digest, line);
	if (ret != NULL)
		memcpy(ret, line, sizeof(line));
}

void export_head(struct audit_export *x, struct str *out, int64_t at, const char *filter)
{
	const size_t from = out->len;
	struct jw w;

	jw_init(&w, out);
	jw_object(&w);
	jw_key(&w, "at");
	jw_text(&w, time_format_ms(out->arena, at));
	jw_key(&w, "filter");
	jw_raw(&w, filter);
	jw_key(&w, "format");
	jw_int(&w, EXPORT_FORMAT);
	jw_key(&w, "tenant_id");
	jw_text(&w, x->tenant_id);
	jw_key(&w, "type");
	jw_text(&w, "export");
	jw_object_end(&w);
	fold(x, out, from, NULL);
	str_add(out, "\n");
}

void export_record(struct audit_export *x, struct str *out, const struct audit_row *r)
{
	const size_t from = out->len;
	unsigned char digest[EXPORT_DIGEST_LEN];

	audit_line(out, r, ++x->n);
	fold(x, out, from, digest);
	out->data[--out->len] = '\0';
	str_addf(out, ",\"digest\":\"%s\"}\n", hex_encode(out->arena, digest, sizeof(digest)));
}

void export_checkpoint(struct audit_export *x, struct str *out, const struct checkpoint *c)
{
	const size_t from = out->len;

	str_add(out, "{\"checkpoint\":");
	checkpoint_canonical(out, c, true);
	str_add(out, ",\"type\":\"checkpoint\"}");
	fold(x, out, from, NULL);
	str_add(out, "\n");
}

static void write_seal(const struct audit_export *x, struct str *out, bool last, const char *signature)
{
	struct jw w;

	jw_init(&w, out);
	jw_object(&w);
	jw_key(&w, "digest");
	jw_text(&w, hex_encode(out->arena, x->digest, sizeof(x->digest)));
	jw_key(&w, "key_id");
	jw_text(&w, x->key->id);
	jw_key(&w, "last");
	jw_bool(&w, last);
	jw_key(&w, "n");
	jw_int(&w, x->n);
	if (signature != NULL) {
		jw_key(&w, "signature");
		jw_text(&w, signature);
	}
	jw_key(&w, "tenant_id");
	jw_text(&w, x->tenant_id);
	jw_key(&w, "type");
	jw_text(&w, "seal");
	jw_object_end(&w);
}

void export_seal(struct audit_export *x, struct str *out, bool last)
{
	unsigned char signature[SIGN_LEN];
	struct str text;

	str_init(&text, out->arena, 512);
	write_seal(x, &text, last, NULL);
	sign_make(x->key->seed, text.data, text.len, signature);
	write_seal(x, out, last, base64url_encode(out->arena, signature, sizeof(signature)));
	str_add(out, "\n");
}
