"""Simulate a plan's sub-clusters with the dispatcher's own core before the plan goes live."""

from planner.certify.certificate import Certificate, EpochEvidence, SubClusterCertificate, Verdict
from planner.certify.certify import SEED, certified_plan, certify
from planner.certify.judging import Budget
from planner.certify.traffic import model_specs

__all__ = [
    "SEED",
    "Budget",
    "Certificate",
    "EpochEvidence",
    "SubClusterCertificate",
    "Verdict",
    "certified_plan",
    "certify",
    "model_specs",
]
