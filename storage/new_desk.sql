-- Written by scripts/new_desk.py from the migrations: change those.
CREATE TABLE "tortoise_migrations" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "app" VARCHAR(255) NOT NULL,
    "name" VARCHAR(255) NOT NULL,
    "applied_at" TIMESTAMP NOT NULL,
    CONSTRAINT "uid_tortoise_mi_app_3803a5" UNIQUE ("app", "name")
);
CREATE TABLE "adapter_note" (
    "row" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "adapter" VARCHAR(32) NOT NULL,
    "key" VARCHAR(255) NOT NULL,
    "value" TEXT NOT NULL,
    "changed_at" TIMESTAMP NOT NULL,
    CONSTRAINT "uid_adapter_not_adapter_6a4ed0" UNIQUE ("adapter", "key")
);
CREATE TABLE "agent" (
    "id" VARCHAR(64) NOT NULL  PRIMARY KEY,
    "name" VARCHAR(200) NOT NULL,
    "email" VARCHAR(254) NOT NULL UNIQUE,
    "password" VARCHAR(255) NOT NULL,
    "created_at" TIMESTAMP NOT NULL,
    "disabled_at" TIMESTAMP
);
CREATE TABLE "conversation" (
    "id" VARCHAR(64) NOT NULL  PRIMARY KEY,
    "channel" VARCHAR(32) NOT NULL,
    "visitor" VARCHAR(128) NOT NULL,
    "customer_name" VARCHAR(300) NOT NULL,
    "widget" VARCHAR(100) NOT NULL,
    "company_id" VARCHAR(100) NOT NULL,
    "ticket" BIGINT,
    "flow" VARCHAR(64) NOT NULL,
    "flow_version" INT NOT NULL,
    "state" VARCHAR(32) NOT NULL,
    "state_data" TEXT NOT NULL,
    "opened_at" TIMESTAMP NOT NULL,
    "changed_at" TIMESTAMP NOT NULL,
    "last_seq" INT NOT NULL,
    "customer_delivered" INT NOT NULL,
    "customer_seen" INT NOT NULL,
    "staff_delivered" INT NOT NULL,
    "staff_seen" INT NOT NULL,
    "rating" INT,
    "open_key" VARCHAR(255)  UNIQUE,
    "version" INT NOT NULL
, "opened_with" BIGINT);
CREATE INDEX "idx_conversatio_ticket_e86f3e" ON "conversation" ("ticket");
CREATE INDEX "idx_conversatio_visitor_4d7b61" ON "conversation" ("visitor", "opened_at");
CREATE TABLE "counter" (
    "name" VARCHAR(32) NOT NULL  PRIMARY KEY,
    "value" BIGINT NOT NULL
);
CREATE TABLE "delivery" (
    "row" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "id" VARCHAR(64) NOT NULL UNIQUE,
    "target" VARCHAR(32) NOT NULL,
    "kind" VARCHAR(32) NOT NULL,
    "lane" VARCHAR(64) NOT NULL,
    "conversation" VARCHAR(64),
    "seq" INT,
    "ticket" BIGINT,
    "payload" TEXT NOT NULL,
    "status" VARCHAR(16) NOT NULL,
    "attempts" INT NOT NULL,
    "due_at" TIMESTAMP NOT NULL,
    "created_at" TIMESTAMP NOT NULL,
    "finished_at" TIMESTAMP,
    "external_id" VARCHAR(255) NOT NULL,
    "error" TEXT NOT NULL
);
CREATE INDEX "idx_delivery_ticket_9868cd" ON "delivery" ("ticket");
CREATE INDEX "idx_delivery_status_698bee" ON "delivery" ("status", "due_at");
CREATE INDEX "idx_delivery_lane_f4667d" ON "delivery" ("lane", "target", "status", "row");
CREATE TABLE "file" (
    "id" VARCHAR(64) NOT NULL  PRIMARY KEY,
    "conversation" VARCHAR(64) NOT NULL,
    "owner" VARCHAR(128) NOT NULL,
    "name" VARCHAR(255) NOT NULL,
    "media_type" VARCHAR(100) NOT NULL,
    "size" BIGINT NOT NULL,
    "sha256" VARCHAR(64) NOT NULL,
    "internal" INT NOT NULL,
    "at" TIMESTAMP NOT NULL
);
CREATE INDEX "idx_file_convers_19f3d1" ON "file" ("conversation");
CREATE TABLE "history" (
    "row" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "ticket" BIGINT NOT NULL,
    "at" TIMESTAMP NOT NULL,
    "author_kind" VARCHAR(16) NOT NULL,
    "author_id" VARCHAR(128) NOT NULL,
    "author_name" VARCHAR(300) NOT NULL,
    "what" VARCHAR(100) NOT NULL,
    "why" TEXT NOT NULL,
    "before" VARCHAR(32),
    "after" VARCHAR(32)
);
CREATE INDEX "idx_history_ticket_f7fcab" ON "history" ("ticket");
CREATE TABLE "identity" (
    "row" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "provider" VARCHAR(32) NOT NULL,
    "external_id" VARCHAR(200) NOT NULL,
    "agent" VARCHAR(64) NOT NULL,
    "linked_at" TIMESTAMP NOT NULL,
    CONSTRAINT "uid_identity_provide_202799" UNIQUE ("provider", "external_id"),
    CONSTRAINT "uid_identity_provide_ac1636" UNIQUE ("provider", "agent")
);
CREATE TABLE "inbound_mail" (
    "id" VARCHAR(64) NOT NULL  PRIMARY KEY,
    "place" VARCHAR(255) NOT NULL UNIQUE,
    "message_id" VARCHAR(255) NOT NULL,
    "sender" VARCHAR(254) NOT NULL,
    "subject" VARCHAR(300) NOT NULL,
    "source" BLOB NOT NULL,
    "status" VARCHAR(16) NOT NULL,
    "reason" TEXT NOT NULL,
    "facts" TEXT NOT NULL,
    "ticket" BIGINT,
    "at" TIMESTAMP NOT NULL
);
CREATE INDEX "idx_inbound_mai_message_a6a892" ON "inbound_mail" ("message_id");
CREATE INDEX "idx_inbound_mai_ticket_6587b1" ON "inbound_mail" ("ticket");
CREATE INDEX "idx_inbound_mai_status_d38f96" ON "inbound_mail" ("status", "at");
CREATE TABLE "lease" (
    "name" VARCHAR(64) NOT NULL  PRIMARY KEY,
    "holder" VARCHAR(64) NOT NULL,
    "token" BIGINT NOT NULL,
    "until" TIMESTAMP NOT NULL
);
CREATE TABLE "mail" (
    "id" VARCHAR(255) NOT NULL  PRIMARY KEY,
    "ticket" BIGINT,
    "recipient" VARCHAR(254) NOT NULL,
    "subject" VARCHAR(300) NOT NULL,
    "source" BLOB NOT NULL,
    "at" TIMESTAMP NOT NULL
);
CREATE INDEX "idx_mail_ticket_987a4e" ON "mail" ("ticket");
CREATE INDEX "idx_mail_at_4fb413" ON "mail" ("at");
CREATE TABLE "rating" (
    "row" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "conversation" VARCHAR(64) NOT NULL,
    "score" INT NOT NULL,
    "comment" TEXT NOT NULL,
    "at" TIMESTAMP NOT NULL
);
CREATE INDEX "idx_rating_convers_65c3c4" ON "rating" ("conversation");
CREATE TABLE "revision" (
    "row" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "conversation" VARCHAR(64) NOT NULL,
    "seq" INT NOT NULL,
    "changed" INT NOT NULL,
    "author_kind" VARCHAR(16) NOT NULL,
    "author_id" VARCHAR(128) NOT NULL,
    "author_name" VARCHAR(300) NOT NULL,
    "at" TIMESTAMP NOT NULL,
    "before" TEXT NOT NULL,
    "deleted" INT NOT NULL,
    CONSTRAINT "uid_revision_convers_c4f266" UNIQUE ("conversation", "changed")
);
CREATE TABLE "session" (
    "id" VARCHAR(64) NOT NULL  PRIMARY KEY,
    "agent" VARCHAR(64) NOT NULL,
    "once" INT NOT NULL,
    "created_at" TIMESTAMP NOT NULL,
    "expires_at" TIMESTAMP NOT NULL
);
CREATE INDEX "idx_session_agent_948615" ON "session" ("agent");
CREATE TABLE "set_aside" (
    "row" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "kind" VARCHAR(64) NOT NULL,
    "key" VARCHAR(255) NOT NULL,
    "event" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "at" TIMESTAMP NOT NULL
);
CREATE TABLE "ticket" (
    "number" BIGINT NOT NULL  PRIMARY KEY,
    "status" VARCHAR(32) NOT NULL,
    "type" VARCHAR(32) NOT NULL,
    "priority" VARCHAR(16) NOT NULL,
    "subject" VARCHAR(300) NOT NULL,
    "channel" VARCHAR(32) NOT NULL,
    "opened_at" TIMESTAMP NOT NULL,
    "changed_at" TIMESTAMP NOT NULL,
    "requester_name" VARCHAR(300) NOT NULL,
    "requester_email" VARCHAR(254) NOT NULL,
    "requester_phone" VARCHAR(100) NOT NULL,
    "company" VARCHAR(300) NOT NULL,
    "answers" TEXT NOT NULL,
    "assignee" VARCHAR(64),
    "promised_at" TIMESTAMP,
    "due_at" TIMESTAMP,
    "waiting_until" TIMESTAMP,
    "needed_by" TIMESTAMP,
    "first_response_at" TIMESTAMP,
    "resolved_at" TIMESTAMP,
    "resolution" TEXT NOT NULL,
    "workaround" TEXT NOT NULL,
    "merged_into" BIGINT,
    "linked_to" BIGINT,
    "priority_confirmed" INT NOT NULL,
    "active" INT NOT NULL,
    "version" INT NOT NULL
, "tier" VARCHAR(64));
CREATE INDEX "idx_ticket_active_676df4" ON "ticket" ("active", "due_at", "number");
CREATE INDEX "idx_ticket_company_34f1e9" ON "ticket" ("company", "number");
CREATE VIRTUAL TABLE ticket_words USING fts5(
    subject, requester_name, requester_email, company, answers,
    content='ticket', content_rowid='number', tokenize='unicode61 remove_diacritics 2');
