/* The upgrade to a WebSocket. */
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cmd/gc-sim/http.h"
#include "cmd/gc-sim/platform.h"

/* Of one that is answered; the client may go before it knows. */
struct opening {
	LIST_ENTRY(opening) link;
	struct sim *sim;
	int64_t token_end_ms;
	char channel[CHANNEL_ID_LEN + 1];
};

static void
upgraded(void *arg, struct MHD_Connection *c, void *con_cls,
    const char *extra, size_t extra_len, MHD_socket fd,
    struct MHD_UpgradeResponseHandle *urh)
{
	struct opening *o = arg;

	(void)c, (void)con_cls;
	pthread_mutex_lock(&o->sim->lock);
	LIST_REMOVE(o, link);
	conn_add(o->sim, fd, urh, o->token_end_ms, o->channel, extra,
	    extra_len);
	pthread_mutex_unlock(&o->sim->lock);
	sim_wake(o->sim);
	free(o);
}

static enum MHD_Result
accept_upgrade(struct sim *s, struct MHD_Connection *c, const char *key,
    const char *channel, int64_t token_end_ms)
{
	struct opening *o = xcalloc(1, sizeof(*o));
	struct MHD_Response *r;
	enum MHD_Result result;
	char accept[29];

	LIST_INSERT_HEAD(&s->openings, o, link);
	o->sim = s;
	o->token_end_ms = token_end_ms;
	if (channel != NULL)
		strlcpy(o->channel, channel, sizeof(o->channel));
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

void
upgrades_free(struct sim *s)
{
	struct opening *o;

	while ((o = LIST_FIRST(&s->openings)) != NULL) {
		LIST_REMOVE(o, link);
		free(o);
	}
}

/* Is it 16 bytes in base64? */
static bool
is_key(const char *key)
{
	unsigned char bytes[18];

	return key != NULL && strlen(key) == 24 &&
	    strcmp(key + 22, "==") == 0 && strchr(key, '=') == key + 22 &&
	    EVP_DecodeBlock(bytes, (const unsigned char *)key, 24) == 18;
}

/* Is the word one of the list, in any case? */
static bool
names(const char *list, const char *word)
{
	size_t len;

	for (; list != NULL && *list != '\0'; list += len) {
		list += strspn(list, " \t,");
		len = strcspn(list, " \t,");
		if (len == strlen(word) && strncasecmp(list, word, len) == 0)
			return true;
	}
	return false;
}

/* Its key, if it is an upgrade as RFC 6455, 4.2.1 has it; else NULL. */
static const char *
key_of(struct MHD_Connection *c)
{
	const char *version = MHD_lookup_connection_value(c, MHD_HEADER_KIND,
	    "Sec-WebSocket-Version");
	const char *key = MHD_lookup_connection_value(c, MHD_HEADER_KIND,
	    "Sec-WebSocket-Key");

	if (!names(MHD_lookup_connection_value(c, MHD_HEADER_KIND,
	    "Upgrade"), "websocket") ||
	    !names(MHD_lookup_connection_value(c, MHD_HEADER_KIND,
	    "Connection"), "upgrade") ||
	    version == NULL || strcmp(version, "13") != 0 || !is_key(key))
		return NULL;
	return key;
}

/* Until when it is good: as the token of its bearer, or of the channel.
 * 0 if it has none: then it is refused. */
static int64_t
end_of(struct sim *s, struct MHD_Connection *c, const char *channel,
    struct answer *a)
{
	const struct sim_token *t;
	const struct channel *ch;

	if (channel != NULL) {
		if ((ch = channel_find(s, channel, -1)) != NULL)
			return ch->token_end_ms;
		http_refuse(a, 404, "not.found", "no such channel");
		return 0;
	}
	if ((t = http_bearer(s, c)) != NULL)
		return t->end_ms;
	http_refuse(a, 401, "bad.credentials", "Invalid login credentials.");
	return 0;
}

bool
upgrade(struct sim *s, struct MHD_Connection *c, const char *channel,
    struct answer *a, enum MHD_Result *result)
{
	struct faults *f = &s->faults;
	const char *key = a->old_http ? NULL : key_of(c);
	int64_t end_ms;

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
	} else if ((end_ms = end_of(s, c, channel, a)) != 0) {
		if (key != NULL) {
			*result = accept_upgrade(s, c, key, channel, end_ms);
			return true;
		}
		http_refuse(a, 426, "bad.request", "not a WebSocket upgrade");
	}
	s->totals.refused++;
	sim_say(s, "refused", "\"status\":%d", a->status);
	return false;
}
