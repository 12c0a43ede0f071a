#include <inttypes.h>
#include <string.h>

#include "lib/barrier.h"
#include "lib/clock.h"

#define BEGIN "{\"event\":\"gc:barrier\",\"id\":\"queue-"
#define NAME_LEN 16		/* hexadecimal */

void
barriers_init(struct barriers *b, uint64_t name)
{
	*b = (struct barriers){ .name = name };
}

int
barriers_send(struct barriers *b, struct barrier_mark mark, int64_t now_ms,
    struct buf *to)
{
	uint64_t n = b->sent + 1;

	if (barriers_out(b) == BARRIERS_MAX ||
	    buf_addf(to, BEGIN "%016" PRIx64 "-%" PRIu64 "\"}\n", b->name,
	    n) == -1)
		return -1;
	b->out[n % BARRIERS_MAX].mark = mark;
	b->out[n % BARRIERS_MAX].sent_ms = now_ms;
	b->sent = n;
	return 0;
}

/* The number in a line of ours; 0 if it is none. */
static uint64_t
number(const struct barriers *b, const char *line, size_t len)
{
	size_t begin = strlen(BEGIN), at = begin + NAME_LEN + 1;
	char name[NAME_LEN + 2];
	struct buf head;
	uint64_t n = 0;

	if (len <= at || memcmp(line, BEGIN, begin) != 0)
		return 0;
	buf_init(&head, sizeof(name));
	buf_addf(&head, "%016" PRIx64 "-", b->name);
	memcpy(name, head.data, NAME_LEN + 1);
	buf_free(&head);
	if (memcmp(line + begin, name, NAME_LEN + 1) != 0)
		return 0;
	for (; at < len && line[at] >= '0' && line[at] <= '9'; at++)
		n = n * 10 + (uint64_t)(line[at] - '0');
	return len - at == 2 && memcmp(line + at, "\"}", 2) == 0 ? n : 0;
}

int
barriers_take(struct barriers *b, const char *line, size_t len,
    struct barrier_mark *mark)
{
	uint64_t n = number(b, line, len);

	if (n == 0 || n > b->sent)
		return -1;
	if (n <= b->back)
		return 0;
	b->back = n;
	b->late = false;
	*mark = b->out[n % BARRIERS_MAX].mark;
	return 1;
}

/* The oldest that is out. */
static int64_t
oldest_ms(const struct barriers *b)
{
	return b->out[(b->back + 1) % BARRIERS_MAX].sent_ms;
}

bool
barriers_late(struct barriers *b, int64_t patience_ms, int64_t now_ms)
{
	if (now_ms < barriers_due(b, patience_ms))
		return false;
	b->late = true;
	return true;
}

int64_t
barriers_due(const struct barriers *b, int64_t patience_ms)
{
	return barriers_out(b) == 0 || b->late ? CLOCK_NEVER :
	    oldest_ms(b) + patience_ms;
}
