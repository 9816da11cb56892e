/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates that tenants bring: taken, shown without their keys, sealed for one tenant, gone with it. */
#define _GNU_SOURCE /* memmem */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "certs.h"
#include "client.h"
#include "daemon.h"
#include "temp.h"

#define PART 65536

static void add(struct client *c, const struct tenant_fixture *t, const char *domain)
{
	char path[200];

	snprintf(path, sizeof(path), "/tenants/%s/domains", t->id);
	assert_status(201, client_post(c, path, "{'domain':'%s'}", domain));
}

static const struct answer *get(struct client *c, const struct tenant_fixture *t, const char *domain)
{
	return client_get(c, "/tenants/%s/domains/%s", t->id, domain);
}

static const struct answer *bring(struct client *c, const struct tenant_fixture *t, const char *domain,
				  const char *headers, const char *body)
{
	char path[300];

	snprintf(path, sizeof(path), "/api/v1/tenants/%s/domains/%s/certificate", t->id, domain);
	return client_call(c, "PUT", path, headers, body);
}

/* Here the database is told that the proof was given. */
static void prove(struct daemon *d, const char *domain)
{
	char sql[400];

	snprintf(sql, sizeof(sql),
		 "UPDATE cc.domain SET status = 'verified', verified_at = now(), reason = NULL,"
		 " claim_expires_at = NULL WHERE domain = '%s'", domain);
	fixture_control(d, sql);
}

static struct cert *for_name(const char *domain, int until_s)
{
	char names[300];

	snprintf(names, sizeof(names), "DNS:%s", domain);
	return cert_make(&(struct cert_spec){ .names = names, .until_s = until_s });
}

static void a_certificate_is_shown_without_its_key(void **state)
{
	struct cert *cert = for_name("www.shows.org", 0);
	char *body = cert_body(cert, NULL, true);
	const struct answer *a;
	struct tenant_fixture t;
	struct client *c;

	fixture_tenant(*state, "shows", NULL, NULL, NULL, &t);
	c = client_of(*state, &t);
	add(c, &t, "www.shows.org");
	assert_true(answer_null(assert_status(200, get(c, &t, "www.shows.org")), "certificate.source"));
	a = assert_status(200, bring(c, &t, "WWW.shows.org.", NULL, body));
	assert_text("pending", a, "ssl_status");
	prove(*state, "www.shows.org");
	a = assert_status(200, bring(c, &t, "www.shows.org", NULL, body));
	assert_text("www.shows.org", a, "domain");
	assert_text("active", a, "ssl_status");
	assert_text("supplied", a, "certificate.source");
	assert_text("P-256", a, "certificate.key_type");
	assert_text("CN=test", a, "certificate.issuer");
	assert_int_equal(64, strlen(answer_text(a, "certificate.fingerprint")));
	assert_non_null(answer_text(a, "certificate.not_after"));
	assert_null(strstr(a->body, "PRIVATE"));
	a = assert_status(200, client_get(c, "/tenants/%s/domains", t.id));
	assert_text("supplied", a, "[0].certificate.source");
	assert_true(answer_null(a, "[1].certificate.source"));
	a = assert_status(200, client_get(c, "/audit/logs?object=domain"));
	assert_text("setCertificate", a, "logs[0].action");
	assert_text("www.shows.org", a, "logs[0].object_id");
	client_close(c);
	free(body);
	cert_free(cert);
}

