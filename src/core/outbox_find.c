/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a call that Stripe gave no good answer to had its effect, and what follows here from one that
 * had.
 */
#include "outbox_in.h"
#include "stripe_in.h"

#include <inttypes.h>
#include <string.h>

#include "cc/core/world.h"
#include "cc/model/q_control.h"
#include "cc/schema/doc.h"

#define PAGES_MAX 100 /* of 100 objects each */
#define SECOND_US INT64_C(1000000)
#define HOUR_S 3600
#define SPARE_S 300 /* our clock and Stripe's */

static int hex_digit(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
				      : -1;
}

const char *form_value(struct arena *a, const char *form, const char *key)
{
	const size_t n = strlen(key);
	struct str out;

	while (form != NULL && (strncmp(form, key, n) != 0 || form[n] != '=')) {
		form = strchr(form, '&');
		form = form != NULL ? form + 1 : NULL;
	}
	if (form == NULL)
		return NULL;
	str_init(&out, a, 64);
	for (const char *p = form + n + 1; *p != '\0' && *p != '&'; p++) {
		if (*p == '%' && hex_digit(p[1]) >= 0 && hex_digit(p[2]) >= 0) {
			str_add_char(&out, (char)(hex_digit(p[1]) * 16 + hex_digit(p[2])));
			p += 2;
		} else {
			str_add_char(&out, *p);
		}
	}
	return out.data;
}

/* Looking ------------------------------------------------------------------------------------------------ */

static bool is_named(const struct doc *object, const char *name)
{
	const struct doc *metadata = doc_object(object, "metadata");

	return metadata != NULL && str_eq(doc_text(metadata, "cc_op"), name);
}

/* One page. *ret_last: the id that the next one begins behind; NULL: there is none. */
static enum outbox_found find_on_page(
	struct ctx *cx, const char *path, const char *name, const char **ret_id, const char **ret_last)
{
	enum outbox_found found = FOUND_ABSENT;
	const struct doc *item;
	bool missing;
	struct doc *d = stripe_get_doc(cx, path, &missing);

	*ret_last = NULL;
	if (d == NULL)
		return missing ? FOUND_ABSENT : FOUND_UNKNOWN;
	for (size_t i = 0; found != FOUND_DONE && (item = doc_item(d, "data", i)) != NULL; i++) {
		const char *id = doc_text(item, "id");

		*ret_last = id != NULL ? arena_strdup(cx->arena, id) : NULL;
		if (is_named(item, name)) {
			*ret_id = *ret_last;
			found = FOUND_DONE;
		}
	}
	if (!doc_true(d, "has_more"))
		*ret_last = NULL;
	doc_free(d);
	return found;
}

/* Lists are up to date at once, unlike Stripe's search: what they do not have is not there. */
static enum outbox_found find_in_list(struct ctx *cx, const char *list, const char *name, const char **ret_id)
{
	const char *path = list, *last = NULL;

	for (int page = 0; page < PAGES_MAX; page++) {
		const enum outbox_found found = find_on_page(cx, path, name, ret_id, &last);

		if (found != FOUND_ABSENT || last == NULL)
			return found;
		path = arena_printf(cx->arena, "%s&starting_after=%s", list, last);
	}
	return FOUND_UNKNOWN;
}

static enum outbox_found find_customer(struct ctx *cx, const struct outbox_row *row, const char **ret_id)
{
	const int64_t since = row->created_at / SECOND_US - SPARE_S;

	return find_in_list(cx,
		arena_printf(cx->arena, "/v1/customers?limit=100&created[gte]=%" PRId64, since), row->id,
		ret_id);
}

static enum outbox_found find_subscription(struct ctx *cx, const struct outbox_row *row, const char **ret_id)
{
	const char *customer = form_value(cx->arena, row->body, "customer");

	return find_in_list(cx,
		arena_printf(cx->arena, "/v1/subscriptions?limit=100&status=all&customer=%s", customer),
		row->id, ret_id);
}

/*
 * The object itself says the name of the call that changed it last: calls of one account follow each
 * other.
 */
static enum outbox_found find_change(struct ctx *cx, const struct outbox_row *row, const char **ret_id)
{
	enum outbox_found found = FOUND_UNKNOWN;
	bool missing;
	struct doc *d = stripe_get_doc(cx, row->path, &missing);

	if (d != NULL) {
		found = is_named(d, row->id) ? FOUND_DONE : FOUND_ABSENT;
		*ret_id = doc_text(d, "id") != NULL ? arena_strdup(cx->arena, doc_text(d, "id")) : NULL;
	}
	doc_free(d);
	return missing ? FOUND_GONE : found;
}

static enum outbox_found find_attached(struct ctx *cx, const struct outbox_row *row, const char **ret_id)
{
	const char *end = strstr(row->path, "/attach");
	const char *path = arena_strndup(cx->arena, row->path, end != NULL ? (size_t)(end - row->path) : 0);
	enum outbox_found found = FOUND_UNKNOWN;
	bool missing;
	struct doc *d = stripe_get_doc(cx, path, &missing);

