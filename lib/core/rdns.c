// SPDX-License-Identifier: GPL-2.0-or-later
/* Names that a provider made, and names that somebody gave a mail server.
 *
 * Three things are looked for.  The address itself (rdns_addr.c): nobody names a
 * mail server so, but providers name millions of lines so.  Words that say what
 * kind of line it is: "dsl", "dynamic", "pool".  And words that say that somebody
 * did name it: "mail", "smtp", "mta".  What they weigh:
 *
 *   address  pool word  mail word
 *     yes       -          -       generic: also "static.5.113.0.203.clients.…",
 *                                  the name that a rented server has until its
 *                                  owner gives it one
 *     yes       -         yes      ok: big senders number their hosts so,
 *                                  out203-205-221-24.mail.qq.com,
 *                                  66-220-155-141.mail-mail.facebook.com
 *     yes      yes         -       generic
 *     yes      yes        yes      generic
 *      -       yes         -       generic, unless it says "static", too
 *      -       yes        yes      ok: mail.dsl.example.net is a small office's
 *      -        -          -       ok
 *
 * A wrong "generic" costs a person a letter, a wrong "ok" costs the first of several
 * lines of defence, so whatever is doubtful is ok:
 *
 *   - Half an address (two octets) counts only beside a word that says no more than
 *     "host".  Senders number hosts by their last octets: a8-31.smtp-out.amazonses.com,
 *     m42-123.mailgun.net, out30-131.freemail.mail.aliyun.com.
 *   - Serial numbers do not count: vps123456.ovh.net, vmi12345.contaboserver.net.
 *     They say that it is a rented server, which may well send mail.
 *   - Words count in host labels only, not in the registered domain, and only where
 *     they are the whole of what stands between hyphens, dots and digits:
 *     generaldynamics.com, dsl-partners.example, mail.pool-supplies.example.  In a
 *     label with a foreign word, "dsl-partners.customers.example.com", they do not
 *     count either unless the label is numbered.  Words that are also names ("pool",
 *     "cable", "home") count beside a number that says which of many it is:
 *     p12.pool.example.com, but not srv01.home.example.org.
 *   - There is no list of providers, which would be out of date on the day it is
 *     shipped.
 *
 * The registered domain is taken to be the last two labels, or three below the usual
 * second levels of country domains ("co.uk").  A wrong guess costs a word or lets
 * one count, and needs no list that has to be kept up to date either. */
#include "rdns_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))
#define WORD_MAX  16

enum word {
	WORD_FOREIGN,
	WORD_NEUTRAL, /* "ip", "host": says nothing */
	WORD_CODE,    /* of a place, perhaps */
	WORD_MAIL,
	WORD_STATIC,
	WORD_WEAK, /* of lines, but a name for other things as well */
	WORD_LINE,
	WORD_NOBODY, /* nobody has named it */
};

