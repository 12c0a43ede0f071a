#include <sys/resource.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "lib/secret.h"

/* LeakSanitizer reads its own process through ptrace. */
#if defined(__SANITIZE_ADDRESS__)
#define UNDER_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNDER_SANITIZER 1
#endif
#endif

void
secret_guard(void)
{
	struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
#if defined(__linux__) && !defined(UNDER_SANITIZER)
	/* also where core_pattern is a pipe, which the limit does not stop */
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}
