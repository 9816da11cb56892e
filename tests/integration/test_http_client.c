/* SPDX-License-Identifier: Apache-2.0 */
/* The program as a client of other servers: good ones, slow ones, broken ones, and those to distrust. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "odd_peer.h"
#include "temp.h"
#include "web_peer.h"
#include "cc/base/clock.h"
#include "cc/net/http_client.h"

#define PATIENCE_MS 30000 /* nothing here takes as long */
#define SOON_MS 300       /* for what shall be late */
#define ANSWER_MAX ODD_EXACTLY
#define BIG 40000

struct fixture {
	struct web_peer *peer;
	struct http_client *client;
	struct arena *arena;
	struct http_got got;
	struct http_ask ask;
	char url[256];
};

/* Fixture ------------------------------------------------------------------------------------------- */

static int set_up(void **state)
{
	struct fixture *fx = calloc(1, sizeof(*fx));

	fx->peer = web_peer_start(odd_peer, NULL);
	fx->client = http_client_create(&(struct http_client_conf){ 0 });
	fx->arena = arena_create(4096);
	*state = fx;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fx = *state;

	http_client_destroy(fx->client);
	web_peer_stop(fx->peer);
	arena_destroy(fx->arena);
	free(fx);
	return 0;
}

static const char *at(struct fixture *fx, const char *path)
{
	snprintf(fx->url, sizeof(fx->url), "%s%s", web_peer_url(fx->peer), path);
	return fx->url;
}

/* A GET; what differs is set in fx->ask afterwards by those who call send_it() themselves. */
static void prepare(struct fixture *fx, const char *url)
{
	fx->ask = (struct http_ask){ .method = "GET",
		.url = url,
		.deadline_ms = clock_mono_ms() + PATIENCE_MS,
		.answer_max = ANSWER_MAX };
}

static enum http_result send_it(struct fixture *fx)
{
	const enum http_result r = http_client_send(fx->client, fx->arena, &fx->ask, &fx->got);

	assert_non_null(fx->got.error);
	assert_true((r == HTTP_GOT) == (fx->got.error[0] == '\0'));
	return r;
}

static enum http_result get(struct fixture *fx, const char *path)
{
	prepare(fx, at(fx, path));
	return send_it(fx);
}

static bool mirrors(const struct fixture *fx, const char *line)
{
	return strstr(fx->got.body, line) != NULL;
}

/* Stories ------------------------------------------------------------------------------------------- */

static void an_answer_comes_back_whole(void **state)
{
	struct fixture *fx = *state;

	assert_int_equal(HTTP_GOT, get(fx, "/mirror?a=1"));
	assert_int_equal(200, fx->got.status);
	assert_int_equal(strlen(fx->got.body), fx->got.len);
	assert_true(mirrors(fx, "GET /mirror?a=1\n"));
	assert_string_equal("text/plain", http_got_header(&fx->got, "content-TYPE"));
	assert_null(http_got_header(&fx->got, "no-such"));
	assert_true(mirrors(fx, "User-Agent=controlcored\n"));
	assert_true(mirrors(fx, "Accept-Encoding=none\n"));
	assert_int_equal(HTTP_GOT, get(fx, "/status/503"));
	assert_int_equal(503, fx->got.status);
	assert_string_equal("{}", fx->got.body);
}

