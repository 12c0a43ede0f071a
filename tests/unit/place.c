/* How far the groups of a queue are, and what may be removed. */
#include <stdlib.h>
#include <unistd.h>

#include "lib/file.h"
#include "lib/place.h"
#include "tests/tap.h"

static char folder[] = "/tmp/gc-place-XXXXXX";

static void
save(const char *group, unsigned part, unsigned parts, uint64_t position,
    int64_t wall_ms)
{
	struct place_name name = { .part = part, .parts = parts };
	struct place place = { position, position, position / 10 };
	struct err e;

	snprintf(name.group, sizeof(name.group), "%s", group);
	if (place_save(folder, &name, &place, wall_ms, &e) == -1)
		printf("# %s\n", e.msg);
}

static void
forget(const char *group, unsigned part, unsigned parts)
{
	struct place_name name = { .part = part, .parts = parts };
	char path[PATH_MAX];
	struct err e;

	snprintf(name.group, sizeof(name.group), "%s", group);
	if (place_path(path, folder, &name, &e) == 0)
		unlink(path);
}

static uint64_t
floor_now(void)
{
	struct places p;
	struct err e;
	uint64_t floor;

	if (places_list(&p, folder, &e) == -1)
		printf("# %s\n", e.msg);
	floor = places_floor(&p);
	places_free(&p);
	return floor;
}

static void
test_floor(void)
{
	struct place_name name = { .group = "b", .part = 1, .parts = 3 };
	const struct place *begin;
	struct places p;
	struct err e;

	ok(floor_now() == UINT64_MAX, "with no group nobody holds anything");
	save("a", 0, 0, 500, 1000);
	is_int((long long)floor_now(), 500, "a group holds what it has not");
	save("b", 1, 2, 900, 1000);
	is_int((long long)floor_now(), 0, "a part that never came holds all");
	save("b", 2, 2, 300, 1000);
	is_int((long long)floor_now(), 300, "the last part counts");
	places_list(&p, folder, &e);
	begin = places_begin(&p, &name);
	is_int(begin != NULL ? (long long)begin->position : -1, 300,
	    "in another number of parts it begins there");
	name.parts = 2;
	begin = places_begin(&p, &name);
	is_int(begin != NULL ? (long long)begin->position : -1, 900,
	    "in the same at its place");
	snprintf(name.group, sizeof(name.group), "c");
	ok(places_begin(&p, &name) == NULL, "another group at the beginning");
	snprintf(name.group, sizeof(name.group), "b");
	is_int((long long)places_highest(&p), 900, "the highest of all");
	places_free(&p);
	save("b", 1, 3, 400, 2000);
	is_int((long long)floor_now(), 300, "new parts to come hold the old");
	save("b", 2, 3, 600, 2000);
	save("b", 3, 3, 700, 2000);
	is_int((long long)floor_now(), 400, "all there: the old ones do not");
	name.part = name.parts = 2;
	places_list(&p, folder, &e);
	begin = places_begin(&p, &name);
	is_int(begin != NULL ? (long long)begin->position : -1, 400,
	    "back in the old number: what the new ones did is done");
	places_free(&p);
}

static void
test_file(void)
{
	struct place_name name = { .group = "a" };
	struct place_held held;
	char path[PATH_MAX];
	struct err e;

	is_int(place_load(folder, &name, &held, &e), 1, "a place is loaded");
	ok(held.place.position == 500 && held.place.line == 50 &&
	    held.at_ms == 1000, "as it was saved");
	snprintf(name.group, sizeof(name.group), "none");
	is_int(place_load(folder, &name, &held, &e), 0, "or there is none");
	place_path(path, folder, &name, &e);
	file_replace(path, "{}\n", 3, &e);
	is_int(place_load(folder, &name, &held, &e), -1, "or it is damaged");
	is_int(e.code, GC_EX_DATAERR, "which is 65");
	unlink(path);
}

static void
test_names(void)
{
	static const char *const bad[] = { "", "1", "0/2", "3/2", "1/0",
	    "1/2/3", "a/2", "1/1025", "-1/2", "111111111111/22222222222" };
	struct place_name name;

	is_int(place_part("2/3", &name), 0, "a part");
	ok(name.part == 2 && name.parts == 3, "of so many");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		is_int(place_part(bad[i], &name), -1, bad[i]);
	ok(place_is_group("a-B_9"), "a group's name");
	ok(!place_is_group("") && !place_is_group("a/b") &&
	    !place_is_group("a.b"), "no other characters");
}

int
main(void)
{
	static const unsigned parts[][2] = { { 1, 2 }, { 2, 2 }, { 1, 3 },
	    { 2, 3 }, { 3, 3 } };

	if (mkdtemp(folder) == NULL)
		return 1;
	test_floor();
	test_file();
	test_names();
	forget("a", 0, 0);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		forget("b", parts[i][0], parts[i][1]);
	rmdir(folder);
	return done();
}
