// SPDX-License-Identifier: Apache-2.0
// What a program does with the client that openapi-typescript makes of docs/openapi.json. The compiler checks
// it first (tsc --strict): names, bodies, replies and codes of errors are those of the document.
import assert from "node:assert/strict";
import { test } from "node:test";
import createClient from "openapi-fetch";
import type { components, paths } from "./api.js";

type Problem = components["schemas"]["Problem"];
type Policy = components["schemas"]["Policy"];

function setting(name: string): string {
	const value = process.env[name];

	assert.ok(value, `${name} is not set`);
	return value;
}

const baseUrl = setting("CC_URL");
const bearer = (key: string) => createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${key}` } });
const operator = bearer(setting("CC_OPERATOR_KEY"));
const source = "package app\n\ndefault allow = false\n";

// The reply of a call that must succeed; else the test ends with the problem.
function got<T>(reply: { data?: T; error?: unknown; response: Response }, status: number): T {
	assert.equal(reply.response.status, status, JSON.stringify(reply.error));
	assert.ok(reply.data !== undefined);
	return reply.data;
}

function refused<E extends Problem>(reply: { error?: E; response: Response }, status: number): E {
	assert.equal(reply.response.status, status);
	assert.ok(reply.error !== undefined);
	assert.equal(reply.error.request_id, reply.response.headers.get("X-Request-ID"));
	return reply.error;
}

function etag(reply: { response: Response }): string {
	const tag = reply.response.headers.get("ETag");

	assert.ok(tag);
	return tag;
}

const run = Date.now().toString(36);
let made = 0;

async function tenant(scopes: string[]) {
	made++;
	const t = got(
		await operator.POST("/api/v1/tenants", {
			body: { name: `Typed ${made}`, domain: `typed-${run}-${made}.controlcore.io`, region: "us-east-1", plan_type: "pro" },
		}),
		201,
	);
	const key = got(
		await operator.POST("/api/v1/tenants/{tenant_id}/api-keys", {
			params: { path: { tenant_id: t.id } },
			body: { name: "typed", scopes },
		}),
		201,
	);

	assert.equal(t.status, "active");
	assert.ok(key.key !== undefined);
	assert.match(key.key, /^cc_live_/);
	return { id: t.id, api: bearer(key.key) };
}

const policies = ["policies:read", "policies:write"];

test("a tenant is made, read and changed", async () => {
	const { id } = await tenant(policies);
	const path = { tenant_id: id };
	const read = await operator.GET("/api/v1/tenants/{tenant_id}", { params: { path } });
	const t = got(read, 200);
	const changed = got(
		await operator.PATCH("/api/v1/tenants/{tenant_id}", {
			params: { path, header: { "If-Match": etag(read) } },
			body: { name: "Renamed" },
		}),
		200,
	);

	assert.equal(t.limits.policies_used, 0);
	assert.equal(changed.name, "Renamed");
	assert.equal(changed.domain, t.domain);
});

test("keys are listed without the key, and revoked", async () => {
	const { id, api } = await tenant(policies);
	const path = { tenant_id: id };
	const list = got(await operator.GET("/api/v1/tenants/{tenant_id}/api-keys", { params: { path } }), 200);
	const key = list.api_keys.find((k) => k.name === "typed");

	assert.ok(key);
	assert.ok(!("key" in key));
	got(await api.GET("/api/v1/policies"), 200);
	got(
		await operator.DELETE("/api/v1/tenants/{tenant_id}/api-keys/{key_id}", {
			params: { path: { ...path, key_id: key.id } },
		}),
		200,
	);
	const problem = refused(await api.GET("/api/v1/policies"), 401);

	assert.equal(problem.error, "key_revoked");
});

test("of two writers with one ETag the second is refused", async () => {
	const { api } = await tenant(policies);
	const created = await api.POST("/api/v1/policies", { body: { name: "Tagged", rego_code: source } });
	const path = { id: String(got(created, 201).id) };
	const first = await api.PUT("/api/v1/policies/{id}", {
		params: { path, header: { "If-Match": etag(created) } },
		body: { name: "Tagged", rego_code: source, description: "first" },
	});
	const second = await api.PATCH("/api/v1/policies/{id}", {
		params: { path, header: { "If-Match": etag(created) } },
		body: { description: "second" },
	});
	const problem = refused(second, 412);

	assert.equal(got(first, 200).description, "first");
	assert.equal(problem.error, "precondition_failed");
	assert.equal(problem.etag, etag(first));
	assert.equal(etag(second), etag(first));
});

test("what is known already is not sent again", async () => {
	const { api } = await tenant(policies);
	const created = await api.POST("/api/v1/policies", { body: { name: "Cached", rego_code: source } });
	const path = { id: String(got(created, 201).id) };
	const read = await api.GET("/api/v1/policies/{id}", { params: { path } });
	const again = await api.GET("/api/v1/policies/{id}", {
		params: { path, header: { "If-None-Match": etag(read) } },
	});

	assert.equal(got(read, 200).rego_code, source);
	assert.equal(again.response.status, 304);
});

test("a list is read page by page, nothing twice and nothing left out", async () => {
	const { api } = await tenant(policies);
	const names = Array.from({ length: 7 }, (_, i) => `Page ${i}`);
	const seen: Policy["name"][] = [];
	let cursor: string | undefined;
	let pages = 0;

	for (const name of names)
		got(await api.POST("/api/v1/policies", { body: { name, rego_code: source } }), 201);
	do {
		const page = got(
			await api.GET("/api/v1/policies", { params: { query: { limit: 3, sort: "name", cursor } } }),
			200,
		);

		assert.equal(page.total, names.length);
		seen.push(...page.policies.map((p) => p.name));
		cursor = page.next_cursor ?? undefined;
		pages++;
	} while (cursor !== undefined);
	assert.equal(pages, 3);
	assert.deepEqual(seen, names);
});

test("a repeated request has its effect once", async () => {
	const { api } = await tenant(policies);
	const request = {
		params: { header: { "Idempotency-Key": "typed-1" } },
		body: { name: "Once", rego_code: source },
	};
	const first = await api.POST("/api/v1/policies", request);
	const again = await api.POST("/api/v1/policies", request);
	const other = await api.POST("/api/v1/policies", { ...request, body: { ...request.body, name: "Other" } });

	assert.deepEqual(got(again, 201), got(first, 201));
	assert.equal(again.response.headers.get("Idempotent-Replayed"), "true");
	assert.equal(refused(other, 422).error, "idempotency_key_reused");
});

test("a dry run tells and writes nothing", async () => {
	const { api } = await tenant(policies);
	const trial = await api.POST("/api/v1/policies", {
		params: { query: { dry_run: true } },
		body: { name: "Tried", rego_code: source },
	});

	assert.equal(got(trial, 200).name, "Tried");
	assert.equal(got(await api.GET("/api/v1/policies"), 200).total, 0);
});

test("errors are told apart by their codes", async () => {
	const { api } = await tenant(policies);
	const faulty = refused(await api.POST("/api/v1/policies", { body: { name: "", rego_code: "package" } }), 422);
	const missing = refused(await api.GET("/api/v1/policies/{id}", { params: { path: { id: "999999" } } }), 404);
	const forbidden = refused(await api.GET("/api/v1/resources"), 403);

	// The compiler knows every code that each operation can give: one of another would not compile.
	switch (faulty.error) {
	case "validation_error":
	case "rego_invalid":
		break;
	default:
		assert.fail(faulty.error);
	}
	assert.ok(faulty.details?.some((d) => d.field === "name"));
	assert.equal(missing.error, "resource_not_found");
	assert.equal(forbidden.error, "insufficient_scope");
});

test("a deletion is an operation that can be cancelled", async () => {
	const { id } = await tenant(policies);
	const path = { tenant_id: id };
	const deleted = await operator.DELETE("/api/v1/tenants/{tenant_id}", { params: { path } });
	const where = deleted.response.headers.get("Location");

	got(deleted, 202);
	assert.ok(where);
	const operation_id = where.slice(where.lastIndexOf("/") + 1);
	const running = got(await operator.GET("/api/v1/operations/{operation_id}", { params: { path: { operation_id } } }), 200);
	assert.equal(running.status, "running");
	got(await operator.POST("/api/v1/operations/{operation_id}/cancel", { params: { path: { operation_id } } }), 202);
	assert.equal(got(await operator.GET("/api/v1/tenants/{tenant_id}", { params: { path } }), 200).status, "active");
});
