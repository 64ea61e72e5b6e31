ALTER TABLE "buckets" ADD COLUMN "arrived" INTEGER DEFAULT 0
ALTER TABLE "allocations" ADD COLUMN "delta" TEXT DEFAULT '0/1'
ALTER TABLE "charges" ADD COLUMN "shared" INTEGER DEFAULT 0
ALTER TABLE "charges" ADD COLUMN "unit" TEXT DEFAULT ''
ALTER TABLE "accounts" ADD COLUMN "pure_rho" TEXT DEFAULT ''
ALTER TABLE "accounts" ADD COLUMN "delta" TEXT DEFAULT '0'
ALTER TABLE "requests" ADD COLUMN "question" TEXT DEFAULT ''
ALTER TABLE "requests" ADD COLUMN "others" TEXT DEFAULT ''
CREATE INDEX "requests_question" ON "requests" ("question")
CREATE INDEX "requests_others" ON "requests" ("others")
CREATE TABLE "period_limits" ("dataset" TEXT, "purpose" TEXT, "period" TEXT, "starts" TEXT, "ends" TEXT, "epsilon" TEXT, "delta" TEXT, "allocated_by" TEXT, "time" TEXT, PRIMARY KEY ("dataset", "purpose", "period")) STRICT, WITHOUT ROWID
CREATE TABLE "local_surveys" ("entry" INTEGER, "survey" TEXT, "name" TEXT, "purpose" TEXT, "epsilon" TEXT, "registered_by" TEXT, "time" TEXT, PRIMARY KEY ("entry")) STRICT
CREATE TABLE "public_tables" ("name" TEXT, "version" INTEGER, "why" TEXT, "declared_by" TEXT, "time" TEXT, "body" BLOB, PRIMARY KEY ("name")) STRICT, WITHOUT ROWID
CREATE TABLE "derivations" ("dataset" TEXT, "ancestor" TEXT, "entry" INTEGER, PRIMARY KEY ("dataset", "ancestor")) STRICT, WITHOUT ROWID
CREATE TABLE "runs" ("name" TEXT, "kind" TEXT, "dataset" TEXT, "purpose" TEXT, "body" TEXT, "opened_by" TEXT, "opened" INTEGER, "declaration" INTEGER, "until" TEXT, "step" INTEGER, "through" INTEGER, "entry" INTEGER, "closed" TEXT, "sealed" BLOB, "wrapped" BLOB, PRIMARY KEY ("name")) STRICT, WITHOUT ROWID
CREATE INDEX "runs_dataset" ON "runs" ("dataset")
