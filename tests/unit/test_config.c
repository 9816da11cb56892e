/* SPDX-License-Identifier: Apache-2.0 */
/* Settings: the file, the environment, the command line, and every fault at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/config.h"
#include "temp.h"

static const char least[] = "control = { conninfo = \"host=/run dbname=cc_control\"; };\n"
			    "regions = ( { id = \"eu-west-1\"; conninfo = \"host=/run dbname=r1\"; } );\n"
			    "secrets = { pepper = \"0123456789abcdef0123456789abcdef\";"
			    " audit_key = \"fedcba9876543210fedcba9876543210\";"
			    " signing_key = \"0123456789abcdeffedcba9876543210\"; };\n";

struct bench {
	struct arena *arena;
	char *folder, *path;
	struct config config;
	struct config_faults faults;
};

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof *b);

	b->arena = arena_create(8192);
	b->folder = temp_folder("config");
	b->path = temp_path(b->folder, "c.conf");
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	arena_destroy(b->arena);
	free(b->path);
	temp_remove(b->folder);
	free(b);
	return 0;
}

static bool load_with(
	struct bench *b, const char *text, const char *const *env, const struct preset *p, size_t np)
{
	const struct config_source source = {
		.path = text != NULL ? b->path : NULL, .env = env, .preset = p, .npresets = np
	};

	if (text != NULL)
		temp_write(b->path, text);
	config_faults_init(&b->faults, b->arena);
	return config_load(b->arena, &source, &b->config, &b->faults);
}

static bool load(struct bench *b, const char *text)
{
	return load_with(b, text, NULL, NULL, 0);
}

/* The faults hold this text, with the path of the file in place of a leading "@". */
static void expect_fault(const struct bench *b, const char *text)
{
	const char *wanted = text[0] == '@' ? arena_printf(b->arena, "%s%s", b->path, text + 1) : text;

	if (strstr(b->faults.text.data, wanted) == NULL) {
		print_error("expected: %s\nfound:\n%s", wanted, b->faults.text.data);
		fail();
	}
}

static void least_file_gets_all_defaults(void **state)
{
	struct bench *b = *state;

	assert_true(load(b, least));
	assert_string_equal("127.0.0.1", b->config.server.address);
	assert_int_equal(8082, b->config.server.port);
	assert_string_equal("controlcore.io", b->config.server.base_domain);
	assert_int_equal(0, b->config.server.neutral_hosts.n);
	assert_int_equal(2592000, b->config.jobs.undo_window_s);
	assert_int_equal(4, b->config.jobs.spare_schemas);
	assert_true(b->config.control.migrate);
	assert_null(b->config.control.admin_conninfo);
	assert_null(b->config.redis.address);
	assert_null(b->config.secrets.role_secret);
	assert_string_equal("info", b->config.log.level);
	assert_int_equal(1, b->config.nregions);
	assert_string_equal("eu-west-1", b->config.region[0].id);
	assert_int_equal(32, b->config.region[0].connections);
	assert_int_equal(3, b->config.plan_set.n);
}

static void all_faults_are_told_at_once(void **state)
{
	struct bench *b = *state;

	assert_false(load(b, "server = {\n port = 70000;\n workers = \"many\";\n colour = 1;\n};\n"
			     "log = { level = \"loud\"; };\n"
			     "regions = ( { id = \"mars-1\"; conninfo = \"dbname=x\"; } );\n"
			     "nonsense = 1;\n"));
	expect_fault(b, "@:2: server.port: expected an integer from 0 to 65535, found \"70000\"\n");
	expect_fault(b, "@:3: server.workers: expected an integer from 1 to 512, found \"many\"\n");
	expect_fault(b, "@:4: server.colour: unknown setting; known here: address, port,");
	expect_fault(b, "@:6: log.level: expected one of error, warn, info, debug, found \"loud\"\n");
	expect_fault(b, "@:7: regions.id: expected one of us-east-1,");
	expect_fault(b, "found \"mars-1\"\n");
	expect_fault(b, "@:8: nonsense: unknown section; known ones: server, control, ");
	expect_fault(b, "@: control.conninfo: is required\n");
	expect_fault(b, "@: secrets.pepper: is required (or secrets.pepper_file)\n");
	expect_fault(b, "@: secrets.audit_key: is required (or secrets.audit_key_file)\n");
	expect_fault(b, "@: secrets.signing_key: is required (or secrets.signing_key_file)\n");
}