static void a_new_domain_may_bring_its_own(void **state)
{
	struct cert *cert = for_name("www.brings.org", 0), *other = for_name("www.other.org", 0);
	struct tenant_fixture t;
	struct client *c;
	const struct answer *a;
	json_t *body;
	char path[200], *text;

	fixture_tenant(*state, "brings", NULL, NULL, NULL, &t);
	c = client_of(*state, &t);
	snprintf(path, sizeof(path), "/api/v1/tenants/%s/domains", t.id);
	body = json_pack("{s:s,s:s,s:s,s:b}", "domain", "www.brings.org", "ssl_certificate", cert_pem(cert),
			 "ssl_private_key", cert_private(other), "self_managed", 1);
	text = json_dumps(body, 0);
	assert_fault("ssl_private_key", "key_mismatch", client_call(c, "POST", path, NULL, text));
	assert_error(404, "resource_not_found", get(c, &t, "www.brings.org"));
	free(text);
	json_object_del(body, "ssl_private_key");
	text = json_dumps(body, 0);
	assert_fault("ssl_private_key", "required", client_call(c, "POST", path, NULL, text));
	free(text);
	json_object_set_new(body, "ssl_private_key", json_string(cert_private(cert)));
	text = json_dumps(body, 0);
	a = assert_status(201, client_call(c, "POST", path, NULL, text));
	assert_text("pending", a, "status");
	assert_text("pending", a, "ssl_status");
	assert_text("supplied", a, "certificate.source");
	assert_null(strstr(a->body, "PRIVATE"));
	free(text);
	json_decref(body);
	client_close(c);
	cert_free(other);
	cert_free(cert);
}

static void what_is_not_fit_is_refused_by_field(void **state)
{
	struct cert *good = for_name("www.picky.org", 0), *late = for_name("www.picky.org", 86400);
	struct cert *other = for_name("www.other.org", 0), *wide = for_name("*.co.uk", 0);
	struct tenant_fixture t;
	struct client *c;
	char *body;

	fixture_tenant(*state, "picky", NULL, NULL, NULL, &t);
	c = client_of(*state, &t);
	add(c, &t, "www.picky.org");
	add(c, &t, "picky.co.uk");
	body = cert_body(good, NULL, false);
	assert_fault("ssl_certificate", "untrusted", bring(c, &t, "www.picky.org", NULL, body));
	free(body);
	body = cert_body(good, cert_pem(other), true);
	assert_fault("ssl_chain", "order", bring(c, &t, "www.picky.org", NULL, body));
	free(body);
	body = cert_body(late, NULL, true);
	assert_fault("ssl_certificate", "certificate_expired", bring(c, &t, "www.picky.org", NULL, body));
	free(body);
	body = cert_body(other, NULL, true);
	assert_fault("ssl_certificate", "certificate_mismatch", bring(c, &t, "www.picky.org", NULL, body));
	assert_error(404, "resource_not_found", bring(c, &t, "www.other.org", NULL, body));
	free(body);
	body = cert_body(wide, NULL, true);
	assert_fault("ssl_certificate", "certificate_mismatch", bring(c, &t, "picky.co.uk", NULL, body));
	free(body);
	body = cert_body_for(t.domain);
	assert_error(409, "conflict", bring(c, &t, t.domain, NULL, body));
	free(body);
	assert_true(answer_null(assert_status(200, get(c, &t, "www.picky.org")), "certificate.source"));
	client_close(c);
	cert_free(wide);
	cert_free(other);
	cert_free(late);
	cert_free(good);
}

/* 60 characters of its base64: no other text has them. */
static void take_needle(const struct cert *cert, char ret[61])
{
	const char *line = strchr(cert_private(cert), '\n') + 1;

	snprintf(ret, 61, "%.60s", line);
}

static bool file_has(const char *path, const char *needle)
{
	char *text = temp_read(path);
	const bool has = text != NULL && strstr(text, needle) != NULL;

	free(text);
	return has;
}

/* Fails unless so many tables of the control database hold the text, as such or as bytes. */
static void assert_tables_with(struct daemon *d, const char *needle, const char *wanted)
{
	char sql[1200];

	snprintf(sql, sizeof(sql),
		 "DO $$ DECLARE r record; n bigint; held int := 0; needle text := '%s';"
		 " bytes text := encode(convert_to(needle, 'UTF8'), 'hex'); BEGIN"
		 " FOR r IN SELECT oid::regclass AS name FROM pg_class"
		 "  WHERE relnamespace = 'cc'::regnamespace AND relkind = 'r' LOOP"
		 "  EXECUTE format('SELECT count(*) FROM %%s x WHERE position(%%L in x::text) > 0"
		 "   OR position(%%L in x::text) > 0', r.name, needle, bytes) INTO n;"
		 "  held := held + (n > 0)::int; END LOOP;"
		 " IF NOT held %s THEN RAISE 'in %% tables', held; END IF; END $$", needle, wanted);
	fixture_control(d, sql);
}

