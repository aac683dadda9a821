# SPDX-License-Identifier: MIT
"""tools/chatload as a client of the tests: thousands of users in a process.

Its exit status says that everyone who joined has read each message of the
others of its room exactly once, unchanged and in order, and nothing else.
"""
import os
import subprocess

from lib import die_with_parent

DEADLINE = 50.0


class Load:
    """A chatload that runs."""

    def __init__(self, context, server, **options):
        options = {"host": "127.0.0.1", "port": server.port,
                   "pid": server.pid, **options}
        command = [os.path.join(context.build, "chatload"), "--verify"]
        for key, value in options.items():
            command += [f"--{key}", str(value)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
        context.peers.append(self)

    def figures(self):
        """Waits for its end, which is to be a good one."""
        out, err = self.process.communicate(timeout=DEADLINE)
        assert self.process.returncode == 0, f"chatload: {err}{out}"
        return {key: float(value) for key, value in
                (pair.split("=", 1) for pair in out.split())}

    def end(self):
        """Asks it to end (mode ask); its figures."""
        assert self.process.poll() is None, "chatload has ended by itself"
        self.process.terminate()
        return self.figures()

    def close(self):
        self.kill()

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


def load(context, server, **options):
    """Runs one to its end; its figures."""
    return Load(context, server, **options).figures()
