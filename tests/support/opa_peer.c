/* SPDX-License-Identifier: Apache-2.0 */
#include "opa_peer.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "web_peer.h"

enum { MODULES_MAX = 64, NAME_MAX_LEN = 64 };

struct opa_peer {
	struct web_peer *web;
	char *token;
	pthread_mutex_t lock;
	enum opa_mood mood;
	char module[MODULES_MAX][NAME_MAX_LEN]; /* "": free */
	int loads;
};

static int slot_of(const struct opa_peer *p, const char *name)
{
	for (int i = 0; i < MODULES_MAX; i++)
		if (strcmp(p->module[i], name) == 0)
			return i;
	return -1;
}

static bool keep_module(struct opa_peer *p, const char *name)
{
	int at;

	pthread_mutex_lock(&p->lock);
	at = slot_of(p, name);
	if (at < 0)
		at = slot_of(p, "");
	if (at >= 0)
		snprintf(p->module[at], NAME_MAX_LEN, "%s", name);
	p->loads++;
	pthread_mutex_unlock(&p->lock);
	return at >= 0;
}

static bool drop_module(struct opa_peer *p, const char *name)
{
	int at;

	pthread_mutex_lock(&p->lock);
	at = slot_of(p, name);
	if (at >= 0)
		p->module[at][0] = '\0';
	pthread_mutex_unlock(&p->lock);
	return at >= 0;
}

static bool has_module(struct opa_peer *p, const char *name)
{
	bool has;

	pthread_mutex_lock(&p->lock);
	has = slot_of(p, name) >= 0;
	pthread_mutex_unlock(&p->lock);
	return has;
}

/* Line and column of `unsafe_x`, as the compiler would say it. */
static void reply_unsafe(struct web_turn *t, const char *at)
{
	char body[400];
	int row = 1, col = 1;

	for (const char *s = web_body(t); s < at; s++) {
		col = *s == '\n' ? 1 : col + 1;
		row += *s == '\n';
	}
	snprintf(body, sizeof(body),
		"{\"code\":\"invalid_parameter\",\"message\":\"error(s) occurred while compiling module(s)\","
		"\"errors\":[{\"code\":\"rego_unsafe_var_error\",\"message\":\"var unsafe_x is unsafe\","
		"\"location\":{\"file\":\"m\",\"row\":%d,\"col\":%d}}]}",
		row, col);
	web_reply(t, 400, NULL, body);
}

static void load(struct opa_peer *p, struct web_turn *t, const char *name)
{
	char package[NAME_MAX_LEN + 16];
	const char *unsafe = strstr(web_body(t), "unsafe_x");

	snprintf(package, sizeof(package), "package %s", name);
	if (strstr(web_body(t), package) == NULL)
		web_reply(t, 400, NULL, "{\"code\":\"invalid_parameter\",\"message\":\"a foreign package\"}");
	else if (unsafe != NULL)
		reply_unsafe(t, unsafe);
	else
		web_reply(t, keep_module(p, name) ? 200 : 507, NULL, "{}");
}

static void evaluate(struct opa_peer *p, struct web_turn *t, const char *name)
{
	json_t *body = json_loads(web_body(t), 0, NULL), *input = json_object_get(body, "input");
	json_t *answer = json_object_get(input, "answer"), *out = json_object();
	char *text;

	if (answer != NULL && has_module(p, name))
		json_object_set(out, "result", answer);
	text = json_dumps(out, JSON_COMPACT);
	if (body == NULL)
		web_reply(t, 400, NULL, "{\"code\":\"invalid_parameter\"}");
	else if (json_object_get(input, "fail") != NULL)
		web_reply(t, 500, NULL,
			"{\"code\":\"internal_error\",\"message\":\"evaluation\",\"errors\":[{\"code\":"
			"\"eval_conflict_error\","
			"\"message\":\"complete rules must not produce multiple outputs\"}]}");
	else
		web_reply(t, 200, NULL, text);
	free(text);
	json_decref(out);
	json_decref(body);
}

static void serve(struct opa_peer *p, struct web_turn *t, enum opa_mood mood)
{
	const char *method = web_method(t), *target = web_target(t);
	char name[NAME_MAX_LEN];

	if (sscanf(target, "/v1/policies/%63[a-z0-9_]", name) == 1 && strcmp(method, "PUT") == 0)
		load(p, t, name);
	else if (sscanf(target, "/v1/policies/%63[a-z0-9_]", name) == 1 && strcmp(method, "DELETE") == 0)
		web_reply(t, mood == OPA_KEEPS ? 500 : drop_module(p, name) ? 200 : 404, NULL, "{}");
	else if (sscanf(target, "/v1/data/%63[a-z0-9_]/allow", name) == 1 && strcmp(method, "POST") == 0)
		evaluate(p, t, name);
	else
		web_reply(t, 404, NULL, "{\"code\":\"resource_not_found\"}");
}

static bool may_ask(const struct opa_peer *p, struct web_turn *t)
{
	const char *sent = web_header(t, "Authorization");
	char wanted[200];

	snprintf(wanted, sizeof(wanted), "Bearer %s", p->token != NULL ? p->token : "");
	return p->token == NULL || (sent != NULL && strcmp(sent, wanted) == 0);
}

static void turn(struct web_turn *t, void *arg)
{
	struct opa_peer *p = arg;
	enum opa_mood mood;

	pthread_mutex_lock(&p->lock);
	mood = p->mood;
	pthread_mutex_unlock(&p->lock);
	if (!may_ask(p, t))
		web_reply(t, 401, NULL, "{\"code\":\"unauthorized\"}");
	else if (mood == OPA_SILENT)
		web_sleep(t, 60000);
	else if (mood == OPA_BROKEN)
		web_reply(t, 500, "text/html", "<h1>It broke</h1>");
	else if (mood == OPA_NONSENSE)
		web_reply(t, 200, NULL, "this is [ no JSON");
	else if (mood != OPA_SLOW || web_sleep(t, 500))
		serve(p, t, mood);
}

struct opa_peer *opa_start(const char *token)
{
	struct opa_peer *p = calloc(1, sizeof(*p));

	if (p == NULL)
		abort();
	p->token = token != NULL ? strdup(token) : NULL;
	pthread_mutex_init(&p->lock, NULL);
	p->web = web_peer_start(turn, p);
	return p;
}

void opa_stop(struct opa_peer *p)
{
	if (p == NULL)
		return;
	web_peer_stop(p->web);
	pthread_mutex_destroy(&p->lock);
	free(p->token);
	free(p);
}

const char *opa_url(const struct opa_peer *p)
{
	return web_peer_url(p->web);
}

void opa_feel(struct opa_peer *p, enum opa_mood mood)
{
	pthread_mutex_lock(&p->lock);
	p->mood = mood;
	pthread_mutex_unlock(&p->lock);
}

int opa_modules(struct opa_peer *p)
{
	int n = 0;

	pthread_mutex_lock(&p->lock);
	for (int i = 0; i < MODULES_MAX; i++)
		n += p->module[i][0] != '\0';
	pthread_mutex_unlock(&p->lock);
	return n;
}

int opa_loads(struct opa_peer *p)
{
	int n;

	pthread_mutex_lock(&p->lock);
	n = p->loads;
	pthread_mutex_unlock(&p->lock);
	return n;
}
