/*
 * gc-board: what its parts share.  main owns the loop and the options, page
 * writes the page, text its words, chart its timeline, style what it looks
 * like.  All but main are pure: the time is an argument.
 */
#ifndef GC_BOARD_H
#define GC_BOARD_H

#include "lib/crew.h"

#define CHART_SAMPLES 240	/* points of the timeline */
#define PAGE_MAX_BYTES (8 << 20)

/* How many agents were of each kind. */
struct sample {
	int64_t at_ms;		/* wall */
	uint32_t kinds[CREW_KINDS];
};

/* The last span, in CHART_SAMPLES steps. */
struct chart {
	int64_t span_ms;
	struct sample samples[CHART_SAMPLES];	/* a ring */
	size_t first, count;
};

/* Add what the crew is now, if the last sample is a step old. */
void chart_sample(struct chart *c, const struct crew *crew, int64_t wall_ms);

/* The timeline as an <svg>. */
void chart_write(struct buf *out, const struct chart *c, int64_t wall_ms);

struct page {
	const struct crew *crew;
	const struct chart *chart;
	const char *title;
	int64_t interval_ms, old_ms;
	uint64_t longest;	/* rows of who is longest in a status */
	bool ended;		/* no line will come any more */
};

/* The whole page as it is at wall_ms. */
void page_write(struct buf *out, const struct page *p, int64_t wall_ms);

/* --- text --------------------------------------------------------------- */

#define TEXT_MAX 120		/* characters; what is longer is cut */

/* Remote text between tags or in a quoted attribute: markup is escaped, and
 * what is unfit for a page becomes U+FFFD. */
void text_remote(struct buf *out, const char *text);

/* A status: its sign and its words, which may be broken where the platform
 * has an underscore. */
void text_status(struct buf *out, const char *status);

/* Each kind has a sign, so that it can be told without colours. */
const char *text_sign(enum crew_kind kind);

/* 3 s, 12 min, 4 h 05, 3 d */
void text_age(struct buf *out, int64_t ms);
void text_clock(struct buf *out, int64_t wall_ms);

extern const char style_sheet[], style_script[];
/* base64 of the SHA-256 of style_script: the one script that may run. */
extern const char style_script_hash[];

#endif
