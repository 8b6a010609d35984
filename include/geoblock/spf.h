/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GEOBLOCK_SPF_H
#define GEOBLOCK_SPF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <geoblock/addr.h>
#include <geoblock/error.h>

/* SPF records (RFC 7208), read for the addresses that they let pass: who may
 * send for a provider is what its SPF says, kept up to date by the provider. */

#define SPF_DOMAIN_MAX  254 /* with its NUL */
#define SPF_LOOKUPS_MAX 10  /* terms that ask the DNS, RFC 7208 4.6.4 */
#define SPF_VOIDS_MAX   2   /* of their questions without an answer */
#define SPF_MX_MAX      10  /* hosts of one mx */

/* What a record may exempt.  RFC 7208 has no such bounds; an exemption needs
 * them.  /8 is the widest that a registry ever gave one company, and mail comes
 * from less. */
#define SPF_WIDEST4        8  /* prefix length */
#define SPF_WIDEST6        24 /* prefix length */
#define SPF_ADDRESSES4_MAX (1u << 25)
#define SPF_NETWORKS6_MAX  ((uint64_t)1 << 42) /* of /64 */
#define SPF_NETS_MAX       10000               /* of one domain */

/* ---- one record ---- */

enum spf_kind {
	SPF_ALL,
	SPF_INCLUDE,
	SPF_A,
	SPF_MX,
	SPF_PTR,
	SPF_IP4,
	SPF_IP6,
	SPF_EXISTS,
	SPF_REDIRECT, /* from here on modifiers */
	SPF_EXP,
	SPF_OTHER, /* one that is not known: means nothing */
};

struct spf_term {
	enum spf_kind kind;
	char qualifier; /* '+', '-', '~' or '?'; 0 for a modifier */
	char domain[SPF_DOMAIN_MAX]; /* lower case, no dot at its end; "": the
	                              * record's own */
	bool macro; /* the domain depends on the sender (section 7); it is "" */
	unsigned cidr4, cidr6; /* prefix lengths, SPF_A and SPF_MX */
	struct range range;    /* SPF_IP4, SPF_IP6: host bits cleared */
	const char *text;      /* as it stands in the record */
	size_t len;
};

/* spf_is_record - is a TXT record meant to be SPF (section 4.5)? */
bool spf_is_record(const char *text);

/* spf_check - the syntax of a whole record (section 12): every term, redirect and
 * exp once at most.  Any bytes may be in it; what is no visible ASCII is refused. */
bool spf_check(const char *record, struct error *err);

/* spf_next - the next term.  *at begins as the record itself, and moves.  False
 * at the end, or, with err->kind set, at what is no term. */
bool spf_next(const char **at, struct spf_term *out, struct error *err);

/* spf_domain - a domain name as it is kept: lower case, no dot at its end; at
 * least two labels of letters, digits, "-" and "_".  out has SPF_DOMAIN_MAX
 * bytes. */
bool spf_domain(const char *text, size_t len, char *out, struct error *err);

/* ---- a domain's networks ---- */

struct spf_net {
	struct range range;
	char *via;  /* the domain in whose record it stands */
	char *term; /* what it says there: "ip4:192.0.2.0/24", "mx" */
};

#define SPF_NOTES_MAX 16
#define SPF_NOTE_MAX  240 /* with its NUL */

struct spf_nets {
	struct spf_net *nets;
	size_t count, room;
	char *notes[SPF_NOTES_MAX]; /* what was passed over, and why */
	size_t note_count;
};

/* spf_nets_add - one more, with copies of `via` and of term_len bytes of `term`.  Fails
 * where it is one too many (ERROR_MALFORMED), or for lack of memory; nets are then as
 * before.  spf_nets_note - once for each text; those beyond SPF_NOTES_MAX are left
 * out. */
void spf_nets_clear(struct spf_nets *nets);
bool spf_nets_add(struct spf_nets *nets, const struct range *range,
		  const char *via, const char *term, size_t term_len,
		  struct error *err);
