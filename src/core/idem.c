/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/core/idem.h"

#include <string.h>

#include "cc/crypto/digest.h"
#include "cc/core/tenant.h"
#include "cc/core/world.h"
#include "cc/model/q_control.h"
#include "cc/model/q_tenant.h"

#define HASH_LEN 32

struct bytes idem_fingerprint(struct arena *a, const char *head, const void *body, size_t n)
{
	unsigned char *hash = arena_alloc(a, HASH_LEN);
	const char *text;

	/* The body by its hash, which has one length: head and body cannot run into each other. */
	sha256_of(body != NULL ? body : "", n, hash);
	text = arena_printf(a, "%s\n%s", hex_encode(a, hash, HASH_LEN), head);
	sha256_of(text, strlen(text), hash);
	return (struct bytes){ .p = hash, .n = HASH_LEN };
}

/* Two keys with one number would only wait for each other. */
static int64_t lock_number(struct ctx *cx, const struct idem *k)
{
	const char *owner = k->data ? cx->tenant->id : k->tenant_id;
	const char *text = arena_printf(cx->arena, "idempotency %s %s %s", owner, k->scope, k->key);
	unsigned char hash[HASH_LEN];
	int64_t n;

	sha256_of(text, strlen(text), hash);
	memcpy(&n, hash, sizeof(n));
	return n == INT_NULL ? 0 : n;
}

void idem_ask_later(struct ctx *cx)
{
	struct idem *k = cx->idem;

	if (k == NULL)
		return;
	k->locked = 0;
	k->found = false;
	q_idem_lock_later(cx->db, tally_at(&k->locked), lock_number(cx, k));
	if (k->data) {
		q_idem_expire_later(cx->db, k->scope, k->key);
		q_idem_find_later(cx->db, &k->row, &k->found, k->scope, k->key);
	} else {
		q_idem_control_expire_later(cx->db, k->tenant_id, k->scope, k->key);
		q_idem_control_find_later(cx->db, &k->row, &k->found, k->tenant_id, k->scope, k->key);
	}
}

static enum err refuse_running(struct ctx *cx)
{
	ctx_clear_problem(cx);
	cx->problem.retry_after = 1;
	return refuse(cx, ERR_IDEM_RUNNING,
		      "a request with this Idempotency-Key is still running; retry in a moment");
}

/* What the record says, whatever the work came to: it ran on top of what it had done before. */
static enum err read_record(struct ctx *cx, const struct idem *k)
{
	ctx_clear_problem(cx);
	if (k->row.fingerprint.n != k->fingerprint.n ||
	    memcmp(k->row.fingerprint.p, k->fingerprint.p, k->fingerprint.n) != 0)
		return refuse(cx, ERR_IDEM_REUSED,
			      "the Idempotency-Key was used for another method, path, query or body");
	return k->row.status == INT_NULL ? refuse_running(cx) : ERR_REPLAY;
}

enum err idem_decide(struct ctx *cx, enum err e)
{
	const struct idem *k = cx->idem;
	enum err asked;

	if (k == NULL)
		return e;
	/* The work may have ended before it waited for anything. */
	asked = db_settle(cx->db);
	if (k->locked == 0 && (e == ERR_LOCK_WAIT || asked == ERR_LOCK_WAIT))
		return refuse_running(cx);
	if (k->found)
		return read_record(cx, k);
	return e != ERR_NONE ? e : asked;
}

enum err idem_record_later(struct ctx *cx, const struct idem_answer *a)
{
	const struct idem *k = cx->idem;

	if (k == NULL)
		return ERR_NONE;
	if (strlen(a->body) > IDEM_BODY_MAX)
		return refuse(cx, ERR_TOO_LARGE, "the answer is too large to be kept for an Idempotency-Key");
	if (k->data)
		q_idem_insert_later(cx->db, k->scope, k->key, k->fingerprint, a->status, a->body, a->location,
				    a->etag, k->version);
	else
		q_idem_control_insert_later(cx->db, k->tenant_id, k->scope, k->key, k->fingerprint,
					    a->status, a->body, a->location, a->etag);
	return ERR_NONE;
}

/* Operations in several steps ------------------------------------------------------------------------- */

static void place(const struct ctx *cx, struct db_place *ret)
{
	if (cx->idem->tenant_id[0] == '\0')
		place_platform(cx->world, ret);
	else
		place_control(cx->world, cx->idem->tenant_id, ret);
}

static enum err find(struct ctx *cx, void *arg)
{
	struct idem *k = arg;

	q_idem_control_find_later(cx->db, &k->row, &k->found, k->tenant_id, k->scope, k->key);
	return ERR_NONE;
}

enum err idem_look(struct ctx *cx)
{
	struct idem *k = cx->idem;
	struct db_place at;
	enum err e;

	k->found = false;
	place(cx, &at);
	e = db_unit(cx, &at, DB_READ, find, k);
	return e == ERR_NONE && k->found ? read_record(cx, k) : e;
}

void idem_reserve_later(struct ctx *cx, const char *subject)
{
	const struct idem *k = cx->idem;

	if (k == NULL)
		return;
	q_idem_control_expire_later(cx->db, k->tenant_id, k->scope, k->key);
	q_idem_control_reserve_later(cx->db, k->tenant_id, k->scope, k->key, k->fingerprint, subject);
}

static enum err finish(struct ctx *cx, void *arg)
{
	const struct idem *k = cx->idem;
	const struct idem_answer *const *a = arg;

	q_idem_control_finish_later(cx->db, k->tenant_id, k->scope, k->key, (*a)->status, (*a)->body,
				    (*a)->location, (*a)->etag);
	return ERR_NONE;
}

enum err idem_finish(struct ctx *cx, const struct idem_answer *a)
{
	struct db_place at;

	place(cx, &at);
	return db_unit(cx, &at, DB_WRITE, finish, &a);
}
