/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/core/audit_verify.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit_order.h"
#include "cc/core/audit_chain.h"
#include "cc/core/audit_export.h"
#include "cc/core/checkpoint.h"
#include "cc/crypto/digest.h"
#include "cc/crypto/sign.h"
#include "cc/schema/doc.h"

#define NUMBER_MAX (INT64_C(1) << 53)
#define ARENA_BYTES ((size_t)64 * 1024)

static const char *const names[CHAINS] = { AUDIT_CHAIN_DATA, AUDIT_CHAIN_CONTROL };
static const char *const without_digest[] = { "digest", NULL };
static const char *const without_signature[] = { "signature", NULL };
/* What the mac is made over: see docs/audit.md. */
static const char *const without_macs[] = { "mac", "prev_mac", "n", "digest", NULL };

/* The last record of a chain that was read. */
struct tail {
	int64_t seq;                            /* 0: none since the order was last broken */
	int64_t version;                        /* of its key */
	char mac[2 * AUDIT_MAC_LEN + 1];
};

struct audit_verify {
	struct verify_options o;
	struct verify_result r;
	struct arena *arena;                    /* of one line */
	unsigned char mac_key[AUDIT_MAC_LEN];
	int64_t line;

	bool begun, ended;
	bool picked;                            /* the filter leaves out some in the middle of a chain … */
	bool bounded[2];                        /* … at its beginning, at its end */
	/* Of all lines; after a seal that does not fit also as if the seal were right. */
	unsigned char digest[EXPORT_DIGEST_LEN], sealed[EXPORT_DIGEST_LEN];
	int64_t block_line;                     /* where what the next seal is for begins */
	int64_t block_faults;                   /* what was found by then */
	bool unsealed;                          /* a seal did not fit, and the order is to blame */

	struct order order;
	int64_t last_n, unread, total;
	int64_t breaks, block_breaks;           /* how often the order was broken, by then */
	bool blurred;                           /* there was a record whose place in its chain is not known */
	struct tail tail[CHAINS], top[CHAINS];  /* the last, and the one with the highest place */
	int64_t end[CHAINS];                    /* behind the checkpoint */
};

static void add_fault(void *arg, int64_t line, const char *text)
{
	struct audit_verify *v = arg;

	v->r.faults++;
	v->o.fault(v->o.arg, line, text);
}

