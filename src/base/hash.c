/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/base/bytes.h"

#include <pthread.h>
#include <stdlib.h>

#include "siphash.h"

uint32_t crc32_of(const void *p, size_t n)
{
	/* A table per nibble: 64 bytes instead of 1 KiB, and quick enough for short texts. */
	static const uint32_t nibble[16] = {
		0x00000000, 0x1DB71064, 0x3B6E20C8, 0x26D930AC, 0x76DC4190, 0x6B6B51F4,
		0x4DB26158, 0x5005713C, 0xEDB88320, 0xF00F9344, 0xD6D6A3E8, 0xCB61B38C,
		0x9B64C2B0, 0x86D3D2D4, 0xA00AE278, 0xBDBDF21C,
	};
	const unsigned char *in = p;
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < n; i++) {
		crc = crc >> 4 ^ nibble[(crc ^ in[i]) & 15];
		crc = crc >> 4 ^ nibble[(crc ^ in[i] >> 4) & 15];
	}
	return ~crc;
}

static uint64_t rotate(uint64_t x, unsigned by)
{
	return x << by | x >> (64 - by);
}

static void sip_rounds(uint64_t v[4], int rounds)
{
	while (rounds-- > 0) {
		v[0] += v[1];
		v[1] = rotate(v[1], 13) ^ v[0];
		v[0] = rotate(v[0], 32);
		v[2] += v[3];
		v[3] = rotate(v[3], 16) ^ v[2];
		v[0] += v[3];
		v[3] = rotate(v[3], 21) ^ v[0];
		v[2] += v[1];
		v[1] = rotate(v[1], 17) ^ v[2];
		v[2] = rotate(v[2], 32);
	}
}

/* Up to 8 bytes, least significant first whatever the machine's order. */
static uint64_t load_le(const unsigned char *p, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v |= (uint64_t)p[i] << (8 * i);
	return v;
}

uint64_t siphash24(const void *p, size_t n, const uint64_t key[2])
{
	const unsigned char *in = p;
	uint64_t v[4] = { key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d,
			  key[0] ^ 0x6c7967656e657261, key[1] ^ 0x7465646279746573 };
	uint64_t word, last = (uint64_t)n << 56;

	for (; n >= 8; n -= 8, in += 8) {
		word = load_le(in, 8);
		v[3] ^= word;
		sip_rounds(v, 2);
		v[0] ^= word;
	}
	last |= load_le(in, n);
	v[3] ^= last;
	sip_rounds(v, 2);
	v[0] ^= last;
	v[2] ^= 0xff;
	sip_rounds(v, 4);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static uint64_t process_key[2];
static pthread_once_t process_key_once = PTHREAD_ONCE_INIT;

static void process_key_draw(void)
{
	if (!random_bytes(process_key, sizeof(process_key)))
		abort();
}

uint64_t hash64_of(const void *p, size_t n, uint64_t seed)
{
	uint64_t key[2];

	pthread_once(&process_key_once, process_key_draw);
	key[0] = process_key[0] ^ seed;
	key[1] = process_key[1];
	return siphash24(p, n, key);
}

uint64_t hash64_fixed(const void *p, size_t n, uint64_t seed)
{
	const uint64_t key[2] = { seed, 0 };

	return siphash24(p, n, key);
}
