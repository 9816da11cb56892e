/* SPDX-License-Identifier: Apache-2.0 */
#include "publisher.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "temp.h"

enum { AWAIT_MS = 20000, SLOW_MS = 300 };

static void publish(struct web_turn *t, void *arg)
{
	const struct publisher *p = arg;
	const int mood = atomic_load(&p->mood);

	if (mood == HANGS)
		(void)web_sleep(t, 2 * AWAIT_MS);
	if (mood == IS_SLOW)
		(void)web_sleep(t, SLOW_MS);
	web_reply(t, mood == FAILS ? 500 : 200, NULL, atomic_load(&p->jwks));
}

void publisher_open(struct publisher *p, struct story *s, int first, int last)
{
	char *source, *body;

	*p = (struct publisher){ .texts[0] = jwks_of(first, last) };
	atomic_store(&p->jwks, p->texts[0]);
	p->peer = web_peer_start(publish, p);
	source = text("\"jwks_url\":\"%s/keys\"", web_peer_url(p->peer));
	body = issuers_body(source);
	assert_status(200, set_issuers(s, s->operator, body));
	free(source);
	free(body);
}

void publish_others(struct publisher *p, int first, int last)
{
	p->texts[1] = jwks_of(first, last);
	atomic_store(&p->jwks, p->texts[1]);
}

void publisher_close(struct publisher *p)
{
	web_peer_stop(p->peer);
	free(p->texts[0]);
	free(p->texts[1]);
}

void await_requests(const struct publisher *p, int n)
{
	const int64_t end_ms = temp_now_ms() + AWAIT_MS;

	while (web_peer_requests(p->peer) < n && temp_now_ms() < end_ms)
		temp_sleep_ms(20);
	assert_true(web_peer_requests(p->peer) >= n);
}