static void what_is_sent_arrives(void **state)
{
	static const char *const headers[] = { "Content-Type: text/x-mine", "X-Mine: one two", NULL };
	struct fixture *fx = *state;

	prepare(fx, at(fx, "/mirror"));
	fx->ask.method = "PUT";
	fx->ask.headers = headers;
	fx->ask.body = (struct bytes){ .p = (const unsigned char *)"package p", .n = 9 };
	assert_int_equal(HTTP_GOT, send_it(fx));
	assert_true(mirrors(fx, "PUT /mirror\n"));
	assert_true(mirrors(fx, "Content-Type=text/x-mine\n"));
	assert_true(mirrors(fx, "Content-Length=9\n"));
	assert_true(mirrors(fx, "X-Mine=one two\n"));
	assert_true(mirrors(fx, "Expect=none\n"));
	assert_true(mirrors(fx, "body=package p"));
	prepare(fx, at(fx, "/mirror"));
	fx->ask.method = "POST";
	assert_int_equal(HTTP_GOT, send_it(fx));
	assert_true(mirrors(fx, "Content-Length=0\n"));
	assert_true(mirrors(fx, "Content-Type=none\n"));
	prepare(fx, at(fx, "/mirror"));
	fx->ask.method = "DELETE";
	assert_int_equal(HTTP_GOT, send_it(fx));
	assert_true(mirrors(fx, "DELETE /mirror\n"));
	assert_true(mirrors(fx, "Content-Length=none\n"));
	prepare(fx, at(fx, "/mirror"));
	fx->ask.method = "HEAD";
	assert_int_equal(HTTP_GOT, send_it(fx));
	assert_int_equal(0, fx->got.len);
}

/* A body of this size would make libcurl ask for leave first. */
static void a_large_body_is_sent_at_once(void **state)
{
	struct fixture *fx = *state;
	char *body = malloc(BIG + 1);

	memset(body, 'z', BIG);
	body[BIG] = '\0';
	prepare(fx, at(fx, "/mirror"));
	fx->ask.method = "POST";
	fx->ask.body = (struct bytes){ .p = (unsigned char *)body, .n = 2 * 1024 };
	assert_int_equal(HTTP_GOT, send_it(fx));
	assert_true(mirrors(fx, "Expect=none\n"));
	prepare(fx, at(fx, "/mirror"));
	fx->ask.method = "POST";
	fx->ask.body = (struct bytes){ .p = (unsigned char *)body, .n = BIG };
	assert_int_equal(HTTP_GOT, send_it(fx));
	assert_true(mirrors(fx, "Content-Length=40000\n"));
	free(body);
}

static void a_redirect_is_an_answer(void **state)
{
	struct fixture *fx = *state;

	assert_int_equal(HTTP_GOT, get(fx, "/moved"));
	assert_int_equal(302, fx->got.status);
	assert_string_equal("/mirror", http_got_header(&fx->got, "Location"));
	assert_string_equal("a", http_got_header(&fx->got, "X-Two"));
	assert_int_equal(1, web_peer_requests(fx->peer));
}

static void interim_answers_leave_nothing(void **state)
{
	struct fixture *fx = *state;

	assert_int_equal(HTTP_GOT, get(fx, "/interim"));
	assert_int_equal(200, fx->got.status);
	assert_string_equal("abcde", fx->got.body);
	assert_null(http_got_header(&fx->got, "X-Early"));
	assert_string_equal("2", http_got_header(&fx->got, "X-Late"));
}

static void connections_are_kept(void **state)
{
	struct fixture *fx = *state;

	for (int i = 0; i < 20; i++)
		assert_int_equal(HTTP_GOT, get(fx, "/mirror"));
	assert_int_equal(20, web_peer_requests(fx->peer));
	assert_int_equal(1, web_peer_connections(fx->peer));
}

static void an_answer_within_its_bound_is_taken_and_no_larger_one(void **state)
{
	struct fixture *fx = *state;

	assert_int_equal(HTTP_GOT, get(fx, "/exactly"));
	assert_int_equal(ANSWER_MAX, fx->got.len);
	assert_int_equal(HTTP_TOO_LARGE, get(fx, "/one-more"));
	assert_int_equal(0, fx->got.len);
	assert_int_equal(HTTP_TOO_LARGE, get(fx, "/endless"));
	assert_int_equal(HTTP_TOO_LARGE, get(fx, "/endless-head"));
	assert_int_equal(HTTP_TOO_LARGE, get(fx, "/endless-interim"));
	assert_int_equal(HTTP_GOT, get(fx, "/mirror"));
	prepare(fx, at(fx, "/mirror"));
	fx->ask.answer_max = 0;
	assert_int_equal(HTTP_TOO_LARGE, send_it(fx));
	assert_true(arena_bytes(fx->arena) < (size_t)64 * ANSWER_MAX);
}

