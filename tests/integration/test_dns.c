/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to resolvers: what they answer, and what they do not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "dns_peer.h"

#include "cc/base/clock.h"
#include "cc/net/dns.h"

struct bench {
	struct dns_peer *peer;
	struct arena *arena;
};

static int open_bench(void **state)
{
	static struct bench b;

	b = (struct bench){ .peer = dns_peer_start(), .arena = arena_create(4096) };
	*state = &b;
	return 0;
}

static int close_bench(void **state)
{
	struct bench *b = *state;

	dns_peer_stop(b->peer);
	arena_destroy(b->arena);
	return 0;
}

static const struct dns_answer *ask_for(struct bench *b, const char *name, enum dns_type type, int ms)
{
	const char *resolvers[] = { dns_peer_address(b->peer) };
	const struct dns_question question = { name, type };
	struct dns_answer *answer = ARENA_NEW(b->arena, struct dns_answer);

	dns_ask(b->arena, resolvers, 1, &question, 1, ms, answer);
	return answer;
}

static void strings_of_a_record_are_joined(void **state)
{
	struct bench *b = *state;
	const struct dns_answer *a;

	dns_peer_txt(b->peer, "a.example.org", "a text of more than ten bytes, so of several strings");
	dns_peer_txt(b->peer, "a.example.org", "b\x01\xFFx");
	a = ask_for(b, "a.example.org", DNS_TXT, 3000);
	assert_false(a->failed);
	assert_null(a->problem);
	assert_int_equal(2, a->values.n);
	assert_string_equal("a text of more than ten bytes, so of several strings", a->values.v[0]);
	assert_string_equal("b??x", a->values.v[1]);
}

/* The first of them must not be taken for the end, nor the rest be written behind it. */
static void zero_bytes_are_characters_like_others(void **state)
{
	static const char zeros[] = "\2\2\2\2\2\2\2\2\2\2\2\2\2\2\2\2\2\2\2\2\2\2\2\2\2\2\2\2\2\2\2\2";
	struct bench *b = *state;
	const struct dns_answer *a;

	dns_peer_txt(b->peer, "a.example.org", zeros);
	dns_peer_txt(b->peer, "a.example.org", "a\2b");
	a = ask_for(b, "a.example.org", DNS_TXT, 3000);
	assert_int_equal(2, a->values.n);
	assert_int_equal(sizeof(zeros) - 1, strlen(a->values.v[0]));
	assert_int_equal(strlen(a->values.v[0]), strspn(a->values.v[0], "?"));
	assert_string_equal("a?b", a->values.v[1]);
}

static void what_is_not_there_is_no_failure(void **state)
{
	struct bench *b = *state;
	const struct dns_answer *a;

	dns_peer_cname(b->peer, "b.example.org", "c.example.org");
	a = ask_for(b, "a.example.org", DNS_TXT, 3000);
	assert_false(a->failed);
	assert_string_equal("there is no such name", a->problem);
	a = ask_for(b, "b.example.org", DNS_TXT, 3000);
	assert_false(a->failed);
	assert_string_equal("there is no such record", a->problem);
}

static void what_is_cut_off_is_asked_for_by_tcp(void **state)
{
	struct bench *b = *state;
	char text[500];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	dns_peer_mood(b->peer, DNS_CUT);
	dns_peer_txt(b->peer, "a.example.org", text);
	assert_string_equal(text, ask_for(b, "a.example.org", DNS_TXT, 3000)->values.v[0]);
	assert_int_equal(1, dns_peer_by_tcp(b->peer));
}

static void chains_of_names_are_followed_to_a_bound(void **state)
{
	struct bench *b = *state;
	const struct dns_answer *a;
	char from[40], to[40];

	dns_peer_cname(b->peer, "www.example.org", "cdn.example.net");
	dns_peer_cname(b->peer, "cdn.example.net", "edge.example.com");
	a = ask_for(b, "www.example.org", DNS_CNAME, 3000);
	assert_false(a->failed);
	assert_int_equal(2, a->values.n);
	assert_string_equal("edge.example.com", a->values.v[1]);
	for (int i = 0; i < 20; i++) {
		snprintf(from, sizeof(from), "n%d.example.org", i);
		snprintf(to, sizeof(to), "n%d.example.org", i + 1);
		dns_peer_cname(b->peer, from, to);
	}
	assert_int_equal(DNS_HOPS_MAX, ask_for(b, "n0.example.org", DNS_CNAME, 3000)->values.n);
	dns_peer_cname(b->peer, "x.example.org", "y.example.org");
	dns_peer_cname(b->peer, "y.example.org", "X.example.org");
	a = ask_for(b, "x.example.org", DNS_CNAME, 3000);
	assert_string_equal("the chain of CNAMEs comes back to where it was", a->problem);
}

static void addresses_are_of_both_families(void **state)
{
	struct bench *b = *state;
	const struct dns_answer *a;

	dns_peer_a(b->peer, "a.example.org", "192.0.2.1");
	dns_peer_a(b->peer, "a.example.org", "192.0.2.2");
	dns_peer_a(b->peer, "a.example.org", "2001:db8::1");
	a = ask_for(b, "a.example.org", DNS_A, 3000);
	assert_int_equal(2, a->values.n);
	assert_string_equal("192.0.2.2", a->values.v[1]);
	a = ask_for(b, "a.example.org", DNS_AAAA, 3000);
	assert_int_equal(1, a->values.n);
	assert_string_equal("2001:db8::1", a->values.v[0]);
	dns_peer_txt(b->peer, "b.example.org", "something");
	assert_string_equal("there is no such record", ask_for(b, "b.example.org", DNS_AAAA, 3000)->problem);
}

