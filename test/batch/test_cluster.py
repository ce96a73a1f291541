"""The same on a cluster of Ray: nodes that are pretended on this computer, and one that is lost."""

import os
import signal
import threading
import time

import pytest

from bodypix_ros import batch
from bodypix_ros.batch import cluster as clusters
from bodypix_ros.errors import StartError
from support.fleet import FakeModel, agree, fleet, outputs, recipe
from support.paths import ROOT, TESTS

ray = pytest.importorskip(
    "ray", reason="no Ray: pip install 'bodypix_ros[fleet]'; batches on clusters untested"
)


@pytest.fixture
def cluster(monkeypatch):
    """A head that computes nothing, and two nodes that lack nothing else: `cluster.nodes`."""
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}:{TESTS}:{TESTS / 'batch'}")
    monkeypatch.setattr(clusters, "_SILENT_S", 4.0)
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    made.nodes = [made.add_node(num_cpus=1) for _ in range(2)]
    yield made
    ray.shutdown()
    made.shutdown()


def test_a_node_is_lost_in_the_middle_and_the_outputs_are_the_same(tmp_path, cluster):
    bags = fleet(tmp_path / "in")
    events: list[dict] = []
    lost = threading.Event()

    def lose() -> None:
        while sum(event["event"] == "done" for event in events) < 8:
            time.sleep(0.05)
        cluster.remove_node(cluster.nodes[1], allow_graceful=False)
        lost.set()

    loser = threading.Thread(target=lose, daemon=True)
    loser.start()
    summary = batch.run(
        [tmp_path / "in"], tmp_path / "out", recipe(delay_s=0.05), ray=cluster.address, listen=events.append
    )
    loser.join(30)
    assert lost.is_set()
    workers = {event["worker"] for event in events if event["event"] == "ready"}
    assert len(workers) == 2
    assert len(summary.made) == 22
    assert sorted(summary.failed) == [str(bags[5]), str(bags[12])]
    batch.run([tmp_path / "in"], tmp_path / "alone", recipe(), workers=2)
    assert outputs(tmp_path / "out") == outputs(tmp_path / "alone")
    assert len(agree(tmp_path / "out").done) == 22


def test_an_actor_that_is_killed_is_begun_anew_and_does_the_rest(tmp_path, cluster):
    fleet(tmp_path / "in", 4, ())
    pids: list[int] = []

    def kill_once(event) -> None:
        if event["event"] == "ready":
            pids.append(int(event["worker"].rpartition(":")[2]))
        elif event["event"] == "started" and pids:
            os.kill(pids.pop(), signal.SIGKILL)

    slow, address = recipe(delay_s=0.05), cluster.address
    summary = batch.run([tmp_path / "in"], tmp_path / "out", slow, workers=1, ray=address, listen=kill_once)
    assert pids == []
    assert (len(summary.made), summary.failed) == (4, {})
    assert len({made.where for made in summary.made}) == 1  # all by the new one
    agree(tmp_path / "out")


class OnOneNode(FakeModel):
    """A model that only the process that began the batch has."""

    def digest(self) -> str:
        import os

        return "here" if "ONLY_HERE" in os.environ else "there"


def test_nodes_that_lack_the_model_say_so(tmp_path, cluster, monkeypatch):
    monkeypatch.setenv("ONLY_HERE", "1")
    fleet(tmp_path / "in", 1, ())
    with pytest.raises(StartError, match=r"node .*: fake is of other files"):
        batch.run([tmp_path / "in"], tmp_path / "out", batch.Recipe(OnOneNode()), ray=cluster.address)
    assert outputs(tmp_path / "out") == {}


def test_reasons_are_one_line_without_colours():
    error = ray.exceptions.RayError("\x1b[36mray::_Actor.do()\x1b[39m died\nTraceback")
    assert clusters._first_line(error) == "ray::_Actor.do() died"


def test_no_cluster_is_said():
    pool = clusters.RayPool(recipe(), "1", ".", ".", 1, "127.0.0.1:1")
    with pytest.raises(StartError, match=r"ray: no cluster at '127\.0\.0\.1:1'"):
        pool.__enter__()