CREATE VIRTUAL TABLE message_words USING fts5(
    text, content='message', content_rowid='row', tokenize='unicode61 remove_diacritics 2');
CREATE TABLE "message" (
    "row" INTEGER PRIMARY KEY NOT NULL,
    "conversation" VARCHAR(64) NOT NULL,
    "seq" INT NOT NULL,
    "author_kind" VARCHAR(16) NOT NULL,
    "author_id" VARCHAR(128) NOT NULL,
    "author_name" VARCHAR(300) NOT NULL,
    "visibility" VARCHAR(16) NOT NULL,
    "text" TEXT NOT NULL,
    "at" TIMESTAMP NOT NULL,
    "files" TEXT NOT NULL,
    "changed" INT NOT NULL,
    "edited_at" TIMESTAMP,
    "deleted_at" TIMESTAMP,
    CONSTRAINT "uid_message_convers_4f7ba1" UNIQUE ("conversation", "seq")
);
CREATE TABLE "received" (
    "key" VARCHAR(255) NOT NULL PRIMARY KEY,
    "conversation" VARCHAR(64),
    "seq" INT NOT NULL,
    "ticket" BIGINT
) WITHOUT ROWID;
CREATE INDEX ticket_of_company ON ticket (company, due_at, number) WHERE active = TRUE;
CREATE TABLE vocabulary (
    source INT NOT NULL, era BIGINT NOT NULL, word TEXT NOT NULL, PRIMARY KEY (source, era, word)) WITHOUT ROWID;
