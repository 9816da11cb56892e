/* SPDX-License-Identifier: Apache-2.0 */
/* Tenants, keys and clients for stories. */
#define _GNU_SOURCE /* asprintf */
#include "client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libpq-fe.h>

#include "cc/core/scope.h"

struct client *client_operator(struct daemon *d)
{
	struct client *c = client_open(daemon_port(d));

	client_key(c, daemon_operator_key(d));
	return c;
}

struct client *client_of(struct daemon *d, const struct tenant_fixture *t)
{
	struct client *c = client_open(daemon_port(d));

	client_key(c, t->key);
	return c;
}

/* "a,b" as the items of a JSON array. */
static char *quoted_scopes(const char *scopes)
{
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	assert_non_null(f);
	for (const char *p = scopes; *p != '\0';) {
		const size_t len = strcspn(p, ",");

		fprintf(f, "%s\"%.*s\"", p > scopes ? "," : "", (int)len, p);
		p += len + (p[len] == ',');
	}
	fclose(f);
	return text;
}

static char *every_tenant_scope(void)
{
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	assert_non_null(f);
	for (size_t i = 0; tenant_scope_names[i] != NULL; i++)
		fprintf(f, "%s%s", i > 0 ? "," : "", tenant_scope_names[i]);
	fclose(f);
	return text;
}

char *fixture_key(struct daemon *d, const char *tenant_id, const char *scopes, char **ret_id)
{
	struct client *c = client_operator(d);
	char *list = quoted_scopes(scopes), *path = NULL;

	assert_true(asprintf(&path, "/tenants/%s/api-keys", tenant_id) > 0);
	const struct answer *a =
		assert_status(201, client_post(c, path, "{'name':'fixture','scopes':[%s]}", list));
	char *key = strdup(answer_text(a, "key"));

	if (ret_id != NULL)
		*ret_id = strdup(answer_text(a, "id"));
	client_close(c);
	free(list);
	free(path);
	return key;
}

void fixture_tenant(struct daemon *d, const char *slug, const char *plan, const char *region,
	const char *settings, struct tenant_fixture *ret)
{
	struct client *c = client_operator(d);
	char *scopes = every_tenant_scope(), *id = NULL;
	const struct answer *a = assert_status(
		201, client_post(c, "/tenants",
			     "{'name':'Tenant "
			     "%s','domain':'%s.controlcore.io','plan_type':'%s','region':'%s'%s%s}",
			     slug, slug, plan != NULL ? plan : "pro", region != NULL ? region : "us-east-1",
			     settings != NULL ? ",'settings':" : "", settings != NULL ? settings : ""));

	memset(ret, 0, sizeof *ret);
	snprintf(ret->id, sizeof ret->id, "%s", answer_text(a, "id"));
	snprintf(ret->slug, sizeof ret->slug, "%s", slug);
	snprintf(ret->domain, sizeof ret->domain, "%s", answer_text(a, "domain"));
	char *key = fixture_key(d, ret->id, scopes, &id);
	snprintf(ret->key, sizeof ret->key, "%s", key);
	snprintf(ret->key_id, sizeof ret->key_id, "%s", id);
	client_close(c);
	free(key);
	free(id);
	free(scopes);
}

void fixture_control(struct daemon *d, const char *sql)
{
	char *conninfo = daemon_conninfo(d, DAEMON_CONTROL_DB);
	PGconn *pg = PQconnectdb(conninfo);
	PGresult *r = PQexec(pg, sql);

	if (PQresultStatus(r) != PGRES_COMMAND_OK)
		fail_msg("%s: %s", sql, PQerrorMessage(pg));
	PQclear(r);
	PQfinish(pg);
	free(conninfo);
}
