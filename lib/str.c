#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/str.h"

#define SCHEME_CHARACTERS "abcdefghijklmnopqrstuvwxyz" \
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-."
#define DURATION_MAX_MS (366.0 * 86400e3)

bool
str_starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool
str_ends(const char *s, const char *suffix)
{
	size_t len = strlen(s), want = strlen(suffix);

	return len >= want && strcmp(s + len - want, suffix) == 0;
}

int
str_number(const char *s, uint64_t max, uint64_t *value)
{
	uint64_t v = 0;

	if (*s == '\0')
		return -1;
	for (; *s != '\0'; s++) {
		unsigned digit = (unsigned)(*s - '0');

		if (digit > 9 || v > (UINT64_MAX - digit) / 10)
			return -1;
		v = v * 10 + digit;
	}
	if (v > max)
		return -1;
	*value = v;
	return 0;
}

/* strtod, but only of plain decimals: no sign, blank, hex, inf or nan. */
static int
leading_decimal(const char *s, double *value, const char **rest)
{
	char *end;
	double v;

	if (!isdigit((unsigned char)*s) && *s != '.')
		return -1;
	if (s[strspn(s, "0123456789.")] == 'x' ||
	    s[strspn(s, "0123456789.")] == 'X')
		return -1;
	errno = 0;
	v = strtod(s, &end);
	if (end == s || errno != 0 || !isfinite(v))
		return -1;
	*value = v;
	*rest = end;
	return 0;
}

int
str_decimal(const char *s, double *value)
{
	const char *rest;
	double v;

	if (leading_decimal(s, &v, &rest) == -1 || *rest != '\0')
		return -1;
	*value = v;
	return 0;
}

int
str_duration_ms(const char *s, int64_t *ms)
{
	static const struct { const char *unit; double ms; } units[] = {
		{ "ms", 1 }, { "s", 1e3 }, { "", 1e3 }, { "m", 60e3 },
		{ "h", 3600e3 }
	};
	const char *rest;
	double v;

	if (leading_decimal(s, &v, &rest) == -1)
		return -1;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(rest, units[i].unit) != 0)
			continue;
		v *= units[i].ms;
		if (v > DURATION_MAX_MS)
			return -1;
		/* what is not nothing does not become nothing by rounding */
		*ms = v > 0 && v < 1 ? 1 : (int64_t)(v + 0.5);
		return 0;
	}
	return -1;
}

int
str_size(const char *s, size_t *bytes)
{
	static const char units[] = "KMG";
	const char *rest, *unit;
	double v;

	if (leading_decimal(s, &v, &rest) == -1)
		return -1;
	if (*rest != '\0') {
		unit = strchr(units, toupper((unsigned char)*rest));
		if (unit == NULL || rest[1] != '\0')
			return -1;
		v *= (double)(UINT64_C(1) << (10 * (unit - units + 1)));
	}
	if (v > (double)(SIZE_MAX / 4))
		return -1;
	*bytes = (size_t)v;
	return 0;
}

bool
str_needs_shell(const char *command)
{
	static const char special[] = "|&;<>()$`\\\"'*?[]#~{}!\n";

	/* in the first word an = sets a variable */
	return command[strcspn(command, special)] != '\0' ||
	    command[strcspn(command, "= \t")] == '=';
}

void
str_mask_userinfo(char *text)
{
	static const char mask[] = "***";
	char *end = strrchr(text, '@'), *from, *scheme, *quote;
	size_t n;

	if (end == NULL)
		return;
	from = text;
	scheme = strstr(text, "://");
	quote = strchr(text, '\'');
	if (quote != NULL && quote < end &&
	    (scheme == NULL || quote < scheme)) {
		from = quote + 1;
		if (scheme != NULL && from + strspn(from,
		    SCHEME_CHARACTERS) != scheme)
			scheme = NULL;	/* it is in the password */
	}
	if (scheme != NULL && scheme < end)
		from = scheme + 3;
	n = (size_t)(end - from);
	if (n < sizeof(mask) - 1) {
		memset(from, '*', n);
		return;
	}
	memcpy(from, mask, sizeof(mask) - 1);
	memmove(from + sizeof(mask) - 1, end, strlen(end) + 1);
}

/* The length of the sequence that begins with this byte, 0 if none does;
 * *low and *high bound the byte behind it. */
static size_t
sequence(unsigned char c, unsigned char *low, unsigned char *high)
{
	*low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
	*high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
	if (c >= 0xc2 && c <= 0xdf)
		return 2;
	if (c >= 0xe0 && c <= 0xef)
		return 3;
	return c >= 0xf0 && c <= 0xf4 ? 4 : 0;
}

size_t
str_utf8_step(const char *text, size_t len)
{
	const unsigned char *s = (const unsigned char *)text;
	unsigned char low, high;
	size_t n;

	if (len == 0 || s[0] < 0x80)
		return len > 0;
	n = sequence(s[0], &low, &high);
	if (n == 0 || len < n || s[1] < low || s[1] > high)
		return 0;
	for (size_t k = 2; k < n; k++)
		if ((s[k] & 0xc0) != 0x80)
			return 0;
	return n;
}

uint32_t
str_utf8_code(const char *s, size_t len)
{
	uint32_t c = (unsigned char)*s;

	if (len == 1)
		return c;
	c &= 0x7fu >> len;
	for (size_t i = 1; i < len; i++)
		c = c << 6 | ((unsigned char)s[i] & 0x3f);
	return c;
}

bool
str_is_utf8(const char *s, size_t len)
{
	uint64_t word;
	size_t i = 0, n;

	while (i < len) {
		if (len - i >= sizeof(word)) {
			memcpy(&word, s + i, sizeof(word));
			if ((word & 0x8080808080808080u) == 0) {
				i += sizeof(word);
				continue;
			}
		}
		if ((n = str_utf8_step(s + i, len - i)) == 0)
			return false;
		i += n;
	}
	return true;
}
