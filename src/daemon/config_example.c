/* SPDX-License-Identifier: Apache-2.0 */
#include "config_parts.h"

#include <string.h>

static const char head[] =
	"# Settings of controlcored, written by `controlcored config example`.\n"
	"# Commented lines show the defaults. Every setting can also come from the environment, which wins "
	"over\n"
	"# this file: CONTROLCORE_<SECTION>_<NAME>, for example CONTROLCORE_SERVER_PORT=8443, and for a "
	"region\n"
	"# CONTROLCORE_REGIONS_EU_WEST_1_CONNINFO. Secrets are best given as files: pepper_file here, or\n"
	"# CONTROLCORE_SECRETS_PEPPER_FILE; a newline at the end of such a file does not count.\n"
	"# A name that is no setting is a fault, here and in the environment.\n"
	"# `controlcored config check` names every fault without starting anything.\n";

/* A comment, broken where doc has a newline and before column 100. */
static void write_comment(struct str *out, const char *indent, const char *text)
{
	size_t column = 0;

	for (const char *p = text; *p != '\0';) {
		const size_t n = strcspn(p, " \n");

		if (column == 0 || column + n > 100) {
			str_addf(out, "%s%s# ", column == 0 ? "" : "\n", indent);
			column = 4;
		} else {
			str_add_char(out, ' ');
		}
		str_add_n(out, p, n);
		column += n + 1;
		p += n;
		if (*p == '\n')
			column = 200;
		p += *p != '\0';
	}
	str_add_char(out, '\n');
}

static void write_value(struct str *out, const struct field *f, const char *example)
{
	const char *value = example != NULL ? example : f->def;

	switch (f->kind) {
	case K_INT:
	case K_BOOL:
		str_add(out, value);
		break;
	case K_STRS:
		str_addf(out, "[ %s ]", value != NULL ? value : "");
		break;
	case K_TEXT:
	case K_ENUM:
	case K_TIME:
	case K_NUM:
	case K_JSON:
	case K_OBJ:
	case K_BYTES:
		str_addf(out, "\"%s\"", value != NULL ? value : "");
		break;
	}
}

const char *config_doc(struct arena *a, const struct field *f)
{
	struct str text;

	str_init(&text, a, 128);
	str_add(&text, f->doc);
	if (f->kind == K_INT || f->kind == K_ENUM) {
		str_add(&text, " (");
		field_describe(&text, f);
		str_add_char(&text, ')');
	}
	return text.data;
}

