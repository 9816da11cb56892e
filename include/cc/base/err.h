/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_BASE_ERR_H
#define CC_BASE_ERR_H

#define MUST_USE __attribute__((warn_unused_result))

/*
 * Every error the API can answer: symbol, HTTP status, wire code, meaning.
 * The enum, the wire, the OpenAPI document and docs/errors.md come from this list.
 */
#define ERR_LIST(X) \
	X(NONE, 200, "", "no error") \
	X(INVALID_REQUEST, 400, "invalid_request", "the request is not well-formed") \
	X(SIGNATURE, 400, "bad_signature", "the signature of the event does not fit, or is too old") \
	X(TENANT_REQUIRED, 400, "tenant_required", "an operator credential must name the tenant") \
	X(TENANT_INVALID, 400, "tenant_context_invalid", \
		  "a source of the tenant is empty, repeated or malformed") \
	X(TENANT_CONFLICT, 400, "tenant_context_conflict", \
		  "the sources of the tenant name different tenants") \
	X(UNAUTHORIZED, 401, "unauthorized", "no valid credential was presented") \
	X(INVALID_TOKEN, 401, "invalid_token", "the token is not valid here") \
	X(KEY_EXPIRED, 401, "key_expired", "the API key has expired") \
	X(KEY_REVOKED, 401, "key_revoked", "the API key was revoked") \
	X(PAYMENT_DECLINED, 402, "payment_declined", "the payment method was declined") \
	X(PAYMENT_REQUIRED, 402, "payment_method_required", \
		  "a plan that costs something needs a payment method first") \
	X(TENANT_DENIED, 403, "tenant_access_denied", "the credential does not belong to this tenant") \
	X(SCOPE, 403, "insufficient_scope", "the credential lacks a scope that the operation needs") \
	X(SCOPE_GRANT, 403, "scope_not_grantable", "a key can grant only scopes that its creator holds") \
	X(TENANT_SUSPENDED, 403, "tenant_suspended", "the tenant is suspended") \
	X(PAYMENT_OVERDUE, 403, "payment_overdue", \
		  "the subscription is not paid: until it is nothing can be added, nor the plan changed") \
	X(ADDRESS, 403, "address_not_allowed", "the API key is not taken from this address") \
	X(HTTPS_REQUIRED, 403, "https_required", "this is asked over https only") \
	X(ENVIRONMENT, 403, "environment_mismatch", \
		  "the API key belongs to bouncers of the other environment") \
	X(QUOTA, 403, "quota_exceeded", "the limit of this kind of object is reached") \
	X(OPERATOR_HOST, 403, "operator_key_refused", \
		  "operator credentials are not accepted on tenant hosts") \
	X(TENANT_NOT_FOUND, 404, "tenant_not_found", "no such tenant") \
	X(NOT_FOUND, 404, "resource_not_found", "no such object") \
	X(ROUTE_NOT_FOUND, 404, "not_found", "no such path") \
	X(METHOD, 405, "method_not_allowed", "the path does not take this method; see Allow") \
	X(NOT_ACCEPTABLE, 406, "not_acceptable", "the answer has none of the media types that Accept names") \
	X(CONFLICT, 409, "conflict", "the object is in a state that does not allow this") \
	X(NAME_TAKEN, 409, "name_taken", "another object has this name") \
	X(BOUNCER_TAKEN, 409, "bouncer_id_taken", "a bouncer of the other environment calls itself so") \
	X(DOMAIN_TAKEN, 409, "domain_taken", "a tenant has this domain already") \
	X(DOMAIN_ELSEWHERE, 409, "domain_active_elsewhere", \
		  "another tenant has proven that the domain is its own") \
	X(NOT_VERIFIED, 409, "verification_failed", \
		  "the DNS does not prove that the domain is the tenant's; see details") \
	X(DOMAIN_DEFAULT, 409, "default_domain", "the tenant's default domain cannot go") \
	X(DOMAIN_INACTIVE, 409, "not_active", "the domain is not verified, or has no certificate") \
	X(SLUG_TAKEN, 409, "slug_taken", "another tenant has this name in its domain") \
	X(EMAIL_TAKEN, 409, "email_taken", "another user has this e-mail address") \
	X(LAST_ADMIN, 409, "last_admin", "the tenant's last administrator cannot go") \
	X(IN_USE, 409, "in_use", "other objects refer to this one") \
	X(BELOW_USAGE, 409, "below_current_usage", "the limit is lower than what is in use") \
	X(ALREADY_SUSPENDED, 409, "already_suspended", "the tenant is suspended already") \
	X(NOT_SUSPENDED, 409, "not_suspended", "the tenant is not suspended") \
	X(NOT_DELETED, 409, "not_deleted", "the object is not deleted") \
	X(LAST_ADMIN_KEY, 409, "last_admin_key", "the tenant's last key that can manage keys cannot go") \
	X(ALREADY_ROTATED, 409, "already_rotated", "the API key has a successor already") \
	X(IDEM_RUNNING, 409, "idempotency_in_progress", \
		  "a request with this Idempotency-Key is still running; retry in a moment") \
	X(IN_REGION, 409, "already_in_region", "the tenant lives in this region already") \
	X(HAS_DATA, 409, "has_data", \
		  "the tenant has data that would be left behind; say discard_data, or migrate it") \
	X(NOT_CANCELLABLE, 409, "not_cancellable", "the operation is over, or cannot be stopped any more") \
	X(PRODUCTION_IMMUTABLE, 409, "production_immutable", "production policies change by promotion only") \
	X(TESTS_FAILED, 409, "tests_failed", \
		  "the policy's test cases did not pass, or the tenant requires them and they did not run") \
	X(TENANT_GONE, 410, "tenant_deleted", \
		  "the tenant is deleted; it can be restored until its undo window ends") \
	X(BOUNCER_DELETED, 410, "bouncer_deleted", "the bouncer is deleted: it has to be registered anew") \
	X(UNDO_OVER, 410, "undo_window_over", "the undo window of the deletion is over") \
	X(PRECONDITION, 412, "precondition_failed", \
		  "the object is not in the state that If-Match or If-None-Match names; see the ETag") \
	X(TOO_LARGE, 413, "payload_too_large", "the body is larger than the operation takes") \
	X(URI_TOO_LONG, 414, "uri_too_long", "the request target is too long") \
	X(MEDIA_TYPE, 415, "unsupported_media_type", "bodies are application/json") \
	X(MISDIRECTED, 421, "misdirected_request", \
		  "the host is not served here, or not over this TLS connection") \
	X(VALIDATION, 422, "validation_error", "one or more fields are not valid; see details") \
	X(REGO_INVALID, 422, "rego_invalid", "the Rego source has syntax faults; see details") \
	X(PAYMENT_METHOD, 422, "payment_method_invalid", "the payment method cannot be used") \
	X(OPERATION_RUNNING, 423, "operation_in_progress", \
		  "an operation on the tenant is under way that excludes this one; see operation_id") \
	X(PRECONDITION_REQUIRED, 428, "precondition_required", \
		  "the tenant's setting require_if_match wants an If-Match header") \
	X(IDEM_REUSED, 422, "idempotency_key_reused", \
		  "the Idempotency-Key was used for another request") \
	X(RATE_LIMITED, 429, "rate_limit_exceeded", "too many requests; see retry_after") \
	X(HEADERS_TOO_LARGE, 431, "headers_too_large", "the header section is too large") \
	X(INTERNAL, 500, "internal_error", "the server failed; quote the request_id") \
	X(KEK_MISSING, 501, "certificates_not_configured", \
		  "this service has no key to seal private keys with, so it keeps none") \
	X(STORE_MISSING, 501, "object_store_not_configured", "no store of objects is configured") \
	X(ENGINE_MISSING, 501, "policy_engine_not_configured", "no policy engine is configured") \
	X(BILLING_PROVIDER, 502, "billing_provider_error", \
		  "the billing provider does not answer, or refuses the service") \
	X(ENGINE_DOWN, 503, "policy_engine_unavailable", "the policy engine cannot be used; retry") \
	X(REQUEST_LATE, 408, "request_timeout", "the request did not arrive in time") \
	X(HTTP_VERSION, 505, "http_version_not_supported", "HTTP/1.0 and HTTP/1.1 are spoken here") \
	X(ENGINE_LATE, 408, "evaluation_budget_exceeded", "the policy engine did not answer in time") \
	X(UNAVAILABLE, 503, "service_unavailable", "a part of the service cannot be reached; retry") \
	X(REGION_DOWN, 503, "region_unavailable", "the region does not answer; retry") \
	X(OVERLOADED, 503, "overloaded", "the server is at its capacity; retry") \
	X(TENANT_MOVING, 503, "tenant_moving", "the tenant is being moved; retry in a moment") \
	X(TENANT_MIGRATING, 503, "tenant_migrating", "the tenant's schema is being upgraded; retry") \
	X(TENANT_PROVISIONING, 503, "tenant_provisioning", "the tenant is being created; retry") \
	/* never answered to a client; RETRY is the first of them: */ \
	X(RETRY, 500, "retry", "internal: run the unit of work again") \
	X(NEED_LOAD, 500, "need_load", "internal: not decidable from memory; a worker must load") \
	X(LOCK_WAIT, 500, "lock_wait", "internal: a lock was not given in time") \
	X(REPLAY, 500, "replay", "internal: the answer was given before and is repeated") \
	X(DRY_RUN, 500, "dry_run", "internal: all went well and is to be rolled back")

enum err {
#define X(sym, status, code, meaning) ERR_##sym,
	ERR_LIST(X)
#undef X
	ERR_COUNT
};

struct err_info {
	int status;             /* HTTP status */
	const char *code;       /* the "error" member */
	const char *meaning;    /* one sentence for the documents */
};

const struct err_info *err_info(enum err e);    /* never NULL; any thread */
/* One of those that are never answered to a client. */
#define err_is_internal(e) ((e) >= ERR_RETRY)

/* For floors that own nothing (api, jobs, core): hand a failure upwards. */
#define TRY(expr) \
	do { \
		enum err try_e_ = (expr); \
		if (try_e_ != ERR_NONE) \
			return try_e_; \
	} while (0)

#endif
