/* SPDX-License-Identifier: Apache-2.0 */
/* What generated functions call: statements of an open unit of work. */
#include <assert.h>
#include <string.h>

#include "conn.h"
#include "cc/base/failpoint.h"

/* After a failure nothing is sent any more: the transaction can only roll back. */
static bool open_for(struct db *db)
{
	assert(db != NULL && db->cx != NULL);
	if (db->failed == ERR_NONE && !db->begun)
		unit_begin(db);
	return db->failed == ERR_NONE;
}

enum err db_flush(struct db *db)
{
	assert(db != NULL && db->cx != NULL);
	if (db->npending > 0 && !db->lost) {
		FAILPOINT("db.ask");
		conn_sync(db);
		FAILPOINT("db.asked");
		conn_drain(db, conn_deadline(db->cx));
		FAILPOINT("db.answered");
		db->first_ok = db->first_ok || db->failed == ERR_NONE;
	}
	return db->failed;
}

static bool fills_in(const struct db_pending *p)
{
	return p->kind == PENDING_QUERY && p->q->card != DB_EXEC && p->q->card != DB_EXEC1;
}

enum err db_settle(struct db *db)
{
	for (size_t i = db->head; i < db->npending; i++)
		if (fills_in(&db->pending[i]))
			return db_flush(db);
	return db->failed;
}

enum err db_query_now(struct db *db, const struct db_query *q, const struct db_order *order,
	struct db_result res, const struct db_arg *args)
{
	enum err e;

	if (!open_for(db))
		return db->failed;
	db->own = ERR_NONE;
	stmt_send(db, q, order, res, args, false);
	e = db_flush(db);
	return e != ERR_NONE ? e : db->own;
}

void db_query_later(struct db *db, const struct db_query *q, const struct db_order *order,
	struct db_result res, const struct db_arg *args)
{
	if (open_for(db))
		stmt_send(db, q, order, res, args, true);
}
