/* The platform's answers: as they are told, spelt otherwise, and broken. */
#include <stdlib.h>

#include "lib/platform.h"
#include "tests/tap.h"

#define TEXT(s) (s), strlen(s)
#define CHANNEL "{\"connectUri\":\"wss://streaming.mypurecloud.com/channels/" \
    "streaming-0-x\",\"id\":\"streaming-0-x\",\"expires\":" \
    "\"2020-08-12T12:41:54.707Z\"}"

static void
test_channel(void)
{
	static const char *const bad[] = {
		"", "[]", "{}", "{\"id\":\"a\"}",
		"{\"id\":7,\"connectUri\":\"wss://h/c\"}",
		"{\"id\":\"a\",\"connectUri\":\"\"}",
		"{\"id\":\"a\",\"connectUri\":\"https://h/c\"}",
		"{\"id\":\"a/../b\",\"connectUri\":\"wss://h/c\"}",
		"{\"id\":\"a\",\"connectUri\":\"wss://h/c\"",
		"<html>no</html>",
	};
	struct platform_channel c;
	struct err e;

	ok(platform_channel(&c, TEXT(CHANNEL), &e) == 0, "a channel");
	is_str(c.id, "streaming-0-x", "its id");
	is_str(c.uri, "wss://streaming.mypurecloud.com/channels/"
	    "streaming-0-x", "its address");
	is_int(c.expires_ms, INT64_C(1597236114707), "its end");
	platform_channel_free(&c);
	ok(c.id == NULL && c.uri == NULL, "wiped");
	platform_channel_free(&c);
	ok(platform_channel(&c, TEXT("{\"id\":\"a\",\"connectUri\":"
	    "\"ws:\\/\\/h/c\",\"expires\":\"soon\"}"), &e) == 0 &&
	    c.expires_ms == 0, "an end that is not told");
	is_str(c.uri, "ws://h/c", "escapes are undone");
	platform_channel_free(&c);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(platform_channel(&c, TEXT(bad[i]), &e) == -1 &&
		    e.code == GC_EX_UNAVAILABLE && strstr(e.msg, "wss") ==
		    NULL, "none: %s", bad[i]);
	ok(platform_channel(&c, NULL, 0, &e) == -1, "none: no text");
}

static void
test_error(void)
{
	struct platform_error pe;

	ok(platform_error(&pe, TEXT("{\"message\":\"Rate limit exceeded\","
	    "\"code\":\"too.many.requests\",\"status\":429,\"contextId\":"
	    "\"c-1\",\"details\":[],\"errors\":[]}")), "an error");
	is_str(pe.code, "too.many.requests", "code");
	is_str(pe.message, "Rate limit exceeded", "message");
	is_str(pe.context_id, "c-1", "contextId");
	ok(platform_error(&pe, TEXT("{\"error\":\"invalid_client\","
	    "\"description\":\"a\\nb\\u001b[0m\"}")), "as the login has it");
	is_str(pe.code, "invalid_client", "error");
	is_str(pe.message, "a b [0m", "description, on one line");
	ok(!platform_error(&pe, TEXT("<html>502</html>")), "no JSON");
	ok(pe.code[0] == '\0' && pe.message[0] == '\0' &&
	    pe.context_id[0] == '\0', "nothing is told");
	ok(!platform_error(&pe, TEXT("{\"code\":7}")), "another type");
	ok(!platform_error(&pe, NULL, 0), "no text");
}

/* Every id of a page, joined. */
static const char *
ids(const char *text)
{
	static char out[256];
	struct platform_page p;
	struct slice element;
	const char *at = NULL;
	struct buf id;
	struct err e;
	size_t n = 0;

	if (platform_page(&p, TEXT(text), &e) == -1)
		return "none";
	buf_init(&id, PLATFORM_ID_MAX);
	out[0] = '\0';
	while (platform_each(&p, &at, &element))
		n += (size_t)snprintf(out + n, sizeof(out) - n, "%s ",
		    platform_user(element, &id) == 0 ? id.data : "-");
	buf_free(&id);
	return out;
}

static void
test_ids(void)
{
	is_str(ids("{\"entities\":[{\"id\":\"a\",\"name\":\"A\"},"
	    "{\"id\":\"b\"}],\"total\":2}"), "a b ", "users");
	is_str(ids("{\"entities\":[{\"id\":\"a\",\"user\":{\"id\":\"u\"},"
	    "\"joined\":true}]}"), "u ", "a queue's members");
	is_str(ids("{\"entities\":[{\"userId\":\"u\",\"id\":\"x\"}]}"), "u ",
	    "userId");
	is_str(ids("{\"results\":[{\"id\":\"a\"}]}"), "a ", "results");
	is_str(ids("{\"entities\":[]}"), "", "nobody");
	is_str(ids("{\"entities\":[{},7,null,{\"id\":\"\"},{\"id\":7},"
	    "{\"id\":\"a b\"},{\"id\":\"a.b\"},{\"id\":\"a?b\"},"
	    "{\"id\":\"a\\u0000\"},{\"id\":\"\\u0061\"}]}"),
	    "- - - - - - - - - a ", "what is no id is told apart");
	is_str(ids("{}"), "none", "no list");
	is_str(ids("{\"entities\":{}}"), "none", "no list either");
	is_str(ids("[]"), "none", "nor this");
	is_str(ids(""), "none", "nor nothing");
}

