/* SPDX-License-Identifier: Apache-2.0 */
/* What the floor knows of itself, for Prometheus. */
#include "call.h"

#include "cc/base/expo.h"

static void gauge(struct str *out, const char *name, const char *help, int64_t value)
{
	expo_family(out, name, EXPO_GAUGE, help);
	expo_int(out, name, "", NULL, value);
}

static void counter(struct str *out, const char *name, const char *help, int64_t value)
{
	expo_family(out, name, EXPO_COUNTER, help);
	expo_int(out, name, "", NULL, value);
}

static void write_handshakes(struct str *out, const struct http_stats *s)
{
	static const char name[] = "controlcored_tls_handshakes_total";

	expo_family(out, name, EXPO_COUNTER, "TLS handshakes by how they ended.");
	expo_int(out, name, "", "outcome=\"done\"", s->handshakes);
	expo_int(out, name, "", "outcome=\"refused\"", s->handshakes_refused);
	expo_int(out, name, "", "outcome=\"broken_off\"", s->handshakes_broken_off);
}

void http_server_metrics(struct http_server *s, struct str *out)
{
	struct http_stats st;

	http_server_stats(s, &st);
	meters_write(&s->meters, s->router, out);
	gauge(out, "controlcored_http_connections", "Open connections of clients.", st.connections);
	gauge(out, "controlcored_http_connections_max", "Connections that clients may have.",
	      s->conf.connections_max);
	gauge(out, "controlcored_http_queued", "Requests that wait for a worker.", st.queued);
	gauge(out, "controlcored_http_queue_max", "Requests that may wait for a worker.", s->conf.queue_max);
	gauge(out, "controlcored_http_in_work", "Requests that a worker has.", st.in_work);
	gauge(out, "controlcored_http_workers", "Workers.", s->conf.workers);
	gauge(out, "controlcored_http_body_bytes", "Held of request bodies that are on their way.",
	      st.body_bytes);
	counter(out, "controlcored_http_overload_total", "Requests that found no place in the queue.",
		st.refused_overload);
	write_handshakes(out, &st);
}
