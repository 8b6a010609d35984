// SPDX-License-Identifier: GPL-2.0-or-later
/* not there yet */
#include "reader.h"

bool read_mmdb(struct reader *r, struct error *err)
{
	return reader_fail(r, 0, err, "binary data, but no MaxMind DB");
}
