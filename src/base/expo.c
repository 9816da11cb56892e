/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/base/expo.h"

#include <inttypes.h>

static const char *const types[] = {
	[EXPO_COUNTER] = "counter", [EXPO_GAUGE] = "gauge", [EXPO_HISTOGRAM] = "histogram",
};

void expo_family(struct str *out, const char *name, enum expo_type type, const char *help)
{
	str_addf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, types[type]);
}

static void put_name(struct str *out, const char *name, const char *suffix, const char *labels)
{
	str_addf(out, "%s%s", name, suffix);
	if (labels != NULL)
		str_addf(out, "{%s}", labels);
}

void expo_int(struct str *out, const char *name, const char *suffix, const char *labels, int64_t value)
{
	put_name(out, name, suffix, labels);
	str_addf(out, " %" PRId64 "\n", value);
}

void expo_us(struct str *out, const char *name, const char *suffix, const char *labels, int64_t us)
{
	put_name(out, name, suffix, labels);
	str_addf(out, " %s%" PRId64 ".%06" PRId64 "\n", us < 0 ? "-" : "", (us < 0 ? -us : us) / 1000000,
		 (us < 0 ? -us : us) % 1000000);
}

void expo_one(struct str *out, const char *name, enum expo_type type, const char *help, int64_t value)
{
	expo_family(out, name, type, help);
	expo_int(out, name, "", NULL, value);
}

void expo_one_us(struct str *out, const char *name, enum expo_type type, const char *help, int64_t us)
{
	expo_family(out, name, type, help);
	expo_us(out, name, "", NULL, us);
}

const char *expo_label(struct arena *a, const char *value)
{
	struct str out;

	str_init(&out, a, 64);
	for (const char *p = value; *p != '\0'; p++) {
		if (*p == '"' || *p == '\\')
			str_add_char(&out, '\\');
		if (*p == '\n')
			str_add(&out, "\\n");
		else
			str_add_char(&out, *p);
	}
	return out.data;
}
