/* SPDX-License-Identifier: Apache-2.0 */
/*
 * domains [COUNT [SECONDS]]: what custom domains with certificates of their own cost: memory of each, the
 * time that a start takes with all of them, handshakes per second, and how soon a new certificate is shown.
 * CC_BIN is the program.
 */
#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cc/base/clock.h"
#include "client.h"
#include "temp.h"
#include "tls_node.h"

enum { THREADS = 2, SAMPLES = 100000, CHANGES = 20, DOMAINS_OF_ONE = 20 };

static struct tls_node node;
static struct tenant_fixture *owners;
static int count = 1000, seconds = 5;

static void name_of(int i, char ret[64])
{
	snprintf(ret, 64, "www.customer-%d.example.org", i);
}

static long resident_kib(void)
{
	char path[64], line[256];
	long kib = 0;

	snprintf(path, sizeof path, "/proc/%d/status", (int)daemon_pid(node.d));
	FILE *f = fopen(path, "r");
	while (f != NULL && fgets(line, sizeof line, f) != NULL)
		if (strncmp(line, "VmRSS:", 6) == 0)
			kib = strtol(line + 6, NULL, 10);
	if (f != NULL)
		fclose(f);
	return kib;
}

/* In ms, until it answers. */
static int64_t restart(void)
{
	int64_t start;

	assert_int_equal(0, daemon_stop(node.d));
	start = clock_mono_ms();
	daemon_restart(node.d);
	start = clock_mono_ms() - start;
	tls_node_find(&node);
	return start;
}

static int64_t bring(struct client *c, const char *method, const char *path, const char *domain,
		     enum mint_key kind)
{
	const struct mint_leaf leaf = { .names = { domain }, .key = kind };
	char *chain, *key, *text;
	const int64_t serial = mint_make(node.mint, &leaf, &chain, &key);
	json_t *body = json_pack("{s:s,s:s,s:b}", "ssl_certificate", chain, "ssl_private_key", key,
				 "self_managed", 1);

	if (strcmp(method, "POST") == 0)
		json_object_set_new(body, "domain", json_string(domain));
	text = json_dumps(body, 0);
	assert_true(client_call(c, method, path, NULL, text)->status / 100 == 2);
	client_forget(c);
	json_decref(body);
	free(text);
	free(chain);
	free(key);
	return serial;
}

static void make_owners(void)
{
	const int n = count / DOMAINS_OF_ONE + 1;

	owners = calloc((size_t)n, sizeof *owners);
	assert_non_null(owners);
	for (int i = 0; i < n; i++) {
		char slug[32];

		snprintf(slug, sizeof slug, "customer-%d", i);
		fixture_tenant(node.d, slug, NULL, NULL, NULL, &owners[i]);
	}
}

static void bring_all(void)
{
	const int64_t start = clock_mono_ms();
	char path[200], name[64];

	for (int i = 0; i < count; i++) {
		const struct tenant_fixture *t = &owners[i / DOMAINS_OF_ONE];
		struct client *c = client_of(node.d, t);

		name_of(i, name);
		snprintf(path, sizeof path, "/api/v1/tenants/%s/domains", t->id);
		(void)bring(c, "POST", path, name, MINT_P256);
		client_close(c);
	}
	printf("%d domains with certificates taken in %.1f s\n", count,
	       (double)(clock_mono_ms() - start) / 1000);
	fixture_control(node.d, "UPDATE cc.domain SET status = 'verified', verified_at = now(),"
				" claim_expires_at = NULL WHERE custom");
}

/* --- Handshakes ----------------------------------------------------------------------------------- */

struct shaker {
	int64_t until_ms;
	int version;
	int among;              /* names, from the first */
	unsigned at;
	size_t n;
	int64_t us[SAMPLES];
};

static void *shake(void *arg)
{
	struct shaker *s = arg;

	while (clock_mono_ms() < s->until_ms && s->n < SAMPLES) {
		char name[64];
		const int64_t start = clock_mono_us();
		struct tls_ask ask = { .name = name, .version = s->version };
		struct tls_told told;
		int fd;

		s->at = s->at * 1103515245u + 12345u;
		name_of((int)(s->at >> 8) % s->among, name);
		fd = tls_dial(node.port);
		tls_wire_close(tls_wire_open(fd, &ask, &told));
		close(fd);
		if (!told.good)
			fail_msg("no handshake for %s: alert %d", name, told.alert);
		s->us[s->n++] = clock_mono_us() - start;
	}
	return NULL;
}

