; SPDX-License-Identifier: GPL-2.0-or-later
;
; geoblock's signatures of operating systems, by the SYN they send
; =================================================================
;
; The language is p0f v3's (geoblock-os.fp(5) explains it); p0f itself reads this
; file too.  This is a part of the program already: to add to it or overrule it
; put a file of your own into /etc/geoblock/os.d/, whose signatures go first.
;
; Where each comes from stands above it:
;
;   seen n/m A   n SYNs in m public captures whose sender is known by strong
;                evidence: NTLMSSP version, SMB native OS, pcapng section header
;                of the capturing machine, SSH banner, a system service's
;                User-Agent.  At most three SYNs were counted for each host.
;   seen n/m B   the same, known by a browser's User-Agent or the like
;   source       worked out from the stack's published source code
;   docs         worked out from the maker's documentation
;   published    a fact from others' lists (named), not seen by us
;
; Windows are written as a multiple of the MSS where the stack computes them so,
; because then they survive MSS clamping: 64240 is 44 * 1460, and both the matcher
; and p0f try 1460 (IPv6: 1440) where the MSS itself does not divide.
;
; What no line here names is judged by the family rules (fingerprint_family.c);
; so this file need not have a line for each build, only those that tell more
; than the family.

classes = win,unix,other

[tcp:request]

; ---------------------------------------------------------------------- Windows
;
; MSS, NOP, WS, NOP, NOP, SACK-permitted since Vista; without the scale before
; that unless Tcp1323Opts asks for it (docs: KB 224829).  With Timestamps enabled:
; MSS, NOP, WS, SACK-permitted, TS.  TTL 128, but over IPv6 the hop limit that the
; router advertises, which is 64 nearly everywhere: of 55 SYNs seen, 29 had 64,
; 25 had 63 and one 128.

label = s:win:Windows:10 or 11
; 64240: seen 90/30 A, 69/39 B, builds 17763 to 26200
sig   = 4:128:0:*:mss*44,8:mss,nop,ws,nop,nop,sok:df,id+:0
; 65535: seen 48/19 A, 32/12 B, builds 18362 to 26200, nearly all of Windows 11
sig   = 4:128:0:*:65535,8:mss,nop,ws,nop,nop,sok:df,id+:0
; the multiple of other MSS that is next below 65536; docs: the window is a whole
; number of segments.  MSS 1425 to 1456, down to 1171:
sig   = 4:128:0:*:mss*45,8:mss,nop,ws,nop,nop,sok:df,id+:0
sig   = 4:128:0:*:mss*46,8:mss,nop,ws,nop,nop,sok:df,id+:0
sig   = 4:128:0:*:mss*47,8:mss,nop,ws,nop,nop,sok:df,id+:0
sig   = 4:128:0:*:mss*48,8:mss,nop,ws,nop,nop,sok:df,id+:0
sig   = 4:128:0:*:mss*49,8:mss,nop,ws,nop,nop,sok:df,id+:0
sig   = 4:128:0:*:mss*50,8:mss,nop,ws,nop,nop,sok:df,id+:0
sig   = 4:128:0:*:mss*51,8:mss,nop,ws,nop,nop,sok:df,id+:0
sig   = 4:128:0:*:mss*52,8:mss,nop,ws,nop,nop,sok:df,id+:0
sig   = 4:128:0:*:mss*53,8:mss,nop,ws,nop,nop,sok:df,id+:0
sig   = 4:128:0:*:mss*55,8:mss,nop,ws,nop,nop,sok:df,id+:0
; ECN asked for: seen 3/1 A (build 17763), 1/1 B
sig   = 4:128:0:*:mss*44,8:mss,nop,ws,nop,nop,sok:df,id+,ecn:0
sig   = 4:128:0:*:65535,8:mss,nop,ws,nop,nop,sok:df,id+,ecn:0
; timestamps on: 45 * 1448: seen 4/3 A; 65535: seen 1/1 A, 2/1 B
sig   = 4:128:0:*:mss*45,8:mss,nop,ws,sok,ts:df,id+:0
sig   = 4:128:0:*:65535,8:mss,nop,ws,sok,ts:df,id+:0
; IPv6: 65535: seen 26/8 A, 12/4 B; 64800, 64320, 64440: seen 7/3 A, 9/3 B
sig   = 6:64:0:*:65535,8:mss,nop,ws,nop,nop,sok:flow:0
sig   = 6:64:0:*:mss*45,8:mss,nop,ws,nop,nop,sok:flow:0
sig   = 6:64:0:*:mss*46,8:mss,nop,ws,nop,nop,sok:flow:0
sig   = 6:64:0:*:mss*47,8:mss,nop,ws,nop,nop,sok:flow:0
sig   = 6:64:0:*:mss*48,8:mss,nop,ws,nop,nop,sok:flow:0
sig   = 6:64:0:*:mss*50,8:mss,nop,ws,nop,nop,sok:flow:0
sig   = 6:64:0:*:mss*53,8:mss,nop,ws,nop,nop,sok:flow:0
; a router that advertises none leaves the system's own 128: seen 1/1 B
sig   = 6:128:0:*:65535,8:mss,nop,ws,nop,nop,sok:flow:0
sig   = 6:128:0:*:mss*45,8:mss,nop,ws,nop,nop,sok:flow:0
sig   = 6:128:0:*:mss*46,8:mss,nop,ws,nop,nop,sok:flow:0
sig   = 6:128:0:*:mss*47,8:mss,nop,ws,nop,nop,sok:flow:0
sig   = 6:128:0:*:mss*48,8:mss,nop,ws,nop,nop,sok:flow:0

