/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers of resolvers: the first byte says to which question, the rest came over the wire. Whatever comes,
 * the values are printable and within their bounds, and without any there is a sentence.
 */
#include "fuzz.h"

#include <ares.h>

/* The next step of a chain is asked for; nobody answers. */
static int asked;
static void ask_nobody(ares_channel channel, const char *name, int class, int type, ares_callback answer,
		       void *arg)
{
	(void)channel;
	(void)class;
	(void)type;
	(void)answer;
	(void)arg;
	FUZZ_EXPECT(name != NULL);
	asked++;
}
#define ares_query ask_nobody
#include "src/net/dns.c"

#define KINDS (sizeof(readers) / sizeof(readers[0]))

static void check_values(const struct dns_answer *answer)
{
	FUZZ_EXPECT(answer->values.n <= DNS_VALUES_MAX);
	for (size_t i = 0; i < answer->values.n; i++) {
		const char *v = answer->values.v[i];

		FUZZ_EXPECT(strlen(v) <= DNS_VALUE_MAX);
		for (; *v != '\0'; v++)
			FUZZ_EXPECT(*v >= 0x20 && *v < 0x7f);
	}
	FUZZ_EXPECT(answer->values.n > 0 || answer->problem != NULL || asked > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_create(4096);
	const struct dns_question question = {
		.name = "www.example.com",
		.type = size > 0 ? (enum dns_type)(data[0] % KINDS) : DNS_TXT,
	};
	struct dns_answer answer = { 0 };
	int pending = 1;
	struct asking q = { .arena = a, .question = &question, .at = question.name, .ret = &answer,
			    .values = ARENA_ARRAY(a, const char *, DNS_VALUES_MAX), .pending = &pending };
	unsigned char *bytes = arena_alloc(a, size + 1);

	asked = 0;
	answer.values.v = q.values;
	if (size > 1)
		memcpy(bytes, data + 1, size - 1);
	on_answer(&q, ARES_SUCCESS, 0, bytes, size > 1 ? (int)size - 1 : 0);
	check_values(&answer);
	FUZZ_EXPECT(pending == asked);
	arena_destroy(a);
	return 0;
}
