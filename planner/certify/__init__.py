"""Simulate a plan's sub-clusters with the dispatcher's own core before the plan goes live."""

from planner.certify.certificate import Certificate, EpochEvidence, SubClusterCertificate, Verdict
from planner.certify.certify import certified_plan, certify
from planner.certify.sub_cluster_simulation import Budget, model_specs

__all__ = [
    "Budget",
    "Certificate",
    "EpochEvidence",
    "SubClusterCertificate",
    "Verdict",
    "certified_plan",
    "certify",
    "model_specs",
]
