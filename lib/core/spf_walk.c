// SPDX-License-Identifier: GPL-2.0-or-later
/* From a domain to the networks that pass its SPF.
 *
 * check_host() (RFC 7208 section 4) goes through a record's terms until one
 * matches the sender's address.  Here there is no sender: each term becomes the
 * networks that it matches, less those that an earlier term of the record
 * refused.  `include` brings what passes the other record, `redirect` is one more
 * include at the end.  Nothing is believed that would exempt the world: `all` has
 * no networks, and what is too wide is passed over.
 *
 * Every question counts against limits of the whole walk, so that it ends, in
 * about two hundred questions at worst. */
#include <geoblock/spf.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <geoblock/iset.h>

#define DEPTH_MAX (SPF_LOOKUPS_MAX + 1)
#define TERM_MAX  (SPF_DOMAIN_MAX + 40)

struct walk {
	spf_ask_fn *ask;
	void *ctx;
	unsigned lookups, voids;
	const char *chain[DEPTH_MAX]; /* of records, each included by the one
	                               * before it */
	unsigned depth;
	struct spf_nets *notes; /* of the whole walk */
	struct error *err;
};

/* One record under way. */
struct record {
	const char *domain;
	struct iset refused; /* by its terms so far, normalised */
	struct spf_nets *out;
};

static bool walk_record(struct walk *w, const char *domain,
			struct spf_nets *out);

/* ---- nets ---- */

void spf_nets_clear(struct spf_nets *nets)
{
	for (size_t i = 0; i < nets->count; i++) {
		free(nets->nets[i].via);
		free(nets->nets[i].term);
	}
	for (size_t i = 0; i < nets->note_count; i++)
		free(nets->notes[i]);
	free(nets->nets);
	memset(nets, 0, sizeof(*nets));
}

bool spf_nets_add(struct spf_nets *nets, const struct range *range,
		  const char *via, const char *term, size_t term_len,
		  struct error *err)
{
	struct spf_net *grown, *net;

	if (nets->count == SPF_NETS_MAX)
		return error_set(err, ERROR_MALFORMED, 0,
				 "more than %u networks", SPF_NETS_MAX);
	if (nets->count == nets->room) {
		size_t room = nets->room * 2 + 16;

		grown = reallocarray(nets->nets, room, sizeof(*grown));
		if (!grown)
			return error_set(err, ERROR_LIMIT, 0, "out of memory");
		nets->nets = grown;
		nets->room = room;
	}
	net = &nets->nets[nets->count];
	net->range = *range;
	net->via = strdup(via);
	net->term = strndup(term, term_len);
	if (!net->via || !net->term) {
		free(net->via);
		free(net->term);
		return error_set(err, ERROR_LIMIT, 0, "out of memory");
	}
	nets->count++;
	return true;
}

void spf_nets_note(struct spf_nets *nets, const char *fmt, ...)
{
	char text[SPF_NOTE_MAX], *copy;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (size_t i = 0; i < nets->note_count; i++)
		if (strcmp(nets->notes[i], text) == 0)
			return;
	if (nets->note_count == SPF_NOTES_MAX)
		return;
	copy = strdup(text);
	if (copy)
		nets->notes[nets->note_count++] = copy;
}

bool spf_range_allowed(const struct range *range)
{
	unsigned bits =
		range->family == 4 ? 32 - SPF_WIDEST4 : 128 - SPF_WIDEST6;

	return range->last - range->first < (addr6_t)1 << bits;
}

bool spf_nets_allowed(const struct spf_nets *nets, struct error *err)
{
	struct iset set = { 0 };
	uint64_t n4, n6;
	bool ok = true;

	for (size_t i = 0; ok && i < nets->count; i++)
		ok = iset_add(&set, &nets->nets[i].range, err);
	ok = ok && iset_normalise(&set, err);
	n4 = iset_addresses4(&set);
	n6 = iset_networks6(&set);
	iset_clear(&set);
	if (ok && (n4 > SPF_ADDRESSES4_MAX || n6 > SPF_NETWORKS6_MAX))
		ok = error_set(err, ERROR_MALFORMED, 0,
			       "%llu IPv4 addresses and %llu IPv6 /64 networks "
			       "are more than one provider may exempt",
			       (unsigned long long)n4, (unsigned long long)n6);
	return ok;
}

/* ---- terms ---- */

