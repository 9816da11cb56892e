/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/core/audit_chain.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cc/base/clock.h"
#include "cc/crypto/digest.h"
#include "cc/schema/write.h"

#define KEY_LABEL "controlcore audit key v1"

const unsigned char audit_no_mac[AUDIT_MAC_LEN];

void audit_key(struct bytes secret, const char *tenant_id, int64_t version, unsigned char ret[AUDIT_MAC_LEN])
{
	char text[256];
	const int n = snprintf(text, sizeof(text), "%s\n%s\n%" PRId64, KEY_LABEL, tenant_id, version);

	hmac_sha256(secret.p, secret.n, text, n < (int)sizeof(text) ? (size_t)n : sizeof(text) - 1, ret);
}

static void member(struct jw *w, const char *key, const char *text)
{
	if (text == NULL)
		return;
	jw_key(w, key);
	jw_text(w, text);
}

static void number(struct jw *w, const char *key, int64_t v)
{
	jw_key(w, key);
	jw_int(w, v);
}

/* The members in the order of their names. */
static void write_row(struct str *out, const struct audit_row *r, bool macs, int64_t n)
{
	struct jw w;

	jw_init(&w, out);
	jw_object(&w);
	member(&w, "action", r->action);
	member(&w, "actor", r->actor);
	member(&w, "actor_kind", r->actor_kind);
	member(&w, "category", r->category);
	member(&w, "chain", r->chain);
	if (r->detail != NULL) {
		jw_key(&w, "detail");
		jw_raw(&w, r->detail);
	}
	member(&w, "environment", r->environment);
	member(&w, "ip", r->ip);
	number(&w, "key_version", r->key_version);
	member(&w, "mac", macs ? r->mac : NULL);
	if (n > 0)
		number(&w, "n", n);
	member(&w, "object_id", r->object_id);
	member(&w, "object_type", r->object_type);
	member(&w, "outcome", r->outcome);
	member(&w, "prev_mac", macs ? r->prev_mac : NULL);
	member(&w, "request_id", r->request_id);
	number(&w, "seq", r->seq);
	member(&w, "tenant_id", r->tenant_id);
	member(&w, "timestamp", time_format_ms(out->arena, r->timestamp));
	jw_object_end(&w);
}

void audit_canonical(struct str *out, const struct audit_row *r)
{
	write_row(out, r, false, 0);
}

void audit_line(struct str *out, const struct audit_row *r, int64_t n)
{
	write_row(out, r, true, n);
}

void audit_row_mac(struct arena *a, const unsigned char key[AUDIT_MAC_LEN],
	const unsigned char prev[AUDIT_MAC_LEN], const struct audit_row *r, unsigned char ret[AUDIT_MAC_LEN])
{
	struct str message;

	str_init(&message, a, 512);
	str_add_n(&message, (const char *)prev, AUDIT_MAC_LEN);
	audit_canonical(&message, r);
	hmac_sha256(key, AUDIT_MAC_LEN, message.data, message.len, ret);
}
