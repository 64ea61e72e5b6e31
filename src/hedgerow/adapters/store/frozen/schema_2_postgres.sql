CREATE TABLE "hedgerow"."approvals" ("tenant" text COLLATE "C" NOT NULL, "id" text COLLATE "C" NOT NULL, "act" text COLLATE "C" NOT NULL, "dataset" text COLLATE "C" NOT NULL, "purpose" text COLLATE "C" NOT NULL, "binding" text COLLATE "C" NOT NULL, "summary" text COLLATE "C" NOT NULL, "words" text COLLATE "C" NOT NULL, "needs" text COLLATE "C" NOT NULL, "requested_by" text COLLATE "C" NOT NULL, "requested_login" text COLLATE "C" NOT NULL, "requested" text COLLATE "C" NOT NULL, "expires" text COLLATE "C" NOT NULL, "state" text COLLATE "C" NOT NULL, "asked_entry" bigint NOT NULL, "entry" bigint NOT NULL, "votes" text COLLATE "C" NOT NULL, "decided" text COLLATE "C" NOT NULL, "reason" text COLLATE "C" NOT NULL, PRIMARY KEY ("tenant", "id"))
CREATE INDEX "approvals_binding" ON "hedgerow"."approvals" ("tenant", "binding")
CREATE INDEX "approvals_state" ON "hedgerow"."approvals" ("tenant", "state")
ALTER TABLE "hedgerow"."approvals" ENABLE ROW LEVEL SECURITY
ALTER TABLE "hedgerow"."approvals" FORCE ROW LEVEL SECURITY
CREATE POLICY tenant_only ON "hedgerow"."approvals" USING (tenant = (SELECT nullif(current_setting('hedgerow.tenant', true), ''))) WITH CHECK (tenant = (SELECT nullif(current_setting('hedgerow.tenant', true), '')))
CREATE TABLE "hedgerow"."backups" ("tenant" text COLLATE "C" NOT NULL, "id" text COLLATE "C" NOT NULL, "made" text COLLATE "C" NOT NULL, "entry" bigint NOT NULL, "keys_until" text COLLATE "C" NOT NULL, "place" text COLLATE "C" NOT NULL, "keys_place" text COLLATE "C" NOT NULL, "backend" text COLLATE "C" NOT NULL, "epochs" text COLLATE "C" NOT NULL, "keys_gone" text COLLATE "C" NOT NULL, PRIMARY KEY ("tenant", "id"))
ALTER TABLE "hedgerow"."backups" ENABLE ROW LEVEL SECURITY
ALTER TABLE "hedgerow"."backups" FORCE ROW LEVEL SECURITY
CREATE POLICY tenant_only ON "hedgerow"."backups" USING (tenant = (SELECT nullif(current_setting('hedgerow.tenant', true), ''))) WITH CHECK (tenant = (SELECT nullif(current_setting('hedgerow.tenant', true), '')))
CREATE TABLE "hedgerow"."forgotten" ("tenant" text COLLATE "C" NOT NULL, "entry" bigint NOT NULL, "lookup" bytea NOT NULL, "dataset" text COLLATE "C" NOT NULL, "time" text COLLATE "C" NOT NULL, "until" text COLLATE "C" NOT NULL, "certificate" text COLLATE "C" NOT NULL, PRIMARY KEY ("tenant", "entry"))
ALTER TABLE "hedgerow"."forgotten" ENABLE ROW LEVEL SECURITY
ALTER TABLE "hedgerow"."forgotten" FORCE ROW LEVEL SECURITY
CREATE POLICY tenant_only ON "hedgerow"."forgotten" USING (tenant = (SELECT nullif(current_setting('hedgerow.tenant', true), ''))) WITH CHECK (tenant = (SELECT nullif(current_setting('hedgerow.tenant', true), '')))
CREATE TABLE "hedgerow"."witnesses" ("tenant" text COLLATE "C" NOT NULL, "name" text COLLATE "C" NOT NULL, "place" text COLLATE "C" NOT NULL, "required" boolean NOT NULL, "size" bigint NOT NULL, "time" text COLLATE "C" NOT NULL, PRIMARY KEY ("tenant", "name"))
ALTER TABLE "hedgerow"."witnesses" ENABLE ROW LEVEL SECURITY
ALTER TABLE "hedgerow"."witnesses" FORCE ROW LEVEL SECURITY
CREATE POLICY tenant_only ON "hedgerow"."witnesses" USING (tenant = (SELECT nullif(current_setting('hedgerow.tenant', true), ''))) WITH CHECK (tenant = (SELECT nullif(current_setting('hedgerow.tenant', true), '')))
CREATE TABLE "hedgerow"."seen_logs" ("tenant" text COLLATE "C" NOT NULL, "origin" text COLLATE "C" NOT NULL, "key" text COLLATE "C" NOT NULL, "size" bigint NOT NULL, "root" bytea NOT NULL, "time" text COLLATE "C" NOT NULL, PRIMARY KEY ("tenant", "origin"))
ALTER TABLE "hedgerow"."seen_logs" ENABLE ROW LEVEL SECURITY
ALTER TABLE "hedgerow"."seen_logs" FORCE ROW LEVEL SECURITY
CREATE POLICY tenant_only ON "hedgerow"."seen_logs" USING (tenant = (SELECT nullif(current_setting('hedgerow.tenant', true), ''))) WITH CHECK (tenant = (SELECT nullif(current_setting('hedgerow.tenant', true), '')))
CREATE TABLE "hedgerow"."cosigned" ("tenant" text COLLATE "C" NOT NULL, "size" bigint NOT NULL, "witness" text COLLATE "C" NOT NULL, "key" text COLLATE "C" NOT NULL, "note" text COLLATE "C" NOT NULL, "time" text COLLATE "C" NOT NULL, PRIMARY KEY ("tenant", "size", "witness"))
ALTER TABLE "hedgerow"."cosigned" ENABLE ROW LEVEL SECURITY
ALTER TABLE "hedgerow"."cosigned" FORCE ROW LEVEL SECURITY
CREATE POLICY tenant_only ON "hedgerow"."cosigned" USING (tenant = (SELECT nullif(current_setting('hedgerow.tenant', true), ''))) WITH CHECK (tenant = (SELECT nullif(current_setting('hedgerow.tenant', true), '')))
CREATE TABLE "hedgerow"."blind_indexes" ("tenant" text COLLATE "C" NOT NULL, "dataset" text COLLATE "C" NOT NULL, "column" text COLLATE "C" NOT NULL, "version" bigint NOT NULL, "id" bigint NOT NULL, "normaliser" text COLLATE "C" NOT NULL, "state" text COLLATE "C" NOT NULL, "created" text COLLATE "C" NOT NULL, "reached" bigint NOT NULL, "held" bigint NOT NULL, "unread" bigint NOT NULL, PRIMARY KEY ("tenant", "dataset", "column", "version"))
ALTER TABLE "hedgerow"."blind_indexes" ENABLE ROW LEVEL SECURITY
ALTER TABLE "hedgerow"."blind_indexes" FORCE ROW LEVEL SECURITY
CREATE POLICY tenant_only ON "hedgerow"."blind_indexes" USING (tenant = (SELECT nullif(current_setting('hedgerow.tenant', true), ''))) WITH CHECK (tenant = (SELECT nullif(current_setting('hedgerow.tenant', true), '')))
CREATE TABLE "hedgerow"."blind_terms" ("tenant" text COLLATE "C" NOT NULL, "index_id" bigint NOT NULL, "term" bytea NOT NULL, "number" bigint NOT NULL, PRIMARY KEY ("tenant", "index_id", "term", "number"))
CREATE INDEX "blind_terms_number" ON "hedgerow"."blind_terms" ("tenant", "number")
ALTER TABLE "hedgerow"."blind_terms" ENABLE ROW LEVEL SECURITY
ALTER TABLE "hedgerow"."blind_terms" FORCE ROW LEVEL SECURITY
CREATE POLICY tenant_only ON "hedgerow"."blind_terms" USING (tenant = (SELECT nullif(current_setting('hedgerow.tenant', true), ''))) WITH CHECK (tenant = (SELECT nullif(current_setting('hedgerow.tenant', true), '')))
CREATE TABLE "hedgerow"."searches" ("tenant" text COLLATE "C" NOT NULL, "principal" text COLLATE "C" NOT NULL, "entry" bigint NOT NULL, "time" text COLLATE "C" NOT NULL, "is_hit" boolean NOT NULL, PRIMARY KEY ("tenant", "principal", "entry"))
ALTER TABLE "hedgerow"."searches" ENABLE ROW LEVEL SECURITY
ALTER TABLE "hedgerow"."searches" FORCE ROW LEVEL SECURITY
CREATE POLICY tenant_only ON "hedgerow"."searches" USING (tenant = (SELECT nullif(current_setting('hedgerow.tenant', true), ''))) WITH CHECK (tenant = (SELECT nullif(current_setting('hedgerow.tenant', true), '')))