label = s:win:Windows:Vista to 8.1
; Windows 10 before 1703 and Server 2016 look the same: seen 16/7 of those
; autotuning normal: seen 50/27 A, 42/21 B
sig   = 4:128:0:*:8192,8:mss,nop,ws,nop,nop,sok:df,id+:0
; highly restricted: seen 10/7 A, 24/13 B
sig   = 4:128:0:*:8192,2:mss,nop,ws,nop,nop,sok:df,id+:0
; restricted, and experimental: docs, "autotuninglevel" of netsh: 4 and 14
sig   = 4:128:0:*:8192,4:mss,nop,ws,nop,nop,sok:df,id+:0
sig   = 4:128:0:*:8192,14:mss,nop,ws,nop,nop,sok:df,id+:0
; an application's own buffer of 8192 bytes
sig   = 4:128:0:*:8192,0:mss,nop,ws,nop,nop,sok:df,id+:0
; scaling off, and the last of three tries: seen 2/1 A, 2/2 B
sig   = 4:128:0:*:8192,0:mss,nop,nop,sok:df,id+:0
; ECN on: seen 1/1 A
sig   = 4:128:0:*:8192,8:mss,nop,ws,nop,nop,sok:df,id+,ecn:0
; timestamps on: the layout seen with later builds, these windows
sig   = 4:128:0:*:8192,8:mss,nop,ws,sok,ts:df,id+:0
sig   = 4:128:0:*:8192,2:mss,nop,ws,sok,ts:df,id+:0
; IPv6: the same stack
sig   = 6:128:0:*:8192,8:mss,nop,ws,nop,nop,sok::0
sig   = 6:64:0:*:8192,8:mss,nop,ws,nop,nop,sok::0
sig   = 6:128:0:*:8192,2:mss,nop,ws,nop,nop,sok::0
sig   = 6:64:0:*:8192,2:mss,nop,ws,nop,nop,sok::0