static void syntax_fault_names_its_line(void **state)
{
	struct bench *b = *state;

	assert_false(load(b, "server = {\n port = ;\n};\n"));
	expect_fault(b, "@:2: syntax error");
}

static void doubled_setting_is_a_fault(void **state)
{
	struct bench *b = *state;

	assert_false(load(b, "log = { level = \"info\"; level = \"warn\"; };\n"));
	expect_fault(b, "@:1: duplicate");
}

static void missing_file_is_one_fault(void **state)
{
	struct bench *b = *state;
	const struct config_source source = { .path = "/nonexistent/c.conf" };

	config_faults_init(&b->faults, b->arena);
	assert_false(config_load(b->arena, &source, &b->config, &b->faults));
	assert_int_equal(1, b->faults.n);
	expect_fault(b, "/nonexistent/c.conf: cannot be read: No such file or directory");
}

static void folder_in_place_of_the_file_is_a_fault(void **state)
{
	struct bench *b = *state;
	const struct config_source source = { .path = "/tmp" };

	config_faults_init(&b->faults, b->arena);
	assert_false(config_load(b->arena, &source, &b->config, &b->faults));
	expect_fault(b, "/tmp: cannot be read: Is a directory");
}

static void environment_wins_over_the_file(void **state)
{
	struct bench *b = *state;
	const char *const env[] = { "CONTROLCORE_SERVER_PORT=9000",
		"CONTROLCORE_SERVER_NEUTRAL_HOSTS=a.example,b.example", "CONTROLCORE_CONTROL_MIGRATE=false",
		"OTHER=1", NULL };

	assert_true(
		load_with(b, arena_printf(b->arena, "%sserver = { port = 7000; };\n", least), env, NULL, 0));
	assert_int_equal(9000, b->config.server.port);
	assert_false(b->config.control.migrate);
	assert_int_equal(2, b->config.server.neutral_hosts.n);
	assert_string_equal("b.example", b->config.server.neutral_hosts.v[1]);
}

static void environment_alone_is_enough(void **state)
{
	struct bench *b = *state;
	const char *const env[] = { "CONTROLCORE_CONTROL_CONNINFO=dbname=cc",
		"CONTROLCORE_REGIONS_AP_SOUTH_1_CONNINFO=dbname=r",
		"CONTROLCORE_REGIONS_AP_SOUTH_1_CONNECTIONS=5",
		"CONTROLCORE_SECRETS_PEPPER=0123456789abcdef0123456789abcdef",
		"CONTROLCORE_SECRETS_AUDIT_KEY=fedcba9876543210fedcba9876543210",
		"CONTROLCORE_SECRETS_SIGNING_KEY=0123456789abcdeffedcba9876543210", NULL };

	assert_true(load_with(b, NULL, env, NULL, 0));
	assert_int_equal(1, b->config.nregions);
	assert_string_equal("ap-south-1", b->config.region[0].id);
	assert_int_equal(5, b->config.region[0].connections);
}

static void bad_environment_is_named(void **state)
{
	struct bench *b = *state;
	const char *const env[] = { "CONTROLCORE_SERVER_PORT=eighty", NULL };

	assert_false(load_with(b, least, env, NULL, 0));
	expect_fault(b, "environment CONTROLCORE_SERVER_PORT: server.port: expected an integer from 0 to "
			"65535, found "
			"\"eighty\"");
}

static void secret_comes_from_its_file(void **state)
{
	struct bench *b = *state;
	char *file = temp_path(b->folder, "pepper");
	const char *entry = arena_printf(b->arena, "CONTROLCORE_SECRETS_ROLE_SECRET_FILE=%s", file);
	const char *const env[] = { entry, NULL };

	temp_write(file, "abcdefghijklmnopqrstuvwxyz 0123456789\n");
	assert_true(load_with(b, least, env, NULL, 0));
	assert_string_equal("abcdefghijklmnopqrstuvwxyz 0123456789", b->config.secrets.role_secret);
	assert_true(load(b, arena_printf(b->arena,
				    "control = { conninfo = \"dbname=c\"; }; regions = ( { id = "
				    "\"eu-west-1\"; conninfo = \"dbname=r\"; } );"
				    "secrets = { pepper_file = \"%s\"; audit_key_file = \"%s\";"
				    " signing_key_file = \"%s\"; };",
				    file, file, file)));
	assert_string_equal("abcdefghijklmnopqrstuvwxyz 0123456789", b->config.secrets.pepper);
	assert_string_equal("abcdefghijklmnopqrstuvwxyz 0123456789", b->config.secrets.audit_key);
	free(file);
}

