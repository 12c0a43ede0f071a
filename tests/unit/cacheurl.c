/* Addresses of a Redis. */
#include <stdlib.h>

#include "lib/cacheurl.h"
#include "tests/tap.h"

#define SECRET "hush"

static const struct {
	const char *url, *shown, *user, *prefix;
	unsigned db;
	bool tls;
} good[] = {
	{ "redis://cache", "redis://cache:6379", "", "gc", 0, false },
	{ "redis://cache/", "redis://cache:6379", "", "gc", 0, false },
	{ "redis://cache:7000/3?prefix=team%3A1", "redis://cache:7000/3", "",
	    "team:1", 3, false },
	{ "rediss://ann@cache?prefix={gc}", "rediss://cache:6379", "ann",
	    "{gc}", 0, true },
	{ "redis://[::1]:7000?db=2", "redis://[::1]:7000/2", "", "gc", 2,
	    false },
	{ "redis://[::1]", "redis://[::1]:6379", "", "gc", 0, false },
	{ "redis+unix:///run/redis.sock?db=1&prefix=x",
	    "redis+unix:///run/redis.sock?db=1", "", "x", 1, false },
};

static const struct {
	const char *url, *says;
} bad[] = {
	{ "", "does not begin" },
	{ "cache", "does not begin" },
	{ "http://cache", "does not begin" },
	{ "redis://", "HOST" },
	{ "redis://:6379", "HOST" },
	{ "redis://cache:", "PORT" },
	{ "redis://cache:0", "PORT" },
	{ "redis://cache:65536", "PORT" },
	{ "redis://cache:1x", "PORT" },
	{ "redis://[::1", "HOST" },
	{ "redis://[::1]x", "HOST" },
	{ "redis://a%41", "HOST" },
	{ "redis://cache/x", "DB" },
	{ "redis://cache/-1", "DB" },
	{ "redis://cache/1/2", "DB" },
	{ "redis://cache?db=", "DB" },
	{ "redis://cache?prefix=", "prefix" },
	{ "redis://cache?prefix=a%20b", "prefix" },
	{ "redis://cache?ttl=3", "only prefix and db" },
	{ "redis://cache#x", "#" },
	{ "redis://ca che", "blanks" },
	{ "redis://@cache", "USER" },
	{ "redis+unix://", "path" },
	{ "redis+unix://run/redis.sock", "third /" },
	{ "redis://:" SECRET "@cache", "GC_REDIS_PASSWORD" },
	{ "redis://ann:" SECRET "@cache", "GC_REDIS_PASSWORD" },
	{ "redis://ann:" SECRET "/x@cache", "GC_REDIS_PASSWORD" },
	{ "redis://ann:" SECRET "?@cache", "GC_REDIS_PASSWORD" },
	{ "redis://cache?password=" SECRET, "GC_REDIS_PASSWORD" },
	{ "redis+unix://:" SECRET "@/run/s", "third /" },
};

int
main(void)
{
	struct cacheurl u;
	struct err e;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (!ok(cacheurl_parse(&u, good[i].url, &e) == 0, "%s",
		    good[i].url))
			continue;
		is_str(u.shown, good[i].shown, "as it is shown");
		is_str(u.user, good[i].user, "its user");
		is_str(u.prefix, good[i].prefix, "its prefix");
		is_int(u.db, good[i].db, "its db");
		is_int(u.tls, good[i].tls, "its TLS");
		cacheurl_free(&u);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		e.msg[0] = '\0';
		ok(cacheurl_parse(&u, bad[i].url, &e) == -1 &&
		    e.code == GC_EX_USAGE, "refused: '%s'", bad[i].url);
		ok(strstr(e.msg, bad[i].says) != NULL, "because: %s", e.msg);
		ok(strstr(e.msg, SECRET) == NULL, "and no secret is told");
	}
	return done();
}
