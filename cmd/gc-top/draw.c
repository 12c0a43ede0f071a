/* The screen. */
#include <curses.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "cmd/gc-top/top.h"
#include "lib/die.h"

#define RATE_SECONDS 10
#define STATUS_COLUMNS 18
#define LINE_CAP 4096		/* enough for any screen's row */
#define WORDS_CAP (8u << 20)	/* while it is put together: long names */

enum { PLAIN, RED = CREW_KINDS + 1, PAIRS };

static SCREEN *term;
static FILE *keyboard;
static bool colours;

/* One line of text is made here, then drawn. */
static struct buf cells;

int
draw_open(int tty)
{
	static const short hues[CREW_KINDS] = { [CREW_READY] = COLOR_GREEN,
	    [CREW_TALKING] = COLOR_CYAN, [CREW_BUSY] = COLOR_YELLOW,
	    [CREW_AWAY] = COLOR_MAGENTA, [CREW_ALARM] = COLOR_RED,
	    [CREW_OFF] = -1, [CREW_OTHER] = COLOR_BLUE };
	const char *no = getenv("NO_COLOR");

	keyboard = fdopen(tty, "r");
	if (keyboard == NULL ||
	    (term = newterm(NULL, stdout, keyboard)) == NULL)
		return -1;
	buf_init(&cells, WORDS_CAP);
	cbreak();
	noecho();
	nonl();
	curs_set(0);
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(25);
	colours = (no == NULL || *no == '\0') && has_colors() &&
	    start_color() == OK && use_default_colors() == OK;
	for (int k = 0; colours && k < CREW_KINDS; k++)
		init_pair((short)(k + 1), hues[k], -1);
	if (colours)
		init_pair(RED, COLOR_WHITE, COLOR_RED);
	return 0;
}

void
draw_close(void)
{
	if (term == NULL)
		return;
	endwin();
	delscreen(term);
	term = NULL;
	fclose(keyboard);
	buf_free(&cells);
}

int
draw_key(void)
{
	int key = getch();

	return key == ERR ? -1 : key;
}

bool
draw_resized(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == -1 ||
	    size.ws_row == 0 || size.ws_col == 0 ||
	    (size.ws_row == LINES && size.ws_col == COLS))
		return false;
	resizeterm(size.ws_row, size.ws_col);
	clearok(curscr, TRUE);
	return true;
}

/* --- lines -------------------------------------------------------------- */

static void
put(int y, int x, int columns, attr_t how, const char *text)
{
	if (columns <= 0 || y < 0 || y >= LINES)
		return;
	buf_reset(&cells);
	cells_fit(&cells, text, columns);
	attron(how);
	mvaddstr(y, x, cells.data);
	attroff(how);
}

static attr_t
kind_colour(enum crew_kind kind)
{
	attr_t bold = kind == CREW_ALARM ? A_BOLD : 0;

	return colours ? bold | (attr_t)COLOR_PAIR(kind + 1) : bold;
}

static attr_t
red(void)
{
	return colours ? (attr_t)COLOR_PAIR(RED) | A_BOLD : A_REVERSE | A_BOLD;
}

static void
add_connection(struct buf *out, const struct screen *s, const struct crew *c)
{
	const struct sight_socket *worst = sight_worst(&c->sight);
	struct stamp since;

	if (s->ended) {
		buf_adds(out, "the stream has ended");
		return;
	}
	if (worst == NULL) {
		buf_adds(out, "connection not told");
		return;
	}
	buf_adds(out, sight_name(worst->state));
	if (worst->since_ms != 0) {
		buf_adds(out, " for ");
		since = stamp_of_ms(worst->since_ms);
		cells_age(out, since, s->shown_ms);
	}
	if (worst->state == SIGHT_CLOSED && worst->reason[0] != '\0')
		buf_addf(out, " (%s)", worst->reason);
}

/* Who, how sure, what of the stream, when. */
static void
draw_head(const struct screen *s, const struct view *v)
{
	const struct crew *c = v->crew;
	const struct sight_socket *worst = sight_worst(&c->sight);
	int64_t lag = sight_lag_ms(&c->sight, s->shown_ms, RATE_SECONDS);
	time_t t = (time_t)(s->shown_ms / 1000);
	bool bad = s->ended || (worst != NULL && worst->state !=
	    SIGHT_OPEN && worst->state != SIGHT_NEVER);
	char clock[16] = "";
	struct tm tm;
	struct buf out;

	if (localtime_r(&t, &tm) != NULL)
		strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
	buf_init(&out, WORDS_CAP);
	buf_addf(&out, "gc-top  %zu agents  ", c->here);
	if (c->doubted > 0)
		buf_addf(&out, "%zu in doubt  ", c->doubted);
	buf_addf(&out, "%.1f/s  ", sight_rate(&c->sight, s->shown_ms,
	    RATE_SECONDS));
	if (lag >= 0)
		buf_addf(&out, "lag %" PRId64 " ms  ", lag);
	add_connection(&out, s, c);
	put(0, 0, COLS, bad ? red() : A_BOLD, out.data);
	if (COLS >= 40) {
		buf_reset(&out);
		buf_addf(&out, " %s%s", s->paused ? "PAUSED " : "", clock);
		put(0, COLS - (int)out.len, (int)out.len, bad ? red() :
		    A_BOLD, out.data);
	}
	buf_free(&out);
}