CREATE TABLE word_listed (source INT NOT NULL PRIMARY KEY, upto BIGINT NOT NULL) WITHOUT ROWID;
CREATE TABLE reworded (id INTEGER PRIMARY KEY NOT NULL, source INT NOT NULL, "key" BIGINT NOT NULL);
CREATE INDEX delivery_by_external_id ON delivery (target, external_id) WHERE external_id <> '';
CREATE INDEX conversation_waiting ON conversation (state) WHERE state = 'waiting';
CREATE INDEX ticket_of_technician ON ticket (assignee, due_at, number)
    WHERE active = TRUE AND assignee IS NOT NULL;
CREATE TABLE "portal_session" (
    "id" VARCHAR(64) NOT NULL  PRIMARY KEY,
    "issuer" VARCHAR(255) NOT NULL,
    "subject" VARCHAR(255) NOT NULL,
    "tenant" VARCHAR(64) NOT NULL,
    "address" VARCHAR(254) NOT NULL,
    "name" VARCHAR(300) NOT NULL,
    "created_at" TIMESTAMP NOT NULL,
    "expires_at" TIMESTAMP NOT NULL
);
CREATE INDEX ticket_of_requester ON ticket (LOWER(requester_email), number);
CREATE INDEX conversation_merged ON conversation (opened_with) WHERE opened_with IS NOT NULL;
CREATE INDEX message_with_files ON message (conversation) WHERE files <> '[]';
CREATE INDEX idx_mail_counted_at ON mail (LOWER(CASE WHEN instr(recipient, '+') > 1
    THEN substr(recipient, 1, instr(recipient, '+') - 1) || substr(recipient, instr(recipient, '@'))
    ELSE recipient END), at);
