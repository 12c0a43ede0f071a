/* dir:PATH, the queue in a folder: what its files share. */
#ifndef GC_DIR_H
#define GC_DIR_H

#include "cmd/gc-queue/queue.h"
#include "lib/sandbox.h"
#include "lib/spool.h"

#define DIR_AGAIN_MS 1000	/* after a failure of the disk */

/* dir_put.c */
void dir_put_open(struct app *app, struct sandbox *box);
bool dir_put_is_new(struct app *app, int64_t *quiet_ms);
void dir_put_line(struct app *app, const char *line, size_t raw);
void dir_put_flush(struct app *app);
bool dir_put_is_held(struct app *app);
bool dir_put_is_done(struct app *app);
int64_t dir_put_tick(struct app *app);
uint64_t dir_put_left(struct app *app, int *code);
void dir_put_close(struct app *app);

/* dir_get.c */
void dir_get_open(struct app *app, struct sandbox *box);
enum next dir_get_next(struct app *app, struct chunk *chunk, uint64_t lines);
void dir_get_ack(struct app *app, struct stream *s, struct barrier_mark mark);
void dir_get_rewind(struct app *app, struct stream *s);
int64_t dir_get_tick(struct app *app);
bool dir_get_close(struct app *app);
size_t dir_interest(struct app *app, struct pollfd *fds);
void dir_serve(struct app *app, const struct pollfd *fds, size_t n);

/* dir.c */
/* All places; those that are damaged are said, once. */
int dir_places(struct app *app, struct places *places, struct err *e);
void dir_list(struct app *app);
void dir_trim(struct app *app);
/* How many segments --keep, or the groups' places, let go; said if it
 * fails. */
void dir_expire(struct app *app);

#endif
