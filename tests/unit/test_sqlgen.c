/* SPDX-License-Identifier: Apache-2.0 */
/* The tool as the build calls it: what it refuses, and that a compiler takes what it makes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
	char dir[64];
	char said[4096];
};

static void say(struct fixture *fx, const char *name, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", fx->dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* The child's part: the shell in the fixture's folder, with everything it says going to fd. */
__attribute__((noreturn)) static void become_shell(const char *dir, const char *command, int fd)
{
	if (chdir(dir) == 0 && dup2(fd, 1) == 1 && dup2(fd, 2) == 2)
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(127);
}

/* Runs a command of the shell; what it says is in fx->said, the end cut off when it is long. */
__attribute__((format(printf, 2, 3))) static int run(struct fixture *fx, const char *fmt, ...)
{
	char command[2048], rest[512];
	int ends[2], status = -1;
	size_t n = 0;
	ssize_t got;
	va_list ap;
	pid_t pid;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	assert_int_equal(0, pipe(ends));
	pid = fork();
	if (pid == 0)
		become_shell(fx->dir, command, ends[1]);
	close(ends[1]);
	while ((got = read(ends[0], fx->said + n, sizeof(fx->said) - 1 - n)) > 0)
		n += (size_t)got;
	fx->said[n] = '\0';
	while (read(ends[0], rest, sizeof(rest)) > 0)
		;
	close(ends[0]);
	assert_int_equal(pid, waitpid(pid, &status, 0));
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static const char *from_build(const char *name, const char *otherwise)
{
	const char *value = getenv(name);

	return value != NULL && value[0] != '\0' ? value : otherwise;
}

static const char *tool(void)
{
	return from_build("CC_SQLGEN", "sqlgen");
}

static int queries(struct fixture *fx, const char *text)
{
	say(fx, "q.sql", text);
	return run(fx, "%s queries --name test --out-dir out q.sql", tool());
}

static int start(void **state)
{
	static struct fixture fx;

	snprintf(fx.dir, sizeof(fx.dir), "/tmp/sqlgen-XXXXXX");
	*state = &fx;
	return mkdtemp(fx.dir) != NULL ? 0 : -1;
}

static int stop(void **state)
{
	struct fixture *fx = *state;

	return run(fx, "rm -rf '%s'", fx->dir);
}

static void what_is_wrong_is_told_with_file_and_line(void **state)
{
	static const char *const cases[] = {
		/* the file, then the beginning of what is said */
		"-- name: a\nSELECT 1;",
		"q.sql:1: the kind is missing",
		"-- name: a :two\nSELECT 1;",
		"q.sql:1: the kind is missing",
		"-- name:\nSELECT 1;",
		"q.sql:1: a query needs a name",
		"-- name: a :one\nSELECT 1;",
		"q.sql:1: :one takes the struct of its rows",
		"-- name: a :exec row\nSELECT 1;",
		"q.sql:1: :exec takes no struct",
		"-- name: a :exec\n\n",
		"q.sql:1: a has no text",
		"-- name: a :exec\nSELECT 1;\n-- name: a :exec\nSELECT 2;",
		"q.sql:3: query a exists already at q.sql:1",
		"-- name: a :exec\n-- args: x int4\nSELECT $1;",
		"q.sql:2: unknown type \"int4\"",
		"-- name: a :exec\n-- args: x int8, x int8\nSELECT $1, $2;",
		"q.sql:2: argument x is there twice",
		"-- name: a :exec\n-- args: int8\nSELECT $1;",
		"q.sql:2: unknown type \"\"",
		"-- name: a :exec\n-- args: db int8\nSELECT $1;",
		"q.sql:2: an argument cannot be called db",
		"-- name: a :exec\n-- args: x int8\nSELECT 1;",
		"q.sql:1: a does not use $1 (x)",
		"-- name: a :exec\n-- args: x int8\nSELECT $1, $2;",
		"q.sql:1: a uses $2 but has 1 argument",
		"-- name: a :exec\nSELECT $1;",
		"q.sql:1: a uses $1 but has 0 arguments",
		"-- name: a :exec\nSELECT 1; SELECT 2;",
		"q.sql:1: a is more than one statement",
		"-- name: a :exec\nSELECT 'open;",
		"q.sql:1: a quote or comment does not end",
		"-- name: a :many r\nSELECT 1 WHERE :after ORDER BY id :sort",
		"q.sql:1: a: :sort stands behind",
		"-- name: a :many r\nSELECT 1 ORDER BY :sort",
		"q.sql:1: a: :sort needs :after before it",
		"-- name: a :many r\nSELECT 1 WHERE :after",
		"q.sql:1: a: :after needs :sort behind it",
		"-- name: a :many r\nSELECT 1 WHERE :after AND :after ORDER BY :sort",
		"q.sql:1: a has :after twice",
		"-- name: a :many r\nSELECT 1 WHERE :after ORDER BY :sort OFFSET :after",
		"q.sql:1: a has :after twice",
		"-- name: a :many r\nSELECT 1 WHERE :after ORDER BY :sort, ORDER BY :sort",
		"q.sql:1: a has :sort twice",
		"-- name: a :exec\nSELECT 1 ORDER BY :sort",
		"q.sql:1: a has :sort but no rows",
		"SELECT 1;",
		"q.sql:1: text before the first name",
		"-- args: x int8\n",
		"q.sql:1: args stand between",
	};
	struct fixture *fx = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i += 2) {
		assert_int_equal(1, queries(fx, cases[i]));
		if (strncmp(cases[i + 1], fx->said, strlen(cases[i + 1])) != 0)
			fail_msg("\"%s\" instead of \"%s\"", fx->said, cases[i + 1]);
	}
}

