"""Contains all the data models used in inputs/outputs"""

from .accuracy_list_out import AccuracyListOut
from .accuracy_out import AccuracyOut
from .activation_body import ActivationBody
from .activation_body_certify import ActivationBodyCertify
from .activation_out import ActivationOut
from .activation_page import ActivationPage
from .advice_out import AdviceOut
from .advice_page import AdvicePage
from .approval_body import ApprovalBody
from .audit_entry_out import AuditEntryOut
from .audit_entry_out_details import AuditEntryOutDetails
from .audit_entry_page import AuditEntryPage
from .backend_body import BackendBody
from .backend_body_kind import BackendBodyKind
from .backend_out import BackendOut
from .binding_out import BindingOut
from .certificate_out import CertificateOut
from .certificate_out_certificate import CertificateOutCertificate
from .clash_out import ClashOut
from .clashing_rule_out import ClashingRuleOut
from .decision_body import DecisionBody
from .decision_out import DecisionOut
from .delays_body import DelaysBody
from .delays_out import DelaysOut
from .delivery_out import DeliveryOut
from .delivery_page import DeliveryPage
from .delivery_state import DeliveryState
from .difference_out import DifferenceOut
from .difference_out_difference import DifferenceOutDifference
from .drift_evidence_out import DriftEvidenceOut
from .epoch_body import EpochBody
from .epoch_out import EpochOut
from .explanation_out import ExplanationOut
from .fault_out import FaultOut
from .fault_out_place import FaultOutPlace
from .fleet_body import FleetBody
from .fleet_body_policy import FleetBodyPolicy
from .fleet_change_body import FleetChangeBody
from .fleet_change_body_policy_type_0 import FleetChangeBodyPolicyType0
from .fleet_out import FleetOut
from .fleet_out_policy import FleetOutPolicy
from .fleet_page import FleetPage
from .forecast_body import ForecastBody
from .forecast_body_source import ForecastBodySource
from .forecast_out import ForecastOut
from .forecast_source import ForecastSource
from .forecast_summary_out import ForecastSummaryOut
from .forecast_summary_page import ForecastSummaryPage
from .get_problem_response_get_problem import GetProblemResponseGetProblem
from .get_rollout_spares import GetRolloutSpares
from .gpu_type_body import GpuTypeBody
from .gpu_type_out import GpuTypeOut
from .gpu_type_page import GpuTypePage
from .health import Health
from .heartbeat_body import HeartbeatBody
from .history_out import HistoryOut
from .hopeless_model_out import HopelessModelOut
from .import_body import ImportBody
from .import_body_plan import ImportBodyPlan
from .imported_out import ImportedOut
from .issued_token_out import IssuedTokenOut
from .load_report_body import LoadReportBody
from .me_out import MeOut
from .measured_latency_out import MeasuredLatencyOut
from .measured_ratio_out import MeasuredRatioOut
from .model_body import ModelBody
from .model_forecast_body import ModelForecastBody
from .model_forecast_out import ModelForecastOut
from .model_load_body import ModelLoadBody
from .model_out import ModelOut
from .model_out_serving import ModelOutServing
from .model_page import ModelPage
from .model_profile_body import ModelProfileBody
from .model_series_out import ModelSeriesOut
from .models_upserted_out import ModelsUpsertedOut
from .new_webhook_out import NewWebhookOut
from .node_dispatcher_body import NodeDispatcherBody
from .node_gpu_body import NodeGpuBody
from .node_out import NodeOut
from .node_out_status import NodeOutStatus
from .node_page import NodePage
from .node_spare_body import NodeSpareBody
from .node_sub_cluster_body import NodeSubClusterBody
from .observed_load_out import ObservedLoadOut
from .observed_model_out import ObservedModelOut
from .observed_series_out import ObservedSeriesOut
from .plan_origin import PlanOrigin
from .plan_out import PlanOut
from .plan_out_options import PlanOutOptions
from .plan_out_plan import PlanOutPlan
from .plan_state import PlanState
from .plan_summary_out import PlanSummaryOut
from .plan_summary_out_options import PlanSummaryOutOptions
from .plan_summary_page import PlanSummaryPage
from .planned_profile_out import PlannedProfileOut
from .planned_profile_page import PlannedProfilePage
from .policy_body import PolicyBody
from .policy_body_gpus import PolicyBodyGpus
from .pool_body import PoolBody
from .pool_out import PoolOut
from .pool_page import PoolPage
from .problem import Problem
from .profile_body import ProfileBody
from .profile_out import ProfileOut
from .profile_page import ProfilePage
from .profile_proposal_out import ProfileProposalOut
from .profile_proposal_page import ProfileProposalPage
from .profile_version_out import ProfileVersionOut
from .profile_version_page import ProfileVersionPage
from .progress_out import ProgressOut
from .proposal_state import ProposalState
from .received_out import ReceivedOut
from .refusal_out import RefusalOut
from .rejection_body import RejectionBody
from .relaxation_out import RelaxationOut
from .replay_body import ReplayBody
from .replay_body_solver import ReplayBodySolver
from .replayed_day_out import ReplayedDayOut
from .replayed_plan_out import ReplayedPlanOut
from .reporter_out import ReporterOut
from .reporter_page import ReporterPage
from .reporting_out import ReportingOut
from .resolution import Resolution
from .resolved_cell_out import ResolvedCellOut
from .resolved_forecast_out import ResolvedForecastOut
from .resolved_model_out import ResolvedModelOut
from .rollout_out import RolloutOut
from .rollout_progress_out import RolloutProgressOut
from .rollout_progress_out_lost_rps import RolloutProgressOutLostRps
from .rotation_body import RotationBody
from .route_change_out import RouteChangeOut
from .route_out import RouteOut
from .routes_out import RoutesOut
from .routes_out_models import RoutesOutModels
from .routes_out_models_additional_property import RoutesOutModelsAdditionalProperty
from .rules_out import RulesOut
from .run_body import RunBody
from .run_body_solver import RunBodySolver
from .run_event_out import RunEventOut
from .run_event_out_error_type_0 import RunEventOutErrorType0
from .run_out import RunOut
from .run_out_demand_type_0 import RunOutDemandType0
from .run_out_error_type_0 import RunOutErrorType0
from .run_out_options import RunOutOptions
from .run_page import RunPage
from .run_state import RunState
from .run_summary_out import RunSummaryOut
from .run_summary_out_error_type_0 import RunSummaryOutErrorType0
from .run_summary_out_options import RunSummaryOutOptions
from .schedule_body import ScheduleBody
from .schedule_body_solver import ScheduleBodySolver
from .schedule_out import ScheduleOut
from .schedule_out_options import ScheduleOutOptions
from .scope import Scope
from .series_point_out import SeriesPointOut
from .served_model_out import ServedModelOut
from .serving_out import ServingOut
from .short_type_out import ShortTypeOut
from .shortfall_out import ShortfallOut
from .slot_out import SlotOut
from .slot_out_details_type_0 import SlotOutDetailsType0
from .slot_outcome import SlotOutcome
from .slot_page import SlotPage
from .step_out import StepOut
from .step_out_step import StepOutStep
from .sub_cluster_serving_out import SubClusterServingOut
from .sub_cluster_spec_out import SubClusterSpecOut
from .submit_forecasts_source import SubmitForecastsSource
from .tensor_body import TensorBody
from .tensor_body_datatype import TensorBodyDatatype
from .tensor_out import TensorOut
from .token_body import TokenBody
from .token_out import TokenOut
from .token_page import TokenPage
from .upserted_out import UpsertedOut
from .verdict import Verdict
from .wave_out import WaveOut
from .wave_out_lost_rps import WaveOutLostRps
from .webhook_body import WebhookBody
from .webhook_out import WebhookOut
from .webhook_page import WebhookPage
from .worth_out import WorthOut

