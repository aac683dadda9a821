# SPDX-License-Identifier: MIT
"""The server's pool of buffers, taken up by clients that don't read."""
import contextlib

from lib import JOINED, wait_until


@contextlib.contextmanager
def no_buffers(server):
    """Meanwhile the rest of a cut line lies in each buffer that may hold
    one."""
    names = [f"h{i}" for i in range(140)]
    holders = [server.connect(rcvbuf=4096) for _ in names]
    for name, client in zip(names, holders):
        client.send("hall", name)
        client.lines_until(JOINED % name)
    speaker = server.join("hall", "Speaker")

    def all_taken():
        speaker.send(*["x" * 4000] * 5)
        return server.dump()["pool_empty"] > 0 and all(
            s["lagging"] for s in server.dump("sessions")
            if s["name"] in names)
    wait_until(all_taken, "no buffer is free")
    yield
    for client in holders:
        client.close()
    speaker.close()
