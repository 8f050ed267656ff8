"""Keeps a run within its time, its memory and its TMPDIR. Owned by `environment.py`, one for all its runs.

Memory is what the process has resident: beyond `MemorySize` it is killed, as AWS does, at the next look, 50 ms later at
most. (A limit of address space would stop Node and threads long before; control groups need privileges.) Children are
not counted.
"""

from collections.abc import Callable

from callpark.functions.environments.generation import Generation
from callpark.functions.environments.narration import Narration
from callpark.functions.environments.ports import Deployment
from callpark.functions.environments.processes import Process
from callpark.functions.environments.temporary import Measuring, TemporarySpace
from callpark.functions.environments.watching import Overstep, PeakMemory, Watch
from callpark.kernel.tasks import Tasks


class Oversight:
    """`processes` gives those of the environment, if there are any, `running` whether a run is on. `killed` says why
    the runtime's process was killed."""

    def __init__(
        self,
        deployment: Deployment,
        space: TemporarySpace,
        narration: Narration,
        tasks: Tasks,
        processes: Callable[[], Generation | None],
        running: Callable[[], bool],
    ) -> None:
        self.killed: Overstep | None = None
        self.watch = Watch(self._look)
        self._deployment = deployment
        self._space = space
        self._narration = narration
        self._measuring = Measuring(space, tasks)
        self._processes = processes
        self._running = running
        self._peak = PeakMemory()

    def renew(self) -> None:
        """A new process begins."""
        self.killed = None
        self._peak = PeakMemory()

    def peak_after(self, process: Process | None, seconds: float) -> int:
        """The most memory so far, after a run of that length; in megabytes, as REPORT shows it."""
        if process is not None:
            self._peak.after_run(process.peak_megabytes, seconds)
        return min(self._deployment.configuration.memory_megabytes, self._peak.megabytes)

    def exited(self, peak_kilobytes: int) -> None:
        """The process has gone, and that is what it needed at most."""
        self._peak.look(lambda: peak_kilobytes // 1024)

    def _look(self, deadline_passed: bool) -> bool:
        """Called by the watch now and then; whether it should go on."""
        generation = self._processes()
        process = None if generation is None else generation.process
        if process is None or self.killed is not None or not self._running():
            return False
        peak = self._peak.look(process.peak_megabytes)
        if deadline_passed:
            self.killed = "timeout"
        elif peak > self._deployment.configuration.memory_megabytes:
            self.killed = "memory"
        else:
            self._measuring.soon(self._space_measured)
            return True
        process.kill()
        return False

    def _space_measured(self, full: bool) -> None:
        """TMPDIR is full, or not any more."""
        generation = self._processes()
        if generation is not None:
            generation.limit_files(0 if full else self._space.limit_bytes)
        if full:
            megabytes = self._deployment.configuration.ephemeral_storage_megabytes
            self._narration.log.say(f"[callpark] /tmp is full: it may hold {megabytes} MB (EphemeralStorage)\n")
