/* SPDX-License-Identifier: Apache-2.0 */
/* What the tables do not say of the API, for its documents. */
#include "cc/api/api.h"

static const char about[] =
	"Tenants with a database schema, domains, regions, keys and a plan of their own.\n\n"
	"**Credentials.** `Authorization: Bearer <API key or token>`, or `X-API-Key: <API key>`. A tenant's "
	"key says which tenant is meant; with an operator's key `X-Tenant-ID` or the path does.\n\n"
	"**Refusals** have one body: `error` is a word for programs, `message` a sentence for people, "
	"`details` names every field that is not valid.\n\n"
	"**Safe to repeat.** Every write takes an `Idempotency-Key`, and `dry_run=true`, which makes all "
	"checks and writes nothing.\n\n"
	"**Conditions.** Objects and lists have a strong `ETag`; writes honour `If-Match`, reads "
	"`If-None-Match`.\n\n"
	"**Lists** come in pages: `next_cursor` of one is `cursor` of the next, and `Link` has its "
	"address.\n\n"
	"`HEAD` works wherever `GET` does; `OPTIONS` names the methods of a path.";

static const struct reference_word tags[] = {
	{ "Tenants", "Customers of the platform: who they are, their plan, their life.", NULL },
	{ "Domains", "The names that a tenant is reached by, and how those of its own are proven.", NULL },
	{ "Held names", "Slugs and domains that tenants had until lately: nobody else can have them yet.",
	  NULL },
	{ "Deployments", "Where a tenant lives, and moving it to another region while it works.", NULL },
	{ "Billing", "Plans, what a tenant pays for, and its invoices.", NULL },
	{ "Alerts", "What a tenant should know of: raised, and resolved, by itself.", NULL },
	{ "Usage", "What a tenant has and does, and the ledger that its bill is a sum of.", NULL },
	{ "Operations", "Work that takes longer than a request: how far it came, and taking it back.",
	  NULL },
	{ "API keys", "The keys of a tenant's programs.", NULL },
	{ "Authentication", "Who may sign tokens for a tenant's people, and what a credential is good for.",
	  NULL },
	{ "Policies", "Rules in Rego, made in the sandbox, with what they protect and their test cases.",
	  NULL },
	{ "Policy versions", "Every save of a policy, compared and brought back.", NULL },
	{ "Policy life cycle",
	  "Switching policies on and off, promoting them to production, undoing a deletion.", NULL },
	{ "Resources", "What policies protect.", NULL },
	{ "Bouncers", "What enforces policies.", NULL },
	{ "Bundles", "Policies as bouncers take them: signed, by revision, and there when they change.",
	  NULL },
	{ "Users", "The people of a tenant and their roles.", NULL },
	{ "Audit", "Who changed what, in chains that show when a record is missing or was changed.", NULL },
	{ "Operator keys", "The keys of those who run the platform.", NULL },
	{ "System", "The state of this server, and these documents.", NULL },
	{ .name = NULL },
};

static const struct reference_word params[] = {
	{ "tenant_id", "Id of the tenant, or its slug.", "tenant-acme-ggokv3" },
	{ "domain", "The name, as it is looked up or as people write it.", "policies.acme.com" },
	{ "deployment_id", "Id of the move.", "deploy-4vmq5w3dfj" },
	{ "alert_id", "Id of the alert.", "alert-k3v5x2wq7nfa" },
	{ "name", "The slug or the domain.", "acme" },
	{ "operation_id", "Id of the operation, as Location had it.", "op-4vmq5w3dfj2a" },
	{ "key_id", "Id of the key, not the key.", "key-34sU7EDN1S" },
	{ "environment", "Whose policies: sandbox or production.", "sandbox" },
	{ "owner", "Id of a tenant, whether there is one of it or not.", "tenant-acme-ggokv3" },
	{ "partition", "What the bouncer calls itself: its bouncer_id.", "bouncer-sandbox-api-1" },
	{ "revision", "Of a bundle.", "0f8b1c5a5f0e4d0c8a5f6b7c8d9e0f1a" },
	{ "id", "Id of the object.", "1" },
	{ "n", "Number of the version, from 1.", "1" },
	{ .name = NULL },
};

const struct reference api_reference = {
	.title = "Control Core Pro: Multi-Tenant API",
	.version = CC_VERSION,
	.about = about,
	.groups = api_groups,
	.tags = tags,
	.params = params,
};
