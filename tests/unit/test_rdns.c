// SPDX-License-Identifier: GPL-2.0-or-later
/* Shapes of host names, as providers of lines, servers and mail make them.  The
 * addresses are documentation's where a name is made of one, so that nobody's own
 * stands here; shapes that do not tell the address have any. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <geoblock/rdns.h>

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))
#define A4        "203.0.113.5"
#define A6        "2001:db8:85a3:8d3:1319:8a2e:370:7348"

struct shape {
	const char *addr, *name;
	bool generic;
};

/* What must not be called generic: big senders, and named servers. */
static const struct shape named[] = {
	{ "40.107.22.41", "mail-am6eur05on2041.outbound.protection.outlook.com",
	  false },
	{ "40.92.19.44",
	  "mail-bn8nam11olkn2044.outbound.protection.outlook.com", false },
	{ "2a01:111:f403:c110::1",
	  "mail-westeuropeazlp170100001.outbound.protection.outlook.com",
	  false },
	{ "209.85.218.41", "mail-ej1-f41.google.com", false },
	{ "2a00:1450:4864:20::52d", "mail-ed1-x52d.google.com", false },
	{ "209.85.128.171", "mail-yw1-f171.google.com", false },
	{ "54.240.8.31", "a8-31.smtp-out.amazonses.com", false },
	{ "69.169.224.12", "b224-12.smtp-out.eu-central-1.amazonses.com",
	  false },
	{ A4, "o1.ptr1234.example.com", false },
	{ "167.89.12.34", "o1678912x34.outbound-mail.sendgrid.net", false },
	{ A4, "wrqvzxyz.outbound-mail.sendgrid.net", false },
	{ "69.72.42.123", "m42-123.mailgun.net", false },
	{ "198.61.254.9", "so254-9.mailgun.net", false },
	{ "209.61.151.224", "rs224.mailgun.us", false },
	{ "147.253.210.12", "mta-210-12.sparkpostmail.com", false },
	{ A4, "mta201a-ord.mtasv.net", false },
	{ A4, "mail123.atl31.mcdlv.net", false },
	{ A4, "mail37.suw14.mcsv.net", false },
	{ A4, "o113.p8.mailjet.com", false },
	{ A4, "hw.d.mailin.fr", false },
	{ A4, "us-smtp-delivery-1.mimecast.com", false },
	{ A4, "eu-smtp-delivery-113.mimecast.com", false },
	{ A4, "mx0a-00123456.pphosted.com", false },
	{ A4, "outbound-ip113a.ess.barracuda.com", false },
	{ A4, "mail5.bemta32.messagelabs.com", false },
	{ A4, "esa5.hc113-5.iphmx.com", false },
	{ A4, "sonic304-22.consmtp.bullet.mail.ne1.yahoo.com", false },
	{ A4, "mout.gmx.net", false },
	{ A4, "mout.kundenserver.de", false },
	{ A4, "mo4-p00-ob.smtp.rzone.de", false },
	{ A4, "mailout05.t-online.de", false },
	{ A4, "smtp-24.smtpout.orange.fr", false },
	{ A4, "smtp5-g21.free.fr", false },
	{ A4, "1.mo301.mail-out.ovh.net", false },
	{ A4, "relay4-d.mail.gandi.net", false },
	{ A4, "sender4-op-o12.zoho.com", false },
	{ A4, "out3-smtp.messagingengine.com", false },
	{ A4, "mail-40131.protonmail.ch", false },
	{ A4, "qs51p00im-qukt01072301.me.com", false },
	{ A4, "forward502a.mail.yandex.net", false },
	{ A4, "f113.i.mail.ru", false },
	{ A4, "cvsmtppost23.nm.naver.com", false },
	{ "203.205.221.24", "out203-205-221-24.mail.qq.com", false },
	{ "220.181.15.113", "m15-113.126.com", false },
	{ "115.124.30.131", "out30-131.freemail.mail.aliyun.com", false },
	{ "66.220.155.141", "66-220-155-141.mail-mail.facebook.com", false },
	{ A4, "mailc-fe.linkedin.com", false },
	{ A4, "spring-chicken-an.twitter.com", false },
	{ A4, "ccm113.constantcontact.com", false },
	{ A4, "resqmta-a1p-077456.sys.comcast.net", false },
	{ A4, "cmta-5.telus.net", false },
	{ A4, "mta05.prd.rdg.aluminati.org", false },
	{ A4, "smtp-out-5.livemail.co.uk", false },
	{ A4, "mx1.example.com", false },
	{ A4, "mail.example.co.uk", false },
	{ A4, "www5.your-server.de", false },
	{ A4, "sslproxy05.your-server.de", false },
	{ A4, "vps123456.ovh.net", false },
	{ A4, "vps-1a2b3c4d.vps.ovh.net", false },
	{ A4, "vmi113005.contaboserver.net", false },
	{ A4, "h2345678.stratoserver.net", false },
	{ A4, "s12345678.onlinehome-server.info", false },
	{ A4, "v2202012345678901.supersrv.de", false },
	{ A4, "li113-45.members.linode.com", false },
	{ A4, "server5.example.net", false },
	{ A4, "lists.debian.org", false },
	{ A4, "vger.kernel.org", false },
	{ A4, "bendel.debian.org", false },
	{ A4, "mx-out-113.uni-example.de", false },
	{ A4, "generaldynamics.com", false },
	{ A4, "gw.generaldynamics.com", false },
	{ A4, "mail.pool-supplies.example", false },
	{ A4, "gate5.pool-supplies.example.com", false },
	{ A4, "pool-supplies.example", false },
	{ A4, "dynamic.com", false },
	{ A4, "dsl.co.uk", false },
	{ A4, "srv2.cable-car.example.org", false },
	{ A4, "dsl-partners.customers.example.com", false },
	{ A4, "www.clients.agency.example", false },
	{ A4, "homer.home.example.org", false },
	{ A4, "srv01.home.example.org", false },
	{ A4, "web12.clients.agency.example", false },
	{ A4, "app3.mobile.example.com", false },
	{ A4, "client7.example.com", false },
	{ A4, "home2.example.org", false },
	{ A4, "nas.home.example.org", false },
	{ A4, "vpn1.access.example.com", false },
	{ A4, "fiber1.example.com", false },
	{ A4, "pool.example.com", false },
	{ A4, "mail.dsl.example.net", false },
	{ A4, "mx5.customer.example.net", false },
	{ A4, "smtp2.pool.example.com", false },
	{ A4, "static-12.dsl.example.net", false },
	{ A4, "business.adsl.example.net", false },
	{ A4, "pppl.gov", false },
	{ A4, "adslab.cs.example.edu", false },
	{ A4, "dialogue.example.com", false },
	{ A4, "resource.example.com", false },
	{ A4, "custard.example.com", false },
	{ A4, "dynamo12.example.com", false },
	{ A4, "cablevision5.example.com", false },
	{ A4, "a-203-0.example.com", false },
	{ A4, "build-113-4.example.com", false },
	{ A4, "xn--mller-kva.example", false },
	{ A4, "m\xc3\xbcller.example", false },
	{ A4, "\xff\xfe\x01 %s%n.example", false },
	{ A4, "localhost", false },
	{ A4, ".", false },
	{ A4, "...", false },
	{ A4, "-", false },
	{ "2001:db8::25", "mail.example.org", false },
	{ "2001:db8::1", "db8.2001.example.org", false },
	{ "2001:db8:1::1", "mx-2001.example.org", false },
};

