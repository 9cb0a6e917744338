"""The tables. Models never leave this package: what goes out are the core's frozen structs."""

from __future__ import annotations

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model


class Conversation(Model):
    """A conversation: state is the name of the dialogue's state, state_data its JSON."""

    id = fields.CharField(max_length=64, primary_key=True)
    channel = fields.CharField(max_length=32)
    visitor = fields.CharField(max_length=128)
    customer_name = fields.CharField(max_length=300)
    widget = fields.CharField(max_length=100)
    company_id = fields.CharField(max_length=100)
    ticket = fields.BigIntField(null=True, db_index=True)
    flow = fields.CharField(max_length=64)
    flow_version = fields.IntField()
    state = fields.CharField(max_length=32)
    state_data = fields.TextField()
    opened_at = fields.DatetimeField()
    changed_at = fields.DatetimeField()
    last_seq = fields.IntField()
    customer_delivered = fields.IntField()
    customer_seen = fields.IntField()
    staff_delivered = fields.IntField()
    staff_seen = fields.IntField()
    rating = fields.IntField(null=True)
    opened_with = fields.BigIntField(null=True)
    open_key = fields.CharField(max_length=255, null=True, unique=True)
    version = fields.IntField()

    class Meta:
        table = "conversation"
        indexes = [Index(fields=["visitor", "opened_at"])]


class Message(Model):
    """A message, known by conversation and seq: files is JSON, changed the seq of its last change."""

    row = fields.BigIntField(primary_key=True, generated=True)
    conversation = fields.CharField(max_length=64)
    seq = fields.IntField()
    author_kind = fields.CharField(max_length=16)
    author_id = fields.CharField(max_length=128)
    author_name = fields.CharField(max_length=300)
    visibility = fields.CharField(max_length=16)
    text = fields.TextField()
    at = fields.DatetimeField()
    files = fields.TextField()
    changed = fields.IntField()
    edited_at = fields.DatetimeField(null=True)
    deleted_at = fields.DatetimeField(null=True)

    class Meta:
        table = "message"
        unique_together = (("conversation", "seq"),)


class Revision(Model):
    """What a message said before an edit or a deletion."""

    row = fields.BigIntField(primary_key=True, generated=True)
    conversation = fields.CharField(max_length=64)
    seq = fields.IntField()
    changed = fields.IntField()
    author_kind = fields.CharField(max_length=16)
    author_id = fields.CharField(max_length=128)
    author_name = fields.CharField(max_length=300)
    at = fields.DatetimeField()
    before = fields.TextField()
    deleted = fields.BooleanField()

    class Meta:
        table = "revision"
        unique_together = (("conversation", "changed"),)


class Ticket(Model):
    """A ticket: its number is never reused."""

    number = fields.BigIntField(primary_key=True, generated=False)
    status = fields.CharField(max_length=32)
    type = fields.CharField(max_length=32)
    priority = fields.CharField(max_length=16)
    subject = fields.CharField(max_length=300)
    channel = fields.CharField(max_length=32)
    opened_at = fields.DatetimeField()
    changed_at = fields.DatetimeField()
    requester_name = fields.CharField(max_length=300)
    requester_email = fields.CharField(max_length=254)
    requester_phone = fields.CharField(max_length=100)
    company = fields.CharField(max_length=300)
    answers = fields.TextField()
    assignee = fields.CharField(max_length=64, null=True)
    tier = fields.CharField(max_length=64, null=True)
    promised_at = fields.DatetimeField(null=True)
    due_at = fields.DatetimeField(null=True)
    waiting_until = fields.DatetimeField(null=True)
    needed_by = fields.DatetimeField(null=True)
    first_response_at = fields.DatetimeField(null=True)
    resolved_at = fields.DatetimeField(null=True)
    resolution = fields.TextField()
    workaround = fields.TextField()
    merged_into = fields.BigIntField(null=True)
    linked_to = fields.BigIntField(null=True)
    priority_confirmed = fields.BooleanField()
    active = fields.BooleanField()
    version = fields.IntField()

    class Meta:
        table = "ticket"
        indexes = [
            Index(fields=["active", "due_at", "number"]),
            Index(fields=["company", "number"]),
        ]


