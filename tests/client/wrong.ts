// SPDX-License-Identifier: Apache-2.0
// What the compiler must refuse, line by line, if the generated types say anything.
import createClient from "openapi-fetch";
import type { paths } from "./api.js";

const api = createClient<paths>({ baseUrl: "" });

// @ts-expect-error: there is no such path
await api.GET("/api/v1/nothing");
// @ts-expect-error: the path does not take this method
await api.DELETE("/api/v1/policies");
// @ts-expect-error: rego_code is required
await api.POST("/api/v1/policies", { body: { name: "a" } });
// @ts-expect-error: PUT wants what must be there as well
await api.PUT("/api/v1/policies/{id}", { params: { path: { id: "1" } }, body: { description: "a" } });
// @ts-expect-error: the path has a parameter
await api.GET("/api/v1/policies/{id}");
// @ts-expect-error: no value of the field
await api.POST("/api/v1/policies", { body: { name: "a", rego_code: "package a", status: "on" } });
const { error } = await api.GET("/api/v1/policies/{id}", { params: { path: { id: "1" } } });
// @ts-expect-error: the operation has no such error
if (error?.error === "name_taken") process.exit(1);