/* Sorted, for bsearch(). */
static const struct word_entry {
	char text[WORD_MAX];
	enum word word;
} words[] = {
	{ "abo", WORD_WEAK },          { "access", WORD_WEAK },
	{ "addr", WORD_NEUTRAL },      { "address", WORD_NEUTRAL },
	{ "adsl", WORD_LINE },         { "broadband", WORD_LINE },
	{ "business", WORD_STATIC },   { "cable", WORD_WEAK },
	{ "cablelink", WORD_LINE },    { "cablemodem", WORD_LINE },
	{ "catv", WORD_LINE },         { "cgn", WORD_LINE },
	{ "cgnat", WORD_LINE },        { "client", WORD_WEAK },
	{ "cliente", WORD_WEAK },      { "clientes", WORD_WEAK },
	{ "clienti", WORD_WEAK },      { "clients", WORD_WEAK },
	{ "correo", WORD_MAIL },       { "cpe", WORD_LINE },
	{ "cust", WORD_WEAK },         { "customer", WORD_WEAK },
	{ "customers", WORD_WEAK },    { "ddns", WORD_LINE },
	{ "dhcp", WORD_LINE },         { "dial", WORD_WEAK },
	{ "dialin", WORD_LINE },       { "dialup", WORD_LINE },
	{ "dinamic", WORD_LINE },      { "dinamica", WORD_LINE },
	{ "dinamico", WORD_LINE },     { "dip", WORD_WEAK },
	{ "docsis", WORD_LINE },       { "dsl", WORD_LINE },
	{ "dyn", WORD_LINE },          { "dynamic", WORD_LINE },
	{ "dynamicip", WORD_LINE },    { "dynip", WORD_LINE },
	{ "dynpool", WORD_LINE },      { "email", WORD_MAIL },
	{ "esmtp", WORD_MAIL },        { "exchange", WORD_MAIL },
	{ "exim", WORD_MAIL },         { "fiber", WORD_WEAK },
	{ "fibre", WORD_WEAK },        { "fios", WORD_LINE },
	{ "fix", WORD_STATIC },        { "fixed", WORD_STATIC },
	{ "fttb", WORD_LINE },         { "ftth", WORD_LINE },
	{ "fttx", WORD_LINE },         { "gpon", WORD_LINE },
	{ "gprs", WORD_LINE },         { "home", WORD_WEAK },
	{ "host", WORD_NEUTRAL },      { "hsd", WORD_LINE },
	{ "imap", WORD_MAIL },         { "internet", WORD_NEUTRAL },
	{ "ip", WORD_NEUTRAL },        { "lists", WORD_MAIL },
	{ "lte", WORD_LINE },          { "mobile", WORD_WEAK },
	{ "modem", WORD_WEAK },        { "mout", WORD_MAIL },
	{ "mta", WORD_MAIL },          { "mx", WORD_MAIL },
	{ "mxout", WORD_MAIL },        { "nat", WORD_WEAK },
	{ "natpool", WORD_LINE },      { "net", WORD_NEUTRAL },
	{ "newsletter", WORD_MAIL },   { "node", WORD_NEUTRAL },
	{ "nordns", WORD_NOBODY },     { "out", WORD_MAIL },
	{ "outbound", WORD_MAIL },     { "outgoing", WORD_MAIL },
	{ "pool", WORD_WEAK },         { "pools", WORD_WEAK },
	{ "postfix", WORD_MAIL },      { "ppp", WORD_LINE },
	{ "pppoe", WORD_LINE },        { "ptr", WORD_NEUTRAL },
	{ "relay", WORD_MAIL },        { "res", WORD_WEAK },
	{ "residential", WORD_LINE },  { "rev", WORD_NEUTRAL },
	{ "reverse", WORD_NEUTRAL },   { "sdsl", WORD_LINE },
	{ "sender", WORD_MAIL },       { "stat", WORD_STATIC },
	{ "static", WORD_STATIC },     { "staticip", WORD_STATIC },
	{ "subs", WORD_WEAK },         { "subscriber", WORD_WEAK },
	{ "umts", WORD_LINE },         { "unallocated", WORD_NOBODY },
	{ "unassigned", WORD_NOBODY }, { "undefined", WORD_NOBODY },
	{ "unused", WORD_NOBODY },     { "user", WORD_WEAK },
	{ "users", WORD_WEAK },        { "vdsl", WORD_LINE },
	{ "wimax", WORD_LINE },        { "wireless", WORD_WEAK },
	{ "xdsl", WORD_LINE },
};

/* Second levels below which country domains are registered. */
static const char *const second_levels[] = {
	"ac",  "ad",   "asso", "co",  "com", "edu", "firm", "go",
	"gob", "gouv", "gov",  "gr",  "id",  "ind", "info", "int",
	"lg",  "ltd",  "me",   "mil", "ne",  "net", "nhs",  "nom",
	"or",  "org",  "plc",  "sch", "web",
};

