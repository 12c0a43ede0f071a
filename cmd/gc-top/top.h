/*
 * gc-top: what its parts share.  main owns the loop and the options, view
 * which rows there are and in which order, cells how remote text fits into
 * columns, draw the screen, keys what each key does, plain the table where
 * there is no terminal, guard that the terminal is whole afterwards.
 */
#ifndef GC_TOP_H
#define GC_TOP_H

#include "lib/crew.h"
#include "lib/filter.h"

#define FILTER_MAX 64		/* bytes of what is searched for */

enum sort { SORT_NAME, SORT_STATUS, SORT_TIME, SORT_KINDS };
enum pane { PANE_AGENTS, PANE_QUEUES, PANE_HELP };

/* What of the crew is looked at, and how. */
struct view {
	const struct crew *crew;
	int sort;		/* enum sort */
	bool reverse, doubted_only;
	char filter[FILTER_MAX];	/* part of a name, id or status */
	size_t queue;		/* of this queue alone; INDEX_NONE: of all */
	const char *awaited;	/* NULL, or one that is not met yet: nobody */
	uint32_t *rows;		/* agents, sorted */
	size_t count, alloc;
	/* places in the order of names and of statuses: to sort many agents
	 * each second by their texts would cost */
	uint32_t *name_ranks, *status_ranks;
	const struct crew *ranked;	/* whose, and of when */
	uint64_t ranked_namings;
	size_t ranked_statuses;
};

/* Make the rows anew. */
void view_make(struct view *v);
void view_free(struct view *v);

/* A row's status: in the queue that is looked at, or everywhere. */
uint32_t view_status(const struct view *v, uint32_t agent);

/* The queue with this id or name; INDEX_NONE if there is none. */
size_t view_find_queue(const struct crew *c, const char *name);

/* The next queue that has agents, by name; step 1 or -1; behind the last
 * come all. */
size_t view_next_queue(const struct crew *c, size_t queue, int step);

/* The statuses with agents, by kind and then by how many; free() them. */
struct view_status_row {
	uint32_t status;
	struct crew_count count;
};
struct view_status_row *view_statuses(const struct crew *c, size_t queue,
    size_t *count);

/* The queues with agents, by name; free() them. */
uint32_t *view_queues(const struct crew *c, size_t *count);

/* cells.c: text so that it takes exactly so many columns (cut with a mark,
 * filled with blanks), control and direction characters as `?`. */
void cells_fit(struct buf *out, const char *text, int columns);
/* 3s, 12m, 4h05, 3d; "-" for no time. */
void cells_age(struct buf *out, struct stamp since, int64_t wall_ms);
/* Its sign; ASCII where the locale is not UTF-8. */
const char *cells_sign(enum crew_kind kind);
const char *cells_bar(void);
void cells_init(void);		/* after setlocale */

/* plain.c */
void plain_print(struct filter *f, struct view *v, int64_t wall_ms);

/* The screen's own state. */
struct screen {
	enum pane pane;
	size_t top;		/* the first row shown */
	size_t page;		/* rows that fit, as last drawn */
	bool paused;		/* what is shown stands still */
	bool typing;		/* keys go to the filter */
	bool ended;		/* no more lines will come */
	int64_t shown_ms;	/* wall, of what is shown */
};

/* draw.c: the terminal.  open: -1 if there is none to draw on. */
int draw_open(int tty);
void draw_close(void);
void draw(struct screen *s, struct view *v, int64_t wall_ms);
/* A key, or -1 for none. */
int draw_key(void);
/* Does the window have another size by now?  It is drawn for that. */
bool draw_resized(void);

/* keys.c: false to quit. */
bool keys_take(struct screen *s, struct view *v, int key);
/* The nth line of the help, "key TAB what"; NULL behind the last. */
const char *keys_help(size_t n);

/* guard.c: a process that restores the terminal when this one has died
 * without.  look: before draw_open, how it is; false if it is none.  open:
 * after it.  calm: this one has restored it itself. */
bool guard_look(int tty);
void guard_open(int tty);
void guard_calm(void);

#endif