static const struct {
	const char *text;
	uint64_t page;
	bool more;
	const char *cursor;
} pages[] = {
	{ "{\"entities\":[{}],\"pageCount\":3}", 2, true, NULL },
	{ "{\"entities\":[{}],\"pageCount\":3}", 3, false, NULL },
	{ "{\"entities\":[{}],\"pageCount\":3,\"nextUri\":\"/x\"}", 3, false,
	    NULL },
	{ "{\"entities\":[{}],\"nextUri\":\"/x?pageNumber=2\"}", 1, true,
	    NULL },
	{ "{\"entities\":[{}],\"nextUri\":null}", 1, false, NULL },
	{ "{\"entities\":[{}],\"nextUri\":\"\"}", 1, false, NULL },
	{ "{\"entities\":[],\"nextUri\":\"/x\"}", 1, false, NULL },
	{ "{\"entities\":[],\"pageCount\":9}", 1, false, NULL },
	{ "{\"entities\":[{}],\"nextUri\":\"/m?pageSize=25&after=W1%3D\"}",
	    1, true, "W1%3D" },
	{ "{\"entities\":[{}],\"nextUri\":\"/m?after=\"}", 1, true, NULL },
	{ "{\"entities\":[{}],\"nextUri\":\"/m?xafter=1\"}", 1, true, NULL },
	{ "{\"entities\":[{}],\"nextUri\":\"/m?after=a b\"}", 1, true, NULL },
	{ "{\"entities\":[{}],\"cursor\":\"c1\",\"nextUri\":\"/x\"}", 1,
	    true, "c1" },
	{ "{\"entities\":[{}],\"after\":\"a1\",\"nextUri\":\"/x\"}", 1,
	    true, "a1" },
	{ "{\"entities\":[{}],\"cursor\":\"a&b\",\"nextUri\":\"/x\"}", 1,
	    true, NULL },
};

static void
test_pages(void)
{
	struct platform_page p;
	struct err e;
	char cursor[64];

	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		is_int(platform_page(&p, TEXT(pages[i].text), &e), 0,
		    pages[i].text);
		ok(platform_more(&p, pages[i].page) == pages[i].more,
		    "  is there more");
		snprintf(cursor, sizeof(cursor), "%.*s", (int)p.cursor.len,
		    p.cursor.p ? p.cursor.p : "");
		is_str(cursor, pages[i].cursor ? pages[i].cursor : "",
		    "  its cursor");
	}
	ok(platform_page(&p, TEXT("{\"entities\":[],\"total\":12}"), &e) ==
	    0 && p.total == 12, "the total");
	ok(platform_page(&p, TEXT("{\"entities\":[],\"total\":\"12\"}"), &e)
	    == 0 && p.total == 0, "or not");
}

static const struct {
	const char *text;
	int status;
	bool rejected;
	const char *id, *why;
} topics[] = {
	{ "{\"id\":\"v2.users.a.activity\",\"state\":\"Permitted\"}", 0,
	    false, "v2.users.a.activity", "" },
	{ "{\"id\":\"t\"}", 0, false, "t", "" },
	{ "{\"id\":\"t\",\"state\":null}", 0, false, "t", "" },
	{ "{\"id\":\"t\",\"state\":\"New\"}", 0, false, "t", "" },
	{ "{\"id\":\"t\",\"state\":\"Rejected\",\"rejectionReason\":\"no "
	    "right\",\"missingPermissions\":[\"a:b:c\",\"d:e:f\"]}", 0, true,
	    "t", "no right, missing permission a:b:c, d:e:f" },
	{ "{\"id\":\"t\",\"state\":\"REJECTED\"}", 0, true, "t", "" },
	{ "{\"id\":\"t\",\"state\":\"Rejected\",\"missingPermissions\":"
	    "[\"a:b:c\"]}", 0, true, "t",
	    "rejected, missing permission a:b:c" },
	{ "{\"id\":\"t\",\"state\":\"Rejected\",\"missingPermissions\":7}",
	    0, true, "t", "" },
	{ "{\"state\":\"Rejected\"}", -1, false, "", "" },
	{ "{\"id\":\"\"}", -1, false, "", "" },
	{ "7", -1, false, "", "" },
};

static void
test_topics(void)
{
	struct platform_topic t;
	char text[512];
	struct platform_page p;
	struct slice element;
	const char *at;
	struct err e;

	platform_topic_init(&t);
	for (size_t i = 0; i < sizeof(topics) / sizeof(topics[0]); i++) {
		snprintf(text, sizeof(text), "{\"entities\":[%s]}",
		    topics[i].text);
		at = NULL;
		ok(platform_page(&p, TEXT(text), &e) == 0 &&
		    platform_each(&p, &at, &element), "%s", topics[i].text);
		is_int(platform_topic(&t, element), topics[i].status,
		    "  is it one");
		ok(t.rejected == topics[i].rejected, "  is it rejected");
		is_str(t.id.len > 0 ? t.id.data : "", topics[i].id, "  id");
		is_str(t.why.len > 0 ? t.why.data : "", topics[i].why,
		    "  why");
	}
	platform_topic_free(&t);
}

int
main(void)
{
	test_channel();
	test_error();
	test_ids();
	test_pages();
	test_topics();
	return done();
}
