/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/core/checkpoint.h"

#include <string.h>

#include "cc/base/clock.h"
#include "cc/core/audit_chain.h"
#include "cc/core/head.h"
#include "cc/core/registry.h"
#include "cc/core/world.h"
#include "cc/crypto/digest.h"
#include "cc/crypto/sign.h"
#include "cc/model/q_control.h"
#include "cc/model/q_tenant.h"
#include "cc/schema/write.h"

static const char *const names[CHAINS] = { AUDIT_CHAIN_DATA, AUDIT_CHAIN_CONTROL };

struct making {
	struct checkpoints *ret;
	struct checkpoints before; /* what was there when the tips were asked for */
	struct db_rows rows;
	struct audit_tip tip[CHAINS];
};

void checkpoint_canonical(struct str *out, const struct checkpoint *c, bool signature)
{
	struct jw w;

	jw_init(&w, out);
	jw_object(&w);
	jw_key(&w, "at");
	jw_text(&w, time_format_ms(out->arena, c->at));
	jw_key(&w, "chain");
	jw_text(&w, c->chain);
	jw_key(&w, "key_id");
	jw_text(&w, c->key_id);
	jw_key(&w, "mac");
	jw_text(&w, c->mac);
	jw_key(&w, "number");
	jw_int(&w, c->number);
	jw_key(&w, "previous");
	jw_text(&w, c->previous);
	jw_key(&w, "seq");
	jw_int(&w, c->seq);
	if (signature) {
		jw_key(&w, "signature");
		jw_text(&w, c->signature);
	}
	jw_key(&w, "tenant_id");
	jw_text(&w, c->tenant_id);
	jw_object_end(&w);
}

static void take_last(struct making *m)
{
	struct checkpoints *r = m->ret;

	for (size_t i = 0; i < m->rows.n; i++) {
		const struct checkpoint *c = DB_ROW(&m->rows, struct checkpoint, i);
		const int k = str_eq(c->chain, names[CHAIN_DATA]) ? CHAIN_DATA : CHAIN_CONTROL;

		r->found[k] = true;
		r->last[k] = *c;
	}
}

static enum err read_last(struct ctx *cx, void *arg)
{
	struct making *m = arg;

	return q_checkpoint_last(cx->db, &m->rows, cx->tenant->id);
}

static enum err read_data_tip(struct ctx *cx, void *arg)
{
	struct making *m = arg;

	return q_audit_tip(cx->db, &m->tip[CHAIN_DATA], m->ret->last[CHAIN_DATA].seq);
}

static enum err find_data_tip(struct ctx *cx, struct making *m)
{
	const struct tenant *held = cx->tenant, *fresh;
	enum err e = head_read(cx, read_data_tip, m, &fresh);

	cx->tenant = held;
	tenant_put(fresh);
	return e;
}

static bool fits(struct ctx *cx, const struct checkpoint *last, const struct audit_tip *tip)
{
	return tip->seq >= last->seq && tip->marked.n == AUDIT_MAC_LEN &&
	       str_eq(hex_encode(cx->arena, tip->marked.p, tip->marked.n), last->mac);
}

static void digest_of(struct ctx *cx, const struct checkpoint *c, unsigned char ret[32])
{
	struct str text;

	str_init(&text, cx->arena, 512);
	checkpoint_canonical(&text, c, true);
	sha256_of(text.data, text.len, ret);
}

static void sign(struct ctx *cx, struct checkpoint *c, unsigned char ret[SIGN_LEN])
{
	struct str text;

	str_init(&text, cx->arena, 512);
	checkpoint_canonical(&text, c, false);
	sign_make(cx->world->settings->signing.seed, text.data, text.len, ret);
	c->signature = base64url_encode(cx->arena, ret, SIGN_LEN);
}

static void append_later(struct ctx *cx, struct checkpoints *r, int k, const struct audit_tip *tip)
{
	unsigned char previous[32] = { 0 }, signature[SIGN_LEN];
	struct checkpoint next = {
		.tenant_id = cx->tenant->id,
		.chain = names[k],
		.number = r->last[k].number + 1,
		.seq = tip->seq,
		.mac = hex_encode(cx->arena, tip->mac.p, tip->mac.n),
		.at = clock_wall_us() / 1000 * 1000,
		.key_id = cx->world->settings->signing.id,
	};

	if (r->found[k])
		digest_of(cx, &r->last[k], previous);
	next.previous = hex_encode(cx->arena, previous, sizeof(previous));
	sign(cx, &next, signature);
	q_checkpoint_insert_later(cx->db, next.tenant_id, next.chain, next.number, next.seq, tip->mac,
		next.at, (struct bytes){ .p = previous, .n = sizeof(previous) }, next.key_id,
		(struct bytes){ .p = signature, .n = sizeof(signature) });
	r->found[k] = true;
	r->last[k] = next;
	r->made++;
}

/* Under the lock of the tenant's row: what another node has made meanwhile stands. */
static enum err append(struct ctx *cx, void *arg)
{
	struct making *m = arg;
	struct checkpoints *r = m->ret;

	*r = m->before;
	q_checkpoint_control_tip_later(
		cx->db, &m->tip[CHAIN_CONTROL], cx->tenant->id, r->last[CHAIN_CONTROL].seq);
	TRY(q_checkpoint_last(cx->db, &m->rows, cx->tenant->id));
	take_last(m);
	for (int k = 0; k < CHAINS; k++) {
		const struct audit_tip *tip = &m->tip[k];
		const bool mine = r->last[k].number == m->before.last[k].number;

		r->tip[k] = tip->seq;
		r->broken[k] = mine && r->found[k] && !fits(cx, &r->last[k], tip);
		if (mine && !r->broken[k] && tip->seq > r->last[k].seq)
			append_later(cx, r, k, tip);
	}
	return ERR_NONE;
}

enum err checkpoint_make(struct ctx *cx, struct checkpoints *ret)
{
	struct making m = { .ret = ret };
	struct db_place place = { 0 };

	*ret = (struct checkpoints){ .made = 0 };
	place_control(cx->world, cx->tenant->id, &place);
	TRY(db_unit(cx, &place, DB_READ, read_last, &m));
	take_last(&m);
	m.before = *ret;
	TRY(find_data_tip(cx, &m));
	return db_unit(cx, &place, DB_WRITE, append, &m);
}
