/* SPDX-License-Identifier: Apache-2.0 */
/* The audit as a file, of any length: read in short units of work, made while it is sent. */
#include <string.h>

#include "audit_query.h"
#include "groups.h"
#include "cc/base/clock.h"
#include "cc/core/audit_export.h"
#include "cc/core/checkpoint.h"
#include "cc/core/head.h"
#include "cc/core/registry.h"
#include "cc/core/world.h"
#include "cc/model/q_control.h"
#include "cc/model/q_tenant.h"
#include "cc/schema/csv.h"

#define PIECE_ROWS 400          /* of each chain, read for one piece */
#define PIECE_SEQS 20000        /* of each chain, looked through for one piece, whatever the filter leaves */
#define TYPE_CSV "text/csv"
#define TYPE_NDJSON "application/x-ndjson"

static const char *const formats[] = { "ndjson", "csv", NULL };

struct export_query {
	struct audit_filter filter;
	const char *format;
};

#define T struct export_query
static const struct field export_query_fields[] = {
	AUDIT_FILTER_FIELDS(T),
	ENUM(T, format, F_CREATE, formats, "ndjson", "ndjson can be verified; csv is for spreadsheets."),
};
#undef T
static SCHEMA(export_query_schema, struct export_query, "AuditExportQuery", export_query_fields);

/* One chain: what was sent of it, and what was read for this piece. */
struct side {
	int64_t pos, end;       /* nothing up to pos is left to send; end: where the export ends */
	int64_t upto;           /* rows hold all that is wanted up to there */
	struct db_rows rows;
	size_t next;            /* of rows */
};

struct job {
	struct audit_filter filter;
	struct checkpoints heads;
	struct side side[CHAINS];
	struct audit_export lines;
	bool csv, begun;
};

static enum err read_data(struct ctx *cx, void *arg)
{
	const struct audit_filter *f = &((struct job *)arg)->filter;
	struct side *s = &((struct job *)arg)->side[CHAIN_DATA];

	q_audit_export_later(cx->db, &s->rows, f->since, f->until, f->actor, f->action, f->category,
			     f->object, f->object_id, f->environment, f->outcome, s->pos, s->upto,
			     PIECE_ROWS);
	return ERR_NONE;
}

static enum err read_control(struct ctx *cx, void *arg)
{
	const struct job *j = arg;
	const struct audit_filter *f = &j->filter;
	struct side *s = &((struct job *)arg)->side[CHAIN_CONTROL];

	q_tenant_audit_export_later(cx->db, &s->rows, j->lines.tenant_id, f->since, f->until, f->actor,
				    f->action, f->category, f->object, f->object_id, f->environment,
				    f->outcome, s->pos, s->upto, PIECE_ROWS);
	return ERR_NONE;
}

static enum err read_here(struct ctx *cx, struct job *j, int chain)
{
	const struct tenant *held = cx->tenant, *fresh;
	struct db_place place = { 0 };
	enum err e;

	if (chain == CHAIN_CONTROL) {
		place_control(cx->world, j->lines.tenant_id, &place);
		return db_unit(cx, &place, DB_READ, read_control, j);
	}
	e = head_read(cx, read_data, j, &fresh);
	cx->tenant = held;
	tenant_put(fresh);
	return e;
}

/* Records never change, and their numbers only grow: what is read at different times is of one time. */
static enum err side_read(struct ctx *cx, struct job *j, int chain)
{
	struct side *s = &j->side[chain];

	s->rows = (struct db_rows){ .n = 0 };
	s->next = 0;
	s->upto = s->end - s->pos > PIECE_SEQS ? s->pos + PIECE_SEQS : s->end;
	if (s->pos == s->end)
		return ERR_NONE;
	TRY(read_here(cx, j, chain));
	if (s->rows.n == PIECE_ROWS)
		s->upto = DB_ROW(&s->rows, struct audit_row, PIECE_ROWS - 1)->seq;
	return ERR_NONE;
}

static const struct audit_row *side_row(const struct side *s)
{
	return s->next < s->rows.n ? DB_ROW(&s->rows, struct audit_row, s->next) : NULL;
}

static void side_pass(struct side *s, const struct audit_row *row)
{
	s->pos = row->seq;
	s->next++;
}

/* There is more of it, but it was not read yet: what comes next of both is not known. */
static bool side_dry(const struct side *s)
{
	return s->next == s->rows.n && s->upto < s->end;
}

static void write_row(struct job *j, struct str *out, const struct audit_row *row)
{
	struct audit_row r = *row;

	r.tenant_id = j->lines.tenant_id;
	if (j->csv)
		csv_row(out, &audit_row_schema, &r);
	else
		export_record(&j->lines, out, &r);
}

