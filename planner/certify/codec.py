"""The certificate as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from planner.certify.certificate import Certificate


def certificate_to_json(certificate: Certificate) -> dict[str, Any]:
    """All fields by name, and beside them what follows from them: ``passed`` and ``bad_rate``."""
    return {
        "problem_digest": certificate.problem_digest,
        "passed": certificate.passed,
        "bad_rate": certificate.bad_rate,
        "bad_rate_max": certificate.bad_rate_max,
        "confidence": certificate.confidence,
        "policy": certificate.policy,
        "seed": certificate.seed,
        "sub_clusters": [
            {
                "id": cluster.sub_cluster,
                "passed": cluster.passed,
                "bad_rate": cluster.bad_rate,
                "gpus_planned": cluster.gpus_planned,
                "gpus_certified": cluster.gpus_certified,
                "gpus_refused": cluster.gpus_refused,
                "evidence": [
                    {
                        **asdict(evidence),
                        "verdict": evidence.verdict.value,
                        "models_over": list(evidence.models_over),
                    }
                    for evidence in cluster.evidence
                ],
            }
            for cluster in certificate.sub_clusters
        ],
    }
