/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens of people, and who may sign them. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "minter.h"
#include "story.h"

/* What passes ---------------------------------------------------------------------------------------- */

static void each_algorithm_is_verified(void **state)
{
	struct story *s = *state;

	trust(s);
	for (int key = RSA; key <= ED; key++) {
		struct client *c = bearer(s, good_token(s, key, ",\"roles\":[\"Viewer\",\"cook\"]"));
		const struct answer *a = assert_status(200, client_get(c, "/whoami"));

		assert_text("user", a, "credential.kind");
		assert_text("user-7", a, "credential.id");
		assert_text(ISS, a, "credential.issuer");
		assert_text(s->t.id, a, "tenant.id");
		assert_text("credential", a, "resolved_from[0].source");
		assert_status(200, client_get(c, "/policies"));
		assert_error(
			403, "insufficient_scope", client_post(c, "/resources", "{'name':'r','type':'api'}"));
		client_close(c);
	}
}

static void scopes_and_roles_of_a_token_add_up(void **state)
{
	struct story *s = *state;
	struct client *c;
	const struct answer *a;

	trust(s);
	c = bearer(s, good_token(s, EC,
			      ",\"scope\":\"openid resources:write platform:tenants\",\"email\":"
			      "\"ann@acme.com\",\"name\":\"Ann\",\"roles\":\"Viewer\""));
	assert_status(201, client_post(c, "/resources", "{'name':'r','type':'api'}"));
	assert_string_equal("user-7", story_value(s, "SELECT created_by FROM resources"));
	assert_string_equal(
		"user", story_value(s, "SELECT actor_kind FROM audit WHERE object_type = 'resource'"));
	assert_status(403, client_post(c, "/tenants", "{}"));
	a = assert_status(200, client_get(c, "/auth/me"));
	assert_text("ann@acme.com", a, "email");
	assert_text("Ann", a, "username");
	assert_text("Viewer", a, "roles[0]");
	assert_null(strstr(a->body, "platform:"));
	assert_status(201, client_post(s->c, "/users",
				   "{'email':'Ann@acme.com','username':'Ann "
				   "B.','roles':['Viewer'],'department':'Risk'}"));
	a = assert_status(200, client_get(c, "/auth/me"));
	assert_text("Ann B.", a, "username");
	assert_text("Risk", a, "department");
	client_close(c);
}

static void a_key_can_be_asked_about_as_well(void **state)
{
	struct story *s = *state;
	const struct answer *a = assert_status(200, client_get(s->c, "/auth/validate"));

	assert_true(json_is_true(answer_at(a, "valid")));
	assert_text(s->t.id, a, "tenant_id");
	assert_text("api_key", a, "credential.kind");
	client_tenant(s->c, s->t.slug);
	a = assert_status(200, client_get(s->c, "/whoami?tenant_id=%s", s->t.id));
	assert_int_equal(3, answer_count(a, "resolved_from"));
	assert_text("header", a, "resolved_from[1].source");
	assert_text(s->t.slug, a, "resolved_from[1].value");
	assert_text("query", a, "resolved_from[2].source");
	assert_true(answer_int(a, "limits.tenant.limit") > 0);
	assert_true(answer_null(assert_status(200, client_get(s->c, "/auth/me")), "email"));
	/* An operator is somebody without a tenant, too. */
	a = assert_status(200, client_get(s->operator, "/whoami"));
	assert_text("operator", a, "credential.kind");
	assert_true(answer_null(a, "tenant.id"));
	assert_true(answer_null(a, "limits.tenant.limit"));
	assert_status(200, client_get(s->operator, "/auth/me"));
	assert_error(400, "tenant_required", client_get(s->operator, "/auth/validate"));
}

/* The token of a person ends in minutes; the key that it asks for need not. */
static void people_make_keys_that_last(void **state)
{
	struct story *s = *state;
	const struct answer *a;
	struct client *c;
	char path[160];

	trust(s);
	c = bearer(s, good_token(s, EC, ",\"scope\":\"api_keys:write policies:read\""));
	(void)snprintf(path, sizeof(path), "/tenants/%s/api-keys", s->t.id);
	a = assert_status(201, client_post(c, path, "{'name':'n','scopes':['policies:read']}"));
	assert_true(answer_null(a, "expires_at"));
	(void)snprintf(path, sizeof(path), "/tenants/%s/api-keys/%s/rotate", s->t.id, answer_text(a, "id"));
	a = assert_status(201, client_post(c, path, "{'expires_at':'2036-01-01T00:00:00Z'}"));
	assert_text("2036-01-01T00:00:00Z", a, "expires_at");
	client_key(c, answer_text(a, "key"));
	assert_status(200, client_get(c, "/policies"));
	client_close(c);
}

