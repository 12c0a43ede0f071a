#include <sys/stat.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "lib/expire.h"
#include "lib/segment.h"

static bool
is_old(const struct segment *next, int64_t keep_ms, int64_t wall_ms)
{
	/* its last line is older than the first of the next one */
	return keep_ms > 0 && next->made_ms < wall_ms - keep_ms;
}

/* May the segment before next go?  The queue ends at end. */
static bool
may_go(const struct segment *next, uint64_t floor, uint64_t keep_bytes,
    int64_t keep_ms, int64_t wall_ms, uint64_t end)
{
	if (keep_bytes == 0 && keep_ms == 0)
		return next->base <= floor;
	return (keep_bytes > 0 && end - next->base >= keep_bytes) ||
	    is_old(next, keep_ms, wall_ms);
}

/* One whose first line is damaged has a position, and is as old as what was
 * written to it last. */
static int
open_any(struct segment *s, const char *folder, uint64_t base, struct err *e)
{
	char path[PATH_MAX];
	struct stat st;
	struct err none;

	if (segment_open(s, folder, base, e) == 0)
		return 0;
	if (e->code != GC_EX_DATAERR || errno == ENOTSUP ||
	    segment_path(path, folder, base, &none) == -1 ||
	    stat(path, &st) == -1)
		return -1;
	s->base = base;
	s->made_ms = (int64_t)st.st_mtim.tv_sec * 1000;
	return 0;
}

/* Where the queue ends, or -1. */
static int
queue_end(const char *folder, const struct segments *list, uint64_t *end,
    struct err *e)
{
	char path[PATH_MAX];
	struct stat st;

	*end = list->bases[list->count - 1];
	if (segment_path(path, folder, *end, e) == -1)
		return -1;
	if (stat(path, &st) == -1)
		return err_set(e, GC_EX_IOERR, "can't look at '%s': %s", path,
		    strerror(errno));
	*end += (uint64_t)st.st_size;
	return 0;
}

static int
expire(const char *folder, struct segments *list, uint64_t floor,
    uint64_t keep_bytes, int64_t keep_ms, int64_t wall_ms, struct err *e)
{
	struct segment next;
	char path[PATH_MAX];
	uint64_t end;
	size_t gone = 0;
	int status = 0;

	segment_init(&next);
	if (queue_end(folder, list, &end, e) == -1)
		return -1;
	while (status == 0 && gone + 1 < list->count) {
		status = open_any(&next, folder, list->bases[gone + 1],
		    e);
		if (status == -1 || !may_go(&next, floor, keep_bytes,
		    keep_ms, wall_ms, end))
			break;
		if (segment_path(path, folder, list->bases[gone], e) == -1 ||
		    (unlink(path) == -1 && errno != ENOENT))
			status = err_set(e, GC_EX_IOERR, "can't remove '%s': "
			    "%s", path, strerror(errno));
		gone += status == 0;
	}
	segment_close(&next);
	return status == -1 ? -1 : (int)gone;
}

int64_t
expire_segments(const char *folder, uint64_t floor, uint64_t keep_bytes,
    int64_t keep_ms, int64_t wall_ms, struct err *e)
{
	struct segments list;
	int64_t gone = 0;

	if (segments_list(&list, folder, e) == -1)
		return -1;
	if (list.count > 1)
		gone = expire(folder, &list, floor, keep_bytes, keep_ms,
		    wall_ms, e);
	segments_free(&list);
	return gone;
}