/* OpenSSL would sign with the one and reads the other; what shows them does not. */
static void what_the_listener_cannot_show_is_refused(void **state)
{
	struct cert_key *three = cert_key_make(CERT_RSA_THREE);
	struct cert *odd = cert_make(&(struct cert_spec){ .names = "DNS:www.odd.org", .doubled = true });
	struct cert *many = cert_make(&(struct cert_spec){ .names = "DNS:www.odd.org", .key = three });
	struct tenant_fixture t;
	struct client *c;
	char *body;

	fixture_tenant(*state, "odd", NULL, NULL, NULL, &t);
	c = client_of(*state, &t);
	add(c, &t, "www.odd.org");
	body = cert_body(odd, NULL, true);
	assert_fault("ssl_certificate", "not_servable", bring(c, &t, "www.odd.org", NULL, body));
	free(body);
	body = cert_body(many, NULL, true);
	assert_fault("ssl_private_key", "not_servable", bring(c, &t, "www.odd.org", NULL, body));
	assert_true(answer_null(assert_status(200, get(c, &t, "www.odd.org")), "certificate.source"));
	free(body);
	client_close(c);
	cert_free(many);
	cert_free(odd);
	cert_key_free(three);
}

static void the_key_is_in_no_table_and_no_log(void **state)
{
	struct cert *cert = for_name("www.secret.org", 0);
	char *body = cert_body(cert, NULL, true), needle[61];
	const char *const header = "Idempotency-Key: \"one\"\r\n";
	const struct answer *a;
	struct tenant_fixture t;
	struct client *c;

	take_needle(cert, needle);
	fixture_tenant(*state, "secret", NULL, NULL, NULL, &t);
	c = client_of(*state, &t);
	add(c, &t, "www.secret.org");
	a = assert_status(200, bring(c, &t, "www.secret.org", header, body));
	assert_null(strstr(a->body, needle));
	a = assert_status(200, bring(c, &t, "www.secret.org", header, body));
	assert_string_equal("true", answer_header(a, "Idempotent-Replayed"));
	/* Where it does not belong, it is refused and not echoed either. */
	for (char *p = body; (p = strstr(p, "ssl_private_key")) != NULL;)
		memcpy(p, "ssl_private_kex", 15);
	a = assert_status(422, bring(c, &t, "www.secret.org", NULL, body));
	assert_null(strstr(a->body, needle));
	assert_tables_with(*state, "www.secret.org", ">= 4");
	assert_tables_with(*state, needle, "= 0");
	assert_false(file_has(daemon_log_path(*state), needle));
	client_close(c);
	free(body);
	cert_free(cert);
}

/* How often the bytes are in what the program has in memory; -1: that cannot be read here. */
static int times_in_memory(pid_t pid, const void *needle, size_t n)
{
	char path[64], line[512], *part = malloc(PART);
	unsigned long from, to;
	int fd, found = 0;
	FILE *maps;

	assert_non_null(part);
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	maps = fopen(path, "re");
	while (fd >= 0 && maps != NULL && fgets(line, sizeof(line), maps) != NULL) {
		if (sscanf(line, "%lx-%lx rw", &from, &to) != 2 || strstr(line, " rw") == NULL)
			continue;
		for (unsigned long at = from; at < to; at += PART - n) {
			const ssize_t got = pread(fd, part, PART, (off_t)at);

			for (char *p = part; got > 0 && (p = memmem(p, (size_t)(part + got - p), needle, n));
			     p++)
				found++;
		}
	}
	if (maps != NULL)
		fclose(maps);
	if (fd >= 0)
		close(fd);
	free(part);
	return fd < 0 ? -1 : found;
}

/* Threads that have answered may still be at work: it must be gone soon, and then it is for good. */
static void assert_forgotten(pid_t pid, const void *secret, size_t n)
{
	const int64_t until = temp_now_ms() + 30000;
	int found;

	while ((found = times_in_memory(pid, secret, n)) != 0 && temp_now_ms() < until)
		temp_sleep_ms(100);
	assert_int_equal(0, found);
}

