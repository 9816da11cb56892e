/* SPDX-License-Identifier: Apache-2.0 */
#include "stage.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct client *bouncer_of(struct story *s, const char *environment, char **ret_key)
{
	struct client *c = client_open(daemon_port(s->d));

	*ret_key = bouncer_key(s->d, s->t.id, environment);
	client_key(c, *ret_key);
	return c;
}

static int set_up(void **state, int (*open)(void **state))
{
	struct stage *g = calloc(1, sizeof(*g));
	void *story = *state;

	assert_int_equal(0, open(&story));
	g->s = story;
	g->sandbox = bouncer_of(g->s, "sandbox", &g->sandbox_key);
	g->production = bouncer_of(g->s, "production", &g->production_key);
	*state = g;
	return 0;
}

int stage_open(void **state)
{
	return set_up(state, story_open);
}

int stage_open_unlimited(void **state)
{
	return set_up(state, story_open_unlimited);
}

int stage_close(void **state)
{
	struct stage *g = *state;
	void *story = g->s;

	client_close(g->sandbox);
	client_close(g->production);
	free(g->sandbox_key);
	free(g->production_key);
	free(g);
	return story_close(&story);
}

void stage_restarted(struct stage *g)
{
	const int port = daemon_port(g->s->d);

	client_port(g->sandbox, port);
	client_port(g->production, port);
	client_port(g->s->c, port);
	client_port(g->s->operator, port);
}

const struct answer *bundle_keys(struct story *s)
{
	char target[160];

	snprintf(target, sizeof(target), "/.well-known/controlcore-keys/%s", s->t.id);
	return assert_status(200, client_call(s->c, "GET", target, NULL, NULL));
}

void bundle_open(struct story *s, const struct answer *bundle, struct bouncer_bundle *ret)
{
	bouncer_open(bundle, bundle_keys(s), ret);
}

const char *tag_of(const struct answer *a)
{
	static char kept[4][100];
	static int i;

	i = (i + 1) % 4;
	snprintf(kept[i], sizeof(kept[i]), "%s", answer_header(a, "ETag"));
	return kept[i];
}

int bundles_stored(const char *store, const char *tenant_id)
{
	char path[500];
	DIR *folder;
	int n = 0;

	snprintf(path, sizeof(path), "%s/tenants/%s/bundles/sandbox", store, tenant_id);
	folder = opendir(path);
	for (struct dirent *e; folder != NULL && (e = readdir(folder)) != NULL;)
		n += e->d_name[0] != '.';
	if (folder != NULL)
		closedir(folder);
	return n;
}
