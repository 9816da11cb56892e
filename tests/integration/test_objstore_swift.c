/* SPDX-License-Identifier: Apache-2.0 */
/* Objects in OpenStack Swift, through its s3api. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "s3_story.h"

int main(void)
{
	return s3_stories(S3_SWIFT, NULL, 0);
}
