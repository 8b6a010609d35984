/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TOOLS_CMD_H
#define TOOLS_CMD_H

/* The subcommands of geoblock.  argv[0] is the subcommand's name; the value is
 * the process's exit status.  Each understands --config FILE and --help. */

/* --config given before the subcommand; NULL: the default.  Subcommands take it
 * as their own default. */
extern const char *cmd_config;

int cmd_query(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_export(int argc, char **argv);
int cmd_fingerprint(int argc, char **argv);
int cmd_replay(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_top(int argc, char **argv);
int cmd_log(int argc, char **argv);
int cmd_reload(int argc, char **argv);
int cmd_confirm(int argc, char **argv);
int cmd_metrics(int argc, char **argv);
int cmd_greylist(int argc, char **argv);

#endif
