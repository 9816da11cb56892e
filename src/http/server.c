/* SPDX-License-Identifier: Apache-2.0 */
#include "call.h"

#include <stdlib.h>

#include "cc/base/clock.h"

enum { ADMIN_CONNECTIONS = 32, NEW_MS = 1000 };

static struct http_server *server_create(const struct http_conf *conf)
{
	struct http_server *s = calloc(1, sizeof(*s));

	if (s == NULL)
		abort();
	s->arena = arena_create((size_t)64 * 1024);
	s->plain = (struct listener){ .server = s, .fd = -1 };
	s->tls = (struct listener){ .server = s, .fd = -1, .tls = true };
	s->admin = (struct listener){ .server = s, .fd = -1, .admin = true };
	s->admin_net = (struct listener){ .server = s, .fd = -1, .admin = true, .net = true };
	s->conf = *conf;
	s->conf.address = arena_strdup(s->arena, conf->address);
	s->conf.tls.address = arena_strdup(s->arena, conf->tls.address);
	s->conf.server_name = arena_strdup(s->arena, conf->server_name);
	shelf_init(&s->shelf);
	s->bodies.max = conf->bodies_max;
	peers_init(&s->peers, conf->header_ms, conf->request_ms, conf->idle_ms,
		   conf->tls.handshake_ms);
	s->peers.max = s->conf.connections_max;
	flows_init(&s->flows, conf->streams_max);
	waits_init(&s->waits, s, conf->connections_max - conf->connections_max / 4);
	if (!workers_init(s))
		abort();
	return s;
}

static struct listener_conf listener_conf(const struct http_conf *c, const char *address, int port,
					  int io_threads, int connections)
{
	const int threads = io_threads > 1 ? io_threads : 1;

	return (struct listener_conf){
		.address = address,
		.port = port,
		.io_threads = threads,
		.connections_max = connections > threads ? connections : threads,
		.connections_per_address = c->connections_per_address,
		.shared = c->shared_ports,
	};
}

static const char *start_admin(struct arena *a, struct http_server *s)
{
	const struct http_admin *c = &s->conf.admin;
	struct listener_conf conf = {
		.path = c->path,
		.io_threads = 1,
		.connections_max = ADMIN_CONNECTIONS,
		.shared = s->conf.shared_ports,
	};
	const char *why = c->path != NULL ? listener_start(a, &s->admin, &conf) : NULL;

	conf.path = NULL;
	conf.address = c->address;
	conf.port = c->port;
	conf.bound = c->bound;
	return why != NULL || c->address == NULL ? why : listener_start(a, &s->admin_net, &conf);
}

/* TLS comes first: whoever finds the other port open may be sent there. */
static const char *start_listeners(struct arena *a, struct http_server *s)
{
	const struct http_conf *c = &s->conf;
	const int secure = c->tls.address != NULL ? c->tls.connections_max : 0;
	struct listener_conf tls = listener_conf(c, c->tls.address, c->tls.port, c->tls.io_threads, secure);
	struct listener_conf plain =
		listener_conf(c, c->address, c->port, c->io_threads, c->connections_max - secure);
	const char *why;

	tls.proxy_protocol = c->tls.proxy_protocol;
	plain.proxy_protocol = c->proxy_protocol;
	tls.inherited = c->tls.inherited;
	plain.inherited = c->inherited;
	tls.bound = c->tls.bound;
	plain.bound = c->bound;
	why = c->tls.address != NULL ? listener_start(a, &s->tls, &tls) : NULL;
	if (why == NULL)
		why = start_admin(a, s);
	return why != NULL ? why : listener_start(a, &s->plain, &plain);
}

struct http_server *http_server_start(struct arena *a, const struct http_conf *conf, const char **ret_error)
{
	struct http_server *s = server_create(conf);
	const char *why = NULL;