/* Names that were made. */
static const struct shape made[] = {
	/* servers that nobody has named yet */
	{ A4, "static.5.113.0.203.clients.your-server.de", true },
	{ A4, "ec2-203-0-113-5.compute-1.amazonaws.com", true },
	{ A4, "ec2-203-0-113-5.eu-west-1.compute.amazonaws.com", true },
	{ A4, "5.113.0.203.bc.googleusercontent.com", true },
	{ A4, "203-0-113-5.ip.linodeusercontent.com", true },
	{ A4, "203.0.113.5.vultrusercontent.com", true },
	{ A4, "ip5.ip-203-0-113.eu", true },
	{ A4, "ns3012345.ip-203-0-113.eu", true },
	{ A4, "203-0-113-5.rev.poneytelecom.eu", true },
	{ A4, "5-113-0-203.instances.scw.cloud", true },
	{ A4, "ip203-0-113-5.pbiaas.com", true },
	{ A4, "cloudserver.203-0-113-5.static.example", true },
	{ A4, "203-0-113-5-host.colocrossing.com", true },
	{ A4, "203-0-113-5.hostwindsdns.com", true },
	{ A4, "unassigned.psychz.net", true },
	{ A4, "undefined.hosting.example.net", true },
	/* North America */
	{ A4, "c-203-0-113-5.hsd1.ca.comcast.net", true },
	{ A4, "203-0-113-5-static.hfc.comcastbusiness.net", true },
	{ A4, "pool-203-0-113-5.washdc.fios.verizon.net", true },
	{ A4, "static-203-0-113-5.bltmmd.fios.verizon.net", true },
	{ A4, "cpe-203-0-113-5.nyc.res.rr.com", true },
	{ A4, "syn-203-000-113-005.res.spectrum.com", true },
	{ A4, "rrcs-203-0-113-5.central.biz.rr.com", true },
	{ A4, "203-0-113-5.lightspeed.irvnca.sbcglobal.net", true },
	{ A4, "adsl-203-0-113-5.dsl.pltn13.sbcglobal.net", true },
	{ A4, "ip203-0-113-5.ph.ph.cox.net", true },
	{ A4, "wsip-203-0-113-5.ph.ph.cox.net", true },
	{ A4, "203-0-113-5.ptld.qwest.net", true },
	{ A4, "203-0-113-5.dyn.centurytel.net", true },
	{ A4, "ool-cb007105.dyn.optonline.net", true },
	{ A4, "user-0c93tq3.cable.mindspring.com", true },
	{ A4, "mobile-203-0-113-5.mycingular.net", true },
	{ A4, "5.sub-203-0-113.myvzw.com", true },
	{ A4, "toroon474aw-lp130-05-203-0-113-5.dsl.bell.ca", true },
	{ A4, "bras-base-toroon0628w-grc-05-203-0-113-5.dsl.bell.ca", true },
	{ A4, "cpe00fc8d7a4a33-cm00fc8d7a4a30.cpe.net.cable.rogers.com", true },
	{ A4, "modemcable005.113-0-203.mc.videotron.ca", true },
	{ A4, "s0106001122334455.vc.shawcable.net", false },
	{ A4, "d203-0-113-5.abhsia.telus.net", true },
	{ A4, "dsl-203-0-113-5-dyn.prod-infinitum.com.mx", true },
	{ A4, "customer-gdl-113-5.megared.net.mx", true },
	{ A4, "fixed-203-0-113-5.totalplay.net", true },
	/* South America */
	{ A4, "203-0-113-5.user.vivozap.com.br", true },
	{ A4, "203-0-113-5.dsl.telesp.net.br", true },
	{ A4, "203.0.113.5.dynamic.adsl.gvt.net.br", true },
	{ A4, "cb007105.virtua.com.br", true },
	{ A4, "203-0-113-5.fibertel.com.ar", true },
	{ A4, "host5.203-0-113.telecom.net.ar", true },
	{ A4, "pc-5-113-0-203.cm.vtr.net", true },
	{ A4, "dinamic-tigo-203-0-113-5.tigo.com.co", true },
	{ A4, "r203-0-113-5.dialup.adsl.anteldata.net.uy", true },
	/* Europe */
	{ A4, "pcb007105.dip0.t-ipconnect.de", true },
	{ A4, "dslb-203-000-113-005.203.000.pools.vodafone-ip.de", true },
	{ A4, "ip-203-000-113-005.um47.pools.vodafone-ip.de", true },
	{ A4, "x4d0b7a05.dyn.telefonica.de", true },
	{ A4, "i5e86a1b2.versanet.de", false },
	{ A4, "ip-203-0-113-5.web.vodafone.de", true },
	{ A4, "ppp-203-0-113-5.dynamic.mnet-online.de", true },
	{ A4, "203-0-113-5.adsl.highway.telekom.at", true },
	{ A4, "203-0-113-5.hfc.dyn.abo.kabsi.at", true },
	{ A4, "5.113.0.203.dynamic.wline.res.cust.swisscom.ch", true },
	{ A4, "adsl-203-0-113-5.adslplus.ch", true },
	{ A4, "lfbn-par-1-113-5.w203-0.abo.wanadoo.fr", true },
	{ A4, "5.113.0.203.rev.sfr.net", true },
	{ A4, "par92-1-203-0-113-5.fbx.proxad.net", true },
	{ A4, "203-0-113-5.subs.proxad.net", true },
	{ A4, "5.red-203-0-113.dynamicip.rima-tde.net", true },
	{ A4, "5.113.0.203.dynamic.jazztel.es", true },
	{ A4, "203.0.113.5.dyn.user.ono.com", true },
	{ A4, "bl5-113-5.dsl.telepac.pt", true },
	{ A4, "a203-0-113-5.cpe.netcabo.pt", true },
	{ A4, "host-203-0-113-5.retail.telecomitalia.it", true },
	{ A4, "host5-113-dynamic.0-203-r.retail.telecomitalia.it", true },
	{ A4, "host5-113-static.0-203-b.business.telecomitalia.it", true },
	{ A4, "dynamic-adsl-203-0-113-5.clienti.tiscali.it", true },
	{ A4, "net-203-0-113-5.cust.vodafonedsl.it", true },
	{ A4, "203-0-113-5.fixed.kpn.net", true },
	{ A4, "ip-203-0-113-5.ip.prioritytelecom.net", true },
	{ A4, "dhcp-077-249-113-005.chello.nl", true },
	{ A4, "5-113-0-203.ftth.glasoperator.nl", true },
	{ A4, "203-0-113-5.cable.dynamic.v4.ziggo.nl", true },
	{ A4, "dcb007105.access.telenet.be", true },
	{ A4, "5.113-0-203.adsl-dyn.isp.belgacom.be", true },
	{ A4, "host203-0-113-5.range203-0.btcentralplus.com", true },
	{ A4, "cpc113005-brmb10-2-0-cust5.1-3.cable.virginm.net", true },
	{ A4, "203-0-113-5.dynamic.dsl.as9105.com", true },
	{ A4, "cb007105.skybroadband.com", true },
	{ A4, "203.0.113.5.threembb.co.uk", true },
	{ A4, "h-113-5.a203.priv.bahnhof.se", false },
	{ A4, "c-cb007105-74736162.cust.telenor.se", true },
	{ A4, "203-0-113-5-no600.tbcn.telia.com", true },
	{ A4, "5.203-0-113.customer.lyse.net", true },
	{ A4, "0x203000113005.static.cust.fastspeed.dk", true },
	{ A4, "dsl-hkibng42-cb0071-5.dhcp.inet.fi", true },
	{ A4, "mobile-access-cb0071-5.dhcp.inet.fi", true },
	{ A4, "203-0-113-5.elisa-laajakaista.fi", true },
	{ A4, "203-0-113-5.dynamic.chello.pl", true },
	{ A4, "public-gprs-113005.centertel.pl", true },
	{ A4, "aaip5.neoplus.adsl.tpnet.pl", true },
	{ A4, "203-0-113-5.rcd.cz", true },
	{ A4, "adsl-dyn-5.113-0-203.t-com.sk", true },
	{ A4, "catv-203-0-113-5.catv.fixed.vodafone.hu", true },
	{ A4, "203-0-113-5.pool.digikabel.hu", true },
	{ A4, "203-0-113-5.dynamic.rdsnet.ro", true },
	{ A4, "ppp005.203.000.113.access.hol.gr", true },
	{ A4, "adsl-5.203-0-113.tellas.gr", true },
	{ A4, "203-0-113-5.dsl.telekom.bg", true },
	{ A4, "broadband-203-0-113-5.ip.moscow.rt.ru", true },
	{ A4, "ppp203-0-113-5.pppoe.avangarddsl.ru", true },
	{ A4, "5-113-0-203.pppoe.ukrtel.net", true },
	{ A4, "203.0.113.5.dynamic.ttnet.com.tr", true },
	{ A4, "host-203-0-113-5.reverse.superonline.net", true },
	/* Asia, Africa, Oceania */
	{ A4, "p113005-ipngn200305tokaisakaetozai.aichi.ocn.ne.jp", false },
	{ A4, "softbank203000113005.bbtec.net", true },
	{ A4, "kd203000113005.ppp-bb.dion.ne.jp", true },
	{ A4, "203-0-113-5f1.tky1.eonet.ne.jp", true },
	{ A4, "203-0-113-5.dynamic-ip.hinet.net", true },
	{ A4, "203-0-113-5.hinet-ip.hinet.net", true },
	{ A4, "5.113.0.203.broad.gz.gd.dynamic.163data.com.cn", true },
	{ A4, "n203000113005.netvigator.com", true },
	{ A4, "static.ill.203.0.113.5.bsnl.co.in", true },
	{ A4, "abts-north-dynamic-005.113.0.203.airtelbroadband.in", true },
	{ A4, "triband-mum-203.0.113.5.mtnl.net.in", true },
	{ A4, "203.0.113.5.actcorp.in", true },
	{ A4, "static.vnpt.vn", false },
	{ A4, "dynamic-ip-adsl.viettel.vn", true },
	{ A4, "mx-ll-203.0.113-5.dynamic.3bb.co.th", true },
	{ A4, "ppp-203-0-113-5.revip.asianet.co.th", true },
	{ A4, "5.subnet203-0-113.speedy.telkom.net.id", true },
	{ A4, "203.0.113.5.pldt.net", true },
	{ A4, "bzq-203-0-113-5.red.bezeqint.net", true },
	{ A4, "203-0-113-5.adsl.mweb.co.za", true },
	{ A4, "host-203.0.113.5.tedata.net", true },
	{ A4, "cpe-203-0-113-5.static.nsw.asp.telstra.net", true },
	{ A4, "203-0-113-5.dyn.iinet.net.au", true },
	{ A4, "203-0-113-5-adsl.sparkbb.co.nz", true },
	/* ways of writing it */
	{ A4, "203.0.113.5", true },
	{ A4, "5.113.0.203.in-addr.arpa", true },
	{ A4, "H203_0_113_5.example.com", true },
	{ A4, "x203x0x113x5.example.com", true },
	{ A4, "ip203000113005.example.com", true },
	{ A4, "ip005113000203.example.com", true },
	{ A4, "ip20301135.example.com", true },
	{ A4, "ip3405803781.example.com", true },
	{ A4, "CB007105.example.com", true },
	{ A4, "057100cb.example.com", true },
	{ A4, "cb-00-71-05.example.com", true },
	{ A4, "cb.0.71.5.example.com", true },
	{ A4, "113-5-203-0.example.com", true },
	{ A4, "mail-203-0-113-5.dsl.example.net", true },
	{ A4, "host113-5.example.net", true },
	{ A4, "pool12.dynamic.example.net.", true },
	{ A4, "p12.pool.example.com", true },
	{ A4, "host-7.cable.example.com", true },
	{ A4, "12.cust.example.com", true },
	{ A4, "customer-1234.example.com", true },
	{ A4, "user-par-123.abo.example.com", true },
	{ "192.168.1.1", "c0a80101.example.com", true },
	/* IPv6 */
	{ A6, "2001-db8-85a3-8d3-1319-8a2e-370-7348.example.net", true },
	{ A6, "2001-0db8-85a3-08d3-1319-8a2e-0370-7348.rev.example.net", true },
	{ A6, "node-20010db885a308d313198a2e03707348.ipv6.example.nl", true },
	{ A6, "2001.0db8.85a3.08d3.1319.8a2e.0370.7348.example.net", true },
	{ A6,
	  "8.4.3.7.0.7.3.0.e.2.a.8.9.1.3.1.3.d.8.0.3.a.5.8.8.b.d.0.1.0.0.2."
	  "ip6.arpa",
	  true },
	{ A6, "cpe-13198a2e03707348.example.net", true },
	{ A6, "dyn-2001-db8-85a3-8d3.example.net", true },
	{ "2001:db8::25", "2001-db8--25.example.net", true },
	{ "2001:db8::25", "2001-db8-0-0-0-0-0-25.example.net", true },
	{ "2001:db8::25",
	  "5.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2."
	  "example.net",
	  true },
};