CREATE TABLE "affected" (
    "row" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "ticket" BIGINT NOT NULL,
    "mailbox" VARCHAR(254) NOT NULL,
    "address" VARCHAR(254) NOT NULL,
    "name" VARCHAR(300) NOT NULL,
    "known_as" BIGINT,
    CONSTRAINT "uid_affected_ticket_8ac880" UNIQUE ("ticket", "mailbox")
);
CREATE INDEX "idx_affected_mailbox_8b8e4b" ON "affected" ("mailbox", "ticket");
CREATE INDEX ticket_of_tier ON ticket (tier, due_at, number) WHERE active = TRUE AND tier IS NOT NULL;
CREATE INDEX ticket_by_opening ON ticket (opened_at, number);
CREATE INDEX history_of_ends ON history (at, "row")
    WHERE after IN ('resolved', 'merged', 'cancelled') OR before IN ('resolved', 'closed');
CREATE INDEX rating_by_time ON rating (at, "row");
CREATE INDEX conversation_of_company ON conversation (company_id, COALESCE(opened_with, ticket))
    WHERE company_id <> '';
CREATE INDEX conversation_merged_of_company ON conversation (company_id, opened_with)
    WHERE opened_with IS NOT NULL AND company_id <> '';
CREATE INDEX ticket_by_tier ON ticket (tier, number) WHERE tier IS NOT NULL;
CREATE INDEX ticket_by_technician ON ticket (assignee, number) WHERE assignee IS NOT NULL;
CREATE INDEX ticket_of_nobody ON ticket (number) WHERE assignee IS NULL;
CREATE INDEX ticket_by_priority ON ticket (priority, number);
CREATE INDEX ticket_open_of_nobody ON ticket (due_at, number) WHERE active = TRUE AND assignee IS NULL;
CREATE INDEX ticket_open_by_priority ON ticket (priority, due_at, number) WHERE active = TRUE;
CREATE TRIGGER message_words_update AFTER UPDATE ON message
WHEN old.text <> new.text AND old.row <= (SELECT max(id) FROM message_words_docsize)
BEGIN
    INSERT INTO message_words(message_words, rowid, text) VALUES ('delete', old.row, old.text);
    INSERT INTO message_words(rowid, text) VALUES (new.row, new.text);
