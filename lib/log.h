/*
 * What people are told, on stderr.
 *
 * One message is one write(2) of one line: `gc-dedup: stdin:42: not a JSON
 * object`, or with LOG_JSON an object {"at","level","tool","msg"}.  Control
 * bytes are shown as `?`, so that remote text cannot move a terminal's
 * cursor or forge a line; so is what is not UTF-8, for JSON must be.  No
 * time stamps in text form: the supervisor adds them.  Never pass a secret
 * in.  The only global state of lib/.
 */
#ifndef GC_LOG_H
#define GC_LOG_H

#include "lib/die.h"

enum log_level { LOG_ERR, LOG_WARNING, LOG_NOTE, LOG_DETAIL };
enum log_form { LOG_TEXT, LOG_JSON };

/* name: the tool's, borrowed for ever.  Default level: LOG_WARNING. */
void log_open(const char *name);
void log_set(enum log_level level, enum log_form form);
enum log_level log_get_level(void);
enum log_form log_get_form(void);
const char *log_get_name(void);

/* Shown always; by default; with -v; with -vv. */
void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_detail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Write one line to stderr as it is (status lines); adds the newline. */
void log_raw(const char *line, size_t len);

/* What is written before each message and line, in the same write: it clears
 * what stands on the terminal there.  Borrowed; NULL: nothing. */
void log_lead(const char *bytes);

/* Say it and end with that code: for cmd/ only. */
_Noreturn void die(int code, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
_Noreturn void die_err(const struct err *e);

#endif