static void secret_and_its_file_together_are_a_fault(void **state)
{
	struct bench *b = *state;

	assert_false(load(
		b, "secrets = { pepper = \"0123456789abcdef0123456789abcdef\";\n pepper_file = \"/x\"; };"));
	expect_fault(b, "@:2: secrets.pepper: is set twice");
}

static void secrets_are_not_shown_in_faults(void **state)
{
	struct bench *b = *state;
	char *file = temp_path(b->folder, "short");
	const char *entry = arena_printf(b->arena, "CONTROLCORE_SECRETS_PEPPER_FILE=%s", file);
	const char *const env[] = { "CONTROLCORE_SECRETS_ROLE_SECRET=hunter2", entry, NULL };

	temp_write(file, "hunter3\n");
	assert_false(load_with(b, least, env, NULL, 0));
	assert_null(strstr(b->faults.text.data, "hunter"));
	expect_fault(b, "CONTROLCORE_SECRETS_PEPPER_FILE: secrets.pepper:");
	expect_fault(b, "CONTROLCORE_SECRETS_ROLE_SECRET: secrets.role_secret: must have at least 32 bytes");
	free(file);
}

static void what_is_told_to_stripe_is_told_apart(void **state)
{
	struct bench *b = *state;
	const char *const same[] = { "CONTROLCORE_STRIPE_METER_API_CALLS=one",
		"CONTROLCORE_STRIPE_METER_BOUNCER_REQUESTS=one", NULL };
	const char *plain[] = { "CONTROLCORE_STRIPE_KEY=rk_live_1", "CONTROLCORE_STRIPE_URL=http://x", NULL };

	assert_false(load_with(b, least, same, NULL, 0));
	expect_fault(b, "stripe.meter_bouncer_requests: must be another meter than stripe.meter_api_calls");
	assert_false(load_with(b, least, plain, NULL, 0));
	expect_fault(b, "stripe.url: must be https with a key of live mode");
	plain[0] = "CONTROLCORE_STRIPE_KEY=sk_test_1";
	(void)load_with(b, least, plain, NULL, 0);
	assert_null(strstr(b->faults.text.data, "stripe."));
}

static void unreadable_secret_file_is_named(void **state)
{
	struct bench *b = *state;
	const char *const env[] = { "CONTROLCORE_SECRETS_PEPPER_FILE=/nonexistent/pepper", NULL };

	assert_false(load_with(b, least, env, NULL, 0));
	expect_fault(b, "secrets.pepper_file: cannot read /nonexistent/pepper: No such file or directory");
	assert_int_equal(1, b->faults.n);
}

static void huge_secret_file_is_refused(void **state)
{
	struct bench *b = *state;
	const char *const env[] = { "CONTROLCORE_SECRETS_PEPPER_FILE=/dev/zero", NULL };

	assert_false(load_with(b, least, env, NULL, 0));
	expect_fault(b, "cannot read /dev/zero: it is too large");
}

static void region_twice_is_a_fault(void **state)
{
	struct bench *b = *state;

	assert_false(load(b, "regions = ( { id = \"eu-west-1\"; conninfo = \"dbname=a\"; },\n"
			     "{ id = \"eu-west-1\"; conninfo = \"dbname=b\"; } );\n"));
	expect_fault(b, "@:2: regions.eu-west-1: is there twice");
}

static void records_need_somewhere_to_lead_to(void **state)
{
	struct bench *b = *state;

	assert_false(load(b, arena_printf(b->arena, "%sdns = { server = \"192.0.2.53\"; };", least)));
	expect_fault(b, "regions.host: must be set for each region where dns.server is");
}

static bool load_address(struct bench *b, const char *address)
{
	return load(b, arena_printf(b->arena, "%sserver = { address = \"%s\"; };", least, address));
}