static struct addr address(const char *text)
{
	struct addr addr;
	struct error err;

	assert_true(addr_parse(text, strlen(text), &addr, &err));
	return addr;
}

static void check_shapes(const struct shape *shapes, size_t count)
{
	unsigned wrong = 0;

	for (size_t i = 0; i < count; i++) {
		struct addr addr = address(shapes[i].addr);
		char why[RDNS_WHY_MAX] = "-";
		bool generic = rdns_is_generic(&addr, shapes[i].name, why);

		if (generic != shapes[i].generic) {
			print_error("%s %s: generic %d, want %d (%s)\n",
				    shapes[i].addr, shapes[i].name, generic,
				    shapes[i].generic, why);
			wrong++;
		}
		assert_int_equal(generic, why[0] != '\0');
		assert_int_equal(generic,
				 rdns_is_generic(&addr, shapes[i].name, NULL));
	}
	assert_int_equal(wrong, 0);
}

static void test_named(void **state)
{
	(void)state;
	check_shapes(named, LENGTH(named));
}

static void test_made(void **state)
{
	(void)state;
	check_shapes(made, LENGTH(made));
}

/* A name that is made of another address says nothing of this one. */
static void test_other_address(void **state)
{
	struct addr addr = address("198.51.100.77");

	(void)state;
	for (size_t i = 0; i < LENGTH(made); i++) {
		char why[RDNS_WHY_MAX];

		if (rdns_is_generic(&addr, made[i].name, why) &&
		    strstr(why, "address"))
			fail_msg("%s: %s", made[i].name, why);
	}
}

