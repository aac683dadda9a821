/* SPDX-License-Identifier: MIT */
/* Combining marks: the tables. */
#include "shared/chat/mark.h"

#include "shared/chat/mark_table.h"
