/* SPDX-License-Identifier: MIT */
#include "shared/net/inherit.h"

const char *const worker_type_names[WORKER_TYPES] = {
    [WORKER_CHAT] = "chat",
    [WORKER_TELNET] = "telnet",
    [WORKER_WEB] = "web",
    [WORKER_TLS] = "tls",
    [WORKER_AUTH] = "auth",
};
