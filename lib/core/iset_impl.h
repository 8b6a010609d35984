/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One family of iset.c, which includes this file twice and therefore has no
 * guard.  Before it come
 *
 *   OF(name)   name4 or name6
 *   ADDR       the type of an address
 *   PREFIX     addr4_prefix or addr6_prefix
 *   BITS       32 or 128 */

static bool OF(append)(struct OF(iset) * s, ADDR first, ADDR last,
		       struct error *err)
{
	size_t room = s->room ? 2 * s->room : 64;
	struct OF(range) * r;

	if (s->count == s->room) {
		r = reallocarray(s->r, room, sizeof(*r));
		if (!r)
			return error_set(err, ERROR_LIMIT, 0,
					 "no memory for %zu ranges", room);
		s->r = r;
		s->room = room;
	}
	assert(s->r);
	s->r[s->count++] = (struct OF(range)){ .first = first, .last = last };
	return true;
}

/* Whether a range that begins at `first`, not before r, overlaps or continues
 * r. first - 1 cannot wrap: 0 is not beyond any last. */
static inline bool OF(joins)(const struct OF(range) * r, ADDR first)
{
	return first <= r->last || first - 1 == r->last;
}

bool OF(iset_add)(struct iset *set, ADDR first, ADDR last, struct error *err)
{
	struct OF(iset) *s = &set->OF(v);
	struct OF(range) *top = s->count ? &s->r[s->count - 1] : NULL;

	assert(first <= last);
	if (!top || first < top->first || !OF(joins)(top, first))
		return OF(append)(s, first, last, err);
	if (last > top->last)
		top->last = last;
	return true;
}

/* ---- sorting ------------------------------------------------------------ */

/* Where the run ends that begins at i: up to there firsts ascend. */
static size_t OF(run_end)(const struct OF(range) * r, size_t i, size_t count)
{
	do {
		i++;
	} while (i < count && r[i].first >= r[i - 1].first);
	return i;
}

/* Merge the runs a[0..middle) and a[middle..count) into out. */
static void OF(merge)(struct OF(range) * out, const struct OF(range) * a,
		      size_t middle, size_t count)
{
	size_t i = 0, j = middle;

	while (i < middle && j < count)
		*out++ = a[j].first < a[i].first ? a[j++] : a[i++];
	memcpy(out, a + i, (middle - i) * sizeof(*a));
	out += middle - i;
	memcpy(out, a + j, (count - j) * sizeof(*a));
}

/* Pairs of runs of `from` become single runs of `to`; true when one is left. */
static bool OF(merge_pairs)(struct OF(range) * to,
			    const struct OF(range) * from, size_t count)
{
	size_t begin, middle, end = 0;

	do {
		begin = end;
		middle = OF(run_end)(from, begin, count);
		end = middle < count ? OF(run_end)(from, middle, count) : count;
		OF(merge)
		(to + begin, from + begin, middle - begin, end - begin);
	} while (end < count);
	return begin == 0;
}

static bool OF(sort)(struct OF(iset) * s, struct error *err)
{
	struct OF(range) * spare, *full;
	bool sorted =
		s->count == 0 || OF(run_end)(s->r, 0, s->count) == s->count;

	if (sorted)
		return true;
	spare = reallocarray(NULL, s->room, sizeof(*spare));
	if (!spare)
		return error_set(err, ERROR_LIMIT, 0,
				 "no memory to sort %zu ranges", s->count);
	while (!sorted) {
		sorted = OF(merge_pairs)(spare, s->r, s->count);
		full = spare;
		spare = s->r;
		s->r = full;
	}
	free(spare);
	return true;
}

static bool OF(normalise)(struct OF(iset) * s, struct error *err)
{
	size_t top = 0;

	if (!OF(sort)(s, err))
		return false;
	for (size_t i = 1; i < s->count; i++) {
		if (!OF(joins)(&s->r[top], s->r[i].first))
			s->r[++top] = s->r[i];
		else if (s->r[i].last > s->r[top].last)
			s->r[top].last = s->r[i].last;
	}
	if (s->count)
		s->count = top + 1;
	return true;
}

/* ---- one walk along both sets --------------------------------------------- */

/* What of first-last is in none of y's ranges from *j on; *j is left at the
 * first that may still reach beyond last. */
static bool OF(subtract_one)(struct iset *out, ADDR first, ADDR last,
			     const struct OF(iset) * y, size_t *j,
			     struct error *err)
{
	while (*j < y->count && y->r[*j].last < first)
		++*j;
	for (; *j < y->count && y->r[*j].first <= last; ++*j) {
		const struct OF(range) *r = &y->r[*j];

		if (r->first > first &&
		    !OF(append)(&out->OF(v), first, r->first - 1, err))
			return false;
		if (r->last >= last)
			return true;
		first = r->last + 1;
	}
	return OF(append)(&out->OF(v), first, last, err);
}

static bool OF(subtract)(struct iset *out, const struct iset *a,
			 const struct iset *b, struct error *err)
{
	const struct OF(iset) *x = &a->OF(v);
	size_t j = 0;

	for (size_t i = 0; i < x->count; i++)
		if (!OF(subtract_one)(out, x->r[i].first, x->r[i].last,
				      &b->OF(v), &j, err))
			return false;
	return true;
}

/* ---- questions ----------------------------------------------------------- */

const struct OF(range) * OF(iset_find)(const struct iset *set, ADDR addr)
{
	const struct OF(range) *r = set->OF(v).r;
	size_t count = set->OF(v).count;

	if (count == 0)
		return NULL;
	/* the last range that begins at or before addr; the addition is a
	 * conditional move, so that nothing has to be guessed */
	while (count > 1) {
		size_t half = count / 2;

		r += r[half].first <= addr ? half : 0;
		count -= half;
	}
	return r->first <= addr && addr <= r->last ? r : NULL;
}

bool OF(iset_has)(const struct iset *set, ADDR addr)
{
	return OF(iset_find)(set, addr) != NULL;
}

bool OF(iset_cidrs)(const struct iset *set,
		    bool (*emit)(void *ctx, ADDR first, unsigned len),
		    void *ctx)
{
	const struct OF(iset) *s = &set->OF(v);

	for (size_t i = 0; i < s->count; i++) {
		ADDR first = s->r[i].first, last = s->r[i].last, end;

		do {
			unsigned len = PREFIX(first, last);
			ADDR host = len == BITS ? 0 : (ADDR) ~(ADDR)0 >> len;

			if (!emit(ctx, first, len))
				return false;
			end = first | host;
			first = end + 1;
		} while (end != last);
	}
	return true;
}

/* ---- digest ------------------------------------------------------------ */

static void OF(digest)(struct sink *sink, const struct OF(iset) * s)
{
	sink_word(sink, s->count);
	for (size_t i = 0; i < s->count; i++) {
		OF(sink_addr)(sink, s->r[i].first);
		OF(sink_addr)(sink, s->r[i].last);
		sink_drain(sink, SINK_LOW);
	}
}