void spf_nets_note(struct spf_nets *nets, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* spf_range_allowed - is it narrow enough to be exempt? */
bool spf_range_allowed(const struct range *range);

/* spf_nets_allowed - are all of them together? */
bool spf_nets_allowed(const struct spf_nets *nets, struct error *err);

enum spf_question { SPF_ASK_TXT, SPF_ASK_MX, SPF_ASK_A, SPF_ASK_AAAA };
enum spf_status {
	SPF_ANSWERED,
	SPF_VOID,    /* no such name, or none of this type */
	SPF_TROUBLE, /* the DNS cannot tell now */
};

/* The walk frees what it is given, with free(). */
struct spf_answer {
	struct addr *addrs; /* SPF_ASK_A, SPF_ASK_AAAA */
	char **texts;       /* SPF_ASK_TXT: records; SPF_ASK_MX: hosts */
	size_t count;
	char why[160]; /* where it is not SPF_ANSWERED */
};

typedef enum spf_status spf_ask_fn(void *ctx, enum spf_question question,
				   const char *name, struct spf_answer *out);

/* spf_walk - the networks that pass a domain's SPF, through include and
 * redirect.
 *
 * An address passes where check_host() (section 4) says pass whatever the sender
 * calls itself: what an earlier term refuses is left out.  Terms that cannot be
 * listed (ptr, exists, macros), `all` and too wide networks are passed over and
 * noted.  The limits of section 4.6.4 hold, and a void look-up of `a` is one that
 * finds neither an IPv4 nor an IPv6 address.  False with ERROR_MALFORMED for what
 * is a permanent error (2.6.7) or no SPF at all, with ERROR_SYSTEM where the DNS
 * was no help; *out is then empty. */
bool spf_walk(const char *domain, spf_ask_fn *ask, void *ctx,
	      struct spf_nets *out, struct error *err);

/* ---- providers ---- */

/* A name for the SPF domains of a provider. */
struct spf_provider {
	const char *name, *title;
	const char *domains[3]; /* NULL behind the last */
};

extern const struct spf_provider spf_providers[]; /* ends with a NULL name */

const struct spf_provider *spf_provider_find(const char *name);

/* spf_provider_nearest - the name that a typing mistake meant, or NULL. */
const char *spf_provider_nearest(const char *name);

/* ---- last answers ---- */

/* What the walks found, kept in the state folder: STATE/spf, a text file. */
#define SPF_STORE_NAME  "spf"
#define SPF_STORE_BYTES (16u << 20)
#define SPF_DOMAINS_MAX 64

struct spf_entry {
	char domain[SPF_DOMAIN_MAX];
	uint64_t asked;    /* seconds since 1970 */
	uint64_t answered; /* when the networks are of; 0: never */
	char *failed;      /* why the last question had no answer, or NULL */
	struct spf_nets nets;
};

struct spf_store {
	struct spf_entry *entries;
	size_t count;
};

/* spf_store_find - a domain's entry, as spf_domain() writes it; NULL: there is none. */
void spf_store_clear(struct spf_store *store);
struct spf_entry *spf_store_find(const struct spf_store *store,
				 const char *domain);

/* spf_store_add - room for a domain; NULL where there is none, with the reason.
 * Its entries move. */
struct spf_entry *spf_store_add(struct spf_store *store, const char *domain,
				struct error *err);

/* spf_store_read - the text of a store, which may be anything.  Networks too wide
 * to be exempt refuse it, as does whatever spf_store_text() would not write.  On
 * error the store is empty; the text names the line. */
bool spf_store_read(const char *text, size_t len, struct spf_store *out,
		    struct error *err);

/* spf_store_text - the same the other way; to be freed.  NULL: no memory. */
char *spf_store_text(const struct spf_store *store, size_t *len);

#endif
