/* SPDX-License-Identifier: Apache-2.0 */
#include "config_parts.h"

static const char head[] =
	"# Settings\n\n"
	"Generated from the table of settings. They come from a file, see\n"
	"[controlcored.example.conf](../config/controlcored.example.conf), and from the environment, which\n"
	"wins over it: `CONTROLCORE_<SECTION>_<NAME>`, as in `CONTROLCORE_SERVER_PORT=8443`, and for a\n"
	"region `CONTROLCORE_REGIONS_EU_WEST_1_CONNINFO`. A secret is best given as a file that holds it:\n"
	"`<name>_file`, or `CONTROLCORE_<SECTION>_<NAME>_FILE`. A name that is no setting is a fault in\n"
	"both: any other variable that begins with `CONTROLCORE_` stops the start. (Kubernetes adds such\n"
	"variables for a Service named `controlcore`: give the pod `enableServiceLinks: false`, or the\n"
	"Service another name.)\n\n"
	"SIGHUP (`systemctl reload controlcored`) reads all of it again. A fault leaves every setting as it\n"
	"was, and the log says which. What is marked ⟳ counts at once; of the rest the log says what waits\n"
	"for a restart. Files with certificates are looked at twice a second, without any signal.\n";

static void write_default(struct str *out, const struct field *f)
{
	if (f->flags & F_REQUIRED)
		str_add(out, "required");
	else if (f->def != NULL)
		str_addf(out, "`%s`", f->def);
	else
		str_add(out, "none");
}

static void write_table(struct str *out, const char *name, const char *doc, const struct schema *s)
{
	str_addf(out, "\n## %s\n\n%s\n\n| Setting | Default | Meaning |\n|---|---|---|\n", name, doc);
	for (size_t i = 0; i < s->nfields; i++) {
		const struct field *f = &s->fields[i];

		str_addf(out, "| `%s`%s%s | ", f->name, f->flags & F_SECRET ? ", a secret" : "",
			f->flags & F_LIVE ? " ⟳" : "");
		write_default(out, f);
		str_add(out, " | ");
		str_add_cell(out, config_doc(out->arena, f));
		str_add(out, " |\n");
	}
}

void config_markdown(struct str *out)
{
	str_add(out, head);
	for (size_t i = 0; i < nsections; i++) {
		write_table(out, sections[i].name, sections[i].doc, sections[i].schema);
		if (str_eq(sections[i].name, "control"))
			write_table(out, "regions", "The regions this node serves: a list of them.",
				&region_conf_schema);
	}
}