label = s:win:Windows:XP or 2003
; 65535: seen 15/8 A, 56/50 B
sig   = 4:128:0:*:65535,0:mss,nop,nop,sok:df,id+:0
; 64240: seen 12/6 A, 13/7 B
sig   = 4:128:0:*:mss*44,0:mss,nop,nop,sok:df,id+:0
; the same behind PPPoE and tunnels; docs: TcpWindowSize is rounded to segments
sig   = 4:128:0:*:mss*45,0:mss,nop,nop,sok:df,id+:0
sig   = 4:128:0:*:mss*46,0:mss,nop,nop,sok:df,id+:0
sig   = 4:128:0:*:mss*47,0:mss,nop,nop,sok:df,id+:0
sig   = 4:128:0:*:mss*48,0:mss,nop,nop,sok:df,id+:0
sig   = 4:128:0:*:mss*52,0:mss,nop,nop,sok:df,id+:0
; 16384: seen 7/3 A, 5/3 B, 2000 among them; 64512: seen 4/3 B
sig   = 4:128:0:*:16384,0:mss,nop,nop,sok:df,id+:0
sig   = 4:128:0:*:64512,0:mss,nop,nop,sok:df,id+:0
; 17520, the default of Windows 2000 on Ethernet: docs, KB 224829
sig   = 4:128:0:*:mss*12,0:mss,nop,nop,sok:df,id+:0
; 8760, the default of NT 4: docs, KB 120642; seen 1/1 B
sig   = 4:128:0:*:mss*6,0:mss,nop,nop,sok:df,id+:0
; Tcp1323Opts: scale 1 seen 2/1 B (2003), 2 seen 5/2 B (XP)
sig   = 4:128:0:*:65535,1:mss,nop,ws,nop,nop,sok:df,id+:0
; Tcp1323Opts with timestamps: published by OpenBSD's pf.os
sig   = 4:128:0:*:65535,0:mss,nop,ws,nop,nop,ts,nop,nop,sok:df,id+,ts1-:0
sig   = 4:128:0:*:mss*44,0:mss,nop,ws,nop,nop,ts,nop,nop,sok:df,id+,ts1-:0

; the window of an application's own buffer: which Windows it is, the source port
; tells (docs: KB 929851), and the family rules know.  65535,0: seen 6/4 A;
; 65535,2: seen 1/1 A, 5/2 B; 51200,0: seen 3/2 A
label = s:win:Windows:
sig   = 4:128:0:*:65535,0:mss,nop,ws,nop,nop,sok:df,id+:0
sig   = 4:128:0:*:65535,2:mss,nop,ws,nop,nop,sok:df,id+:0
sig   = 4:128:0:*:mss*44,0:mss,nop,ws,nop,nop,sok:df,id+:0
sig   = 4:128:0:*:65535,3:mss,nop,ws,nop,nop,sok:df,id+:0

; ------------------------------------------------------------------------ Linux
;
; MSS, SACK-permitted, TS, NOP, WS (source: tcp_options_write()).  The window is
; a number of segments that grew over time (source: tcp_select_initial_window(),
; tcp_default_init_rwnd()); the scale follows from tcp_rmem, 7 by default.

label = s:unix:Linux:4.20 or newer
; 64240 = 44 * 1460; 4.20 went to 64 KiB.  Scale 7 seen 26/13 A, 15/8 B (5.13 to
; 6.14); scale 9, 10: seen 10/4 A.  IPv6: 64800 = 45 * 1440 seen 11/5 A, 7/2 B;
; 65320 = 46 * 1420 seen 4/4 A
sig   = *:64:0:*:mss*44,7:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*44,8:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*44,9:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*44,10:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*44,11:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*45,7:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*45,10:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*46,7:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*47,7:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*48,7:mss,sok,ts,nop,ws:df,id+:0
; jumbo frames: 7 * 8960, and loopback: 65495 seen 14/8 A, 12/9 B
sig   = *:64:0:*:mss*7,7:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*1,7:mss,sok,ts,nop,ws:df,id+:0
; Multipath TCP asked for (source: mptcp_syn_options())
sig   = *:64:0:*:mss*44,7:mss,sok,ts,nop,ws,?30:df,id+:0
sig   = *:64:0:*:mss*45,7:mss,sok,ts,nop,ws,?30:df,id+:0

