/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/crypto/pem.h"

#include <string.h>

#include "cc/base/str.h"

#define BEGIN "-----BEGIN "
#define END "-----END "
#define DASHES "-----"
#define LABEL_MAX 40
#define LINE 64

struct reader {
	struct arena *arena;
	const char *label;              /* of the block that is open; NULL: none is */
	bool in_head, encrypted;
	struct str text;                /* its base64 so far */
	const char *why;
};

static bool fail(struct reader *r, const char *why)
{
	r->why = why;
	return false;
}

/* "-----BEGIN CERTIFICATE-----" → "CERTIFICATE"; NULL: the line is something else. */
static const char *label_of(struct arena *a, const char *line, size_t n, const char *word)
{
	const size_t front = strlen(word), back = strlen(DASHES);

	if (n < front + back + 1 || n > front + back + LABEL_MAX || memcmp(line, word, front) != 0 ||
	    memcmp(line + n - back, DASHES, back) != 0)
		return NULL;
	for (size_t i = front; i < n - back; i++)
		if (!((line[i] >= 'A' && line[i] <= 'Z') || (line[i] >= '0' && line[i] <= '9') ||
		      line[i] == ' '))
			return NULL;
	return arena_strndup(a, line + front, n - front - back);
}

/* The alphabet of URLs and no padding: that reader is strict about what is left over. */
static bool decode(struct reader *r, struct bytes *ret)
{
	size_t n = r->text.len;

	if (n == 0 || n % 4 != 0)
		return false;
	for (int pad = 0; pad < 2 && r->text.data[n - 1] == '='; pad++)
		n--;
	for (size_t i = 0; i < n; i++) {
		char *c = &r->text.data[i];

		if (*c == '-' || *c == '_')
			return false;
		*c = (char)(*c == '+' ? '-' : *c == '/' ? '_' : *c);
	}
	return base64url_decode(r->arena, r->text.data, n, ret);
}

static bool end_block(struct reader *r, struct pem_block *ret)
{
	*ret = (struct pem_block){ .label = r->label, .encrypted = r->encrypted };
	r->label = NULL;
	if (!ret->encrypted && !decode(r, &ret->der))
		return fail(r, "holds a block that is not base64");
	return true;
}

static bool begin_block(struct reader *r, const char *label)
{
	if (label == NULL)
		return fail(r, "has a line of dashes that begins no PEM block");
	r->label = label;
	r->in_head = true;
	r->encrypted = false;
	str_init(&r->text, r->arena, 2048);
	return true;
}

/* Inside of a block: a line of its header, or of its base64. */
static bool take_line(struct reader *r, const char *line, size_t n)
{
	static const char proc[] = "Proc-Type:";
	const bool is_head = r->in_head && memchr(line, ':', n) != NULL;

	if (is_head && n > sizeof(proc) && memcmp(line, proc, sizeof(proc) - 1) == 0)
		r->encrypted = true;
	if (is_head || n == 0)
		return true;
	r->in_head = false;
	str_add_n(&r->text, line, n);
	return true;
}

/* *ret_ended: a block is whole. */
static bool read_line(struct reader *r, const char *line, size_t n, struct pem_block *ret, bool *ret_ended)
{
	const bool dashes = n >= strlen(DASHES) && memcmp(line, DASHES, strlen(DASHES)) == 0;
	const char *label;

	*ret_ended = false;
	if (r->label == NULL)
		return dashes ? begin_block(r, label_of(r->arena, line, n, BEGIN)) : true;
	if (!dashes)
		return take_line(r, line, n);
	label = label_of(r->arena, line, n, END);
	if (label == NULL || !str_eq(label, r->label))
		return fail(r, "holds a block whose END does not fit its BEGIN");
	*ret_ended = true;
	return end_block(r, ret);
}

static size_t trimmed(const char *line, size_t n)
{
	while (n > 0 && strchr(" \t\r", line[n - 1]) != NULL)
		n--;
	return n;
}

bool pem_read(struct arena *a, const char *text, struct pem_block *ret, size_t max, size_t *ret_n,
	      const char **ret_why)
{
	struct reader r = { .arena = a };
	bool good = true;

	*ret_n = 0;
	for (const char *p = text; good && *p != '\0';) {
		const size_t n = strcspn(p, "\n");
		struct pem_block block;
		bool ended;

		good = read_line(&r, p, trimmed(p, n), &block, &ended);
		if (good && ended && *ret_n == max)
			good = fail(&r, arena_printf(a, "holds more than %zu PEM blocks", max));
		else if (good && ended)
			ret[(*ret_n)++] = block;
		p += n + (p[n] == '\n');
	}
	if (good && r.label != NULL)
		good = fail(&r, "ends inside of a PEM block");
	if (good && *ret_n == 0)
		good = fail(&r, "holds no PEM block");
	*ret_why = r.why;
	return good;
}

const char *pem_write(struct arena *a, const char *label, struct bytes der)
{
	const char *text = base64url_encode(a, der.p, der.n);
	const size_t n = strlen(text), whole = (n + 3) / 4 * 4;
	struct str out;

	str_init(&out, a, whole + whole / LINE + (size_t)2 * LABEL_MAX + 40);
	str_addf(&out, BEGIN "%s" DASHES "\n", label);
	for (size_t i = 0; i < whole; i++) {
		const char c = (char)(i < n ? text[i] : '=');

		str_add_char(&out, (char)(c == '-' ? '+' : c == '_' ? '/' : c));
		if (i % LINE == LINE - 1 || i == whole - 1)
			str_add_char(&out, '\n');
	}
	str_addf(&out, END "%s" DASHES "\n", label);
	return out.data;
}