class Affected(Model):
    """Somebody whom a ticket affects: ``mailbox`` is the address as it is compared."""

    row = fields.BigIntField(primary_key=True, generated=True)
    ticket = fields.BigIntField()
    mailbox = fields.CharField(max_length=254)
    address = fields.CharField(max_length=254)
    name = fields.CharField(max_length=300)
    known_as = fields.BigIntField(null=True)

    class Meta:
        table = "affected"
        unique_together = (("ticket", "mailbox"),)
        indexes = [Index(fields=["mailbox", "ticket"])]


class History(Model):
    """One line of a ticket's history."""

    row = fields.BigIntField(primary_key=True, generated=True)
    ticket = fields.BigIntField(db_index=True)
    at = fields.DatetimeField()
    author_kind = fields.CharField(max_length=16)
    author_id = fields.CharField(max_length=128)
    author_name = fields.CharField(max_length=300)
    what = fields.CharField(max_length=100)
    why = fields.TextField()
    before = fields.CharField(max_length=32, null=True)
    after = fields.CharField(max_length=32, null=True)

    class Meta:
        table = "history"


class Delivery(Model):
    """The outbox: one thing to send to one target."""

    row = fields.BigIntField(primary_key=True, generated=True)
    id = fields.CharField(max_length=64, unique=True)
    target = fields.CharField(max_length=32)
    kind = fields.CharField(max_length=32)
    lane = fields.CharField(max_length=64)
    conversation = fields.CharField(max_length=64, null=True)
    seq = fields.IntField(null=True)
    ticket = fields.BigIntField(null=True, db_index=True)
    payload = fields.TextField()
    status = fields.CharField(max_length=16)
    attempts = fields.IntField()
    due_at = fields.DatetimeField()
    created_at = fields.DatetimeField()
    finished_at = fields.DatetimeField(null=True)
    external_id = fields.CharField(max_length=255)
    error = fields.TextField()

    class Meta:
        table = "delivery"
        indexes = [
            Index(fields=["status", "due_at"]),
            Index(fields=["lane", "target", "status", "row"]),
        ]


class Received(Model):
    """An event that was worked on, by its key, with its outcome for repetitions."""

    key = fields.CharField(max_length=255, primary_key=True)
    conversation = fields.CharField(max_length=64, null=True)
    seq = fields.IntField()
    ticket = fields.BigIntField(null=True)

    class Meta:
        table = "received"


class Rating(Model):
    """A customer's rating of a conversation."""

    row = fields.BigIntField(primary_key=True, generated=True)
    conversation = fields.CharField(max_length=64, db_index=True)
    score = fields.IntField()
    comment = fields.TextField()
    at = fields.DatetimeField()

    class Meta:
        table = "rating"


class SetAside(Model):
    """An event that could not be worked on, for staff to look at."""

    row = fields.BigIntField(primary_key=True, generated=True)
    kind = fields.CharField(max_length=64)
    key = fields.CharField(max_length=255)
    event = fields.TextField()
    reason = fields.TextField()
    at = fields.DatetimeField()

    class Meta:
        table = "set_aside"


class Counter(Model):
    """A number that only rises, such as that of the next ticket."""

    name = fields.CharField(max_length=32, primary_key=True)
    value = fields.BigIntField()

    class Meta:
        table = "counter"


class Agent(Model):
    """A technician: password is an argon2 hash, empty where only sign-in links open the door."""

    id = fields.CharField(max_length=64, primary_key=True)
    name = fields.CharField(max_length=200)
    email = fields.CharField(max_length=254, unique=True)
    password = fields.CharField(max_length=255)
    created_at = fields.DatetimeField()
    disabled_at = fields.DatetimeField(null=True)

    class Meta:
        table = "agent"