static void say(struct audit_verify *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void say(struct audit_verify *v, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_fault(v, v->line, arena_vprintf(v->arena, fmt, ap));
	va_end(ap);
}

struct audit_verify *audit_verify_open(const struct verify_options *o)
{
	struct audit_verify *v = calloc(1, sizeof(*v));

	if (v == NULL)
		abort();
	v->o = *o;
	v->arena = arena_create(ARENA_BYTES);
	order_open(&v->order);
	v->order.fault = add_fault;
	v->order.arg = v;
	return v;
}

/* Reading lines ---------------------------------------------------------------------------------------- */

/* 0: it is not there, or no number that we write. */
static int64_t number_of(const struct doc *d, const char *name)
{
	int64_t n;

	return doc_int(d, name, &n) && n > 0 && n <= NUMBER_MAX ? n : 0;
}

static const char *text_of(const struct doc *d, const char *name)
{
	const char *s = doc_text(d, name);

	return s != NULL ? s : "";
}

/* False: it holds what no line of ours does. */
static bool digest_of(struct audit_verify *v, const struct doc *d, const char *const *without,
		      unsigned char ret[EXPORT_DIGEST_LEN])
{
	struct str plain;

	str_init(&plain, v->arena, 1024);
	if (!doc_canonical(d, without, &plain))
		return false;
	sha256_of(plain.data, plain.len, ret);
	return true;
}

/* Only as it is written by us: in lower case. */
static bool read_digest(struct audit_verify *v, const struct doc *d, unsigned char ret[EXPORT_DIGEST_LEN])
{
	const char *text = text_of(d, "digest");

	return hex_decode(text, ret, EXPORT_DIGEST_LEN) &&
	       str_eq(text, hex_encode(v->arena, ret, EXPORT_DIGEST_LEN));
}

static void fold(struct audit_verify *v, const unsigned char line[EXPORT_DIGEST_LEN])
{
	export_fold(v->digest, line);
	export_fold(v->sealed, line);
}

static void fold_line(struct audit_verify *v, const struct doc *d)
{
	unsigned char one[EXPORT_DIGEST_LEN] = { 0 };

	(void)digest_of(v, d, NULL, one);
	fold(v, one);
}

/* NULL: it fits, or there are no keys to check it with. */
static const char *signature_fault(struct audit_verify *v, const struct doc *d)
{
	const char *id = text_of(d, "key_id"), *text = text_of(d, "signature");
	const struct public_key *key = NULL;
	struct bytes signature;
	struct str plain;

	if (v->o.nkeys == 0)
		return NULL;
	for (size_t i = 0; i < v->o.nkeys; i++)
		if (str_eq(v->o.keys[i].id, id))
			key = &v->o.keys[i];
	if (key == NULL)
		return arena_printf(v->arena, "is signed with the key %.60s, which is none of those given",
				    id);
	str_init(&plain, v->arena, 512);
	if (!base64url_decode(v->arena, text, strlen(text), &signature) || signature.n != SIGN_LEN ||
	    !doc_canonical(d, without_signature, &plain) ||
	    !sign_check(key->pub, plain.data, plain.len, signature.p))
		return "was changed: its signature does not fit";
	return NULL;
}

/* Records ---------------------------------------------------------------------------------------------- */

struct record {
	const struct doc *doc;
	int chain;                              /* -1: none of ours */
	int64_t n, seq, version;
	const char *mac, *prev;
	const char *changed;                    /* how that is seen; NULL: it is as it was */
};

static int chain_of(const char *name)
{
	for (int c = 0; c < CHAINS; c++)
		if (str_eq(name, names[c]))
			return c;
	return -1;
}

static bool mac_fits(struct audit_verify *v, const struct record *r)
{
	unsigned char prev[AUDIT_MAC_LEN], mac[AUDIT_MAC_LEN], made[AUDIT_MAC_LEN];
	struct str message;

	if (!hex_decode(r->prev, prev, sizeof(prev)) || !hex_decode(r->mac, mac, sizeof(mac)))
		return false;
	str_init(&message, v->arena, 1024);
	str_add_n(&message, (const char *)prev, sizeof(prev));
	if (!doc_canonical(r->doc, without_macs, &message))
		return false;
	hmac_sha256(v->mac_key, sizeof(v->mac_key), message.data, message.len, made);
	return memcmp(made, mac, sizeof(mac)) == 0;
}

/* NULL: as it was sent, and as it was written, as far as can be known. */
static const char *find_change(struct audit_verify *v, const struct record *r)
{
	unsigned char claimed[EXPORT_DIGEST_LEN], found[EXPORT_DIGEST_LEN] = { 0 };
	const bool good = digest_of(v, r->doc, without_digest, found);
	const bool told = read_digest(v, r->doc, claimed);

	fold(v, told ? claimed : found);
	if (!good || !told || memcmp(claimed, found, sizeof(found)) != 0)
		return "its digest does not fit";
	if (r->chain < 0 || r->n == 0 || r->seq == 0 || r->version == 0)
		return "it has no chain or number";
	if (!str_eq(text_of(r->doc, "tenant_id"), v->r.tenant_id))
		return "it is of another tenant";
	if (v->o.audit_key.p == NULL)
		return NULL;
	if (r->version > v->o.audit_key_version)
		return "no audit_key has its key_version yet";
	if (r->version != v->o.audit_key_version) {
		v->r.other_versions++;
		return NULL;
	}
	v->r.macs++;
	return mac_fits(v, r) ? NULL : "its mac does not fit";
}

/* Does it follow the record of its chain before it? Only asked where the file is in order. */
static void check_link(struct audit_verify *v, const struct record *r)
{
	const struct tail *t = &v->tail[r->chain];
	const char *name = names[r->chain];
	const bool first = t->seq == 0;
	int64_t expected = t->seq + 1;

	if (first && (v->breaks > 0 || v->picked || v->bounded[0]))
		return;
	if (r->seq < expected)
		say(v, "record %" PRId64 " was put in: %s %" PRId64 " comes after %s %" PRId64, r->n, name,
		    r->seq, name, t->seq);
	else if (r->seq > expected && !v->picked)
		say(v, "before record %" PRId64 " %s %" PRId64 " to %" PRId64 " is missing", r->n, name,
		    expected, r->seq - 1);
	else if (r->seq == expected && first && strspn(r->prev, "0") != (size_t)2 * AUDIT_MAC_LEN)
		say(v, "record %" PRId64 " (%s %" PRId64 ") was put in: it is not the first of its chain",
		    r->n, name, r->seq);
	else if (r->seq == expected && !first && !str_eq(t->mac, r->prev))
		say(v, "record %" PRId64 " (%s %" PRId64 ") does not follow the one before it in its chain",
		    r->n, name, r->seq);
	/* So nobody can say of a record in the middle that another key has made its mac. */
	if (!first && r->version < t->version)
		say(v, "record %" PRId64 " (%s %" PRId64 ") or the one before it in its chain was changed: "
		       "its key_version went back",
		    r->n, name, r->seq);
}

static void keep_tail(struct audit_verify *v, const struct record *r)
{
	struct tail *t = &v->tail[r->chain];

	t->seq = r->seq;
	t->version = r->version;
	(void)snprintf(t->mac, sizeof(t->mac), "%s", r->mac);
	if (t->seq > v->top[r->chain].seq)
		v->top[r->chain] = *t;
}

/* What comes next is not compared with what was before. */
static void order_breaks(struct audit_verify *v)
{
	v->breaks++;
	memset(v->tail, 0, sizeof(v->tail));
}

/* A record that was changed has the number of its place, and nothing else of it counts. */
static void place(struct audit_verify *v, struct record *r)
{
	/* One without a chain is among those that were changed. */
	const bool good = r->changed == NULL && r->chain >= 0, next = r->n == v->last_n + 1;

	if (next)
		v->unread = 0;
	else if (!good)
		r->n = v->last_n + 1 + v->unread;
	order_add(&v->order, r->n, v->line, good ? r->chain : -1, r->seq, v->unread);
	v->blurred = v->blurred || !good || v->unread > 0;
	if (!good || !next)
		order_breaks(v);
	else
		check_link(v, r);
	if (good)
		keep_tail(v, r);
	v->last_n = r->n;
	v->unread = 0;
}

static void record_line(struct audit_verify *v, const struct doc *d)
{
	struct record r = {
		.doc = d,
		.chain = chain_of(doc_text(d, "chain")),
		.n = number_of(d, "n"),
		.seq = number_of(d, "seq"),
		.version = number_of(d, "key_version"),
		.mac = text_of(d, "mac"),
		.prev = text_of(d, "prev_mac"),
	};

	r.changed = find_change(v, &r);
	v->r.records++;
	place(v, &r);
	if (r.changed != NULL)
		say(v, "record %" PRId64 " (%.20s %" PRId64 ") was changed: %s", r.n, text_of(d, "chain"),
		    r.seq, r.changed);
}

/* The other lines ---------------------------------------------------------------------------------------- */

static void head_line(struct audit_verify *v, const struct doc *d)
{
	static const char *const picking[] = { "action", "actor", "category", "environment", "object",
					       "object_id", "outcome" };
	const struct doc *filter = doc_object(d, "filter");
	int64_t format = 0;

	if (!doc_int(d, "format", &format) || format != EXPORT_FORMAT)
		say(v, "the file has a format that is not known here");
	(void)snprintf(v->r.tenant_id, sizeof(v->r.tenant_id), "%s", text_of(d, "tenant_id"));
	for (size_t i = 0; filter != NULL && i < sizeof(picking) / sizeof(picking[0]); i++)
		v->picked = v->picked || doc_has(filter, picking[i]);
	v->bounded[0] = filter != NULL && doc_has(filter, "start_date");
	v->bounded[1] = filter != NULL && doc_has(filter, "end_date");
	if (v->o.audit_key.p != NULL)
		audit_key(v->o.audit_key, v->r.tenant_id, v->o.audit_key_version, v->mac_key);
	fold_line(v, d);
	v->block_line = v->line;
}

/* The chain that is in the file must be the one that was signed. */
static void compare(struct audit_verify *v, int chain, const struct doc *c, int64_t seq)
{
	const struct tail *t = &v->top[chain];
	const char *name = names[chain];

	if (t->seq == seq && !str_eq(t->mac, text_of(c, "mac")))
		say(v, "%s %" PRId64 " is not what was signed: the chain was written anew", name, seq);
	if (v->picked || v->bounded[1])
		return;
	if (t->seq < seq && !v->blurred)
		say(v, "the chain %s ends at %" PRId64 " but was signed up to %" PRId64
		       ": its end is missing",
		    name, t->seq, seq);
	else if (t->seq > seq)
		say(v, "the chain %s goes on behind %" PRId64 ", where its checkpoint is", name, seq);
}

static void checkpoint_line(struct audit_verify *v, const struct doc *d)
{
	const struct doc *c = doc_object(d, "checkpoint");
	const int chain = c != NULL ? chain_of(doc_text(c, "chain")) : -1;
	const int64_t seq = c != NULL ? number_of(c, "seq") : 0;
	const char *why = NULL;

	fold_line(v, d);
	v->r.checkpoints++;
	if (chain < 0 || seq == 0 || !str_eq(text_of(c, "tenant_id"), v->r.tenant_id))
		why = "was changed: it is none of this tenant";
	else
		why = signature_fault(v, c);
	if (why != NULL) {
		say(v, "the checkpoint of the chain %.20s %s", c != NULL ? text_of(c, "chain") : "", why);
		return;
	}
	v->end[chain] = seq + 1;
	compare(v, chain, c, seq);
}

static bool is_sealed(const struct audit_verify *v, const unsigned char claimed[EXPORT_DIGEST_LEN])
{
	return memcmp(claimed, v->digest, EXPORT_DIGEST_LEN) == 0 ||
	       memcmp(claimed, v->sealed, EXPORT_DIGEST_LEN) == 0;
}

static void judge_block(struct audit_verify *v, const struct doc *d, int64_t n)
{
	unsigned char claimed[EXPORT_DIGEST_LEN] = { 0 };
	const bool good = read_digest(v, d, claimed) && is_sealed(v, claimed);

	/* What is wrong in these lines was said, or will be; but not what hides behind digests made anew. */
	if (!good && v->r.faults == v->block_faults) {
		if (v->breaks == v->block_breaks && n == v->last_n)
			say(v, "something in the lines %" PRId64 " to %" PRId64
			       " was changed and its digests with it: the seal does not fit",
			    v->block_line, v->line - 1);
		else
			v->unsealed = true;
	}
	memcpy(v->sealed, claimed, sizeof(claimed));
	if (good)
		memcpy(v->digest, claimed, sizeof(claimed));
	v->block_line = v->line + 1;
	v->block_faults = v->r.faults;
	v->block_breaks = v->breaks;
}

static void seal_line(struct audit_verify *v, const struct doc *d)
{
	const char *why = signature_fault(v, d);
	int64_t n = -1;

	v->r.seals++;
	v->ended = v->ended || doc_true(d, "last");
	if (why == NULL && !str_eq(text_of(d, "tenant_id"), v->r.tenant_id))
		why = "is of another tenant";
	if (why != NULL) {
		say(v, "a seal %s", why);
		return;
	}
	if (!doc_int(d, "n", &n) || n < 0 || n > NUMBER_MAX)
		n = -1;
	judge_block(v, d, n);
	if (v->ended && n > 0)
		v->total = n;
}

static void line_of_type(struct audit_verify *v, const struct doc *d)
{
	const char *type = doc_text(d, "type");

	if (!v->begun && !str_eq(type, "export"))
		say(v, "the file does not begin with the head of an export");
	if (v->ended)
		say(v, "the line was put in: it is behind the last seal");
	if (!doc_has(d, "type")) {
		record_line(v, d);
	} else if (str_eq(type, "export") && !v->begun) {
		head_line(v, d);
	} else if (str_eq(type, "checkpoint")) {
		checkpoint_line(v, d);
	} else if (str_eq(type, "seal")) {
		seal_line(v, d);
	} else {
		say(v, "the line was changed or put in: an export has none of this type here");
		v->unread++;
	}
	v->begun = true;
}

void audit_verify_line(struct audit_verify *v, const char *text, size_t n)
{
	const char *why = "it is too long";
	struct doc *d;

	v->line++;
	arena_reset(v->arena);
	d = text != NULL ? doc_parse(v->arena, text, n, &why) : NULL;
	if (d == NULL) {
		say(v, "the line was changed or put in: %.200s", why);
		v->unread++;
		return;
	}
	line_of_type(v, d);
	doc_free(d);
}

struct verify_result audit_verify_close(struct audit_verify *v)
{
	struct verify_result r;

	v->line = 0;
	if (!v->begun)
		say(v, "the file is empty");
	else if (!v->ended)
		say(v, "the end is missing: no last seal comes after record %" PRId64, v->last_n);
	if (v->bounded[1])
		memset(v->end, 0, sizeof(v->end));
	v->order.open = v->bounded[0];
	order_judge(&v->order, v->total, !v->picked, v->end);
	if (v->unsealed && v->r.faults == 0)
		say(v, "a seal does not fit");
	order_close(&v->order);
	bytes_wipe(v->mac_key, sizeof(v->mac_key));
	arena_destroy(v->arena);
	r = v->r;
	free(v);
	return r;
}
