/*
 * lap [-o FILE] [-g GROUP] [-s SIDE] [-r ROUND] [-e EVENTS] [-n TIMES]
 * COMMAND...: run COMMAND and add a line to FILE (stderr): how long it took,
 * the CPU time of it and of all that it waited for, and the most memory that
 * one process of these had.  -n: run it TIMES times and tell the medians.
 * Ends as COMMAND does; one that fails is not told.
 */
#include <sys/resource.h>
#include <sys/wait.h>

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/die.h"
#include "lib/str.h"

#define TIMES_MAX 10000

extern char **environ;

struct lap {
	double wall, cpu, rss;
};

static double
seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* As a shell would say it; 0: it went well. */
static int
code_of(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) :
	    WEXITSTATUS(status);
}

/* This process is small, so that its own memory, which a child has until it
 * has become COMMAND, is not what is measured. */
static int
run(char **command, struct lap *lap)
{
	double start = now();
	struct rusage used;
	int status;
	pid_t pid;

	errno = posix_spawnp(&pid, command[0], NULL, NULL, command, environ);
	if (errno != 0) {
		fprintf(stderr, "lap: can't run '%s': %s\n", command[0],
		    strerror(errno));
		return 127;
	}
	while (wait4(pid, &status, 0, &used) == -1)
		if (errno != EINTR)
			return GC_EX_OSERR;
	lap->wall = now() - start;
	lap->cpu = seconds(used.ru_utime) + seconds(used.ru_stime);
	lap->rss = (double)used.ru_maxrss * 1024;
	return code_of(status);
}

static int
by_value(const void *x, const void *y)
{
	double a = *(const double *)x, b = *(const double *)y;

	return (a > b) - (a < b);
}

/* The median of one member of the laps, which begins `at` bytes in. */
static double
median(const struct lap *laps, size_t n, size_t at)
{
	double *values = xcalloc(n, sizeof(*values)), middle;

	for (size_t i = 0; i < n; i++)
		memcpy(&values[i], (const char *)&laps[i] + at,
		    sizeof(double));
	qsort(values, n, sizeof(*values), by_value);
	middle = values[n / 2];
	free(values);
	return middle;
}

int
main(int argc, char **argv)
{
	const char *file = NULL, *group = "", *side = "", *round = "1";
	uint64_t events = 1, times = 1;
	struct lap *laps;
	FILE *out = stderr;
	int letter, code = 0;

	while ((letter = getopt(argc, argv, "+o:g:s:r:e:n:")) != -1)
		switch (letter) {
		case 'o': file = optarg; break;
		case 'g': group = optarg; break;
		case 's': side = optarg; break;
		case 'r': round = optarg; break;
		case 'e':
			if (str_number(optarg, UINT32_MAX, &events) == -1)
				return GC_EX_USAGE;
			break;
		case 'n':
			if (str_number(optarg, TIMES_MAX, &times) == -1)
				return GC_EX_USAGE;
			break;
		default: return GC_EX_USAGE;
		}
	if (optind == argc || times == 0)
		return GC_EX_USAGE;
	laps = xcalloc(times, sizeof(*laps));
	for (uint64_t i = 0; i < times && code == 0; i++)
		code = run(argv + optind, &laps[i]);
	if (code == 0 && file != NULL && (out = fopen(file, "ae")) == NULL)
		code = GC_EX_CANTCREAT;
	if (code == 0)
		fprintf(out, "{\"group\":\"%s\",\"side\":\"%s\",\"round\":%s,"
		    "\"events\":%llu,\"wall\":%.6f,\"cpu\":%.6f,"
		    "\"rss\":%.0f}\n", group, side, round,
		    (unsigned long long)events,
		    median(laps, times, offsetof(struct lap, wall)),
		    median(laps, times, offsetof(struct lap, cpu)),
		    median(laps, times, offsetof(struct lap, rss)));
	free(laps);
	return code;
}