static int by_size(const void *a, const void *b)
{
	const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static void handshakes(const char *kind, int among)
{
	static struct shaker s[THREADS];
	static int64_t all[THREADS * SAMPLES];
	pthread_t thread[THREADS];
	size_t n = 0;

	for (int i = 0; i < THREADS; i++) {
		s[i].until_ms = clock_mono_ms() + seconds * 1000;
		s[i].at = (unsigned)i * 7919u;
		s[i].among = among;
		s[i].n = 0;
		assert_int_equal(0, pthread_create(&thread[i], NULL, shake, &s[i]));
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(thread[i], NULL);
		memcpy(all + n, s[i].us, s[i].n * sizeof(all[0]));
		n += s[i].n;
	}
	qsort(all, n, sizeof all[0], by_size);
	printf("full handshakes, %s, %d clients beside it on this machine: %.0f/s, p50 %.1f ms,"
	       " p99 %.1f ms\n", kind, THREADS, (double)n / seconds, (double)all[n / 2] / 1000,
	       (double)all[n * 99 / 100] / 1000);
}

/* What a domain whose key is larger costs everybody: its signatures are made on the listener's threads. */
static void kinds(void)
{
	static const struct {
		enum mint_key kind;
		const char *name;
	} all[] = { { MINT_P384, "P-384" }, { MINT_RSA_2048, "RSA 2048" }, { MINT_RSA_4096, "RSA 4096" } };
	struct client *c = client_of(node.d, &owners[0]);
	char path[300], name[64];

	name_of(0, name);
	snprintf(path, sizeof path, "/api/v1/tenants/%s/domains/%s/certificate", owners[0].id, name);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		(void)tls_node_await(&node, name, bring(c, "PUT", path, name, all[i].kind));
		handshakes(all[i].name, 1);
	}
	client_close(c);
}

/* From the answer to the certificate's own request to the first handshake that shows it. */
static void changes(void)
{
	int64_t ms[CHANGES];
	char path[300], name[64];

	for (int i = 0; i < CHANGES; i++) {
		const int at = i * (count - 1) / CHANGES;
		const struct tenant_fixture *t = &owners[at / DOMAINS_OF_ONE];
		struct client *c = client_of(node.d, t);

		name_of(at, name);
		snprintf(path, sizeof path, "/api/v1/tenants/%s/domains/%s/certificate", t->id, name);
		ms[i] = tls_node_await(&node, name, bring(c, "PUT", path, name, MINT_P256));
		client_close(c);
	}
	qsort(ms, CHANGES, sizeof ms[0], by_size);
	printf("a new certificate is shown after: median %" PRId64 " ms, worst %" PRId64 " ms\n",
	       ms[CHANGES / 2], ms[CHANGES - 1]);
}

static void measure(void **state)
{
	int64_t empty_ms, full_ms;
	long empty_kib, full_kib;

	(void)state;
	tls_node_start(&node, NULL);
	make_owners();
	empty_ms = restart();
	empty_kib = resident_kib();
	bring_all();
	full_ms = restart();
	full_kib = resident_kib();
	printf("start: %" PRId64 " ms without, %" PRId64 " ms with them\n", empty_ms, full_ms);
	printf("memory: %ld KiB without, %ld KiB with them: %.1f KiB of each\n", empty_kib, full_kib,
	       (double)(full_kib - empty_kib) / count);
	handshakes("P-256", count);
	changes();
	kinds();
	free(owners);
	tls_node_finish(&node);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(measure) };

	signal(SIGPIPE, SIG_IGN);
	if (argc > 1)
		count = (int)strtol(argv[1], NULL, 10);
	if (argc > 2)
		seconds = (int)strtol(argv[2], NULL, 10);
	setvbuf(stdout, NULL, _IOLBF, 0);
	return cmocka_run_group_tests_name("domains", tests, NULL, NULL);
}
