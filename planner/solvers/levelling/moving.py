r"""
Moving whole models between places, by the prices of the levelling program's relaxation.

Its duals :math:`y_{ke}` say what a GPU more is worth to place k in epoch e. A model that stays whole moves
from k to l, or changes places with another, if :math:`\sum_e y_{le}\,\nu_{mle} < \sum_e y_{ke}\,\nu_{mke}`.
The program, warm from before, then says whether the fleet got cheaper. Prices hold for small changes only:
after each failure fewer models move at once, and smaller ones. Every place may lack GPUs at a high price, so
that there is always a solution.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import highspy
import numpy as np
from numpy.typing import NDArray

from planner.formulation.highs_lp import highs_lp
from planner.problem.tables import CapacityTables
from planner.solvers.levelling.company import Company, tied
from planner.solvers.levelling.loads import Loads
from planner.solvers.levelling.places import Place
from planner.solvers.levelling.program import Program
from planner.solvers.stopping import Stop

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

LACKING_PRICE = 20.0  # of a GPU's, for one that a place of fixed size lacks
WIDTH_FIRST, WIDTH_SHARE = 8, 0.25  # moves at once; at most so many for each place
SIZE_FIRST, SIZE_LEAST, SIZE_MOST = 1.0, 0.05, 64.0  # GPUs that a model that moves may ask for at most
SIZE_GROWTH = 1.25
PATIENCE, EARNED_LEAST = 60, 5e-5  # trials that go on where they earned so much, relative to the whole
TABU = 25  # trials for which what failed is not tried again
CANDIDATES = 2_000  # most promising moves that are looked at
PAYS = 1e-4  # dollars per hour, the least that a move must promise
CLASHES = 1e6  # GPUs where a model cannot live

Move = tuple[int, int]
"""Index of a whole model, and the place that it moves to."""


def moved(
    tables: CapacityTables,
    places: Sequence[Place],
    program: Program,
    *,
    deadline_s: float,
    seed: int,
    stop: Stop,
    loads: Loads | None = None,
) -> list[Place]:
    """
    The places with their whole models where the relaxation is cheapest; ``deadline_s`` is monotonic.

    With ``loads`` a move also costs what it loads.
    """
    whole = _Whole.of(tables, places, program, loads)
    if not len(whole.models):
        return list(places)
    relaxed = _Relaxed(program, len(tables.hours), seed)
    begin = relaxed.solve(deadline_s)
    if begin is None:
        return list(places)
    value, prices = begin
    search = _Search(whole, value + whole.loaded(), prices)
    while search.is_worth_going_on() and time.monotonic() < deadline_s and not stop():
        moves = search.moves()
        if not moves:
            break
        before = [(i, int(whole.home[i]), whole.own[i].copy()) for i, _ in moves]
        relaxed.change(whole.move([(i, to, whole.need[i, whole.class_of[to]]) for i, to in moves]))
        found = relaxed.solve(deadline_s)
        if found is None or not search.judge(moves, found[0] + whole.loaded(), found[1]):
            relaxed.change(whole.move(before))
        if found is None:
            break
    return whole.placed(places, len(tables.hours))


@dataclass(slots=True, eq=False)
class _Relaxed:
    """The program without integers, kept in HiGHS."""

    program: Program
    epochs: int
    seed: int
    solver: highspy.Highs = field(init=False)
    upper: Floats = field(init=False)

    def __post_init__(self) -> None:
        program = self.program
        arrays = dataclasses.replace(
            program.builder.arrays(), column_integer=np.zeros(len(program.cost), dtype=bool)
        )
        self.solver = highspy.Highs()
        self.solver.silent()
        for option, value in (("threads", 1), ("random_seed", self.seed)):
            self.solver.setOptionValue(option, value)
        self.solver.passModel(highs_lp(arrays))
        columns = np.arange(len(program.cost), dtype=np.int32)
        self.solver.changeColsCost(len(columns), columns, program.cost)
        for count, rows in zip(program.counts, program.rows, strict=True):
            price = LACKING_PRICE * float(program.cost[count])
            lacking = rows[: self.epochs].astype(np.int32)
            self.solver.addCol(price, 0.0, highspy.kHighsInf, len(lacking), lacking, -np.ones(len(lacking)))
        self.upper = arrays.row_upper

    def solve(self, deadline_s: float) -> tuple[float, Floats] | None:
        """Dollars per hour, and prices like the program's rows; None where time is over."""
        self.solver.setOptionValue(
            "time_limit", self.solver.getRunTime() + max(0.01, deadline_s - time.monotonic())
        )
        self.solver.run()
        if self.solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return None
        prices = np.maximum(0.0, -np.array(self.solver.getSolution().row_dual)[self.program.rows])
        return float(self.solver.getInfo().objective_function_value), prices

    def change(self, by_place: dict[int, Floats]) -> None:
        """What the places' whole models ask for more than before, like a place's rows."""
        for k, more in by_place.items():
            rows = self.program.rows[k]
            self.upper[rows] -= more
            for row in rows:
                self.solver.changeRowBounds(int(row), -highspy.kHighsInf, float(self.upper[row]))


