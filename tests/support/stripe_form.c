/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "stripe_form.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VALUE_MAX 5000
#define SHORT_MAX 500

static char *decoded(const char *p, size_t n)
{
	char *out = malloc(n + 1);
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		char hex[3] = { 0 };

		if (p[i] == '%' && i + 2 < n + 0 && isxdigit((unsigned char)p[i + 1]) &&
			isxdigit((unsigned char)p[i + 2])) {
			memcpy(hex, p + i + 1, 2);
			out[len++] = (char)strtol(hex, NULL, 16);
			i += 2;
		} else {
			out[len++] = p[i];
			if (p[i] == '+')
				out[len - 1] = ' ';
		}
	}
	out[len] = '\0';
	return out;
}

bool form_read(struct form *f, const char *text)
{
	memset(f, 0, sizeof(*f));
	while (text != NULL && *text != '\0') {
		const size_t n = strcspn(text, "&"), key = strcspn(text, "=&");

		if (f->n == FORM_MAX || key >= n || key == 0)
			return false;
		f->key[f->n] = decoded(text, key);
		f->value[f->n++] = decoded(text + key + 1, n - key - 1);
		text += n + (text[n] == '&');
	}
	return true;
}

void form_clear(struct form *f)
{
	for (size_t i = 0; i < f->n; i++) {
		free(f->key[i]);
		free(f->value[i]);
	}
	f->n = 0;
}

const char *form_get(const struct form *f, const char *key)
{
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->key[i], key) == 0)
			return f->value[i];
	return NULL;
}

static bool fits(const char *pattern, const char *key)
{
	while (*pattern != '\0' && *key != '\0') {
		if (*pattern == '#' || *pattern == '*') {
			const size_t n = *pattern == '#' ? strspn(key, "0123456789") : strcspn(key, "[]");

			if (n == 0)
				return false;
			key += n;
			pattern++;
		} else if (*pattern++ != *key++) {
			return false;
		}
	}
	return *pattern == '\0' && *key == '\0';
}

static bool is_one_of(const char *values, const char *value)
{
	const size_t n = strlen(value);

	for (const char *p = values; n > 0 && (p = strstr(p, value)) != NULL; p++)
		if ((p == values || p[-1] == ' ') && (p[n] == ' ' || p[n] == '\0'))
			return true;
	return false;
}

static bool is_count(const char *value)
{
	char *end;
	const long n = strtol(value, &end, 10);

	return *end == '\0' && n >= 1 && n <= 100;
}

static const char *value_fault(const struct param *p, const char *value, char *text, size_t n)
{
	char *end;

	const size_t most = p->kind == P_SHORT ? SHORT_MAX : VALUE_MAX;

	if (strlen(value) > most)
		snprintf(text, n, "Invalid string: must be at most %zu characters", most);
	else if (p->kind == P_COUNT && !is_count(value))
		snprintf(text, n, "This value must be between 1 and 100: %s", value);
	else if (p->kind == P_INT && (*value == '\0' || (strtoll(value, &end, 10), *end != '\0')))
		snprintf(text, n, "Invalid integer: %s", value);
	else if (p->kind == P_BOOL && strcmp(value, "true") != 0 && strcmp(value, "false") != 0)
		snprintf(text, n, "Invalid boolean: %s", value);
	else if (p->kind == P_ENUM && !is_one_of(p->values, value))
		snprintf(text, n, "Invalid value: must be one of %s", p->values);
	else
		return NULL;
	return text;
}

static const char *one_fault(const struct form *f, size_t i, const struct param *params, char *text, size_t n,
	const char **ret_code)
{
	for (size_t k = 0; k < i; k++)
		if (strcmp(f->key[k], f->key[i]) == 0) {
			snprintf(text, n, "Received the parameter %s twice", f->key[i]);
			return text;
		}
	for (const struct param *p = params; p->name != NULL; p++)
		if (fits(p->name, f->key[i]))
			return value_fault(p, f->value[i], text, n);
	*ret_code = "parameter_unknown";
	snprintf(text, n, "Received unknown parameter: %s", f->key[i]);
	return text;
}

const char *form_fault(const struct form *f, const struct param *params, char *text, size_t n,
	const char **ret_param, const char **ret_code)
{
	*ret_code = "parameter_invalid";
	for (size_t i = 0; i < f->n; i++) {
		*ret_param = f->key[i];
		if (one_fault(f, i, params, text, n, ret_code) != NULL)
			return text;
	}
	for (const struct param *p = params; p->name != NULL; p++)
		if (p->required && form_get(f, p->name) == NULL) {
			*ret_param = p->name;
			*ret_code = "parameter_missing";
			snprintf(text, n, "Missing required param: %s.", p->name);
			return text;
		}
	return NULL;
}