static void who_is_late_is_left(void **state)
{
	static const char *const late[] = { "/silent", "/drip" };
	struct fixture *fx = *state;

	for (size_t i = 0; i < sizeof(late) / sizeof(late[0]); i++) {
		prepare(fx, at(fx, late[i]));
		fx->ask.deadline_ms = clock_mono_ms() + SOON_MS;
		assert_int_equal(HTTP_LATE, send_it(fx));
	}
	prepare(fx, at(fx, "/mirror"));
	fx->ask.deadline_ms = clock_mono_ms() - 1;
	assert_int_equal(HTTP_LATE, send_it(fx));
	assert_int_equal(2, web_peer_requests(fx->peer));
}

static void what_is_not_http_is_told_so(void **state)
{
	struct fixture *fx = *state;

	assert_int_equal(HTTP_BROKEN, get(fx, "/half"));
	assert_int_equal(HTTP_BROKEN, get(fx, "/garbage"));
	assert_int_equal(HTTP_BROKEN, get(fx, "/hang-up"));
	assert_int_equal(HTTP_GOT, get(fx, "/mirror"));
}

static void nobody_there_is_told_so(void **state)
{
	struct fixture *fx = *state;

	snprintf(fx->url, sizeof(fx->url), "http://127.0.0.1:%d/", temp_port());
	prepare(fx, fx->url);
	assert_int_equal(HTTP_NO_CONNECTION, send_it(fx));
	prepare(fx, "http://no-such-host.invalid/");
	assert_int_equal(HTTP_UNKNOWN_HOST, send_it(fx));
}

/* A listener whose queue is full takes no connection and refuses none. */
static void connecting_has_a_limit_of_its_own(void **state)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct http_client *hasty = http_client_create(&(struct http_client_conf){ .connect_ms = SOON_MS });
	struct fixture *fx = *state;
	socklen_t n = sizeof(to);
	int waiting[8];

	assert_int_equal(0, bind(fd, (struct sockaddr *)&to, n));
	assert_int_equal(0, listen(fd, 0));
	assert_int_equal(0, getsockname(fd, (struct sockaddr *)&to, &n));
	for (int i = 0; i < 8; i++) {
		waiting[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		(void)connect(waiting[i], (struct sockaddr *)&to, n);
	}
	snprintf(fx->url, sizeof(fx->url), "http://127.0.0.1:%d/", ntohs(to.sin_port));
	prepare(fx, fx->url);
	assert_int_equal(HTTP_NO_CONNECTION, http_client_send(hasty, fx->arena, &fx->ask, &fx->got));
	assert_true(clock_mono_ms() < fx->ask.deadline_ms);
	for (int i = 0; i < 8; i++)
		close(waiting[i]);
	close(fd);
	http_client_destroy(hasty);
}

static void private_addresses_can_be_forbidden(void **state)
{
	static const char *const hosts[] = { "127.0.0.1", "localhost", "2130706433", "0x7f000001", "127.1",
		"[::ffff:127.0.0.1]", "[::1]" };
	struct fixture *fx = *state;

	/* Not even over a connection that somebody else was allowed to make. */
	assert_int_equal(HTTP_GOT, get(fx, "/mirror"));
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		snprintf(fx->url, sizeof(fx->url), "http://%s:%d/mirror", hosts[i], web_peer_port(fx->peer));
		prepare(fx, fx->url);
		fx->ask.flags = HTTP_PUBLIC_ONLY;
		assert_int_equal(HTTP_FORBIDDEN, send_it(fx));
	}
	assert_int_equal(1, web_peer_requests(fx->peer));
	assert_int_equal(1, web_peer_connections(fx->peer));
}

