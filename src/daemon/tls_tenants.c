/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_tenants.h"

#include <stdlib.h>
#include <string.h>

#include "cc/base/clock.h"
#include "cc/base/log.h"
#include "cc/base/mem.h"
#include "cc/core/certificates.h"

#define READ_MS 20000 /* of a page */
#define TELL_MS 500
#define TELL_AGAIN_MS 5000 /* what could not be told */

struct held {
	char *tenant_id, *domain;
	uint64_t seen;         /* hash of the chain: the leaf, and so the key, and what it came with */
	struct tls_cert *cert; /* a reference; NULL: there is none that can be shown */
	bool faulty;           /* the one that is stored cannot be shown; cert is one before it */
	bool news;             /* that it is, or is no more: its tenant was not told yet */
	uint64_t round;        /* of tls_tenants, when it was last seen */
};

static void held_free(void *p)
{
	struct held *h = p;

	if (h == NULL)
		return;
	tls_cert_put(h->cert);
	free(h->tenant_id);
	free(h->domain);
	free(h);
}

void tls_tenants_open(struct tls_tenants *t, struct world *w)
{
	*t = (struct tls_tenants){ .world = w, .domains = map_create() };
}

void tls_tenants_close(struct tls_tenants *t)
{
	map_destroy(t->domains, held_free);
	t->domains = NULL;
}

static struct bytes bytes_of(const char *text)
{
	return (struct bytes){ .p = (const unsigned char *)text, .n = strlen(text) };
}

static struct held *held_new(struct ctx *cx, const struct served_certificate *c, uint64_t seen)
{
	struct held *h = mem_alloc(1, sizeof(*h));
	const char *error = NULL;

	h->tenant_id = mem_strdup(c->tenant_id);
	h->domain = mem_strdup(c->domain);
	h->seen = seen;
	if (c->fault == NULL)
		h->cert = tls_cert_create(cx->arena, bytes_of(c->chain), bytes_of(c->key), &error);
	h->faulty = h->cert == NULL;
	if (error != NULL)
		LOG(LOG_ERROR, "a certificate of a tenant cannot be shown", LOG_TEXT("tenant", c->tenant_id),
			LOG_TEXT("domain", c->domain), LOG_TEXT("cause", error));
	return h;
}

/* Of the same tenant the one before stays, if the next one cannot be shown. */
static struct held *replace(struct tls_tenants *t, struct held *before, struct held *next)
{
	const bool same = before != NULL && strcmp(before->tenant_id, next->tenant_id) == 0;

	next->news = next->faulty || (same && (before->faulty || before->news));
	t->news |= next->news;
	if (same && next->faulty && before->cert != NULL)
		next->cert = tls_cert_hold(before->cert);
	t->changed |= next->cert != (before != NULL ? before->cert : NULL);
	held_free(map_set(t->domains, next->domain, next));
	return next;
}

/* What does not open is tried again each time: a KEK may have come back. */
static void take(struct ctx *cx, const struct served_certificate *c, void *arg)
{
	struct tls_tenants *t = arg;
	const uint64_t seen = c->fault == NULL ? hash64_of(c->chain, strlen(c->chain), 0) : 0;
	struct held *h = map_get(t->domains, c->domain);

	if (h == NULL || strcmp(h->tenant_id, c->tenant_id) != 0 || h->seen != seen || c->fault != NULL)
		h = replace(t, h, held_new(cx, c, seen));
	h->round = t->round;
}

struct sweep {
	const struct tls_tenants *t;
	const char *tenant_id;
	struct held **v;
	size_t n;
};

static bool find_gone(const char *domain, void *value, void *arg)
{
	struct sweep *s = arg;
	struct held *h = value;

	(void)domain;
	if (h->round != s->t->round && (s->tenant_id == NULL || strcmp(h->tenant_id, s->tenant_id) == 0))
		s->v[s->n++] = h;
	return true;
}

/* What was not told of any more. */
static void drop_gone(struct tls_tenants *t, const char *tenant_id)
{
	struct sweep s = { .t = t, .tenant_id = tenant_id };

	s.v = mem_alloc(map_count(t->domains), sizeof(struct held *));
	map_each(t->domains, find_gone, &s);
	for (size_t i = 0; i < s.n; i++) {
		(void)map_take(t->domains, s.v[i]->domain);
		held_free(s.v[i]);
	}
	t->changed |= s.n > 0;
	free(s.v);
}