/* What stands in the file for what has no default. */
static const struct {
	const char *setting, *value;
} examples[] = {
	{"server.port_file",              "/run/controlcored/port"                            },
	{ "server.user",                  "controlcored"                                      },
	{ "server.state_dir",             "/var/lib/controlcored"                             },
	{ "server.neutral_hosts",         "\"control.example.net\""                           },
	{ "server.trusted_proxies",       "\"192.0.2.0/24\""                                  },
	{ "server.cors_origins",          "\"https://console.example.com\""                   },
	{ "tls.address",                  "::"                                                },
	{ "tls.port_file",                "/run/controlcored/tls-port"                        },
	{ "admin.socket",                 "/run/controlcored/admin.sock"                      },
	{ "admin.address",                "127.0.0.1"                                         },
	{ "admin.port_file",              "/run/controlcored/admin-port"                      },
	{ "tls.certificates",             "\"/etc/controlcored/tls/wildcard.pem\""            },
	{ "tls.keys",                     "\"/etc/controlcored/tls/wildcard.key\""            },
	{ "control.conninfo",             "host=/run/postgresql dbname=cc_control"            },
	{ "control.admin_conninfo",       "host=/run/postgresql dbname=postgres user=postgres"},
	{ "redis.address",                "unix:/run/redis/redis-server.sock"                 },
	{ "redis.password",               "/etc/controlcored/secrets/redis_password"                  },
	{ "secrets.pepper",               "/etc/controlcored/secrets/pepper"                          },
	{ "secrets.audit_key",            "/etc/controlcored/secrets/audit_key"                       },
	{ "secrets.signing_key",          "/etc/controlcored/secrets/signing_key"                     },
	{ "secrets.signing_key_previous", "/etc/controlcored/secrets/signing_key_previous"            },
	{ "secrets.kek_folder",           "/etc/controlcored/keks"                            },
	{ "secrets.keks",                 "\"2026-01\""                                       },
	{ "domains.trust_store",          "/etc/ssl/certs/ca-certificates.crt"                },
	{ "domains.key_blocklist",        "/etc/controlcored/key-blocklist"                   },
	{ "secrets.role_secret",          "/etc/controlcored/secrets/role_secret"                     },
	{ "plans.file",                   "/etc/controlcored/plans.conf"                      },
	{ "auth.issuers",                 "/etc/controlcored/issuers.json"                    },
	{ "domains.resolvers",            "\"192.0.2.53\", \"198.51.100.53\""               },
	{ "dns.server",                   "192.0.2.53"                                        },
	{ "dns.key_file",                 "/etc/controlcored/secrets/tsig.key"                        },
	{ "dns.zone",                     "controlcore.io"                                    },
	{ "regions.host",                 "us-east-1.edge.controlcore.io"                     },
	{ "regions.store_folder",         "/var/lib/controlcored/objects-us-east-1"           },
	{ "regions.store_endpoint",       "https://s3.us-east-1.amazonaws.com"                },
	{ "regions.store_region",         "us-east-1"                                         },
	{ "regions.store_bucket",         "controlcored-us-east-1"                            },
	{ "regions.store_access_key",     "/etc/controlcored/secrets/store_access_key"                },
	{ "regions.store_secret_key",     "/etc/controlcored/secrets/store_secret_key"                },
	{ "store.folder",                 "/var/lib/controlcored/objects"                     },
	{ "store.endpoint",               "https://s3.eu-west-1.amazonaws.com"                },
	{ "store.bucket",                 "controlcored"                                      },
	{ "store.access_key",             "/etc/controlcored/secrets/store_access_key"                },
	{ "store.secret_key",             "/etc/controlcored/secrets/store_secret_key"                },
	{ "engine.url",                   "http://127.0.0.1:8181"                             },
	{ "stripe.key",                   "/etc/controlcored/secrets/stripe_key"                      },
	{ "stripe.webhook_secret",        "/etc/controlcored/secrets/stripe_webhook_secret"           },
	{ "stripe.webhook_secret_previous", "/etc/controlcored/secrets/stripe_webhook_secret_previous" },
	{ "engine.token",                 "/etc/controlcored/secrets/engine_token"                    },
};

static const char *example_of(struct arena *a, const char *section, const char *name)
{
	const char *setting = arena_printf(a, "%s.%s", section, name);

	for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++)
		if (str_eq(examples[i].setting, setting))
			return examples[i].value;
	return NULL;
}

static void write_field(struct str *out, const char *indent, const char *section, const struct field *f)
{
	const bool by_file = (f->flags & F_SECRET) && !str_eq(section, "control");

	write_comment(out, indent, config_doc(out->arena, f));
	str_addf(out, "%s%s%s%s = ", indent, f->flags & F_REQUIRED ? "" : "# ", f->name,
		by_file ? "_file" : "");
	write_value(out, f, example_of(out->arena, section, f->name));
	str_add(out, ";\n");
}

static void write_regions(struct str *out)
{
	str_add(out, "\n# The regions this node serves.\nregions = (\n");
	for (size_t i = 0; i < 3; i++) {
		const struct region_info *r = &known_regions[i * 3];

		str_addf(out, "\t{\n\t\tid = \"%s\";\n", r->id);
		str_addf(out, "\t\tconninfo = \"host=/run/postgresql dbname=region_%s\";\n", r->ident);
		if (i == 0)
			for (size_t k = 2; k < region_conf_schema.nfields; k++)
				write_field(out, "\t\t", "regions", &region_conf_schema.fields[k]);
		str_addf(out, "\t}%s\n", i < 2 ? "," : "");
	}
	str_add(out, ");\n");
}

void config_example(struct str *out)
{
	str_add(out, head);
	for (size_t i = 0; i < nsections; i++) {
		const struct section *s = &sections[i];

		str_add_char(out, '\n');
		write_comment(out, "", s->doc);
		str_addf(out, "%s = {\n", s->name);
		for (size_t k = 0; k < s->schema->nfields; k++)
			write_field(out, "\t", s->name, &s->schema->fields[k]);
		str_add(out, "};\n");
		if (str_eq(s->name, "control"))
			write_regions(out);
	}
}