class Session(Model):
    """A signed-in browser, by the hash of its cookie, or a sign-in link that opens once."""

    id = fields.CharField(max_length=64, primary_key=True)
    agent = fields.CharField(max_length=64, db_index=True)
    once = fields.BooleanField()
    created_at = fields.DatetimeField()
    expires_at = fields.DatetimeField()

    class Meta:
        table = "session"


class File(Model):
    """A file as stored: under a name of our own, seen only by those who see its conversation."""

    id = fields.CharField(max_length=64, primary_key=True)
    conversation = fields.CharField(max_length=64, db_index=True)
    owner = fields.CharField(max_length=128)
    name = fields.CharField(max_length=255)
    media_type = fields.CharField(max_length=100)
    size = fields.BigIntField()
    sha256 = fields.CharField(max_length=64)
    internal = fields.BooleanField()
    at = fields.DatetimeField()

    class Meta:
        table = "file"


class Mail(Model):
    """A mail as it was sent, or would be: whole, by the Message-ID that was fixed when it was queued."""

    id = fields.CharField(max_length=255, primary_key=True)
    ticket = fields.BigIntField(null=True, db_index=True)
    recipient = fields.CharField(max_length=254)
    subject = fields.CharField(max_length=300)
    source = fields.BinaryField()
    at = fields.DatetimeField(db_index=True)

    class Meta:
        table = "mail"


class Identity(Model):
    """Which technician an account of another service belongs to."""

    row = fields.BigIntField(primary_key=True, generated=True)
    provider = fields.CharField(max_length=32)
    external_id = fields.CharField(max_length=200)
    agent = fields.CharField(max_length=64)
    linked_at = fields.DatetimeField()

    class Meta:
        table = "identity"
        unique_together = (("provider", "external_id"), ("provider", "agent"))


class AdapterNote(Model):
    """What an adapter has to remember, such as the thread that shows a ticket."""

    row = fields.BigIntField(primary_key=True, generated=True)
    adapter = fields.CharField(max_length=32)
    key = fields.CharField(max_length=255)
    value = fields.TextField()
    changed_at = fields.DatetimeField()

    class Meta:
        table = "adapter_note"
        unique_together = (("adapter", "key"),)


class InboundMail(Model):
    """A mail as it came, whole: filed on a ticket, or held for staff."""

    id = fields.CharField(max_length=64, primary_key=True)
    place = fields.CharField(max_length=255, unique=True)
    message_id = fields.CharField(max_length=255, db_index=True)
    sender = fields.CharField(max_length=254)
    subject = fields.CharField(max_length=300)
    source = fields.BinaryField()
    status = fields.CharField(max_length=16)
    reason = fields.TextField()
    facts = fields.TextField()
    ticket = fields.BigIntField(null=True, db_index=True)
    at = fields.DatetimeField()

    class Meta:
        table = "inbound_mail"
        indexes = [Index(fields=["status", "at"])]


class Lease(Model):
    """Work that one node does at a time: the token rises with each holder and fences off earlier ones."""

    name = fields.CharField(max_length=64, primary_key=True)
    holder = fields.CharField(max_length=64)
    token = fields.BigIntField()
    until = fields.DatetimeField()

    class Meta:
        table = "lease"


class PortalSession(Model):
    """A customer's signed-in browser, by the hash of its cookie, and the person as the service knows them."""

    id = fields.CharField(max_length=64, primary_key=True)
    issuer = fields.CharField(max_length=255)
    subject = fields.CharField(max_length=255)
    tenant = fields.CharField(max_length=64)
    address = fields.CharField(max_length=254)
    name = fields.CharField(max_length=300)
    created_at = fields.DatetimeField()
    expires_at = fields.DatetimeField()

    class Meta:
        table = "portal_session"
