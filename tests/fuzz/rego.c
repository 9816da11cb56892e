/* SPDX-License-Identifier: Apache-2.0 */
/* The syntax check of policies: places are in the text and in order, and what has no fault has a package. */
#include "fuzz.h"

#include "cc/model/rego.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_create(4096);
	struct rego_module m;

	rego_check(a, (const char *)data, size, &m);
	FUZZ_EXPECT(m.nfaults >= 0 && m.nfaults <= REGO_FAULTS_MAX);
	for (int i = 0; i < m.nfaults; i++) {
		FUZZ_EXPECT(m.fault[i].line >= 1 && m.fault[i].line <= size + 1);
		FUZZ_EXPECT(m.fault[i].column >= 1 && m.fault[i].column <= size + 1);
		FUZZ_EXPECT(m.fault[i].message != NULL);
		FUZZ_EXPECT(i == 0 || m.fault[i - 1].line <= m.fault[i].line);
	}
	if (m.nfaults == 0)
		FUZZ_EXPECT(m.package_len > 0 && m.package_at + m.package_len <= size);
	arena_destroy(a);
	return 0;
}
