/* SPDX-License-Identifier: Apache-2.0 */
/* What S3 servers answer with: nothing of it makes the reader say what is not there. */
#include "fuzz.h"

#include <stdbool.h>
#include <string.h>

#include "src/store/s3_xml.h"

struct seen {
	size_t elements, bytes;
};

static bool see(void *arg, const char *parent, const char *name, const char *text)
{
	struct seen *s = arg;

	FUZZ_EXPECT(name[0] != '\0' && strlen(name) <= 64 && strlen(parent) <= 64);
	FUZZ_EXPECT(strlen(text) <= 4096);
	s->elements++;
	s->bytes += strlen(text);
	return s->elements < 100000;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct seen s = { 0 };
	const bool good = s3_xml_read((const char *)data, size, see, &s);

	/* No entity grows: what comes out is no more than what went in. */
	FUZZ_EXPECT(s.bytes <= size);
	FUZZ_EXPECT(!good || s.elements > 0);
	return 0;
}
