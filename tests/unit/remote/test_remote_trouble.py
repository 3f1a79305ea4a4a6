"""What sudo and ssh say, and what it means: a refusal is told with what can be typed, a warning is none."""

import pytest

from genesis_ops.errors import GenesisError
from genesis_ops.remote.trouble import Ending, trouble

PROGRAM = "/opt/genesis/genesis-ops/bin/genesis-ops"


def told(err: str, *, code: int = 1, program: str = PROGRAM, target: str = "ops.one@server") -> GenesisError | None:
    return trouble(Ending(target, (program, "host", "plan"), "genesis", code, True, True, err, True))


@pytest.mark.parametrize(
    "err",
    [
        "sudo: unable to resolve host vm: Name or service not known\ngenesis-ops: the API does not answer\n",
        "sudo: setrlimit(RLIMIT_CORE): Operation not permitted\ngenesis-ops: something failed\n",
        "genesis-ops: git says: a password is required\n",
        "",
    ],
)
def test_a_failure_of_the_program_is_its_own_whatever_sudo_warns_of(err: str) -> None:
    assert told(err) is None


@pytest.mark.parametrize(
    "line",
    [
        "sudo: a password is required",
        "sudo: a terminal is required to read the password; either use the -S option",
        "sudo: interactive authentication is required",
        "sudo: I'm sorry ops. I'm afraid I can't do that",
        "Sorry, user ops is not allowed to execute '/opt/x' as root on vm.",
        "Sorry, user ops may not run sudo on vm.",
        "ops is not in the sudoers file.",
        "sudo: sorry, you must have a tty to run sudo",
    ],
)
def test_a_refusal_of_sudo_is_told_with_the_line_that_is_missing(line: str) -> None:
    error = told(f"sudo: unable to resolve host vm\n{line}\n")
    assert error is not None
    assert "without a password" in error.message
    assert error.notes[0] == line
    assert error.notes[1].endswith("visudo -f /etc/sudoers.d/ops_one")  # one with a dot is passed over
    assert error.notes[2] == f"ops.one ALL=(ALL) NOPASSWD: {PROGRAM}"


def test_an_installation_that_sudo_refuses_gets_no_line_for_sudoers() -> None:
    error = told("sudo: a password is required\n", program="python3")
    assert error is not None
    assert "python3" in error.message
    assert not any("NOPASSWD" in note for note in error.notes)
    assert any("root@HOST" in note for note in error.notes)


def test_without_python3_it_says_how_to_get_it_and_not_to_install_once_more() -> None:
    error = told("sudo: python3: command not found\n", program="python3")
    assert error is not None
    assert error.next_command == "ssh -t ops.one@server sudo apt install python3 python3-venv"


def test_what_is_to_be_typed_names_the_same_host() -> None:
    error = told(f"sudo: {PROGRAM}: command not found\n")
    assert error is not None
    assert error.next_command == "genesis-ops remote install --ssh-target ops.one@server"


def test_a_user_that_is_not_there_is_no_question_of_passwords() -> None:
    error = told("sudo: unknown user: genesis\nsudo: error initializing audit plugin sudoers_audit\n")
    assert error is not None
    assert error.message == "there is no user genesis on ops.one@server"