static bool is_letter(char c)
{
	/* what is beyond ASCII is a letter of some script, or nonsense */
	return (c >= 'a' && c <= 'z') || (unsigned char)c >= 0x80;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* ---- taking a name apart ---- */

static void split(struct rdns_name *name)
{
	unsigned label = 0;

	for (size_t i = 0; i < name->len;) {
		struct rdns_run run = { (uint8_t)i, 0, (uint8_t)label, 0 };

		while (i < name->len &&
		       (is_letter(name->text[i]) || is_digit(name->text[i])))
			run.digits += is_digit(name->text[i++]);
		run.len = (uint8_t)(i - run.at);
		if (run.len && name->run_count < RDNS_RUNS_MAX)
			name->runs[name->run_count++] = run;
		if (i < name->len)
			label += name->text[i++] == '.';
	}
	name->labels = label + 1;
}

/* The label that begins at from. */
static size_t label_length(const char *from)
{
	return strcspn(from, ".");
}

/* Where the label number n from the right (0: the last) begins. */
static const char *label_from_right(const struct rdns_name *name, unsigned n)
{
	const char *p = name->text + name->len;

	while (p > name->text && (p[-1] != '.' || n-- > 0))
		p--;
	return p;
}

static unsigned registered_labels(const struct rdns_name *name)
{
	const char *second;

	if (name->labels < 3 || label_length(label_from_right(name, 0)) != 2)
		return 2;
	second = label_from_right(name, 1);
	for (size_t i = 0; i < LENGTH(second_levels); i++)
		if (label_length(second) == strlen(second_levels[i]) &&
		    memcmp(second, second_levels[i], label_length(second)) == 0)
			return 3;
	return 2;
}

/* Names from outside DNS may have any length; what is beyond 255 bytes is none. */
static void take_apart(struct rdns_name *name, const char *text)
{
	unsigned registered;

	name->run_count = 0;
	name->len = strnlen(text, RDNS_NAME_MAX - 1);
	if (name->len > 0 && text[name->len - 1] == '.')
		name->len--;
	for (size_t i = 0; i < name->len; i++)
		name->text[i] = text[i] >= 'A' && text[i] <= 'Z'
					? (char)(text[i] + 'a' - 'A')
					: text[i];
	name->text[name->len] = '\0';
	split(name);
	registered = registered_labels(name);
	name->host_labels =
		name->labels > registered ? name->labels - registered : 0;
}

/* ---- words ---- */

static int by_text(const void *key, const void *entry)
{
	return strcmp(key, ((const struct word_entry *)entry)->text);
}

static bool begins(const char *word, const char *with)
{
	return strncmp(word, with, strlen(with)) == 0;
}

static bool ends(const char *word, const char *with)
{
	size_t len = strlen(word), tail = strlen(with);

	return len >= tail && strcmp(word + len - tail, with) == 0;
}

/* What the letters of a run say, digits around them left aside. text is "" or in
 * the table. */
static enum word word_of(const struct rdns_name *name,
			 const struct rdns_run *run, const char **text)
{
	const char *from = name->text + run->at, *to = from + run->len;
	const struct word_entry *found;
	char word[WORD_MAX];
	size_t len;

	*text = "";
	while (from < to && is_digit(*from))
		from++;
	while (to > from && is_digit(to[-1]))
		to--;
	len = (size_t)(to - from);
	if (len == 0)
		return WORD_NEUTRAL;
	if (len >= WORD_MAX)
		return WORD_FOREIGN;
	memcpy(word, from, len);
	word[len] = '\0';
	found = bsearch(word, words, LENGTH(words), sizeof(*words), by_text);
	if (found) {
		*text = found->text;
		return found->word;
	}
	if (begins(word, "mail") || begins(word, "smtp") ||
	    ends(word, "mail") || ends(word, "smtp") || ends(word, "mta"))
		return WORD_MAIL;
	if (len == 1 || strpbrk(word, "0123456789")) /* "p12", "0c93tq3" */
		return WORD_NEUTRAL;
	return len <= 3 ? WORD_CODE : WORD_FOREIGN;
}

/* What the words of a name say. */
struct said {
	bool mail, fixed, host;
	const char *line; /* NULL: nothing of that kind */
	const char *nobody;
};

/* What stands in one label. */
struct label {
	bool foreign, code, mail;
	unsigned digits;
	const char *strong, *weak;
};

/* A label that says nothing but which one of many it is: "p12", "host-7". */
static bool is_number(const struct label *label)
{
	return label->digits > 0 && !label->foreign && !label->code &&
	       !label->mail;
}

/* Weak words have to be beside a number: one in the first label, or in their own more
 * than a few; with so many digits, whatever else it says. */
static bool weak_counts(const struct label *label, bool first_is_number)
{
	bool plain = !label->foreign && (!label->code || label->digits > 0);

	return (plain && (first_is_number || label->digits >= 3)) ||
	       label->digits >= 6;
}

static void end_label(struct said *said, const struct label *label,
		      bool first_is_number)
{
	if (label->strong && (!label->foreign || label->digits > 0))
		said->line = label->strong;
	else if (label->weak && !said->line &&
		 weak_counts(label, first_is_number))
		said->line = label->weak;
}

static void add_run(struct said *said, struct label *label,
		    const struct rdns_name *name, const struct rdns_run *run)
{
	const char *text;
	enum word word = word_of(name, run, &text);

	said->mail |= word == WORD_MAIL;
	said->fixed |= word == WORD_STATIC;
	said->host |= word == WORD_NEUTRAL && text[0];
	label->foreign |= word == WORD_FOREIGN;
	label->code |= word == WORD_CODE;
	label->mail |= word == WORD_MAIL;
	label->digits += run->digits;
	if (word == WORD_LINE)
		label->strong = text;
	else if (word == WORD_WEAK)
		label->weak = text;
	else if (word == WORD_NOBODY)
		said->nobody = text;
}

static void listen(struct said *said, const struct rdns_name *name)
{
	struct label label = { 0 };
	bool numbered = false;

	*said = (struct said){ 0 };
	for (size_t i = 0;
	     i < name->run_count && name->runs[i].label < name->host_labels;
	     i++) {
		const struct rdns_run *run = &name->runs[i];

		if (i > 0 && run->label != run[-1].label) {
			if (run[-1].label == 0)
				numbered = is_number(&label) && !label.weak;
			end_label(said, &label, numbered);
			label = (struct label){ 0 };
		}
		add_run(said, &label, name, run);
	}
	end_label(said, &label, numbered);
}

/* ---- the verdict ---- */

/* Only our own words go in: a name is a stranger's text. */
static void tell(char *why, const char *fact, const char *word)
{
	if (why)
		snprintf(why, RDNS_WHY_MAX, "%s%s%s%s", fact,
			 word[0] ? " \"" : "", word, word[0] ? "\"" : "");
}

bool rdns_is_generic(const struct addr *addr, const char *text, char *why)
{
	struct rdns_name name;
	struct said said;
	char fact[RDNS_WHY_MAX] = "";
	const char *form, *word = "";
	enum rdns_told told;

	take_apart(&name, text);
	listen(&said, &name);
	told = rdns_told(&name, addr, &form);
	if (told >= RDNS_TOLD_NET && (!said.mail || said.line))
		snprintf(fact, sizeof(fact),
			 "%s of the address is in the name, %s",
			 told == RDNS_TOLD_WHOLE ? "all" : "most", form);
	else if (told == RDNS_TOLD_HALF && said.host && !said.mail)
		snprintf(fact, sizeof(fact),
			 "half of the address is in the name, %s", form);
	else if (said.line && !said.mail && !said.fixed)
		word = said.line;
	else if (said.nobody && !said.mail)
		word = said.nobody;
	tell(why, word[0] ? "the name says" : fact, word);
	return word[0] || fact[0];
}

static bool is_name(const char *name)
{
	return name && name[0] && strcmp(name, "unknown") != 0;
}

enum rdns_class rdns_classify(const struct addr *addr, const char *verified,
			      const char *reverse, char *why)
{
	if (is_name(verified))
		return rdns_is_generic(addr, verified, why) ? RDNS_GENERIC
							    : RDNS_OK;
	if (!is_name(reverse)) {
		tell(why, "no reverse DNS", "");
		return RDNS_NONE;
	}
	tell(why, "the name does not lead back to the address", "");
	return RDNS_MISMATCH;
}
