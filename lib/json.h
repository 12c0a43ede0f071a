/*
 * Everything that is JSON and not the hot path, through libjq: this module
 * is the only user of jv.h and jq.h.  Token and REST answers, state files,
 * and jq programs that map one JSON text to others.
 *
 * jv's consume-on-call ownership never leaves json.c.
 */
#ifndef GC_JSON_H
#define GC_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/die.h"

/* Wanted fields of one object, as a table. */
enum json_kind {
	JSON_STRING,		/* char *: yours, free it; NULL if absent,
				 * null or of another type */
	JSON_INTEGER,		/* int64_t; untouched if absent or no number */
	JSON_BOOL		/* bool; untouched likewise */
};

struct json_field {
	const char *key;	/* a key of the object, or a path: a.b */
	enum json_kind kind;
	void *target;
	bool *seen;		/* NULL, or set to: present with that type */
};

/*
 * Read text, one JSON object; -1 with GC_EX_DATAERR if it is none.  Strings
 * with a NUL in them count as absent: they could only mislead.
 */
int json_read(const char *text, size_t len, const struct json_field *fields,
    size_t count, struct err *e);

/* A compiled jq program. */
struct json_program;

/* args: NULL, or NAME, VALUE, NAME, VALUE, …, NULL: $NAME is that string. */
struct json_program *json_program_new(const char *source,
    const char *const *args, struct err *e);
void json_program_free(struct json_program *p);

/*
 * Run it on one JSON text.  Each output is added to out as one compact
 * line, with its '\n'.  -1 with GC_EX_DATAERR and jq's message if the input
 * is no JSON or the program fails on it; out may then hold what came first.
 */
int json_program_run(struct json_program *p, const char *text, size_t len,
    struct buf *out, struct err *e);

/* libjq's verdict on a text: is it one JSON value?  The compact form is
 * added to out where that is not NULL. */
int json_compact(const char *text, size_t len, struct buf *out);

#endif
