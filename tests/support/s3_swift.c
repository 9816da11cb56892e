/* SPDX-License-Identifier: Apache-2.0 */
/* OpenStack Swift: proxy with s3api, one server each for accounts, containers and objects, one replica. */
#include "s3_peer.h"

#include <pwd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "temp.h"

#define RUN_MS 60000

static const char *user_name(void)
{
	const struct passwd *p = getpwuid(getuid());

	return p != NULL ? p->pw_name : "root";
}

static void write_file(struct s3_peer *p, const char *name, const char *text)
{
	char *path = temp_path(s3_peer_folder(p), name);

	temp_write(path, text);
	free(path);
}

static void make_folder(struct s3_peer *p, const char *name)
{
	char *path = temp_path(s3_peer_folder(p), name);

	assert_int_equal(0, mkdir(path, 0755));
	free(path);
}

/* Which disks hold what: one. */
static void make_ring(struct s3_peer *p, const char *kind, int port)
{
	char builder[4200], device[64];

	snprintf(builder, sizeof(builder), "%s/%s.builder", s3_peer_folder(p), kind);
	snprintf(device, sizeof(device), "r1z1-127.0.0.1:%d/sdb1", port);
	s3_peer_run(
		p, (const char *[]){ "swift-ring-builder", builder, "create", "4", "1", "1", NULL }, RUN_MS);
	s3_peer_run(p, (const char *[]){ "swift-ring-builder", builder, "add", device, "1", NULL }, RUN_MS);
	s3_peer_run(p, (const char *[]){ "swift-ring-builder", builder, "rebalance", NULL }, RUN_MS);
}

static void start_server(
	struct s3_peer *p, const char *kind, const char *pipeline, const char *rest, int port)
{
	char name[32], conf[4400], text[32768], program[64], log[64];
	const char *f = s3_peer_folder(p);

	snprintf(name, sizeof(name), "%s-server.conf", kind);
	snprintf(program, sizeof(program), "swift-%s-server", kind);
	snprintf(log, sizeof(log), "%s.log", kind);
	snprintf(text, sizeof(text),
		"[DEFAULT]\ndevices = %s/srv\nmount_check = false\ndisable_fallocate = true\n"
		"bind_ip = 127.0.0.1\nbind_port = %d\nworkers = 0\nuser = %s\nswift_dir = %s\n"
		"log_address = /dev/null\nlog_level = ERROR\nrecon_cache_path = %s/cache\n"
		"[pipeline:main]\npipeline = %s\n%s",
		f, port, user_name(), f, f, pipeline, rest);
	write_file(p, name, text);
	snprintf(conf, sizeof(conf), "%s/%s", f, name);
	s3_peer_child(p, (const char *[]){ program, conf, "-v", NULL }, log);
}

static void start_storage(struct s3_peer *p, const char *kind, int port)
{
	char pipeline[32], rest[128];

	make_ring(p, kind, port);
	snprintf(pipeline, sizeof(pipeline), "%s-server", kind);
	snprintf(rest, sizeof(rest), "[app:%s-server]\nuse = egg:swift#%s\n", kind, kind);
	start_server(p, kind, pipeline, rest, port);
}

static void start_proxy(struct s3_peer *p, int port, int cache_port)
{
	static const char *const plain[] = { "catch_errors", "gatekeeper", "listing_formats", "bulk", "copy",
		"symlink", "slo", "dlo" };
	char rest[4096];
	int n;

	n = snprintf(rest, sizeof(rest),
		"[app:proxy-server]\nuse = egg:swift#proxy\naccount_autocreate = true\n"
		"allow_account_management = true\n"
		"[filter:cache]\nuse = egg:swift#memcache\nmemcache_servers = 127.0.0.1:%d\n"
		"[filter:s3api]\nuse = egg:swift#s3api\nlocation = us-east-1\nmin_segment_size = 1\n"
		"[filter:tempauth]\nuse = egg:swift#tempauth\nuser_test_tester = testing .admin\n"
		"[filter:versioned_writes]\nuse = egg:swift#versioned_writes\nallow_object_versioning = "
		"true\n",
		cache_port);
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		n += snprintf(rest + n, sizeof(rest) - (size_t)n, "[filter:%s]\nuse = egg:swift#%s\n",
			plain[i], plain[i]);
	start_server(p, "proxy",
		"catch_errors gatekeeper cache listing_formats s3api tempauth bulk copy symlink slo dlo "
		"versioned_writes "
		"proxy-server",
		rest, port);
}

void s3_swift_start(struct s3_peer *p, int port)
{
	static const char *const kinds[] = { "object", "container", "account" };
	static const char *const logs[] = { "object.log", "container.log", "account.log" };
	const int cache_port = temp_port();
	char cache[16];
	int storage[3];

	make_folder(p, "srv");
	make_folder(p, "srv/sdb1");
	make_folder(p, "cache");
	snprintf(cache, sizeof(cache), "%d", cache_port);
	s3_peer_child(p,
		(const char *[]){ "memcached", "-u", user_name(), "-l", "127.0.0.1", "-p", cache, "-U", "0",
			"-m", "32", NULL },
		"memcached.log");
	for (size_t i = 0; i < 3; i++) {
		storage[i] = temp_port();
		start_storage(p, kinds[i], storage[i]);
	}
	start_proxy(p, port, cache_port);
	for (size_t i = 0; i < 3; i++)
		s3_peer_await(p, storage[i], logs[i]);
	s3_peer_await(p, port, "proxy.log");
}
