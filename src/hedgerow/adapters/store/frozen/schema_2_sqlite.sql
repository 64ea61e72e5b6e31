CREATE TABLE "approvals" ("id" TEXT, "act" TEXT, "dataset" TEXT, "purpose" TEXT, "binding" TEXT, "summary" TEXT, "words" TEXT, "needs" TEXT, "requested_by" TEXT, "requested_login" TEXT, "requested" TEXT, "expires" TEXT, "state" TEXT, "asked_entry" INTEGER, "entry" INTEGER, "votes" TEXT, "decided" TEXT, "reason" TEXT, PRIMARY KEY ("id")) STRICT, WITHOUT ROWID
CREATE INDEX "approvals_binding" ON "approvals" ("binding")
CREATE INDEX "approvals_state" ON "approvals" ("state")
CREATE TABLE "backups" ("id" TEXT, "made" TEXT, "entry" INTEGER, "keys_until" TEXT, "place" TEXT, "keys_place" TEXT, "backend" TEXT, "epochs" TEXT, "keys_gone" TEXT, PRIMARY KEY ("id")) STRICT, WITHOUT ROWID
CREATE TABLE "forgotten" ("entry" INTEGER, "lookup" BLOB, "dataset" TEXT, "time" TEXT, "until" TEXT, "certificate" TEXT, PRIMARY KEY ("entry")) STRICT
CREATE TABLE "witnesses" ("name" TEXT, "place" TEXT, "required" INTEGER, "size" INTEGER, "time" TEXT, PRIMARY KEY ("name")) STRICT, WITHOUT ROWID
CREATE TABLE "seen_logs" ("origin" TEXT, "key" TEXT, "size" INTEGER, "root" BLOB, "time" TEXT, PRIMARY KEY ("origin")) STRICT, WITHOUT ROWID
CREATE TABLE "cosigned" ("size" INTEGER, "witness" TEXT, "key" TEXT, "note" TEXT, "time" TEXT, PRIMARY KEY ("size", "witness")) STRICT, WITHOUT ROWID
CREATE TABLE "blind_indexes" ("dataset" TEXT, "column" TEXT, "version" INTEGER, "id" INTEGER, "normaliser" TEXT, "state" TEXT, "created" TEXT, "reached" INTEGER, "held" INTEGER, "unread" INTEGER, PRIMARY KEY ("dataset", "column", "version")) STRICT, WITHOUT ROWID
CREATE TABLE "blind_terms" ("index_id" INTEGER, "term" BLOB, "number" INTEGER, PRIMARY KEY ("index_id", "term", "number")) STRICT, WITHOUT ROWID
CREATE INDEX "blind_terms_number" ON "blind_terms" ("number")
CREATE TABLE "searches" ("principal" TEXT, "entry" INTEGER, "time" TEXT, "is_hit" INTEGER, PRIMARY KEY ("principal", "entry")) STRICT, WITHOUT ROWID