__all__ = (
    "AccuracyListOut",
    "AccuracyOut",
    "ActivationBody",
    "ActivationBodyCertify",
    "ActivationOut",
    "ActivationPage",
    "AdviceOut",
    "AdvicePage",
    "ApprovalBody",
    "AuditEntryOut",
    "AuditEntryOutDetails",
    "AuditEntryPage",
    "BackendBody",
    "BackendBodyKind",
    "BackendOut",
    "BindingOut",
    "CertificateOut",
    "CertificateOutCertificate",
    "ClashingRuleOut",
    "ClashOut",
    "DecisionBody",
    "DecisionOut",
    "DelaysBody",
    "DelaysOut",
    "DeliveryOut",
    "DeliveryPage",
    "DeliveryState",
    "DifferenceOut",
    "DifferenceOutDifference",
    "DriftEvidenceOut",
    "EpochBody",
    "EpochOut",
    "ExplanationOut",
    "FaultOut",
    "FaultOutPlace",
    "FleetBody",
    "FleetBodyPolicy",
    "FleetChangeBody",
    "FleetChangeBodyPolicyType0",
    "FleetOut",
    "FleetOutPolicy",
    "FleetPage",
    "ForecastBody",
    "ForecastBodySource",
    "ForecastOut",
    "ForecastSource",
    "ForecastSummaryOut",
    "ForecastSummaryPage",
    "GetProblemResponseGetProblem",
    "GetRolloutSpares",
    "GpuTypeBody",
    "GpuTypeOut",
    "GpuTypePage",
    "Health",
    "HeartbeatBody",
    "HistoryOut",
    "HopelessModelOut",
    "ImportBody",
    "ImportBodyPlan",
    "ImportedOut",
    "IssuedTokenOut",
    "LoadReportBody",
    "MeasuredLatencyOut",
    "MeasuredRatioOut",
    "MeOut",
    "ModelBody",
    "ModelForecastBody",
    "ModelForecastOut",
    "ModelLoadBody",
    "ModelOut",
    "ModelOutServing",
    "ModelPage",
    "ModelProfileBody",
    "ModelSeriesOut",
    "ModelsUpsertedOut",
    "NewWebhookOut",
    "NodeDispatcherBody",
    "NodeGpuBody",
    "NodeOut",
    "NodeOutStatus",
    "NodePage",
    "NodeSpareBody",
    "NodeSubClusterBody",
    "ObservedLoadOut",
    "ObservedModelOut",
    "ObservedSeriesOut",
    "PlannedProfileOut",
    "PlannedProfilePage",
    "PlanOrigin",
    "PlanOut",
    "PlanOutOptions",
    "PlanOutPlan",
    "PlanState",
    "PlanSummaryOut",
    "PlanSummaryOutOptions",
    "PlanSummaryPage",
    "PolicyBody",
    "PolicyBodyGpus",
    "PoolBody",
    "PoolOut",
    "PoolPage",
    "Problem",
    "ProfileBody",
    "ProfileOut",
    "ProfilePage",
    "ProfileProposalOut",
    "ProfileProposalPage",
    "ProfileVersionOut",
    "ProfileVersionPage",
    "ProgressOut",
    "ProposalState",
    "ReceivedOut",
    "RefusalOut",
    "RejectionBody",
    "RelaxationOut",
    "ReplayBody",
    "ReplayBodySolver",
    "ReplayedDayOut",
    "ReplayedPlanOut",
    "ReporterOut",
    "ReporterPage",
    "ReportingOut",
    "Resolution",
    "ResolvedCellOut",
    "ResolvedForecastOut",
    "ResolvedModelOut",
    "RolloutOut",
    "RolloutProgressOut",
    "RolloutProgressOutLostRps",
    "RotationBody",
    "RouteChangeOut",
    "RouteOut",
    "RoutesOut",
    "RoutesOutModels",
    "RoutesOutModelsAdditionalProperty",
    "RulesOut",
    "RunBody",
    "RunBodySolver",
    "RunEventOut",
    "RunEventOutErrorType0",
    "RunOut",
    "RunOutDemandType0",
    "RunOutErrorType0",
    "RunOutOptions",
    "RunPage",
    "RunState",
    "RunSummaryOut",
    "RunSummaryOutErrorType0",
    "RunSummaryOutOptions",
    "ScheduleBody",
    "ScheduleBodySolver",
    "ScheduleOut",
    "ScheduleOutOptions",
    "Scope",
    "SeriesPointOut",
    "ServedModelOut",
    "ServingOut",
    "ShortfallOut",
    "ShortTypeOut",
    "SlotOut",
    "SlotOutcome",
    "SlotOutDetailsType0",
    "SlotPage",
    "StepOut",
    "StepOutStep",
    "SubClusterServingOut",
    "SubClusterSpecOut",
    "SubmitForecastsSource",
    "TensorBody",
    "TensorBodyDatatype",
    "TensorOut",
    "TokenBody",
    "TokenOut",
    "TokenPage",
    "UpsertedOut",
    "Verdict",
    "WaveOut",
    "WaveOutLostRps",
    "WebhookBody",
    "WebhookOut",
    "WebhookPage",
    "WorthOut",
)