END;
CREATE TRIGGER message_reworded AFTER UPDATE ON message WHEN old.text <> new.text AND new.text <> ''
BEGIN
    INSERT INTO reworded (source, "key") VALUES (1, new."row");
END;
CREATE TRIGGER ticket_reworded AFTER UPDATE ON ticket
WHEN old.subject <> new.subject OR old.requester_name <> new.requester_name
    OR old.requester_email <> new.requester_email OR old.company <> new.company OR old.answers <> new.answers
BEGIN
    INSERT INTO reworded (source, "key") VALUES (0, new.number);
END;
CREATE TRIGGER ticket_words_update AFTER UPDATE ON ticket
WHEN old.number <= (SELECT max(id) FROM ticket_words_docsize)
    AND (old.subject <> new.subject OR old.requester_name <> new.requester_name
    OR old.requester_email <> new.requester_email OR old.company <> new.company OR old.answers <> new.answers)
BEGIN
    INSERT INTO ticket_words(ticket_words, rowid, subject, requester_name, requester_email, company, answers)
    VALUES ('delete', old.number, old.subject, old.requester_name, old.requester_email, old.company, old.answers);
    INSERT INTO ticket_words(rowid, subject, requester_name, requester_email, company, answers)
    VALUES (new.number, new.subject, new.requester_name, new.requester_email, new.company, new.answers);
END;
INSERT INTO tortoise_migrations (app, name, applied_at) VALUES ('models', '0001_initial', CURRENT_TIMESTAMP);
INSERT INTO tortoise_migrations (app, name, applied_at) VALUES ('models', '0002_search', CURRENT_TIMESTAMP);
INSERT INTO tortoise_migrations (app, name, applied_at) VALUES ('models', '0003_room', CURRENT_TIMESTAMP);
INSERT INTO tortoise_migrations (app, name, applied_at) VALUES ('models', '0004_fewer_pages', CURRENT_TIMESTAMP);
INSERT INTO tortoise_migrations (app, name, applied_at) VALUES ('models', '0005_mail_to_whom', CURRENT_TIMESTAMP);
INSERT INTO tortoise_migrations (app, name, applied_at) VALUES ('models', '0006_newest_words', CURRENT_TIMESTAMP);
INSERT INTO tortoise_migrations (app, name, applied_at) VALUES ('models', '0007_vocabulary', CURRENT_TIMESTAMP);
INSERT INTO tortoise_migrations (app, name, applied_at) VALUES ('models', '0008_words_behind', CURRENT_TIMESTAMP);
INSERT INTO tortoise_migrations (app, name, applied_at) VALUES ('models', '0009_surveys', CURRENT_TIMESTAMP);
INSERT INTO tortoise_migrations (app, name, applied_at) VALUES ('models', '0010_plain_words', CURRENT_TIMESTAMP);
INSERT INTO tortoise_migrations (app, name, applied_at) VALUES ('models', '0011_opened_with', CURRENT_TIMESTAMP);
INSERT INTO tortoise_migrations (app, name, applied_at) VALUES ('models', '0012_portal', CURRENT_TIMESTAMP);
INSERT INTO tortoise_migrations (app, name, applied_at) VALUES ('models', '0013_files_shown', CURRENT_TIMESTAMP);
INSERT INTO tortoise_migrations (app, name, applied_at) VALUES ('models', '0014_mail_counted', CURRENT_TIMESTAMP);
INSERT INTO tortoise_migrations (app, name, applied_at) VALUES ('models', '0015_affected', CURRENT_TIMESTAMP);
INSERT INTO tortoise_migrations (app, name, applied_at) VALUES ('models', '0016_tier', CURRENT_TIMESTAMP);
INSERT INTO tortoise_migrations (app, name, applied_at) VALUES ('models', '0017_reports', CURRENT_TIMESTAMP);
INSERT INTO tortoise_migrations (app, name, applied_at) VALUES ('models', '0018_company_list', CURRENT_TIMESTAMP);
INSERT INTO tortoise_migrations (app, name, applied_at) VALUES ('models', '0019_filtered_lists', CURRENT_TIMESTAMP);
