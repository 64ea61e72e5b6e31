ALTER TABLE "hedgerow"."buckets" ADD COLUMN "arrived" bigint NOT NULL DEFAULT 0
ALTER TABLE "hedgerow"."allocations" ADD COLUMN "delta" text COLLATE "C" NOT NULL DEFAULT '0/1'
ALTER TABLE "hedgerow"."charges" ADD COLUMN "shared" boolean NOT NULL DEFAULT false
ALTER TABLE "hedgerow"."charges" ADD COLUMN "unit" text COLLATE "C" NOT NULL DEFAULT ''
ALTER TABLE "hedgerow"."accounts" ADD COLUMN "pure_rho" text COLLATE "C" NOT NULL DEFAULT ''
ALTER TABLE "hedgerow"."accounts" ADD COLUMN "delta" text COLLATE "C" NOT NULL DEFAULT '0'
ALTER TABLE "hedgerow"."requests" ADD COLUMN "question" text COLLATE "C" NOT NULL DEFAULT ''
ALTER TABLE "hedgerow"."requests" ADD COLUMN "others" text COLLATE "C" NOT NULL DEFAULT ''
CREATE INDEX "requests_question" ON "hedgerow"."requests" ("tenant", "question")
CREATE INDEX "requests_others" ON "hedgerow"."requests" ("tenant", "others")
CREATE TABLE "hedgerow"."period_limits" ("tenant" text COLLATE "C" NOT NULL, "dataset" text COLLATE "C" NOT NULL, "purpose" text COLLATE "C" NOT NULL, "period" text COLLATE "C" NOT NULL, "starts" text COLLATE "C" NOT NULL, "ends" text COLLATE "C" NOT NULL, "epsilon" text COLLATE "C" NOT NULL, "delta" text COLLATE "C" NOT NULL, "allocated_by" text COLLATE "C" NOT NULL, "time" text COLLATE "C" NOT NULL, PRIMARY KEY ("tenant", "dataset", "purpose", "period"))
ALTER TABLE "hedgerow"."period_limits" ENABLE ROW LEVEL SECURITY
ALTER TABLE "hedgerow"."period_limits" FORCE ROW LEVEL SECURITY
CREATE POLICY tenant_only ON "hedgerow"."period_limits" USING (tenant = (SELECT nullif(current_setting('hedgerow.tenant', true), ''))) WITH CHECK (tenant = (SELECT nullif(current_setting('hedgerow.tenant', true), '')))
CREATE TABLE "hedgerow"."local_surveys" ("tenant" text COLLATE "C" NOT NULL, "entry" bigint NOT NULL, "survey" text COLLATE "C" NOT NULL, "name" text COLLATE "C" NOT NULL, "purpose" text COLLATE "C" NOT NULL, "epsilon" text COLLATE "C" NOT NULL, "registered_by" text COLLATE "C" NOT NULL, "time" text COLLATE "C" NOT NULL, PRIMARY KEY ("tenant", "entry"))
ALTER TABLE "hedgerow"."local_surveys" ENABLE ROW LEVEL SECURITY
ALTER TABLE "hedgerow"."local_surveys" FORCE ROW LEVEL SECURITY
CREATE POLICY tenant_only ON "hedgerow"."local_surveys" USING (tenant = (SELECT nullif(current_setting('hedgerow.tenant', true), ''))) WITH CHECK (tenant = (SELECT nullif(current_setting('hedgerow.tenant', true), '')))
CREATE TABLE "hedgerow"."public_tables" ("tenant" text COLLATE "C" NOT NULL, "name" text COLLATE "C" NOT NULL, "version" bigint NOT NULL, "why" text COLLATE "C" NOT NULL, "declared_by" text COLLATE "C" NOT NULL, "time" text COLLATE "C" NOT NULL, "body" bytea NOT NULL, PRIMARY KEY ("tenant", "name"))
ALTER TABLE "hedgerow"."public_tables" ENABLE ROW LEVEL SECURITY
ALTER TABLE "hedgerow"."public_tables" FORCE ROW LEVEL SECURITY
CREATE POLICY tenant_only ON "hedgerow"."public_tables" USING (tenant = (SELECT nullif(current_setting('hedgerow.tenant', true), ''))) WITH CHECK (tenant = (SELECT nullif(current_setting('hedgerow.tenant', true), '')))
CREATE TABLE "hedgerow"."derivations" ("tenant" text COLLATE "C" NOT NULL, "dataset" text COLLATE "C" NOT NULL, "ancestor" text COLLATE "C" NOT NULL, "entry" bigint NOT NULL, PRIMARY KEY ("tenant", "dataset", "ancestor"))
ALTER TABLE "hedgerow"."derivations" ENABLE ROW LEVEL SECURITY
ALTER TABLE "hedgerow"."derivations" FORCE ROW LEVEL SECURITY
CREATE POLICY tenant_only ON "hedgerow"."derivations" USING (tenant = (SELECT nullif(current_setting('hedgerow.tenant', true), ''))) WITH CHECK (tenant = (SELECT nullif(current_setting('hedgerow.tenant', true), '')))
CREATE TABLE "hedgerow"."runs" ("tenant" text COLLATE "C" NOT NULL, "name" text COLLATE "C" NOT NULL, "kind" text COLLATE "C" NOT NULL, "dataset" text COLLATE "C" NOT NULL, "purpose" text COLLATE "C" NOT NULL, "body" text COLLATE "C" NOT NULL, "opened_by" text COLLATE "C" NOT NULL, "opened" bigint NOT NULL, "declaration" bigint NOT NULL, "until" text COLLATE "C" NOT NULL, "step" bigint NOT NULL, "through" bigint NOT NULL, "entry" bigint NOT NULL, "closed" text COLLATE "C" NOT NULL, "sealed" bytea NOT NULL, "wrapped" bytea NOT NULL, PRIMARY KEY ("tenant", "name"))
CREATE INDEX "runs_dataset" ON "hedgerow"."runs" ("tenant", "dataset")
ALTER TABLE "hedgerow"."runs" ENABLE ROW LEVEL SECURITY
ALTER TABLE "hedgerow"."runs" FORCE ROW LEVEL SECURITY
CREATE POLICY tenant_only ON "hedgerow"."runs" USING (tenant = (SELECT nullif(current_setting('hedgerow.tenant', true), ''))) WITH CHECK (tenant = (SELECT nullif(current_setting('hedgerow.tenant', true), '')))