static void what_is_quoted_or_commented_is_not_looked_into(void **state)
{
	struct fixture *fx = *state;

	assert_int_equal(0, queries(fx, "-- name: a :exec\n"
					"SELECT 'it''s $7; :sort :after', \"a;b\" /* ; $8 */ -- ; $9\n, 1;"));
	assert_int_equal(0, queries(fx, "-- name: b :exec\nDO $x$ BEGIN PERFORM $$;$$; END $x$;"));
}

static const char all_kinds[] =
	"-- include: cc/model/r.h\n"
	"-- name: a :one r\n-- args: a_text text, b_int int8, c_bool bool, d_time timestamptz,\n"
	"-- args: e_texts text[], f_json json, g_bytes bytea, h_real float8\n"
	"SELECT $1, $2, $3, $4, $5, $6, $7, $8, '\?\?/ \\ \" \xc3\xbc';\n"
	"-- name: b :opt r\nSELECT 1;\n-- name: c :many r\n-- args: n int8\n"
	"SELECT 1 WHERE :after ORDER BY :sort LIMIT $1;\n"
	"-- name: d :exec\nSELECT 1;\n-- name: e :exec1\nINSERT INTO t VALUES (1);\n"
	"-- name: f :count\nDELETE FROM t;\n-- name: g :many r\nSELECT 1 WHERE :after ORDER BY :sort;\n";

static const char use[] = "#include \"cc/model/q_test.h\"\n"
			  "extern int use(struct db *db, struct r *r, struct db_rows *rows);\n"
			  "int use(struct db *db, struct r *r, struct db_rows *rows)\n{\n"
			  "\tint64_t n;\n\tbool found;\n\tenum err e;\n"
			  "\te = q_a(db, r, \"t\", 1, true, 2, 0, \"{}\", (struct bytes){ 0 }, 0.5);\n"
			  "\tif (e == 0) e = q_b(db, r, &found);\n\tif (e == 0) e = q_c(db, rows, 0, 5);\n"
			  "\tif (e == 0) e = q_d(db);\n\tif (e == 0) e = q_f(db, &n);\n\tq_e_later(db);\n"
			  "\tq_g_later(db, rows, 0);\n\treturn (int)e + (int)test_queries.n;\n}\n";

static int compile(struct fixture *fx, const char *file)
{
	return run(fx,
		"%s -std=c17 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes "
		"-Wmissing-prototypes"
		" -Wcast-qual -Wundef -Wwrite-strings -Werror -Werror=int-conversion"
		" -Werror=incompatible-pointer-types -I'%s/include' -Iout -I. -c %s -o test.o",
		from_build("CC_CC", "cc"), from_build("CC_SOURCE_DIR", "."), file);
}

static void what_it_makes_compiles_without_a_warning(void **state)
{
	struct fixture *fx = *state;

	assert_int_equal(0, run(fx, "mkdir -p cc/model"));
	say(fx, "cc/model/r.h",
		"#include \"cc/schema/schema.h\"\nstruct r { int64_t id; };\nextern const struct schema "
		"r_schema;\n");
	assert_int_equal(0, queries(fx, all_kinds));
	say(fx, "use.c", use);
	if (compile(fx, "out/q_test.c") != 0 || compile(fx, "use.c") != 0)
		fail_msg("%s", fx->said);
}

