/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/net/hostname.h"

#include <idn2.h>
#include <libpsl.h>
#include <pthread.h>
#include <string.h>

#include "cc/base/str.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static psl_ctx_t *list; /* as long as the process: read by all, changed by none */

static void open_list(void)
{
	list = psl_latest(NULL);
}

/*
 * Not with IDN2_USE_STD3_ASCII_RULES: what that disallows libidn2 leaves out, and a name that is none becomes
 * somebody's.
 */
const char *hostname_ascii(struct arena *a, const char *text, const char **ret_why)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-.";
	char *ascii = NULL, *name;
	const int rc = idn2_to_ascii_8z(text, &ascii, IDN2_NONTRANSITIONAL);
	size_t n;

	if (rc != IDN2_OK) {
		*ret_why = arena_printf(a, "is no host name: %s", idn2_strerror(rc));
		return NULL;
	}
	name = str_lower(a, ascii);
	idn2_free(ascii);
	n = strlen(name);
	if (n > 0 && name[n - 1] == '.')
		name[--n] = '\0';
	if (n == 0 || name[n - 1] == '.') {
		*ret_why = "is no host name: it ends with an empty label";
		return NULL;
	}
	if (name[strspn(name, allowed)] != '\0') {
		*ret_why = "is no host name: it has letters, digits and hyphens only";
		return NULL;
	}
	return name;
}

bool hostname_is_suffix(const char *name)
{
	(void)pthread_once(&once, open_list);
	return psl_is_public_suffix(list, name) != 0;
}
