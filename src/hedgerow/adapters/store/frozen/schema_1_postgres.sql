CREATE TABLE "hedgerow"."tenants" (tenant text COLLATE "C" PRIMARY KEY, mark uuid NOT NULL DEFAULT gen_random_uuid())
ALTER TABLE "hedgerow"."tenants" ENABLE ROW LEVEL SECURITY
ALTER TABLE "hedgerow"."tenants" FORCE ROW LEVEL SECURITY
CREATE POLICY tenant_only ON "hedgerow"."tenants" USING (tenant = nullif(current_setting('hedgerow.tenant', true), '')) WITH CHECK (tenant = nullif(current_setting('hedgerow.tenant', true), ''))
CREATE POLICY names_are_seen ON "hedgerow"."tenants" FOR SELECT USING (true)
CREATE TABLE "hedgerow"."settings" ("tenant" text COLLATE "C" NOT NULL, "name" text COLLATE "C" NOT NULL, "value" text COLLATE "C" NOT NULL, PRIMARY KEY ("tenant", "name"))
ALTER TABLE "hedgerow"."settings" ENABLE ROW LEVEL SECURITY
ALTER TABLE "hedgerow"."settings" FORCE ROW LEVEL SECURITY
CREATE POLICY tenant_only ON "hedgerow"."settings" USING (tenant = nullif(current_setting('hedgerow.tenant', true), '')) WITH CHECK (tenant = nullif(current_setting('hedgerow.tenant', true), ''))
CREATE TABLE "hedgerow"."secrets" ("tenant" text COLLATE "C" NOT NULL, "name" text COLLATE "C" NOT NULL, "wrapped" bytea NOT NULL, PRIMARY KEY ("tenant", "name"))
ALTER TABLE "hedgerow"."secrets" ENABLE ROW LEVEL SECURITY
ALTER TABLE "hedgerow"."secrets" FORCE ROW LEVEL SECURITY
CREATE POLICY tenant_only ON "hedgerow"."secrets" USING (tenant = nullif(current_setting('hedgerow.tenant', true), '')) WITH CHECK (tenant = nullif(current_setting('hedgerow.tenant', true), ''))
CREATE TABLE "hedgerow"."principals" ("tenant" text COLLATE "C" NOT NULL, "name" text COLLATE "C" NOT NULL, "roles" text COLLATE "C" NOT NULL, "created" text COLLATE "C" NOT NULL, "disabled" boolean NOT NULL, PRIMARY KEY ("tenant", "name"))
ALTER TABLE "hedgerow"."principals" ENABLE ROW LEVEL SECURITY
ALTER TABLE "hedgerow"."principals" FORCE ROW LEVEL SECURITY
CREATE POLICY tenant_only ON "hedgerow"."principals" USING (tenant = nullif(current_setting('hedgerow.tenant', true), '')) WITH CHECK (tenant = nullif(current_setting('hedgerow.tenant', true), ''))
CREATE TABLE "hedgerow"."purposes" ("tenant" text COLLATE "C" NOT NULL, "name" text COLLATE "C" NOT NULL, "why" text COLLATE "C" NOT NULL, "owner" text COLLATE "C" NOT NULL, "until" text COLLATE "C" NOT NULL, "created" text COLLATE "C" NOT NULL, PRIMARY KEY ("tenant", "name"))
ALTER TABLE "hedgerow"."purposes" ENABLE ROW LEVEL SECURITY
ALTER TABLE "hedgerow"."purposes" FORCE ROW LEVEL SECURITY
CREATE POLICY tenant_only ON "hedgerow"."purposes" USING (tenant = nullif(current_setting('hedgerow.tenant', true), '')) WITH CHECK (tenant = nullif(current_setting('hedgerow.tenant', true), ''))
CREATE TABLE "hedgerow"."policies" ("tenant" text COLLATE "C" NOT NULL, "version" bigint NOT NULL, "text" text COLLATE "C" NOT NULL, "applied_by" text COLLATE "C" NOT NULL, "time" text COLLATE "C" NOT NULL, PRIMARY KEY ("tenant", "version"))
ALTER TABLE "hedgerow"."policies" ENABLE ROW LEVEL SECURITY
ALTER TABLE "hedgerow"."policies" FORCE ROW LEVEL SECURITY
CREATE POLICY tenant_only ON "hedgerow"."policies" USING (tenant = nullif(current_setting('hedgerow.tenant', true), '')) WITH CHECK (tenant = nullif(current_setting('hedgerow.tenant', true), ''))
CREATE TABLE "hedgerow"."datasets" ("tenant" text COLLATE "C" NOT NULL, "name" text COLLATE "C" NOT NULL, "version" bigint NOT NULL, "subject_column" text COLLATE "C" NOT NULL, "created" text COLLATE "C" NOT NULL, "row_count" bigint NOT NULL, "people_count" bigint NOT NULL, "dropped" text COLLATE "C" NOT NULL, PRIMARY KEY ("tenant", "name"))
ALTER TABLE "hedgerow"."datasets" ENABLE ROW LEVEL SECURITY
ALTER TABLE "hedgerow"."datasets" FORCE ROW LEVEL SECURITY
CREATE POLICY tenant_only ON "hedgerow"."datasets" USING (tenant = nullif(current_setting('hedgerow.tenant', true), '')) WITH CHECK (tenant = nullif(current_setting('hedgerow.tenant', true), ''))
CREATE TABLE "hedgerow"."columns" ("tenant" text COLLATE "C" NOT NULL, "dataset" text COLLATE "C" NOT NULL, "position" bigint NOT NULL, "name" text COLLATE "C" NOT NULL, "type" text COLLATE "C" NOT NULL, "role" text COLLATE "C" NOT NULL, "category" text COLLATE "C" NOT NULL, "in_vault" boolean NOT NULL, PRIMARY KEY ("tenant", "dataset", "position"))
ALTER TABLE "hedgerow"."columns" ENABLE ROW LEVEL SECURITY
ALTER TABLE "hedgerow"."columns" FORCE ROW LEVEL SECURITY
CREATE POLICY tenant_only ON "hedgerow"."columns" USING (tenant = nullif(current_setting('hedgerow.tenant', true), '')) WITH CHECK (tenant = nullif(current_setting('hedgerow.tenant', true), ''))
CREATE TABLE "hedgerow"."dataset_purposes" ("tenant" text COLLATE "C" NOT NULL, "dataset" text COLLATE "C" NOT NULL, "purpose" text COLLATE "C" NOT NULL, "basis" text COLLATE "C" NOT NULL, "since" text COLLATE "C" NOT NULL, PRIMARY KEY ("tenant", "dataset", "purpose"))
ALTER TABLE "hedgerow"."dataset_purposes" ENABLE ROW LEVEL SECURITY
ALTER TABLE "hedgerow"."dataset_purposes" FORCE ROW LEVEL SECURITY
CREATE POLICY tenant_only ON "hedgerow"."dataset_purposes" USING (tenant = nullif(current_setting('hedgerow.tenant', true), '')) WITH CHECK (tenant = nullif(current_setting('hedgerow.tenant', true), ''))
CREATE TABLE "hedgerow"."declarations" ("tenant" text COLLATE "C" NOT NULL, "dataset" text COLLATE "C" NOT NULL, "version" bigint NOT NULL, "body" text COLLATE "C" NOT NULL, "declared_by" text COLLATE "C" NOT NULL, "time" text COLLATE "C" NOT NULL, PRIMARY KEY ("tenant", "dataset", "version"))
ALTER TABLE "hedgerow"."declarations" ENABLE ROW LEVEL SECURITY
ALTER TABLE "hedgerow"."declarations" FORCE ROW LEVEL SECURITY
CREATE POLICY tenant_only ON "hedgerow"."declarations" USING (tenant = nullif(current_setting('hedgerow.tenant', true), '')) WITH CHECK (tenant = nullif(current_setting('hedgerow.tenant', true), ''))
CREATE TABLE "hedgerow"."buckets" ("tenant" text COLLATE "C" NOT NULL, "dataset" text COLLATE "C" NOT NULL, "file" text COLLATE "C" NOT NULL, "bucket" bigint NOT NULL, "bucket_count" bigint NOT NULL, "written_version" bigint NOT NULL, "row_count" bigint NOT NULL, "wrapped" bytea NOT NULL, PRIMARY KEY ("tenant", "dataset", "file"))
ALTER TABLE "hedgerow"."buckets" ENABLE ROW LEVEL SECURITY
ALTER TABLE "hedgerow"."buckets" FORCE ROW LEVEL SECURITY
CREATE POLICY tenant_only ON "hedgerow"."buckets" USING (tenant = nullif(current_setting('hedgerow.tenant', true), '')) WITH CHECK (tenant = nullif(current_setting('hedgerow.tenant', true), ''))
CREATE TABLE "hedgerow"."collected" ("tenant" text COLLATE "C" NOT NULL, "dataset" text COLLATE "C" NOT NULL, "content_hash" text COLLATE "C" NOT NULL, "entry" bigint NOT NULL, "time" text COLLATE "C" NOT NULL, PRIMARY KEY ("tenant", "dataset", "content_hash"))
ALTER TABLE "hedgerow"."collected" ENABLE ROW LEVEL SECURITY
ALTER TABLE "hedgerow"."collected" FORCE ROW LEVEL SECURITY
CREATE POLICY tenant_only ON "hedgerow"."collected" USING (tenant = nullif(current_setting('hedgerow.tenant', true), '')) WITH CHECK (tenant = nullif(current_setting('hedgerow.tenant', true), ''))
CREATE TABLE "hedgerow"."subjects" ("tenant" text COLLATE "C" NOT NULL, "number" bigint NOT NULL, "lookup" bytea NOT NULL, "wrapped" bytea NOT NULL, "created" text COLLATE "C" NOT NULL, PRIMARY KEY ("tenant", "number"))
CREATE INDEX "subjects_lookup" ON "hedgerow"."subjects" ("tenant", "lookup")
ALTER TABLE "hedgerow"."subjects" ENABLE ROW LEVEL SECURITY
ALTER TABLE "hedgerow"."subjects" FORCE ROW LEVEL SECURITY
CREATE POLICY tenant_only ON "hedgerow"."subjects" USING (tenant = nullif(current_setting('hedgerow.tenant', true), '')) WITH CHECK (tenant = nullif(current_setting('hedgerow.tenant', true), ''))
CREATE TABLE "hedgerow"."members" ("tenant" text COLLATE "C" NOT NULL, "dataset" text COLLATE "C" NOT NULL, "number" bigint NOT NULL, "since_version" bigint NOT NULL, PRIMARY KEY ("tenant", "dataset", "number"))
CREATE INDEX "members_number" ON "hedgerow"."members" ("tenant", "number")
ALTER TABLE "hedgerow"."members" ENABLE ROW LEVEL SECURITY
ALTER TABLE "hedgerow"."members" FORCE ROW LEVEL SECURITY
CREATE POLICY tenant_only ON "hedgerow"."members" USING (tenant = nullif(current_setting('hedgerow.tenant', true), '')) WITH CHECK (tenant = nullif(current_setting('hedgerow.tenant', true), ''))
CREATE TABLE "hedgerow"."former_members" ("tenant" text COLLATE "C" NOT NULL, "dataset" text COLLATE "C" NOT NULL, "number" bigint NOT NULL, "since_version" bigint NOT NULL, "until_version" bigint NOT NULL, PRIMARY KEY ("tenant", "dataset", "number", "since_version"))
CREATE INDEX "former_members_number" ON "hedgerow"."former_members" ("tenant", "number")
ALTER TABLE "hedgerow"."former_members" ENABLE ROW LEVEL SECURITY
ALTER TABLE "hedgerow"."former_members" FORCE ROW LEVEL SECURITY
CREATE POLICY tenant_only ON "hedgerow"."former_members" USING (tenant = nullif(current_setting('hedgerow.tenant', true), '')) WITH CHECK (tenant = nullif(current_setting('hedgerow.tenant', true), ''))
CREATE TABLE "hedgerow"."sealed_fields" ("tenant" text COLLATE "C" NOT NULL, "number" bigint NOT NULL, "dataset" text COLLATE "C" NOT NULL, "name" text COLLATE "C" NOT NULL, "sealed" bytea NOT NULL, PRIMARY KEY ("tenant", "number", "dataset", "name"))
ALTER TABLE "hedgerow"."sealed_fields" ENABLE ROW LEVEL SECURITY
ALTER TABLE "hedgerow"."sealed_fields" FORCE ROW LEVEL SECURITY
CREATE POLICY tenant_only ON "hedgerow"."sealed_fields" USING (tenant = nullif(current_setting('hedgerow.tenant', true), '')) WITH CHECK (tenant = nullif(current_setting('hedgerow.tenant', true), ''))
CREATE TABLE "hedgerow"."consent_events" ("tenant" text COLLATE "C" NOT NULL, "version" bigint NOT NULL, "number" bigint NOT NULL, "purpose" text COLLATE "C" NOT NULL, "granted" boolean NOT NULL, "time" text COLLATE "C" NOT NULL, "notice" text COLLATE "C" NOT NULL, "channel" text COLLATE "C" NOT NULL, "recorded_by" text COLLATE "C" NOT NULL, PRIMARY KEY ("tenant", "version"))
CREATE INDEX "consent_events_number" ON "hedgerow"."consent_events" ("tenant", "number")
ALTER TABLE "hedgerow"."consent_events" ENABLE ROW LEVEL SECURITY
ALTER TABLE "hedgerow"."consent_events" FORCE ROW LEVEL SECURITY
CREATE POLICY tenant_only ON "hedgerow"."consent_events" USING (tenant = nullif(current_setting('hedgerow.tenant', true), '')) WITH CHECK (tenant = nullif(current_setting('hedgerow.tenant', true), ''))
CREATE TABLE "hedgerow"."consent_states" ("tenant" text COLLATE "C" NOT NULL, "purpose" text COLLATE "C" NOT NULL, "number" bigint NOT NULL, "granted" boolean NOT NULL, "version" bigint NOT NULL, PRIMARY KEY ("tenant", "purpose", "number"))
CREATE INDEX "consent_states_number" ON "hedgerow"."consent_states" ("tenant", "number")
ALTER TABLE "hedgerow"."consent_states" ENABLE ROW LEVEL SECURITY
ALTER TABLE "hedgerow"."consent_states" FORCE ROW LEVEL SECURITY
CREATE POLICY tenant_only ON "hedgerow"."consent_states" USING (tenant = nullif(current_setting('hedgerow.tenant', true), '')) WITH CHECK (tenant = nullif(current_setting('hedgerow.tenant', true), ''))
CREATE TABLE "hedgerow"."tombstones" ("tenant" text COLLATE "C" NOT NULL, "lookup" bytea NOT NULL, "erased" text COLLATE "C" NOT NULL, "until" text COLLATE "C" NOT NULL, "certificate" text COLLATE "C" NOT NULL, PRIMARY KEY ("tenant", "lookup"))
ALTER TABLE "hedgerow"."tombstones" ENABLE ROW LEVEL SECURITY
ALTER TABLE "hedgerow"."tombstones" FORCE ROW LEVEL SECURITY
CREATE POLICY tenant_only ON "hedgerow"."tombstones" USING (tenant = nullif(current_setting('hedgerow.tenant', true), '')) WITH CHECK (tenant = nullif(current_setting('hedgerow.tenant', true), ''))
CREATE TABLE "hedgerow"."journal" ("tenant" text COLLATE "C" NOT NULL, "index" bigint NOT NULL, "body" bytea NOT NULL, "checkpoint" text COLLATE "C" NOT NULL, PRIMARY KEY ("tenant", "index"))
ALTER TABLE "hedgerow"."journal" ENABLE ROW LEVEL SECURITY
ALTER TABLE "hedgerow"."journal" FORCE ROW LEVEL SECURITY
CREATE POLICY tenant_only ON "hedgerow"."journal" USING (tenant = nullif(current_setting('hedgerow.tenant', true), '')) WITH CHECK (tenant = nullif(current_setting('hedgerow.tenant', true), ''))
CREATE TABLE "hedgerow"."journal_head" ("tenant" text COLLATE "C" NOT NULL, "id" bigint NOT NULL, "frontier" bytea NOT NULL, "checkpoint" text COLLATE "C" NOT NULL, PRIMARY KEY ("tenant", "id"))
ALTER TABLE "hedgerow"."journal_head" ENABLE ROW LEVEL SECURITY
ALTER TABLE "hedgerow"."journal_head" FORCE ROW LEVEL SECURITY
CREATE POLICY tenant_only ON "hedgerow"."journal_head" USING (tenant = nullif(current_setting('hedgerow.tenant', true), '')) WITH CHECK (tenant = nullif(current_setting('hedgerow.tenant', true), ''))
CREATE TABLE "hedgerow"."commitments" ("tenant" text COLLATE "C" NOT NULL, "number" bigint NOT NULL, "entry" bigint NOT NULL, "sealed" bytea NOT NULL, PRIMARY KEY ("tenant", "number", "entry"))
ALTER TABLE "hedgerow"."commitments" ENABLE ROW LEVEL SECURITY
ALTER TABLE "hedgerow"."commitments" FORCE ROW LEVEL SECURITY
CREATE POLICY tenant_only ON "hedgerow"."commitments" USING (tenant = nullif(current_setting('hedgerow.tenant', true), '')) WITH CHECK (tenant = nullif(current_setting('hedgerow.tenant', true), ''))
CREATE TABLE "hedgerow"."allocations" ("tenant" text COLLATE "C" NOT NULL, "dataset" text COLLATE "C" NOT NULL, "purpose" text COLLATE "C" NOT NULL, "epsilon" text COLLATE "C" NOT NULL, "allocated_by" text COLLATE "C" NOT NULL, "time" text COLLATE "C" NOT NULL, PRIMARY KEY ("tenant", "dataset", "purpose"))
ALTER TABLE "hedgerow"."allocations" ENABLE ROW LEVEL SECURITY
ALTER TABLE "hedgerow"."allocations" FORCE ROW LEVEL SECURITY
CREATE POLICY tenant_only ON "hedgerow"."allocations" USING (tenant = nullif(current_setting('hedgerow.tenant', true), '')) WITH CHECK (tenant = nullif(current_setting('hedgerow.tenant', true), ''))
CREATE TABLE "hedgerow"."charges" ("tenant" text COLLATE "C" NOT NULL, "number" bigint NOT NULL, "request" text COLLATE "C" NOT NULL, "dataset" text COLLATE "C" NOT NULL, "purpose" text COLLATE "C" NOT NULL, "event" text COLLATE "C" NOT NULL, "committed" boolean NOT NULL, "entry" bigint NOT NULL, "time" text COLLATE "C" NOT NULL, PRIMARY KEY ("tenant", "number"))
CREATE INDEX "charges_dataset_purpose" ON "hedgerow"."charges" ("tenant", "dataset", "purpose")
CREATE INDEX "charges_request" ON "hedgerow"."charges" ("tenant", "request")
ALTER TABLE "hedgerow"."charges" ENABLE ROW LEVEL SECURITY
ALTER TABLE "hedgerow"."charges" FORCE ROW LEVEL SECURITY
CREATE POLICY tenant_only ON "hedgerow"."charges" USING (tenant = nullif(current_setting('hedgerow.tenant', true), '')) WITH CHECK (tenant = nullif(current_setting('hedgerow.tenant', true), ''))
CREATE TABLE "hedgerow"."accounts" ("tenant" text COLLATE "C" NOT NULL, "dataset" text COLLATE "C" NOT NULL, "purpose" text COLLATE "C" NOT NULL, "epsilon" text COLLATE "C" NOT NULL, "rho" text COLLATE "C" NOT NULL, "apart" text COLLATE "C" NOT NULL, PRIMARY KEY ("tenant", "dataset", "purpose"))
ALTER TABLE "hedgerow"."accounts" ENABLE ROW LEVEL SECURITY
ALTER TABLE "hedgerow"."accounts" FORCE ROW LEVEL SECURITY
CREATE POLICY tenant_only ON "hedgerow"."accounts" USING (tenant = nullif(current_setting('hedgerow.tenant', true), '')) WITH CHECK (tenant = nullif(current_setting('hedgerow.tenant', true), ''))
CREATE TABLE "hedgerow"."requests" ("tenant" text COLLATE "C" NOT NULL, "id" text COLLATE "C" NOT NULL, "binding" text COLLATE "C" NOT NULL, "state" text COLLATE "C" NOT NULL, "dataset" text COLLATE "C" NOT NULL, "dataset_version" bigint NOT NULL, "consent_version" bigint NOT NULL, "purpose" text COLLATE "C" NOT NULL, "person_level" boolean NOT NULL, "entry" bigint NOT NULL, "sealed" bytea, "wrapped" bytea, PRIMARY KEY ("tenant", "id"))
CREATE INDEX "requests_dataset" ON "hedgerow"."requests" ("tenant", "dataset")
ALTER TABLE "hedgerow"."requests" ENABLE ROW LEVEL SECURITY
ALTER TABLE "hedgerow"."requests" FORCE ROW LEVEL SECURITY
CREATE POLICY tenant_only ON "hedgerow"."requests" USING (tenant = nullif(current_setting('hedgerow.tenant', true), '')) WITH CHECK (tenant = nullif(current_setting('hedgerow.tenant', true), ''))
CREATE TABLE "hedgerow"."released" ("tenant" text COLLATE "C" NOT NULL, "id" text COLLATE "C" NOT NULL, "dataset" text COLLATE "C" NOT NULL, "dataset_version" bigint NOT NULL, "consent_version" bigint NOT NULL, "purpose" text COLLATE "C" NOT NULL, "technique" text COLLATE "C" NOT NULL, "released_by" text COLLATE "C" NOT NULL, "time" text COLLATE "C" NOT NULL, "summary" text COLLATE "C" NOT NULL, "entry" bigint NOT NULL, PRIMARY KEY ("tenant", "id"))
CREATE INDEX "released_dataset" ON "hedgerow"."released" ("tenant", "dataset")
ALTER TABLE "hedgerow"."released" ENABLE ROW LEVEL SECURITY
ALTER TABLE "hedgerow"."released" FORCE ROW LEVEL SECURITY
CREATE POLICY tenant_only ON "hedgerow"."released" USING (tenant = nullif(current_setting('hedgerow.tenant', true), '')) WITH CHECK (tenant = nullif(current_setting('hedgerow.tenant', true), ''))
CREATE TABLE "hedgerow"."failures" ("tenant" text COLLATE "C" NOT NULL, "principal" text COLLATE "C" NOT NULL, "entry" bigint NOT NULL, "time" text COLLATE "C" NOT NULL, PRIMARY KEY ("tenant", "principal", "entry"))
ALTER TABLE "hedgerow"."failures" ENABLE ROW LEVEL SECURITY
ALTER TABLE "hedgerow"."failures" FORCE ROW LEVEL SECURITY
CREATE POLICY tenant_only ON "hedgerow"."failures" USING (tenant = nullif(current_setting('hedgerow.tenant', true), '')) WITH CHECK (tenant = nullif(current_setting('hedgerow.tenant', true), ''))
CREATE TABLE "hedgerow"."quarantine_batches" ("tenant" text COLLATE "C" NOT NULL, "id" text COLLATE "C" NOT NULL, "dataset" text COLLATE "C" NOT NULL, "header" text COLLATE "C" NOT NULL, "created" text COLLATE "C" NOT NULL, "until" text COLLATE "C" NOT NULL, "wrapped" bytea NOT NULL, PRIMARY KEY ("tenant", "id"))
ALTER TABLE "hedgerow"."quarantine_batches" ENABLE ROW LEVEL SECURITY
ALTER TABLE "hedgerow"."quarantine_batches" FORCE ROW LEVEL SECURITY
CREATE POLICY tenant_only ON "hedgerow"."quarantine_batches" USING (tenant = nullif(current_setting('hedgerow.tenant', true), '')) WITH CHECK (tenant = nullif(current_setting('hedgerow.tenant', true), ''))
CREATE TABLE "hedgerow"."quarantined_rows" ("tenant" text COLLATE "C" NOT NULL, "batch" text COLLATE "C" NOT NULL, "place" bigint NOT NULL, "reason" text COLLATE "C" NOT NULL, "sealed" bytea NOT NULL, PRIMARY KEY ("tenant", "batch", "place"))
ALTER TABLE "hedgerow"."quarantined_rows" ENABLE ROW LEVEL SECURITY
ALTER TABLE "hedgerow"."quarantined_rows" FORCE ROW LEVEL SECURITY
CREATE POLICY tenant_only ON "hedgerow"."quarantined_rows" USING (tenant = nullif(current_setting('hedgerow.tenant', true), '')) WITH CHECK (tenant = nullif(current_setting('hedgerow.tenant', true), ''))
CREATE TABLE "hedgerow"."certificates" ("tenant" text COLLATE "C" NOT NULL, "id" text COLLATE "C" NOT NULL, "kind" text COLLATE "C" NOT NULL, "body" text COLLATE "C" NOT NULL, "time" text COLLATE "C" NOT NULL, PRIMARY KEY ("tenant", "id"))
ALTER TABLE "hedgerow"."certificates" ENABLE ROW LEVEL SECURITY
ALTER TABLE "hedgerow"."certificates" FORCE ROW LEVEL SECURITY
CREATE POLICY tenant_only ON "hedgerow"."certificates" USING (tenant = nullif(current_setting('hedgerow.tenant', true), '')) WITH CHECK (tenant = nullif(current_setting('hedgerow.tenant', true), ''))
