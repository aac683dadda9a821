/* SPDX-License-Identifier: MIT */
/* See privileges.h. */
#include "master/privileges.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/log.h"

/*
 * Root without `user` stays root: it reads the configuration of others, and
 * opens their logs, but for the rest it is nobody.
 */
#define ROOT_KEEPS (UINT64_C(1) << CAP_DAC_OVERRIDE)

static bool
is_given(const char *name)
{
	return strcmp(name, "none") != 0;
}

int
privileges_settle(struct options *o, char *err, size_t errsize)
{
	const struct passwd *user = NULL;
	const struct group *group = NULL;

	o->uid = geteuid();
	o->gid = getegid();
	if (is_given(o->user)) {
		/* cppcheck-suppress getpwnamCalled ; there is one thread */
		user = getpwnam(o->user);
		if (user == NULL) {
			snprintf(
			    err, errsize, "user: there is no %s here", o->user);
			return -1;
		}
		o->uid = user->pw_uid;
		o->gid = user->pw_gid;
	}
	if (is_given(o->group)) {
		/* cppcheck-suppress getgrnamCalled ; there is one thread */
		group = getgrnam(o->group);
		if (group == NULL) {
			snprintf(err, errsize, "group: there is no %s here",
			    o->group);
			return -1;
		}
		o->gid = group->gr_gid;
	}
	if (geteuid() == 0 || (o->uid == geteuid() && o->gid == getegid()))
		return 0;
	snprintf(err, errsize, "%s: only root can become another",
	    o->uid != geteuid() ? "user" : "group");
	return -1;
}

/* What the new user couldn't do to files that root has made is now its own. */
static int
give_files(const struct master *m)
{
	struct stat st;

	if (fchown(m->instance.fd, m->options.uid, m->options.gid) == -1)
		return -1;
	if (m->options.log[0] == '/' || log_fd() != STDERR_FILENO) {
		if (fstat(log_fd(), &st) == -1)
			return -1;
		if (S_ISREG(st.st_mode) &&
		    fchown(log_fd(), m->options.uid, m->options.gid) == -1)
			return -1;
	}
	return 0;
}

static int
become(const struct options *o)
{
	int r = is_given(o->user) ? initgroups(o->user, o->gid)
				  : setgroups(1, &o->gid);

	if (r == -1 || setresgid(o->gid, o->gid, o->gid) == -1 ||
	    setresuid(o->uid, o->uid, o->uid) == -1)
		return -1;
	if (o->uid == 0 || setuid(0) == -1)
		return 0;
	errno = EPERM; /* the way back is open */
	return -1;
}

static int
try_file(const struct options *o, const char *key, const char *path)
{
	char quoted[LOG_QUOTED(PATH_SIZE)];

	if (path[0] == '\0' || strcmp(path, ACCESS_NO_FILE) == 0 ||
	    access(path, R_OK) == 0)
		return 0;
	log_error("start-failed", "user=%s unreadable=%s file=%s", o->user, key,
	    log_quote(quoted, sizeof(quoted), path, strlen(path)));
	return -1;
}

/* What is read once more: by HUP, and by workers that are started later. */
static int
try_files(const struct options *o)
{
	if (try_file(o, "config", o->file) == -1 ||
	    try_file(o, "users-file", o->users_file) == -1)
		return -1;
	for (unsigned i = 0; i < o->cert.count; i++)
		if (try_file(o, "cert", o->cert.at[i]) == -1 ||
		    try_file(o, "key", o->key.at[i]) == -1)
			return -1;
	return 0;
}

static void
say(const struct options *o)
{
	if (!o->sandbox) {
		log_warnx("sandbox", "reason=off uid=%u gid=%u",
		    (unsigned)o->uid, (unsigned)o->gid);
		return;
	}
	log_info("sandbox", "seccomp=%s landlock=%d uid=%u gid=%u",
	    sandbox_filters() ? "yes" : "no", sandbox_landlock(),
	    (unsigned)o->uid, (unsigned)o->gid);
}

int
privileges_drop(struct master *m)
{
	const struct options *o = &m->options;
	bool changes = o->uid != geteuid() || o->gid != getegid();

	if (changes && (give_files(m) == -1 || become(o) == -1)) {
		log_error("start-failed", "user=%u group=%u", (unsigned)o->uid,
		    (unsigned)o->gid);
		return -1;
	}
	if (changes && try_files(o) == -1)
		return -1;
	if (o->sandbox &&
	    sandbox_renounce(o->uid == 0 ? ROOT_KEEPS : 0) == -1) {
		log_error("start-failed", "sandbox");
		return -1;
	}
	say(o);
	return 0;
}

void
privileges_print(const struct options *o, FILE *out)
{
	int landlock = sandbox_landlock();

	if (!o->sandbox) {
		fputs("sandbox: off\n", out);
		return;
	}
	fputs("sandbox: no new privileges, no capabilities, not dumpable", out);
	if (sandbox_filters())
		fputs(", seccomp", out);
	if (landlock > 0)
		fprintf(out, ", landlock %d", landlock);
	if (!sandbox_filters() || landlock == 0)
		fprintf(out, "; this kernel has no %s%s%s",
		    sandbox_filters() ? "" : "seccomp",
		    !sandbox_filters() && landlock == 0 ? " and no " : "",
		    landlock == 0 ? "landlock" : "");
	fputc('\n', out);
}

void
privileges_confine(const struct master *m, const struct sandbox *sandbox)
{
	if (m->options.sandbox && sandbox_enter(sandbox) == -1)
		die(1, "sandbox", "reason=failed");
}
