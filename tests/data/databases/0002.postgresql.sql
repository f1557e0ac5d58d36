SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET transaction_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE public.activations (
    id integer NOT NULL,
    fleet character varying(200) NOT NULL,
    plan_version integer NOT NULL,
    kind character varying(16) NOT NULL,
    actor character varying(200) NOT NULL,
    activated_at timestamp with time zone NOT NULL,
    deactivated_at timestamp with time zone
);
CREATE SEQUENCE public.activations_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.activations_id_seq OWNED BY public.activations.id;
CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE public.audit_log (
    id integer NOT NULL,
    at timestamp with time zone NOT NULL,
    actor character varying(200) NOT NULL,
    action character varying(64) NOT NULL,
    subject character varying(200) NOT NULL,
    details json NOT NULL
);
CREATE SEQUENCE public.audit_log_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.audit_log_id_seq OWNED BY public.audit_log.id;
CREATE TABLE public.certificates (
    plan_version integer NOT NULL,
    passed boolean NOT NULL,
    bad_rate double precision,
    document json NOT NULL,
    created_at timestamp with time zone NOT NULL
);
CREATE TABLE public.forecast_models (
    forecast_id integer NOT NULL,
    model character varying(200) NOT NULL,
    demand_rps json NOT NULL,
    arrival_cv json NOT NULL
);
CREATE TABLE public.forecasts (
    id integer NOT NULL,
    name character varying(200) NOT NULL,
    epochs json NOT NULL,
    created_at timestamp with time zone NOT NULL
);
CREATE SEQUENCE public.forecasts_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.forecasts_id_seq OWNED BY public.forecasts.id;
CREATE TABLE public.gpu_types (
    id character varying(200) NOT NULL,
    memory_gib double precision NOT NULL,
    reserve_gib double precision NOT NULL,
    price_usd_per_hour double precision NOT NULL,
    updated_at timestamp with time zone NOT NULL
);
CREATE TABLE public.load_reports (
    id integer NOT NULL,
    sub_cluster character varying(200) NOT NULL,
    plan_version integer NOT NULL,
    interval_start timestamp with time zone NOT NULL,
    interval_s double precision NOT NULL,
    gpus integer NOT NULL,
    gpu_busy_share double precision NOT NULL,
    received_at timestamp with time zone NOT NULL
);
CREATE SEQUENCE public.load_reports_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.load_reports_id_seq OWNED BY public.load_reports.id;
CREATE TABLE public.models (
    id character varying(200) NOT NULL,
    slo_ms double precision NOT NULL,
    priority integer NOT NULL,
    serving json NOT NULL,
    updated_at timestamp with time zone NOT NULL
);
CREATE TABLE public.nodes (
    id character varying(200) NOT NULL,
    heard_at timestamp with time zone NOT NULL,
    status json NOT NULL
);
CREATE TABLE public.observed_load (
    report_id integer NOT NULL,
    model character varying(200) NOT NULL,
    arrived bigint NOT NULL,
    served_in_time bigint NOT NULL,
    late bigint NOT NULL,
    dropped bigint NOT NULL,
    rejected bigint NOT NULL,
    arrival_cv double precision,
    batches bigint NOT NULL,
    batch_size_mean double precision NOT NULL,
    busy_s double precision NOT NULL,
    latency_ms_by_batch json NOT NULL
);
CREATE TABLE public.plans (
    version integer NOT NULL,
    state character varying(16) NOT NULL,
    run_id character varying(32) NOT NULL,
    forecast_id integer NOT NULL,
    problem_digest character varying(64) NOT NULL,
    status character varying(16) NOT NULL,
    objective double precision NOT NULL,
    bound double precision NOT NULL,
    gap double precision NOT NULL,
    fluid_bound double precision NOT NULL,
    physical_gap double precision NOT NULL,
    cost_usd_per_hour double precision NOT NULL,
    sub_cluster_count integer NOT NULL,
    gpu_count integer NOT NULL,
    solver character varying(64) NOT NULL,
    options json NOT NULL,
    seed integer NOT NULL,
    document json NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT ck_plans_state CHECK (((state)::text = ANY ((ARRAY['draft'::character varying, 'certified'::character varying, 'approved'::character varying, 'active'::character varying, 'superseded'::character varying])::text[])))
);
CREATE SEQUENCE public.plans_version_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.plans_version_seq OWNED BY public.plans.version;
CREATE TABLE public.pools (
    gpu_type character varying(200) NOT NULL,
    zone character varying(200) NOT NULL,
    available integer NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT ck_pools_available CHECK ((available >= 0))
);
CREATE TABLE public.problems (
    digest character varying(64) NOT NULL,
    document json NOT NULL,
    created_at timestamp with time zone NOT NULL
);
CREATE TABLE public.profiles (
    model character varying(200) NOT NULL,
    gpu_type character varying(200) NOT NULL,
    curve json NOT NULL,
    weights_gib double precision NOT NULL,
    workspace_gib_per_item double precision NOT NULL,
    batch_size_max integer NOT NULL,
    source character varying,
    updated_at timestamp with time zone NOT NULL
);
CREATE TABLE public.runs (
    id character varying(32) NOT NULL,
    state character varying(16) NOT NULL,
    forecast_id integer NOT NULL,
    problem_digest character varying(64) NOT NULL,
    options json NOT NULL,
    demand json,
    actor character varying(200) NOT NULL,
    created_at timestamp with time zone NOT NULL,
    started_at timestamp with time zone,
    finished_at timestamp with time zone,
    attempts integer NOT NULL,
    cancel_requested boolean NOT NULL,
    lease_owner character varying(200),
    lease_expires_at timestamp with time zone,
    progress json NOT NULL,
    error json,
    plan_version integer,
    CONSTRAINT ck_runs_lease CHECK ((((state)::text = 'running'::text) = (lease_owner IS NOT NULL))),
    CONSTRAINT ck_runs_state CHECK (((state)::text = ANY ((ARRAY['queued'::character varying, 'running'::character varying, 'succeeded'::character varying, 'failed'::character varying, 'cancelled'::character varying])::text[])))
);
ALTER TABLE ONLY public.activations ALTER COLUMN id SET DEFAULT nextval('public.activations_id_seq'::regclass);
ALTER TABLE ONLY public.audit_log ALTER COLUMN id SET DEFAULT nextval('public.audit_log_id_seq'::regclass);
ALTER TABLE ONLY public.forecasts ALTER COLUMN id SET DEFAULT nextval('public.forecasts_id_seq'::regclass);
ALTER TABLE ONLY public.load_reports ALTER COLUMN id SET DEFAULT nextval('public.load_reports_id_seq'::regclass);
ALTER TABLE ONLY public.plans ALTER COLUMN version SET DEFAULT nextval('public.plans_version_seq'::regclass);
INSERT INTO public.activations VALUES (1, 'default', 1, 'activate', 'anonymous', '2026-11-28 08:44:18.979617+00', NULL);
INSERT INTO public.alembic_version VALUES ('0002');
INSERT INTO public.audit_log VALUES (1, '2026-11-28 08:44:09.881111+00', 'anonymous', 'registry.submitted', 'gpu-types', '{"created": {"count": 1, "ids": ["A10"]}, "updated": {"count": 0, "ids": []}}');
INSERT INTO public.audit_log VALUES (2, '2026-11-28 08:44:09.889383+00', 'anonymous', 'registry.submitted', 'pools', '{"created": {"count": 1, "ids": ["A10/zone-a"]}, "updated": {"count": 0, "ids": []}}');
INSERT INTO public.audit_log VALUES (3, '2026-11-28 08:44:09.895015+00', 'anonymous', 'registry.submitted', 'models', '{"created": {"count": 2, "ids": ["resnet", "bert"]}, "updated": {"count": 0, "ids": []}}');
INSERT INTO public.audit_log VALUES (4, '2026-11-28 08:44:09.905106+00', 'anonymous', 'registry.submitted', 'profiles', '{"created": {"count": 2, "ids": ["resnet@A10", "bert@A10"]}, "updated": {"count": 0, "ids": []}}');
INSERT INTO public.audit_log VALUES (5, '2026-11-28 08:44:09.921633+00', 'anonymous', 'forecast.submitted', '1', '{"models": 2}');
INSERT INTO public.audit_log VALUES (6, '2026-11-28 08:44:09.931792+00', 'anonymous', 'forecast.submitted', '2', '{"models": 2}');
INSERT INTO public.audit_log VALUES (7, '2026-11-28 08:44:09.952038+00', 'planner', 'run.started', 'b977dcc272d20a28', '{"forecast": 1}');
INSERT INTO public.audit_log VALUES (8, '2026-11-28 08:44:13.697437+00', 'planner', 'plan.made', '1', '{"run": "b977dcc272d20a28"}');
INSERT INTO public.audit_log VALUES (9, '2026-11-28 08:44:13.743224+00', 'planner', 'run.started', '16fc67a6cac78600', '{"forecast": 2}');
INSERT INTO public.audit_log VALUES (10, '2026-11-28 08:44:18.857175+00', 'planner', 'plan.made', '2', '{"run": "16fc67a6cac78600"}');
INSERT INTO public.audit_log VALUES (11, '2026-11-28 08:44:18.948794+00', 'anonymous', 'plan.approved', '1', '{}');
INSERT INTO public.audit_log VALUES (12, '2026-11-28 08:44:18.979617+00', 'anonymous', 'plan.activate', '1', '{}');
INSERT INTO public.audit_log VALUES (13, '2026-11-28 08:44:19.033391+00', 'anonymous', 'run.started', 'cc10cacaec1af59d', '{"forecast": 2}');
INSERT INTO public.audit_log VALUES (14, '2026-11-28 08:44:19.058573+00', 'anonymous', 'run.cancelled', 'cc10cacaec1af59d', '{}');
INSERT INTO public.certificates VALUES (1, true, 0.002076245747448469, '{"problem_digest": "181629036110e35aaa8f7b1e531464ad9e943f9ac69ae12bade8de7e6fbeb76a", "passed": true, "bad_rate": 0.002076245747448469, "bad_rate_max": 0.01, "confidence": 0.95, "policy": "adaptive", "seed": 20240229, "sub_clusters": [{"id": "sc-01", "passed": true, "bad_rate": 0.002076245747448469, "gpus_planned": 1, "gpus_certified": 1, "gpus_refused": 0, "evidence": [{"epoch": 1, "gpus": 1, "rate_rps": 340.0, "replications": 2, "requests": 40027, "bad_rate": 0.001948684637869438, "bad_rate_low": 0.001328725989493085, "bad_rate_high": 0.002623189508520624, "verdict": "passed", "worst_model": "bert", "worst_model_bad_rate": 0.006529064869418702, "models_over": [], "gpu_busy_share": 0.26055475182388327, "batch_size_mean": 11.235591790834974}, {"epoch": 0, "gpus": 1, "rate_rps": 250.0, "replications": 2, "requests": 39976, "bad_rate": 0.002076245747448469, "bad_rate_low": 0.001263420708426995, "bad_rate_high": 0.002889070786469943, "verdict": "passed", "worst_model": "bert", "worst_model_bad_rate": 0.003203153874584206, "models_over": [], "gpu_busy_share": 0.21159775, "batch_size_mean": 8.60004312203536}]}]}', '2026-11-28 08:44:13.697437+00');
INSERT INTO public.certificates VALUES (2, true, 0.002076245747448469, '{"problem_digest": "181629036110e35aaa8f7b1e531464ad9e943f9ac69ae12bade8de7e6fbeb76a", "passed": true, "bad_rate": 0.002076245747448469, "bad_rate_max": 0.01, "confidence": 0.95, "policy": "adaptive", "seed": 20240229, "sub_clusters": [{"id": "sc-01", "passed": true, "bad_rate": 0.002076245747448469, "gpus_planned": 1, "gpus_certified": 1, "gpus_refused": 0, "evidence": [{"epoch": 1, "gpus": 1, "rate_rps": 340.0, "replications": 2, "requests": 40027, "bad_rate": 0.001948684637869438, "bad_rate_low": 0.001328725989493085, "bad_rate_high": 0.002623189508520624, "verdict": "passed", "worst_model": "bert", "worst_model_bad_rate": 0.006529064869418702, "models_over": [], "gpu_busy_share": 0.26055475182388327, "batch_size_mean": 11.235591790834974}, {"epoch": 0, "gpus": 1, "rate_rps": 250.0, "replications": 2, "requests": 39976, "bad_rate": 0.002076245747448469, "bad_rate_low": 0.001263420708426995, "bad_rate_high": 0.002889070786469943, "verdict": "passed", "worst_model": "bert", "worst_model_bad_rate": 0.003203153874584206, "models_over": [], "gpu_busy_share": 0.21159775, "batch_size_mean": 8.60004312203536}]}]}', '2026-11-28 08:44:18.857175+00');
INSERT INTO public.forecast_models VALUES (1, 'resnet', '[200.0, 300.0]', '[1.0, 1.2]');
INSERT INTO public.forecast_models VALUES (1, 'bert', '[50.0, 40.0]', '[1.0, 1.0]');
INSERT INTO public.forecast_models VALUES (2, 'resnet', '[200.0, 300.0]', '[1.0, 1.2]');
INSERT INTO public.forecast_models VALUES (2, 'bert', '[50.0, 40.0]', '[1.0, 1.0]');
INSERT INTO public.forecasts VALUES (1, 'first', '[{"start": "2026-11-23T08:00:00+00:00", "hours": 1.0}, {"start": "2026-11-23T09:00:00+00:00", "hours": 1.0}]', '2026-11-28 08:44:09.921633+00');
INSERT INTO public.forecasts VALUES (2, 'second', '[{"start": "2026-11-23T08:00:00+00:00", "hours": 1.0}, {"start": "2026-11-23T09:00:00+00:00", "hours": 1.0}]', '2026-11-28 08:44:09.931792+00');
INSERT INTO public.gpu_types VALUES ('A10', 24, 1, 1.2, '2026-11-28 08:44:09.881111+00');
INSERT INTO public.load_reports VALUES (1, 'one', 1, '2026-11-23 08:00:00+00', 10, 1, 0.33, '2026-11-28 08:44:18.99025+00');
INSERT INTO public.load_reports VALUES (2, 'two', 1, '2026-11-23 08:00:00+00', 10, 1, 0.33, '2026-11-28 08:44:19.010518+00');
INSERT INTO public.models VALUES ('resnet', 60, 1, '{}', '2026-11-28 08:44:09.895015+00');
INSERT INTO public.models VALUES ('bert', 120, 2, '{}', '2026-11-28 08:44:09.895015+00');
INSERT INTO public.nodes VALUES ('node-1', '2026-11-28 08:44:19.077615+00', '{"plan_version": 3, "plan_known": 3, "sent_at_s": 1790000000.0, "clock_off_s": 0.2, "cache_fault": null, "planner_fault": null, "sub_clusters": [{"id": "A100-40GB/zone-a/1", "plan_version": 3, "fault": null, "dispatcher": {"state": "running", "pid": 4711, "starts": 1, "plan_version": 3, "http_url": "http://127.0.0.1:8000"}, "gpus": [{"gpu": 0, "device": "0", "state": "running", "pid": 4712, "starts": 1, "memory_bytes": 1073741824, "models": ["resnet50"]}]}]}');
INSERT INTO public.observed_load VALUES (1, 'resnet', 3000, 2990, 4, 6, 0, 1.1, 600, 5, 3.3, '[[4, 300, 5.1], [6, 300, 6.2]]');
INSERT INTO public.observed_load VALUES (2, 'resnet', 3000, 2990, 4, 6, 0, 1.1, 600, 5, 3.3, '[[4, 300, 5.1], [6, 300, 6.2]]');
INSERT INTO public.plans VALUES (2, 'certified', '16fc67a6cac78600', 2, '181629036110e35aaa8f7b1e531464ad9e943f9ac69ae12bade8de7e6fbeb76a', 'optimal', 1.2, 1.2, 0, 0.3030374551442838, 0.7474687873797635, 1.2, 1, 1, 'greedy', '{"solver": "greedy", "time_limit_s": 10.0, "seed": 2, "use_observed": false, "observed_since": null, "observed_until": null, "policy": {}}', 2, '{"status": "optimal", "objective": 1.2, "bound": 1.2, "gap": 0.0, "fluid_bound": 0.3030374551442838, "physical_gap": 0.7474687873797635, "cost_usd_per_hour": 1.2, "sub_clusters": [{"id": "sc-01", "gpu_type": "A10", "zone": "zone-a", "gpus": [1, 1], "models": [{"id": "bert", "share": [1.0, 1.0], "batch_size": 32}, {"id": "resnet", "share": [1.0, 1.0], "batch_size": 32}]}], "unserved": [], "excuses": [], "solver": "greedy", "seed": 2, "problem_digest": "181629036110e35aaa8f7b1e531464ad9e943f9ac69ae12bade8de7e6fbeb76a", "bound_method": "fluid"}', '2026-11-28 08:44:18.857175+00');
INSERT INTO public.plans VALUES (1, 'active', 'b977dcc272d20a28', 1, '181629036110e35aaa8f7b1e531464ad9e943f9ac69ae12bade8de7e6fbeb76a', 'optimal', 1.2, 1.2, 0, 0.3030374551442838, 0.7474687873797635, 1.2, 1, 1, 'greedy', '{"solver": "greedy", "time_limit_s": 10.0, "seed": 1, "use_observed": false, "observed_since": null, "observed_until": null, "policy": {}}', 1, '{"status": "optimal", "objective": 1.2, "bound": 1.2, "gap": 0.0, "fluid_bound": 0.3030374551442838, "physical_gap": 0.7474687873797635, "cost_usd_per_hour": 1.2, "sub_clusters": [{"id": "sc-01", "gpu_type": "A10", "zone": "zone-a", "gpus": [1, 1], "models": [{"id": "bert", "share": [1.0, 1.0], "batch_size": 32}, {"id": "resnet", "share": [1.0, 1.0], "batch_size": 32}]}], "unserved": [], "excuses": [], "solver": "greedy", "seed": 1, "problem_digest": "181629036110e35aaa8f7b1e531464ad9e943f9ac69ae12bade8de7e6fbeb76a", "bound_method": "fluid"}', '2026-11-28 08:44:13.697437+00');
INSERT INTO public.pools VALUES ('A10', 'zone-a', 8, '2026-11-28 08:44:09.889383+00');
INSERT INTO public.problems VALUES ('181629036110e35aaa8f7b1e531464ad9e943f9ac69ae12bade8de7e6fbeb76a', '{"epochs": [{"start": "2026-11-23T08:00:00+00:00", "hours": 1.0}, {"start": "2026-11-23T09:00:00+00:00", "hours": 1.0}], "gpu_types": [{"id": "A10", "memory_gib": 24.0, "reserve_gib": 1.0, "price_usd_per_hour": 1.2}], "pools": [{"gpu_type": "A10", "zone": "zone-a", "available": 8}], "models": [{"id": "bert", "slo_ms": 120.0, "priority": 2, "demand_rps": [50.0, 40.0], "arrival_cv": 1.0, "may_split": true, "profiles": {"A10": {"alpha_ms": 0.5, "beta_ms": 3.0, "weights_gib": 1.0, "workspace_gib_per_item": 0.05, "batch_size_max": 32}}, "rules": {"gpu_types_allowed": null, "gpu_types_excluded": [], "zones_allowed": null, "zones_min": 1, "dedicated": false, "pinned_to": null}}, {"id": "resnet", "slo_ms": 60.0, "priority": 1, "demand_rps": [200.0, 300.0], "arrival_cv": 1.12, "may_split": true, "profiles": {"A10": {"alpha_ms": 0.5, "beta_ms": 3.0, "weights_gib": 1.0, "workspace_gib_per_item": 0.05, "batch_size_max": 32}}, "rules": {"gpu_types_allowed": null, "gpu_types_excluded": [], "zones_allowed": null, "zones_min": 1, "dedicated": false, "pinned_to": null}}], "pipelines": [], "policy": {"sub_cluster_gpus_max": 64, "scheduler_rate_rps_max": null, "bad_rate_max": 0.01, "churn_gib_max": null, "replan_worth_min": null, "gpus": "reserved", "delays": {"ctrl_us": 100, "data_us": 50, "resp_us": 2000}, "sub_cluster_models_max": null, "exclusions": [], "hardness": {"inventory": "hard", "spread": "fix_if_broken", "exclusions": "fix_if_broken", "models_max": "fix_if_broken", "churn": "hard"}, "balance": false}, "active_plan": null}', '2026-11-28 08:44:09.952038+00');
INSERT INTO public.problems VALUES ('de538b1b6536e8b524f6ada4636bec969c5ec6257b296980d5df1ebcb5e4460d', '{"epochs": [{"start": "2026-11-23T08:00:00+00:00", "hours": 1.0}, {"start": "2026-11-23T09:00:00+00:00", "hours": 1.0}], "gpu_types": [{"id": "A10", "memory_gib": 24.0, "reserve_gib": 1.0, "price_usd_per_hour": 1.2}], "pools": [{"gpu_type": "A10", "zone": "zone-a", "available": 8}], "models": [{"id": "bert", "slo_ms": 120.0, "priority": 2, "demand_rps": [50.0, 40.0], "arrival_cv": 1.0, "may_split": true, "profiles": {"A10": {"alpha_ms": 0.5, "beta_ms": 3.0, "weights_gib": 1.0, "workspace_gib_per_item": 0.05, "batch_size_max": 32}}, "rules": {"gpu_types_allowed": null, "gpu_types_excluded": [], "zones_allowed": null, "zones_min": 1, "dedicated": false, "pinned_to": null}}, {"id": "resnet", "slo_ms": 60.0, "priority": 1, "demand_rps": [200.0, 300.0], "arrival_cv": 1.12, "may_split": true, "profiles": {"A10": {"alpha_ms": 0.5, "beta_ms": 3.0, "weights_gib": 1.0, "workspace_gib_per_item": 0.05, "batch_size_max": 32}}, "rules": {"gpu_types_allowed": null, "gpu_types_excluded": [], "zones_allowed": null, "zones_min": 1, "dedicated": false, "pinned_to": null}}], "pipelines": [], "policy": {"sub_cluster_gpus_max": 64, "scheduler_rate_rps_max": null, "bad_rate_max": 0.01, "churn_gib_max": null, "replan_worth_min": null, "gpus": "reserved", "delays": {"ctrl_us": 100, "data_us": 50, "resp_us": 2000}, "sub_cluster_models_max": null, "exclusions": [], "hardness": {"inventory": "hard", "spread": "fix_if_broken", "exclusions": "fix_if_broken", "models_max": "fix_if_broken", "churn": "hard"}, "balance": false}, "active_plan": {"status": "optimal", "objective": 1.2, "bound": 1.2, "gap": 0.0, "fluid_bound": 0.3030374551442838, "physical_gap": 0.7474687873797635, "cost_usd_per_hour": 1.2, "sub_clusters": [{"id": "sc-01", "gpu_type": "A10", "zone": "zone-a", "gpus": [1, 1], "models": [{"id": "bert", "share": [1.0, 1.0], "batch_size": 32}, {"id": "resnet", "share": [1.0, 1.0], "batch_size": 32}]}], "unserved": [], "excuses": [], "solver": "greedy", "seed": 1, "problem_digest": "181629036110e35aaa8f7b1e531464ad9e943f9ac69ae12bade8de7e6fbeb76a", "bound_method": "fluid"}}', '2026-11-28 08:44:19.033391+00');
INSERT INTO public.profiles VALUES ('resnet', 'A10', '{"alpha_ms": 0.5, "beta_ms": 3.0}', 1, 0.05, 32, NULL, '2026-11-28 08:44:09.905106+00');
INSERT INTO public.profiles VALUES ('bert', 'A10', '{"alpha_ms": 0.5, "beta_ms": 3.0}', 1, 0.05, 32, NULL, '2026-11-28 08:44:09.905106+00');
INSERT INTO public.runs VALUES ('b977dcc272d20a28', 'succeeded', 1, '181629036110e35aaa8f7b1e531464ad9e943f9ac69ae12bade8de7e6fbeb76a', '{"solver": "greedy", "time_limit_s": 10.0, "seed": 1, "use_observed": false, "observed_since": null, "observed_until": null, "policy": {}}', NULL, 'planner', '2026-11-28 08:44:09.952038+00', '2026-11-28 08:44:10.262067+00', '2026-11-28 08:44:13.697437+00', 1, false, NULL, NULL, '{"stage": "done", "elapsed_s": 1.007, "solver": "greedy", "incumbent": 1.2, "bound": 1.2, "gap": 0.0, "sub_clusters_certified": 1, "sub_clusters": 1}', NULL, 1);
INSERT INTO public.runs VALUES ('16fc67a6cac78600', 'succeeded', 2, '181629036110e35aaa8f7b1e531464ad9e943f9ac69ae12bade8de7e6fbeb76a', '{"solver": "greedy", "time_limit_s": 10.0, "seed": 2, "use_observed": false, "observed_since": null, "observed_until": null, "policy": {}}', NULL, 'planner', '2026-11-28 08:44:13.743224+00', '2026-11-28 08:44:13.86187+00', '2026-11-28 08:44:18.857175+00', 1, false, NULL, NULL, '{"stage": "done", "elapsed_s": 1.177, "solver": "greedy", "incumbent": 1.2, "bound": 1.2, "gap": 0.0, "sub_clusters_certified": 1, "sub_clusters": 1}', NULL, 2);
INSERT INTO public.runs VALUES ('cc10cacaec1af59d', 'cancelled', 2, 'de538b1b6536e8b524f6ada4636bec969c5ec6257b296980d5df1ebcb5e4460d', '{"solver": "highs", "time_limit_s": 60.0, "seed": 0, "use_observed": false, "observed_since": null, "observed_until": null, "policy": {}}', NULL, 'anonymous', '2026-11-28 08:44:19.033391+00', NULL, '2026-11-28 08:44:19.058573+00', 0, false, NULL, NULL, '{"stage": "queued"}', NULL, NULL);
SELECT pg_catalog.setval('public.activations_id_seq', 1, true);
SELECT pg_catalog.setval('public.audit_log_id_seq', 14, true);
SELECT pg_catalog.setval('public.forecasts_id_seq', 2, true);
SELECT pg_catalog.setval('public.load_reports_id_seq', 2, true);
SELECT pg_catalog.setval('public.plans_version_seq', 2, true);
ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.activations
    ADD CONSTRAINT pk_activations PRIMARY KEY (id);
