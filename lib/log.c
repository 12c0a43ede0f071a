#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "lib/str.h"

#define LOG_MAX 2048		/* longer messages are cut */

static const char *log_name = "gc-tools";
static enum log_level log_level = LOG_WARNING;
static enum log_form log_form = LOG_TEXT;
static const char *lead = "";

static const char *const level_names[] = {
	[LOG_ERR] = "error", [LOG_WARNING] = "warning",
	[LOG_NOTE] = "note", [LOG_DETAIL] = "detail"
};

void
log_open(const char *name)
{
	log_name = name;
}

void
log_set(enum log_level level, enum log_form form)
{
	log_level = level;
	log_form = form;
}

enum log_level
log_get_level(void)
{
	return log_level;
}

enum log_form
log_get_form(void)
{
	return log_form;
}

const char *
log_get_name(void)
{
	return log_name;
}

void
log_lead(const char *bytes)
{
	lead = bytes != NULL ? bytes : "";
}

void
log_raw(const char *line, size_t len)
{
	char newline = '\n';
	struct iovec parts[] = {
		{ (void *)(uintptr_t)lead, strlen(lead) },
		{ (void *)(uintptr_t)line, len }, { &newline, 1 }
	};
	ssize_t n;

	while (parts[2].iov_len > 0) {
		n = writev(STDERR_FILENO, parts, 3);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return;	/* nobody is left to be told */
		for (int i = 0; i < 3; i++) {
			size_t used = (size_t)n < parts[i].iov_len ?
			    (size_t)n : parts[i].iov_len;

			parts[i].iov_base = (char *)parts[i].iov_base + used;
			parts[i].iov_len -= used;
			n -= (ssize_t)used;
		}
	}
}

static size_t
quote(char *dst, size_t cap, const char *src)
{
	size_t n = 0;

	for (; *src != '\0' && n + 2 < cap; src++) {
		if (*src == '"' || *src == '\\')
			dst[n++] = '\\';
		dst[n++] = *src;
	}
	dst[n] = '\0';
	return n;
}

/* Control characters, C1's two bytes included, and what is no UTF-8 (a cut
 * character too) become `?`. */
static void
sanitize(char *msg)
{
	size_t len = strlen(msg), n;

	for (size_t i = 0; i < len; i += n) {
		const unsigned char *c = (const unsigned char *)msg + i;

		n = str_utf8_step(msg + i, len - i);
		if (n == 0 || c[0] < 0x20 || c[0] == 0x7f ||
		    (c[0] == 0xc2 && c[1] < 0xa0)) {
			n += n == 0;
			memset(msg + i, '?', n);
		}
	}
}

__attribute__((format(printf, 2, 0)))
static void
log_message(enum log_level level, const char *fmt, va_list ap)
{
	char msg[LOG_MAX], line[2 * LOG_MAX + 256], text[2 * LOG_MAX];
	char at[CLOCK_RFC3339_LEN + 1];
	int n;

	if (level > log_level)
		return;
	vsnprintf(msg, sizeof(msg), fmt, ap);
	sanitize(msg);
	if (log_form == LOG_TEXT) {
		n = snprintf(line, sizeof(line), "%s: %s", log_name, msg);
	} else {
		clock_format_ms(clock_wall_ms(), at);
		quote(text, sizeof(text), msg);
		n = snprintf(line, sizeof(line),
		    "{\"at\":\"%s\",\"level\":\"%s\",\"tool\":\"%s\","
		    "\"msg\":\"%s\"}", at, level_names[level], log_name, text);
	}
	log_raw(line, (size_t)n < sizeof(line) ? (size_t)n : sizeof(line) - 1);
}

#define LOG_FUNCTION(function, level)		\
void						\
function(const char *fmt, ...)			\
{						\
	va_list ap;				\
						\
	va_start(ap, fmt);			\
	log_message(level, fmt, ap);		\
	va_end(ap);				\
}

LOG_FUNCTION(log_error, LOG_ERR)
LOG_FUNCTION(log_warn, LOG_WARNING)
LOG_FUNCTION(log_note, LOG_NOTE)
LOG_FUNCTION(log_detail, LOG_DETAIL)

_Noreturn void
die(int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_message(LOG_ERR, fmt, ap);
	va_end(ap);
	exit(code);
}

_Noreturn void
die_err(const struct err *e)
{
	die(e->code, "%s", e->msg);
}