static void the_key_does_not_stay_in_memory(void **state)
{
	struct cert *cert = for_name("www.forgets.org", 0);
	char *body = cert_body(cert, NULL, true), needle[61];
	unsigned char secret[CERT_SECRET_LEN];
	struct tenant_fixture t;
	struct client *c;

	take_needle(cert, needle);
	fixture_tenant(*state, "forgets", NULL, NULL, NULL, &t);
	c = client_of(*state, &t);
	add(c, &t, "www.forgets.org");
	assert_status(200, bring(c, &t, "www.forgets.org", NULL, body));
	assert_status(200, bring(c, &t, "www.forgets.org", "Connection: close\r\n", body));
	client_close(c);
	if (times_in_memory(daemon_pid(*state), needle, 1) < 0) {
		print_message("# skip: the memory of another process cannot be read here\n");
		skip();
	}
	assert_true(times_in_memory(daemon_pid(*state), t.id, strlen(t.id)) > 0);
	assert_forgotten(daemon_pid(*state), needle, sizeof(needle) - 1);
	cert_secret(cert, secret);
	assert_forgotten(daemon_pid(*state), secret, sizeof(secret));
	free(body);
	cert_free(cert);
}

static void another_takes_its_place(void **state)
{
	struct tenant_fixture t;
	struct client *c;
	const struct answer *a;
	char first[100], *body;

	fixture_tenant(*state, "swaps", NULL, NULL, NULL, &t);
	c = client_of(*state, &t);
	add(c, &t, "www.swaps.org");
	body = cert_body_for("www.swaps.org");
	a = assert_status(200, bring(c, &t, "www.swaps.org", NULL, body));
	snprintf(first, sizeof(first), "%s", answer_text(a, "certificate.fingerprint"));
	free(body);
	body = cert_body_for("www.swaps.org");
	a = assert_status(200, bring(c, &t, "www.swaps.org", NULL, body));
	assert_string_not_equal(first, answer_text(a, "certificate.fingerprint"));
	free(body);
	client_close(c);
}

static void an_end_is_seen_when_it_comes(void **state)
{
	struct tenant_fixture t;
	struct client *c;
	const struct answer *a;
	char *body = cert_body_for("www.ends.org");

	fixture_tenant(*state, "ends", NULL, NULL, NULL, &t);
	c = client_of(*state, &t);
	add(c, &t, "www.ends.org");
	prove(*state, "www.ends.org");
	assert_text("active", assert_status(200, bring(c, &t, "www.ends.org", NULL, body)), "ssl_status");
	fixture_control(*state, "UPDATE cc.certificate SET not_after = now() + interval '6 days',"
			" look_at = 'infinity' WHERE domain = 'www.ends.org'");
	assert_text("expiring", assert_status(200, get(c, &t, "www.ends.org")), "ssl_status");
	fixture_control(*state, "UPDATE cc.certificate SET not_after = now(), look_at = 'infinity'"
			" WHERE domain = 'www.ends.org'");
	assert_text("expired", assert_status(200, get(c, &t, "www.ends.org")), "ssl_status");
	fixture_control(*state, "UPDATE cc.certificate SET look_at = now() WHERE domain = 'www.ends.org'");
	do {
		temp_sleep_ms(50);
		client_forget(c);
		a = assert_status(200, client_get(c, "/tenants/%s/alerts", t.id));
	} while (answer_count(a, "") == 0);
	assert_text("certificate_expired", a, "[0].type");
	assert_text("www.ends.org", a, "[0].subject");
	client_close(c);
	free(body);
}

static void it_goes_with_its_domain(void **state)
{
	struct tenant_fixture t;
	struct client *c;
	char *body = cert_body_for("www.goes.org");

	fixture_tenant(*state, "goes", NULL, NULL, NULL, &t);
	c = client_of(*state, &t);
	add(c, &t, "www.goes.org");
	assert_status(200, bring(c, &t, "www.goes.org", NULL, body));
	assert_status(200, client_delete(c, "/tenants/%s/domains/www.goes.org", t.id));
	fixture_control(*state, "DO $$ BEGIN IF EXISTS (SELECT FROM cc.certificate"
			" WHERE domain = 'www.goes.org') THEN RAISE 'it is there'; END IF; END $$");
	add(c, &t, "www.goes.org");
	assert_true(answer_null(assert_status(200, get(c, &t, "www.goes.org")), "certificate.source"));
	client_close(c);
	free(body);
}