/* Of the networks of a term, one: into the list, or among those refused. */
static bool add_range(struct walk *w, struct record *r, char qualifier,
		      const struct range *range, const char *via,
		      const char *term, size_t len)
{
	struct iset one = { 0 }, left = { 0 };
	bool ok = true;

	if (qualifier != '+')
		return iset_add(&r->refused, range, w->err) &&
		       iset_normalise(&r->refused, w->err);
	if (r->refused.v4.count + r->refused.v6.count == 0)
		return spf_nets_add(r->out, range, via, term, len, w->err);
	ok = iset_add(&one, range, w->err) && iset_normalise(&one, w->err) &&
	     iset_subtract(&left, &one, &r->refused, w->err);
	for (size_t i = 0; ok && i < left.v4.count; i++)
		ok = spf_nets_add(r->out,
				  &(struct range){ 4, left.v4.r[i].first,
						   left.v4.r[i].last },
				  via, term, len, w->err);
	for (size_t i = 0; ok && i < left.v6.count; i++)
		ok = spf_nets_add(r->out,
				  &(struct range){ 6, left.v6.r[i].first,
						   left.v6.r[i].last },
				  via, term, len, w->err);
	iset_clear(&one);
	iset_clear(&left);
	return ok;
}

static bool add_term(struct walk *w, struct record *r,
		     const struct spf_term *term, const struct range *range)
{
	char text[RANGE_TEXT_MAX];
	size_t len = term->len < TERM_MAX ? term->len : TERM_MAX;

	if (term->qualifier == '+' && !spf_range_allowed(range)) {
		spf_nets_note(w->notes,
			      "%s: \"%.*s\" means %s, which is too wide to be "
			      "exempt",
			      r->domain, (int)len, term->text,
			      range_format(range, text));
		return true;
	}
	return add_range(w, r, term->qualifier, range, r->domain, term->text,
			 len);
}

static void answer_clear(struct spf_answer *answer)
{
	for (size_t i = 0; answer->texts && i < answer->count; i++)
		free(answer->texts[i]);
	free(answer->texts);
	free(answer->addrs);
	memset(answer, 0, sizeof(*answer));
}

/* Ask, and say what trouble there is. */
static bool ask(struct walk *w, enum spf_question question, const char *name,
		struct spf_answer *out, bool *empty)
{
	enum spf_status status;

	memset(out, 0, sizeof(*out));
	status = w->ask(w->ctx, question, name, out);
	*empty = status == SPF_VOID;
	if (status != SPF_TROUBLE)
		return true;
	error_set(w->err, ERROR_SYSTEM, 0, "%s: %s", name, out->why);
	answer_clear(out);
	return false;
}

static bool count_void(struct walk *w, const char *name)
{
	if (++w->voids <= SPF_VOIDS_MAX)
		return true;
	return error_set(w->err, ERROR_MALFORMED, 0,
			 "%s: more than %d look-ups that find nothing (RFC "
			 "7208 4.6.4)",
			 name, SPF_VOIDS_MAX);
}

/* The addresses of a host, each widened to the term's prefix. */
static bool add_host(struct walk *w, struct record *r,
		     const struct spf_term *term, const char *host)
{
	static const enum spf_question questions[] = { SPF_ASK_A,
						       SPF_ASK_AAAA };
	unsigned found = 0;
	bool ok = true, empty;

	for (size_t q = 0; ok && q < 2; q++) {
		struct spf_answer answer;

		if (!ask(w, questions[q], host, &answer, &empty))
			return false;
		for (size_t i = 0; ok && !empty && i < answer.count; i++) {
			const struct addr *a = &answer.addrs[i];
			unsigned free_bits = a->family == 4 ? 32 - term->cidr4
							    : 128 - term->cidr6;
			addr6_t host_bits =
				free_bits == 128
					? ADDR6_MAX
					: ((addr6_t)1 << free_bits) - 1;
			struct range range = { a->family, a->value & ~host_bits,
					       a->value | host_bits };

			found++;
			ok = add_term(w, r, term, &range);
		}
		answer_clear(&answer);
	}
	return ok && (found > 0 || count_void(w, host));
}

static bool add_mx(struct walk *w, struct record *r,
		   const struct spf_term *term, const char *domain)
{
	struct spf_answer answer;
	bool ok = true, empty;

	if (!ask(w, SPF_ASK_MX, domain, &answer, &empty))
		return false;
	if (empty || answer.count == 0)
		ok = count_void(w, domain);
	else if (answer.count > SPF_MX_MAX)
		ok = error_set(
			w->err, ERROR_MALFORMED, 0,
			"%s: has %zu MX hosts; more than %d are an error "
			"(RFC 7208 4.6.4)",
			domain, answer.count, SPF_MX_MAX);
	for (size_t i = 0; ok && !empty && i < answer.count; i++)
		ok = add_host(w, r, term, answer.texts[i]);
	answer_clear(&answer);
	return ok;
}

