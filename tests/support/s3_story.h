/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_TESTS_S3_STORY_H
#define CC_TESTS_S3_STORY_H

#include "objstore_story.h"
#include "s3_peer.h"

/* What stores on S3 servers must do beside the stories of all stores. fx->own: struct s3_stage. */
struct s3_stage {
	struct s3_peer *peer;
	struct http_client *http;
};

int s3_stage_set_up(void **state, enum s3_server which);
int s3_stage_tear_down(void **state);

void a_wrong_secret_is_refused(void **state);
void a_wrong_key_id_is_refused(void **state);
void a_signed_url_is_good_for_itself_alone(void **state);
void what_is_lost_on_the_way_is_sent_again(void **state);
void a_silent_server_is_not_waited_for(void **state);
void memory_is_constant(void **state);

#endif
