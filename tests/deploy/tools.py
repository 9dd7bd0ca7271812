"""Programs beside Python that some checks need; in CI a missing one is a failure."""

import os
import shutil
import socket
import subprocess

import pytest


def tool(name, package):
    """Return the path of a program, or skip (in CI: fail) naming the package that has it."""
    found = shutil.which(name)
    if found:
        return found
    says = f"{name} is missing: install the package {package}"
    return pytest.fail(says) if os.environ.get("CI") == "true" else pytest.skip(says)


def free_port():
    """Return a port of this machine on which nobody listens now."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def output(*command, code=0):
    """Run a program and return all it printed; it must end with the code."""
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr
