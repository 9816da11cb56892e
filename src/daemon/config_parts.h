/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_DAEMON_CONFIG_PARTS_H
#define CC_DAEMON_CONFIG_PARTS_H

#include <libconfig.h>

#include "config.h"

/* What the files of the configuration share; see config.h for what others use. */

/* Who set something: a higher one wins. */
enum level { LEVEL_FILE = 1, LEVEL_ENV, LEVEL_PRESET };

/* A value as it was written, before its field's rules are applied. */
struct raw {
	const char *setting; /* "server.port", "regions.us-east-1.conninfo" */
	const char *value;   /* text form; with in_file the path of a file that holds it */
	const char *where;   /* "file:12" */
	const char *hint;    /* what to do about a fault; NULL: it says so itself */
	bool in_file;        /* it was given as <name>_file */
	enum level level;
	struct raw *next;
};

struct raw_set {
	struct arena *arena;
	struct raw *first;
	struct config_faults *faults;
};

const struct raw *raw_find(const struct raw_set *set, const char *setting);
void raw_put(struct raw_set *set, struct raw value);

/* Parses libconfig text; false: the fault is recorded. The caller destroys ret either way. */
bool libconfig_parse(config_t *ret, const char *text, const char *path, struct config_faults *faults);
/* "path:12" of a setting. */
const char *setting_where(struct arena *a, const config_setting_t *s, const char *path);
/* The text form a field's kind takes, or NULL after a fault was recorded. */
const char *setting_text(struct config_faults *faults, const config_setting_t *s, const struct field *f,
	const char *setting, const char *path);
/* "text "loud"", "the number 7": what stands in the file; secrets are not shown. */
const char *setting_found(struct arena *a, const config_setting_t *s, const struct field *f);
/* What a setting is, and what it takes, for people. */
const char *config_doc(struct arena *a, const struct field *f);
/* Names of the fields, comma-separated, for faults about unknown settings. */
const char *schema_names(struct arena *a, const struct schema *s);
/* Names of the sections, comma-separated. */
const char *section_names(struct arena *a);
/* The field, also by "<name>_file" of a secret one (then *ret_in_file). NULL: unknown. */
const struct field *section_field(
	struct arena *a, const struct schema *s, const char *name, bool *ret_in_file);

/*
 * Collects the settings of a file, and of the environment ("NAME=value", NULL-terminated), whose every
 * CONTROLCORE_* must name one: a misspelt name is a fault in both.
 */
void config_collect_file(struct raw_set *set, const char *text, const char *path);
void config_collect_env(struct raw_set *set, const char *const *env);

/*
 * The text is not to be shown, whichever setting it was written to: there may be a password in it (a URL or a
 * conninfo with one), or it is a key, or as long and as plain as one.
 */
bool config_tells_secret(const char *text);
/* A file that a setting names was read: config.files becomes another when what it holds does. */
void config_note_file(struct config *c, const void *p, size_t n);

/* Applies the field table: faults name the raw value's place, or `nowhere` for what is missing. */
void section_apply(
	struct raw_set *set, const struct schema *schema, const char *prefix, const char *nowhere, void *ret);

#endif