label = s:unix:Linux:6.6 or 6.7
; 32120 = 22 * 1460: half of 64 KiB, since the window was scaled before a packet
; had shown the ratio; 6.8 mended it.  Seen 6/4 A
sig   = *:64:0:*:mss*22,7:mss,sok,ts,nop,ws:df,id+:0

label = s:unix:Linux:3.10 to 4.19
; 29200 = 20 * 1460: seen 4/2 A, 9/5 B; loopback 43690: seen 1/1 A, 2/2 B
sig   = *:64:0:*:mss*20,6:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*20,7:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*20,9:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*20,10:mss,sok,ts,nop,ws:df,id+:0
sig   = 4:64:0:65495:43690,7:mss,sok,ts,nop,ws:df,id+:0

label = s:unix:Linux:3.0 to 3.9
; 14600 = 10 * 1460 (RFC 6928): seen 4/2 A, 14/5 B
sig   = *:64:0:*:mss*10,4:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*10,5:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*10,6:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*10,7:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*10,6:mss,sok,ts,nop,ws,?30:df,id+:0

label = s:unix:Linux:2.6
; 5840 = 4 * 1460: scales 5, 6, 7 seen 7/3 B; the others by tcp_rmem
sig   = *:64:0:*:mss*4,2:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*4,3:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*4,4:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*4,5:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*4,6:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*4,7:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*4,8:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*4,9:mss,sok,ts,nop,ws:df,id+:0

label = s:unix:Linux:2.4
; the same window, memory for a scale of 0 or 1 (source)
sig   = *:64:0:*:mss*4,0:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:mss*4,1:mss,sok,ts,nop,ws:df,id+:0

label = s:unix:Linux:2.2
; 16060, 32120: published by OpenBSD's pf.os
sig   = 4:64:0:*:mss*11,0:mss,sok,ts,nop,ws:df,id+:0
sig   = 4:64:0:*:mss*22,0:mss,sok,ts,nop,ws:df,id+:0

label = s:unix:Linux:4.20 or newer, timestamps off
; two NOPs stand where SACK-permitted leaned on the timestamp (source); seen 2/1 B
sig   = *:64:0:*:mss*44,7:mss,nop,nop,sok,nop,ws:df,id+:0
sig   = *:64:0:*:mss*45,7:mss,nop,nop,sok,nop,ws:df,id+:0

label = s:unix:Linux:3.10 to 4.19, timestamps off
sig   = *:64:0:*:mss*20,7:mss,nop,nop,sok,nop,ws:df,id+:0

; ---------------------------------------------------------------------- Android
;
; Linux, with an initial window of 60 segments set by the system (source:
; ConnectivityService, tcp_default_init_rwnd), which 16 bits cap at 65535; the
; scale follows from the buffers that the carrier's profile asks for.

label = s:unix:Android:
; 9: seen 5/2 B; 8: seen 6/2 B; 7: seen 1/1 B; 6 by its file's name
sig   = *:64:0:*:65535,6:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:65535,7:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:65535,8:mss,sok,ts,nop,ws:df,id+:0
sig   = *:64:0:*:65535,9:mss,sok,ts,nop,ws:df,id+:0

; ---------------------------------------------------------------- macOS and iOS
;
; MSS, NOP, WS, NOP, NOP, TS, SACK-permitted, EOL (source: xnu, tcp_output());
; always 65535, and the scale grew with the buffers.  Since 10.13 the IPID is 0
; (RFC 6864).

