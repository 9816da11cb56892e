/* SPDX-License-Identifier: Apache-2.0 */
/* Ceph: one monitor, one disk in memory, and the gateway that speaks S3. */
#include "s3_peer.h"

#include <fcntl.h>
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

#define RUN_MS 90000
#define UUID_LEN 36

struct ceph {
	struct s3_peer *peer;
	const char *f;
	char conf[4200], keyring[4200], monmap[4200];
	char fsid[UUID_LEN + 1], osd[UUID_LEN + 1];
};

static void new_uuid(char *ret)
{
	const int fd = open("/proc/sys/kernel/random/uuid", O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0 && read(fd, ret, UUID_LEN) == UUID_LEN);
	ret[UUID_LEN] = '\0';
	close(fd);
}

static void write_conf(const struct ceph *c, int v2, int v1, int port)
{
	const int first = temp_port();
	char text[32768];

	snprintf(text, sizeof(text),
		"[global]\nfsid = %s\nmon host = [v2:127.0.0.1:%d,v1:127.0.0.1:%d]\nmon initial members = a\n"
		"public addr = 127.0.0.1\ncluster addr = 127.0.0.1\nms bind ipv6 = false\n"
		"ms bind port min = %d\nms bind port max = %d\n"
		"auth cluster required = cephx\nauth service required = cephx\nauth client required = cephx\n"
		"keyring = %s\nosd pool default size = 1\nosd pool default min size = 1\n"
		"osd pool default pg num = 4\nosd pool default pgp num = 4\n"
		"osd pool default pg autoscale mode = off\nmon warn on pool no redundancy = false\n"
		"mon allow pool size one = true\nosd crush chooseleaf type = 0\nosd objectstore = memstore\n"
		"memstore device bytes = 1073741824\nrun dir = %s\nlog file =\nlog to stderr = true\n"
		"err to stderr = true\nadmin socket =\npid file =\ndebug none = 0\n"
		"[mon.a]\nmon data = %s/mon\n[osd.0]\nosd data = %s/osd\n"
		"[client.rgw]\nrgw frontends = beast endpoint=127.0.0.1:%d\nrgw dns name = localhost\n"
		"rgw data = %s/rgw\n",
		c->fsid, v2, v1, first, first + 500 < 65535 ? first + 500 : 65535, c->keyring, c->f, c->f,
		c->f, port, c->f);
	temp_write(c->conf, text);
}

#define RUN(c, ...) s3_peer_run((c)->peer, (const char *[]){ __VA_ARGS__, NULL }, RUN_MS)

static void make_keys(const struct ceph *c)
{
	RUN(c, "ceph-authtool", "--create-keyring", c->keyring, "--gen-key", "-n", "mon.", "--cap", "mon",
		"allow *");
	RUN(c, "ceph-authtool", c->keyring, "--gen-key", "-n", "client.admin", "--cap", "mon", "allow *",
		"--cap", "osd", "allow *", "--cap", "mgr", "allow *");
	RUN(c, "ceph-authtool", c->keyring, "--gen-key", "-n", "client.rgw", "--cap", "mon", "allow rw",
		"--cap", "osd", "allow rwx");
	RUN(c, "ceph-authtool", c->keyring, "--gen-key", "-n", "osd.0", "--cap", "mon", "allow profile osd",
		"--cap", "osd", "allow *");
}

static void start_monitor(const struct ceph *c, int v2, int v1)
{
	char addresses[128], data[4300];

	snprintf(addresses, sizeof(addresses), "[v2:127.0.0.1:%d,v1:127.0.0.1:%d]", v2, v1);
	snprintf(data, sizeof(data), "%s/mon", c->f);
	RUN(c, "monmaptool", "--create", "--addv", "a", addresses, "--fsid", c->fsid, "--clobber", c->monmap);
	RUN(c, "ceph-mon", "-c", c->conf, "--mkfs", "-i", "a", "--monmap", c->monmap, "--keyring", c->keyring,
		"--mon-data", data);
	s3_peer_child(c->peer,
		(const char *[]){ "ceph-mon", "-f", "-c", c->conf, "-i", "a", "--mon-data", data, NULL },
		"mon.log");
	s3_peer_await(c->peer, v2, "mon.log");
}

static void start_disk(const struct ceph *c)
{
	char data[4300];

	snprintf(data, sizeof(data), "%s/osd", c->f);
	RUN(c, "ceph", "-c", c->conf, "osd", "new", c->osd);
	RUN(c, "ceph-osd", "-c", c->conf, "-i", "0", "--mkfs", "--osd-uuid", c->osd, "--osd-data", data);
	s3_peer_child(c->peer,
		(const char *[]){ "ceph-osd", "-f", "-c", c->conf, "-i", "0", "--osd-uuid", c->osd,
			"--osd-data", data, NULL },
		"osd.log");
}

void s3_ceph_start(struct s3_peer *p, int port)
{
	static const char *const folders[] = { "mon", "osd", "rgw" };
	struct ceph c = { .peer = p, .f = s3_peer_folder(p) };
	const int v2 = temp_port(), v1 = temp_port();

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		char *path = temp_path(c.f, folders[i]);

		assert_int_equal(0, mkdir(path, 0755));
		free(path);
	}
	snprintf(c.conf, sizeof(c.conf), "%s/ceph.conf", c.f);
	snprintf(c.keyring, sizeof(c.keyring), "%s/keyring", c.f);
	snprintf(c.monmap, sizeof(c.monmap), "%s/monmap", c.f);
	new_uuid(c.fsid);
	new_uuid(c.osd);
	write_conf(&c, v2, v1, port);
	make_keys(&c);
	start_monitor(&c, v2, v1);
	start_disk(&c);
	RUN(&c, "radosgw-admin", "-c", c.conf, "user", "create", "--uid=test", "--display-name=t",
		"--access-key=AKTEST", "--secret=SKTEST");
	s3_peer_child(
		p, (const char *[]){ "radosgw", "-f", "-c", c.conf, "-n", "client.rgw", NULL }, "rgw.log");
	s3_peer_await(p, port, "rgw.log");
}