static void who_may_issue_is_said_by_the_closest_name(void **state)
{
	struct bench *b = *state;
	const struct dns_answer *a;

	a = ask_for(b, "a.b.example.org", DNS_CAA, 3000);
	assert_false(a->failed);
	assert_string_equal("there is no such name", a->problem);
	dns_peer_caa(b->peer, "org", "nobody.example");
	assert_int_equal(0, ask_for(b, "a.b.example.org", DNS_CAA, 3000)->values.n);
	dns_peer_caa(b->peer, "example.org", "ca.example");
	dns_peer_txt(b->peer, "b.example.org", "something");
	a = ask_for(b, "a.b.example.org", DNS_CAA, 3000);
	assert_int_equal(1, a->values.n);
	assert_null(a->problem);
	assert_string_equal("example.org CAA 0 issue \"ca.example\"", a->values.v[0]);
	dns_peer_caa(b->peer, "a.b.example.org", "other.example");
	a = ask_for(b, "a.b.example.org", DNS_CAA, 3000);
	assert_string_equal("a.b.example.org CAA 0 issue \"other.example\"", a->values.v[0]);
}

static void what_makes_no_sense_is_a_failure(void **state)
{
	static const enum dns_mood moods[] = { DNS_SERVFAIL, DNS_REFUSE, DNS_SILENT, DNS_STRANGER };
	static const char *const words[] = { "it could not find out (SERVFAIL)", "it refused to answer",
					     "it did not answer in time", "it did not answer in time" };
	struct bench *b = *state;

	dns_peer_txt(b->peer, "*", "something");
	for (size_t i = 0; i < sizeof(moods) / sizeof(moods[0]); i++) {
		const struct dns_answer *a;

		dns_peer_mood(b->peer, moods[i]);
		a = ask_for(b, "a.example.org", DNS_TXT, 600);
		assert_true(a->failed);
		assert_int_equal(0, a->values.n);
		assert_string_equal(words[i], a->problem);
		assert_int_equal(moods[i] != DNS_SERVFAIL && moods[i] != DNS_REFUSE, a->silent);
	}
	dns_peer_mood(b->peer, DNS_RUBBISH);
	assert_int_equal(0, ask_for(b, "a.example.org", DNS_TXT, 600)->values.n);
	dns_peer_cname(b->peer, "*", "elsewhere.example.org");
	assert_int_equal(0, ask_for(b, "a.example.org", DNS_CNAME, 600)->values.n);
}

static void the_wait_ends(void **state)
{
	struct bench *b = *state;
	const int64_t before = clock_mono_ms();

	dns_peer_mood(b->peer, DNS_SILENT);
	assert_string_equal("it did not answer in time", ask_for(b, "a.example.org", DNS_TXT, 400)->problem);
	assert_true(clock_mono_ms() - before < 5000);
}

static void each_resolver_answers_for_itself(void **state)
{
	struct bench *b = *state;
	struct dns_peer *other = dns_peer_start();
	const char *resolvers[] = { dns_peer_address(b->peer), "127.0.0.1:1", dns_peer_address(other) };
	const struct dns_question questions[] = {
		{ "a.example.org", DNS_TXT }, { "a.example.org", DNS_CNAME }
	};
	struct dns_answer a[6];

	dns_peer_txt(b->peer, "a.example.org", "first");
	dns_peer_txt(other, "a.example.org", "second");
	dns_ask(b->arena, resolvers, 3, questions, 2, 2000, a);
	assert_string_equal("first", a[0].values.v[0]);
	assert_true(a[2].failed && a[3].failed);
	assert_string_equal("second", a[4].values.v[0]);
	assert_string_equal("there is no such record", a[5].problem);
	dns_peer_stop(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(strings_of_a_record_are_joined, open_bench, close_bench),
		cmocka_unit_test_setup_teardown(zero_bytes_are_characters_like_others, open_bench,
						close_bench),
		cmocka_unit_test_setup_teardown(what_is_not_there_is_no_failure, open_bench, close_bench),
		cmocka_unit_test_setup_teardown(what_is_cut_off_is_asked_for_by_tcp, open_bench, close_bench),
		cmocka_unit_test_setup_teardown(chains_of_names_are_followed_to_a_bound, open_bench,
						close_bench),
		cmocka_unit_test_setup_teardown(addresses_are_of_both_families, open_bench, close_bench),
		cmocka_unit_test_setup_teardown(who_may_issue_is_said_by_the_closest_name, open_bench,
						close_bench),
		cmocka_unit_test_setup_teardown(what_makes_no_sense_is_a_failure, open_bench, close_bench),
		cmocka_unit_test_setup_teardown(the_wait_ends, open_bench, close_bench),
		cmocka_unit_test_setup_teardown(each_resolver_answers_for_itself, open_bench, close_bench),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
