/* SPDX-License-Identifier: Apache-2.0 */
#include "s3_xml.h"

#include <expat.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 8
#define NAME_MAX_LEN 64
#define TEXT_MAX 4096

struct reading {
	XML_Parser parser;
	s3_xml_fn fn;
	void *arg;
	char name[DEPTH_MAX][NAME_MAX_LEN + 1];
	size_t depth, len;
	char text[TEXT_MAX + 1];
	bool bad;
};

static void give_up(struct reading *r)
{
	r->bad = true;
	(void)XML_StopParser(r->parser, XML_FALSE);
}

static void XMLCALL begin(void *arg, const XML_Char *name, const XML_Char **attributes)
{
	struct reading *r = arg;

	(void)attributes;
	if (r->depth == DEPTH_MAX || strlen(name) > NAME_MAX_LEN) {
		give_up(r);
		return;
	}
	(void)snprintf(r->name[r->depth++], sizeof(r->name[0]), "%s", name);
	r->len = 0;
}

static void XMLCALL text(void *arg, const XML_Char *s, int n)
{
	struct reading *r = arg;

	if ((size_t)n > TEXT_MAX - r->len) {
		give_up(r);
		return;
	}
	memcpy(r->text + r->len, s, (size_t)n);
	r->len += (size_t)n;
}

static void XMLCALL end(void *arg, const XML_Char *name)
{
	struct reading *r = arg;

	if (r->bad)
		return;
	r->text[r->len] = '\0';
	r->depth--;
	if (!r->fn(r->arg, r->depth > 0 ? r->name[r->depth - 1] : "", name, r->text))
		give_up(r);
	r->len = 0;
}

/* No server of S3 sends one, and entities that grow come with it. */
static void XMLCALL doctype(
	void *arg, const XML_Char *name, const XML_Char *sysid, const XML_Char *pubid, int internal)
{
	(void)name;
	(void)sysid;
	(void)pubid;
	(void)internal;
	give_up(arg);
}

bool s3_xml_read(const char *s, size_t n, s3_xml_fn fn, void *arg)
{
	struct reading r = { .fn = fn, .arg = arg };
	bool good;

	if (n > INT_MAX)
		return false;
	r.parser = XML_ParserCreate(NULL);
	if (r.parser == NULL)
		abort();
	XML_SetUserData(r.parser, &r);
	XML_SetElementHandler(r.parser, begin, end);
	XML_SetCharacterDataHandler(r.parser, text);
	XML_SetStartDoctypeDeclHandler(r.parser, doctype);
	good = XML_Parse(r.parser, s, (int)n, XML_TRUE) == XML_STATUS_OK && !r.bad;
	XML_ParserFree(r.parser);
	return good;
}
