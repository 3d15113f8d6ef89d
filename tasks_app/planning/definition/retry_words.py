"""The words of ``retry: {on: [...]}``: the kinds of error that can get better, for every executor."""

from collections.abc import Mapping
from typing import Final

RETRY_WORDS: Final[Mapping[str, str]] = {
    "timeout": "it ran out of time, or a server said so (408)",
    "connection": "the connection was not made, or broke",
    "rate_limit": "a server was asked too often (429)",
    "conflict": "a server was busy with something that stands against it (409)",
    "server_error": "a server failed (5xx)",
    "overloaded": "Claude's servers are full (529)",
    "bad_response": "an HTTP answer is not what its headers say",
    "exit_code": "a command ended with another code than 0",
    "signal": "a command was killed",
    "unstartable": "a command could not be started for want of memory or processes",
    "guardian_lost": "the process that guards a command was killed",
    "truncated": "Claude's answer broke off",
    "pause_turn": "Claude paused a long turn",
    "empty_answer": "Claude said nothing",
    "invalid_output": "Claude's answer does not match output_schema",
    "exception": "a Python function raised",
    "workspace": "the attempt's directory could not be used",
    "executor_error": "the executor itself has a fault",
}
