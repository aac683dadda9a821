/* SPDX-License-Identifier: MIT */
#include "shared/shm/seat.h"

const char *const seat_state_names[] = {
    [SEAT_EMPTY] = "empty",
    [SEAT_REPAIRING] = "repairing",
    [SEAT_THROTTLED] = "throttled",
    [SEAT_SERVING] = "serving",
    [SEAT_STOPPING] = "stopping",
};
