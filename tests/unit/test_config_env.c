/* SPDX-License-Identifier: Apache-2.0 */
/* Settings from the environment: every variable that looks like one of ours must be one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/config.h"

struct bench {
	struct arena *arena;
	struct config config;
	struct config_faults faults;
};

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof *b);

	b->arena = arena_create(8192);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	arena_destroy(b->arena);
	free(b);
	return 0;
}

/* Loads what is needed at least, and this. */
static bool load_beside(struct bench *b, const char *entry)
{
	const char *const env[] = { entry, "CONTROLCORE_CONTROL_CONNINFO=dbname=cc",
		"CONTROLCORE_REGIONS_AP_SOUTH_1_CONNINFO=dbname=r",
		"CONTROLCORE_SECRETS_PEPPER=0123456789abcdef0123456789abcdef",
		"CONTROLCORE_SECRETS_AUDIT_KEY=fedcba9876543210fedcba9876543210",
		"CONTROLCORE_SECRETS_SIGNING_KEY=0123456789abcdeffedcba9876543210", NULL };
	const struct config_source source = { .env = env };

	config_faults_init(&b->faults, b->arena);
	return config_load(b->arena, &source, &b->config, &b->faults);
}

/* The variable is the only fault, told with what is known in its place, and never with its value. */
static void refused(struct bench *b, const char *name, const char *fault)
{
	assert_false(load_beside(b, arena_printf(b->arena, "%s=hush", name)));
	assert_int_equal(1, b->faults.n);
	assert_null(strstr(b->faults.text.data, "hush"));
	if (strstr(b->faults.text.data, fault) == NULL) {
		print_error("expected: %s\nfound: %s", fault, b->faults.text.data);
		fail();
	}
}

static void unknown_setting_is_a_fault(void **state)
{
	struct bench *b = *state;

	refused(b, "CONTROLCORE_SERVER_PROT",
		"environment CONTROLCORE_SERVER_PROT: server: unknown setting; known here: address, port,");
	refused(b, "CONTROLCORE_SERVER_PORT_FILES", "environment CONTROLCORE_SERVER_PORT_FILES: server: unk");
	refused(b, "CONTROLCORE_SERVER_WORKERS_FILE", "CONTROLCORE_SERVER_WORKERS_FILE: server: unknown");
	refused(b, "CONTROLCORE_SERVER_", "environment CONTROLCORE_SERVER_: server: unknown setting");
	refused(b, "CONTROLCORE_SERVER_port", "environment CONTROLCORE_SERVER_port: server: unknown setting");
	refused(b, "CONTROLCORE_SECRETS_PEPER_FILE", "known here: pepper, pepper_file,");
}

static void unknown_section_is_a_fault(void **state)
{
	struct bench *b = *state;

	refused(b, "CONTROLCORE_FOO_BAR",
		"environment CONTROLCORE_FOO_BAR: unknown section; known ones: server, control,");
	refused(b, "CONTROLCORE_SERVER", "environment CONTROLCORE_SERVER: unknown section");
	refused(b, "CONTROLCORE_", "environment CONTROLCORE_: unknown section");
	refused(b, "CONTROLCORE_A\033[31m\nB", "environment CONTROLCORE_A?[31m?B: unknown section");
}

static void unknown_region_is_a_fault(void **state)
{
	struct bench *b = *state;

	refused(b, "CONTROLCORE_REGIONS_MARS_CONNINFO",
		"environment CONTROLCORE_REGIONS_MARS_CONNINFO: regions: unknown region; expected one of "
		"us-");
	refused(b, "CONTROLCORE_REGIONS_EU_WEST_10_CONNINFO", "regions: unknown region;");
	refused(b, "CONTROLCORE_REGIONS_EU_WEST_1_CONINFO",
		"regions.eu-west-1: unknown setting; known here: id, conninfo, connections");
}

static void variables_of_others_are_left_alone(void **state)
{
	static const char *const others[] = { "CONTROLCORE=1", "CONTROLCORED_SERVICE_HOST=1",
		"XCONTROLCORE_FOO=1", "controlcore_server_port=1", "CONTROLCORE_WITHOUT_A_VALUE", "" };
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_true(load_beside(b, others[i]));
	assert_int_equal(8082, b->config.server.port);
}

/* What the tables know is known here, under the name that is made of them. */
static void every_setting_has_its_variable(void **state)
{
	struct bench *b = *state;

	for (size_t i = 0; i < nsections; i++)
		for (size_t k = 0; k < sections[i].schema->nfields; k++) {
			const struct field *f = &sections[i].schema->fields[k];
			char *name = arena_printf(b->arena, "%s_%s", sections[i].name, f->name);

			for (char *p = name; *p != '\0'; p++)
				*p = *p >= 'a' && *p <= 'z' ? (char)(*p - 'a' + 'A') : *p;
			load_beside(b, arena_printf(b->arena, "CONTROLCORE_%s=x", name));
			assert_null(strstr(b->faults.text.data, "unknown"));
			if (f->flags & F_SECRET)
				load_beside(b, arena_printf(b->arena, "CONTROLCORE_%s_FILE=/x", name));
			assert_null(strstr(b->faults.text.data, "unknown"));
		}
}

/* A list is told by its faulty item, in the words of the item's rule. */
static void faults_of_a_list_are_its_items(void **state)
{
	static const struct {
		const char *hosts, *fault;
	} cases[] = {
		{ "a.example,b_c.example", "such as controlcore.io, found \"b_c.example\"\n" },
		{ "a.example,,b.example", "found \"\"\n" },
		{ "[::g]", "or an IPv6 address in brackets, found \"[::g]\"\n" },
	};
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_false(load_beside(
			b, arena_printf(b->arena, "CONTROLCORE_SERVER_NEUTRAL_HOSTS=%s", cases[i].hosts)));
		assert_int_equal(1, b->faults.n);
		assert_non_null(strstr(b->faults.text.data, cases[i].fault));
	}
	assert_false(load_beside(b, "CONTROLCORE_SERVER_TRUSTED_PROXIES=10.0.0.0/8,10.0.0.1/99,::1"));
	assert_non_null(strstr(b->faults.text.data,
		"must be an address or a network, such as 192.0.2.0/24, found \"10.0.0.1/99\"\n"));
	assert_true(load_beside(b, "CONTROLCORE_SERVER_NEUTRAL_HOSTS=a.example,10.0.0.1,[fd00::1]"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(unknown_setting_is_a_fault, setup, teardown),
		cmocka_unit_test_setup_teardown(unknown_section_is_a_fault, setup, teardown),
		cmocka_unit_test_setup_teardown(unknown_region_is_a_fault, setup, teardown),
		cmocka_unit_test_setup_teardown(variables_of_others_are_left_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(every_setting_has_its_variable, setup, teardown),
		cmocka_unit_test_setup_teardown(faults_of_a_list_are_its_items, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
