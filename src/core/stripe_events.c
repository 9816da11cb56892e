/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/core/stripe_events.h"

#include <string.h>

#include "cc/base/clock.h"
#include "cc/base/str.h"
#include "cc/core/world.h"
#include "cc/crypto/digest.h"
#include "cc/model/q_control.h"
#include "cc/schema/doc.h"
#include "stripe_in.h"

#define TOLERANCE_S 300
#define TEXT_MAX 255
#define SECOND_US INT64_C(1000000)

/* Signatures --------------------------------------------------------------------------------------------- */

#define MAC 32

/* 64 hexadecimal digits, and nothing behind them but a comma. */
static bool read_mac(const char *p, size_t n, unsigned char ret[MAC])
{
	static const char digits[] = "0123456789abcdef";

	if (n != 2 * (size_t)MAC)
		return false;
	for (size_t i = 0; i < n; i++) {
		const char *d = p[i] != '\0' ? strchr(digits, p[i]) : NULL;

		if (d == NULL)
			return false;
		ret[i / 2] = (unsigned char)(i % 2 == 0 ? (d - digits) << 4 : ret[i / 2] | (d - digits));
	}
	return true;
}

static bool read_time(const char *header, char text[24], int64_t *ret)
{
	const char *p = header;
	size_t n;

	while (p != NULL && strncmp(p, "t=", 2) != 0) {
		p = strchr(p, ',');
		p = p != NULL ? p + 1 : NULL;
	}
	n = p != NULL ? strcspn(p + 2, ",") : 0;
	if (n == 0 || n >= 20 || strspn(p + 2, "0123456789") < n)
		return false;
	memcpy(text, p + 2, n);
	text[n] = '\0';
	return parse_int64(text, ret);
}

static void sign(const char *secret, const char *time, struct bytes body, unsigned char ret[MAC])
{
	struct arena *a = arena_create(body.n + 64);
	struct str text;

	str_init(&text, a, body.n + 32);
	str_add(&text, time);
	str_add_char(&text, '.');
	str_add_n(&text, (const char *)body.p, body.n);
	hmac_sha256(secret, strlen(secret), text.data, text.len, ret);
	arena_destroy(a);
}

/* Every v1 is compared, whatever came of those before. */
static bool has_mac(const char *header, const unsigned char wanted[MAC])
{
	bool fits = false;

	for (const char *p = header; p != NULL; p = strchr(p, ',') != NULL ? strchr(p, ',') + 1 : NULL) {
		unsigned char mac[MAC];

		if (strncmp(p, "v1=", 3) == 0 && read_mac(p + 3, strcspn(p + 3, ","), mac))
			fits |= bytes_equal_ct(mac, wanted, MAC);
	}
	return fits;
}

bool stripe_signature_fits(
	const char *header, struct bytes body, const char *const *secrets, int64_t now_s, int64_t tolerance_s)
{
	bool fits = false;
	char time[24];
	int64_t at;

	if (header == NULL || !read_time(header, time, &at) || at > now_s + tolerance_s ||
		at < now_s - tolerance_s)
		return false;
	for (size_t i = 0; secrets[i] != NULL; i++) {
		unsigned char wanted[MAC];

		sign(secrets[i], time, body, wanted);
		fits |= has_mac(header, wanted);
		bytes_wipe(wanted, sizeof(wanted));
	}
	return fits;
}

/* Events ------------------------------------------------------------------------------------------------- */

bool stripe_is_notice(const char *type)
{
	static const char *const types[] = { "charge.dispute.created", "charge.dispute.closed",
		"v1.billing.meter.error_report_triggered", "v1.billing.meter.no_meter_found" };

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (str_eq(types[i], type))
			return true;
	return false;
}

void stripe_event_store_later(struct ctx *cx, const struct stripe_event_in *e)
{
	q_stripe_event_add_later(cx->db, e->id, e->type, e->created, e->live, e->api_version, e->customer,
		e->payload, stripe_is_notice(e->type));
}

static enum err store(struct ctx *cx, void *arg)
{
	stripe_event_store_later(cx, arg);
	return ERR_NONE;
}

static const char *short_text(struct ctx *cx, const struct doc *d, const char *key)
{
	const char *text = doc_text(d, key);

	return text != NULL && *text != '\0' && strlen(text) <= TEXT_MAX ? arena_strdup(cx->arena, text)
									 : NULL;
}

/*
 * Whose it is: the object's customer, or the object where that is one. A payment method that was detached has
 * none any more: then who had it, or where that is not said, the method itself.
 */
static const char *customer_of(struct ctx *cx, const struct doc *d)
{
	const struct doc *data = doc_object(d, "data");
	const struct doc *object = data != NULL ? doc_object(data, "object") : NULL;
	const struct doc *before = data != NULL ? doc_object(data, "previous_attributes") : NULL;
	const char *kind = object != NULL ? doc_text(object, "object") : NULL, *customer;

	if (object == NULL)
		return NULL;
	customer = short_text(cx, object, str_eq(kind, "customer") ? "id" : "customer");
	if (customer == NULL && before != NULL)
		customer = short_text(cx, before, "customer");
	if (customer == NULL && str_eq(kind, "payment_method"))
		customer = short_text(cx, object, "id");
	return customer;
}

/* Seconds since 1970, or for events of Stripe's second API a text. -1: it is no time. */
static int64_t created_at(const struct doc *d)
{
	const char *text = doc_text(d, "created");
	int64_t at = -1;

	if (text != NULL)
		return time_parse(text, true, &at) ? at / SECOND_US : -1;
	return doc_int(d, "created", &at) && at >= 0 && at <= INT64_C(253402300799) ? at : -1;
}

bool stripe_event_read(struct ctx *cx, const struct doc *d, const char *payload, struct stripe_event_in *ret)
{
	*ret = (struct stripe_event_in){
		.id = short_text(cx, d, "id"),
		.type = short_text(cx, d, "type"),
		.api_version = short_text(cx, d, "api_version"),
		.customer = customer_of(cx, d),
		.live = doc_true(d, "livemode"),
		.payload = payload,
		.created = created_at(d),
	};
	return ret->id != NULL && ret->type != NULL && ret->created >= 0;
}

static enum err read_event(struct ctx *cx, struct bytes body, struct stripe_event_in *ret)
{
	const char *why = NULL;
	struct doc *d = doc_parse(cx->arena, (const char *)body.p, body.n, &why);
	bool good;

	if (d == NULL)
		return refuse(cx, ERR_INVALID_REQUEST, "the event is no JSON object: %s", why);
	good = stripe_event_read(cx, d, arena_strndup(cx->arena, (const char *)body.p, body.n), ret);
	doc_free(d);
	if (!good)
		return refuse(cx, ERR_INVALID_REQUEST, "the event lacks its id, type or time");
	return ERR_NONE;
}

enum err stripe_event_take(struct ctx *cx, const char *signature, struct bytes body)
{
	const struct stripe_settings *s = &cx->world->settings->stripe;
	struct stripe_event_in e;
	struct db_place place;

	if (!stripe_signature_fits(
		    signature, body, s->webhook_secrets, clock_wall_us() / SECOND_US, TOLERANCE_S))
		return refuse(cx, ERR_SIGNATURE, "the signature of the event does not fit, or is too old");
	TRY(read_event(cx, body, &e));
	if (e.live != s->live)
		return refuse(cx, ERR_INVALID_REQUEST, "the event is of the other mode (livemode)");
	place_platform(cx->world, &place);
	return db_unit(cx, &place, DB_WRITE, store, &e);
}
