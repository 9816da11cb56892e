/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/base/arena.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cc/base/bytes.h"
#include "cc/base/mem.h"

/*
 * Under AddressSanitizer the free part of a block is poisoned and a gap is left behind every
 * object, so overflows and uses after a rewind are found although malloc never sees them.
 */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_ASAN 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define ARENA_ASAN 1
#endif

#ifdef ARENA_ASAN
#include <sanitizer/asan_interface.h>
#define GAP 16
#define POISON(p, n) __asan_poison_memory_region((p), (n))
#define UNPOISON(p, n) __asan_unpoison_memory_region((p), (n))
#else
#define GAP 0
#define POISON(p, n) ((void)(p), (void)(n))
#define UNPOISON(p, n) ((void)(p), (void)(n))
#endif

#define ALIGN alignof(max_align_t)
#define BLOCK_MIN 1024
#define BLOCK_MAX ((size_t)1 << 20)        /* larger objects get a block of their own size */

struct block {
	struct block *prev;
	size_t cap, used;
	alignas(max_align_t) unsigned char data[];
};

struct arena {
	struct block *top;
	size_t next_cap;
	bool secret;
	bool locked, unlocked;          /* its blocks are to be; one of them could not */
};

/* A block for as many pages as it needs at least. */
static struct block *pages_new(struct arena *a, size_t *cap)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE), head = sizeof(struct block);
	const size_t n = (head + *cap + page - 1) / page * page;
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		abort();
	a->unlocked = mlock(p, n) != 0 || a->unlocked;
	(void)madvise(p, n, MADV_DONTDUMP);
	*cap = n - head;
	return p;
}

static struct block *block_new(struct arena *a, size_t cap)
{
	struct block *b;

	if (cap > SIZE_MAX / 2)
		abort();
	b = a->locked ? pages_new(a, &cap) : mem_alloc(1, sizeof(*b) + cap);
	b->prev = a->top;
	b->cap = cap;
	POISON(b->data, cap);
	return b;
}

static void block_free(const struct arena *a, struct block *b)
{
	const size_t n = sizeof(*b) + b->cap;

	UNPOISON(b->data, b->cap);
	if (a->secret)
		bytes_wipe(b->data, b->used);
	if (a->locked)
		(void)munmap(b, n);
	else
		free(b);
}

static void block_cut(struct block *b, size_t used, bool wipe)
{
	UNPOISON(b->data, b->cap);
	if (wipe && b->used > used)
		bytes_wipe(b->data + used, b->used - used);
	b->used = used;
	POISON(b->data + used, b->cap - used);
}

static struct arena *create(size_t first_block, bool locked)
{
	struct arena *a = mem_alloc(1, sizeof(*a));

	if (first_block < BLOCK_MIN)
		first_block = BLOCK_MIN;
	a->locked = a->secret = locked;
	a->top = block_new(a, first_block);
	a->next_cap = first_block;
	return a;
}

struct arena *arena_create(size_t first_block)
{
	return create(first_block, false);
}

struct arena *arena_create_locked(size_t first_block)
{
	return create(first_block, true);
}

bool arena_is_locked(const struct arena *a)
{
	return a->locked && !a->unlocked;
}

void arena_destroy(struct arena *a)
{
	if (a == NULL)
		return;
	while (a->top != NULL) {
		struct block *prev = a->top->prev;

		block_free(a, a->top);
		a->top = prev;
	}
	free(a);
}

/* Doubling keeps the number of blocks small; the limit keeps the waste of the last one small. */
static void arena_grow(struct arena *a, size_t need)
{
	if (a->next_cap < BLOCK_MAX)
		a->next_cap *= 2;
	a->top = block_new(a, need > a->next_cap ? need : a->next_cap);
}

void *arena_alloc(struct arena *a, size_t size)
{
	size_t need;
	unsigned char *p;

	if (size > SIZE_MAX / 2)
		abort();
	need = (size + GAP + ALIGN - 1) / ALIGN * ALIGN;
	if (need > a->top->cap - a->top->used)
		arena_grow(a, need);
	p = a->top->data + a->top->used;
	a->top->used += need;
	UNPOISON(p, size);
	return memset(p, 0, size);
}

void *arena_alloc_array(struct arena *a, size_t n, size_t size)
{
	if (size != 0 && n > SIZE_MAX / size)
		abort();
	return arena_alloc(a, n * size);
}

void *arena_memdup(struct arena *a, const void *p, size_t n)
{
	void *copy = arena_alloc(a, n);

	if (n > 0)
		memcpy(copy, p, n);
	return copy;
}

char *arena_strndup(struct arena *a, const char *s, size_t n)
{
	char *copy;

	if (s == NULL)
		return NULL;
	n = strnlen(s, n);
	copy = arena_alloc(a, n + 1);
	memcpy(copy, s, n);
	return copy;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return s == NULL ? NULL : arena_strndup(a, s, strlen(s));
}

char *arena_vprintf(struct arena *a, const char *fmt, va_list ap)
{
	va_list again;
	char *text;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n < 0)
		abort();
	text = arena_alloc(a, (size_t)n + 1);
	vsnprintf(text, (size_t)n + 1, fmt, ap);
	return text;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = arena_vprintf(a, fmt, ap);
	va_end(ap);
	return text;
}

struct arena_mark arena_mark(const struct arena *a)
{
	return (struct arena_mark){ .block = a->top, .used = a->top->used };
}

void arena_rewind(struct arena *a, struct arena_mark mark)
{
	while (a->top != mark.block) {
		struct block *prev = a->top->prev;

		if (prev == NULL)
			abort();                /* a mark of another arena, or older than a reset */
		block_free(a, a->top);
		a->top = prev;
	}
	block_cut(a->top, mark.used, a->secret);
}

void arena_reset(struct arena *a)
{
	struct block *first = a->top;

	while (first->prev != NULL)
		first = first->prev;
	arena_rewind(a, (struct arena_mark){ .block = first, .used = 0 });
	a->next_cap = first->cap;
	a->secret = a->locked;
}

void arena_hold_secret(struct arena *a)
{
	a->secret = true;
}

size_t arena_bytes(const struct arena *a)
{
	size_t n = 0;

	for (const struct block *b = a->top; b != NULL; b = b->prev)
		n += b->cap;
	return n;
}