/* What passes another record, as one term of this one. */
static bool add_record(struct walk *w, struct record *r,
		       const struct spf_term *term)
{
	struct spf_nets nets = { 0 };
	bool ok = walk_record(w, term->domain, &nets);

	for (size_t i = 0; ok && i < nets.count; i++) {
		const struct spf_net *net = &nets.nets[i];

		ok = add_range(w, r, term->qualifier ? term->qualifier : '+',
			       &net->range, net->via, net->term,
			       strlen(net->term));
	}
	spf_nets_clear(&nets);
	return ok;
}

static bool pass_over(struct walk *w, const struct record *r,
		      const struct spf_term *term, const char *why)
{
	spf_nets_note(w->notes, "%s: \"%.*s\" %s", r->domain,
		      term->len < 80 ? (int)term->len : 80, term->text, why);
	return true;
}

static bool add(struct walk *w, struct record *r, const struct spf_term *term)
{
	const char *domain = term->domain[0] ? term->domain : r->domain;
	static const char unlisted[] =
		"depends on the sender and cannot be listed";

	switch (term->kind) {
	case SPF_IP4:
	case SPF_IP6:
		return add_term(w, r, term, &term->range);
	case SPF_ALL:
		return term->qualifier != '+' ||
		       pass_over(w, r, term,
				 "would exempt all the world; it does not");
	case SPF_EXP:
	case SPF_OTHER:
		return true;
	default:
		break;
	}
	if (++w->lookups > SPF_LOOKUPS_MAX)
		return error_set(w->err, ERROR_MALFORMED, 0,
				 "%s: more than %d look-ups (RFC 7208 4.6.4)",
				 r->domain, SPF_LOOKUPS_MAX);
	if (term->macro || term->kind == SPF_PTR || term->kind == SPF_EXISTS)
		return pass_over(w, r, term, unlisted);
	if (term->kind == SPF_A)
		return add_host(w, r, term, domain);
	if (term->kind == SPF_MX)
		return add_mx(w, r, term, domain);
	return add_record(w, r, term);
}

/* ---- records ---- */

/* Which of a domain's TXT records is its SPF; more than one is an error. */
static const char *pick(struct walk *w, const char *domain,
			const struct spf_answer *answer)
{
	const char *found = NULL;

	for (size_t i = 0; i < answer->count; i++) {
		if (!spf_is_record(answer->texts[i]))
			continue;
		if (found) {
			error_set(w->err, ERROR_MALFORMED, 0,
				  "%s: has more than one SPF record", domain);
			return NULL;
		}
		found = answer->texts[i];
	}
	if (!found)
		error_set(w->err, ERROR_MALFORMED, 0, "%s: has no SPF record",
			  domain);
	else if (!spf_check(found, w->err)) {
		error_wrap(w->err, "%s", domain);
		return NULL;
	}
	return found;
}

/* Its terms up to `all`; redirect counts where there is no `all` (6.1). */
static bool walk_terms(struct walk *w, struct record *r, const char *text)
{
	struct spf_term term, redirect = { .kind = SPF_OTHER };
	bool ok = true, all = false;

	while (ok && !all && spf_next(&text, &term, w->err)) {
		if (term.kind == SPF_REDIRECT) {
			redirect = term;
			continue;
		}
		all = term.kind == SPF_ALL;
		ok = add(w, r, &term);
	}
	if (ok && !all && redirect.kind == SPF_REDIRECT)
		ok = add(w, r, &redirect);
	return ok;
}

static bool is_loop(const struct walk *w, const char *domain)
{
	for (unsigned i = 0; i < w->depth; i++)
		if (strcmp(w->chain[i], domain) == 0)
			return true;
	return false;
}

static bool walk_record(struct walk *w, const char *domain,
			struct spf_nets *out)
{
	struct record r = { .domain = domain, .out = out };
	struct spf_answer answer;
	const char *text;
	bool ok, empty;

	if (is_loop(w, domain) || w->depth == DEPTH_MAX)
		return error_set(w->err, ERROR_MALFORMED, 0,
				 "%s: leads back to itself by way of %s",
				 domain, w->chain[w->depth - 1]);
	if (!ask(w, SPF_ASK_TXT, domain, &answer, &empty))
		return false;
	w->chain[w->depth++] = domain;
	text = pick(w, domain, &answer);
	ok = text && walk_terms(w, &r, text);
	w->depth--;
	iset_clear(&r.refused);
	answer_clear(&answer);
	return ok;
}

bool spf_walk(const char *domain, spf_ask_fn *ask_fn, void *ctx,
	      struct spf_nets *out, struct error *err)
{
	struct error local = { 0 };
	struct walk w = {
		.ask = ask_fn,
		.ctx = ctx,
		.notes = out,
		.err = err ? err : &local,
	};

	memset(out, 0, sizeof(*out));
	if (walk_record(&w, domain, out) && spf_nets_allowed(out, w.err))
		return true;
	spf_nets_clear(out);
	return false;
}
