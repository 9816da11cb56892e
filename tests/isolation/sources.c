/* SPDX-License-Identifier: Apache-2.0 */
/* Every way of naming a tenant, alone and together with another. */
#include "matrix.h"

#define ID(w) { .who = (w), .form = BY_ID }
#define SLUG(w) { .who = (w), .form = BY_SLUG }
#define TEXT_IS(t) { .who = LITERAL, .text = (t) }
#define HOST(n) .at[IN_HOST] = n
#define HEADER(n) .at[IN_HEADER] = n
#define QUERY(n) .at[IN_QUERY] = n
#define PATH(n) .at[IN_PATH] = n
#define AGAIN(where, n) .again = n, .again_in = (where)

#define LONG_TEXT "a123456789b123456789c123456789d123456789e123456789f123456789g123456789h123456789" \
	"i123456789j123456789k123456789l123456789m123456789n123456789o123456789p123456789q123456789" \
	"r123456789s123456789t123456789u123456789v123456789w123456789x123456789y123456789z123456789"

const struct source sources[] = {
	{ .label = "none" },
	/* one */
	{ .label = "host own by slug", HOST(SLUG(OWN)) },
	{ .label = "host own by id", HOST(ID(OWN)) },
	{ .label = "host near by slug", HOST(SLUG(NEAR)) },
	{ .label = "host near by id", HOST(ID(NEAR)) },
	{ .label = "host far by slug", HOST(SLUG(FAR)) },
	{ .label = "host far by id", HOST(ID(FAR)) },
	{ .label = "host unknown slug", HOST(SLUG(NOWHERE)) },
	{ .label = "host unknown id", HOST(ID(NOWHERE)) },
	{ .label = "header own by id", HEADER(ID(OWN)) },
	{ .label = "header own by slug", HEADER(SLUG(OWN)) },
	{ .label = "header near by id", HEADER(ID(NEAR)) },
	{ .label = "header near by slug", HEADER(SLUG(NEAR)) },
	{ .label = "header far by id", HEADER(ID(FAR)) },
	{ .label = "header far by slug", HEADER(SLUG(FAR)) },
	{ .label = "header unknown id", HEADER(ID(NOWHERE)) },
	{ .label = "header unknown slug", HEADER(SLUG(NOWHERE)) },
	{ .label = "query own by id", QUERY(ID(OWN)) },
	{ .label = "query own by slug", QUERY(SLUG(OWN)) },
	{ .label = "query near by id", QUERY(ID(NEAR)) },
	{ .label = "query near by slug", QUERY(SLUG(NEAR)) },
	{ .label = "query far by id", QUERY(ID(FAR)) },
	{ .label = "query far by slug", QUERY(SLUG(FAR)) },
	{ .label = "query unknown id", QUERY(ID(NOWHERE)) },
	{ .label = "query unknown slug", QUERY(SLUG(NOWHERE)) },
	{ .label = "path own by slug", PATH(SLUG(OWN)) },
	{ .label = "path near by id", PATH(ID(NEAR)) },
	{ .label = "path near by slug", PATH(SLUG(NEAR)) },
	{ .label = "path far by id", PATH(ID(FAR)) },
	{ .label = "path far by slug", PATH(SLUG(FAR)) },
	{ .label = "path unknown id", PATH(ID(NOWHERE)) },
	{ .label = "path unknown slug", PATH(SLUG(NOWHERE)) },
	/* several that agree */
	{ .label = "host and header own", HOST(SLUG(OWN)), HEADER(ID(OWN)) },
	{ .label = "header and query own", HEADER(SLUG(OWN)), QUERY(ID(OWN)) },
	{ .label = "all own", HOST(ID(OWN)), HEADER(SLUG(OWN)), QUERY(SLUG(OWN)) },
	{ .label = "header and query near", HEADER(SLUG(NEAR)), QUERY(ID(NEAR)) },
	{ .label = "header and path near", HEADER(ID(NEAR)), PATH(SLUG(NEAR)) },
	{ .label = "host, header, query and path far", HOST(SLUG(FAR)), HEADER(ID(FAR)), QUERY(SLUG(FAR)),
	  PATH(ID(FAR)) },
	/* several that disagree */
	{ .label = "host own, header near", HOST(SLUG(OWN)), HEADER(ID(NEAR)) },
	{ .label = "host near, header own", HOST(SLUG(NEAR)), HEADER(ID(OWN)) },
	{ .label = "host own, query far", HOST(ID(OWN)), QUERY(SLUG(FAR)) },
	{ .label = "host unknown, header own", HOST(SLUG(NOWHERE)), HEADER(ID(OWN)) },
	{ .label = "header own, query near", HEADER(ID(OWN)), QUERY(ID(NEAR)) },
	{ .label = "header near, query own", HEADER(SLUG(NEAR)), QUERY(SLUG(OWN)) },
	{ .label = "header own, query unknown", HEADER(ID(OWN)), QUERY(SLUG(NOWHERE)) },
	{ .label = "header near, query far", HEADER(ID(NEAR)), QUERY(ID(FAR)) },
	{ .label = "header far, path near", HEADER(ID(FAR)), PATH(ID(NEAR)) },
	{ .label = "header near, path own", HEADER(ID(NEAR)), PATH(SLUG(OWN)) },
	{ .label = "header own, path near", HEADER(ID(OWN)), PATH(ID(NEAR)) },
	{ .label = "query own, path unknown", QUERY(ID(OWN)), PATH(ID(NOWHERE)) },
	/* malformed */
	{ .label = "header empty", HEADER(TEXT_IS("")), .flaw = MALFORMED },
	{ .label = "header with blanks", HEADER(TEXT_IS("no such tenant")), .flaw = MALFORMED },
	{ .label = "header that climbs", HEADER(TEXT_IS("../zzbasalt")), .flaw = MALFORMED },
	{ .label = "header with two names", HEADER(TEXT_IS("zzquartz,zzbasalt")), .flaw = MALFORMED },
	{ .label = "header too long", HEADER(TEXT_IS(LONG_TEXT)), .flaw = MALFORMED },
	{ .label = "header twice the same", HEADER(ID(OWN)), AGAIN(IN_HEADER, ID(OWN)), .flaw = MALFORMED },
	{ .label = "header twice, own and near", HEADER(ID(OWN)), AGAIN(IN_HEADER, ID(NEAR)),
	  .flaw = MALFORMED },
	{ .label = "query empty", QUERY(TEXT_IS("")), .flaw = MALFORMED },
	{ .label = "query with a quote", QUERY(TEXT_IS("zzquartz%27%20OR%20true")), .flaw = MALFORMED },
	{ .label = "query with a wildcard", QUERY(TEXT_IS("zz%25")), .flaw = MALFORMED },
	{ .label = "query twice the same", QUERY(ID(OWN)), AGAIN(IN_QUERY, ID(OWN)), .flaw = MALFORMED },
	{ .label = "query twice, own and far", QUERY(ID(OWN)), AGAIN(IN_QUERY, ID(FAR)), .flaw = MALFORMED },
	{ .label = "path with a quote", PATH(TEXT_IS("zzbasalt%27--")), .flaw = MALFORMED },
	{ .label = "path with a slash inside", PATH(TEXT_IS("zzquartz%2Fzzbasalt")), .flaw = MALFORMED },
	/* hosts that are not served */
	{ .label = "host of somebody else", HOST(TEXT_IS("zzquartz.example.org")), .flaw = MISDIRECTED },
	{ .label = "host that only ends alike", HOST(TEXT_IS("zzquartz.notcontrolcore.io")),
	  .flaw = MISDIRECTED },
	{ .label = "host that only begins alike", HOST(TEXT_IS("zzquartz.controlcore.io.example.org")),
	  .flaw = MISDIRECTED },
	{ .label = "host elsewhere, header own", HOST(TEXT_IS("zzquartz.example.org")), HEADER(ID(OWN)),
	  .flaw = MISDIRECTED },
};
const size_t nsources = sizeof(sources) / sizeof(sources[0]);
