/* SPDX-License-Identifier: Apache-2.0 */
#include "settings_parts.h"

#define T struct store_conf
static const struct field store_fields[] = {
	S_TEXT(T, folder, 1, 4096, check_path, NULL,
		"A folder of this machine alone, where objects lie as files: for a single node. Without it "
		"and "
		"without an endpoint there is no store, and no bundles of policies are made."),
	S_TEXT(T, endpoint, 1, 2000, check_engine, NULL,
		"An S3 server, instead of a folder: https:// and its host, without the bucket."),
	S_TEXT(T, region, 1, 64, NULL, "us-east-1", "What it calls its region; part of every signature."),
	S_TEXT(T, bucket, 3, 63, check_host_name, NULL, "The bucket, which is there and has no other use."),
	S_SECRET(T, access_key, 0, 1, 256, NULL, "The id of the key that requests are signed with."),
	S_SECRET(T, secret_key, 0, 1, 512, NULL, "The key itself; it never leaves this machine."),
	S_BOOL(T, path_style, "true",
		"The bucket stands in the path; false: in front of the host, which the server's certificate "
		"must hold then."),
	S_INT(T, attempt_ms, 100, 300000, "20000",
		"How long one request may take until it is tried again, in ms."),
	S_INT(T, bundles_mib, 0, 65536, "64",
		"Memory for bundles of policies that are sent again and again, in MiB."),
};
#undef T
SCHEMA(store_conf_schema, struct store_conf, "store", store_fields);