ALTER TABLE ONLY public.audit_log
    ADD CONSTRAINT pk_audit_log PRIMARY KEY (id);
ALTER TABLE ONLY public.certificates
    ADD CONSTRAINT pk_certificates PRIMARY KEY (plan_version);
ALTER TABLE ONLY public.forecast_models
    ADD CONSTRAINT pk_forecast_models PRIMARY KEY (forecast_id, model);
ALTER TABLE ONLY public.forecasts
    ADD CONSTRAINT pk_forecasts PRIMARY KEY (id);
ALTER TABLE ONLY public.gpu_types
    ADD CONSTRAINT pk_gpu_types PRIMARY KEY (id);
ALTER TABLE ONLY public.load_reports
    ADD CONSTRAINT pk_load_reports PRIMARY KEY (id);
ALTER TABLE ONLY public.models
    ADD CONSTRAINT pk_models PRIMARY KEY (id);
ALTER TABLE ONLY public.nodes
    ADD CONSTRAINT pk_nodes PRIMARY KEY (id);
ALTER TABLE ONLY public.observed_load
    ADD CONSTRAINT pk_observed_load PRIMARY KEY (report_id, model);
ALTER TABLE ONLY public.plans
    ADD CONSTRAINT pk_plans PRIMARY KEY (version);