@dataclass(slots=True, eq=False)
class _Whole:
    """
    The models that stay whole (I), and what each asks for in places of each class (C): a pool and a count.

    Attributes
    ----------
    class_of
        (K,) class of each place.
    home
        (I,) place of each model.
    need, peak
        (I, C, R) like a place's rows, (I, C) the most GPUs; ``CLASHES`` where the model cannot live.
    own
        (I, R) where the model lives now.
    weights, workspace
        (I, C) GiB.
    planned, free
        (K,) GiB of workspace, and left for more weights.
    loading
        (I, K) dollars per hour that its loads there count as.
    company
        Who else lives there.
    """

    models: Integers
    class_of: Integers
    home: Integers
    need: Floats
    peak: Floats
    own: Floats
    weights: Floats
    workspace: Floats
    planned: Floats
    free: Floats
    loading: Floats
    company: Company

    @classmethod
    def of(
        cls, tables: CapacityTables, places: Sequence[Place], program: Program, loads: Loads | None
    ) -> _Whole:
        """Of the models that are all in one place, and may leave it."""
        staying = tied(tables.rules)
        pairs = [
            (m, k, own)
            for k, place in enumerate(places)
            for m, own in place.own.items()
            if m not in staying and place.draft.planned(m).min() == 1.0
        ]
        classes = sorted({(place.draft.pool, place.gpus) for place in places})
        models = [m for m, _, _ in pairs]
        types = [int(tables.pool_types[pool]) for pool, _ in classes]
        counts = [gpus - 1 for _, gpus in classes]
        need = tables.need[models][:, types, counts]
        own = np.array([own for _, _, own in pairs]).reshape(len(models), len(tables.hours))
        if program.rows.shape[1] > len(tables.hours):
            rate = tables.rate_rps[models]
            need = np.concatenate([need, np.broadcast_to(rate[:, None, :], need.shape)], axis=2)
            own = np.concatenate([own, rate], axis=1)
        allowed = tables.rules.allowed[models][:, [pool for pool, _ in classes]]
        need[~(np.isfinite(need).all(axis=2) & allowed)] = CLASHES
        free = np.array([place.free_gib for place in places])
        members = [set(place.draft.shares) for place in places]
        for m, k in program.shares:
            if m not in places[k].draft.shares:
                free[k] -= tables.weights_gib[m, tables.pool_types[places[k].draft.pool]]
                members[k].add(m)
        loading = np.zeros((len(models), len(places)))
        if loads is not None:
            gpus = np.array([place.gpus for place in places], dtype=np.int64)
            loading = loads.price_usd_per_hour * loads.of_each(models, gpus)
        return cls(
            models=np.array(models, dtype=np.int64),
            class_of=np.array([classes.index((p.draft.pool, p.gpus)) for p in places], dtype=np.int64),
            home=np.array([k for _, k, _ in pairs], dtype=np.int64),
            need=need,
            peak=need[:, :, : len(tables.hours)].max(axis=2),
            own=own,
            weights=tables.weights_gib[models][:, types],
            workspace=tables.workspace_gib[models][:, types, counts],
            planned=np.array([place.workspace_gib for place in places]),
            free=free,
            loading=loading,
            company=Company.of(tables, members),
        )

    def move(self, moves: Sequence[tuple[int, int, Floats]]) -> dict[int, Floats]:
        """Move models, with what each asks for there; how much more each place's models ask for now."""
        more: dict[int, Floats] = {}
        for i, to, asked in moves:
            begin = int(self.home[i])
            more[begin] = more.get(begin, 0.0) - self.own[i]
            more[to] = more.get(to, 0.0) + asked
            self.free[begin] += self.weights[i, self.class_of[begin]]
            self.free[to] -= self.weights[i, self.class_of[to]]
            self.home[i], self.own[i] = to, asked
            m = int(self.models[i])
            self.company.move([], [m], begin)
            self.company.move([m], [], to)
        return more

    def loaded(self) -> float:
        """Dollars per hour that the loads of all these models count as, where they live now."""
        return float(self.loading[np.arange(len(self.home)), self.home].sum())

    def has_room(self, moves: Sequence[Move]) -> bool:
        """Whether memory holds the moved models and their workspace, and they may live there."""
        free, planned = dict[int, float](), dict[int, float]()
        for i, to in moves:
            begin, c = int(self.home[i]), self.class_of[to]
            free[begin] = free.get(begin, 0.0) + self.weights[i, self.class_of[begin]]
            free[to] = free.get(to, 0.0) - self.weights[i, c]
            planned[to] = max(planned.get(to, 0.0), float(self.workspace[i, c]))
        return all(
            self.free[k] + more >= max(0.0, planned.get(k, 0.0) - self.planned[k]) for k, more in free.items()
        ) and self._is_welcome(moves)

    def _is_welcome(self, moves: Sequence[Move]) -> bool:
        coming, leaving = dict[int, list[int]](), dict[int, list[int]]()
        for i, to in moves:
            m = int(self.models[i])
            coming.setdefault(to, []).append(m)
            leaving.setdefault(int(self.home[i]), []).append(m)
        return all(self.company.admits(some, leaving.get(k, ()), k) for k, some in coming.items())

    def placed(self, places: Sequence[Place], epochs: int) -> list[Place]:
        """The places with these models in them."""
        mine = set(self.models.tolist())
        found = []
        for k, place in enumerate(places):
            here = np.flatnonzero(self.home == k)
            own = {m: need for m, need in place.own.items() if m not in mine}
            own |= {int(self.models[i]): self.own[i, :epochs] for i in here}
            stay = {m: share for m, share in place.draft.shares.items() if m not in mine}
            shares = stay | {int(self.models[i]): np.ones(epochs) for i in here}
            found.append(
                dataclasses.replace(place, draft=dataclasses.replace(place.draft, shares=shares), own=own)
            )
        return found


