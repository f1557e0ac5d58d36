"""Tenants, priorities, several items and the repository, through the HTTP door."""

from __future__ import annotations

from dispatcher.contract.sub_cluster import Tenant
from tests.unit.dispatcher.frontend.http_asking import body, get, infer, many, post
from tests.unit.dispatcher.frontend.twice import Twice


def test_the_tenant_reaches_the_service_and_an_unknown_one_is_refused() -> None:
    alone = Twice()
    assert infer(body(parameters={"tenant": "b"}), alone).status_code == 200  # there are none to tell apart
    service = Twice(Tenant("a"), Tenant("b", weight=3))
    infer(body(parameters={"tenant": "b"}), service)
    infer(body(), service)
    assert service.tenants_asking == [1, 0]
    for wrong in ("c", 1):
        answer = infer(body(parameters={"tenant": wrong}), service)
        assert answer.status_code == 400
        assert answer.json()["error"] == f"parameters.tenant: must be one of a, b, got {wrong!r}"
    assert service.tenants_asking == [1, 0]
    assert service.invalid == 2


def test_a_priority_leads_to_the_first_tenant_of_its_level() -> None:
    service = Twice(Tenant("a", priority=1), Tenant("b", priority=5), Tenant("c", priority=5), Tenant("d"))
    for priority in (1, 2, 3, 0, 4):
        assert infer(body(parameters={"priority": priority}), service).status_code == 200
    assert service.tenants_asking == [1, 0, 3, 0, 0]
    infer(body(parameters={"priority": 1, "tenant": "d"}), service)  # who is named has what is his
    assert service.tenants_asking[-1] == 3
    answer = infer(body(parameters={"priority": -1}), service)
    assert answer.json()["error"] == "parameters.priority: must be a whole number >= 0, got -1"
    policy = get("/v2/models/twice%2Fnow/config", service).json()["dynamic_batching"]
    assert policy == {"priority_levels": 3, "default_priority_level": 2}


def test_several_items_are_scheduled_apart_and_answered_as_one() -> None:
    service = Twice()
    answer = infer(many(3), service)
    assert answer.status_code == 200, answer.text
    y, n = answer.json()["outputs"]
    assert (y["shape"], y["data"]) == ([3, 2], [0, 2, 4, 6, 8, 10])
    assert (n["shape"], n["data"]) == ([3], [0, 1, 2])
    assert len(service.timeouts) == 3


def test_several_items_fail_as_one() -> None:
    service = Twice()
    service.refused_n = 1
    answer = infer(many(3), service)
    assert (answer.status_code, answer.json()) == (503, {"error": "not this one", "reason": "window"})


def test_an_unloaded_model_is_not_ready_until_it_is_loaded_again() -> None:
    service = Twice()
    entry = {"name": "twice/now", "version": "1", "state": "READY", "reason": ""}
    assert post("/v2/repository/index", {}, service).json() == [entry]
    assert post("/v2/repository/models/twice%2Fnow/unload", {}, service).status_code == 200
    assert not service.admitted
    assert post("/v2/repository/index", {}, service).json() == [
        entry | {"state": "UNAVAILABLE", "reason": "unloaded"}
    ]
    assert post("/v2/repository/index", {"ready": True}, service).json() == []
    assert get("/v2/models/twice%2Fnow/ready", service).status_code == 503
    parameters = {"parameters": {"unload_dependents": False}}
    assert post("/v2/repository/models/twice%2Fnow/unload", parameters, service).status_code == 200
    assert post("/v2/repository/models/twice%2Fnow/load", {}, service).status_code == 200
    assert service.admitted


def test_only_what_the_plan_holds_can_be_loaded() -> None:
    unknown = post("/v2/repository/models/none/load", {}, Twice())
    assert (unknown.status_code, unknown.json()["reason"]) == (404, "model_not_here")
    changed = post("/v2/repository/models/twice%2Fnow/load", {"parameters": {"config": "{}"}}, Twice())
    assert changed.status_code == 400
    assert changed.json()["error"].startswith("parameters.config: must not be given: the plan says")
    assert post("/v2/repository/index", [], Twice()).status_code == 400