ALTER TABLE ONLY public.pools
    ADD CONSTRAINT pk_pools PRIMARY KEY (gpu_type, zone);
ALTER TABLE ONLY public.problems
    ADD CONSTRAINT pk_problems PRIMARY KEY (digest);
ALTER TABLE ONLY public.profiles
    ADD CONSTRAINT pk_profiles PRIMARY KEY (model, gpu_type);
ALTER TABLE ONLY public.runs
    ADD CONSTRAINT pk_runs PRIMARY KEY (id);
ALTER TABLE ONLY public.load_reports
    ADD CONSTRAINT uq_load_reports_sub_cluster_interval_start UNIQUE (sub_cluster, interval_start);
ALTER TABLE ONLY public.plans
    ADD CONSTRAINT uq_plans_run_id UNIQUE (run_id);
CREATE INDEX ix_load_reports_interval_start ON public.load_reports USING btree (interval_start);
CREATE INDEX ix_runs_state_created_at ON public.runs USING btree (state, created_at);
CREATE UNIQUE INDEX uq_activations_current ON public.activations USING btree (fleet) WHERE (deactivated_at IS NULL);
ALTER TABLE ONLY public.activations
    ADD CONSTRAINT fk_activations_plan_version_plans FOREIGN KEY (plan_version) REFERENCES public.plans(version);
