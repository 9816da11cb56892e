/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_BASE_LOG_H
#define CC_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

/*
 * JSON lines through one writer thread and a bounded ring: logging never blocks the caller;
 * what does not fit is counted and the count is logged when there is room again. Values are
 * escaped; where systemd's journal reads them ($JOURNAL_STREAM), each line begins with its priority,
 * <3> to <7>. Callers never pass secrets (floors below http, jobs and daemon do not log above debug).
 */
enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

struct log_field {
	const char *key;
	const char *text;       /* NULL: the field is left out */
	int64_t number;
	bool is_number;         /* then that is the value */
};
#define LOG_TEXT(k, v) { .key = (k), .text = (v) }
#define LOG_INT(k, v) { .key = (k), .number = (v), .is_number = true }

bool log_start(int fd, enum log_level level);   /* starts the writer thread */
void log_stop(void);                            /* writes what is queued, joins the thread */
void log_flush(int ms);                         /* waits until it is written, so long at most; any thread */
void log_set_level(enum log_level level);       /* any thread */
bool log_parse_level(const char *s, enum log_level *ret);

/* Systemd's journal reads what is written there. */
bool log_reaches_journal(int fd);

/* Lines that found no room since the start. Any thread. */
int64_t log_dropped(void);

/* One line: ts, level, msg, then the fields. Any thread. */
void log_event(enum log_level level, const char *msg, const struct log_field *fields, int n);
#define LOG(level, msg, ...) \
	log_event((level), (msg), (const struct log_field[]){ __VA_ARGS__ }, \
		  (int)(sizeof((const struct log_field[]){ __VA_ARGS__ }) / sizeof(struct log_field)))
#define LOG0(level, msg) log_event((level), (msg), 0, 0)

#endif
