/* SPDX-License-Identifier: MIT */
/*
 * System calls of a worker, each with a point before its effect and one
 * behind.  Those of the simulation itself, outside any worker, are real.
 */
#include <errno.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/model/sim/sim.h"

void *__real_memcpy(void *dst, const void *src, size_t len);

/* The connection behind an fd of the running worker, or NULL. */
static struct conn **
fd_slot(int fd)
{
	struct proc *p = sim.current;

	if (fd >= FD_BASE && fd < FD_BASE + SLOTS)
		return &p->session[fd - FD_BASE];
	if (fd >= FD_TRANSIENT && fd < FD_TRANSIENT + TRANSIENT)
		return &p->transient[fd - FD_TRANSIENT];
	return NULL;
}

static struct conn *
fd_conn(int fd)
{
	struct conn **at = fd_slot(fd);

	if (at == NULL || *at == NULL)
		fail("a call with fd %d, which is not open", fd);
	return *at;
}

ssize_t __wrap_recv(int fd, void *dst, size_t len, int flags);
ssize_t __wrap_send(int fd, const void *src, size_t len, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *msg, int flags);
ssize_t __wrap_read(int fd, void *dst, size_t len);
ssize_t __wrap_write(int fd, const void *src, size_t len);
ssize_t __real_read(int fd, void *dst, size_t len);
ssize_t __real_write(int fd, const void *src, size_t len);
int __wrap_close(int fd);
int __real_close(int fd);
int __wrap_shutdown(int fd, int how);
int __wrap_dup3(int from, int to, int flags);
int __wrap_ioctl(int fd, unsigned long request, ...);
int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *len);
int __wrap_clock_gettime(clockid_t id, struct timespec *ts);
int __real_clock_gettime(clockid_t id, struct timespec *ts);
int __wrap_channel_send(
    int fd, const struct channel_message *m, const int *fds, unsigned nfds);
int __wrap_channel_recv(
    int fd, struct channel_message *m, int *fds, unsigned *nfds);
uint32_t __wrap_pool_evict_oldest(struct segment *seg);
uint32_t __real_pool_evict_oldest(struct segment *seg);
int __wrap_segment_attach(struct segment *seg, int fd, bool writable);
void __wrap_segment_detach(struct segment *seg);
void __wrap_log_warnx(const char *event, const char *format, ...);
void __wrap_die(int status, const char *event, const char *format, ...);

/* What a call returns may change errno of others meanwhile: keep it. */
static ssize_t
after(ssize_t result)
{
	int saved = errno;

	point_call();
	errno = saved;
	return result;
}

ssize_t
__wrap_recv(int fd, void *dst, size_t len, int flags)
{
	ssize_t n;

	point_call();
	if (fd == FD_PING) {
		errno = EAGAIN;
		return -1;
	}
	n = conn_recv(fd_conn(fd), dst, len, (flags & MSG_PEEK) != 0);
	TRACE("seat %u: recv from slot %d: %zd", sim.current->seat,
	    fd - FD_BASE, n);
	return after(n);
}

/* What was taken of the bytes for that connection. */
static ssize_t
send_pieces(int fd, const struct iovec *iov, size_t count)
{
	const struct note_tx *tx =
	    &segment_seat(&sim.seg, sim.current->seat)->tx;
	ssize_t n;

	point_call();
	/* Pieces without a buffer count on it that an empty queue takes them.
	 */
	n = conn_send(
	    fd_conn(fd), iov, count, tx->kind == TX_PIECE && tx->buffer == 0);
	TRACE("seat %u: sends to slot %d: %zd", sim.current->seat, fd - FD_BASE,
	    n);
	return after(n);
}

ssize_t
__wrap_send(int fd, const void *src, size_t len, int flags UNUSED)
{
	struct iovec iov = {.iov_len = len};

	if (fd == FD_PING)
		return (ssize_t)len;
	/* An iovec isn't const. */
	__real_memcpy(&iov.iov_base, &src, sizeof(src));
	return send_pieces(fd, &iov, 1);
}

ssize_t
__wrap_sendmsg(int fd, const struct msghdr *msg, int flags UNUSED)
{
	return send_pieces(fd, msg->msg_iov, msg->msg_iovlen);
}

ssize_t
__wrap_read(int fd, void *dst, size_t len)
{
	uint64_t *bell;

	if (sim.current == NULL)
		return __real_read(fd, dst, len);
	if (fd < FD_BELL || fd >= FD_BELL + SEATS)
		fail("read from fd %d", fd);
	point_call();
	bell = &sim.bells[fd - FD_BELL];
	if (*bell == 0) {
		errno = EAGAIN;
		return after(-1);
	}
	__real_memcpy(dst, bell, sizeof(*bell));
	*bell = 0;
	return after((ssize_t)sizeof(*bell));
}

ssize_t
__wrap_write(int fd, const void *src, size_t len)
{
	if (sim.current == NULL)
		return __real_write(fd, src, len);
	if (fd < FD_BELL || fd >= FD_BELL + SEATS)
		fail("write to fd %d", fd);
	point_call();
	sim.bells[fd - FD_BELL]++;
	return after((ssize_t)len);
}

