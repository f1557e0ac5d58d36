"""mosec: one server for each model, one worker for each instance, dynamic batching."""

import os

from emulated_gpu import BATCH_MAX, INSTANCES, EmulatedGpu
from mosec import Server, Worker

MODEL = os.environ["PEER_MODEL"]


class Model(Worker):
    def __init__(self):
        self.gpu = EmulatedGpu.claim(MODEL)

    def forward(self, data):
        self.gpu.execute(len(data))
        return [{"output": [0.0, 0.0, 0.0, 0.0]} for _ in data]


if __name__ == "__main__":
    server = Server()
    server.append_worker(Model, num=INSTANCES, max_batch_size=BATCH_MAX, max_wait_time=5, timeout=30)
    server.run()
