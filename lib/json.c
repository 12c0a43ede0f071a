#include <jv.h>
#include <jq.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json.h"
#include "lib/str.h"

#define SHOWN_MAX 255		/* bytes of a message of jq's */

struct json_program {
	jq_state *jq;
	char error[SHOWN_MAX + 1];	/* the first that jq reported */
};

/* One JSON value, or an invalid one. */
static jv
parse(const char *text, size_t len)
{
	if (len > INT32_MAX)
		return jv_invalid();
	return jv_parse_sized(text, (int)len);
}

/* The value at a path of keys with dots between; consumes root. */
static jv
lookup(jv root, const char *path)
{
	jv at = root;

	while (*path != '\0') {
		size_t n = strcspn(path, ".");

		if (jv_get_kind(at) != JV_KIND_OBJECT) {
			jv_free(at);
			return jv_invalid();
		}
		at = jv_object_get(at, jv_string_sized(path, (int)n));
		path += n + (path[n] == '.');
	}
	return at;
}

/* Consumes v. */
static bool
store(const struct json_field *f, jv v)
{
	jv_kind kind = jv_get_kind(v);
	bool ok = false;
	double d;

	switch (f->kind) {
	case JSON_STRING: {
		const char *s = kind == JV_KIND_STRING ?
		    jv_string_value(v) : NULL;

		ok = s != NULL && strlen(s) ==
		    (size_t)jv_string_length_bytes(jv_copy(v));
		*(char **)f->target = ok ? xstrdup(s) : NULL;
		break;
	}
	case JSON_INTEGER:
		d = kind == JV_KIND_NUMBER ? jv_number_value(v) : NAN;
		ok = d > -9e15 && d < 9e15;
		if (ok)
			*(int64_t *)f->target = (int64_t)d;
		break;
	case JSON_BOOL:
		ok = kind == JV_KIND_TRUE || kind == JV_KIND_FALSE;
		if (ok)
			*(bool *)f->target = kind == JV_KIND_TRUE;
		break;
	}
	jv_free(v);
	return ok;
}

int
json_read(const char *text, size_t len, const struct json_field *fields,
    size_t count, struct err *e)
{
	jv root = parse(text, len);
	bool ok;

	for (size_t i = 0; i < count; i++)
		if (fields[i].kind == JSON_STRING)
			*(char **)fields[i].target = NULL;
	if (jv_get_kind(root) != JV_KIND_OBJECT) {
		jv_free(root);
		return err_set(e, GC_EX_DATAERR, "not a JSON object");
	}
	for (size_t i = 0; i < count; i++) {
		ok = store(&fields[i], lookup(jv_copy(root), fields[i].key));
		if (fields[i].seen != NULL)
			*fields[i].seen = ok;
	}
	jv_free(root);
	return 0;
}

/* What of the text fits, in whole characters; consumes it. */
static void
show(char out[SHOWN_MAX + 1], jv text)
{
	size_t n = (size_t)jv_string_length_bytes(jv_copy(text));

	if (n > SHOWN_MAX)
		n = SHOWN_MAX;
	memcpy(out, jv_string_value(text), n);
	while (!str_is_utf8(out, n))
		n--;
	out[n] = '\0';
	jv_free(text);
}

static void
on_error(void *arg, jv msg)
{
	struct json_program *p = arg;
	jv text = jq_format_error(msg);

	if (p->error[0] == '\0' && jv_get_kind(text) == JV_KIND_STRING)
		show(p->error, text);
	else
		jv_free(text);
}

/* libjq calls these without looking whether they are there. */
static jv
on_input(jq_state *jq, void *arg)
{
	(void)jq, (void)arg;
	return jv_invalid();
}

static void
on_debug(void *arg, jv msg)
{
	(void)arg;
	jv_free(msg);
}

struct json_program *
json_program_new(const char *source, const char *const *args, struct err *e)
{
	struct json_program *p = xcalloc(1, sizeof(*p));
	jv vars = jv_object();

	p->jq = jq_init();
	if (p->jq == NULL) {
		err_set(e, GC_EX_OSERR, "can't start jq");
		jv_free(vars);
		free(p);
		return NULL;
	}
	for (; args != NULL && args[0] != NULL; args += 2)
		vars = jv_object_set(vars, jv_string(args[0]),
		    jv_string(args[1]));
	jq_set_error_cb(p->jq, on_error, p);
	jq_set_input_cb(p->jq, on_input, NULL);
	jq_set_debug_cb(p->jq, on_debug, NULL);
	/* nor whether there is a list of folders to look in: there is none */
	jq_set_attr(p->jq, jv_string("JQ_LIBRARY_PATH"), jv_array());
	if (!jq_compile_args(p->jq, source, vars)) {
		err_set(e, GC_EX_CONFIG, "jq program: %s",
		    p->error[0] ? p->error : "does not compile");
		json_program_free(p);
		return NULL;
	}
	return p;
}

void
json_program_free(struct json_program *p)
{
	if (p == NULL)
		return;
	jq_teardown(&p->jq);
	free(p);
}

/* Consumes v. */
static int
add_line(struct buf *out, jv v)
{
	jv text = jv_dump_string(v, 0);
	int status = buf_add(out, jv_string_value(text),
	    (size_t)jv_string_length_bytes(jv_copy(text)));

	jv_free(text);
	return status == -1 ? -1 : buf_add(out, "\n", 1);
}

int
json_program_run(struct json_program *p, const char *text, size_t len,
    struct buf *out, struct err *e)
{
	jv input = parse(text, len), v, msg;
	char shown[SHOWN_MAX + 1];
	int status = 0;

	if (!jv_is_valid(input)) {
		jv_free(input);
		return err_set(e, GC_EX_DATAERR, "not JSON");
	}
	p->error[0] = '\0';
	jq_start(p->jq, input, 0);
	while (jv_is_valid(v = jq_next(p->jq)))
		if (status == 0 && add_line(out, v) == -1)
			status = err_set(e, GC_EX_DATAERR,
			    "the jq program's output is too long");
	msg = jv_invalid_get_msg(v);
	if (status == 0 && jv_get_kind(msg) != JV_KIND_NULL) {
		show(shown, jv_get_kind(msg) == JV_KIND_STRING ?
		    jv_copy(msg) : jv_dump_string(jv_copy(msg), 0));
		status = err_set(e, GC_EX_DATAERR, "jq program: %s", shown);
	}
	jv_free(msg);
	return status;
}

int
json_compact(const char *text, size_t len, struct buf *out)
{
	jv v = parse(text, len);
	int status = 0;

	if (!jv_is_valid(v)) {
		jv_free(v);
		return -1;
	}
	if (out == NULL) {
		jv_free(v);
		return 0;
	}
	status = add_line(out, v);
	if (status == 0)
		out->data[--out->len] = '\0';	/* the newline */
	return status;
}
