/* SPDX-License-Identifier: Apache-2.0 */
#include "claim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define ENV_MAX 22

static struct dns_peer *dns[CLAIM_RESOLVERS];

static const char *all[ENV_MAX];

struct daemon *claim_daemon(const char *const *env)
{
	static char resolvers[100];
	size_t n = 0;

	for (int i = 0; i < CLAIM_RESOLVERS; i++)
		dns[i] = dns_peer_start();
	snprintf(resolvers, sizeof(resolvers), "CONTROLCORE_DOMAINS_RESOLVERS=%s,%s",
		 dns_peer_address(dns[0]), dns_peer_address(dns[1]));
	all[n++] = resolvers;
	for (; *env != NULL; env++) {
		assert_true(n < ENV_MAX - 1);
		all[n++] = *env;
	}
	all[n] = NULL;
	return daemon_start(&(struct daemon_options){ .env = all });
}

const char *const *claim_env(const char *more, const char **ret, size_t size)
{
	size_t n = 0;

	for (; all[n] != NULL; n++) {
		assert_true(n + 2 < size);
		ret[n] = all[n];
	}
	ret[n] = more;
	if (more != NULL)
		ret[n + 1] = NULL;
	return ret;
}

int claim_teardown(void **state)
{
	daemon_finish(*state);
	for (int i = 0; i < CLAIM_RESOLVERS; i++)
		dns_peer_stop(dns[i]);
	return 0;
}

void claim_clear(void)
{
	for (int i = 0; i < CLAIM_RESOLVERS; i++)
		dns_peer_clear(dns[i]);
}

int claim_clean(void **state)
{
	(void)state;
	claim_clear();
	return 0;
}

struct dns_peer *claim_dns(int resolver)
{
	return dns[resolver];
}

const char *claim_resolver(int resolver)
{
	return dns_peer_address(dns[resolver]);
}

void claim_again(struct claim *k)
{
	const struct answer *a;
	char path[200];

	snprintf(path, sizeof(path), "/tenants/%s/domains", k->t.id);
	a = assert_status(201, client_post(k->c, path, "{'domain':'%s'}", k->domain));
	snprintf(k->txt_name, sizeof(k->txt_name), "%s", answer_text(a, "txt_name"));
	snprintf(k->txt, sizeof(k->txt), "%s", answer_text(a, "dns_instructions.txt_record"));
}

void claim_make(struct daemon *d, const char *slug, const char *domain, struct claim *ret)
{
	fixture_tenant(d, slug, NULL, NULL, NULL, &ret->t);
	ret->c = client_of(d, &ret->t);
	snprintf(ret->domain, sizeof(ret->domain), "%s", domain);
	claim_again(ret);
}

void claim_publish_at(const struct claim *k, int resolver)
{
	dns_peer_txt(dns[resolver], k->txt_name, k->txt);
	dns_peer_cname(dns[resolver], k->domain, k->t.domain);
}

void claim_publish(const struct claim *k)
{
	for (int i = 0; i < CLAIM_RESOLVERS; i++)
		claim_publish_at(k, i);
}

void claim_publish_txt(const struct claim *k)
{
	for (int i = 0; i < CLAIM_RESOLVERS; i++)
		dns_peer_txt(dns[i], k->txt_name, k->txt);
}

const struct answer *claim_verify(const struct claim *k)
{
	char path[300];

	snprintf(path, sizeof(path), "/api/v1/tenants/%s/domains/%s/verify", k->t.id, k->domain);
	return client_call(k->c, "POST", path, NULL, NULL);
}

const struct answer *claim_look(const struct claim *k)
{
	return assert_status(200, client_get(k->c, "/tenants/%s/domains/%s", k->t.id, k->domain));
}
