// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/mail.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/amavis.h"
#include "daemon/p0f.h"
#include "daemon/text.h"

struct mail {
	struct p0f p0f;
	struct text text;
	struct clients *p0f_clients; /* NULL: not wanted */
	struct clients *text_clients;
	struct amavis *amavis; /* NULL: not wanted */
};

static bool find_group(const char *name, gid_t *out, struct error *err)
{
	struct group *group;

	*out = (gid_t)-1;
	if (!name)
		return true;
	errno = 0;
	group = getgrnam(name);
	if (!group)
		return error_set(err, ERROR_MALFORMED, errno,
				 "p0f: group \"%s\" does not exist", name);
	*out = group->gr_gid;
	return true;
}

static bool open_streams(struct mail *mail, const struct conf *conf, gid_t gid,
			 struct error *err)
{
	char path[128]; /* conf keeps run-dir far shorter */

	snprintf(path, sizeof(path), "%.100s/%s", conf->run_dir, TEXT_SOCKET);
	if (!clients_open(&mail->text_clients, path, conf->p0f_mode, gid,
			  &text_protocol, &mail->text, err))
		return false;
	snprintf(path, sizeof(path), "%.100s/%s", conf->run_dir, P0F_SOCKET);
	if (conf->p0f_socket)
		return clients_open(&mail->p0f_clients, path, conf->p0f_mode,
				    gid, &p0f_protocol, &mail->p0f, err);
	unlink(path); /* one that answers nobody is worse than none */
	return true;
}

bool mail_open(struct mail **out, const struct conf *conf,
	       const struct path *path, struct error *err)
{
	struct mail *mail = calloc(1, sizeof(*mail));
	gid_t gid;

	*out = NULL;
	if (!mail)
		return error_set(err, ERROR_LIMIT, 0, "out of memory");
	mail->p0f.path = mail->text.path = path;
	if (!find_group(conf->p0f_group, &gid, err) ||
	    !open_streams(mail, conf, gid, err) ||
	    !amavis_open(&mail->amavis, conf, path, err)) {
		mail_close(mail);
		return false;
	}
	*out = mail;
	return true;
}

void mail_close(struct mail *mail)
{
	if (!mail)
		return;
	clients_close(mail->p0f_clients);
	clients_close(mail->text_clients);
	amavis_close(mail->amavis);
	free(mail);
}

void mail_start(struct mail *mail, struct ev_loop *loop,
		void (*between)(void *ctx), void *ctx)
{
	if (mail->p0f_clients)
		clients_start(mail->p0f_clients, loop, between, ctx);
	clients_start(mail->text_clients, loop, between, ctx);
	if (mail->amavis)
		amavis_start(mail->amavis, loop, between, ctx);
}

static struct mail_stats of_stream(const char *name, const uint64_t *asked,
				   const struct clients *clients)
{
	return (struct mail_stats){ name, asked, true, clients_stats(clients) };
}

size_t mail_stats(const struct mail *mail,
		  struct mail_stats out[MAIL_PROTOCOLS])
{
	size_t count = 0;

	if (mail->p0f_clients)
		out[count++] =
			of_stream("p0f", mail->p0f.asked, mail->p0f_clients);
	out[count++] = of_stream("text", mail->text.asked, mail->text_clients);
	if (mail->amavis)
		out[count++] = (struct mail_stats){
			.name = "amavis", .asked = amavis_asked(mail->amavis)
		};
	return count;
}
