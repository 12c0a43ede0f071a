/*
 * Small text: prefixes, and the numbers that options and configuration
 * hold.  Pure.  Parsers take the whole string or nothing: 0 and a value, or
 * -1 and the value untouched.  CONTRACT section 3.
 */
#ifndef GC_STR_H
#define GC_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);

/* Digits only; at most max. */
int str_number(const char *s, uint64_t max, uint64_t *value);

/* A non-negative finite decimal number such as 0.25. */
int str_decimal(const char *s, double *value);

/* "500ms", "1.5s", "2m", "1h"; bare: seconds.  At most a year. */
int str_duration_ms(const char *s, int64_t *ms);

/* Bytes, or with K, M, G (1024). */
int str_size(const char *s, size_t *bytes);

/* Are the bytes valid UTF-8 (RFC 3629)? */
bool str_is_utf8(const char *s, size_t len);

/* The length of the valid UTF-8 character at s, of which len bytes are
 * there; 0 if there is none. */
size_t str_utf8_step(const char *s, size_t len);

/* The code point of one of so many bytes. */
uint32_t str_utf8_code(const char *s, size_t len);

/*
 * Names and passwords in addresses, in a text that is to be shown, become
 * "***": libcurl's messages quote a proxy's address as it was set.  Rather
 * too much than too little: up to the text's last '@'.
 */
void str_mask_userinfo(char *text);

/* Must a command be run by `sh -c`?  (Quotes, pipes, variables, globs.)
 * Where not, words are separated by blanks alone. */
bool str_needs_shell(const char *command);

#endif
