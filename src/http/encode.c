/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which answers are sent compressed, and how. None that holds a secret: where somebody else chooses a part of
 * an answer, its compressed length tells of the rest (BREACH). All others are texts of tables, and what asks
 * for them with a credential is never a page of somebody else's, for no browser adds one by itself.
 */
#include "call.h"

#include "gzip.h"

static bool is_text(const char *type)
{
	static const char *const kinds[] = { "text/", "application/json", "application/x-ndjson" };

	for (size_t i = 0; type != NULL && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (str_starts(type, kinds[i]))
			return true;
	return type == NULL;
}

void encode_ask(struct call *c)
{
	c->coding = call_holds_secret(c) ? CODING_NONE : accept_coding(c->in.accept_encoding);
}

bool encode_is_open(const struct call *c)
{
	return c->rq.route != NULL && !call_holds_secret(c);
}

bool encode_stream(const struct call *c)
{
	return c->coding != CODING_NONE && is_text(c->rq.raw_type);
}

/* What is the same for all was compressed at the start. */
static bool compress(struct call *c, const char **ret, size_t *ret_n)
{
	*ret = c->entry->fixed_gzip;
	*ret_n = c->entry->fixed_gzip_len;
	if (c->entry->fixed != NULL)
		return *ret != NULL;
	return gzip_make(c->arena, c->answer, c->answer_len, ret, ret_n);
}

void encode_answer(struct call *c)
{
	const bool small = c->answer_len < GZIP_MIN && c->coding != CODING_ONLY_GZIP;
	const char *text;
	size_t n;

	if (c->coded || c->coding == CODING_NONE || c->answer_len == 0 || small || !is_text(c->rq.raw_type) ||
	    !compress(c, &text, &n))
		return;
	c->answer = text;
	c->answer_len = n;
	c->coded = true;
}

bool encode_etag_is_gzip(const struct call *c)
{
	const bool gzip = etags_have_form(&c->if_none_match, c->etag, true);

	if (!c->not_modified)
		return c->coded;
	/* Of the two forms the one that the client has, and if it has both, the one that it would get now. */
	return gzip && (c->coding != CODING_NONE || !etags_have_form(&c->if_none_match, c->etag, false));
}