static void what_cannot_be_asked_is_not(void **state)
{
	static const char *const urls[] = { "", "/", "127.0.0.1", "ftp://127.0.0.1/", "file:///etc/hostname",
		"gopher://127.0.0.1/", "http:/127.0.0.1/", "http://", "http:///x", "http://user@127.0.0.1/",
		"http://user:pass@127.0.0.1/", "http://127.0.0.1/a b", "http://127.0.0.1/\r\nX: y",
		"http://127.0.0.1/\xc3\xa4", "http://127.0.0.1:99999/", "javascript:alert(1)" };
	static const char *const lines[] = { "X-Mine", "X-Mine:", "X-Mine: ", ": x", "X-Mine: a\r\nX-Two: b",
		"X Mine: a", "X-Mine: a\tb" };
	struct fixture *fx = *state;
	char *longest = calloc(1, 5001);

	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		prepare(fx, urls[i]);
		assert_int_equal(HTTP_BAD_ASK, send_it(fx));
		assert_non_null(http_url_fault(urls[i], 0));
	}
	memset(longest, 'a', 5000);
	memcpy(longest, "http://127.0.0.1/", 17);
	assert_non_null(http_url_fault(longest, 0));
	free(longest);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		const char *const headers[] = { lines[i], NULL };

		prepare(fx, at(fx, "/mirror"));
		fx->ask.headers = headers;
		assert_int_equal(HTTP_BAD_ASK, send_it(fx));
	}
	prepare(fx, at(fx, "/mirror"));
	fx->ask.method = "GET /x HTTP/1.1\r\nX:";
	assert_int_equal(HTTP_BAD_ASK, send_it(fx));
	assert_non_null(http_url_fault("http://a.example/", HTTP_TLS_ONLY));
	assert_null(http_url_fault("https://a.example/", HTTP_TLS_ONLY));
	assert_null(http_url_fault("HTTP://a.example:8181/base?x=1", 0));
	assert_int_equal(0, web_peer_requests(fx->peer));
}

/* Proxies of the environment are for people. */
static void proxies_are_not_used(void **state)
{
	struct fixture *fx = *state;

	setenv("http_proxy", "http://127.0.0.1:1/", 1);
	setenv("ALL_PROXY", "http://127.0.0.1:1/", 1);
	assert_int_equal(HTTP_GOT, get(fx, "/mirror"));
	unsetenv("http_proxy");
	unsetenv("ALL_PROXY");
}

/* Threads ------------------------------------------------------------------------------------------- */

struct crowd {
	struct fixture *fx;
	int good;
};

static void *one_of_many(void *arg)
{
	struct crowd *me = arg;
	struct arena *a = arena_create(4096);

	for (int i = 0; i < 25; i++) {
		struct http_ask ask = { .method = "GET", .answer_max = ANSWER_MAX };
		struct http_got got;

		ask.url = arena_printf(a, "%s/mirror?n=%d", web_peer_url(me->fx->peer), i);
		ask.deadline_ms = clock_mono_ms() + PATIENCE_MS;
		if (http_client_send(me->fx->client, a, &ask, &got) == HTTP_GOT &&
			strstr(got.body, arena_printf(a, "?n=%d\n", i)) != NULL)
			me->good++;
		arena_reset(a);
	}
	arena_destroy(a);
	return NULL;
}

static void threads_share_a_client_and_no_connection(void **state)
{
	struct fixture *fx = *state;
	struct crowd crowd[8];
	pthread_t thread[8];

	for (int i = 0; i < 8; i++) {
		crowd[i] = (struct crowd){ .fx = fx };
		assert_int_equal(0, pthread_create(&thread[i], NULL, one_of_many, &crowd[i]));
	}
	for (int i = 0; i < 8; i++) {
		pthread_join(thread[i], NULL);
		assert_int_equal(25, crowd[i].good);
	}
	assert_int_equal(200, web_peer_requests(fx->peer));
	assert_int_equal(8, web_peer_connections(fx->peer));
}

