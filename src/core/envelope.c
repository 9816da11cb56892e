/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/core/envelope.h"

#include <string.h>

#include "cc/core/world.h"
#include "cc/crypto/seal.h"

#define SECRET_WORD "cc-tlskey-v1"
#define DEK_WORD "cc-dek-v1"

const struct kek *kek_find(const struct kek_set *set, const char *id)
{
	for (size_t i = 0; i < set->n; i++)
		if (str_eq(set->v[i].id, id))
			return &set->v[i];
	return NULL;
}

/* Its length, so that two texts never run into each other, and the text. */
static void add_framed(struct str *s, const char *text)
{
	const size_t n = strlen(text);

	for (int shift = 24; shift >= 0; shift -= 8)
		str_add_char(s, (char)(n >> shift & 0xff));
	str_add_n(s, text, n);
}

/* kek_id: NULL: none. */
static struct bytes words_beside(struct ctx *cx, const char *word, const struct binding *b,
				 const char *kek_id)
{
	struct str s;

	str_init(&s, cx->arena, 256);
	add_framed(&s, word);
	add_framed(&s, b->tenant_id);
	add_framed(&s, b->domain);
	add_framed(&s, b->serial);
	if (kek_id != NULL)
		add_framed(&s, kek_id);
	return (struct bytes){ .p = (const unsigned char *)s.data, .n = s.len };
}

static enum err wrap(struct ctx *cx, const struct binding *b, const unsigned char dek[SEAL_KEY_LEN],
		     struct sealed *ret)
{
	const struct kek_set *keks = &cx->world->settings->keks;

	if (keks->n == 0)
		return refuse(cx, ERR_KEK_MISSING, "this service has no key to seal private keys with");
	ret->kek_id = keks->v[0].id;
	ret->dek = seal_make(cx->arena, keks->v[0].key, words_beside(cx, DEK_WORD, b, ret->kek_id),
			     (struct bytes){ .p = dek, .n = SEAL_KEY_LEN });
	return ERR_NONE;
}

static enum err damaged(struct ctx *cx, const struct binding *b, const char *what)
{
	cx->problem.cause = arena_printf(cx->arena, "%s of %s, tenant %s, is not what was sealed there", what,
					 b->domain, b->tenant_id);
	return refuse(cx, ERR_INTERNAL, "the certificate of %s cannot be opened", b->domain);
}

/* A key of the right length or an error. */
static enum err unwrap(struct ctx *cx, const struct binding *b, const struct sealed *s, struct bytes *ret)
{
	const struct kek *kek = kek_find(&cx->world->settings->keks, s->kek_id);

	if (kek == NULL) {
		cx->problem.cause = arena_printf(cx->arena, "KEK %s is not among secrets.keks", s->kek_id);
		return refuse(cx, ERR_INTERNAL, "the certificate of %s is sealed with the KEK %s, which this "
			      "node does not have", b->domain, s->kek_id);
	}
	if (!seal_open(cx->arena, kek->key, words_beside(cx, DEK_WORD, b, kek->id), s->dek, ret))
		return damaged(cx, b, arena_printf(cx->arena, "the DEK (under the KEK %s)", kek->id));
	return ret->n == SEAL_KEY_LEN ? ERR_NONE : damaged(cx, b, "the DEK");
}

enum err envelope_seal(struct ctx *cx, const struct binding *b, struct bytes plain, struct sealed *ret)
{
	unsigned char dek[SEAL_KEY_LEN];
	enum err e;

	if (!random_bytes(dek, sizeof(dek)))
		return refuse(cx, ERR_INTERNAL, "the system gives no random bytes");
	e = wrap(cx, b, dek, ret);
	if (e == ERR_NONE)
		ret->secret = seal_make(cx->arena, dek, words_beside(cx, SECRET_WORD, b, NULL), plain);
	bytes_wipe(dek, sizeof(dek));
	return e;
}

enum err envelope_open(struct ctx *cx, const struct binding *b, const struct sealed *s, struct bytes *ret)
{
	struct bytes dek = { 0 };

	*ret = (struct bytes){ 0 };
	TRY(unwrap(cx, b, s, &dek));
	if (!seal_open(cx->arena, dek.p, words_beside(cx, SECRET_WORD, b, NULL), s->secret, ret))
		return damaged(cx, b, "the private key");
	return ERR_NONE;
}

enum err envelope_rewrap(struct ctx *cx, const struct binding *b, const struct sealed *s, struct sealed *ret)
{
	struct bytes dek = { 0 };

	TRY(unwrap(cx, b, s, &dek));
	ret->secret = s->secret;
	return wrap(cx, b, dek.p, ret);
}
