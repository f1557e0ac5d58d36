BEGIN TRANSACTION;
CREATE TABLE activations (
	id INTEGER NOT NULL, 
	fleet VARCHAR(200) NOT NULL, 
	plan_version INTEGER NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	actor VARCHAR(200) NOT NULL, 
	activated_at DATETIME NOT NULL, 
	deactivated_at DATETIME, 
	CONSTRAINT pk_activations PRIMARY KEY (id), 
	CONSTRAINT fk_activations_plan_version_plans FOREIGN KEY(plan_version) REFERENCES plans (version)
);
INSERT INTO "activations" VALUES(1,'default',1,'activate','anonymous','2026-11-28 08:39:21.434071',NULL);
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0001');
CREATE TABLE audit_log (
	id INTEGER NOT NULL, 
	at DATETIME NOT NULL, 
	actor VARCHAR(200) NOT NULL, 
	action VARCHAR(64) NOT NULL, 
	subject VARCHAR(200) NOT NULL, 
	details JSON NOT NULL, 
	CONSTRAINT pk_audit_log PRIMARY KEY (id)
);
INSERT INTO "audit_log" VALUES(1,'2026-11-28 08:38:22.522924','anonymous','registry.submitted','gpu-types','{"created": {"count": 1, "ids": ["A10"]}, "updated": {"count": 0, "ids": []}}');
INSERT INTO "audit_log" VALUES(2,'2026-11-28 08:38:22.531988','anonymous','registry.submitted','pools','{"created": {"count": 1, "ids": ["A10/zone-a"]}, "updated": {"count": 0, "ids": []}}');
INSERT INTO "audit_log" VALUES(3,'2026-11-28 08:38:22.537653','anonymous','registry.submitted','models','{"created": {"count": 2, "ids": ["resnet", "bert"]}, "updated": {"count": 0, "ids": []}}');
INSERT INTO "audit_log" VALUES(4,'2026-11-28 08:38:22.542186','anonymous','registry.submitted','profiles','{"created": {"count": 2, "ids": ["resnet@A10", "bert@A10"]}, "updated": {"count": 0, "ids": []}}');
INSERT INTO "audit_log" VALUES(5,'2026-11-28 08:38:22.554277','anonymous','forecast.submitted','1','{"models": 2}');
INSERT INTO "audit_log" VALUES(6,'2026-11-28 08:38:22.559434','anonymous','forecast.submitted','2','{"models": 2}');
INSERT INTO "audit_log" VALUES(7,'2026-11-28 08:38:22.574010','planner','run.started','a0091d8300ae54df','{"forecast": 1}');
INSERT INTO "audit_log" VALUES(8,'2026-11-28 08:39:02.524134','planner','plan.made','1','{"run": "a0091d8300ae54df"}');
INSERT INTO "audit_log" VALUES(9,'2026-11-28 08:39:02.576769','planner','run.started','9c74cc688d972884','{"forecast": 2}');
INSERT INTO "audit_log" VALUES(10,'2026-11-28 08:39:21.389201','planner','plan.made','2','{"run": "9c74cc688d972884"}');
INSERT INTO "audit_log" VALUES(11,'2026-11-28 08:39:21.421098','anonymous','plan.approved','1','{}');
INSERT INTO "audit_log" VALUES(12,'2026-11-28 08:39:21.434071','anonymous','plan.activate','1','{}');
INSERT INTO "audit_log" VALUES(13,'2026-11-28 08:39:21.451247','anonymous','run.started','3b36de386d31766f','{"forecast": 2}');
INSERT INTO "audit_log" VALUES(14,'2026-11-28 08:39:21.454256','anonymous','run.cancelled','3b36de386d31766f','{}');
CREATE TABLE certificates (
	plan_version INTEGER NOT NULL, 
	passed BOOLEAN NOT NULL, 
	bad_rate DOUBLE, 
	document JSON NOT NULL, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT pk_certificates PRIMARY KEY (plan_version), 
	CONSTRAINT fk_certificates_plan_version_plans FOREIGN KEY(plan_version) REFERENCES plans (version)
);
INSERT INTO "certificates" VALUES(1,1,1.82609565739443664884e-03,'{"problem_digest": "181629036110e35aaa8f7b1e531464ad9e943f9ac69ae12bade8de7e6fbeb76a", "passed": true, "bad_rate": 0.0018260956573944366, "bad_rate_max": 0.01, "confidence": 0.95, "policy": "adaptive", "seed": 20240229, "sub_clusters": [{"id": "sc-01", "passed": true, "bad_rate": 0.0018260956573944366, "gpus_planned": 1, "gpus_certified": 1, "gpus_refused": 0, "evidence": [{"epoch": 1, "gpus": 1, "rate_rps": 340.0, "replications": 2, "requests": 40027, "bad_rate": 0.0015739375921253154, "bad_rate_low": 0.0011092810618010943, "bad_rate_high": 0.002190432333175132, "verdict": "passed", "worst_model": "bert", "worst_model_bad_rate": 0.005475989890480202, "models_over": [], "gpu_busy_share": 0.2569635017987445, "batch_size_mean": 11.715206563140931}, {"epoch": 0, "gpus": 1, "rate_rps": 250.0, "replications": 2, "requests": 39976, "bad_rate": 0.0018260956573944366, "bad_rate_low": 0.001112890609922224, "bad_rate_high": 0.0025393007048666494, "verdict": "passed", "worst_model": "bert", "worst_model_bad_rate": 0.00307995564863866, "models_over": [], "gpu_busy_share": 0.2090988375, "batch_size_mean": 8.862091938707529}]}]}','2026-11-28 08:39:02.524134');
INSERT INTO "certificates" VALUES(2,1,1.82609565739443664884e-03,'{"problem_digest": "181629036110e35aaa8f7b1e531464ad9e943f9ac69ae12bade8de7e6fbeb76a", "passed": true, "bad_rate": 0.0018260956573944366, "bad_rate_max": 0.01, "confidence": 0.95, "policy": "adaptive", "seed": 20240229, "sub_clusters": [{"id": "sc-01", "passed": true, "bad_rate": 0.0018260956573944366, "gpus_planned": 1, "gpus_certified": 1, "gpus_refused": 0, "evidence": [{"epoch": 1, "gpus": 1, "rate_rps": 340.0, "replications": 2, "requests": 40027, "bad_rate": 0.0015739375921253154, "bad_rate_low": 0.0011092810618010943, "bad_rate_high": 0.002190432333175132, "verdict": "passed", "worst_model": "bert", "worst_model_bad_rate": 0.005475989890480202, "models_over": [], "gpu_busy_share": 0.2569635017987445, "batch_size_mean": 11.715206563140931}, {"epoch": 0, "gpus": 1, "rate_rps": 250.0, "replications": 2, "requests": 39976, "bad_rate": 0.0018260956573944366, "bad_rate_low": 0.001112890609922224, "bad_rate_high": 0.0025393007048666494, "verdict": "passed", "worst_model": "bert", "worst_model_bad_rate": 0.00307995564863866, "models_over": [], "gpu_busy_share": 0.2090988375, "batch_size_mean": 8.862091938707529}]}]}','2026-11-28 08:39:21.389201');
CREATE TABLE forecast_models (
	forecast_id INTEGER NOT NULL, 
	model VARCHAR(200) NOT NULL, 
	demand_rps JSON NOT NULL, 
	arrival_cv JSON NOT NULL, 
	CONSTRAINT pk_forecast_models PRIMARY KEY (forecast_id, model), 
	CONSTRAINT fk_forecast_models_forecast_id_forecasts FOREIGN KEY(forecast_id) REFERENCES forecasts (id), 
	CONSTRAINT fk_forecast_models_model_models FOREIGN KEY(model) REFERENCES models (id)
);
INSERT INTO "forecast_models" VALUES(1,'resnet','[200.0, 300.0]','[1.0, 1.2]');
INSERT INTO "forecast_models" VALUES(1,'bert','[50.0, 40.0]','[1.0, 1.0]');
INSERT INTO "forecast_models" VALUES(2,'resnet','[200.0, 300.0]','[1.0, 1.2]');
INSERT INTO "forecast_models" VALUES(2,'bert','[50.0, 40.0]','[1.0, 1.0]');
CREATE TABLE forecasts (
	id INTEGER NOT NULL, 
	name VARCHAR(200) NOT NULL, 
	epochs JSON NOT NULL, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT pk_forecasts PRIMARY KEY (id)
);
INSERT INTO "forecasts" VALUES(1,'first','[{"start": "2026-11-23T08:00:00+00:00", "hours": 1.0}, {"start": "2026-11-23T09:00:00+00:00", "hours": 1.0}]','2026-11-28 08:38:22.554277');
INSERT INTO "forecasts" VALUES(2,'second','[{"start": "2026-11-23T08:00:00+00:00", "hours": 1.0}, {"start": "2026-11-23T09:00:00+00:00", "hours": 1.0}]','2026-11-28 08:38:22.559434');
CREATE TABLE gpu_types (
	id VARCHAR(200) NOT NULL, 
	memory_gib DOUBLE NOT NULL, 
	reserve_gib DOUBLE NOT NULL, 
	price_usd_per_hour DOUBLE NOT NULL, 
	updated_at DATETIME NOT NULL, 
	CONSTRAINT pk_gpu_types PRIMARY KEY (id)
);
INSERT INTO "gpu_types" VALUES('A10',24.0,1.0,1.2,'2026-11-28 08:38:22.522924');
CREATE TABLE load_reports (
	id INTEGER NOT NULL, 
	sub_cluster VARCHAR(200) NOT NULL, 
	plan_version INTEGER NOT NULL, 
	interval_start DATETIME NOT NULL, 
	interval_s DOUBLE NOT NULL, 
	gpus INTEGER NOT NULL, 
	gpu_busy_share DOUBLE NOT NULL, 
	received_at DATETIME NOT NULL, 
	CONSTRAINT pk_load_reports PRIMARY KEY (id), 
	CONSTRAINT uq_load_reports_sub_cluster_interval_start UNIQUE (sub_cluster, interval_start)
);
INSERT INTO "load_reports" VALUES(1,'one',1,'2026-11-23 08:00:00.000000',10.0,1,0.33,'2026-11-28 08:39:21.439446');
INSERT INTO "load_reports" VALUES(2,'two',1,'2026-11-23 08:00:00.000000',10.0,1,0.33,'2026-11-28 08:39:21.443599');
CREATE TABLE models (
	id VARCHAR(200) NOT NULL, 
	slo_ms DOUBLE NOT NULL, 
	priority INTEGER NOT NULL, 
	serving JSON NOT NULL, 
	updated_at DATETIME NOT NULL, 
	CONSTRAINT pk_models PRIMARY KEY (id)
);
INSERT INTO "models" VALUES('resnet',60.0,1,'{}','2026-11-28 08:38:22.537653');
INSERT INTO "models" VALUES('bert',120.0,2,'{}','2026-11-28 08:38:22.537653');
CREATE TABLE observed_load (
	report_id INTEGER NOT NULL, 
	model VARCHAR(200) NOT NULL, 
	arrived BIGINT NOT NULL, 
	served_in_time BIGINT NOT NULL, 
	late BIGINT NOT NULL, 
	dropped BIGINT NOT NULL, 
	rejected BIGINT NOT NULL, 
	arrival_cv DOUBLE, 
	batches BIGINT NOT NULL, 
	batch_size_mean DOUBLE NOT NULL, 
	busy_s DOUBLE NOT NULL, 
	latency_ms_by_batch JSON NOT NULL, 
	CONSTRAINT pk_observed_load PRIMARY KEY (report_id, model), 
	CONSTRAINT fk_observed_load_report_id_load_reports FOREIGN KEY(report_id) REFERENCES load_reports (id)
);
INSERT INTO "observed_load" VALUES(1,'resnet',3000,2990,4,6,0,1.1,600,5.0,3.3,'[[4, 300, 5.1], [6, 300, 6.2]]');
INSERT INTO "observed_load" VALUES(2,'resnet',3000,2990,4,6,0,1.1,600,5.0,3.3,'[[4, 300, 5.1], [6, 300, 6.2]]');
CREATE TABLE plans (
	version INTEGER NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	run_id VARCHAR(32) NOT NULL, 
	forecast_id INTEGER NOT NULL, 
	problem_digest VARCHAR(64) NOT NULL, 
	status VARCHAR(16) NOT NULL, 
	objective DOUBLE NOT NULL, 
	bound DOUBLE NOT NULL, 
	gap DOUBLE NOT NULL, 
	fluid_bound DOUBLE NOT NULL, 
	physical_gap DOUBLE NOT NULL, 
	cost_usd_per_hour DOUBLE NOT NULL, 
	sub_cluster_count INTEGER NOT NULL, 
	gpu_count INTEGER NOT NULL, 
	solver VARCHAR(64) NOT NULL, 
	options JSON NOT NULL, 
	seed INTEGER NOT NULL, 
	document JSON NOT NULL, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT pk_plans PRIMARY KEY (version), 
	CONSTRAINT ck_plans_state CHECK (state IN ('draft', 'certified', 'approved', 'active', 'superseded')), 
	CONSTRAINT fk_plans_forecast_id_forecasts FOREIGN KEY(forecast_id) REFERENCES forecasts (id), 
	CONSTRAINT fk_plans_problem_digest_problems FOREIGN KEY(problem_digest) REFERENCES problems (digest), 
	CONSTRAINT uq_plans_run_id UNIQUE (run_id)
);
INSERT INTO "plans" VALUES(1,'active','a0091d8300ae54df',1,'181629036110e35aaa8f7b1e531464ad9e943f9ac69ae12bade8de7e6fbeb76a','optimal',1.2,1.2,0.0,3.03037455144283818242e-01,7.47468787379763521805e-01,1.2,1,1,'greedy','{"solver": "greedy", "time_limit_s": 10.0, "seed": 1, "use_observed": false, "observed_since": null, "observed_until": null, "policy": {}}',1,'{"status": "optimal", "objective": 1.2, "bound": 1.2, "gap": 0.0, "fluid_bound": 0.3030374551442838, "physical_gap": 0.7474687873797635, "cost_usd_per_hour": 1.2, "sub_clusters": [{"id": "sc-01", "gpu_type": "A10", "zone": "zone-a", "gpus": [1, 1], "models": [{"id": "bert", "share": [1.0, 1.0], "batch_size": 32}, {"id": "resnet", "share": [1.0, 1.0], "batch_size": 32}]}], "unserved": [], "excuses": [], "solver": "greedy", "seed": 1, "problem_digest": "181629036110e35aaa8f7b1e531464ad9e943f9ac69ae12bade8de7e6fbeb76a", "bound_method": "fluid"}','2026-11-28 08:39:02.524134');
INSERT INTO "plans" VALUES(2,'certified','9c74cc688d972884',2,'181629036110e35aaa8f7b1e531464ad9e943f9ac69ae12bade8de7e6fbeb76a','optimal',1.2,1.2,0.0,3.03037455144283818242e-01,7.47468787379763521805e-01,1.2,1,1,'greedy','{"solver": "greedy", "time_limit_s": 10.0, "seed": 2, "use_observed": false, "observed_since": null, "observed_until": null, "policy": {}}',2,'{"status": "optimal", "objective": 1.2, "bound": 1.2, "gap": 0.0, "fluid_bound": 0.3030374551442838, "physical_gap": 0.7474687873797635, "cost_usd_per_hour": 1.2, "sub_clusters": [{"id": "sc-01", "gpu_type": "A10", "zone": "zone-a", "gpus": [1, 1], "models": [{"id": "bert", "share": [1.0, 1.0], "batch_size": 32}, {"id": "resnet", "share": [1.0, 1.0], "batch_size": 32}]}], "unserved": [], "excuses": [], "solver": "greedy", "seed": 2, "problem_digest": "181629036110e35aaa8f7b1e531464ad9e943f9ac69ae12bade8de7e6fbeb76a", "bound_method": "fluid"}','2026-11-28 08:39:21.389201');
CREATE TABLE pools (
	gpu_type VARCHAR(200) NOT NULL, 
	zone VARCHAR(200) NOT NULL, 
	available INTEGER NOT NULL, 
	updated_at DATETIME NOT NULL, 
	CONSTRAINT pk_pools PRIMARY KEY (gpu_type, zone), 
	CONSTRAINT ck_pools_available CHECK (available >= 0), 
	CONSTRAINT fk_pools_gpu_type_gpu_types FOREIGN KEY(gpu_type) REFERENCES gpu_types (id)
);
INSERT INTO "pools" VALUES('A10','zone-a',8,'2026-11-28 08:38:22.531988');
CREATE TABLE problems (
	digest VARCHAR(64) NOT NULL, 
	document JSON NOT NULL, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT pk_problems PRIMARY KEY (digest)
);
INSERT INTO "problems" VALUES('181629036110e35aaa8f7b1e531464ad9e943f9ac69ae12bade8de7e6fbeb76a','{"epochs": [{"start": "2026-11-23T08:00:00+00:00", "hours": 1.0}, {"start": "2026-11-23T09:00:00+00:00", "hours": 1.0}], "gpu_types": [{"id": "A10", "memory_gib": 24.0, "reserve_gib": 1.0, "price_usd_per_hour": 1.2}], "pools": [{"gpu_type": "A10", "zone": "zone-a", "available": 8}], "models": [{"id": "bert", "slo_ms": 120.0, "priority": 2, "demand_rps": [50.0, 40.0], "arrival_cv": 1.0, "may_split": true, "profiles": {"A10": {"alpha_ms": 0.5, "beta_ms": 3.0, "weights_gib": 1.0, "workspace_gib_per_item": 0.05, "batch_size_max": 32}}, "rules": {"gpu_types_allowed": null, "gpu_types_excluded": [], "zones_allowed": null, "zones_min": 1, "dedicated": false, "pinned_to": null}}, {"id": "resnet", "slo_ms": 60.0, "priority": 1, "demand_rps": [200.0, 300.0], "arrival_cv": 1.12, "may_split": true, "profiles": {"A10": {"alpha_ms": 0.5, "beta_ms": 3.0, "weights_gib": 1.0, "workspace_gib_per_item": 0.05, "batch_size_max": 32}}, "rules": {"gpu_types_allowed": null, "gpu_types_excluded": [], "zones_allowed": null, "zones_min": 1, "dedicated": false, "pinned_to": null}}], "pipelines": [], "policy": {"sub_cluster_gpus_max": 64, "scheduler_rate_rps_max": null, "bad_rate_max": 0.01, "churn_gib_max": null, "replan_worth_min": null, "gpus": "reserved", "delays": {"ctrl_us": 100, "data_us": 50, "resp_us": 2000}, "sub_cluster_models_max": null, "exclusions": [], "hardness": {"inventory": "hard", "spread": "fix_if_broken", "exclusions": "fix_if_broken", "models_max": "fix_if_broken", "churn": "hard"}, "balance": false}, "active_plan": null}','2026-11-28 08:38:22.574010');
INSERT INTO "problems" VALUES('de538b1b6536e8b524f6ada4636bec969c5ec6257b296980d5df1ebcb5e4460d','{"epochs": [{"start": "2026-11-23T08:00:00+00:00", "hours": 1.0}, {"start": "2026-11-23T09:00:00+00:00", "hours": 1.0}], "gpu_types": [{"id": "A10", "memory_gib": 24.0, "reserve_gib": 1.0, "price_usd_per_hour": 1.2}], "pools": [{"gpu_type": "A10", "zone": "zone-a", "available": 8}], "models": [{"id": "bert", "slo_ms": 120.0, "priority": 2, "demand_rps": [50.0, 40.0], "arrival_cv": 1.0, "may_split": true, "profiles": {"A10": {"alpha_ms": 0.5, "beta_ms": 3.0, "weights_gib": 1.0, "workspace_gib_per_item": 0.05, "batch_size_max": 32}}, "rules": {"gpu_types_allowed": null, "gpu_types_excluded": [], "zones_allowed": null, "zones_min": 1, "dedicated": false, "pinned_to": null}}, {"id": "resnet", "slo_ms": 60.0, "priority": 1, "demand_rps": [200.0, 300.0], "arrival_cv": 1.12, "may_split": true, "profiles": {"A10": {"alpha_ms": 0.5, "beta_ms": 3.0, "weights_gib": 1.0, "workspace_gib_per_item": 0.05, "batch_size_max": 32}}, "rules": {"gpu_types_allowed": null, "gpu_types_excluded": [], "zones_allowed": null, "zones_min": 1, "dedicated": false, "pinned_to": null}}], "pipelines": [], "policy": {"sub_cluster_gpus_max": 64, "scheduler_rate_rps_max": null, "bad_rate_max": 0.01, "churn_gib_max": null, "replan_worth_min": null, "gpus": "reserved", "delays": {"ctrl_us": 100, "data_us": 50, "resp_us": 2000}, "sub_cluster_models_max": null, "exclusions": [], "hardness": {"inventory": "hard", "spread": "fix_if_broken", "exclusions": "fix_if_broken", "models_max": "fix_if_broken", "churn": "hard"}, "balance": false}, "active_plan": {"status": "optimal", "objective": 1.2, "bound": 1.2, "gap": 0.0, "fluid_bound": 0.3030374551442838, "physical_gap": 0.7474687873797635, "cost_usd_per_hour": 1.2, "sub_clusters": [{"id": "sc-01", "gpu_type": "A10", "zone": "zone-a", "gpus": [1, 1], "models": [{"id": "bert", "share": [1.0, 1.0], "batch_size": 32}, {"id": "resnet", "share": [1.0, 1.0], "batch_size": 32}]}], "unserved": [], "excuses": [], "solver": "greedy", "seed": 1, "problem_digest": "181629036110e35aaa8f7b1e531464ad9e943f9ac69ae12bade8de7e6fbeb76a", "bound_method": "fluid"}}','2026-11-28 08:39:21.451247');
CREATE TABLE profiles (
	model VARCHAR(200) NOT NULL, 
	gpu_type VARCHAR(200) NOT NULL, 
	curve JSON NOT NULL, 
	weights_gib DOUBLE NOT NULL, 
	workspace_gib_per_item DOUBLE NOT NULL, 
	batch_size_max INTEGER NOT NULL, 
	source VARCHAR, 
	updated_at DATETIME NOT NULL, 
	CONSTRAINT pk_profiles PRIMARY KEY (model, gpu_type), 
	CONSTRAINT fk_profiles_gpu_type_gpu_types FOREIGN KEY(gpu_type) REFERENCES gpu_types (id), 
	CONSTRAINT fk_profiles_model_models FOREIGN KEY(model) REFERENCES models (id)
);
INSERT INTO "profiles" VALUES('resnet','A10','{"alpha_ms": 0.5, "beta_ms": 3.0}',1.0,0.05,32,NULL,'2026-11-28 08:38:22.542186');
INSERT INTO "profiles" VALUES('bert','A10','{"alpha_ms": 0.5, "beta_ms": 3.0}',1.0,0.05,32,NULL,'2026-11-28 08:38:22.542186');
CREATE TABLE runs (
	id VARCHAR(32) NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	forecast_id INTEGER NOT NULL, 
	problem_digest VARCHAR(64) NOT NULL, 
	options JSON NOT NULL, 
	demand JSON, 
	actor VARCHAR(200) NOT NULL, 
	created_at DATETIME NOT NULL, 
	started_at DATETIME, 
	finished_at DATETIME, 
	attempts INTEGER NOT NULL, 
	cancel_requested BOOLEAN NOT NULL, 
	lease_owner VARCHAR(200), 
	lease_expires_at DATETIME, 
	progress JSON NOT NULL, 
	error JSON, 
	plan_version INTEGER, 
	CONSTRAINT pk_runs PRIMARY KEY (id), 
	CONSTRAINT ck_runs_lease CHECK ((state = 'running') = (lease_owner IS NOT NULL)), 
	CONSTRAINT ck_runs_state CHECK (state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')), 
	CONSTRAINT fk_runs_forecast_id_forecasts FOREIGN KEY(forecast_id) REFERENCES forecasts (id), 
	CONSTRAINT fk_runs_plan_version_plans FOREIGN KEY(plan_version) REFERENCES plans (version), 
	CONSTRAINT fk_runs_problem_digest_problems FOREIGN KEY(problem_digest) REFERENCES problems (digest)
);
INSERT INTO "runs" VALUES('a0091d8300ae54df','succeeded',1,'181629036110e35aaa8f7b1e531464ad9e943f9ac69ae12bade8de7e6fbeb76a','{"solver": "greedy", "time_limit_s": 10.0, "seed": 1, "use_observed": false, "observed_since": null, "observed_until": null, "policy": {}}',NULL,'planner','2026-11-28 08:38:22.574010','2026-11-28 08:38:22.941639','2026-11-28 08:39:02.524134',1,0,NULL,NULL,'{"stage": "done", "elapsed_s": 38.166, "solver": "greedy", "incumbent": 1.2, "bound": 1.2, "gap": 0.0, "sub_clusters_certified": 1, "sub_clusters": 1}',NULL,1);
INSERT INTO "runs" VALUES('9c74cc688d972884','succeeded',2,'181629036110e35aaa8f7b1e531464ad9e943f9ac69ae12bade8de7e6fbeb76a','{"solver": "greedy", "time_limit_s": 10.0, "seed": 2, "use_observed": false, "observed_since": null, "observed_until": null, "policy": {}}',NULL,'planner','2026-11-28 08:39:02.576769','2026-11-28 08:39:02.621549','2026-11-28 08:39:21.389201',1,0,NULL,NULL,'{"stage": "done", "elapsed_s": 17.417, "solver": "greedy", "incumbent": 1.2, "bound": 1.2, "gap": 0.0, "sub_clusters_certified": 1, "sub_clusters": 1}',NULL,2);
INSERT INTO "runs" VALUES('3b36de386d31766f','cancelled',2,'de538b1b6536e8b524f6ada4636bec969c5ec6257b296980d5df1ebcb5e4460d','{"solver": "highs", "time_limit_s": 60.0, "seed": 0, "use_observed": false, "observed_since": null, "observed_until": null, "policy": {}}',NULL,'anonymous','2026-11-28 08:39:21.451247',NULL,'2026-11-28 08:39:21.454256',0,0,NULL,NULL,'{"stage": "queued"}',NULL,NULL);
CREATE INDEX ix_load_reports_interval_start ON load_reports (interval_start);
CREATE UNIQUE INDEX uq_activations_current ON activations (fleet) WHERE deactivated_at IS NULL;
CREATE INDEX ix_runs_state_created_at ON runs (state, created_at);
COMMIT;
