/* The upgrade to a WebSocket. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "cmd/gc-sim/http.h"

struct opening {
	struct sim *sim;
	int64_t token_end_ms;
};

static void
upgraded(void *arg, struct MHD_Connection *c, void *con_cls,
    const char *extra, size_t extra_len, MHD_socket fd,
    struct MHD_UpgradeResponseHandle *urh)
{
	struct opening *o = arg;
	ssize_t ignored;

	(void)c, (void)con_cls;
	pthread_mutex_lock(&o->sim->lock);
	conn_add(o->sim, fd, urh, o->token_end_ms, extra, extra_len);
	pthread_mutex_unlock(&o->sim->lock);
	ignored = write(o->sim->wake[1], "", 1);
	(void)ignored;
	free(o);
}

static enum MHD_Result
accept_upgrade(struct sim *s, struct MHD_Connection *c, const char *key,
    int64_t token_end_ms)
{
	struct opening *o = xcalloc(1, sizeof(*o));
	struct MHD_Response *r;
	enum MHD_Result result;
	char accept[29];

	*o = (struct opening){ s, token_end_ms };
	if (s->faults.slow_upgrade_ms > 0)
		front_trickle(s->front, http_fd(c),
		    s->faults.slow_upgrade_ms);
	r = MHD_create_response_for_upgrade(upgraded, o);
	frame_accept(key, accept);
	MHD_add_response_header(r, "Upgrade", "websocket");
	MHD_add_response_header(r, "Sec-WebSocket-Accept", accept);
	result = MHD_queue_response(c, MHD_HTTP_SWITCHING_PROTOCOLS, r);
	MHD_destroy_response(r);
	return result;
}

/* Its key, if it is an upgrade as RFC 6455 has it; else NULL. */
static const char *
key_of(struct MHD_Connection *c)
{
	const char *to = MHD_lookup_connection_value(c, MHD_HEADER_KIND,
	    "Upgrade");
	const char *version = MHD_lookup_connection_value(c, MHD_HEADER_KIND,
	    "Sec-WebSocket-Version");
	const char *key = MHD_lookup_connection_value(c, MHD_HEADER_KIND,
	    "Sec-WebSocket-Key");

	if (to == NULL || strcasecmp(to, "websocket") != 0 ||
	    version == NULL || strcmp(version, "13") != 0 ||
	    key == NULL || strlen(key) != 24)
		return NULL;
	return key;
}

bool
upgrade(struct sim *s, struct MHD_Connection *c, struct answer *a,
    enum MHD_Result *result)
{
	struct faults *f = &s->faults;
	int64_t end_ms = http_bearer(s, c);
	const char *key = key_of(c);

	if (f->no_upgrade_left > 0) {
		f->no_upgrade_left--;
		a->delivery = NEVER;
		sim_say(s, "no-upgrade", "\"left\":%llu",
		    (unsigned long long)f->no_upgrade_left);
		return false;
	}
	if (f->refuse_left > 0) {
		f->refuse_left--;
		if (f->refuse_after_s > 0)
			a->retry_after_s = (int)f->refuse_after_s;
		http_refuse(a, (int)f->refuse_status, "refused",
		    "refused by gc-sim");
	} else if (end_ms == 0) {
		http_refuse(a, 401, "bad.credentials",
		    "Invalid login credentials.");
	} else if (key == NULL) {
		http_refuse(a, 426, "bad.request", "not a WebSocket upgrade");
	} else {
		*result = accept_upgrade(s, c, key, end_ms);
		return true;
	}
	s->totals.refused++;
	sim_say(s, "refused", "\"status\":%d", a->status);
	return false;
}
