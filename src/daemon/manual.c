/* SPDX-License-Identifier: Apache-2.0 */
/* The manual pages, from the tables of commands and settings: man(7). */
#include <stdio.h>
#include <string.h>

#include "cli_parts.h"
#include "config_parts.h"

/* Text as it is: a backslash, and a dot or quote where a request could begin, are escaped. */
static void put_text(struct str *out, const char *s)
{
	bool fresh = true;

	for (const char *p = s; *p != '\0'; p++) {
		if (fresh && (*p == '.' || *p == '\''))
			str_add(out, "\\&");
		if (*p == '\\')
			str_add(out, "\\e");
		else if (*p == '-')
			str_add(out, "\\-");
		else
			str_add_char(out, *p);
		fresh = *p == '\n';
	}
}

static void put_line(struct str *out, const char *request, const char *text)
{
	str_addf(out, "%s", request);
	put_text(out, text);
	str_add_char(out, '\n');
}

static void put_head(struct str *out, const char *name, int section, const char *what)
{
	str_add(out, ".\\\" Written by `controlcored manual`.\n");
	str_addf(out, ".TH %s %d \"\" \"controlcored\"\n.SH NAME\n", name, section);
	put_text(out, name);
	str_addf(out, " \\- %s\n", what);
}

static void put_words(struct str *out, const struct command *c)
{
	put_text(out, c->words[0]);
	if (c->words[1] == NULL)
		return;
	str_add_char(out, ' ');
	put_text(out, c->words[1]);
}

static void put_options_of(struct str *out, const struct command *c)
{
	const char *before = "Options: ";

	for (size_t i = 0; i < noptions; i++) {
		if ((c->options & 1U << i) == 0)
			continue;
		str_add(out, before);
		put_text(out, option_table[i].name);
		before = ", ";
	}
	if (c->options != 0)
		str_add(out, ".\n");
}

static void put_command(struct str *out, const struct command *c)
{
	str_add(out, ".TP\n.B ");
	put_words(out, c);
	str_add(out, "\n");
	put_text(out, c->summary);
	str_add(out, ".\n");
	if (c->doc != NULL)
		put_line(out, "", c->doc);
	put_options_of(out, c);
}

static void put_option(struct str *out, const struct option *o)
{
	str_add(out, ".TP\n.B \"");
	put_text(out, o->name);
	str_addf(out, "%s%s\"\n", o->value != NULL ? " " : "", o->value != NULL ? o->value : "");
	put_text(out, o->doc);
	str_add(out, ".\n");
}

static const char description[] =
	".SH SYNOPSIS\n.B controlcored\n.I command\n.RI [ option \\&...]\n"
	".SH DESCRIPTION\n"
	"One daemon that keeps the policies, resources and enforcement points of many companies, each in a\n"
	"PostgreSQL schema of its own, and serves them by a REST API.\n"
	".SH COMMANDS\n";

static const char signals[] =
	".SH SIGNALS\n"
	".TP\n.B SIGTERM\n"
	"/readyz says 503 for server.lag_ms, then connections are refused, running requests are finished\n"
	"within server.drain_ms, and the daemon ends with status 0. A second one ends it at once,\n"
	"and so does the first while it starts: with status 143, and what it has not done to the databases\n"
	"the next start does.\n"
	".TP\n.B SIGINT\n"
	"The same without the wait for load balancers.\n"
	".TP\n.B SIGHUP\n"
	"Reads the settings again; see\n.BR controlcored.conf (5).\n"
	"With \\-\\-embedded it ends the daemon.\n";

static void write_program(struct str *out)
{
	put_head(out, "controlcored", 8, "multi\\-tenant control plane for policy\\-based access control");
	str_add(out, description);
	for (size_t i = 0; i < ncommands; i++)
		put_command(out, &commands[i]);
	str_add(out, ".SH OPTIONS\n");
	for (size_t i = 0; i < noptions; i++)
		put_option(out, &option_table[i]);
	str_add(out, signals);
	put_line(out, ".SH EXIT STATUS\n", statuses);
	str_add(out, ".SH SEE ALSO\n.BR controlcored.conf (5)\n");
}

static void put_setting(struct str *out, const char *section, const struct field *f)
{
	str_addf(out, ".TP\n.B %s.%s\n", section, f->name);
	put_text(out, config_doc(out->arena, f));
	if (f->flags & F_REQUIRED)
		str_add(out, "\nRequired.");
	if (f->def != NULL && (f->flags & F_REQUIRED) == 0) {
		str_add(out, "\nDefault: ");
		put_text(out, f->def);
		str_add_char(out, '.');
	}
	str_add(out, f->flags & F_SECRET ? "\nA secret: best given as a file.\n" : "\n");
	if (f->flags & F_LIVE)
		str_add(out, "A reload applies it.\n");
}

static void put_section(struct str *out, const char *name, const char *doc, const struct schema *s)
{
	str_addf(out, ".SS %s\n", name);
	put_line(out, "", doc);
	for (size_t i = 0; i < s->nfields; i++)
		put_setting(out, name, &s->fields[i]);
}

static const char how_settings_are_given[] =
	".SH DESCRIPTION\n"
	"Sections of settings, as in\n"
	".PP\n.nf\nserver = {\n    port = 8082;\n};\n.fi\n.PP\n"
	"Every setting can also come from the environment, which wins over the file:\n"
	"CONTROLCORE_SECTION_NAME. A secret is best given as a file that holds it: name_file here,\n"
	"CONTROLCORE_SECTION_NAME_FILE there. A name that is no setting is a fault in both.\n"
	".B controlcored config check\nnames every fault without starting anything.\n"
	".PP\n"
	"SIGHUP reads all of it again. A fault leaves every setting as it was; what a reload cannot apply\n"
	"waits for a restart, and the log names it.\n"
	".SH SETTINGS\n";

static const char see_also_of_settings[] =
	".SH FILES\n.I /etc/controlcored/controlcored.conf\n.SH SEE ALSO\n.BR controlcored (8)\n";

static void write_settings(struct str *out)
{
	put_head(out, "controlcored.conf", 5, "settings of controlcored");
	str_add(out, how_settings_are_given);
	for (size_t i = 0; i < nsections; i++) {
		put_section(out, sections[i].name, sections[i].doc, sections[i].schema);
		if (str_eq(sections[i].name, "control"))
			put_section(out, "regions", "The regions this node serves: a list of them.",
				&region_conf_schema);
	}
	str_add(out, see_also_of_settings);
}

static int print(void (*write)(struct str *out))
{
	struct arena *a = arena_create(65536);
	struct str out;

	str_init(&out, a, 65536);
	write(&out);
	fputs(out.data, stdout);
	arena_destroy(a);
	return 0;
}

int cmd_manual_program(const struct options *o)
{
	(void)o;
	return print(write_program);
}

int cmd_manual_settings(const struct options *o)
{
	(void)o;
	return print(write_settings);
}