static bool find_news(const char *domain, void *value, void *arg)
{
	struct sweep *s = arg;
	struct held *h = value;

	(void)domain;
	if (h->news)
		s->v[s->n++] = h;
	return true;
}

/* Alerts that are open from before this start, about what is shown now, are over. */
static enum err note_mended(struct ctx *cx, struct tls_tenants *t)
{
	struct db_rows rows = { 0 };

	TRY(certificates_troubled(cx, &rows));
	for (size_t i = 0; i < rows.n; i++) {
		const struct certificate_row *row = DB_ROW(&rows, struct certificate_row, i);
		struct held *h = map_get(t->domains, row->domain);

		if (h != NULL && strcmp(h->tenant_id, row->tenant_id) == 0)
			h->news = true;
	}
	t->unsure = false;
	return ERR_NONE;
}

/* Sets t->news: there is more. */
static void tell_all(struct ctx *cx, struct tls_tenants *t)
{
	struct sweep s = { .t = t };
	size_t told = 0, failed = 0;

	s.v = mem_alloc(map_count(t->domains), sizeof(struct held *));
	map_each(t->domains, find_news, &s);
	for (size_t i = 0; i < s.n && clock_mono_ms() < cx->deadline_ms; i++) {
		struct held *h = s.v[i];

		h->news = certificates_trouble(cx, h->tenant_id, h->domain, h->faulty) != ERR_NONE;
		told += !h->news;
		failed += h->news;
		ctx_clear_problem(cx);
	}
	free(s.v);
	t->news = told < s.n;
	if (failed > 0)
		t->tell_at = clock_mono_ms() + TELL_AGAIN_MS;
}

void tls_tenants_tell(struct tls_tenants *t)
{
	const int64_t now = clock_mono_ms();
	struct ctx cx = { .world = t->world, .request_id = "", .deadline_ms = now + TELL_MS };
	uint64_t ticket;

	if ((!t->unsure && !t->news) || now < t->tell_at)
		return;
	cx.arena = arena_create(16384);
	ticket = turnover_enter(&t->world->turnover);
	if (t->unsure && note_mended(&cx, t) != ERR_NONE)
		t->tell_at = now + TELL_AGAIN_MS;
	else
		tell_all(&cx, t);
	turnover_leave(&t->world->turnover, ticket);
	arena_destroy(cx.arena);
}

bool tls_tenants_refresh(struct tls_tenants *t, const char *tenant_id, bool *ret_changed)
{
	struct arena *a = arena_create(16384);
	struct ctx cx = {
		.arena = a, .world = t->world, .request_id = "", .deadline_ms = clock_mono_ms() + READ_MS
	};
	uint64_t ticket;
	enum err e;

	t->round++;
	t->changed = false;
	ticket = turnover_enter(&t->world->turnover);
	e = certificates_each(&cx, tenant_id, take, t);
	turnover_leave(&t->world->turnover, ticket);
	if (e == ERR_NONE) {
		drop_gone(t, tenant_id);
		t->unsure |= tenant_id == NULL;
	} else if (!t->failing) {
		LOG(LOG_WARN, "certificates of tenants cannot be read; what is shown stays as it is",
			LOG_TEXT("code", err_info(e)->code), LOG_TEXT("message", cx.problem.message));
	}
	t->failing = e != ERR_NONE;
	arena_destroy(a);
	*ret_changed = t->changed;
	return e == ERR_NONE;
}

size_t tls_tenants_count(const struct tls_tenants *t)
{
	return map_count(t->domains);
}

struct listing {
	struct tls_entry *v;
	size_t n;
};

static bool list_one(const char *domain, void *value, void *arg)
{
	struct listing *l = arg;
	const struct held *h = value;

	(void)domain;
	if (h->cert != NULL)
		l->v[l->n++] = (struct tls_entry){ .name = h->domain, .cert = h->cert };
	return true;
}

size_t tls_tenants_list(const struct tls_tenants *t, struct tls_entry *v)
{
	struct listing l = { .v = v };

	map_each(t->domains, list_one, &l);
	return l.n;
}
