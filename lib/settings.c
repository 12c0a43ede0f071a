#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/file.h"
#include "lib/settings.h"

#define BIT(k) (1u << (k))
#define PLACE (BIT(REGION) | BIT(SUBDOMAIN))
#define SECRET (BIT(CLIENT_SECRET) | BIT(CLIENT_SECRET_FILE))

/*
 * Its name in the environment (in the file: in lower case without GC_), and
 * the vendor's.  rivals: a place that sets one of them is the last in which
 * this one is looked for.
 */
static const struct {
	const char *env, *vendor;
	unsigned rivals;
	bool secret;
} keys[SETTING_COUNT] = {
	[SUBDOMAIN] = { "GC_SUBDOMAIN", NULL, PLACE, false },
	[REGION] = { "GC_REGION", "GENESYSCLOUD_REGION", PLACE, false },
	[GRANT] = { "GC_GRANT", NULL, 0, false },
	[API_URL] = { "GC_API_URL", NULL, PLACE, false },
	[LOGIN_URL] = { "GC_LOGIN_URL", NULL, PLACE, false },
	[WS_URL] = { "GC_WS_URL", NULL, PLACE, false },
	[CLIENT_ID] = { "GC_CLIENT_ID", "GENESYSCLOUD_OAUTHCLIENT_ID", 0,
	    false },
	[CLIENT_SECRET] = { "GC_CLIENT_SECRET",
	    "GENESYSCLOUD_OAUTHCLIENT_SECRET", SECRET, true },
	[CLIENT_SECRET_FILE] = { "GC_CLIENT_SECRET_FILE", NULL, SECRET,
	    false },
	[TOKEN_CMD] = { "GC_TOKEN_CMD", NULL, 0, false },
	[PROTOCOL] = { "GC_PROTOCOL", NULL, 0, false },
	[CACERT] = { "GC_CACERT", NULL, 0, false },
	[ACCESS_TOKEN] = { NULL, "GENESYSCLOUD_ACCESS_TOKEN", 0, true },
};

/* The file as it is read, line by line. */
struct reading {
	struct settings *s;
	const char *profile;
	bool any_section, ours;	/* the section in force */
	bool secrets, has_secret;
};

static void
drop(char **s)
{
	if (*s != NULL)
		explicit_bzero(*s, strlen(*s));
	free(*s);
	*s = NULL;
}

void
settings_free(struct settings *s)
{
	for (int k = 0; k < SETTING_COUNT; k++)
		drop(&s->v[k]);
}

char *
settings_take(struct settings *s, enum setting k)
{
	char *value = s->v[k];

	s->v[k] = NULL;
	return value;
}

/* --- the file ----------------------------------------------------------- */

static char *
trim(char *s)
{
	char *end;

	while (isspace((unsigned char)*s))
		s++;
	end = s + strlen(s);
	while (end > s && isspace((unsigned char)end[-1]))
		*--end = '\0';
	return s;
}

static int
find_key(const char *name)
{
	for (int k = 0; k < SETTING_COUNT; k++)
		if (keys[k].env != NULL && strcasecmp(name,
		    keys[k].env + strlen("GC_")) == 0)
			return k;
	return -1;
}

static int
section(struct reading *r, char *line, struct err *e)
{
	char *end = strchr(line, ']');

	if (end == NULL || end[1] != '\0')
		return err_set(e, GC_EX_CONFIG, "a section is [name], alone "
		    "on its line");
	*end = '\0';
	r->any_section = true;
	r->ours = strcmp(trim(line + 1), r->profile) == 0;
	return 0;
}

static int
one_line(struct reading *r, char *line, struct err *e)
{
	char *value;
	int k;

	line = trim(line);
	if (*line == '\0' || *line == '#' || *line == ';')
		return 0;
	if (*line == '[')
		return section(r, line, e);
	if ((value = strchr(line, '=')) == NULL)
		return err_set(e, GC_EX_CONFIG, "neither [section] nor "
		    "key = value");
	*value++ = '\0';
	value = trim(value);
	if ((k = find_key(trim(line))) == -1)
		return err_set(e, GC_EX_CONFIG, "unknown key '%.40s'",
		    trim(line));
	if (!r->any_section)
		return err_set(e, GC_EX_CONFIG, "'%.40s' stands before any "
		    "[section]", trim(line));
	if (*value == '\0')
		return 0;
	r->has_secret |= keys[k].secret;
	if (!r->ours || r->s->v[k] != NULL || (keys[k].secret && !r->secrets))
		return 0;
	r->s->v[k] = xstrdup(value);
	return 0;
}

static int
read_file(struct reading *r, const char *path, struct err *e)
{
	char *line, *rest, *end;
	struct buf text;
	int status = 0, number = 0;

	buf_init_secret(&text, SETTINGS_FILE_MAX);
	if (file_read(path, &text, e) == -1) {
		buf_wipe(&text);
		e->code = GC_EX_CONFIG;
		return access(path, F_OK) == 0 ? -1 : 0;
	}
	rest = text.data;
	end = text.data + text.len;
	while (status == 0 && (line = strsep(&rest, "\n")) != NULL) {
		number++;
		if (rest == NULL && line + strlen(line) != end)
			status = err_set(e, GC_EX_CONFIG, "a NUL byte");
		else
			status = one_line(r, line, e);
	}
	if (status == -1)
		err_prefix(e, "%s:%d", path, number);
	else if (r->has_secret && r->secrets)
		status = file_check_private(path, e);
	buf_wipe(&text);
	return status;
}

/* --- the places --------------------------------------------------------- */

static void
set_from(struct settings *s, int k, const char *name, bool secrets)
{
	const char *value;

	if (name == NULL || (keys[k].secret && !secrets))
		return;
	value = getenv(name);
	if (value != NULL && *value != '\0')
		s->v[k] = xstrdup(value);
}

/* What stands in no higher place, nor do its rivals. */
static void
add_lower(struct settings *s, struct settings *lower)
{
	unsigned have = 0;

	for (int k = 0; k < SETTING_COUNT; k++)
		if (s->v[k] != NULL)
			have |= BIT(k);
	for (int k = 0; k < SETTING_COUNT; k++)
		if ((have & (BIT(k) | keys[k].rivals)) == 0)
			s->v[k] = settings_take(lower, (enum setting)k);
	settings_free(lower);
}

int
settings_read(struct settings *s, const char *path, const char *profile,
    bool secrets, struct err *e)
{
	struct settings file = { { NULL } }, vendor = { { NULL } };
	struct reading r = { .s = &file, .profile = profile,
	    .secrets = secrets };

	*s = (struct settings){ { NULL } };
	for (int k = 0; k < SETTING_COUNT; k++) {
		set_from(s, k, keys[k].env, secrets);
		set_from(&vendor, k, keys[k].vendor, secrets);
	}
	if (path != NULL && read_file(&r, path, e) == -1) {
		settings_free(s);
		settings_free(&file);
		settings_free(&vendor);
		return -1;
	}
	add_lower(s, &file);
	add_lower(s, &vendor);
	return 0;
}