static void addresses_are_numbers(void **state)
{
	static const char *const good[] = { "127.0.0.1", "0.0.0.0", "::", "::1", "fe80::1%eth0" };
	static const char *const bad[] = { "1.2.3", "1.2.3.4.5", "256.1.1.1", "localhost", "::g", "fe80::1%",
		"[::1]", "1.2.3.4%eth0" };
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(load_address(b, good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(load_address(b, bad[i]));
		expect_fault(b, "@:4: server.address: must be an IPv4 or IPv6 address");
	}
}

static void region_without_conninfo_is_a_fault(void **state)
{
	struct bench *b = *state;

	assert_false(load(b,
		arena_printf(b->arena, "%s%s", strstr(least, "secrets"),
			"control = { conninfo = \"dbname=c\"; }; regions = ( { id = \"eu-west-1\"; } );")));
	expect_fault(b, "@:2: regions.eu-west-1.conninfo: is required");
	assert_int_equal(1, b->faults.n);
}

static void conninfo_takes_no_credentials(void **state)
{
	static const struct {
		const char *conninfo, *rule;
	} cases[] = {
		{"dbname=x user=root",       "must not name user or password"},
		{"dbname=x options=-cwork_mem=1GB", "must not name options"},
		{ "dbname=x password='p q'", "must not name user or password"},
		{ "postgresql://u:p@h/db",   "must be libpq keywords"        },
		{ "dbname='x",               "must be libpq keywords"        },
	};
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *const env[] = {
			arena_printf(b->arena, "CONTROLCORE_CONTROL_CONNINFO=%s", cases[i].conninfo), NULL
		};

		assert_false(load_with(b, least, env, NULL, 0));
		expect_fault(b, cases[i].rule);
		assert_null(strstr(b->faults.text.data, cases[i].conninfo));
	}
}

static void quoted_conninfo_is_understood(void **state)
{
	struct bench *b = *state;
	const char *const env[] = { "CONTROLCORE_CONTROL_CONNINFO=host='/tmp/a b' dbname = 'it\\'s' port=5",
		"CONTROLCORE_CONTROL_ADMIN_CONNINFO=dbname=postgres user=postgres password=x", NULL };

	assert_true(load_with(b, least, env, NULL, 0));
}

static void bad_hosts_and_paths_are_faults(void **state)
{
	static const char *const bad[] = { "CONTROLCORE_SERVER_BASE_DOMAIN=Acme.io",
		"CONTROLCORE_SERVER_BASE_DOMAIN=-a.io", "CONTROLCORE_SERVER_BASE_DOMAIN=a..io",
		"CONTROLCORE_SERVER_BASE_DOMAIN=a.io-", "CONTROLCORE_SERVER_PORT_FILE=port",
		"CONTROLCORE_REDIS_ADDRESS=nowhere", "CONTROLCORE_REDIS_ADDRESS=host:99999",
		"CONTROLCORE_PLANS_FILE=plans.conf" };
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const char *const env[] = { bad[i], NULL };

		assert_false(load_with(b, least, env, NULL, 0));
		assert_int_equal(1, b->faults.n);
	}
}

static void command_line_stands_above_all(void **state)
{
	struct bench *b = *state;
	const char *const env[] = { "CONTROLCORE_SERVER_PORT=9000", NULL };
	const struct preset port = { .setting = "server.port", .value = "0" };
	const struct preset weak = { .setting = "server.port", .value = "1", .weak = true };

	assert_true(load_with(b, least, env, &port, 1));
	assert_int_equal(0, b->config.server.port);
	assert_true(load_with(b, least, env, &weak, 1));
	assert_int_equal(9000, b->config.server.port);
	assert_true(load_with(b, least, NULL, &weak, 1));
	assert_int_equal(1, b->config.server.port);
}

static void what_embedded_decides_cannot_be_set(void **state)
{
	struct bench *b = *state;
	const struct preset p = { .setting = "control.conninfo", .value = "dbname=own", .by = "--embedded" };

	assert_false(load_with(b, least, NULL, &p, 1));
	expect_fault(b, "@:1: control.conninfo: is decided by --embedded");
}

static void control_characters_do_not_reach_the_terminal(void **state)
{
	struct bench *b = *state;
	const char *const env[] = { "CONTROLCORE_LOG_LEVEL=a\033[31m\nb", NULL };

	assert_false(load_with(b, least, env, NULL, 0));
	assert_null(strchr(b->faults.text.data, '\033'));
	assert_int_equal(1, b->faults.n);
}

