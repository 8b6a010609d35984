/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GEOBLOCK_CONF_H
#define GEOBLOCK_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <geoblock/addr.h>
#include <geoblock/agree.h>
#include <geoblock/country.h>
#include <geoblock/error.h>
#include <geoblock/iset.h>
#include <geoblock/manifest.h>
#include <geoblock/policy.h>
#include <geoblock/record.h>
#include <geoblock/spf.h>

/* The configuration, read into a new object and swapped whole: a bad file never
 * replaces a running policy. */

#define CONF_DEFAULT_PATH "/etc/geoblock/geoblock.conf"
#define CONF_TABLE_MAX    16 /* kernel names: old kernels take 15 characters */

/* One network of exempt or deny, and where it was written: query names it.  The
 * strings belong to the conf. */
struct conf_net {
	struct range range;
	const char *file; /* NULL: built in */
	unsigned line;
	const char *note; /* "private network …", the line's comment, or NULL;
	                   * of SPF: "example.com → ip4:192.0.2.0/24" */
	const char *spf;  /* the domain whose SPF has it, or NULL */
};

struct conf_nets {
	struct conf_net *nets; /* as written, in order */
	size_t count, room;
	char **files; /* the lists that were read */
	size_t file_count;
	char *pattern;   /* of `files`, the first one; NULL: none */
	struct iset set; /* their union */
};

/* One word of exempt.spf: a domain, or a provider's name. */
struct conf_spf {
	char *word;
	unsigned line;
	const struct spf_provider *provider; /* NULL: a domain */
};

/* Where a service is. */
struct conf_server {
	struct addr addr;
	uint16_t port;
};

#define CONF_DNS_MAX    8
#define CONF_AMAVIS_MAX 8

/* A place that a service listens at. */
#define CONF_LISTEN_MAX 16
struct conf_listen {
	char path[108]; /* of a Unix socket, sun_path's size; "": TCP */
	struct conf_server server;
};

/* Greylisting: its times, and where it remembers. */
struct conf_greylist {
	uint32_t delay_s, window_s, lifetime_s;
	unsigned network4, network6; /* prefix lengths */
	unsigned clients;            /* triplets to pass; 0: never enough */
	bool redis;                  /* else LMDB */
	char *path; /* LMDB: the folder, NULL: "greylist" in state_dir; redis:
	             * the Unix socket, NULL: host and port */
	char *host;
	uint16_t port;
	unsigned db;
	char *user, *password; /* NULL: not given */
};

struct conf {
	char *path; /* the file, or NULL: built-in defaults only */
	struct policy policy;
	bool mode_given; /* false: `mode` is not in the file; then it is enforce
			  * where `countries` is, else audit */
	uint16_t ports[POLICY_PORTS_MAX];
	size_t port_count;
	char *contact;        /* NULL: not given */
	char **country_words; /* `countries` as written, for messages */
	size_t country_word_count;

	/* geo */
	enum geo_kind source;
	char **urls; /* empty: the source's default */
	size_t url_count;
	char *ca_file;              /* NULL: the system's certificates */
	char *keys[REGISTRY_COUNT]; /* OpenPGP; NULL: files are not signed */
	uint32_t timeout_s;         /* of a download without progress */
	struct manifest_key *image_keys; /* source = image: whom to believe */
	size_t image_key_count;
	char *mmdb;       /* NULL: not given */
	enum agree agree; /* other than FIRST: a second source is given */
	uint32_t max_age_s;
	uint32_t grace_s;    /* whole days; 0: none */
	unsigned max_shrink; /* per cent */
	uint32_t floor;      /* IPv4 addresses of all chosen countries */

	bool exempt_private; /* private networks are in exempt */
	struct conf_nets exempt;
	struct conf_nets deny;
	struct conf_spf *spf;
	size_t spf_count;
	char **spf_domains; /* what they come to, each once */
	size_t spf_domain_count;
	char *spf_path;               /* STATE/spf, where there are domains */
	struct stat spf_file;         /* before it was read; 0: not there */
	struct spf_store spf_answers; /* the last ones; exempt has them */
	char *spf_problem;            /* why they cannot be read, or NULL */

	struct conf_server *dns; /* CONF_DNS_MAX at most */
	size_t dns_count;        /* 0: the system's */

	char *state_dir;
	char *run_dir;
	char table[CONF_TABLE_MAX];
	uint32_t mark; /* a mask: its bits are ours, in packet and conntrack */
	uint16_t queue;
	uint16_t nflog_group; /* 0: drops in the kernel are not copied */

	/* geoblockd */
	uint16_t queue_count;   /* from `queue` on; more than one: fanout */
	bool queue_fail_closed; /* no daemon, or a full queue: drop */
	uint32_t hosts;         /* to remember */
	uint32_t alike_after_s; /* all senders look alike for so long: no more
	                         * judging by system; 0: never mind */
	bool log_json;
	char *user; /* to run as; NULL: not given */

	/* geoblock-policyd */
	struct conf_listen *policyd_listen; /* CONF_LISTEN_MAX at most */
	size_t policyd_listen_count;        /* 0: policy.sock in run_dir */
	char *policyd_user;                 /* to run as; NULL: not given */
	bool policyd_header;                /* tell the verdict in a header */

	/* p0f: the sockets for mail programs */
	bool p0f_socket;
	uint16_t p0f_mode; /* of p0f.sock and text.sock */
	char *p0f_group;   /* NULL: not given */
	struct conf_server amavis[CONF_AMAVIS_MAX];
	size_t amavis_count;

	struct conf_greylist greylist;
};

/* conf_read - read and check a configuration, and the lists that it names.
 *
 * path NULL: CONF_DEFAULT_PATH.  Every error of the file is found before giving
 * up as far as the grammar allows; `err` holds the first, `say` (may be NULL)
 * hears each, as "file:line: what was found; what would be right".  On error
 * *conf is NULL.  The parser behind it has one state for the process: no two
 * threads at a time. */
bool conf_read(struct conf **conf, const char *path,
	       void (*say)(void *ctx, const char *text), void *ctx,
	       struct error *err);
void conf_free(struct conf *conf); /* NULL is allowed */

/* conf_is_local - loopback, link-local or of a private network: what `exempt` has
 * unasked. */
bool conf_is_local(const struct addr *addr);

/* conf_second - the database that gives a second opinion beside the source; NULL:
 * there is none. */
const char *conf_second(const struct conf *conf);

/* conf_take_spf - exempt what these answers say instead of those that were read,
 * as far as they are of domains of the configuration.  Takes the answers over,
 * also on error; then none are exempt. */
bool conf_take_spf(struct conf *conf, struct spf_store *answers,
		   struct error *err);

/* conf_find_net - the entry that makes addr exempt (or denied): the narrowest
 * one, NULL if none. */
const struct conf_net *conf_find_net(const struct conf_nets *nets,
				     const struct addr *addr);

#endif
