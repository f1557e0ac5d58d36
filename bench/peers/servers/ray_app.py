"""Ray Serve: one deployment for each model, one replica for each instance, ``serve.batch``."""

import os
import signal
import threading

import ray
from emulated_gpu import BATCH_MAX, INSTANCES, EmulatedGpu
from ray import serve
from starlette.requests import Request

VARIABLES = {
    name: value for name, value in os.environ.items() if name.startswith("PEER_") or name == "PYTHONPATH"
}


@serve.deployment(
    num_replicas=INSTANCES, max_ongoing_requests=4 * BATCH_MAX, ray_actor_options={"num_cpus": 0}
)
class Model:
    def __init__(self, model: str) -> None:
        self.gpu = EmulatedGpu.claim(model)

    @serve.batch(max_batch_size=BATCH_MAX, batch_wait_timeout_s=0.005)
    async def predict(self, inputs: list) -> list:
        # Blocking, as in Ray's own examples: in a thread the batches that form meanwhile are of one or two.
        self.gpu.execute(len(inputs))
        return [[0.0, 0.0, 0.0, 0.0] for _ in inputs]

    async def __call__(self, request: Request) -> dict:
        return {"output": await self.predict((await request.json())["input"])}


if __name__ == "__main__":
    ray.init(
        num_cpus=2,
        include_dashboard=False,
        log_to_driver=False,
        object_store_memory=100 * 2**20,
        runtime_env={"env_vars": VARIABLES},
    )
    serve.start(http_options={"host": "127.0.0.1", "port": int(os.environ["PEER_PORT"])})
    for model in os.environ["PEER_MODELS"].split(","):
        serve.run(Model.bind(model), name=model, route_prefix=f"/{model}")
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    stop.wait()
    serve.shutdown()
    ray.shutdown()
