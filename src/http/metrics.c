/* SPDX-License-Identifier: Apache-2.0 */
/* What the floor knows of itself, for Prometheus. */
#include "call.h"

#include "cc/base/expo.h"

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
	expo_one(out, "controlcored_http_connections", EXPO_GAUGE,
		 "Open connections of clients.", st.connections);
	expo_one(out, "controlcored_http_connections_max", EXPO_GAUGE, "Connections that clients may have.",
	      s->conf.connections_max);
	expo_one(out, "controlcored_http_queued", EXPO_GAUGE, "Requests that wait for a worker.", st.queued);
	expo_one(out, "controlcored_http_queue_max", EXPO_GAUGE,
		 "Requests that may wait for a worker.", s->conf.queue_max);
	expo_one(out, "controlcored_http_in_work", EXPO_GAUGE, "Requests that a worker has.", st.in_work);
	expo_one(out, "controlcored_http_workers", EXPO_GAUGE, "Workers.", s->conf.workers);
	expo_one(out, "controlcored_http_body_bytes", EXPO_GAUGE,
		 "Held of request bodies that are on their way.",
	      st.body_bytes);
	expo_one(out, "controlcored_http_overload_total", EXPO_COUNTER,
		 "Requests that found no place in the queue.",
		st.refused_overload);
	write_handshakes(out, &st);
}
