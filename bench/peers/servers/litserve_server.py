"""LitServe: one server for each model, one worker for each instance, dynamic batching."""

import os

import litserve
from emulated_gpu import BATCH_MAX, INSTANCES, EmulatedGpu

MODEL = os.environ["PEER_MODEL"]


class Model(litserve.LitAPI):
    def setup(self, device):
        self.gpu = EmulatedGpu.claim(MODEL)

    def decode_request(self, request):
        return request["input"]

    def predict(self, inputs):
        self.gpu.execute(len(inputs))
        return [[0.0, 0.0, 0.0, 0.0] for _ in inputs]

    def encode_response(self, output):
        return {"output": output}


if __name__ == "__main__":
    api = Model(max_batch_size=BATCH_MAX, batch_timeout=0.005)
    server = litserve.LitServer(api, accelerator="cpu", devices=1, workers_per_device=INSTANCES, timeout=30)
    server.run(
        host="127.0.0.1", port=int(os.environ["PEER_PORT"]), generate_client_file=False, log_level="error"
    )
