/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures of events: what is taken, and what only looks like one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cc/base/bytes.h"
#include "cc/core/stripe_events.h"
#include "stripe_peer.h"

#define NOW 1700000000
#define BODY "{\"id\":\"evt_1\"}"
#define SECRET "whsec_of_the_test"

static const char *const secrets[] = { SECRET, "whsec_before", NULL };

static struct bytes bytes(const char *text)
{
	return (struct bytes){ (const unsigned char *)text, strlen(text) };
}

static bool fits(const char *header)
{
	return stripe_signature_fits(header, bytes(BODY), secrets, NOW, 300);
}

static void a_signature_fits_its_bytes_and_its_secret(void **state)
{
	(void)state;
	assert_true(fits(stripe_signature(SECRET, BODY, NOW)));
	assert_true(fits(stripe_signature("whsec_before", BODY, NOW)));
	assert_false(fits(stripe_signature("whsec_other", BODY, NOW)));
	assert_false(stripe_signature_fits(
		stripe_signature(SECRET, BODY, NOW), bytes(BODY " "), secrets, NOW, 300));
	assert_false(
		stripe_signature_fits(stripe_signature(SECRET, BODY, NOW), bytes(""), secrets, NOW, 300));
}

static void five_minutes_are_the_most(void **state)
{
	(void)state;
	assert_true(fits(stripe_signature(SECRET, BODY, NOW - 300)));
	assert_true(fits(stripe_signature(SECRET, BODY, NOW + 300)));
	assert_false(fits(stripe_signature(SECRET, BODY, NOW - 301)));
	assert_false(fits(stripe_signature(SECRET, BODY, NOW + 301)));
	assert_false(fits(stripe_signature(SECRET, BODY, INT64_MAX)));
}

static void any_v1_will_do_and_other_schemes_will_not(void **state)
{
	const char *good = stripe_signature(SECRET, BODY, NOW), *v1 = strstr(good, "v1=");
	char header[500], mac[65];

	(void)state;
	memcpy(mac, v1 + 3, 64);
	mac[64] = '\0';
	snprintf(header, sizeof(header), "t=%d,v1=%064d,v1=%s", NOW, 0, mac);
	assert_true(fits(header));
	snprintf(header, sizeof(header), "v1=%s,t=%d", mac, NOW);
	assert_true(fits(header));
	snprintf(header, sizeof(header), "t=%d,v0=%s", NOW, mac);
	assert_false(fits(header));
	snprintf(header, sizeof(header), "t=%d,v1=%.63s", NOW, mac);
	assert_false(fits(header));
	snprintf(header, sizeof(header), "t=%d,v1=%s0", NOW, mac);
	assert_false(fits(header));
	snprintf(header, sizeof(header), "t=%d,xv1=%s", NOW, mac);
	assert_false(fits(header));
}

static void what_is_no_header_is_none(void **state)
{
	static const char *const headers[] = { "", "t=", "t=1", "v1=", "t=,v1=", "t=x,v1=00", ",,,",
		"t=-1,v1=00",
		"t=99999999999999999999999,v1=00", "t=1700000000,v1=zz", "v1", "t" };

	(void)state;
	assert_false(fits(NULL));
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
		assert_false(fits(headers[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_signature_fits_its_bytes_and_its_secret),
		cmocka_unit_test(five_minutes_are_the_most),
		cmocka_unit_test(any_v1_will_do_and_other_schemes_will_not),
		cmocka_unit_test(what_is_no_header_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
