# SPDX-License-Identifier: MIT
"""The file of users, and hashes of passwords."""
import crypt
import os
import subprocess

from lib import DEADLINE, JOINED, die_with_parent, test


def chatmaster(t, *args, password=None):
    """The program, to its end, with a password to read."""
    return subprocess.run(
        [os.path.join(t.build, "chatmaster"), *args], text=True,
        input=None if password is None else password + "\n",
        capture_output=True, timeout=DEADLINE, cwd=t.tmp,
        preexec_fn=die_with_parent, check=False)


@test
def hash_password_prints_what_crypt_makes_of_it(t):
    done = chatmaster(t, "--hash-password", password="open sesame")
    assert done.returncode == 0, done
    made = done.stdout.rstrip("\n")
    assert made.startswith("$y$")
    assert crypt.crypt("open sesame", made) == made
    for bad in "", " blank", "x" * 129:
        done = chatmaster(t, "--hash-password", password=bad)
        assert done.returncode == 2 and not done.stdout, done


@test
def users_are_added_changed_and_removed(t):
    path = t.path("users")
    option = f"--users-file={path}"
    for name, more in ("Alice", ()), ("Bob", ("--operator",)):
        done = chatmaster(t, option, "--add-user", name, *more,
                          password="one")
        assert done.returncode == 0, done
    assert os.stat(path).st_mode & 0o777 == 0o600
    done = chatmaster(t, option, "--list-users")
    assert done.stdout == "Alice\nBob (operator)\n"
    assert chatmaster(t, option, "--add-user=alice",
                      password="two").returncode == 0
    done = chatmaster(t, option, "--list-users")
    assert done.stdout == "alice\nBob (operator)\n"
    server = t.server(users_file=path)
    alice = server.connect()
    alice.send("general", "alice two")
    alice.expect(JOINED % "alice")
    bob = server.connect()
    bob.send("general", "Bob one")
    bob.expect(JOINED % "Bob")
    bob.send("/kick alice")
    alice.lines_until("*** error banned: you are kicked from this server")
    assert chatmaster(t, option, "--remove-user=ALICE").returncode == 0
    assert chatmaster(t, option, "--remove-user=ALICE").returncode == 1
    assert chatmaster(t, option, "--list-users").stdout == "Bob (operator)\n"


@test
def a_file_of_users_that_others_may_read_is_refused(t):
    path = t.write("users", "")
    os.chmod(path, 0o644)
    done = chatmaster(t, f"--users-file={path}", "--check")
    assert done.returncode == 2
    assert done.stderr == f"chatmaster: {path}: may be read by others " \
        "(chmod 600)\n"
    os.chmod(path, 0o600)
    for text, wrong in (
            ("Alice\n", "1: a line is NAME:HASH or NAME:HASH:operator"),
            ("# x\nAl ice:$6$x$" + "y" * 86, "2: that is no name"),
            ("Alice:secret",
             "1: what is behind the name is no crypt(3) hash"),
            (2 * ("Alice:$6$x$" + "y" * 86 + "\n"),
             "2: that user is registered already")):
        t.write("users", text)
        done = chatmaster(t, f"--users-file={path}", "--check")
        assert done.returncode == 2
        assert done.stderr == f"chatmaster: {path}:{wrong}\n", done
