/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DAEMON_OPTIONS_H
#define DAEMON_OPTIONS_H

/* options_read - a service's command line: --config FILE into *config, --verbose into
 * the log's threshold; --help and --version are done with here.  The status to
 * exit with, or -1 to go on. */
int options_read(const char *program, const char *help, const char **config,
		 int argc, char **argv);

#endif
