/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_TESTS_CLAIM_H
#define CC_TESTS_CLAIM_H

#include "client.h"
#include "daemon.h"
#include "dns_peer.h"

/* Tenants that claim domains, before two resolvers of the test's own. One thread. */
#define CLAIM_RESOLVERS 2

struct claim {
	struct tenant_fixture t;
	struct client *c;
	char domain[128], txt_name[160], txt[100];
};

/* Resolvers, and a daemon that asks them; env: more of its environment, NULL-terminated, at most 20. */
struct daemon *claim_daemon(const char *const *env);
/* The environment of that daemon, and `more` (NULL: nothing more): for another node, or another start. */
const char *const *claim_env(const char *more, const char **ret, size_t size);
int claim_teardown(void **state);       /* for groups; *state is that daemon */
int claim_clean(void **state);          /* before a test: resolvers that know nothing */
struct dns_peer *claim_dns(int resolver);
const char *claim_resolver(int resolver);
void claim_clear(void);

/* A tenant, a client of its own (the caller closes it), and its claim. */
void claim_make(struct daemon *d, const char *slug, const char *domain, struct claim *ret);
/* What proves it, and leads to the tenant. */
void claim_publish(const struct claim *k);
void claim_publish_at(const struct claim *k, int resolver);
void claim_publish_txt(const struct claim *k);
/* The same domain once more, with whatever token it has now. */
void claim_again(struct claim *k);
const struct answer *claim_verify(const struct claim *k);
const struct answer *claim_look(const struct claim *k);

#endif