@dataclass(slots=True, eq=False)
class _Search:
    """Trials so far: the best value, the prices there, and what is not to be tried again for a while."""

    whole: _Whole
    value: float
    prices: Floats
    values: list[float] = field(default_factory=list)
    width: int = WIDTH_FIRST
    size: float = SIZE_FIRST
    trial: int = 0
    tabu: dict[Move, int] = field(default_factory=dict)
    gain: Floats | None = None

    def moves(self) -> list[Move]:
        """What promises most: single moves, each between other places, or one exchange."""
        self.trial += 1
        if self.gain is None:
            self.gain = self._gains()
        while not (found := self._moves(self.gain)) and self.size < SIZE_MOST:
            self.size *= SIZE_GROWTH
        return found

    def _moves(self, gain: Floats) -> list[Move]:
        gain = np.where(self.whole.peak[:, self.whole.class_of] <= self.size, gain, -CLASHES)
        singles = self._singles(gain)
        if singles and (self.width > 1 or self.trial % 2):
            return singles
        return self._exchange(gain) or singles

    def is_worth_going_on(self) -> bool:
        self.values.append(self.value)
        before = self.values[-PATIENCE - 1] if len(self.values) > PATIENCE else np.inf
        return before - self.value > EARNED_LEAST * self.value

    def judge(self, moves: Sequence[Move], value: float, prices: Floats) -> bool:
        """Whether the moves are kept."""
        if value < self.value - PAYS:
            self.value, self.prices, self.gain = value, prices, None
            most = max(WIDTH_FIRST, int(WIDTH_SHARE * len(self.whole.class_of)))
            self.width = min(most, 2 * self.width)
            self.size = min(SIZE_MOST, self.size * SIZE_GROWTH)
            return True
        if len(moves) <= 2:
            self.tabu |= dict.fromkeys(moves, self.trial + TABU)
        if self.width == 1:
            self.size = max(SIZE_LEAST, self.size / SIZE_GROWTH)
        self.width = max(1, len(moves) // 2)
        return False

    def _gains(self) -> Floats:
        """(I, K) dollars per hour that a model saves in each place; very negative where it cannot live."""
        whole = self.whole
        paid = (self.prices[whole.home] * whole.own).sum(axis=1)
        gain = np.empty((len(whole.models), len(whole.class_of)))
        for c in range(whole.need.shape[1]):
            mine = np.flatnonzero(whole.class_of == c)
            charge = whole.need[:, c] @ self.prices[mine].T
            gain[:, mine] = paid[:, None] - charge
        at = np.arange(len(whole.models))
        gain += whole.loading[at, whole.home][:, None] - whole.loading
        gain[at, whole.home] = 0.0
        return gain

    def _singles(self, gain: Floats) -> list[Move]:
        whole, found, touched = self.whole, list[Move](), set[int]()
        flat = gain.ravel()
        best = np.argpartition(-flat, min(CANDIDATES, flat.size - 1))[:CANDIDATES]
        for at in best[np.argsort(-flat[best], kind="stable")]:
            i, to = divmod(int(at), gain.shape[1])
            begin = int(whole.home[i])
            if gain[i, to] < PAYS or len(found) >= self.width:
                break
            if begin in touched or to in touched or self.tabu.get((i, to), 0) > self.trial:
                continue
            if whole.has_room([(i, to)]):
                found.append((i, to))
                touched |= {begin, to}
        return found

    def _exchange(self, gain: Floats) -> list[Move]:
        """The best pair of models of two places, one of each, to change places."""
        whole, count = self.whole, gain.shape[1]
        best, who = np.full((count, count), -np.inf), np.zeros((count, count), dtype=np.int64)
        for k in range(count):
            mine = np.flatnonzero(whole.home == k)
            if len(mine):
                who[k] = mine[gain[mine].argmax(axis=0)]
                best[k] = gain[who[k], np.arange(count)]
        both = best + best.T
        np.fill_diagonal(both, -np.inf)
        for at in np.argsort(-both, axis=None)[:CANDIDATES]:
            k, to = divmod(int(at), count)
            moves = [(int(who[k, to]), to), (int(who[to, k]), k)]
            if both[k, to] < PAYS:
                break
            if all(self.tabu.get(move, 0) <= self.trial for move in moves) and whole.has_room(moves):
                return moves
        return []
