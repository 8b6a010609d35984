# SPDX-License-Identifier: GPL-2.0-or-later
# Build settings; each may be set on make's command line.

PREFIX     ?= /usr/local
SYSCONFDIR ?= /etc
LOCALSTATEDIR ?= /var
DESTDIR    ?=

CC         ?= cc
OPT        ?= -O2 -g
WERROR     ?= -Werror

WARNINGS   = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
             -Wpointer-arith -Wcast-qual -Wwrite-strings -Wvla -Wundef \
             -Wformat=2 -Wimplicit-fallthrough $(WERROR)
# where lengths are computed
WARNINGS_LIB = -Wconversion -Wsign-conversion
HARDENING  = -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fPIE
HARDENING_LD = -pie -Wl,-z,relro,-z,now -Wl,--as-needed
# SANITIZE=address,undefined: a build of its own, in BUILD
SANITIZE   ?=

VERSION    := 0.1.0