/* Oldest first. Of two at one time control is the older, as in the list. */
static void merge(struct job *j, struct str *out)
{
	struct side *data = &j->side[CHAIN_DATA], *control = &j->side[CHAIN_CONTROL];

	while (!side_dry(data) && !side_dry(control)) {
		const struct audit_row *x = side_row(data), *y = side_row(control);

		if (x == NULL && y == NULL)
			break;
		if (y != NULL && (x == NULL || y->timestamp <= x->timestamp)) {
			write_row(j, out, y);
			side_pass(control, y);
		} else if (x != NULL) {
			write_row(j, out, x);
			side_pass(data, x);
		}
	}
	for (int k = 0; k < CHAINS; k++) {
		struct side *s = &j->side[k];

		if (s->next == s->rows.n)
			s->pos = s->upto;
	}
}

static void write_filter(struct str *out, const struct audit_filter *f)
{
	const struct {
		const char *name, *value;
	} members[] = {
		{ "action", f->action },
		{ "actor", f->actor },
		{ "category", f->category },
		{ "chain", f->chain },
		{ "end_date", f->end_date },
		{ "environment", f->environment },
		{ "object", f->object },
		{ "object_id", f->object_id },
		{ "outcome", f->outcome },
		{ "start_date", f->start_date },
	};
	struct jw w;

	jw_init(&w, out);
	jw_object(&w);
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		if (members[i].value == NULL)
			continue;
		jw_key(&w, members[i].name);
		jw_text(&w, members[i].value);
	}
	jw_object_end(&w);
}

static void begin(struct job *j, struct str *out)
{
	struct str filter;

	j->begun = true;
	if (j->csv) {
		csv_head(out, &audit_row_schema);
		return;
	}
	str_init(&filter, out->arena, 256);
	write_filter(&filter, &j->filter);
	export_head(&j->lines, out, clock_wall_us() / 1000 * 1000, filter.data);
}

static void end(struct job *j, struct str *out, bool last)
{
	if (j->csv)
		return;
	for (int k = 0; last && k < CHAINS; k++)
		if (j->heads.found[k])
			export_checkpoint(&j->lines, out, &j->heads.last[k]);
	export_seal(&j->lines, out, last);
}

static enum err more(struct ctx *cx, void *arg, struct str *out, bool *ret_last)
{
	struct job *j = arg;

	for (int k = 0; k < CHAINS; k++)
		TRY(side_read(cx, j, k));
	if (!j->begun)
		begin(j, out);
	merge(j, out);
	*ret_last = true;
	for (int k = 0; k < CHAINS; k++)
		*ret_last = *ret_last && j->side[k].pos == j->side[k].end;
	end(j, out, *ret_last);
	return ERR_NONE;
}

/* What is there now, up to the heads that are signed; of a chain that does not fit them, all there is. */
static void bound(struct job *j)
{
	static const char *const names[CHAINS] = { AUDIT_CHAIN_DATA, AUDIT_CHAIN_CONTROL };

	for (int k = 0; k < CHAINS; k++) {
		const bool good = j->heads.found[k] && !j->heads.broken[k];

		if (audit_filter_chain(&j->filter, names[k]))
			j->side[k].end = good ? j->heads.last[k].seq : j->heads.tip[k];
		else
			j->heads.found[k] = false;
	}
}

static enum err audit_export(struct ctx *cx, struct req *rq)
{
	const struct export_query *q = rq->query;
	struct job *j = ARENA_NEW(cx->arena, struct job);
	struct stream *s = ARENA_NEW(cx->arena, struct stream);

	j->filter = q->filter;
	TRY(audit_filter_times(cx, &j->filter));
	TRY(checkpoint_make(cx, &j->heads));
	bound(j);
	j->csv = str_eq(q->format, "csv");
	j->lines.tenant_id = arena_strdup(cx->arena, cx->tenant->id);
	j->lines.key = &cx->world->settings->signing;
	*s = (struct stream){ .more = more, .arg = j, .owner = j->lines.tenant_id };
	return reply_stream(rq, s, j->csv ? TYPE_CSV : TYPE_NDJSON);
}

static const struct route routes[] = {
	{ M_GET, "/audit/export", "exportAudit", "audit:read", .auth = AUTH_TENANT, .store = STORE_NONE,
	  .mode = DB_READ, .status = 200, .handler = audit_export, .query = &export_query_schema,
	  .media = { TYPE_NDJSON, TYPE_CSV }, .flags = ROUTE_VOLATILE, .rate = RATE_EXPORT,
	  .summary = "Export the audit",
	  .doc = "All records that the list would show, oldest first, in one answer of any length that ends "
		 "with what is there now. ndjson holds what verifies it: numbers, macs, checkpoints and "
		 "signatures. An answer that cannot be completed ends without its last chunk." },
};
ROUTE_GROUP(audit_export_routes, "Audit", "/api/v1", routes);
