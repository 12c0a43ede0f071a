/* What each key does: one table, which is the help, too. */
#include <curses.h>
#include <string.h>

#include "cmd/gc-top/top.h"

enum action {
	QUIT, HELP, SORT, REVERSE, FILTER, CLEAR, NEXT_QUEUE, LAST_QUEUE,
	ALL_QUEUES, PANE, DOUBTED, PAUSE, DOWN, UP, PAGE_DOWN, PAGE_UP, FIRST,
	LAST, REDRAW
};

static const struct key {
	int key, other;		/* other: another key for it, or 0 */
	enum action action;
	const char *help;	/* "key TAB what"; NULL: said with another */
} keys[] = {
	{ 'q', 0, QUIT, "q\tquit" },
	{ '?', 'h', HELP, "?\tthis help, and back" },
	{ '\t', 'v', PANE, "Tab\tagents, or their queues" },
	{ 's', 0, SORT, "s\tsort by name, status, time in status" },
	{ 'r', 0, REVERSE, "r\tthe other way round" },
	{ '/', 0, FILTER, "/\tonly whose name, id or status has this" },
	{ 27, 0, CLEAR, "Esc\tall again" },
	{ ']', 0, NEXT_QUEUE, "] [\tone queue: the next, the last" },
	{ '[', 0, LAST_QUEUE, NULL },
	{ '0', 0, ALL_QUEUES, "0\tall queues" },
	{ 'd', 0, DOUBTED, "d\tonly who is in doubt" },
	{ 'p', ' ', PAUSE, "p\tpause: what is shown stands still" },
	{ 'j', KEY_DOWN, DOWN, "j k\tdown, up; the arrows, too" },
	{ 'k', KEY_UP, UP, NULL },
	{ 6, KEY_NPAGE, PAGE_DOWN, "PgDn PgUp\ta page down, up" },
	{ 2, KEY_PPAGE, PAGE_UP, NULL },
	{ 'g', KEY_HOME, FIRST, "g G\tthe first, the last" },
	{ 'G', KEY_END, LAST, NULL },
	{ 12, 0, REDRAW, "^L\tdraw all anew" },
};
#define KEYS (sizeof(keys) / sizeof(keys[0]))

const char *
keys_help(size_t n)
{
	for (size_t i = 0; i < KEYS; i++)
		if (keys[i].help != NULL && n-- == 0)
			return keys[i].help;
	return NULL;
}

static void
scroll_by(struct screen *s, size_t rows, bool down)
{
	if (down)
		s->top += rows;		/* drawing cuts it to what there is */
	else
		s->top -= rows < s->top ? rows : s->top;
}

/* Chosen by key: that of --queue is not waited for any more. */
static void
set_queue(struct view *v, size_t queue)
{
	v->queue = queue;
	v->awaited = NULL;
}

static void
clear_choice(struct view *v)
{
	v->filter[0] = '\0';
	v->doubted_only = false;
	set_queue(v, INDEX_NONE);
}

static void
choose_queue(struct screen *s, struct view *v, int step)
{
	set_queue(v, view_next_queue(v->crew, v->queue, step));
	s->pane = PANE_AGENTS;
	s->top = 0;
}

static void
look(struct screen *s, struct view *v, enum action action)
{
	switch (action) {
	case SORT:
		v->sort = (v->sort + 1) % SORT_KINDS;
		break;
	case REVERSE:
		v->reverse = !v->reverse;
		break;
	case DOUBTED:
		v->doubted_only = !v->doubted_only;
		break;
	case CLEAR:
		clear_choice(v);
		break;
	case ALL_QUEUES:
		set_queue(v, INDEX_NONE);
		break;
	case PANE:
		s->pane = s->pane == PANE_AGENTS ? PANE_QUEUES : PANE_AGENTS;
		break;
	case HELP:
		s->pane = s->pane == PANE_HELP ? PANE_AGENTS : PANE_HELP;
		break;
	case PAUSE:
		s->paused = !s->paused;
		return;
	default:
		return;
	}
	s->top = 0;
}

static void
scroll_to(struct screen *s, enum action action)
{
	switch (action) {
	case DOWN:
	case UP:
		scroll_by(s, 1, action == DOWN);
		break;
	case PAGE_DOWN:
	case PAGE_UP:
		scroll_by(s, s->page, action == PAGE_DOWN);
		break;
	case FIRST:
		s->top = 0;
		break;
	case LAST:
		s->top = SIZE_MAX / 2;
		break;
	default:
		break;
	}
}

/* Keys for the filter: Enter keeps it, Esc takes it away. */
static void
type(struct screen *s, struct view *v, int key)
{
	size_t len = strlen(v->filter);

	s->top = 0;
	if (key == '\n' || key == '\r' || key == KEY_ENTER) {
		s->typing = false;
	} else if (key == 27) {
		s->typing = false;
		v->filter[0] = '\0';
	} else if (key == KEY_BACKSPACE || key == 127 || key == 8) {
		while (len > 0 && (v->filter[len - 1] & 0xc0) == 0x80)
			len--;
		v->filter[len > 0 ? len - 1 : 0] = '\0';
	} else if (key >= 0x20 && key < 0x100 && len + 1 < FILTER_MAX) {
		v->filter[len] = (char)key;
		v->filter[len + 1] = '\0';
	}
}

bool
keys_take(struct screen *s, struct view *v, int key)
{
	const struct key *k = keys;

	if (s->typing) {
		type(s, v, key);
		return true;
	}
	while (k < keys + KEYS && k->key != key && (k->other == 0 ||
	    k->other != key))
		k++;
	if (k == keys + KEYS)
		return true;
	if (k->action == QUIT)
		return false;
	if (k->action == FILTER) {
		s->typing = true;
		s->pane = PANE_AGENTS;
	} else if (k->action == NEXT_QUEUE || k->action == LAST_QUEUE) {
		choose_queue(s, v, k->action == NEXT_QUEUE ? 1 : -1);
	} else if (k->action == REDRAW) {
		clearok(curscr, TRUE);
	} else {
		look(s, v, k->action);
		scroll_to(s, k->action);
	}
	return true;
}
