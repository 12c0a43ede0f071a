#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "lib/die.h"
#include "lib/resolve.h"

struct resolve {
	char *name;
	atomic_int answer;
	atomic_int holders;	/* the asker and the thread; the last frees */
};

static void
let_go(struct resolve *r)
{
	if (atomic_fetch_sub(&r->holders, 1) > 1)
		return;
	free(r->name);
	free(r);
}

static void *
look_up(void *arg)
{
	struct resolve *r = arg;
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *list = NULL;

	switch (getaddrinfo(r->name, NULL, &hints, &list)) {
	case 0:
		freeaddrinfo(list);
		atomic_store(&r->answer, RESOLVE_FOUND);
		break;
	case EAI_NONAME:
#if defined(EAI_NODATA) && EAI_NODATA != EAI_NONAME
	case EAI_NODATA:
#endif
		atomic_store(&r->answer, RESOLVE_NONE);
		break;
	default:
		atomic_store(&r->answer, RESOLVE_UNKNOWN);
		break;
	}
	let_go(r);
	return NULL;
}

struct resolve *
resolve_start(const char *name)
{
	struct resolve *r = xcalloc(1, sizeof(*r));
	sigset_t all, before;
	pthread_t thread;
	int failed;

	r->name = xstrdup(name);
	atomic_init(&r->answer, RESOLVE_WAIT);
	atomic_init(&r->holders, 2);
	/* signals are the loop's */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	failed = pthread_create(&thread, NULL, look_up, r);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (failed != 0) {
		atomic_store(&r->answer, RESOLVE_UNKNOWN);
		let_go(r);
	} else {
		pthread_detach(thread);
	}
	return r;
}

enum resolve_answer
resolve_answer(const struct resolve *r)
{
	return (enum resolve_answer)atomic_load(&r->answer);
}

void
resolve_free(struct resolve *r)
{
	if (r != NULL)
		let_go(r);
}
