/* SPDX-License-Identifier: MIT */
/* See naming.h. */
#include "worker/naming.h"

enum name_fault
naming_fault(
    const struct worker *w, const char *name, size_t len, uint8_t rights)
{
	enum name_fault fault;

	if ((rights & RIGHT_REGISTERED) != 0)
		return NAME_FINE;
	fault = name_fault(name, len);
	if (fault == NAME_FINE && policy_user_alike(&w->policy, name, len))
		return NAME_REGISTERED;
	return fault;
}

enum chat_error
naming_free(const struct worker *w, uint32_t slot, const char *name, size_t len,
    uint8_t rights, uint32_t *holder)
{
	if ((rights & RIGHT_REGISTERED) == 0 &&
	    tables_find_alike(&w->seg, name, len, slot) == NONE)
		return CHAT_OK;
	*holder = tables_find_name(&w->seg, name, len);
	if (*holder != NONE)
		return *holder == slot ? CHAT_OK : CHAT_NAME_TAKEN;
	return (rights & RIGHT_REGISTERED) != 0 ? CHAT_OK : CHAT_BAD_NAME;
}

uint64_t
naming_arg(enum chat_error error)
{
	return error == CHAT_BAD_NAME ? NAME_ALIKE : 0;
}
