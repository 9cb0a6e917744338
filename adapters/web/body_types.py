"""What the fields of the console API's bodies may be; the live protocol's own are in frames."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from adapters.web.frames import MAX_TEXT

ClientId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Seq = Annotated[int, Field(ge=0, le=2**31 - 1)]
Text = Annotated[str, StringConstraints(max_length=MAX_TEXT)]
Identity = Annotated[str, StringConstraints(max_length=64)]