label = s:unix:macOS:10.15 or newer
; seen 11/4 B; IPv6: 1/1 A (14.5), 3/1 B
sig   = 4:64:0:*:65535,6:mss,nop,ws,nop,nop,ts,sok,eol+1:df:0
sig   = 4:64:0:*:65535,6:mss,nop,ws,nop,nop,ts,sok,eol+1:df,ecn:0
sig   = 6:64:0:*:65535,6:mss,nop,ws,nop,nop,ts,sok,eol+1:flow:0
sig   = 6:64:0:*:65535,6:mss,nop,ws,nop,nop,ts,sok,eol+1:flow,ecn:0

label = s:unix:macOS:10.10 to 10.14
; seen 12/5 A, 38/13 B; IPv6 6/1 B
sig   = 4:64:0:*:65535,5:mss,nop,ws,nop,nop,ts,sok,eol+1:df,id+:0
sig   = 4:64:0:*:65535,5:mss,nop,ws,nop,nop,ts,sok,eol+1:df,id+,ecn:0
sig   = 4:64:0:*:65535,5:mss,nop,ws,nop,nop,ts,sok,eol+1:df:0
sig   = 6:64:0:*:65535,5:mss,nop,ws,nop,nop,ts,sok,eol+1:flow:0
sig   = 6:64:0:*:65535,5:mss,nop,ws,nop,nop,ts,sok,eol+1:flow,ecn:0

label = s:unix:macOS:10.8 or 10.9
; seen 10/4 B
sig   = 4:64:0:*:65535,4:mss,nop,ws,nop,nop,ts,sok,eol+1:df,id+:0

label = s:unix:macOS:10.5 to 10.7
; seen 5/3 B, 1/1 B, 6/2 B
sig   = 4:64:0:*:65535,1:mss,nop,ws,nop,nop,ts,sok,eol+1:df,id+:0
sig   = 4:64:0:*:65535,2:mss,nop,ws,nop,nop,ts,sok,eol+1:df,id+:0
sig   = 4:64:0:*:65535,3:mss,nop,ws,nop,nop,ts,sok,eol+1:df,id+:0

label = s:unix:macOS:10.2 to 10.4, or FreeBSD 4 or 5
; before SACK: published by OpenBSD's pf.os, which cannot tell them apart either
sig   = 4:64:0:*:65535,0:mss,nop,ws,nop,nop,ts:df,id+:0

label = s:unix:macOS:a late try
; after several tries RFC 1323's options go (source: TF_REQ_SCALE and
; TF_REQ_TSTMP cleared in tcp_timer()); seen 3/1 B (10.15)
sig   = 4:64:0:*:65535,0:mss,sok,eol+1:df:0
sig   = 4:64:0:*:65535,0:mss,sok,eol+1:df,id+:0
sig   = 6:64:0:*:65535,0:mss,sok,eol+1:flow:0

label = s:unix:iOS:
; scale 7 is not macOS's; by its file's name
sig   = 4:64:0:*:65535,7:mss,nop,ws,nop,nop,ts,sok,eol+1:df:0
sig   = 4:64:0:*:65535,7:mss,nop,ws,nop,nop,ts,sok,eol+1:df,ecn:0
sig   = 6:64:0:*:65535,7:mss,nop,ws,nop,nop,ts,sok,eol+1:flow:0
sig   = 6:64:0:*:65535,7:mss,nop,ws,nop,nop,ts,sok,eol+1:flow,ecn:0

; --------------------------------------------------------------------- the BSDs

label = s:unix:FreeBSD:9 or newer
; source: tcp_addoptions(), and kern.ipc.maxsockbuf of 2 MiB: scale 6
sig   = *:64:0:*:65535,6:mss,nop,ws,sok,ts:df,id+:0
; timestamps off: EOL fills the last word
sig   = *:64:0:*:65535,6:mss,nop,ws,sok,eol+1:df,id+:0

label = s:unix:FreeBSD:7 or 8
; source: maxsockbuf of 256 KiB: scale 3
sig   = *:64:0:*:65535,3:mss,nop,ws,sok,ts:df,id+:0
sig   = *:64:0:*:65535,1:mss,nop,ws,sok,ts:df,id+:0

