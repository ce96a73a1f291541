"""What OpenVINO gets out of a network by itself, with as many requests at once as are good for it."""

import time
from typing import Any

import numpy as np
import numpy.typing as npt
import openvino as ov

from bodypix_ros.benchmarks import Figures

LEAD_S = 0.15
"""Seconds at the start of each slice that are not counted: until everything is under way."""


class Queue:
    """The network alone, on all that the device has: OpenVINO's own queue of requests.

    Attributes:
        requests: How many run at once.
    """

    def __init__(self, compiled: Any, values: npt.NDArray[np.float32], requests: int = 0) -> None:
        """Make the requests.

        Args:
            compiled: An ov.CompiledModel.
            values: float32, what every request finds in its input.
            requests: How many; 0: what OpenVINO thinks is best.
        """
        self._queue = ov.AsyncInferQueue(compiled, requests)
        self.requests = len(self._queue)
        for request in self._queue:
            request.get_input_tensor().data[:] = values.reshape(request.get_input_tensor().data.shape)

    def run(self, seconds: float) -> Figures:
        """Let it run.

        Returns:
            seconds, frames and cpu_s: processor time of the whole process.
        """
        lead_s = time.perf_counter() + LEAD_S
        while time.perf_counter() < lead_s:
            self._queue.start_async()
        started_s, cpu_s, frames = time.perf_counter(), time.process_time(), 0
        while time.perf_counter() < started_s + seconds:
            self._queue.start_async()  # waits until a request is done, so that as many end as begin
            frames += 1
        result = {
            "seconds": time.perf_counter() - started_s,
            "frames": frames,
            "cpu_s": time.process_time() - cpu_s,
        }
        self._queue.wait_all()
        return result
