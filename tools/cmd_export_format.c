// SPDX-License-Identifier: GPL-2.0-or-later
/* The formats of `geoblock export`, from the canonical set of addresses: each is a
 * walk along it. */
#include "tools/cmd_export.h"

#include <inttypes.h>
#include <string.h>

#include <geoblock/mmdb_write.h>

#include "tools/tool.h"

/* ---- lists ------------------------------------------------------------------------- */

/* A list of prefixes: what stands before, between and after them. */
struct prefixes {
	FILE *out;
	const char *before, *after;
	const char *between; /* NULL: nothing */
	bool no_zero_length; /* the whole space is written as its halves */
	size_t count;
};

static void put_prefix(struct prefixes *p, const char *address, unsigned len)
{
	if (p->between && p->count > 0)
		fputs(p->between, p->out);
	p->count++;
	fprintf(p->out, "%s%s/%u%s", p->before, address, len, p->after);
}

static bool put4(void *ctx, uint32_t first, unsigned len)
{
	struct prefixes *p = ctx;
	char buf[ADDR_TEXT_MAX];

	if (len == 0 && p->no_zero_length) {
		put_prefix(p, "0.0.0.0", 1);
		put_prefix(p, "128.0.0.0", 1);
	} else {
		put_prefix(p, addr4_format(first, buf), len);
	}
	return !ferror(p->out);
}

static bool put6(void *ctx, addr6_t first, unsigned len)
{
	struct prefixes *p = ctx;
	char buf[ADDR_TEXT_MAX];

	if (len == 0 && p->no_zero_length) {
		put_prefix(p, "::", 1);
		put_prefix(p, "8000::", 1);
	} else {
		put_prefix(p, addr6_format(first, buf), len);
	}
	return !ferror(p->out);
}

static bool write_cidr(const struct export_job *job, FILE *out,
		       struct error *err)
{
	struct prefixes p = { .out = out, .before = "", .after = "\n" };

	(void)err;
	iset_cidrs4(&job->set, put4, &p);
	iset_cidrs6(&job->set, put6, &p);
	return true;
}

/* "first-last" of every range of a family. */
static void put_ranges(const struct iset *set, int family, const char *before,
		       const char *after, const char *last_after, FILE *out)
{
	size_t count = family == 4 ? set->v4.count : set->v6.count;
	char first[ADDR_TEXT_MAX], last[ADDR_TEXT_MAX];

	for (size_t i = 0; i < count && !ferror(out); i++) {
		if (family == 4) {
			addr4_format(set->v4.r[i].first, first);
			addr4_format(set->v4.r[i].last, last);
		} else {
			addr6_format(set->v6.r[i].first, first);
			addr6_format(set->v6.r[i].last, last);
		}
		fprintf(out, "%s%s-%s%s", before, first, last,
			i + 1 < count ? after : last_after);
	}
}

static bool write_ranges(const struct export_job *job, FILE *out,
			 struct error *err)
{
	(void)err;
	put_ranges(&job->set, 4, "", "\n", "\n", out);
	put_ranges(&job->set, 6, "", "\n", "\n", out);
	return true;
}

/* ---- files for other programs ------------------------------------------------------ */

/* Where a file comes from, in comments. */
static void put_origin(const struct export_job *job, FILE *out)
{
	country_t cc = COUNTRY_NONE;
	char code[3], built[TOOL_TIME_MAX];

	fprintf(out,
		"# Addresses of %u countries, by geoblock export from the "
		"image "
		"of %s:\n#",
		country_set_count(&job->countries),
		tool_time(job->about.built, built));
	while ((cc = country_set_next(&job->countries, cc)) != COUNTRY_NONE)
		fprintf(out, " %s", country_text(cc, code));
	putc('\n', out);
}

#define NFT_TABLE "inet geoblock_export"

static void put_nft_set(int family, FILE *out)
{
	fprintf(out,
		"\tset allow%d {\n\t\ttype ipv%d_addr\n\t\tflags interval\n",
		family, family);
}

/* Loads in one transaction, also when it is there and rules refer to its sets: they
 * are made if need be, emptied and filled anew. */
static bool write_nft(const struct export_job *job, FILE *out,
		      struct error *err)
{
	(void)err;
	put_origin(job, out);
	fputs("table " NFT_TABLE " {\n", out);
	for (int family = 4; family <= 6; family += 2)
		if (family == 4 ? job->v4 : job->v6) {
			put_nft_set(family, out);
			fputs("\t}\n", out);
		}
	fputs("}\n", out);
	for (int family = 4; family <= 6; family += 2)
		if (family == 4 ? job->v4 : job->v6)
			fprintf(out, "flush set " NFT_TABLE " allow%d\n",
				family);
	fputs("table " NFT_TABLE " {\n", out);
	for (int family = 4; family <= 6; family += 2) {
		if ((family == 4 ? job->set.v4.count : job->set.v6.count) == 0)
			continue; /* nft takes no empty list */
		put_nft_set(family, out);
		fputs("\t\telements = {\n", out);
		put_ranges(&job->set, family, "\t\t\t", ",\n", "\n", out);
		fputs("\t\t}\n\t}\n", out);
	}
	fputs("}\n", out);
	return true;
}

static bool count4(void *ctx, uint32_t first, unsigned len)
{
	(void)first;
	*(size_t *)ctx += len == 0 ? 2 : 1;
	return true;
}

static bool count6(void *ctx, addr6_t first, unsigned len)
{
	(void)first;
	*(size_t *)ctx += len == 0 ? 2 : 1;
	return true;
}

/* A bound that costs nothing, and the same at each update as far as may be: ipset
 * takes a set for another if it differs. */
#define IPSET_MAXELEM ((size_t)1 << 20)

