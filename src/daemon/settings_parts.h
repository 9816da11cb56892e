/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_DAEMON_SETTINGS_PARTS_H
#define CC_DAEMON_SETTINGS_PARTS_H

#include "config.h"

/* What the tables of settings are written with, and what texts in them must look like. */

#define AT(T, m, ctype) .name = #m, .flags = F_CREATE, .offset = FIELD_AT(T, m, ctype)
#define AT_LIVE(T, m, ctype) .name = #m, .flags = F_CREATE | F_LIVE, .offset = FIELD_AT(T, m, ctype)
#define S_INT(T, m, lo, hi, dflt, d) \
	{ \
		AT(T, m, int64_t), .kind = K_INT, .min = (lo), .max = (hi), .def = (dflt), .doc = (d) \
	}
#define S_LIVE_INT(T, m, lo, hi, dflt, d) \
	{ \
		AT_LIVE(T, m, int64_t), .kind = K_INT, .min = (lo), .max = (hi), .def = (dflt), .doc = (d) \
	}
#define S_BOOL(T, m, dflt, d) \
	{ \
		AT(T, m, bool), .kind = K_BOOL, .def = (dflt), .doc = (d) \
	}
#define S_TEXT(T, m, lo, hi, fn, dflt, d) \
	{ \
		AT(T, m, const char *), .kind = K_TEXT, .min = (lo), .max = (hi), .check = (fn), \
					.def = (dflt), .doc = (d) \
	}
#define S_LIVE_TEXT(T, m, lo, hi, fn, dflt, d) \
	{ \
		AT_LIVE(T, m, const char *), .kind = K_TEXT, .min = (lo), .max = (hi), .check = (fn), \
					     .def = (dflt), .doc = (d) \
	}
#define S_CONNINFO(T, m, d) \
	{ \
		.name = #m, .flags = F_CREATE | F_REQUIRED | F_UNSHOWN, \
		.offset = FIELD_AT(T, m, const char *), .kind = K_TEXT, .min = 1, .max = 2000, \
		.check = check_conninfo, .doc = (d) \
	}
#define S_SECRET(T, m, extra, lo, hi, fn, d) \
	{ \
		.name = #m, .flags = F_CREATE | F_SECRET | (extra), .offset = FIELD_AT(T, m, const char *), \
		.kind = K_TEXT, .min = (lo), .max = (hi), .check = (fn), .doc = (d) \
	}

/* NULL, or what is wrong. */
const char *check_host_name(const char *s);
const char *check_neutral_host(const char *s);
const char *check_address(const char *s);
const char *check_network(const char *s);
const char *check_resolver(const char *s);
const char *check_path(const char *s);
const char *check_kek_id(const char *s);
const char *check_redis(const char *s);
const char *check_engine(const char *s);
const char *check_stripe_key(const char *s);
const char *check_meter(const char *s);
const char *check_conninfo(const char *s);
const char *check_admin_conninfo(const char *s);
const char *check_secret(const char *s);

extern const struct schema tls_conf_schema, admin_conf_schema, store_conf_schema;

#endif
