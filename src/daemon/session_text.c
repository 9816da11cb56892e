/* SPDX-License-Identifier: Apache-2.0 */
#include "session_text.h"

#include <stdio.h>
#include <string.h>

/* In single quotes for a shell. */
static const char *shell_quote(struct arena *a, const char *s)
{
	struct str out;

	str_init(&out, a, 64);
	str_add_char(&out, '\'');
	for (; *s != '\0'; s++) {
		if (*s == '\'')
			str_add(&out, "'\\''");
		else
			str_add_char(&out, *s);
	}
	str_add_char(&out, '\'');
	return out.data;
}

/* Where a client on this machine finds it. */
static const char *own_host(struct arena *a, const char *address)
{
	if (str_eq(address, "0.0.0.0"))
		return "127.0.0.1";
	if (str_eq(address, "::"))
		return "[::1]";
	return strchr(address, ':') != NULL ? arena_printf(a, "[%s]", address) : address;
}

static void print_remedy(int port)
{
	printf("Other machines reach this port, so keys are refused here: they are taken over https only.\n"
	       "To try it on this machine:    --listen 127.0.0.1:%d\n"
	       "To serve others:              --tls-listen ADDR:PORT with tls.certificates and tls.keys,\n"
	       "                              or a proxy that ends TLS, named in server.trusted_proxies\n"
	       "docs/deploy/README.md has both.\n\n",
		port);
}

static void print_session(struct arena *a, const struct embedded *e, const char *api)
{
	printf("To try it, paste this into another terminal:\n\n"
	       "  API=%s\n"
	       "  OPERATOR=\"Authorization: Bearer $(cat %s)\"\n"
	       "  JSON='Content-Type: application/json'\n",
		api, shell_quote(a, e->operator_key));
	printf("  # a tenant\n"
	       "  curl -sS \"$API/tenants\" -H \"$OPERATOR\" -H \"$JSON\" -d '{\"name\": \"Acme "
	       "Corporation\",\n"
	       "    \"domain\": \"acme.controlcore.io\", \"plan_type\": \"pro\", \"region\": "
	       "\"us-east-1\"}'; echo\n"
	       "  # a key of its own, shown this once\n"
	       "  KEY=$(curl -sS \"$API/tenants/acme/api-keys\" -H \"$OPERATOR\" -H \"$JSON\" -d '{\"name\": "
	       "\"First key\",\n"
	       "    \"scopes\": [\"policies:read\", \"policies:write\"]}' | sed -n 's/.*\"key\": "
	       "*\"\\([^\"]*\\)\".*/\\1/p')\n");
	printf("  # its first policy, and the list\n"
	       "  curl -sS \"$API/policies\" -H \"Authorization: Bearer $KEY\" -H \"$JSON\" -d '{\"name\": "
	       "\"first-policy\",\n"
	       "    \"rego_code\": \"package first\\n\\ndefault allow = false\"}'; echo\n"
	       "  curl -sS \"$API/policies\" -H \"Authorization: Bearer $KEY\"; echo\n\n");
}

void session_text_print(struct arena *a, const struct embedded *e, const char *address, int port, bool local)
{
	const char *api = arena_printf(a, "http://%s:%d/api/v1", own_host(a, address), port);

	printf("controlcored listens on %s\n", api);
	printf("data: %s   first operator key: %s\n\n", e->data, e->operator_key);
	if (local)
		print_session(a, e, api);
	else
		print_remedy(port);
	printf("Ctrl-C stops it; the data stays.\n");
	fflush(stdout);
}