/* `controlcored kek rotate` with these KEKs: its status, and what it said. */
static struct temp_run rotate(struct daemon *d, const char *keks)
{
	const char *const argv[] = {
		getenv("CC_BIN"), "kek", "rotate", "--config", daemon_config_path(d), NULL
	};
	char entry[100];
	const char *const env[] = { entry, NULL };

	snprintf(entry, sizeof(entry), "CONTROLCORE_SECRETS_KEKS=%s", keks);
	return temp_run(argv, env, 60000);
}

static void expect_rotation(struct daemon *d, const char *keks, int status, const char *out, const char *err)
{
	struct temp_run r = rotate(d, keks);

	if (r.status != status || strstr(r.out, out) == NULL || strstr(r.err, err) == NULL)
		fail_msg("status %d, out: %s, err: %s", r.status, r.out, r.err);
	assert_null(strstr(r.out, DAEMON_KEK));
	assert_null(strstr(r.err, DAEMON_KEK));
	temp_run_free(&r);
}

static void a_kek_is_changed_while_all_runs(void **state)
{
	struct tenant_fixture t;
	struct client *c;
	char *body = cert_body_for("www.rotates.org"), wanted[200];
	const struct answer *a;

	fixture_tenant(*state, "rotates", NULL, NULL, NULL, &t);
	c = client_of(*state, &t);
	add(c, &t, "www.rotates.org");
	assert_status(200, bring(c, &t, "www.rotates.org", NULL, body));
	expect_rotation(*state, "next,tests", 78, "",
			"keks/next: secrets.keks: cannot be used: No such file");
	daemon_kek(*state, "next", "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100");
	expect_rotation(*state, "next", 69, "", "not among secrets.keks: tests (");
	expect_rotation(*state, "next,tests", 0, "all certificates are under next: ", "");
	expect_rotation(*state, "next,tests", 0, "all certificates are under next: 0 changed, ", "");
	expect_rotation(*state, "tests", 69, "", "not among secrets.keks: next (");
	a = assert_status(200, client_get(c, "/audit/logs?object=domain"));
	assert_text("rotateKek", a, "logs[0].action");
	assert_text("www.rotates.org", a, "logs[0].object_id");
	/* The daemon, which seals under the old one yet, goes on. */
	assert_status(200, bring(c, &t, "www.rotates.org", NULL, body));
	expect_rotation(*state, "next,tests", 0, "all certificates are under next: 1 changed, ", "");
	/* What does not open is named, and its end is no success. */
	fixture_control(*state, "UPDATE cc.certificate SET wrapped_dek = set_byte(wrapped_dek, 20,"
			" get_byte(wrapped_dek, 20) # 1) WHERE domain = 'www.rotates.org'");
	snprintf(wanted, sizeof(wanted), "does not open: tenant %s, domain www.rotates.org, serial ", t.id);
	expect_rotation(*state, "tests,next", 69, "under tests: ", wanted);
	client_close(c);
	free(body);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_certificate_is_shown_without_its_key),
		cmocka_unit_test(a_new_domain_may_bring_its_own),
		cmocka_unit_test(what_is_not_fit_is_refused_by_field),
		cmocka_unit_test(what_the_listener_cannot_show_is_refused),
		cmocka_unit_test(the_key_is_in_no_table_and_no_log),
		cmocka_unit_test(the_key_does_not_stay_in_memory),
		cmocka_unit_test(another_takes_its_place),
		cmocka_unit_test(an_end_is_seen_when_it_comes),
		cmocka_unit_test(it_goes_with_its_domain),
		cmocka_unit_test(a_kek_is_changed_while_all_runs),
	};

	return cmocka_run_group_tests(tests, daemon_group_setup, daemon_group_teardown);
}
