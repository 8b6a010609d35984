/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GEOBLOCK_CORE_CONF_IMPL_H
#define GEOBLOCK_CORE_CONF_IMPL_H

#include <stdbool.h>
#include <stddef.h>

#include <geoblock/conf.h>

/* How a configuration is read:
 *
 *   file ─ conf_text_load ─► bytes ─ conf_text_prepare ─► text without traps
 *        ─ conf_parse (libconfuse) ─► tree of settings, each with its lines
 *        ─ conf.c, and a file for each section (conf_set.c: the top) ─► struct conf
 *
 * The first two steps stop at what they cannot read on from; the last one finds
 * every mistake. */

#define CONF_FILE_MAX      (1u << 20)  /* bytes of geoblock.conf */
#define CONF_LIST_FILE_MAX (64u << 20) /* bytes of one list of networks */
#define CONF_VALUE_MAX     1024        /* one value, with its NUL */
#define CONF_VALUES_MAX    4096        /* values of one list */
#define CONF_NETS_MAX      (1u << 20)  /* networks in exempt, or in deny */
#define CONF_SECTIONS_MAX  1024 /* libconfuse goes through all for each */
#define CONF_ERRORS_MAX    50   /* said; the rest is counted out */

/* One run of conf_read(). */
struct conf_reader {
	struct conf *conf;
	const char *path;
	void (*say)(void *ctx, const char *text);
	void *ctx;
	struct error *err;
	unsigned errors;
	const struct conf_text *text; /* for the notes of its lines */
	struct rule *rule;            /* the one being read */
	bool rule_has_action;
	bool countries_empty; /* countries = {} */
	bool needs_countries; /* a rule says `allowed` or `outside` */
};

/* conf_fail - say "file:line: …" (line 0: "file: …"), keep the first in err.
 * Returns false. */