	s->router = router_create(s->arena, conf->groups, &why);
	if (s->router != NULL && conf->admin.groups != NULL)
		s->admin_router = router_create(s->arena, conf->admin.groups, &why);
	if (s->router == NULL || why != NULL)
		why = arena_strdup(a, why);
	else
		meters_init(&s->meters, s->router);
	cors_init(s);
	s->queue_response = refused_next();
	if (why == NULL && s->queue_response == NULL)
		why = "libmicrohttpd has no MHD_queue_response";
	if (why == NULL && (!peers_start(&s->peers) || !workers_start(s) || !waits_start(&s->waits)))
		why = "cannot start threads";
	if (why == NULL)
		why = start_listeners(a, s);
	if (why == NULL)
		return s;
	*ret_error = why;
	http_server_destroy(s);
	return NULL;
}

int http_server_port(const struct http_server *s)
{
	return s->plain.port;
}

bool http_server_admin_is_local(const struct http_server *s)
{
	return s->admin_net.mhd == NULL || s->admin_net.loopback;
}

bool http_server_is_local(const struct http_server *s)
{
	return s->plain.loopback;
}

int http_server_tls_port(const struct http_server *s)
{
	return s->tls.port;
}

int http_server_admin_port(const struct http_server *s)
{
	return s->admin_net.port;
}

void http_server_wake(struct http_server *s, uint64_t topic, uint64_t mark)
{
	waits_wake(&s->waits, topic, mark);
}

void http_server_stats(struct http_server *s, struct http_stats *ret)
{
	ret->requests = atomic_load(&s->requests);
	ret->refused_overload = atomic_load(&s->refused_overload);
	ret->queued = (int)(queue_waiting(&s->queue) + queue_waiting(&s->express));
	ret->in_work = atomic_load(&s->in_work);
	ret->body_bytes = atomic_load(&s->bodies.used);
	ret->connections = peers_count(&s->peers);
	ret->handshakes = atomic_load(&s->handshakes.done);
	ret->handshakes_refused = atomic_load(&s->handshakes.refused);
	ret->handshakes_broken_off = atomic_load(&s->handshakes.broken_off);
}

static void wait_for_answers(struct http_server *s, int ms)
{
	const int64_t until = clock_mono_ms() + ms;

	while (atomic_load(&s->live) > 0 && clock_mono_ms() < until)
		clock_nap(2);
}

/*
 * What was accepted in the last moment has a request on its way: to close it now would be to leave that
 * without an answer. An I/O thread may also be about to accept. Whoever connects and says nothing is not
 * waited for longer than a moment.
 */
static void wait_for_new(struct http_server *s, int ms)
{
	const int64_t since = clock_mono_ms(), most = ms < NEW_MS ? ms : NEW_MS;

	while (clock_mono_ms() < since + most &&
	       (clock_mono_ms() < since + most / 20 || peers_new(&s->peers) > 0))
		clock_nap(2);
}

void http_server_upkeep(struct http_server *s)
{
	listener_keep_path(&s->admin);
}

void http_server_leave(struct http_server *s)
{
	atomic_store(&s->draining, true);
	listener_yield(&s->plain);
	listener_yield(&s->tls);
	listener_yield(&s->admin_net);
}

void http_server_drain(struct http_server *s, int drain_ms)
{
	if (s->drained)
		return;
	s->drained = true;
	http_server_leave(s);
	listener_quiesce(&s->plain);
	listener_quiesce(&s->tls);
	listener_quiesce(&s->admin);
	listener_quiesce(&s->admin_net);
	waits_end(&s->waits);
	wait_for_new(s, drain_ms);
	wait_for_answers(s, drain_ms);
	atomic_store(&s->hurry, true);
	waits_join(&s->waits);
	workers_join(s);
	/* Whoever still sends a request gets an answer too. */
	peers_refuse(&s->peers);
	/* No connection is suspended any more; what was decided last is still on its way. */
	wait_for_answers(s, drain_ms < 1000 ? 100 : 1000);
	listener_stop(&s->plain);
	listener_stop(&s->tls);
	listener_stop(&s->admin);
	listener_stop(&s->admin_net);
	peers_stop(&s->peers);
}

void http_server_destroy(struct http_server *s)
{
	if (s == NULL)
		return;
	http_server_drain(s, 0);
	peers_finish(&s->peers);
	workers_finish(s);
	flows_finish(&s->flows);
	waits_finish(&s->waits);
	shelf_finish(&s->shelf);
	meters_finish(&s->meters);
	arena_destroy(s->arena);
	free(s);
}