ALTER TABLE ONLY public.certificates
    ADD CONSTRAINT fk_certificates_plan_version_plans FOREIGN KEY (plan_version) REFERENCES public.plans(version);
ALTER TABLE ONLY public.forecast_models
    ADD CONSTRAINT fk_forecast_models_forecast_id_forecasts FOREIGN KEY (forecast_id) REFERENCES public.forecasts(id);
ALTER TABLE ONLY public.forecast_models
    ADD CONSTRAINT fk_forecast_models_model_models FOREIGN KEY (model) REFERENCES public.models(id);
ALTER TABLE ONLY public.observed_load
    ADD CONSTRAINT fk_observed_load_report_id_load_reports FOREIGN KEY (report_id) REFERENCES public.load_reports(id);
ALTER TABLE ONLY public.plans
    ADD CONSTRAINT fk_plans_forecast_id_forecasts FOREIGN KEY (forecast_id) REFERENCES public.forecasts(id);
ALTER TABLE ONLY public.plans
    ADD CONSTRAINT fk_plans_problem_digest_problems FOREIGN KEY (problem_digest) REFERENCES public.problems(digest);
ALTER TABLE ONLY public.pools
    ADD CONSTRAINT fk_pools_gpu_type_gpu_types FOREIGN KEY (gpu_type) REFERENCES public.gpu_types(id);
ALTER TABLE ONLY public.profiles
    ADD CONSTRAINT fk_profiles_gpu_type_gpu_types FOREIGN KEY (gpu_type) REFERENCES public.gpu_types(id);
ALTER TABLE ONLY public.profiles
    ADD CONSTRAINT fk_profiles_model_models FOREIGN KEY (model) REFERENCES public.models(id);
ALTER TABLE ONLY public.runs
    ADD CONSTRAINT fk_runs_forecast_id_forecasts FOREIGN KEY (forecast_id) REFERENCES public.forecasts(id);
ALTER TABLE ONLY public.runs
    ADD CONSTRAINT fk_runs_plan_version_plans FOREIGN KEY (plan_version) REFERENCES public.plans(version);
ALTER TABLE ONLY public.runs
    ADD CONSTRAINT fk_runs_problem_digest_problems FOREIGN KEY (problem_digest) REFERENCES public.problems(digest);
