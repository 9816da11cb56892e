/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* asprintf */
#include "tls_node.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "temp.h"

#define WAIT_MS 10000

static char *setting(const char *name, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static char *setting(const char *name, const char *fmt, ...)
{
	char value[1200], *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(value, sizeof value, fmt, ap);
	va_end(ap);
	assert_true(asprintf(&text, "CONTROLCORE_TLS_%s=%s", name, value) > 0);
	return text;
}

static void set_env(struct tls_node *n, const char *const *more)
{
	size_t i = 0;

	n->env[i++] = setting("ADDRESS", "127.0.0.1");
	n->env[i++] = setting("PORT", "0");
	n->env[i++] = setting("PORT_FILE", "%s", n->port_file);
	n->env[i++] = setting("CERTIFICATES", "%s/platform.pem", n->folder);
	n->env[i++] = setting("KEYS", "%s/platform.key", n->folder);
	for (; more != NULL && *more != NULL; more++)
		n->env[i++] = strdup(*more);
}

void tls_node_start(struct tls_node *n, const char *const *more)
{
	const struct mint_leaf platform = { .names = { "*.controlcore.io", "controlcore.io" } };
	struct daemon_options options = { 0 };

	memset(n, 0, sizeof *n);
	n->owner = true;
	n->folder = temp_folder("cc-tls");
	n->port_file = temp_path(n->folder, "port");
	n->mint = mint_open();
	mint_files(n->mint, &platform, n->folder, "platform");
	set_env(n, more);
	options.env = (const char *const *)n->env;
	n->d = daemon_start(&options);
	tls_node_find(n);
}

void tls_node_join(struct tls_node *n, const struct tls_node *first)
{
	struct daemon_options options = { 0 };

	memset(n, 0, sizeof *n);
	n->folder = first->folder;
	n->mint = first->mint;
	n->port_file = temp_path(n->folder, "second-port");
	set_env(n, NULL);
	options.env = (const char *const *)n->env;
	n->d = daemon_join(first->d, &options);
	tls_node_find(n);
}

void tls_node_find(struct tls_node *n)
{
	char *text = temp_read(n->port_file);

	assert_non_null(text);
	n->port = (int)strtol(text, NULL, 10);
	free(text);
}

void tls_node_finish(struct tls_node *n)
{
	daemon_finish(n->d);
	for (size_t i = 0; i < sizeof(n->env) / sizeof(n->env[0]); i++)
		free(n->env[i]);
	free(n->port_file);
	if (n->owner) {
		mint_close(n->mint);
		temp_remove(n->folder);
	}
}

struct client *tls_node_client(const struct tls_node *n, const char *host, const char *key)
{
	struct client *c = client_open(n->port);

	client_tls(c, host, mint_root(n->mint));
	client_host(c, host);
	client_key(c, key);
	return c;
}

struct tls_told tls_node_shake(const struct tls_node *n, const char *name)
{
	const struct tls_ask ask = { .name = name, .root = mint_root(n->mint) };
	struct tls_told told;
	const int fd = tls_dial(n->port);

	tls_wire_close(tls_wire_open(fd, &ask, &told));
	close(fd);
	return told;
}

int64_t tls_node_await(const struct tls_node *n, const char *name, int64_t serial)
{
	const int64_t start = temp_now_ms();
	struct tls_told told;

	while ((told = tls_node_shake(n, name)).serial != serial) {
		if (temp_now_ms() - start > WAIT_MS)
			fail_msg("%s shows %ld, not %ld", name, (long)told.serial, (long)serial);
		temp_sleep_ms(5);
	}
	return temp_now_ms() - start;
}
