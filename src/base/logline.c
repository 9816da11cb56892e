/* SPDX-License-Identifier: Apache-2.0 */
#include "logline.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cc/base/clock.h"
#include "cc/base/str.h"
#include "timetext.h"

/* Bytes of one text that are looked at. A byte becomes six at most, so the message always fits. */
#define VALUE_MAX 1024
#define TAIL ",\"truncated\":true}\n"
static_assert(6 * VALUE_MAX + 128 < LOGLINE_SIZE, "the message must fit");

static const char *const level_names[] = { "error", "warn", "info", "debug" };

bool log_parse_level(const char *s, enum log_level *ret)
{
	for (int i = LOG_ERROR; i <= LOG_DEBUG; i++) {
		if (strcmp(s, level_names[i]) == 0) {
			*ret = (enum log_level)i;
			return true;
		}
	}
	return false;
}

static void put_n(struct logline *l, const char *s, size_t n)
{
	/* The tail's room is never given away. */
	if (n > sizeof(l->text) - sizeof(TAIL) - l->len)
		l->full = true;
	if (l->full)
		return;
	memcpy(l->text + l->len, s, n);
	l->len += n;
}

static void put(struct logline *l, const char *s)
{
	put_n(l, s, strlen(s));
}

/* One well-formed character: quotes, backslashes and the control characters of C0, DEL and C1 escaped. */
static void put_character(struct logline *l, const char *s, size_t n)
{
	unsigned code = (unsigned char)s[0];
	char escape[8];

	if (n == 1 && (s[0] == '"' || s[0] == '\\')) {
		put_n(l, "\\", 1);
		put_n(l, s, 1);
		return;
	}
	if (n == 2)
		code = (code & 0x1F) << 6 | ((unsigned char)s[1] & 0x3F);
	if (n <= 2 && (code < 0x20 || (code >= 0x7F && code < 0xA0)))
		put_n(l, escape, (size_t)snprintf(escape, sizeof(escape), "\\u%04x", code & 0xFF));
	else
		put_n(l, s, n);
}

static void put_text(struct logline *l, const char *s)
{
	size_t n = strnlen(s, VALUE_MAX), at = 0;

	put(l, "\"");
	while (at < n) {
		size_t step = utf8_step(s + at, n - at);

		if (step == 0)
			put(l, "\xEF\xBF\xBD");         /* U+FFFD in place of each wrong byte */
		else
			put_character(l, s + at, step);
		at += step ? step : 1;
	}
	put(l, "\"");
}

static void put_field(struct logline *l, const struct log_field *f)
{
	char digits[24];

	put(l, ",");
	put_text(l, f->key);
	put(l, ":");
	if (!f->is_number) {
		put_text(l, f->text);
		return;
	}
	snprintf(digits, sizeof(digits), "%" PRId64, f->number);
	put(l, digits);
}

void logline_make(struct logline *l, enum log_level level, const char *msg, const struct log_field *fields,
		  int n)
{
	char ts[TIMETEXT_SIZE];
	const char *end;

	l->len = 0;
	l->full = false;
	timetext(ts, clock_wall_us(), true);
	put(l, "{\"ts\":\"");
	put(l, ts);
	put(l, "\",\"level\":\"");
	put(l, level_names[level]);
	put(l, "\",\"msg\":");
	put_text(l, msg);
	for (int i = 0; i < n && !l->full; i++) {
		size_t before = l->len;

		if (fields[i].text == NULL && !fields[i].is_number)
			continue;
		put_field(l, &fields[i]);
		if (l->full)
			l->len = before;
	}
	end = l->full ? TAIL : "}\n";
	memcpy(l->text + l->len, end, strlen(end));
	l->len += strlen(end);
}
