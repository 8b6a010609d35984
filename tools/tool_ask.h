/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TOOLS_TOOL_ASK_H
#define TOOLS_TOOL_ASK_H

/* Whether what is on trial is to stay: asked of whoever sits at the terminal. */

enum tool_word {
	TOOL_WORD_NONE, /* nothing was said */
	TOOL_WORD_YES,  /* Enter, y, yes */
	TOOL_WORD_NO,   /* n, no */
	TOOL_WORD_GONE, /* a signal to end (HUP, INT, TERM, QUIT), or the
	                 * terminal is gone */
};

/* tool_ask_catch - from now on those signals are heard by tool_ask() only. */
void tool_ask_catch(void);

/* tool_ask_start - says on stderr what the choice is. */
void tool_ask_start(const char *program, unsigned seconds);

/* tool_ask - wait up to `ms` for a word.  Standard input counts where it is the
 * terminal of this very job, and is left alone where it is not. */
enum tool_word tool_ask(int ms);

#endif