static void test_classes(void **state)
{
	static const struct {
		const char *verified, *reverse;
		enum rdns_class want;
		const char *why;
	} cases[] = {
		{ NULL, NULL, RDNS_NONE, "no reverse DNS" },
		{ "", "", RDNS_NONE, "no reverse DNS" },
		{ "unknown", "unknown", RDNS_NONE, "no reverse DNS" },
		{ "unknown", "mail.example.com", RDNS_MISMATCH,
		  "the name does not lead back to the address" },
		{ NULL, "203-0-113-5.dsl.example.com", RDNS_MISMATCH,
		  "the name does not lead back to the address" },
		{ "mail.example.com", "mail.example.com", RDNS_OK, "" },
		{ "mail.example.com", "unknown", RDNS_OK, "" },
		{ "c-203-0-113-5.hsd1.ca.example.net",
		  "c-203-0-113-5.hsd1.ca.example.net", RDNS_GENERIC,
		  "all of the address is in the name, in decimal" },
		{ "ool-cb007105.example.net", NULL, RDNS_GENERIC,
		  "all of the address is in the name, in hex" },
		{ "ns3012345.ip-203-0-113.eu", NULL, RDNS_GENERIC,
		  "most of the address is in the name, in decimal" },
		{ "host113-5.example.net", NULL, RDNS_GENERIC,
		  "half of the address is in the name, in decimal" },
		{ "pool12.dhcp.example.net", NULL, RDNS_GENERIC,
		  "the name says \"dhcp\"" },
		{ "unassigned.example.net", NULL, RDNS_GENERIC,
		  "the name says \"unassigned\"" },
	};
	struct addr addr = address(A4);

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		char why[RDNS_WHY_MAX] = "-";

		assert_int_equal(rdns_classify(&addr, cases[i].verified,
					       cases[i].reverse, why),
				 cases[i].want);
		assert_string_equal(why, cases[i].why);
		rdns_classify(&addr, cases[i].verified, cases[i].reverse, NULL);
	}
}

/* As long as DNS allows, and longer: all dots, all digits, one label. */
static void test_long(void **state)
{
	static const char fill[] = ".-1afz\xff%";
	char name[4096], why[RDNS_WHY_MAX];
	struct addr a4 = address(A4), a6 = address(A6);

	(void)state;
	for (size_t i = 0; i + 1 < sizeof(fill); i++)
		for (size_t len = 0; len < sizeof(name);
		     len += len < 300 ? 1 : 1000) {
			memset(name, fill[i], len);
			name[len] = '\0';
			assert_false(rdns_is_generic(&a4, name, why));
			assert_false(rdns_is_generic(&a6, name, why));
		}
	for (size_t i = 0; i + 2 < sizeof(name); i += 2)
		memcpy(name + i, "1.", 3);
	assert_false(rdns_is_generic(&a4, name, why));
	memset(name, 'x', 300);
	memcpy(name + 255, ".203-0-113-5", 13);
	assert_false(rdns_is_generic(&a4, name, why));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_named),
		cmocka_unit_test(test_made),
		cmocka_unit_test(test_other_address),
		cmocka_unit_test(test_classes),
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