	if (d != NULL) {
		found = str_eq(doc_text(d, "customer"), form_value(cx->arena, row->body, "customer"))
				? FOUND_DONE
				: FOUND_ABSENT;
		*ret_id = strrchr(path, '/') + 1;
	}
	doc_free(d);
	return missing ? FOUND_ABSENT : found;
}

static enum outbox_found find_cancelled(struct ctx *cx, const struct outbox_row *row)
{
	enum outbox_found found = FOUND_UNKNOWN;
	bool missing;
	/* What the call asks for beside is no question of a look. */
	const char *path = arena_strndup(cx->arena, row->path, strcspn(row->path, "?"));
	struct doc *d = stripe_get_doc(cx, path, &missing);

	if (d != NULL)
		found = str_eq(doc_text(d, "status"), "canceled") ? FOUND_DONE : FOUND_ABSENT;
	doc_free(d);
	return missing ? FOUND_DONE : found;
}

/* Stripe takes one identifier once for a day: until then the event may simply be sent again. */
static enum outbox_found find_hour(struct ctx *cx, const struct outbox_row *row, const char **ret_id)
{
	const int64_t age_s = (row->now - row->created_at) / SECOND_US;
	const char *plus;
	int64_t timestamp, there, value, before = 0;

	*ret_id = form_value(cx->arena, row->body, "identifier");
	if (age_s < cx->world->settings->stripe.window_s)
		return FOUND_ABSENT;
	/* "…:v1+40": what is lacking of an hour of which there were 40 */
	plus = *ret_id != NULL ? strchr(*ret_id, '+') : NULL;
	if (plus != NULL && !parse_int64(plus + 1, &before))
		return FOUND_UNKNOWN;
	if (!parse_int64(form_value(cx->arena, row->body, "timestamp"), &timestamp) ||
		!parse_int64(form_value(cx->arena, row->body, "payload[value]"), &value) ||
		!stripe_hour(cx, form_value(cx->arena, row->body, "event_name"),
			form_value(cx->arena, row->body, "payload[stripe_customer_id]"),
			timestamp - timestamp % HOUR_S, &there))
		return FOUND_UNKNOWN;
	return there == before + value ? FOUND_DONE : there == before ? FOUND_ABSENT : FOUND_UNKNOWN;
}

enum outbox_found outbox_find(struct ctx *cx, const struct outbox_row *row, const char **ret_id)
{
	switch (outbox_op_of(row)) {
	case OP_CUSTOMER:
		return find_customer(cx, row, ret_id);
	case OP_SUBSCRIBE:
		return find_subscription(cx, row, ret_id);
	case OP_ATTACH:
		return find_attached(cx, row, ret_id);
	case OP_CUSTOMER_UPDATE:
	case OP_PLAN:
	case OP_DEFAULT_CLEAR:
		return find_change(cx, row, ret_id);
	case OP_CANCEL:
		return find_cancelled(cx, row);
	case OP_METER_EVENT:
		return find_hour(cx, row, ret_id);
	case OP_METER_CANCEL:
		return FOUND_ABSENT; /* what was taken back cannot be twice: it may be asked for again */
	case OP_COUNT:
		break;
	}
	return FOUND_UNKNOWN;
}

/* What follows ------------------------------------------------------------------------------------------- */

static enum err apply_effect(struct ctx *cx, const struct outbox_row *row)
{
	const char *why, *method, *address;
	struct doc *d;

	if (row->effect == NULL)
		return ERR_NONE;
	d = doc_parse(cx->arena, row->effect, strlen(row->effect), &why);
	if (d == NULL)
		return refuse(cx, ERR_INTERNAL, "what a call makes true cannot be read: %s", why);
	method = doc_text(d, "payment_method") != NULL
			 ? arena_strdup(cx->arena, doc_text(d, "payment_method"))
			 : NULL;
	address = doc_value(d, "address");
	doc_free(d);
	q_stripe_paid_by_later(cx->db, row->tenant_id, method, address);
	return ERR_NONE;
}

static const char *subscription_of(struct ctx *cx, const struct outbox_row *row)
{
	const char *path = arena_strndup(cx->arena, row->path, strcspn(row->path, "?"));
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

enum err outbox_apply(struct ctx *cx, const struct outbox_row *row, const char *result_id)
{
	switch (outbox_op_of(row)) {
	case OP_CUSTOMER:
		q_stripe_customer_later(cx->db, row->tenant_id, result_id);
		break;
	case OP_SUBSCRIBE:
		q_stripe_subscribed_later(cx->db, row->tenant_id, result_id);
		break;
	case OP_PLAN:
	case OP_DEFAULT_CLEAR:
		q_stripe_stale_later(cx->db, row->tenant_id);
		break;
	case OP_CANCEL:
		q_stripe_stale_later(cx->db, row->tenant_id);
		q_stripe_cancelled_later(cx->db, row->tenant_id, subscription_of(cx, row));
		break;
	case OP_CUSTOMER_UPDATE:
		return apply_effect(cx, row);
	case OP_ATTACH:
	case OP_METER_EVENT:
	case OP_METER_CANCEL:
	case OP_COUNT:
		break;
	}
	return ERR_NONE;
}