label = s:unix:FreeBSD:4 or 5
; published by OpenBSD's pf.os
sig   = 4:64:0:*:57344,0:mss,nop,ws,nop,nop,ts:df,id+:0
sig   = 4:64:0:*:65535,1:mss,nop,ws,nop,nop,ts:df,id+:0

label = s:unix:OpenBSD:6.1 or newer
; source: tcp_output(): SACK-permitted goes before the scale; tcp_recvspace of
; 16384, and sb_max of 2 MiB makes the scale 6
sig   = 4:64:0:*:16384,6:mss,nop,nop,sok,nop,ws,nop,nop,ts:df,id+:0
sig   = 6:64:0:*:16384,6:mss,nop,nop,sok,nop,ws,nop,nop,ts:flow:0
sig   = 6:64:0:*:16384,6:mss,nop,nop,sok,nop,ws,nop,nop,ts::0

label = s:unix:OpenBSD:4.9 to 6.0
; source: sb_max of 256 KiB
sig   = 4:64:0:*:16384,3:mss,nop,nop,sok,nop,ws,nop,nop,ts:df,id+:0

label = s:unix:OpenBSD:3.0 to 4.8
; published by OpenBSD's pf.os: no autotuning yet
sig   = 4:64:0:*:16384,0:mss,nop,nop,sok,nop,ws,nop,nop,ts:df,id+:0

label = s:unix:NetBSD:
; source: tcp_output(): two NOPs behind SACK-permitted, and two before TS; the
; clock of timestamps starts at 0 with each connection
sig   = 4:64:0:*:32768,3:mss,nop,ws,sok,nop,nop,nop,nop,ts:df,id+:0
sig   = 4:64:0:*:32768,3:mss,nop,ws,sok,nop,nop,nop,nop,ts:df,id+,ts1-:0
sig   = 4:64:0:*:32768,0:mss,nop,ws,sok,nop,nop,nop,nop,ts:df,id+,ts1-:0
sig   = 6:64:0:*:32768,3:mss,nop,ws,sok,nop,nop,nop,nop,ts:ts1-:0
sig   = 6:64:0:*:32768,3:mss,nop,ws,sok,nop,nop,nop,nop,ts:flow,ts1-:0

label = s:unix:DragonFly:
; source: tcp_output(): SACK-permitted behind the scale, each with its own NOPs;
; net.inet.tcp.recvspace of 57344
sig   = 4:64:0:*:57344,5:mss,nop,ws,nop,nop,sok,nop,nop,ts:df,id+:0
sig   = 4:64:0:*:57344,5:mss,nop,ws,nop,nop,sok,nop,nop,ts::0
sig   = 4:64:0:*:57344,0:mss,nop,ws,nop,nop,sok,nop,nop,ts::0

; ---------------------------------------------------------------------- Solaris

label = s:unix:Solaris:11 or illumos
; source: tcp_xmit_mp_aux_iss(): Linux's layout.  The receive buffer of 128000 is
; rounded up to 88 segments, and needs a scale of 1
sig   = *:64:0:*:mss*44,1:mss,sok,ts,nop,ws:df,id+:0

label = s:unix:Solaris:10
; 49640 = 34 * 1460, the buffer of 49152 rounded up: published by OpenBSD's pf.os
; and others.  Windows' layout: the window tells them apart
sig   = *:64:0:*:mss*34,0:mss,nop,ws,nop,nop,sok:df,id+:0
sig   = *:64:0:*:mss*34,0:mss,nop,nop,sok,nop,ws:df,id+:0
sig   = 4:64:0:*:32850,1:mss,nop,nop,ts,nop,ws,nop,nop,sok:df,id+:0

label = s:unix:Solaris:9
sig   = *:64:0:*:mss*34,0:mss,nop,nop,sok:df,id+:0