/* The last line: what is chosen, and which keys there are. */
static void
draw_foot(const struct screen *s, const struct view *v)
{
	static const char *const sorts[] = { [SORT_NAME] = "name",
	    [SORT_STATUS] = "status", [SORT_TIME] = "time in status" };
	struct buf out;

	buf_init(&out, WORDS_CAP);
	if (s->typing) {
		buf_addf(&out, "/%s_", v->filter);
	} else {
		buf_addf(&out, "by %s%s", sorts[v->sort], v->reverse ?
		    ", reversed" : "");
		if (v->queue != INDEX_NONE)
			buf_addf(&out, "  queue %s", crew_queue_name(v->crew,
			    v->queue));
		if (v->awaited != NULL)
			buf_addf(&out, "  no queue %s yet", v->awaited);
		if (v->filter[0] != '\0')
			buf_addf(&out, "  /%s", v->filter);
		if (v->doubted_only)
			buf_adds(&out, "  in doubt");
		buf_adds(&out, "  ? help  q quit");
	}
	put(LINES - 1, 0, COLS, A_REVERSE, out.data);
	buf_free(&out);
}

/* --- bars --------------------------------------------------------------- */

static void
draw_bar(int y, int x, int columns, const struct crew *c,
    const struct view_status_row *row, size_t most)
{
	const char *name = crew_status_name(c, row->status);
	enum crew_kind kind = crew_kind(name);
	int room = columns - STATUS_COLUMNS - 10, bar;
	struct buf out;

	buf_init(&out, WORDS_CAP);
	buf_addf(&out, "%s %s", cells_sign(kind), name);
	put(y, x, STATUS_COLUMNS, kind_colour(kind), out.data);
	buf_reset(&out);
	buf_addf(&out, "%6zu", row->count.agents);
	put(y, x + STATUS_COLUMNS, 6, A_BOLD, out.data);
	if (row->count.doubted > 0)
		put(y, x + STATUS_COLUMNS + 6, 1, red(), "?");
	bar = (int)((double)room * (double)row->count.agents /
	    (double)most + 0.5);
	buf_reset(&out);
	for (int i = 0; i < bar; i++)
		buf_adds(&out, cells_bar());
	buf_adds(&out, bar == 0 ? "|" : "");
	put(y, x + STATUS_COLUMNS + 8, room, kind_colour(kind), out.data);
	buf_free(&out);
}

/* In two columns where there is room.  Returns the line behind the bars; a
 * third of the screen at most. */
static int
draw_bars(int y, const struct view *v)
{
	size_t count, most = 1, sides = COLS >= 76 ? 2 : 1, lines;
	struct view_status_row *rows = view_statuses(v->crew, v->queue,
	    &count);
	int columns = COLS / (int)sides;
	char more[32];

	for (size_t i = 0; i < count; i++)
		if (rows[i].count.agents > most)
			most = rows[i].count.agents;
	lines = (count + sides - 1) / sides;
	if (lines > (size_t)LINES / 3)
		lines = (size_t)LINES / 3;
	for (size_t i = 0; i < count && i < lines * sides; i++)
		draw_bar(y + (int)(i % lines), (int)(i / lines) * columns,
		    columns, v->crew, &rows[i], most);
	if (count > lines * sides && lines > 0) {
		snprintf(more, sizeof(more), "and %zu more",
		    count - lines * sides + 1);
		put(y + (int)lines - 1, (int)(sides - 1) * columns, columns,
		    A_DIM, more);
	}
	free(rows);
	return y + (int)lines;
}

/* --- tables ------------------------------------------------------------- */

static void
clip(struct screen *s, size_t count, int lines)
{
	s->page = lines > 0 ? (size_t)lines : 1;
	if (s->top + s->page > count)
		s->top = count > s->page ? count - s->page : 0;
}

static void
add_posts(struct buf *out, const struct crew *c, const struct crew_agent *a)
{
	for (size_t i = 0; i < a->post_count && out->len < LINE_CAP / 2; i++)
		if (buf_addf(out, "%s%s", i > 0 ? ", " : "",
		    crew_queue_name(c, a->posts[i].queue)) == -1)
			return;
}

