/* SPDX-License-Identifier: Apache-2.0 */
#include "settings_parts.h"

#define T struct tls_conf
static const struct field tls_fields[] = {
	S_TEXT(T, address, 1, 64, check_address, NULL,
		"Address to listen on for HTTPS; :: is every address. Without one nothing speaks TLS here."),
	S_INT(T, port, 0, 65535, "8443", "TCP port; 0 takes any free one."),
	S_TEXT(T, port_file, 1, 4096, check_path, NULL, "File that gets the port number once it is open."),
	S_INT(T, public_port, 0, 65535, "0",
		"The port that browsers are sent to when they ask in the clear. 0: port."),
	{AT(T, certificates, struct strv), .kind = K_STRS, .min = 0, .max = 32, .item_max = 4096,
           .check = check_path,
           .doc = "Files of PEM, each a certificate of the platform with what it was signed by, for "
		       "instance one for *.<base_domain>. They are shown for the names that they hold, and "
		       "for no other; files that change are read again within a second."},
	{AT(T, keys, struct strv), .kind = K_STRS, .min = 0, .max = 32, .item_max = 4096,
           .check = check_path,
           .doc = "Files of PEM: the private keys of these, in the same order."},
	S_INT(T, io_threads, 1, 64, "2",
		"Threads that do handshakes, parse requests and answer from memory."),
	S_INT(T, connections_max, 0, 1000000, "0",
		"Of server.connections_max, those that speak TLS. 0: three quarters of them."),
	S_INT(T, handshake_ms, 100, 60000, "5000",
		"From the connection to the end of its handshake, in ms."),
	S_INT(T, hsts_s, 0, 63072000, "31536000",
		"How long browsers shall ask over TLS only (Strict-Transport-Security), in seconds. "
		"0: not said."),
	S_BOOL(T, proxy_protocol, "false",
		"Connections begin with a header of the PROXY protocol, version 2: from "
		"server.trusted_proxies, and from nobody else."),
};
#undef T
SCHEMA(tls_conf_schema, struct tls_conf, "tls", tls_fields);

#define T struct admin_conf
static const struct field admin_fields[] = {
	S_TEXT(T, socket, 1, 100, check_path, NULL,
		"A unix socket that only its owner can use. With --embedded there is one, which the log "
		"names. With server.shared_ports a second daemon takes its path over, and the first one "
		"takes it back when that is gone; each also has a name of its own beside it."),
	S_TEXT(T, address, 1, 64, check_address, NULL,
		"An address beside the socket, or instead of it: whoever reaches it may read all of it, so "
		"take a loopback one. It is asked by an address, by localhost, or by a name without a dot."),
	S_INT(T, port, 0, 65535, "9082", "TCP port; 0 takes any free one."),
	S_TEXT(T, port_file, 1, 4096, check_path, NULL, "File that gets the port number once it is open."),
};
#undef T
SCHEMA(admin_conf_schema, struct admin_conf, "admin", admin_fields);
