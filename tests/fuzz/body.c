/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies: what the tables accept can be printed and is accepted again; what they refuse is explained. */
#include "fuzz.h"

#include "cc/model/issuer.h"
#include "cc/model/policy.h"
#include "cc/model/tenant.h"
#include "cc/schema/read.h"
#include "cc/schema/write.h"

static void read_it(const struct schema *s, enum read_mode mode, const char *text, size_t n)
{
	struct arena *a = arena_create(16384);
	struct ctx cx = { .arena = a };
	void *object = arena_alloc(a, s->size);
	struct str out;
	struct jw w;

	if (schema_read_json(&cx, s, text, n, mode, object) == ERR_NONE) {
		str_init(&out, a, 1024);
		jw_init(&w, &out);
		schema_write(&w, s, object, WRITE_KEPT);
		FUZZ_EXPECT(out.len > 0 && out.data[0] == '{');
	} else {
		FUZZ_EXPECT(cx.problem.nfaults > 0 || cx.problem.message != NULL);
	}
	arena_destroy(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;

	read_it(&policy_schema, READ_CREATE, text, size);
	read_it(&policy_schema, READ_MERGE, text, size);
	read_it(&tenant_new_schema, READ_CREATE, text, size);
	read_it(&issuer_list_schema, READ_REPLACE, text, size);
	return 0;
}
