// SPDX-License-Identifier: GPL-2.0-or-later
/* Names for the SPF domains of large providers: what each one's own manual tells
 * its customers to include.
 *
 * Who publishes nothing that can be listed is not here, as the name would promise
 * what it does not do: Yahoo's record goes by ptr, Salesforce's by
 * exists:%{i}…. */
#include <geoblock/spf.h>

#include <strings.h>

#include <geoblock/words.h>

const struct spf_provider spf_providers[] = {
	{ "amazonses", "Amazon SES", { "amazonses.com" } },
	{ "fastmail", "Fastmail", { "spf.messagingengine.com" } },
	{ "google", "Gmail, Google Workspace", { "_spf.google.com" } },
	{ "icloud", "Apple iCloud Mail", { "icloud.com" } },
	{ "mailchimp", "Mailchimp", { "servers.mcsv.net" } },
	{ "mailgun", "Mailgun", { "mailgun.org" } },
	{ "microsoft365",
	  "Microsoft 365, Exchange Online",
	  { "spf.protection.outlook.com" } },
	{ "postmark", "Postmark", { "spf.mtasv.net" } },
	{ "proton", "Proton Mail", { "_spf.protonmail.ch" } },
	{ "sendgrid", "Twilio SendGrid", { "sendgrid.net" } },
	{ "zendesk", "Zendesk", { "mail.zendesk.com" } },
	{ "zoho", "Zoho Mail", { "zohomail.com", "one.zoho.com" } },
	{ NULL, NULL, { NULL } },
};

#define PROVIDERS (sizeof(spf_providers) / sizeof(*spf_providers) - 1)

const struct spf_provider *spf_provider_find(const char *name)
{
	for (size_t i = 0; i < PROVIDERS; i++)
		if (strcasecmp(spf_providers[i].name, name) == 0)
			return &spf_providers[i];
	return NULL;
}

const char *spf_provider_nearest(const char *name)
{
	const char *names[PROVIDERS];

	for (size_t i = 0; i < PROVIDERS; i++)
		names[i] = spf_providers[i].name;
	return words_nearest(names, PROVIDERS, name);
}
