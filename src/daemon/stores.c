/* SPDX-License-Identifier: Apache-2.0 */
#include "stores.h"

bool store_open(struct arena *a, const struct store_conf *c, struct http_client *http, struct objstore **ret,
	const char **ret_error)
{
	*ret = NULL;
	if (c->endpoint != NULL)
		*ret = objstore_s3(http, &(struct s3_conf){ .endpoint = c->endpoint,
						 .region = c->region,
						 .bucket = c->bucket,
						 .access_key = c->access_key,
						 .secret_key = c->secret_key,
						 .path_style = c->path_style,
						 .attempt_ms = (int)c->attempt_ms });
	else if (c->folder != NULL)
		*ret = objstore_folder(a, c->folder, ret_error);
	return *ret != NULL || (c->endpoint == NULL && c->folder == NULL);
}

void store_check(const struct store_conf *c, const char *nowhere, struct config_faults *faults)
{
	if (c->endpoint == NULL)
		return;
	if (c->bucket == NULL)
		config_fault(faults, nowhere, "store.bucket", "is needed beside store.endpoint");
	if (c->access_key == NULL)
		config_fault(faults, nowhere, "store.access_key", "is needed beside store.endpoint");
	if (c->secret_key == NULL)
		config_fault(faults, nowhere, "store.secret_key", "is needed beside store.endpoint");
}
