// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/tool_signatures.h"

bool tool_signatures(struct signatures **out, struct error *err)
{
	struct signatures *db;

	*out = NULL;
	if (!signatures_new(&db, err))
		return false;
	if (!signatures_read_folder(db, SIGNATURES_FOLDER, err) ||
	    !signatures_read_builtin(db, err) || !signatures_compile(db, err)) {
		signatures_free(db);
		return false;
	}
	*out = db;
	return true;
}
