/* Barriers on their way: what comes back acknowledges what came before it. */
#include "lib/barrier.h"
#include "lib/clock.h"
#include "tests/tap.h"

#define NAME UINT64_C(0x0123456789abcdef)

static struct buf text;

/* The line of the n-th barrier that is in text, without its newline. */
static const char *
line(int n, size_t *len)
{
	const char *p = text.data, *end;

	for (; n > 1; n--)
		p = strchr(p, '\n') + 1;
	end = strchr(p, '\n');
	*len = (size_t)(end - p);
	return p;
}

static int
take(struct barriers *b, int n, struct barrier_mark *mark)
{
	size_t len;
	const char *p = line(n, &len);

	return barriers_take(b, p, len, mark);
}

static int
send_one(struct barriers *b, uint64_t position, int64_t now_ms)
{
	return barriers_send(b, (struct barrier_mark){ position, 0, 0 },
	    now_ms, &text);
}

int
main(void)
{
	struct barriers b, other;
	struct barrier_mark mark = { 0 };
	static const char theirs[] = "{\"event\":\"gc:barrier\",\"id\":\"1\"}";
	size_t len;
	int sent = 0;

	buf_init(&text, 1 << 20);
	barriers_init(&b, NAME);
	is_int(barriers_due(&b, 60), CLOCK_NEVER, "nothing is waited for");
	for (uint64_t i = 1; i <= 3; i++)
		send_one(&b, i * 10, (int64_t)i);
	is_int(barriers_out(&b), 3, "three are on their way");
	is_int(barriers_due(&b, 60), 61, "the oldest is late first");
	is_int(take(&b, 1, &mark), 1, "one is back");
	is_int((long long)mark.position, 10, "it says up to where");
	is_int(take(&b, 1, &mark), 0, "twice it says nothing new");
	is_int(take(&b, 3, &mark), 1, "one that overtakes settles the rest");
	is_int((long long)mark.position, 30, "up to it");
	is_int(take(&b, 2, &mark), 0, "which come late then");
	is_int(barriers_out(&b), 0, "none is on its way");
	is_int(barriers_take(&b, theirs, sizeof(theirs) - 1, &mark), -1,
	    "another's barrier is a line");
	line(1, &len);
	is_int(barriers_take(&b, text.data, len - 1, &mark), -1,
	    "and so is a cut one");
	barriers_init(&other, NAME + 1);
	send_one(&other, 1, 0);
	is_int(take(&other, 1, &mark), -1, "or one of another process");
	send_one(&b, 40, 100);
	ok(!barriers_late(&b, 60, 159), "not late yet");
	ok(barriers_late(&b, 60, 160), "late");
	ok(!barriers_late(&b, 60, 500), "it is said once");
	while (send_one(&b, 50, 0) == 0)
		sent++;
	is_int(sent, BARRIERS_MAX - 1, "no more than so many at once");
	barriers_init(&b, NAME + 2);
	is_int(barriers_out(&b), 0, "begun anew, none is on its way");
	is_int(take(&b, 5, &mark), -1, "and the old ones count no more");
	buf_free(&text);
	return done();
}
