"""The child process: reads requests from stdin, does them with pyinfra, writes answers to stdout, a line each.

It ends when stdin does, so it never outlives the plugin; a change that is under way is finished first.
"""

import os
import sys
from typing import TextIO

from providers.host.connection import Connection
from providers.host.errors import HalfDoneError, HostError
from providers.host.jobs import perform
from providers.host.messages import Answer, Note, Request
from providers.host.session import Session, quiet


def serve(requests: TextIO, answers: TextIO) -> None:
    """Answer every request in turn.

    Args:
        requests: lines of `messages.Request`.
        answers: where lines of `messages.Answer` go, and of `messages.Note` before them.
    """
    sessions: dict[Connection, Session] = {}

    def tell(text: str) -> None:
        answers.write(Note(text).to_line() + "\n")
        answers.flush()

    for line in requests:
        request = Request.from_line(line)
        session = sessions.setdefault(request.connection, Session(request.connection, tell))
        try:
            answer = perform(request, session)
        except HostError as error:
            answer = Answer(error=str(error), half_done=isinstance(error, HalfDoneError))
        answers.write(answer.to_line() + "\n")
        answers.flush()


def main() -> None:
    """Entry point of `python -m providers.host.worker`."""
    quiet()
    # Only answers may reach the pipe: whatever else is printed, by us or a library, goes to stderr.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    try:
        serve(sys.stdin, answers)
    except (BrokenPipeError, KeyboardInterrupt):
        os._exit(1)  # the plugin is gone: nobody reads, and nothing is left to flush


if __name__ == "__main__":
    main()
