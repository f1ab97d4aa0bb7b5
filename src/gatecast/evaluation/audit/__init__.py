"""Can the scores be trusted?  Checks that any forecaster must pass: the net, a baseline, or somebody else's model."""

from gatecast.evaluation.audit.results import CLAIMS, THOROUGHLY, Audit, AuditOptions, Check, audit_to_json
from gatecast.evaluation.audit.running import audit_forecaster
from gatecast.evaluation.audit.subject import Refit

__all__ = ["CLAIMS", "THOROUGHLY", "Audit", "AuditOptions", "Check", "Refit", "audit_forecaster", "audit_to_json"]
