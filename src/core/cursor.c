/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/core/cursor.h"

#include <string.h>

#include "cc/base/str.h"
#include "cc/crypto/digest.h"

void cursor_mac(struct arena *a, const struct settings *s, const char *tenant_id, const void *p, size_t n,
		unsigned char ret[CURSOR_MAC_LEN])
{
	unsigned char mac[32];
	struct str text;

	/* API keys are hashed under the same pepper: none of them begins like this. */
	str_init(&text, a, n + 96);
	str_addf(&text, "cursor %s ", tenant_id != NULL ? tenant_id : "");
	str_add_n(&text, p, n);
	hmac_sha256(s->pepper.p, s->pepper.n, text.data, text.len, mac);
	memcpy(ret, mac, CURSOR_MAC_LEN);
}
