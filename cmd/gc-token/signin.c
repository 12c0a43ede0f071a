/* gc-token login: authorization code with PKCE (RFC 7636, 8252).  A browser
 * is sent to the login host, comes back here with a code, and that is
 * exchanged for a token. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/gc-token/token.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/percent.h"
#include "lib/pkce.h"

#define URL_MAX 2000		/* it must fit a message, and a browser */
#define EXCHANGE_MS 60000

#ifdef __APPLE__
#define OPENER "open"
#else
#define OPENER "xdg-open"
#endif

struct attempt {
	struct redirect_uri uri;
	char verifier[PKCE_LEN + 1];	/* never leaves but in the exchange */
	char state[PKCE_LEN + 1];
	struct redirect answer;
};

/* --- the browser -------------------------------------------------------- */

static int
build_url(struct buf *url, const struct app *app, const struct attempt *a,
    struct err *e)
{
	char challenge[PKCE_LEN + 1];
	int bad = 0;

	pkce_challenge(challenge, a->verifier);
	bad |= buf_addf(url, "%s/oauth/authorize?response_type=code"
	    "&client_id=", app->config.login_url);
	bad |= percent_add(url, app->config.client_id);
	bad |= buf_adds(url, "&redirect_uri=");
	bad |= percent_add(url, app->redirect);
	bad |= buf_addf(url, "&code_challenge=%s&code_challenge_method=S256"
	    "&state=%s", challenge, a->state);
	return bad == 0 ? 0 : err_set(e, GC_EX_CONFIG, "GC_CLIENT_ID or the "
	    "login host's address is too long");
}

static bool
has_desktop(void)
{
#ifdef __APPLE__
	return true;
#else
	const char *x = getenv("DISPLAY"), *wayland =
	    getenv("WAYLAND_DISPLAY");

	return (x != NULL && *x != '\0') ||
	    (wayland != NULL && *wayland != '\0');
#endif
}

/* As an argument, never by a shell; if it fails, there is the message.  A
 * browser has no use for our secrets, nor we for what it says. */
static void
open_browser(const char *url)
{
	static const char *const ours[] = { "GC_CLIENT_SECRET",
	    "GENESYSCLOUD_OAUTHCLIENT_SECRET", "GENESYSCLOUD_ACCESS_TOKEN" };
	int null;

	if (!has_desktop() || fork() != 0)
		return;
	setsid();		/* ^C is for us */
	sigs_reset_in_child();
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		unsetenv(ours[i]);
	if ((null = open("/dev/null", O_RDWR)) != -1)
		for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
			dup2(null, fd);
	execlp(OPENER, OPENER, url, (char *)NULL);
	_exit(127);
}

static int
send_browser(const struct app *app, const struct attempt *a, struct err *e)
{
	struct buf url;
	int status;

	buf_init(&url, URL_MAX);
	if ((status = build_url(&url, app, a, e)) == 0) {
		/* with -q too: nobody can sign in otherwise */
		(log_get_level() < LOG_WARNING ? log_error : log_warn)(
		    "sign in with a browser: %s", url.data);
		open_browser(url.data);
	}
	buf_free(&url);
	return status;
}

/* --- its answer --------------------------------------------------------- */

/* Only one that has our state is of this sign-in: what else arrives, from
 * wherever, does not end it, and is said but once. */
static int
wait_for_answer(struct app *app, struct listener *l, struct attempt *a,
    struct err *e)
{
	bool said = false;
	int fd;

	app->doing = "waiting for the browser";
	while ((fd = listener_wait(app, l, &a->uri, &a->answer)) != -1) {
		if (pkce_same(a->state, a->answer.state))
			return fd;
		if (!said)
			log_warn("an answer that is of another sign-in is "
			    "ignored%s%.100s", *a->answer.error ? ": " : "",
			    a->answer.error);
		said = true;
		listener_answer(fd, 400, "Not this one", "This is no answer "
		    "to the sign-in that gc-token waits for. Open the "
		    "address that it has printed.");
	}
	return err_set(e, GC_EX_TEMPFAIL, "nobody has signed in within "
	    "--timeout");
}

/* The code for a token, which is kept before anybody is told. */
static int
exchange(struct app *app, const struct attempt *a, struct token *t,
    struct err *e)
{
	const struct redirect *r = &a->answer;
	int lock, status;

	*t = (struct token){ 0 };
	if (*r->error != '\0')
		return err_set(e, GC_EX_NOPERM, "the login host refused: "
		    "%.100s%s%.250s", r->error, *r->description ? ": " : "",
		    r->description);
	app->deadline_ms = clock_mono_ms() + EXCHANGE_MS;
	if (cache_lock(app, &lock, e) == -1)
		return -1;
	status = grant_exchange(app, r->code, a->verifier, t, e);
	if (status == 0 && token_save(t, app->cache, app->owner, e) == -1)
		status = err_prefix(e, "signed in, but it can't be kept");
	close(lock);
	return status;
}

static void
say_signed_in(const struct token *t)
{
	char at[CLOCK_RFC3339_LEN + 1];

	clock_format_ms(t->expires_ms, at);
	if (t->refresh_token != NULL)
		log_warn("signed in; the token is renewed by itself");
	else
		log_warn("signed in until %s; nothing that renews it came: "
		    "run gc-token login again then", at);
}

static int
attempt(struct app *app, struct listener *l, struct attempt *a, struct err *e)
{
	struct token t;
	int fd = wait_for_answer(app, l, a, e), status;

	if (fd == -1)
		return -1;
	listener_close(l);
	give_up_power(app);
	status = exchange(app, a, &t, e);
	if (status == 0) {
		say_signed_in(&t);
		listener_answer(fd, 200, "Signed in", "gc-token has its "
		    "token. This window can be closed.");
	} else {
		listener_answer(fd, e->code == GC_EX_NOPERM ? 403 : 502,
		    "Not signed in", e->msg);
	}
	token_free(&t);
	return status;
}

/* --- the command -------------------------------------------------------- */

static int
prepare(struct app *app, struct attempt *a, struct err *e)
{
	unsigned char random[PKCE_RANDOM];

	if (redirect_parse(&a->uri, app->redirect, e) == -1)
		return -1;
	if (app->config.client_id == NULL)
		return err_set(e, GC_EX_CONFIG, "no OAuth client: set "
		    "GC_CLIENT_ID");
	if (app->config.grant == CONFIG_CLIENT_GRANT)
		return err_set(e, GC_EX_CONFIG, "tokens are had by the "
		    "client's secret here, and signing in would change "
		    "nothing: set GC_GRANT=login");
	arc4random_buf(random, sizeof(random));
	pkce_text(a->verifier, random);
	arc4random_buf(random, sizeof(random));
	pkce_text(a->state, random);
	explicit_bzero(random, sizeof(random));
	return 0;
}

_Noreturn void
signin(struct app *app)
{
	struct attempt a;
	struct listener l = { .fd = -1 };
	struct err e;
	int status = -1;

	app->deadline_ms = clock_mono_ms() + app->timeout_ms;
	if (prepare(app, &a, &e) == 0 &&
	    listener_open(&l, a.uri.port, &e) == 0 &&
	    send_browser(app, &a, &e) == 0)
		status = attempt(app, &l, &a, &e);
	explicit_bzero(&a, sizeof(a));
	if (l.fd != -1)
		listener_close(&l);
	if (status == -1)
		stop_err(app, &e);
	stop(app, GC_EX_OK);
}