static void a_call_with_wrong_arguments_does_not_compile(void **state)
{
	static const char *const calls[] = { "q_c(db, rows, 0)", "q_c(db, r, 0, 5)", "q_d(db, 1)",
		"q_a(db, r, 1, 1, true, 2, 0, \"{}\", (struct bytes){ 0 }, 0.5)" };
	struct fixture *fx = *state;
	char text[512];

	assert_int_equal(0, queries(fx, all_kinds));
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		snprintf(text, sizeof(text),
			"#include \"cc/model/q_test.h\"\nenum err f(struct db *db, struct r *r, struct "
			"db_rows *rows);\n"
			"enum err f(struct db *db, struct r *r, struct db_rows *rows)\n"
			"{ (void)r; (void)rows; return %s; }\n",
			calls[i]);
		say(fx, "wrong.c", text);
		assert_int_not_equal(0, compile(fx, "wrong.c"));
	}
}

static void a_text_longer_than_a_literal_may_be_becomes_an_array(void **state)
{
	struct fixture *fx = *state;
	static char text[40000] = "-- name: long_one :exec\nSELECT 1";

	for (size_t n = strlen(text); n < sizeof(text) - 16; n += 10)
		memcpy(text + n, "\n, 12345678", 11);
	assert_int_equal(0, queries(fx, text));
	if (compile(fx, "out/q_test.c") != 0)
		fail_msg("%s", fx->said);
}

static void migrations_are_sorted_and_complete(void **state)
{
	struct fixture *fx = *state;

	say(fx, "0001_a.sql", "CREATE TABLE a ();\n");
	say(fx, "0002_b.sql", "CREATE TABLE b (c text DEFAULT '\xc3\xbc''\?\?/\\');\n");
	say(fx, "0003_c.sql", "SELECT 3;");
	assert_int_equal(
		0, run(fx, "%s migrations --name tenant --out m.c 0003_c.sql 0001_a.sql 0002_b.sql", tool()));
	if (compile(fx, "m.c") != 0)
		fail_msg("%s", fx->said);
	assert_int_equal(0, run(fx, "grep -c 'version = [123], .name = \"000[123]_[abc]\"' m.c"));
	assert_string_equal("3\n", fx->said);
	assert_int_equal(1, run(fx, "%s migrations --name tenant --out m.c 0003_c.sql 0001_a.sql", tool()));
	assert_string_equal("0003_c.sql:1: version 2 is missing before this one\n", fx->said);
	say(fx, "0002_z.sql", "SELECT 2;");
	assert_int_equal(1, run(fx, "%s migrations --name tenant --out m.c 000?_*.sql", tool()));
	assert_non_null(strstr(fx->said, "version 2 is also 0002_b.sql"));
	assert_int_equal(
		1, run(fx, "cp 0001_a.sql 1_a.sql && %s migrations --name tenant --out m.c 1_a.sql", tool()));
	assert_string_equal("1_a.sql:1: a migration is called NNNN_name.sql, from 0001 on\n", fx->said);
}

static void a_file_is_embedded_byte_for_byte(void **state)
{
	static const char program[] =
		"#include <stdio.h>\nextern const char thing[]; extern const size_t thing_size;\n"
		"int main(void) { return fwrite(thing, 1, thing_size, stdout) != thing_size || "
		"thing[thing_size] != 0; }\n";
	struct fixture *fx = *state;

	say(fx, "main.c", program);
	assert_int_equal(0, run(fx, "head -c 5000 %s > thing.bin", "/proc/self/exe"));
	assert_int_equal(0, run(fx, "%s embed --symbol thing --out thing.c thing.bin", tool()));
	assert_int_equal(0, run(fx, "%s -std=c17 -Wall -Wextra -Wpedantic -Werror thing.c main.c -o show",
				    from_build("CC_CC", "cc")));
	assert_int_equal(0, run(fx, "./show | cmp - thing.bin"));
}

static void a_wrong_call_says_how_to_call_it(void **state)
{
	struct fixture *fx = *state;

	assert_int_equal(1, run(fx, "%s", tool()));
	assert_non_null(strstr(fx->said, "usage: sqlgen queries"));
	assert_int_equal(1, run(fx, "%s queries --out-dir out --name test q.sql", tool()));
	assert_int_equal(1, run(fx, "%s queries --name test --out-dir out nothing.sql", tool()));
	assert_non_null(strstr(fx->said, "nothing.sql:1: cannot be read"));
	assert_int_equal(1, run(fx, "%s embed --symbol x --out x.c nothing.sql also.sql", tool()));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_wrong_is_told_with_file_and_line),
		cmocka_unit_test(what_is_quoted_or_commented_is_not_looked_into),
		cmocka_unit_test(what_it_makes_compiles_without_a_warning),
		cmocka_unit_test(a_call_with_wrong_arguments_does_not_compile),
		cmocka_unit_test(a_text_longer_than_a_literal_may_be_becomes_an_array),
		cmocka_unit_test(migrations_are_sorted_and_complete),
		cmocka_unit_test(a_file_is_embedded_byte_for_byte),
		cmocka_unit_test(a_wrong_call_says_how_to_call_it),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
