"""What the console shows of the way to the active plan; free of HTML."""

from __future__ import annotations

from dataclasses import dataclass

from planner.rollout.changes import Change
from planner.service.errors import NoActivePlan
from planner.service.rollouts.account import Account, WaveAccount, WaveState, account
from planner.service.rollouts.view import RolloutState
from planner.store.store import Store

WAVES_SHOWN = 24
ROWS_SHOWN = 40
MODELS_NAMED = 4


@dataclass(frozen=True, slots=True)
class RolloutView:
    """``waves`` are those about the open one; ``left_out`` as many are not shown."""

    account: Account
    waves: tuple[WaveAccount, ...]

    @property
    def left_out(self) -> int:
        return len(self.account.waves) - len(self.waves)

    @property
    def brief(self) -> str:
        """For places that have room for a few words."""
        at = self.account.progress
        match at.state:
            case RolloutState.ORDERING:
                return "waves are being ordered"
            case RolloutState.AT_ONCE:
                return "taken up at once"
            case RolloutState.DONE:
                return "held by the fleet"
        return f"wave {at.wave} of {at.waves}" + (" done" if at.wave == at.waves_done else "")

    def rows(self, wave: WaveAccount) -> tuple[Change, ...]:
        """The sub-clusters to show of a wave, those that it waits for first."""
        waits_for = self.account.waits_for if self.account.state_of(wave) is WaveState.OPEN else {}
        ordered = sorted(wave.changes, key=lambda change: change.sub_cluster not in waits_for)
        return tuple(ordered[:ROWS_SHOWN])


def rollout_view(store: Store) -> RolloutView | None:
    """None where no plan is active."""
    try:
        found = account(store)
    except NoActivePlan:
        return None
    first = max(0, min(found.progress.wave - WAVES_SHOWN // 2, len(found.waves) - WAVES_SHOWN))
    return RolloutView(found, found.waves[first : first + WAVES_SHOWN])


def gpus_text(change: Change) -> str:
    """How many GPUs the sub-cluster has, and what becomes of them."""
    if not change.gpus_before:
        return f"opens with {change.gpus}"
    if not change.gpus:
        return f"closes, frees {change.gpus_before}"
    if change.gpus == change.gpus_before:
        return str(change.gpus)
    return f"{change.gpus_before} → {change.gpus}"


def models_text(models: tuple[str, ...]) -> str:
    """Names, as many as fit."""
    if not models:
        return "–"
    more = len(models) - MODELS_NAMED
    return ", ".join(models[:MODELS_NAMED]) + (f" and {more} more" if more > 0 else "")