static void put_ipset(const struct export_job *job, int family, FILE *out)
{
	char add[32];
	struct prefixes p = {
		.out = out, .before = add, .after = "\n", .no_zero_length = true
	};
	const char *inet = family == 4 ? "inet" : "inet6";
	size_t count = 0, maxelem = IPSET_MAXELEM, hash = 1024;

	if (family == 4)
		iset_cidrs4(&job->set, count4, &count);
	else
		iset_cidrs6(&job->set, count6, &count);
	while (maxelem < count)
		maxelem *= 2;
	while (hash < count)
		hash *= 2;
	fprintf(out, "create allow%d hash:net family %s maxelem %zu -exist\n",
		family, inet, maxelem);
	fprintf(out,
		"create allow%d-new hash:net family %s hashsize %zu maxelem "
		"%zu "
		"-exist\n",
		family, inet, hash, maxelem);
	fprintf(out, "flush allow%d-new\n", family);
	snprintf(add, sizeof(add), "add allow%d-new ", family);
	if (family == 4)
		iset_cidrs4(&job->set, put4, &p);
	else
		iset_cidrs6(&job->set, put6, &p);
	fprintf(out, "swap allow%d-new allow%d\n", family, family);
	fprintf(out, "destroy allow%d-new\n", family);
}

/* For `ipset restore`: filled under another name, then swapped, so that rules never
 * see it half full. */
static bool write_ipset(const struct export_job *job, FILE *out,
			struct error *err)
{
	(void)err;
	put_origin(job, out);
	if (job->v4)
		put_ipset(job, 4, out);
	if (job->v6)
		put_ipset(job, 6, out);
	return true;
}

/* cidr_table(5) */
static bool write_postfix(const struct export_job *job, FILE *out,
			  struct error *err)
{
	char after[512];
	struct prefixes p = { .out = out, .before = "", .after = after };

	(void)err;
	if ((size_t)snprintf(after, sizeof(after), "\t%s\n", job->result) >=
	    sizeof(after))
		return error_set(err, ERROR_LIMIT, 0,
				 "the result is longer than %zu bytes",
				 sizeof(after) - 3);
	put_origin(job, out);
	iset_cidrs4(&job->set, put4, &p);
	iset_cidrs6(&job->set, put6, &p);
	return true;
}

/* ---- json --------------------------------------------------------------------------- */

static json_t *sources(const struct export_job *job)
{
	json_t *list = json_array();
	char date[TOOL_DATE_MAX];

	for (size_t i = 0; i < job->about.source_count; i++) {
		const struct geo_source *s = &job->about.sources[i];
		json_t *o = json_pack("{s:s}", "kind", geo_kind_name(s->kind));

		json_object_set_new(o, "path", json_string_nocheck(s->path));
		if (s->registry != REGISTRY_NONE)
			json_object_set_new(
				o, "registry",
				json_string(geo_registry_name(s->registry)));
		if (s->date != 0)
			json_object_set_new(
				o, "date",
				json_string(tool_date(s->date, date)));
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *meta(const struct export_job *job)
{
	json_t *countries = json_array(), *o = json_object();
	country_t cc = COUNTRY_NONE;
	char code[3], built[TOOL_TIME_MAX];
	char digest[2 * sizeof(job->about.digest) + 1];

	while ((cc = country_set_next(&job->countries, cc)) != COUNTRY_NONE)
		json_array_append_new(countries,
				      json_string(country_text(cc, code)));
	tool_time(job->about.built, built);
	tool_hex(job->about.digest, sizeof(job->about.digest), digest);
	json_object_set_new(o, "countries", countries);
	json_object_set_new(o, "built", json_string(built));
	json_object_set_new(o, "digest", json_string(digest));
	json_object_set_new(o, "sources", sources(job));
	if (job->v4) {
		json_object_set_new(
			o, "ranges4",
			json_integer((json_int_t)job->set.v4.count));
		json_object_set_new(
			o, "addresses4",
			json_integer((json_int_t)iset_addresses4(&job->set)));
	}
	if (job->v6) {
		uint64_t networks = iset_networks6(&job->set);

		json_object_set_new(
			o, "ranges6",
			json_integer((json_int_t)job->set.v6.count));
		json_object_set_new(
			o, "networks6",
			networks > INT64_MAX
				? json_real((double)networks)
				: json_integer((json_int_t)networks));
	}
	return o;
}

/* Written as it goes: a list may have a million prefixes. */
static bool write_json(const struct export_job *job, FILE *out,
		       struct error *err)
{
	struct prefixes p = {
		.out = out, .before = "\"", .after = "\"", .between = ",\n"
	};
	json_t *o = meta(job);
	bool ok;

	fputs("{\"meta\":", out);
	ok = json_dumpf(o, out, JSON_COMPACT) == 0;
	json_decref(o);
	if (!ok && !ferror(out))
		return error_set(err, ERROR_LIMIT, 0, "no memory");
	if (job->v4) {
		fputs(",\n\"ipv4\":[\n", out);
		iset_cidrs4(&job->set, put4, &p);
		fputs("]", out);
	}
	p.count = 0;
	if (job->v6) {
		fputs(",\n\"ipv6\":[\n", out);
		iset_cidrs6(&job->set, put6, &p);
		fputs("]", out);
	}
	fputs("}\n", out);
	return true;
}

static bool write_mmdb(const struct export_job *job, FILE *out,
		       struct error *err)
{
	return mmdb_write(job->image, &job->set, 0, out, err);
}

const struct export_format export_formats[EXPORT_FORMATS] = {
	{ "cidr", false, write_cidr },       { "ranges", false, write_ranges },
	{ "nft", false, write_nft },         { "ipset", false, write_ipset },
	{ "postfix", false, write_postfix }, { "json", false, write_json },
	{ "mmdb", true, write_mmdb },
};