int
__wrap_close(int fd)
{
	struct conn **at, *c;

	if (sim.current == NULL)
		return __real_close(fd);
	point_call();
	c = fd_conn(fd);
	at = fd_slot(fd);
	TRACE("seat %u: close of client %d", sim.current->seat, c->client);
	*at = NULL;
	conn_drop(c);
	return (int)after(0);
}

int
__wrap_shutdown(int fd, int how)
{
	point_call();
	conn_shutdown(fd_conn(fd), how);
	return (int)after(0);
}

int
__wrap_dup3(int from, int to, int flags UNUSED)
{
	struct conn **at = fd_slot(to), *c;

	point_call();
	c = fd_conn(from);
	if (at == NULL)
		fail("dup3 to fd %d", to);
	conn_hold(c);
	if (*at != NULL)
		conn_drop(*at);
	*at = c;
	return (int)after(to);
}

/* SIOCINQ leaves a FIN out, SIOCOUTQ counts ours. */
int
__wrap_ioctl(int fd, unsigned long request, ...)
{
	struct conn *c;
	va_list ap;
	int *value;

	va_start(ap, request);
	value = va_arg(ap, int *);
	va_end(ap);
	point_call();
	c = fd_conn(fd);
	if (request == SIOCINQ)
		*value = (int)(c->in.len - c->in_read);
	else if (request == SIOCOUTQ)
		*value = (int)(c->out.len - c->out_acked) +
			 (c->shut_wr && !c->fin_acked);
	else
		fail("ioctl %lu", request);
	return (int)after(0);
}

static uint8_t
tcp_state(const struct conn *c)
{
	enum {
		ESTABLISHED = 1,
		FIN_WAIT2 = 5,
		CLOSED = 7,
		CLOSE_WAIT,
		LAST_ACK
	};

	if (c->rst || (c->fin_in && c->fin_acked))
		return CLOSED;
	if (c->fin_in)
		return c->shut_wr ? LAST_ACK : CLOSE_WAIT;
	return c->shut_wr ? FIN_WAIT2 : ESTABLISHED;
}

int
__wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
	struct tcp_info *info = value;
	const struct conn *c;

	point_call();
	c = fd_conn(fd);
	if (level != IPPROTO_TCP || name != TCP_INFO || *len != sizeof(*info))
		fail("getsockopt %d %d", level, name);
	info->tcpi_state = tcp_state(c);
	info->tcpi_bytes_received = c->in.len + c->fin_in;
	info->tcpi_bytes_acked = c->out_acked + c->fin_acked;
	return (int)after(0);
}

int
__wrap_clock_gettime(clockid_t id, struct timespec *ts)
{
	uint64_t us = sim.now_us;

	if (sim.current == NULL)
		return __real_clock_gettime(id, ts);
	if (id == CLOCK_REALTIME)
		us += UINT64_C(1700000000000000);
	ts->tv_sec = (time_t)(us / 1000000);
	ts->tv_nsec = (long)(us % 1000000) * 1000;
	return 0;
}

int
__wrap_channel_send(int fd UNUSED, const struct channel_message *m,
    const int *fds UNUSED, unsigned nfds UNUSED)
{
	struct proc *p = sim.current;
	struct desk *desk = &sim.master.desks[p->seat];
	struct parcel *parcel;

	point_call();
	if (desk->to_master.count >= desk->to_master_max) {
		errno = EAGAIN;
		return (int)after(-1);
	}
	parcel = queue_push(&desk->to_master);
	parcel->m = *m;
	return (int)after(0);
}

static int
new_fd(struct proc *p, struct conn *c)
{
	for (int i = 0; i < TRANSIENT; i++) {
		if (p->transient[i] != NULL)
			continue;
		p->transient[i] = c;
		return FD_TRANSIENT + i;
	}
	fail("seat %u: too many fds", p->seat);
}

int
__wrap_channel_recv(
    int fd UNUSED, struct channel_message *m, int *fds, unsigned *nfds)
{
	struct proc *p = sim.current;
	struct parcel parcel;

	point_call();
	*nfds = 0;
	if (!queue_pop(&sim.master.desks[p->seat].to_worker, &parcel)) {
		errno = EAGAIN;
		return (int)after(-1);
	}
	*m = parcel.m;
	for (unsigned i = 0; i < parcel.nconns; i++)
		fds[i] = new_fd(p, parcel.conns[i]);
	*nfds = parcel.nconns;
	return (int)after(1);
}

/* The one mapping there is serves all. */
int
__wrap_segment_attach(struct segment *seg, int fd UNUSED, bool writable UNUSED)
{
	*seg = sim.seg;
	return 0;
}

void
__wrap_segment_detach(struct segment *seg UNUSED)
{
}

/* Whoever is asked to give up a half-line will have a line too few. */
uint32_t
__wrap_pool_evict_oldest(struct segment *seg)
{
	uint32_t slot = __real_pool_evict_oldest(seg);

	oracle_evict(slot);
	return slot;
}

/* A worker warns of what must not happen here. */
void
__wrap_log_warnx(const char *event, const char *format UNUSED, ...)
{
	fail("seat %u warns: %s", sim.current->seat, event);
}

void
__wrap_die(int status UNUSED, const char *event, const char *format UNUSED, ...)
{
	fail("seat %u gives up: %s", sim.current->seat, event);
}
