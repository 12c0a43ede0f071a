/* TAP for unit tests: ok(), is_int(), is_str(), done().  One file a test. */
#ifndef GC_TAP_H
#define GC_TAP_H

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static int tap_count, tap_failed;

__attribute__((format(printf, 2, 3), unused)) static int
ok(int pass, const char *fmt, ...)
{
	va_list ap;

	printf("%sok %d - ", pass ? "" : "not ", ++tap_count);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	tap_failed += !pass;
	return pass;
}

__attribute__((unused)) static int
is_int(long long got, long long want, const char *what)
{
	int pass = ok(got == want, "%s", what);

	if (!pass)
		printf("# got %lld, want %lld\n", got, want);
	return pass;
}

__attribute__((unused)) static int
is_str(const char *got, const char *want, const char *what)
{
	int pass = ok(got != NULL && strcmp(got, want) == 0, "%s", what);

	if (!pass)
		printf("# got  '%s'\n# want '%s'\n", got ? got : "(null)",
		    want);
	return pass;
}

/* return done(); from main */
__attribute__((unused)) static int
done(void)
{
	printf("1..%d\n", tap_count);
	return tap_failed > 0;
}

#endif
