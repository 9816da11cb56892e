/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* mremap */
#include "body.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "cc/base/bytes.h"

/* Smaller ones come from the heap, where the next request finds their memory again. */
enum { MAPPED_MIN = 64 * 1024, FIRST = 4096 };

void body_open(struct body *b, struct body_budget *budget, uint64_t announced)
{
	/* One for the NUL. */
	*b = (struct body){ .budget = budget, .cap = announced > 0 ? (size_t)announced + 1 : FIRST };
}

static void *map(size_t n)
{
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static void *remap(void *data, size_t was, size_t n)
{
	void *p = mremap(data, was, n, MREMAP_MAYMOVE);

	return p == MAP_FAILED ? NULL : p;
}

/* It may hold a secret: nothing of it stays in the place that it leaves, as realloc() would let it. */
static bool resize(struct body *b, size_t cap)
{
	void *p;

	if (b->mapped)
		p = remap(b->data, b->cap, cap);
	else
		p = cap < MAPPED_MIN ? malloc(cap) : map(cap);
	if (p == NULL)
		return false;
	if (!b->mapped && b->data != NULL) {
		memcpy(p, b->data, b->len);
		bytes_wipe(b->data, b->len);
		free(b->data);
	}
	b->mapped = b->mapped || cap >= MAPPED_MIN;
	b->data = p;
	b->cap = cap;
	return true;
}

static bool reserve(struct body_budget *budget, size_t n)
{
	const int64_t used = atomic_fetch_add(&budget->used, (int64_t)n) + (int64_t)n;

	if (budget->max == 0 || used <= budget->max)
		return true;
	atomic_fetch_sub(&budget->used, (int64_t)n);
	return false;
}

static bool make_room(struct body *b, size_t n)
{
	size_t cap = b->cap;

	while (b->len + n + 1 > cap)
		cap *= 2;
	return (b->data != NULL && cap == b->cap) || resize(b, cap);
}

bool body_add(struct body *b, const char *data, size_t n)
{
	if (!reserve(b->budget, n)) {
		body_close(b, true);
		return false;
	}
	if (!make_room(b, n)) {
		atomic_fetch_sub(&b->budget->used, (int64_t)n);
		body_close(b, true);
		return false;
	}
	memcpy(b->data + b->len, data, n);
	b->len += n;
	b->data[b->len] = '\0';
	return true;
}

void body_close(struct body *b, bool wipe)
{
	if (b->data != NULL && wipe)
		bytes_wipe(b->data, b->len);
	if (b->mapped)
		(void)munmap(b->data, b->cap);
	else
		free(b->data);
	if (b->budget != NULL)
		atomic_fetch_sub(&b->budget->used, (int64_t)b->len);
	*b = (struct body){ 0 };
}