static void example_is_valid_but_for_its_secrets(void **state)
{
	struct bench *b = *state;
	struct str example;

	str_init(&example, b->arena, 8192);
	config_example(&example);
	assert_false(load(b, example.data));
	assert_int_equal(3, b->faults.n);
	expect_fault(b, "secrets.pepper_file: cannot read /etc/controlcored/secrets/pepper");
	expect_fault(b, "secrets.audit_key_file: cannot read /etc/controlcored/secrets/audit_key");
	expect_fault(b, "secrets.signing_key_file: cannot read /etc/controlcored/secrets/signing_key");
	assert_int_equal(3, b->config.nregions);
}

/* Every commented setting, uncommented, is one that is understood. */
static void example_shows_only_known_settings(void **state)
{
	struct bench *b = *state;
	struct str example;

	str_init(&example, b->arena, 8192);
	config_example(&example);
	for (char *p = example.data; (p = strstr(p, "\t# ")) != NULL; p++) {
		const char *line_end = strchr(p, '\n');

		if (line_end[-1] == ';' && strstr(p, " = ") < line_end)
			memcpy(p, "\t  ", 3);
	}
	assert_false(load(b, example.data));
	assert_null(strstr(b->faults.text.data, "unknown"));
	assert_null(strstr(b->faults.text.data, "expected"));
}

static void tables_are_sound(void **state)
{
	struct bench *b = *state;

	for (size_t i = 0; i < nsections; i++)
		assert_null(schema_self_check(b->arena, sections[i].schema));
	assert_null(schema_self_check(b->arena, &region_conf_schema));
}

static void the_nine_regions_are_known(void **state)
{
	(void)state;
	assert_string_equal("na", region_info_find("ca-central-1")->group);
	assert_string_equal("eu", region_info_find("eu-north-1")->group);
	assert_string_equal("ap_northeast_1", region_info_find("ap-northeast-1")->ident);
	assert_null(region_info_find("mars-1"));
	assert_null(region_info_find(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(least_file_gets_all_defaults, setup, teardown),
		cmocka_unit_test_setup_teardown(all_faults_are_told_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(syntax_fault_names_its_line, setup, teardown),
		cmocka_unit_test_setup_teardown(doubled_setting_is_a_fault, setup, teardown),
		cmocka_unit_test_setup_teardown(missing_file_is_one_fault, setup, teardown),
		cmocka_unit_test_setup_teardown(folder_in_place_of_the_file_is_a_fault, setup, teardown),
		cmocka_unit_test_setup_teardown(environment_wins_over_the_file, setup, teardown),
		cmocka_unit_test_setup_teardown(environment_alone_is_enough, setup, teardown),
		cmocka_unit_test_setup_teardown(bad_environment_is_named, setup, teardown),
		cmocka_unit_test_setup_teardown(secret_comes_from_its_file, setup, teardown),
		cmocka_unit_test_setup_teardown(secret_and_its_file_together_are_a_fault, setup, teardown),
		cmocka_unit_test_setup_teardown(secrets_are_not_shown_in_faults, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_told_to_stripe_is_told_apart, setup, teardown),
		cmocka_unit_test_setup_teardown(unreadable_secret_file_is_named, setup, teardown),
		cmocka_unit_test_setup_teardown(huge_secret_file_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(region_twice_is_a_fault, setup, teardown),
		cmocka_unit_test_setup_teardown(records_need_somewhere_to_lead_to, setup, teardown),
		cmocka_unit_test_setup_teardown(addresses_are_numbers, setup, teardown),
		cmocka_unit_test_setup_teardown(region_without_conninfo_is_a_fault, setup, teardown),
		cmocka_unit_test_setup_teardown(conninfo_takes_no_credentials, setup, teardown),
		cmocka_unit_test_setup_teardown(quoted_conninfo_is_understood, setup, teardown),
		cmocka_unit_test_setup_teardown(bad_hosts_and_paths_are_faults, setup, teardown),
		cmocka_unit_test_setup_teardown(command_line_stands_above_all, setup, teardown),
		cmocka_unit_test_setup_teardown(what_embedded_decides_cannot_be_set, setup, teardown),
		cmocka_unit_test_setup_teardown(
			control_characters_do_not_reach_the_terminal, setup, teardown),
		cmocka_unit_test_setup_teardown(example_is_valid_but_for_its_secrets, setup, teardown),
		cmocka_unit_test_setup_teardown(example_shows_only_known_settings, setup, teardown),
		cmocka_unit_test_setup_teardown(tables_are_sound, setup, teardown),
		cmocka_unit_test_setup_teardown(the_nine_regions_are_known, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