static void
draw_agent(int y, const struct view *v, uint32_t agent, int64_t wall_ms)
{
	const struct crew_agent *a = &v->crew->agents[agent];
	const char *status = crew_status_name(v->crew,
	    view_status(v, agent));
	enum crew_kind kind = crew_kind(status);
	int name = COLS < 60 ? COLS / 3 : COLS / 4, x = name + 1;
	struct buf out;

	put(y, 0, name, 0, crew_agent_name(v->crew, agent));
	buf_init(&out, WORDS_CAP);
	buf_addf(&out, "%s %s", cells_sign(kind), status);
	put(y, x, STATUS_COLUMNS, kind_colour(kind), out.data);
	x += STATUS_COLUMNS;
	put(y, x, 2, red(), a->doubted ? "?" : "");
	put(y, x + 1, 1, 0, "");
	buf_reset(&out);
	cells_age(&out, a->since, wall_ms);
	put(y, x + 2, 7, 0, out.data);
	buf_reset(&out);
	add_posts(&out, v->crew, a);
	put(y, x + 10, COLS - x - 10, A_DIM, out.len > 0 ? out.data : "");
	buf_free(&out);
}

static void
draw_agents(int y, struct screen *s, const struct view *v)
{
	int name = COLS < 60 ? COLS / 3 : COLS / 4, x = name + 1;

	put(y, 0, COLS, A_UNDERLINE, "AGENT");
	put(y, x, COLS - x, A_UNDERLINE, "STATUS");
	put(y, x + STATUS_COLUMNS + 2, COLS - x - STATUS_COLUMNS - 2,
	    A_UNDERLINE, "FOR");
	put(y, x + STATUS_COLUMNS + 10, COLS - x - STATUS_COLUMNS - 10,
	    A_UNDERLINE, "QUEUES");
	clip(s, v->count, LINES - y - 2);
	for (size_t i = 0; i < s->page && s->top + i < v->count &&
	    ++y < LINES - 1; i++)
		draw_agent(y, v, v->rows[s->top + i], s->shown_ms);
	if (v->count == 0 && y + 1 < LINES - 1)
		put(y + 1, 0, COLS, 0, "nobody");
}

/* How many of each kind. */
static void
draw_queue(int y, const struct crew *c, uint32_t queue, int name)
{
	size_t count, all = 0, kinds[CREW_KINDS] = { 0 };
	struct view_status_row *rows = view_statuses(c, queue, &count);
	char text[32];

	put(y, 0, name, 0, crew_queue_name(c, queue));
	for (size_t i = 0; i < count; i++) {
		all += rows[i].count.agents;
		kinds[crew_kind(crew_status_name(c, rows[i].status))] +=
		    rows[i].count.agents;
	}
	snprintf(text, sizeof(text), "%6zu", all);
	put(y, name + 1, 6, A_BOLD, text);
	for (int k = 0; k < CREW_KINDS; k++) {
		snprintf(text, sizeof(text), "%6zu", kinds[k]);
		if (kinds[k] > 0 && name + 14 + 7 * k <= COLS)
			put(y, name + 8 + 7 * k, 6,
			    kind_colour((enum crew_kind)k), text);
	}
	free(rows);
}

static void
draw_queues(int y, struct screen *s, const struct view *v)
{
	int name = COLS < 60 ? COLS / 3 : COLS / 4;
	size_t count;
	uint32_t *queues = view_queues(v->crew, &count);
	char text[32];

	put(y, 0, COLS, A_UNDERLINE, "QUEUE");
	put(y, name + 1, 6, A_UNDERLINE, "AGENTS");
	for (int k = 0; k < CREW_KINDS; k++) {
		snprintf(text, sizeof(text), "%7s",
		    crew_kind_name((enum crew_kind)k));
		if (name + 14 + 7 * k <= COLS)
			put(y, name + 7 + 7 * k, 7,
			    A_UNDERLINE | kind_colour((enum crew_kind)k),
			    text);
	}
	clip(s, count, LINES - y - 2);
	for (size_t i = 0; i < s->page && s->top + i < count &&
	    ++y < LINES - 1; i++)
		draw_queue(y, v->crew, queues[s->top + i], name);
	if (count == 0 && y + 1 < LINES - 1)
		put(y + 1, 0, COLS, 0, "no queue");
	free(queues);
}

static void
draw_help(int y)
{
	const char *line, *what;
	char key[32];

	for (size_t i = 0; (line = keys_help(i)) != NULL && y < LINES - 1;
	    i++, y++) {
		what = strchr(line, '\t');
		snprintf(key, sizeof(key), "%.*s", (int)(what - line), line);
		put(y, 2, 12, A_BOLD, key);
		put(y, 14, COLS - 14, 0, what + 1);
	}
}

void
draw(struct screen *s, struct view *v, int64_t wall_ms)
{
	int y = 1;

	if (!s->paused || s->shown_ms == 0)
		s->shown_ms = wall_ms;
	view_make(v);
	erase();
	draw_head(s, v);
	if (s->pane == PANE_HELP) {
		draw_help(2);
	} else {
		y = v->awaited == NULL ? draw_bars(y, v) : y;
		if (s->pane == PANE_AGENTS)
			draw_agents(y, s, v);
		else
			draw_queues(y, s, v);
	}
	draw_foot(s, v);
	refresh();
}
