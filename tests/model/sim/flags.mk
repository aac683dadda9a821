# The code under test calls the thread sanitizer's runtime, which is ours, and
# so are its system calls.
SIM_CFLAGS := -fno-sanitize=all -fsanitize=thread -Wno-tsan -O2 -UFAULTS \
	-U_FORTIFY_SOURCE -fno-builtin-memcpy -fno-builtin-memmove \
	-fno-builtin-memset --param tsan-instrument-func-entry-exit=0 \
	-include tests/model/sim/hooks.h
SIM_WRAPPED := memcpy memmove memset calloc free recv send sendmsg read write \
	close shutdown dup3 ioctl getsockopt clock_gettime epoll_ctl \
	epoll_wait poll sem_clockwait sem_post channel_send channel_recv \
	segment_attach segment_detach log_warnx die pool_evict_oldest
SIM_LDFLAGS := $(SIM_WRAPPED:%=-Wl,--wrap=%)

# The simulation itself is ordinary code.
$(B)/sim-objects/tests/%: SIM_CFLAGS := -fno-sanitize=all -UFAULTS \
	-U_FORTIFY_SOURCE