label = s:unix:Solaris:8
sig   = 4:64:0:*:mss*17,0:nop,nop,sok,mss:df,id+:0
sig   = 4:64:0:*:32850,1:nop,ws,nop,nop,ts,nop,nop,sok,mss:df,id+:0

; -------------------------------------------- others, and appliances with mail

label = s:other:F5 BIG-IP:
; a proxy's own stack, not the sender's: 3 * 1460, TTL 255.  Seen 1/1 B, with a
; Windows User-Agent behind it
sig   = 4:255:0:*:mss*3,0:mss,sok,eol+1:df,id+:0
sig   = 4:255:0:*:mss*3,0:mss,sok,eol+1:df:0

label = s:other:Cisco IOS:
; 4128: docs, default of "ip tcp window-size"; seen 1/1 A
sig   = 4:255:0:*:4128,0:mss::0

label = s:unix:AIX:
; published by OpenBSD's pf.os
sig   = 4:64:0:*:16384,0:mss,nop,ws,nop,nop,ts::0
sig   = 4:64:0:*:65535,1:mss,nop,ws,nop,nop,ts,nop,nop,sok::0
sig   = 4:64:0:*:45046,0:mss::0

label = s:unix:HP-UX:11
; published by OpenBSD's pf.os
sig   = 4:64:0:*:32768,0:mss,ws,nop::0
sig   = 4:64:0:*:32768,0:mss,ws,nop:df,id+:0

label = s:unix:IRIX:6.5
; published by OpenBSD's pf.os; Windows' layouts, another window, never DF
sig   = 4:64:0:*:49152,2:mss,nop,ws,nop,nop,sok::0
sig   = 4:64:0:*:49152,3:mss,nop,ws,nop,nop,sok::0
sig   = 4:64:0:*:61440,0:mss,nop,nop,sok::0
sig   = 4:64:0:*:49152,0:mss,nop,nop,sok::0
sig   = 4:64:0:*:61440,0:mss::0

label = s:unix:Tru64:
; published by OpenBSD's pf.os
sig   = 4:64:0:*:32768,0:mss,nop,ws:df,id+:0
sig   = 4:64:0:*:32768,0:mss,nop,ws::0

label = s:unix:OpenVMS:
; published by OpenBSD's pf.os
sig   = 4:64:0:*:61440,0:mss,nop,ws::0
sig   = 4:64:0:*:6144,0:mss,nop,ws,nop,nop,ts:df,id+:0

label = s:other:IBM i:
; published by OpenBSD's pf.os
sig   = 4:64:0:1440:8192,0:mss,nop,ws,nop,nop,ts:df,id+:0

label = s:other:NetWare:6
; published by OpenBSD's pf.os
sig   = 4:128:0:*:6144,0:mss,ws,nop,sok,nop,nop:df,id+:0

label = s:other:Cisco Content Engine:
; published by OpenBSD's pf.os
sig   = 4:64:0:*:mss*4,0:mss,nop,nop,sok::0

label = s:other:Alteon switch:
; published by OpenBSD's pf.os
sig   = 4:128:0:*:60352,2:mss,nop,ws,nop,nop,ts,nop,nop,sok:df,id+:0

label = s:other:AmigaOS:
; published by OpenBSD's pf.os
sig   = 4:64:0:1560:16384,0:mss,nop,nop,sok:df,id+:0

label = s:other:Redline proxy:
; published by OpenBSD's pf.os: a terminating proxy
sig   = 4:255:0:*:65535,0:mss,nop,nop,sok::0

; --------------------------------------------------------------------- scanners

