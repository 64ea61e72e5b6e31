CREATE TABLE "settings" ("name" TEXT, "value" TEXT, PRIMARY KEY ("name")) STRICT, WITHOUT ROWID
CREATE TABLE "secrets" ("name" TEXT, "wrapped" BLOB, PRIMARY KEY ("name")) STRICT, WITHOUT ROWID
CREATE TABLE "principals" ("name" TEXT, "roles" TEXT, "created" TEXT, "disabled" INTEGER, PRIMARY KEY ("name")) STRICT, WITHOUT ROWID
CREATE TABLE "purposes" ("name" TEXT, "why" TEXT, "owner" TEXT, "until" TEXT, "created" TEXT, PRIMARY KEY ("name")) STRICT, WITHOUT ROWID
CREATE TABLE "policies" ("version" INTEGER, "text" TEXT, "applied_by" TEXT, "time" TEXT, PRIMARY KEY ("version")) STRICT
CREATE TABLE "datasets" ("name" TEXT, "version" INTEGER, "subject_column" TEXT, "created" TEXT, "row_count" INTEGER, "people_count" INTEGER, "dropped" TEXT, PRIMARY KEY ("name")) STRICT, WITHOUT ROWID
CREATE TABLE "columns" ("dataset" TEXT, "position" INTEGER, "name" TEXT, "type" TEXT, "role" TEXT, "category" TEXT, "in_vault" INTEGER, PRIMARY KEY ("dataset", "position")) STRICT, WITHOUT ROWID
CREATE TABLE "dataset_purposes" ("dataset" TEXT, "purpose" TEXT, "basis" TEXT, "since" TEXT, PRIMARY KEY ("dataset", "purpose")) STRICT, WITHOUT ROWID
CREATE TABLE "declarations" ("dataset" TEXT, "version" INTEGER, "body" TEXT, "declared_by" TEXT, "time" TEXT, PRIMARY KEY ("dataset", "version")) STRICT, WITHOUT ROWID
CREATE TABLE "buckets" ("dataset" TEXT, "file" TEXT, "bucket" INTEGER, "bucket_count" INTEGER, "written_version" INTEGER, "row_count" INTEGER, "wrapped" BLOB, PRIMARY KEY ("dataset", "file")) STRICT, WITHOUT ROWID
CREATE TABLE "collected" ("dataset" TEXT, "content_hash" TEXT, "entry" INTEGER, "time" TEXT, PRIMARY KEY ("dataset", "content_hash")) STRICT, WITHOUT ROWID
CREATE TABLE "subjects" ("number" INTEGER, "lookup" BLOB, "wrapped" BLOB, "created" TEXT, PRIMARY KEY ("number")) STRICT
CREATE INDEX "subjects_lookup" ON "subjects" ("lookup")
CREATE TABLE "members" ("dataset" TEXT, "number" INTEGER, "since_version" INTEGER, PRIMARY KEY ("dataset", "number")) STRICT, WITHOUT ROWID
CREATE INDEX "members_number" ON "members" ("number")
CREATE TABLE "former_members" ("dataset" TEXT, "number" INTEGER, "since_version" INTEGER, "until_version" INTEGER, PRIMARY KEY ("dataset", "number", "since_version")) STRICT, WITHOUT ROWID
CREATE INDEX "former_members_number" ON "former_members" ("number")
CREATE TABLE "sealed_fields" ("number" INTEGER, "dataset" TEXT, "name" TEXT, "sealed" BLOB, PRIMARY KEY ("number", "dataset", "name")) STRICT, WITHOUT ROWID
CREATE TABLE "consent_events" ("version" INTEGER, "number" INTEGER, "purpose" TEXT, "granted" INTEGER, "time" TEXT, "notice" TEXT, "channel" TEXT, "recorded_by" TEXT, PRIMARY KEY ("version")) STRICT
CREATE INDEX "consent_events_number" ON "consent_events" ("number")
CREATE TABLE "consent_states" ("purpose" TEXT, "number" INTEGER, "granted" INTEGER, "version" INTEGER, PRIMARY KEY ("purpose", "number")) STRICT, WITHOUT ROWID
CREATE INDEX "consent_states_number" ON "consent_states" ("number")
CREATE TABLE "tombstones" ("lookup" BLOB, "erased" TEXT, "until" TEXT, "certificate" TEXT, PRIMARY KEY ("lookup")) STRICT, WITHOUT ROWID
CREATE TABLE "journal" ("index" INTEGER, "body" BLOB, "checkpoint" TEXT, PRIMARY KEY ("index")) STRICT
CREATE TABLE "journal_head" ("id" INTEGER, "frontier" BLOB, "checkpoint" TEXT, PRIMARY KEY ("id")) STRICT
CREATE TABLE "commitments" ("number" INTEGER, "entry" INTEGER, "sealed" BLOB, PRIMARY KEY ("number", "entry")) STRICT, WITHOUT ROWID
CREATE TABLE "allocations" ("dataset" TEXT, "purpose" TEXT, "epsilon" TEXT, "allocated_by" TEXT, "time" TEXT, PRIMARY KEY ("dataset", "purpose")) STRICT, WITHOUT ROWID
CREATE TABLE "charges" ("number" INTEGER, "request" TEXT, "dataset" TEXT, "purpose" TEXT, "event" TEXT, "committed" INTEGER, "entry" INTEGER, "time" TEXT, PRIMARY KEY ("number")) STRICT
CREATE INDEX "charges_dataset_purpose" ON "charges" ("dataset", "purpose")
CREATE INDEX "charges_request" ON "charges" ("request")
CREATE TABLE "accounts" ("dataset" TEXT, "purpose" TEXT, "epsilon" TEXT, "rho" TEXT, "apart" TEXT, PRIMARY KEY ("dataset", "purpose")) STRICT, WITHOUT ROWID
CREATE TABLE "requests" ("id" TEXT, "binding" TEXT, "state" TEXT, "dataset" TEXT, "dataset_version" INTEGER, "consent_version" INTEGER, "purpose" TEXT, "person_level" INTEGER, "entry" INTEGER, "sealed" BLOB, "wrapped" BLOB, PRIMARY KEY ("id")) STRICT, WITHOUT ROWID
CREATE INDEX "requests_dataset" ON "requests" ("dataset")
CREATE TABLE "released" ("id" TEXT, "dataset" TEXT, "dataset_version" INTEGER, "consent_version" INTEGER, "purpose" TEXT, "technique" TEXT, "released_by" TEXT, "time" TEXT, "summary" TEXT, "entry" INTEGER, PRIMARY KEY ("id")) STRICT, WITHOUT ROWID
CREATE INDEX "released_dataset" ON "released" ("dataset")
CREATE TABLE "failures" ("principal" TEXT, "entry" INTEGER, "time" TEXT, PRIMARY KEY ("principal", "entry")) STRICT, WITHOUT ROWID
CREATE TABLE "quarantine_batches" ("id" TEXT, "dataset" TEXT, "header" TEXT, "created" TEXT, "until" TEXT, "wrapped" BLOB, PRIMARY KEY ("id")) STRICT, WITHOUT ROWID
CREATE TABLE "quarantined_rows" ("batch" TEXT, "place" INTEGER, "reason" TEXT, "sealed" BLOB, PRIMARY KEY ("batch", "place")) STRICT, WITHOUT ROWID
CREATE TABLE "certificates" ("id" TEXT, "kind" TEXT, "body" TEXT, "time" TEXT, PRIMARY KEY ("id")) STRICT, WITHOUT ROWID