/* TLS ----------------------------------------------------------------------------------------------- */

static void run(const char *const *argv)
{
	struct temp_run r = temp_run(argv, NULL, PATIENCE_MS);

	if (r.status != 0)
		fail_msg("%s: %d %s", argv[0], r.status, r.err);
	temp_run_free(&r);
}

static void await_listener(int port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	for (int i = 0; i < 1000; i++) {
		const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		const bool there = connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0;

		close(fd);
		if (there)
			return;
		temp_sleep_ms(20);
	}
	fail_msg("nothing listens on port %d", port);
}

/* "localhost" has a certificate that its own file vouches for; 127.0.0.1 is not named in it. */
static void certificates_are_verified(void **state)
{
	char *folder = temp_folder("tls"), *key = temp_path(folder, "key"), *cert = temp_path(folder, "cert"),
	     *log = temp_path(folder, "log"), port[16];
	const char *const make[] = { "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
		"ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", cert, "-days", "2", "-subj",
		"/CN=localhost", "-addext", "subjectAltName=DNS:localhost", NULL };
	const char *const serve[] = { "openssl", "s_server", "-quiet", "-www", "-accept", port, "-key", key,
		"-cert", cert, NULL };
	struct http_client *trusting = http_client_create(&(struct http_client_conf){ .ca_file = cert });
	struct http_client *lost =
		http_client_create(&(struct http_client_conf){ .ca_file = "/no/such/file" });
	struct fixture *fx = *state;
	const int number = temp_port();
	char good[64], wrong[64];
	pid_t pid;

	snprintf(port, sizeof(port), "%d", number);
	snprintf(good, sizeof(good), "https://localhost:%s/", port);
	snprintf(wrong, sizeof(wrong), "https://127.0.0.1:%s/", port);
	run(make);
	pid = temp_spawn(serve, NULL, log, SIGKILL);
	await_listener(number);
	prepare(fx, good);
	assert_int_equal(HTTP_NO_TRUST, send_it(fx));
	assert_int_equal(HTTP_NO_TRUST, http_client_send(lost, fx->arena, &fx->ask, &fx->got));
	assert_int_equal(HTTP_GOT, http_client_send(trusting, fx->arena, &fx->ask, &fx->got));
	assert_int_equal(200, fx->got.status);
	fx->ask.url = wrong;
	assert_int_equal(HTTP_NO_TRUST, http_client_send(trusting, fx->arena, &fx->ask, &fx->got));
	kill(pid, SIGKILL);
	(void)temp_wait(pid, PATIENCE_MS);
	http_client_destroy(trusting);
	http_client_destroy(lost);
	free(key);
	free(cert);
	free(log);
	temp_remove(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_answer_comes_back_whole, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_sent_arrives, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_large_body_is_sent_at_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_redirect_is_an_answer, set_up, tear_down),
		cmocka_unit_test_setup_teardown(interim_answers_leave_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(connections_are_kept, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			an_answer_within_its_bound_is_taken_and_no_larger_one, set_up, tear_down),
		cmocka_unit_test_setup_teardown(who_is_late_is_left, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_not_http_is_told_so, set_up, tear_down),
		cmocka_unit_test_setup_teardown(nobody_there_is_told_so, set_up, tear_down),
		cmocka_unit_test_setup_teardown(connecting_has_a_limit_of_its_own, set_up, tear_down),
		cmocka_unit_test_setup_teardown(private_addresses_can_be_forbidden, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_cannot_be_asked_is_not, set_up, tear_down),
		cmocka_unit_test_setup_teardown(proxies_are_not_used, set_up, tear_down),
		cmocka_unit_test_setup_teardown(threads_share_a_client_and_no_connection, set_up, tear_down),
		cmocka_unit_test_setup_teardown(certificates_are_verified, set_up, tear_down),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