label = s:!:Nmap:SYN scan
sys   = @unix,@win
; 1024 * 1 to 4, no DF, a random TTL from 37 to 59 (source): seen 177/12 B
sig   = *:64-:0:*:1024,0:mss::0
sig   = *:64-:0:*:2048,0:mss::0
sig   = *:64-:0:*:3072,0:mss::0
sig   = *:64-:0:*:4096,0:mss::0
; older ones have no option at all: published by OpenBSD's pf.os
sig   = *:64-:0:0:1024,0:::0
sig   = *:64-:0:0:2048,0:::0
sig   = *:64-:0:0:3072,0:::0
sig   = *:64-:0:0:4096,0:::0

label = s:!:Nmap:OS detection
sys   = @unix,@win
; six probes for sequence numbers and T1 (docs: Nmap's book, chapter 8)
sig   = *:64-:0:*:1,10:ws,nop,mss,ts,sok::0
sig   = *:64-:0:*:63,0:mss,ws,sok,ts,eol+0::0
sig   = *:64-:0:*:4,5:ts,nop,nop,ws,nop,mss::0
sig   = *:64-:0:*:4,10:sok,ts,ws,eol+0::0
sig   = *:64-:0:*:16,10:mss,sok,ts,ws,eol+0::0
sig   = *:64-:0:*:512,0:mss,sok,ts::0
; the same with the ack number that its raw socket leaves there
sig   = *:64-:0:*:1,10:ws,nop,mss,ts,sok:ack+:0
sig   = *:64-:0:*:63,0:mss,ws,sok,ts,eol+0:ack+:0
sig   = *:64-:0:*:4,5:ts,nop,nop,ws,nop,mss:ack+:0
sig   = *:64-:0:*:4,10:sok,ts,ws,eol+0:ack+:0
sig   = *:64-:0:*:16,10:mss,sok,ts,ws,eol+0:ack+:0
sig   = *:64-:0:*:512,0:mss,sok,ts:ack+:0
; the ECN probe, and T5
sig   = *:64-:0:*:3,10:ws,nop,mss,sok,nop,nop:ecn,uptr+:0
sig   = *:64-:0:*:31337,10:ws,nop,mss,ts,sok::0
sig   = *:64-:0:*:31337,10:ws,nop,mss,ts,sok:ack+:0
; the first generation (nmap -O up to version 4): seen 8/1 B
sig   = *:64-:0:*:1024,10:ws,nop,mss,ts,eol+1::0
sig   = *:64-:0:*:2048,10:ws,nop,mss,ts,eol+1::0
sig   = *:64-:0:*:3072,10:ws,nop,mss,ts,eol+1::0
sig   = *:64-:0:*:4096,10:ws,nop,mss,ts,eol+1::0
sig   = *:64-:0:*:1024,10:ws,nop,mss,ts,eol+1:ecn:0
sig   = *:64-:0:*:2048,10:ws,nop,mss,ts,eol+1:ecn:0
sig   = *:64-:0:*:3072,10:ws,nop,mss,ts,eol+1:ecn:0
sig   = *:64-:0:*:4096,10:ws,nop,mss,ts,eol+1:ecn:0

label = s:!:masscan:
sys   = @unix,@win
; source: templ-pkt.c: TTL 255, no DF, window 1024, and the MSS since 1.3
sig   = *:255:0:*:1024,0:mss::0
sig   = *:255:0:0:1024,0:::0

label = s:!:ZMap:
sys   = @unix
; source: packet.c: TTL 255, no DF, window 65535; no option, or the MSS; newer ones
; dress as Windows, Linux or BSD, all of which set DF
sig   = *:255:0:0:65535,0:::0
sig   = *:255:0:*:65535,0:mss::0
sig   = 4:255:0:*:65535,8:mss,nop,ws,nop,nop,sok::0
sig   = 4:255:0:*:65535,7:mss,sok,ts,nop,ws::0
sig   = 4:255:0:*:65535,6:mss,nop,ws,nop,nop,ts,sok,eol+1::0

label = s:!:hping:
sys   = @unix
; source: its defaults: window 512, no option
sig   = *:64:0:0:512,0:::0
