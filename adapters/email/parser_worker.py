"""The process that takes mails apart: bytes in, values out, within memory it cannot exceed.

A mail comes as eight bytes of length and its bytes. The answer is eight bytes of length and JSON, then the
attachments' contents one after another; their sizes are in the JSON.
"""

from __future__ import annotations

import json
import resource
import sys
from typing import BinaryIO

from adapters.email.parse import parse_mail
from adapters.email.parsed import Unreadable, parsed_adapter

MAX_MEMORY = 1024 * 1024 * 1024
"""Bytes of address space; a mail that needs more is held, and a fresh process takes the next."""


def main() -> None:
    """Work until the input ends."""
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    while work_one(sys.stdin.buffer, sys.stdout.buffer):
        sys.stdout.buffer.flush()


def work_one(given: BinaryIO, answers: BinaryIO) -> bool:
    """Take one mail apart and answer; False at the end of the input."""
    head = given.read(8)
    if len(head) < 8:
        return False
    source = given.read(int.from_bytes(head, "big"))
    try:
        mail, contents = parse_mail(source)
        answer = b'{"mail":' + parsed_adapter().dump_json(mail) + b"}"
    except Unreadable as error:
        answer, contents = json.dumps({"unreadable": str(error)}).encode(), ()
    answers.write(len(answer).to_bytes(8, "big") + answer)
    for content in contents:
        answers.write(content)
    return True


if __name__ == "__main__":
    main()
