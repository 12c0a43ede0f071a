// simdjson FILE: the peer of scan.c, by simdjson's fastest way (on-demand,
// all lines in one batch) and with AVX2.  It prints the same, and the sum must
// agree.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <string_view>

#include <simdjson.h>

using namespace simdjson;

static uint64_t sum;

static void
add(std::string_view s)
{
	if (!s.empty())
		sum += s.size() * 131 + (unsigned char)s.front() +
		    (unsigned char)s.back();
}

static double
now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

int
main(int argc, char **argv)
{
	static const char *const names[] = { "userId", "status",
	    "previousStatus", "timestamp", "queueId" };
	unsigned long long lines = 0;
	ondemand::parser parser;
	ondemand::document_stream docs;
	padded_string text;

	get_active_implementation() = get_available_implementations()[
	    SIMDJSON_STRINGIFY(SIMDJSON_BUILTIN_IMPLEMENTATION)];
	if (argc != 2 || padded_string::load(argv[1]).get(text))
		return 64;
	double wall = now(CLOCK_MONOTONIC);
	double cpu = now(CLOCK_PROCESS_CPUTIME_ID);
	if (parser.iterate_many(text).get(docs))
		return 70;
	for (auto doc : docs) {
		ondemand::object data;
		std::string_view value;

		if (doc["data"].get_object().get(data))
			return 65;
		for (const char *name : names)
			if (!data[name].get_string().get(value))
				add(value);
		lines++;
	}
	printf("{\"wall\":%.6f,\"cpu\":%.6f,\"lines\":%llu,\"sum\":%llu,"
	    "\"by\":\"%s\"}\n", now(CLOCK_MONOTONIC) - wall,
	    now(CLOCK_PROCESS_CPUTIME_ID) - cpu, lines,
	    (unsigned long long)sum, get_active_implementation()->name().c_str());
	return 0;
}
