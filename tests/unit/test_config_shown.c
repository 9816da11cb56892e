/* SPDX-License-Identifier: Apache-2.0 */
/* What a fault of the settings shows, and what it must not: on a terminal, in the journal, at a reload. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/config.h"
#include "temp.h"

#define SECRET "canary-of-a-password"
#define HEX "0123456789abcdef0123456789abcdef"

static char *faults_of(const char *const *env, const char *file)
{
	struct arena *a = arena_create(8192);
	struct config_faults faults;
	struct config config;
	char *folder = temp_folder("config"), *path = temp_path(folder, "c.conf"), *text;
	const struct config_source source = { .path = file != NULL ? path : NULL, .env = env };

	temp_write(path, file != NULL ? file : "");
	config_faults_init(&faults, a);
	assert_false(config_load(a, &source, &config, &faults));
	text = strdup(faults.text.data);
	free(path);
	temp_remove(folder);
	arena_destroy(a);
	return text;
}

/* Every setting that takes an address, and some that take none. */
static void passwords_are_not_shown_wherever_they_stand(void **state)
{
	static const char *const settings[] = { "STRIPE_URL", "ENGINE_URL", "STORE_ENDPOINT", "REDIS_ADDRESS",
		"DNS_SERVER", "SERVER_ADDRESS", "SERVER_BASE_DOMAIN", "SERVER_PORT", "LOG_LEVEL",
		"DOMAINS_RESOLVERS", "REGIONS_US_EAST_1_STORE_ENDPOINT", "CONTROL_CONNINFO" };
	static const char *const values[] = { "https://user:" SECRET "@host/",
		"redis://:" SECRET "@host:6379", "host=x password=" SECRET };
	char variable[200];

	(void)state;
	for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
		for (size_t k = 0; k < sizeof values / sizeof values[0]; k++) {
			const char *const env[] = { variable, NULL };
			char *text;

			snprintf(variable, sizeof variable, "CONTROLCORE_%s=%s", settings[i], values[k]);
			text = faults_of(env, NULL);
			if (strstr(text, SECRET) != NULL || strstr(text, "not shown") == NULL)
				fail_msg("%s: %s", variable, text);
			free(text);
		}
}

static void nor_are_they_in_values_of_another_kind(void **state)
{
	char *text = faults_of(NULL,
		"server = { port = \"https://u:" SECRET "@h\"; };\nredis = { database = \"" HEX "\"; };\n"
		"regions = ( { id = \"u:" SECRET "@h\"; } );\n");

	(void)state;
	assert_null(strstr(text, SECRET));
	assert_null(strstr(text, HEX));
	free(text);
}

static void secret_in_place_of_its_file_is_not_shown(void **state)
{
	const char *const env[] = { "CONTROLCORE_SECRETS_PEPPER_FILE=" HEX, NULL };
	char *text = faults_of(env, NULL);

	(void)state;
	assert_null(strstr(text, HEX));
	assert_non_null(strstr(text, "secrets.pepper_file: cannot read what is named there"));
	free(text);
}

static void what_is_harmless_is_shown(void **state)
{
	const char *const env[] = { "CONTROLCORE_SERVER_PORT=eighty", "CONTROLCORE_REDIS_ADDRESS=nowhere",
		NULL };
	char *text = faults_of(env, NULL);

	(void)state;
	assert_non_null(strstr(text, "found \"eighty\""));
	assert_non_null(strstr(text, "found \"nowhere\""));
	free(text);
}

static void redis_takes_no_url(void **state)
{
	static const char *const bad[] = { "redis://host:6379", "host:6379:x", "user@host:6379", "ho st:6379",
		"[::1:6379", "[zz]:6379", ":6379" };
	static const char *const good[] = { "redis:6379", "cache_1.example.net:6379", "192.0.2.1:1",
		"[::1]:6379", "unix:/run/redis.sock" };
	char variable[100];
	const char *const env[] = { variable, NULL };

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0] + sizeof good / sizeof good[0]; i++) {
		const bool is_bad = i < sizeof bad / sizeof bad[0];
		const char *value = is_bad ? bad[i] : good[i - sizeof bad / sizeof bad[0]];
		char *text;

		snprintf(variable, sizeof variable, "CONTROLCORE_REDIS_ADDRESS=%s", value);
		text = faults_of(env, NULL);
		if ((strstr(text, "redis.address") != NULL) != is_bad)
			fail_msg("%s: %s", value, text);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(passwords_are_not_shown_wherever_they_stand),
		cmocka_unit_test(nor_are_they_in_values_of_another_kind),
		cmocka_unit_test(secret_in_place_of_its_file_is_not_shown),
		cmocka_unit_test(what_is_harmless_is_shown),
		cmocka_unit_test(redis_takes_no_url),
	};

	return cmocka_run_group_tests_name("config_shown", tests, NULL, NULL);
}
