# SPDX-License-Identifier: MIT
"""The file of users, changed by several at once, and by who dies."""
import crypt
import os
import pty
import signal
import subprocess
import threading

from faults import Faults
from lib import DEADLINE, die_with_parent, test

def chatmaster(t, *args, password="", build=None, env=None):
    """Returns exit code, output, errors."""
    done = subprocess.run(
        [os.path.join(build or t.build, "chatmaster"), *args],
        input=password + "\n", capture_output=True, text=True,
        timeout=DEADLINE, preexec_fn=die_with_parent,
        env={**os.environ, **(env or {})})
    return done.returncode, done.stdout, done.stderr


def administer(t, *args, password="", code=0, **more):
    """On the file "users" of the test."""
    result, out, errors = chatmaster(
        t, f"--users-file={t.path('users')}", *args, password=password, **more)
    assert result == code, (result, out, errors)
    assert len(password) < 3 or password not in out + errors
    return out + errors


def users(t):
    return administer(t, "--list-users").splitlines()


@test
def a_password_is_hashed_from_standard_input(t):
    code, out, _ = chatmaster(t, "--hash-password", password="open sesame")
    assert code == 0 and out.startswith("$y$"), out
    assert crypt.crypt("open sesame", out.strip()) == out.strip()
    for bad in ("", " x", "x ", "a\tb", "x" * 129):
        code, out, errors = chatmaster(t, "--hash-password", password=bad)
        assert code == 2 and not out and "password" in errors, bad


def at_terminal(t, *lines):
    """Types each line when it is asked for; returns code, screen, output."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [os.path.join(t.build, "chatmaster"), "--hash-password"],
        stdin=slave, stdout=subprocess.PIPE, stderr=slave,
        preexec_fn=die_with_parent)
    os.close(slave)
    screen = b""
    try:
        for i, line in enumerate(lines):
            while screen.count(b": ") <= i:
                screen += os.read(master, 1000)
            if line == "^C":
                process.send_signal(signal.SIGINT)
            else:
                os.write(master, line.encode())
        out = process.communicate(timeout=DEADLINE)[0]
        screen += os.read(master, 1000)
    finally:
        process.kill()
        process.wait()
        os.close(master)
    return process.returncode, screen.decode(), out.decode().strip()


@test
def a_password_is_typed_twice_and_not_shown(t):
    code, screen, out = at_terminal(t, "sesame\n", "sesame\n")
    assert code == 0 and "sesame" not in screen, screen
    assert crypt.crypt("sesame", out) == out
    code, screen, out = at_terminal(t, "sesame\n", "barley\n")
    assert code == 2 and not out, screen
    code, _, out = at_terminal(t, "^C")
    assert code == -signal.SIGINT and not out, code


@test
def what_makes_no_sense_is_refused_and_changes_nothing(t):
    administer(t, "--add-user=Alice", password="one")
    with open(t.path("users"), encoding="ascii") as f:
        before = f.read()
    assert "not there" in administer(t, "--remove-user=Bob", code=1)
    administer(t, "--add-user=a b", password="x", code=2)
    administer(t, "--add-user=Bob", "--list-users", code=2)
    administer(t, "--add-user=Bob", password=" ", code=2)
    assert "users-file" in chatmaster(t, "--add-user=Bob")[2]
    conf = t.write("c.conf", f"[user Carol]\npassword = {before[6:]}")
    os.chmod(conf, 0o600)
    administer(t, "-c", conf, "--add-user=carol", password="x", code=2)
    with open(t.path("users"), encoding="ascii") as f:
        assert f.read() == before


@test
def what_isnt_about_the_user_stays_as_it_is(t):
    line = "Alice:" + crypt.crypt("x", "$6$rounds=1000$saltsalt")
    t.write("users", f"# staff\n{line}\n\n# guests")
    os.chmod(t.path("users"), 0o600)
    administer(t, "--add-user=Bob", password="two")
    administer(t, "--add-user=Bob", password="three")
    administer(t, "--remove-user=Bob")
    with open(t.path("users"), encoding="ascii") as f:
        assert f.read() == f"# staff\n{line}\n\n# guests\n"


@test
def a_file_that_others_may_read_is_refused(t):
    administer(t, "--add-user=Alice", password="one")
    for mode in (0o640, 0o604, 0o620):
        os.chmod(t.path("users"), mode)
        assert "chmod 600" in administer(t, "--list-users", code=1)
        administer(t, "--remove-user=Alice", code=1)
        t.failing_server(2, args=["--users-file", t.path("users")])


@test
def two_who_change_it_at_once_do_so_one_after_the_other(t):
    threads = [threading.Thread(
        target=administer, args=(t, f"--add-user=user{i}"),
        kwargs={"password": "x"}) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(users(t)) == [f"user{i}" for i in range(8)]


@test(faults=True)
def one_who_dies_meanwhile_leaves_the_old_file_or_the_new_one(t):
    administer(t, "--add-user=Alice", password="one")
    path = t.path("admin.faults")
    faults = Faults(path)
    for i, (point, added) in enumerate((("users.written", False),
                                        ("users.synced", False),
                                        ("users.renamed", True))):
        faults.arm(point, "die")
        administer(t, f"--add-user=user{i}", password="x",
                   code=-signal.SIGKILL, build=t.faults_build,
                   env={"CHATMASTER_FAULTS": path})
        assert (f"user{i}" in users(t)) == added, point
    administer(t, "--add-user=Bob", password="x")
    assert users(t) == ["Alice", "user2", "Bob"]
    assert not os.path.exists(t.path("users.new"))