bool conf_fail(struct conf_reader *r, const char *file, unsigned line,
	       const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* conf_fail_errno - the same for a failed system call. */
bool conf_fail_errno(struct conf_reader *r, const char *file, int sys_errno,
		     const char *what);

bool conf_no_memory(struct conf_reader *r);

/* ---- text ---- */

/* A file in memory.  data ends with a line break and a NUL, which may not be
 * the file's. */
struct conf_text {
	char *data;
	size_t len; /* without the NUL */
	/* made by conf_text_prepare(): the line of each section, in order, and
	 * the comments that stand behind something */
	unsigned *sections;
	size_t section_count, section_room;
	struct conf_note *notes;
	size_t note_count, note_room;
};

struct conf_note {
	unsigned line;
	char *text;
};

void conf_text_clear(struct conf_text *text);

/* conf_text_load - a regular file of at most max bytes, UTF-8 without control
 * characters but tab and line end (CR LF is taken for LF). */
bool conf_text_load(struct conf_reader *r, const char *path, size_t max,
		    struct conf_text *text);

/* conf_text_prepare - refuse what libconfuse would take silently for something
 * else, and rewrite what it counts wrongly: comments become blanks, an empty
 * list becomes CONF_EMPTY.  Lines and length stay as they are.  May be called
 * again after conf_text_forget(). */
bool conf_text_prepare(struct conf_reader *r, struct conf_text *text);

/* conf_text_note - the comment at the end of a line, or NULL. */
const char *conf_text_note(const struct conf_text *text, unsigned line);

/* What no file can contain, as conf_text_load() refuses control characters. */
#define CONF_EMPTY   "\001" /* stands for {} */
#define CONF_UNKNOWN "\002" /* stands for a name that is not known */

/* conf_text_forget - take a name that is not known out of the text: an option's
 * name becomes CONF_UNKNOWN, a section becomes blanks. */
enum conf_found { CONF_FOUND_NOTHING, CONF_FOUND_OPTION, CONF_FOUND_SECTION };
enum conf_found conf_text_forget(struct conf_text *text, unsigned line,
				 const char *name);

/* conf_text_is_word - what a word may have without quotes, and our two stand-ins.
 * conf_text_blank - all of [from, to) but line ends becomes blanks. */
bool conf_text_is_word(char c);
void conf_text_blank(char *from, char *to);

/* ---- tree ---- */

struct conf_value {
	char *text;
	unsigned line;
};

struct conf_option;

struct conf_setting {
	const struct conf_option *option;
	size_t section; /* index into conf_tree.sections */
	unsigned line;  /* of the first value */
	struct conf_value *values;
	size_t count, room;
};

struct conf_section {
	const char *name; /* "" for the top; belongs to the option table */
	char *title;      /* of a rule, else NULL */
	unsigned line;
};

struct conf_tree {
	struct conf_section *sections; /* the first is the top */
	size_t section_count, section_room;
	struct conf_setting *settings; /* in the file's order */
	size_t setting_count, setting_room;
};

void conf_tree_clear(struct conf_tree *tree);

/* One option of the grammar.  `set` checks and takes the values, and says what
 * is wrong with them. */
struct conf_option {
	const char *section, *name;
	bool list; /* may have more than one value */
	void (*set)(struct conf_reader *r, const struct conf_setting *setting);
};

extern const struct conf_option conf_options[];
extern const size_t conf_option_count;
#define CONF_OPTIONS_MAX 64

/* conf_parse - libconfuse, behind one function.  Not to be called from two
 * threads at a time: its scanner is one for the process. */
bool conf_parse(struct conf_reader *r, struct conf_text *text,
		struct conf_tree *tree);

/* ---- values ---- */

typedef void conf_set_fn(struct conf_reader *r,
			 const struct conf_setting *setting);

conf_set_fn conf_set_mode, conf_set_ports, conf_set_countries, conf_set_contact,
	conf_set_default, conf_set_state_dir, conf_set_run_dir, conf_set_table,
	conf_set_mark, conf_set_queue, conf_set_nflog_group,
	conf_set_queue_count, conf_set_queue_fail, conf_set_hosts,
	conf_set_alike_after, conf_set_log_format, conf_set_user,
	conf_set_source, conf_set_mmdb, conf_set_agree, conf_set_urls,
	conf_set_max_age, conf_set_max_shrink, conf_set_grace, conf_set_floor,
	conf_set_networks, conf_set_files, conf_set_private, conf_set_spf,
	conf_set_deny_action, conf_set_dns, conf_set_p0f_socket,
	conf_set_p0f_mode, conf_set_p0f_group, conf_set_p0f_amavis,
	conf_set_policyd_listen, conf_set_policyd_user, conf_set_policyd_header;

conf_set_fn conf_set_ca_file, conf_set_keys, conf_set_timeout, conf_set_key;

conf_set_fn conf_set_greylist_delay, conf_set_greylist_window,
	conf_set_greylist_lifetime, conf_set_greylist_network4,
	conf_set_greylist_network6, conf_set_greylist_clients,
	conf_set_greylist_store;

/* Of rules: r->rule is the one. */
conf_set_fn conf_set_rule_country, conf_set_rule_os, conf_set_rule_confidence,
	conf_set_rule_rdns, conf_set_rule_action;

/* conf_rules - the rules of the tree, or those that are shipped where it has
 * none.  To be called after everything else was read: `allowed` and `outside`
 * mean what `countries` says, wherever it stands. */
void conf_rules(struct conf_reader *r, const struct conf_tree *tree);

/* conf_action - the value as an action; else said. */
bool conf_action(struct conf_reader *r, const struct conf_setting *setting,
		 enum action *out);

/* conf_once - false, and said, where the option was given before; first_line is
 * its entry in an array of conf_option_count lines. */
bool conf_once(struct conf_reader *r, const struct conf_setting *setting,
	       unsigned *first_line);

/* conf_value.c: each says what is wrong with a value, and leaves its output.
 *
 * conf_refuse - say "\"VALUE\" TEXT"; false.
 * conf_say_word - say that there is no such word, with the nearest or all of them;
 * conf_word - the value's index in words, -1 and said.
 * conf_number - decimal, or hexadecimal after 0x, false (nothing said) if it is none
 * or is not in [min, max]; conf_take_number - the same, said, with its unit.
 * conf_duration_parse - "7d", from 1s to ten years, as seconds, false (nothing said)
 * if it is none; conf_duration - the same, said.
 * conf_copy - a value's text, instead of what was there.
 * conf_path - an absolute path of at most max bytes, without a slash at its end.
 * conf_account - the name of a user or a group, which `what` says.
 * conf_server_parse - "ADDR:PORT", IPv6 as "[ADDR]:PORT", false (nothing said) if it
 * is none; without its port (the brackets may then be missing) it is default_port, or
 * where that is 0 none. */
bool conf_refuse(struct conf_reader *r, const struct conf_value *value,
		 const char *text);
void conf_say_word(struct conf_reader *r, const struct conf_value *value,
		   const char *what, const char *const *words, size_t count);
int conf_word(struct conf_reader *r, const struct conf_setting *setting,
	      const char *const *words, size_t count);
bool conf_number(const char *text, unsigned long min, unsigned long max,
		 unsigned long *out);
bool conf_take_number(struct conf_reader *r, const struct conf_value *value,
		      unsigned long min, unsigned long max, const char *unit,
		      unsigned long *out);
bool conf_duration_parse(const char *text, uint32_t *out);
bool conf_duration(struct conf_reader *r, const struct conf_value *value,
		   uint32_t *out);
bool conf_copy(struct conf_reader *r, char **to, const char *text);
void conf_path(struct conf_reader *r, const struct conf_value *value,
	       size_t max, char **to);
void conf_bool(struct conf_reader *r, const struct conf_setting *setting,
	       bool *out);
void conf_account(struct conf_reader *r, const struct conf_value *value,
		  const char *what, char **out);
bool conf_server_parse(const char *text, uint16_t default_port,
		       struct conf_server *out);

/* ---- greylist ---- */

void conf_greylist_defaults(struct conf_greylist *greylist);
void conf_greylist_clear(struct conf_greylist *greylist);

/* conf_greylist_check - delay < window <= lifetime; the lines of the latter two. */
void conf_greylist_check(struct conf_reader *r, unsigned window_line,
			 unsigned lifetime_line);

/* ---- networks ---- */

/* conf_nets_private - add the networks that are nobody's on the Internet.
 * conf_nets_finish - make the union. */
void conf_nets_private(struct conf_reader *r, struct conf_nets *nets);
void conf_nets_finish(struct conf_reader *r, struct conf_nets *nets);
void conf_nets_clear(struct conf_nets *nets);

/* conf_image_check - what source = image needs, and who else must not have;
 * lines of the two options, 0 where they are not given. */
void conf_image_check(struct conf_reader *r, unsigned source, unsigned key);

/* conf_spf_load - the last answers for exempt.spf, from the state folder.  That
 * they are missing or damaged is no mistake of the configuration. */
void conf_spf_load(struct conf_reader *r);
void conf_spf_clear(struct conf *conf);

#endif
