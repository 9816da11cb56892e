/* SPDX-License-Identifier: Apache-2.0 */
/* verify-audit: an export, read from a file and judged without a database. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cc/core/audit_verify.h"

#include "program.h"

enum { FAULTS_SHOWN = 1000, KEYS_BYTES = 64 * 1024, KEYS_MAX = 16 };

struct job {
	const char *file;
	int64_t shown;
	struct public_key keys[KEYS_MAX];
	struct verify_options o;
};

static void show(void *arg, int64_t line, const char *text)
{
	struct job *j = arg;

	if (j->shown++ >= FAULTS_SHOWN)
		return;
	if (line > 0)
		printf("%s:%" PRId64 ": %s\n", j->file, line, text);
	else
		printf("%s: %s\n", j->file, text);
}

static int no_file(const char *path)
{
	complain("cannot read %s: %s", path, strerror(errno));
	return EXIT_NO_INPUT;
}

static int read_keys(struct job *j, const char *path)
{
	struct arena *a = arena_create(KEYS_BYTES);
	char *text = arena_alloc(a, KEYS_BYTES);
	FILE *f = fopen(path, "re");
	const char *why = NULL;
	size_t n;
	int status = 0;

	if (f == NULL) {
		status = no_file(path);
	} else {
		n = fread(text, 1, KEYS_BYTES, f);
		if (ferror(f))
			status = no_file(path);
		else if (n == KEYS_BYTES)
			why = "it is too long";
		else
			j->o.nkeys = public_keys_read(a, text, n, j->keys, KEYS_MAX, &why);
		(void)fclose(f);
	}
	if (why != NULL) {
		complain("%s is no set of public keys: %s", path, why);
		status = EXIT_USAGE;
	}
	arena_destroy(a);
	return status;
}

/* A line that is too long is read to its end and not kept. */
static bool feed_line(struct audit_verify *v, FILE *f, char *line)
{
	size_t n = 0;
	int c;

	while ((c = getc_unlocked(f)) != EOF && c != '\n') {
		if (n < VERIFY_LINE_MAX)
			line[n] = (char)c;
		n += n <= VERIFY_LINE_MAX;
	}
	if (c == EOF && n == 0)
		return false;
	audit_verify_line(v, n <= VERIFY_LINE_MAX ? line : NULL, n);
	return c != EOF;
}

/* What it means that no fault was found depends on what could be checked. */
static int conclude(const struct job *j, const struct verify_result *r)
{
	if (r->faults > 0) {
		printf("%" PRId64 " faults\n", r->faults);
		return EXIT_FOUND;
	}
	if (j->o.nkeys == 0 && r->macs == 0) {
		printf("consistent in itself; nothing proves who wrote it: give --keys with the public keys, "
		       "or --config or --embedded with the audit_key\n");
		return EXIT_UNPROVEN;
	}
	if (r->other_versions > 0) {
		printf("consistent, but not proved: verify it again with the audit_key of those macs\n");
		return EXIT_UNPROVEN;
	}
	printf("nothing was changed%s\n", j->o.audit_key.p != NULL ? "" : " since it was sent");
	return 0;
}

static int judge(struct job *j, const struct verify_result *r)
{
	if (j->shown > FAULTS_SHOWN)
		printf("%s: … and %" PRId64 " faults more\n", j->file, j->shown - FAULTS_SHOWN);
	printf("%s: %" PRId64 " records of %s, %" PRId64 " checkpoints, %" PRId64 " seals\n", j->file,
	       r->records, r->tenant_id[0] != '\0' ? r->tenant_id : "nobody", r->checkpoints, r->seals);
	if (j->o.nkeys == 0)
		printf("signatures were not checked: --keys gives the public keys\n");
	if (j->o.audit_key.p == NULL)
		printf("macs were not computed: --config or --embedded gives the audit_key\n");
	else if (r->other_versions > 0)
		printf("%" PRId64 " macs were not computed: an earlier audit_key has made them\n",
		       r->other_versions);
	return conclude(j, r);
}

static int verify(struct job *j)
{
	FILE *f = fopen(j->file, "re");
	char *line = malloc(VERIFY_LINE_MAX);
	struct verify_result r;
	struct audit_verify *v;
	int failed;

	if (line == NULL)
		abort();
	if (f == NULL) {
		free(line);
		return no_file(j->file);
	}
	v = audit_verify_open(&j->o);
	while (feed_line(v, f, line))
		continue;
	failed = ferror(f) ? errno : 0;
	(void)fclose(f);
	free(line);
	r = audit_verify_close(v);
	errno = failed;
	return failed != 0 ? no_file(j->file) : judge(j, &r);
}

int cmd_verify_audit(const struct options *o)
{
	struct job j = { .file = o->path };
	struct program p;
	int status = 0;

	j.o.fault = show;
	j.o.arg = &j;
	j.o.keys = j.keys;
	if (o->keys != NULL)
		status = read_keys(&j, o->keys);
	if (status != 0)
		return status;
	if (o->config == NULL && o->embedded == NULL)
		return verify(&j);
	status = program_load(&p, o, false);
	if (status == 0) {
		const char *secret = p.config.secrets.audit_key;

		j.o.audit_key = (struct bytes){ (const unsigned char *)secret, strlen(secret) };
		j.o.audit_key_version = p.config.secrets.audit_key_version;
		status = verify(&j);
	}
	program_free(&p);
	return status;
}