static void a_claim_may_have_another_name(void **state)
{
	struct story *s = *state;
	char *jwks = jwks_of(RSA, ED);
	char *body = text("{\"issuers\":[{\"issuer\":\"" ISS "\",\"audience\":\"" AUD "\",\"jwks\":%s,"
			  "\"algorithms\":[\"ES256\"],\"tenant_claim\":\"org\",\"roles_claim\":\"groups\"}]}",
		jwks);
	char *header = header_of(EC);
	char *claims = text("{\"iss\":\"" ISS "\",\"aud\":[\"x\",\"" AUD "\"],\"sub\":\"u\",\"exp\":%" PRId64
			    ",\"org\":\"%s\",\"groups\":[\"Viewer\"]}",
		(int64_t)time(NULL) + 60, s->t.slug);
	struct tenant_fixture other;
	struct client *c;

	assert_status(200, set_issuers(s, s->operator, body));
	c = bearer(s, signer_token(signers[EC], header, claims));
	assert_error(401, "invalid_token", client_get(c, "/policies"));
	client_tenant(c, s->t.id);
	assert_status(200, client_get(c, "/policies"));
	/* That it was good for one tenant makes it good for no other. */
	fixture_tenant(s->d, "elsewhere", NULL, NULL, NULL, &other);
	client_tenant(c, other.id);
	assert_error(401, "invalid_token", client_get(c, "/policies"));
	client_tenant(c, NULL);
	assert_error(401, "invalid_token", client_get(c, "/policies"));
	client_tenant(c, s->t.id);
	assert_status(200, client_get(c, "/policies"));
	client_close(c);
	free(jwks);
	free(body);
	free(header);
	free(claims);
}

static void an_issuer_that_is_removed_is_forgotten(void **state)
{
	struct story *s = *state;
	struct client *c;

	trust(s);
	c = bearer(s, good_token(s, ED, ",\"roles\":[\"Viewer\"]"));
	assert_status(200, client_get(c, "/policies"));
	assert_status(200, set_issuers(s, s->operator, "{\"issuers\":[]}"));
	assert_error(401, "invalid_token", client_get(c, "/policies"));
	client_close(c);
}

static void a_tenants_issuer_speaks_for_it_alone(void **state)
{
	struct story *s = *state;
	struct tenant_fixture other;
	char *header = header_of(EC), *claims;
	struct client *c;

	trust(s);
	fixture_tenant(s->d, "victim", NULL, NULL, NULL, &other);
	claims = text("{\"iss\":\"" ISS "\",\"aud\":\"" AUD "\",\"sub\":\"u\",\"exp\":%" PRId64
		      ",\"tenant_id\":\"%s\",\"roles\":[\"Admin\"]}",
		(int64_t)time(NULL) + 60, other.id);
	c = bearer(s, signer_token(signers[EC], header, claims));
	assert_error(401, "invalid_token", client_get(c, "/policies"));
	client_tenant(c, other.id);
	assert_error(401, "invalid_token", client_get(c, "/policies"));
	client_close(c);
	c = bearer(s, good_token(s, EC, ",\"roles\":[\"Admin\"]"));
	client_tenant(c, other.id);
	assert_error(403, "tenant_access_denied", client_get(c, "/policies"));
	client_close(c);
	free(header);
	free(claims);
}

static void what_is_no_issuer_is_refused(void **state)
{
	struct story *s = *state;
	struct signer *weak = signer_make(SIGNER_RSA_1024, "weak");
	char *jwk = signer_jwk(weak), *source = text("\"jwks\":{\"keys\":[%s]}", jwk),
	     *body = issuers_body(source);
	char *key = fixture_key(s->d, s->t.id, "tenant:read,tenant:write", NULL);
	struct client *c = client_of(s->d, &s->t);
	const struct answer *a;

	assert_fault("issuers[0].jwks", "format", set_issuers(s, s->operator, body));
	free(body);
	body = issuers_body("\"jwks\":{\"keys\":[{\"kty\":\"oct\",\"kid\":\"k\",\"k\":\"AAAA\"}]}");
	assert_fault("issuers[0].jwks", "format", set_issuers(s, s->operator, body));
	free(body);
	body = issuers_body("\"jwks_url\":\"file:///etc/passwd\"");
	assert_status(422, set_issuers(s, s->operator, body));
	free(body);
	a = set_issuers(s, s->operator,
		"{\"issuers\":[{\"issuer\":\"a\",\"audience\":\"b\",\"algorithms\":[\"HS256\"]}]}");
	assert_status(422, a);
	a = set_issuers(s, s->operator,
		"{\"issuers\":[{\"issuer\":\"a\",\"audience\":\"b\",\"algorithms\":[\"RS256\"]}]}");
	assert_fault("issuers[0].jwks_url", "conflict", a);
	client_key(c, key);
	assert_error(403, "scope_not_grantable", set_issuers(s, c, "{\"issuers\":[]}"));
	assert_string_equal(
		"[]", story_control_value(s, "SELECT issuers FROM tenant ORDER BY created_at DESC LIMIT 1"));
	client_close(c);
	free(key);
	free(source);
	free(jwk);
	signer_free(weak);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_algorithm_is_verified, story_open, story_close),
		cmocka_unit_test_setup_teardown(scopes_and_roles_of_a_token_add_up, story_open, story_close),
		cmocka_unit_test_setup_teardown(a_key_can_be_asked_about_as_well, story_open, story_close),
		cmocka_unit_test_setup_teardown(people_make_keys_that_last, story_open, story_close),
		cmocka_unit_test_setup_teardown(a_claim_may_have_another_name, story_open, story_close),
		cmocka_unit_test_setup_teardown(
			an_issuer_that_is_removed_is_forgotten, story_open, story_close),
		cmocka_unit_test_setup_teardown(
			a_tenants_issuer_speaks_for_it_alone, story_open, story_close),
		cmocka_unit_test_setup_teardown(what_is_no_issuer_is_refused, story_open, story_close),
	};

	return cmocka_run_group_tests(tests, minter_start, minter_stop);
}
