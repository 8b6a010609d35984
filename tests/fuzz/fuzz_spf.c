// SPDX-License-Identifier: GPL-2.0-or-later
/* SPF from a stranger's DNS: a walk in which every answer is what the input says.
 * Each line of it is one answer: "t text", "m host", "4" and "6" addresses made of
 * the line, "v" void, anything else trouble; several lines with "+" in front of
 * the next go together. */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <geoblock/spf.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct zone {
	const char *at, *end;
	unsigned asked;
};

static size_t line(struct zone *z, char *buf, size_t size)
{
	const char *eol = memchr(z->at, '\n', (size_t)(z->end - z->at));
	size_t len = (size_t)((eol ? eol : z->end) - z->at);
	size_t take = len < size - 1 ? len : size - 1;

	memcpy(buf, z->at, take);
	buf[take] = '\0';
	z->at = eol ? eol + 1 : z->end;
	return take;
}

static enum spf_status one(struct spf_answer *out, const char *text, size_t len)
{
	if (text[0] == 't' || text[0] == 'm') {
		if (!out->texts)
			out->texts = calloc(64, sizeof(*out->texts));
		out->texts[out->count++] = strdup(text + 1);
	} else {
		struct addr *a;

		if (!out->addrs)
			out->addrs = calloc(64, sizeof(*out->addrs));
		a = &out->addrs[out->count++];
		a->family = text[0] == '4' ? 4 : 6;
		for (size_t i = 1; i < len; i++)
			a->value = a->value << 8 | (uint8_t)text[i];
		if (a->family == 4)
			a->value &= UINT32_MAX;
	}
	return SPF_ANSWERED;
}

static enum spf_status ask(void *ctx, enum spf_question question,
			   const char *name, struct spf_answer *out)
{
	static const char *const kinds[] = { "t", "m", "4", "6" };
	struct zone *z = ctx;
	enum spf_status status = SPF_TROUBLE;
	char buf[4096];
	bool more;

	assert(strlen(name) < 65536);
	/* the walk ends by its own limits */
	assert(++z->asked < 300);
	do {
		size_t len = line(z, buf, sizeof(buf));

		more = z->at < z->end && *z->at == '+' && out->count < 60;
		if (more)
			z->at++;
		if (buf[0] == 'v' && out->count == 0)
			return SPF_VOID;
		if (buf[0] == kinds[question][0])
			status = one(out, buf, len);
	} while (more);
	return status;
}

static void check(const struct spf_nets *nets)
{
	struct spf_store store = { 0 }, again;
	struct spf_entry *entry = spf_store_add(&store, "a.example", NULL);
	struct error err = { 0 };
	char *text;
	size_t len;

	for (size_t i = 0; i < nets->count; i++)
		assert(spf_range_allowed(&nets->nets[i].range));
	/* what was found can be kept, and read again */
	entry->nets = *nets;
	text = spf_store_text(&store, &len);
	assert(text && spf_store_read(text, len, &again, &err));
	assert(again.entries[0].nets.count == nets->count);
	free(text);
	spf_store_clear(&again);
	free(store.entries);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct zone z = { (const char *)data, (const char *)data + size, 0 };
	struct error err = { 0 };
	struct spf_nets nets;

	if (spf_walk("a.example", ask, &z, &nets, &err))
		check(&nets);
	else
		assert(err.kind != ERROR_NONE && nets.count == 0);
	spf_nets_clear(&nets);
	return 0;
}
