// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/counters.h"

#include <string.h>

void counters_move(struct counters *counters, const int8_t map[RULES_MAX])
{
	uint64_t before[RULES_MAX];
	uint64_t *rules = &counters->reasons[REASON_OF(0)];

	memcpy(before, rules, sizeof(before));
	memset(rules, 0, sizeof(before));
	for (size_t i = 0; i < RULES_MAX; i++)
		if (map[i] >= 0)
			rules[map[i]] = before[i];
}
