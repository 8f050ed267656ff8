"""The one task that writes: whatever commits wait become one atomic batch, acknowledged by most of the servers.

The store lines commits up and wakes it. One batch is under way at a time, so that commits keep their order. An answer
that got lost is looked for in the stream before anything is written again; what another node was faster with is read
and folded again.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import msgspec

from callpark.kernel.limits import StoreLimits
from callpark.store.nats.ballast import Ballast
from callpark.store.nats.batches import batches
from callpark.store.nats.connection import Connection, Full, Refused, Unanswered, WrongSequence, pause
from callpark.store.nats.folding import (
    AnyChange,
    Claim,
    Fold,
    Folding,
    Sizes,
    Write,
    WriteDown,
    rows_of,
    wanted,
    weight,
)
from callpark.store.nats.journal import ItemKey
from callpark.store.nats.publishing import publish
from callpark.store.nats.reader import Reader
from callpark.store.nats.view import View
from callpark.store.ports import Defer, Done, Put, StoreFailure
from callpark.store.revisions import RowKey

_log = logging.getLogger("callpark")

#: A batch of nothing but patient removals waits this long for company, in real seconds.
LINGER_SECONDS = 0.003

#: The server's default for one atomic batch is 1,000 messages; a few commits more are folded into 900 at most.
BATCH_MESSAGES = 900
BATCH_BYTES = 8_388_608
BATCH_CHANGES = 600

_AGAIN_SECONDS = 0.05
_SOON_SECONDS = 0.002
_LOOKS = 10


class Commit(msgspec.Struct, frozen=True, eq=False):
    """`until`: when it fails, on the machine's monotonic clock."""

    changes: Sequence[AnyChange]
    done: "asyncio.Future[None]"
    until: float


class Known(View, Protocol):
    """What the node knows, and how it learns more. `uncertain`: where the journal ends."""

    @property
    def uncertain(self) -> bool: ...

    async def learn_rows(self, names: Iterable[RowKey], *, again: bool) -> None:
        """Read rows that are not known, or all of them `again`. Raises Unanswered."""
        ...

    async def learn_items(self, names: Iterable[ItemKey]) -> None:
        """Read items and their contents again. Raises Unanswered."""
        ...

    async def learn_journal(self) -> None:
        """Read whether the journal's end is where it was. Raises Unanswered."""
        ...

    def in_limbo(self, names: Iterable[ItemKey]) -> bool:
        """Whether it is not known yet what has become of items that this node has leased."""
        ...

    def stored(self, fold: Fold, first: int) -> None:
        """The batch is durable; its messages have the sequences from `first` on."""
        ...

    def given_up(self, token: str) -> None:
        """Whether the batch is stored, or will be, is not known."""
        ...


class Writer:
    def __init__(
        self,
        connection: Connection,
        reader: Reader,
        known: Known,
        ballast: Ballast,
        limits: StoreLimits,
        node: str,
        me: Callable[[], str],
        settled: Callable[[int], None],
    ) -> None:
        """`me` says the node's holder name; `settled` is told how many commits have ended."""
        self._connection = connection
        self._reader = reader
        self._known = known
        self._ballast = ballast
        self._limits = limits
        self._node = node
        self._me = me
        self._settled = settled
        part = min(524_288, connection.largest_payload // 2)
        self._sizes = Sizes(inline=min(16_384, part), part=part)
        self._waiting: deque[Commit] = deque()
        self._woken = asyncio.Event()
        self._stopping = False
        self._tokens = 0
        self._failing = False

    def add(self, commit: Commit) -> None:
        self._waiting.append(commit)
        self._woken.set()

    def stop(self) -> None:
        """Finish what is lined up, then end `run`."""
        self._stopping = True
        self._woken.set()

    async def run(self) -> None:
        while self._waiting or not self._stopping:
            if not self._waiting:
                self._woken.clear()
                await self._woken.wait()
                continue
            if all(isinstance(change, Done) and change.patient for each in self._waiting for change in each.changes):
                await pause(LINGER_SECONDS)
            await self._write(self._take())

    def _take(self) -> list[Commit]:
        taken: list[Commit] = []
        changes = size = 0
        while self._waiting:
            following = self._waiting[0]
            changes += len(following.changes)
            size += sum(map(weight, following.changes))
            if taken and (changes > BATCH_CHANGES or size > BATCH_BYTES):
                break
            taken.append(self._waiting.popleft())
        return taken

    async def _write(self, commits: list[Commit]) -> None:
        count = len(commits)
        try:
            await self._settle(commits)
        except Refused as failure:
            if count > 1:  # one that is too large, or needs space, must not harm the others
                for commit in commits:
                    await self._write([commit])
                return
            self._note_failure(failure)
            _fail(commits[0], failure)
        except StoreFailure as failure:
            self._note_failure(failure)
            for commit in commits:
                _fail(commit, failure)
        except Exception as error:  # a bug of ours must not end the writer
            _log.exception("a commit failed")
            for commit in commits:
                _fail(commit, error)
        self._settled(count)

    async def _settle(self, commits: list[Commit]) -> None:
        """Until every commit is stored or refused. Raises StoreFailure; then nothing is known to be stored."""
        until = max(commit.until for commit in commits)
        again = checked = False
        while commits:
            try:
                await self._learn(commits, again)
                again = False
                self._tokens += 1
                token = f"{self._me()}.{self._tokens}"
                fold = self._folded(commits, token, keeping=True)
                if fold.refused and not checked:
                    again = checked = True
                    continue
                await self._store(fold, token, until)
            except WrongSequence as error:
                await self._be_patient(until, error)
                again, checked = True, True
            except Unanswered as error:
                await self._be_patient(until, error)
                again = True
            else:
                for place, commit in enumerate(commits):
                    if place in fold.refused:
                        _fail(commit, fold.refused[place])
                    elif not commit.done.done():
                        commit.done.set_result(None)
                self._note_success()
                return

    def _folded(self, commits: Sequence[Commit], token: str, *, keeping: bool) -> Fold:
        subjects, me = self._connection.subjects, self._me()
        folding = Folding(self._known, subjects, self._sizes, self._node, me, token, keeping=keeping)
        fold = folding.fold([commit.changes for commit in commits])
        if keeping and len(_slices(fold)) > 1:  # the record goes last then, so nothing new may be in it
            return self._folded(commits, token, keeping=False)
        return fold

    async def _learn(self, commits: Sequence[Commit], again: bool) -> None:
        rows = [row for commit in commits for row in rows_of(commit.changes)]
        await self._known.learn_rows(rows, again=again)
        names = [name for commit in commits for name in wanted(commit.changes, self._known)]
        if again or self._known.uncertain:
            await self._known.learn_journal()
        if self._known.in_limbo(name for commit in commits for name in _items_of(commit.changes)):
            raise Unanswered("the journal of this node, which was taken for dead, is not written down yet")
        if again:
            names += [name for commit in commits for name in _items_of(commit.changes)]
        if names:
            await self._known.learn_items(dict.fromkeys(names))

    async def _store(self, fold: Fold, token: str, until: float) -> None:
        writes = fold.writes
        if not writes:
            self._known.stored(fold, 0)
            return
        slices = _slices(fold)
        if len(slices) > 1:
            await self._store_in_order(fold, slices, token, until)
            return
        if self._ballast.overboard and _grows(fold):
            raise Full("the NATS servers have no space")
        try:
            first = await self._publish_surely(writes, token, until)
        except Full as full:
            first = await self._publish_without_space(fold, token, until, full)
        self._known.stored(fold, first)

    async def _store_in_order(self, fold: Fold, slices: Sequence[slice], token: str, until: float) -> None:
        """A commit of more messages than the servers take at once: durable in the order given."""
        for part in slices:
            first = await self._publish_surely(fold.writes[part], token, until)
            within = range(part.start, part.stop)
            steps = Fold(
                items=[step for step in fold.items if (fold.record if step.write is None else step.write) in within],
                rows=[step for step in fold.rows if step.write in within],
                withdrawals=[(queue, write) for queue, write in fold.withdrawals if write in within],
            )
            if fold.record in within:
                steps.noted, steps.record = fold.noted, fold.record
            self._known.stored(steps, first - part.start)

    async def _publish_surely(self, writes: Sequence[Write], token: str, until: float) -> int:
        """The sequence of the first message. Raises WrongSequence, Refused, and StoreFailure when nobody says."""
        attempt, uncertain = 0, False
        while True:
            attempt += 1
            try:
                return await self._publish(writes, token, attempt)
            except Full:
                raise
            except Refused:
                self._known.given_up(token)
                raise
            except WrongSequence:
                for _ in range(_LOOKS if uncertain else 0):  # a new leader may not show at once what it refuses for
                    if first := await self._look(writes, token, until):
                        return first
                    await pause(_AGAIN_SECONDS)
                raise
            except Unanswered as error:
                uncertain = True
                try:
                    await self._be_patient(until, error)
                    if first := await self._look(writes, token, until):
                        return first
                except StoreFailure:
                    self._known.given_up(token)
                    raise

    async def _publish_without_space(self, fold: Fold, token: str, until: float, full: Full) -> int:
        """What takes nothing away from others, with the ballast's room; what was stored in part, the rest too. Raises
        Refused and Unanswered."""
        writes = fold.writes
        if all(write.head is None for write in writes):
            await self._purge(writes)
            return await self._publish_afterwards(writes, token)
        await self._ballast.give_up()
        begun = await self._begun(writes, token)
        if not begun and _grows(fold):
            raise full
        try:
            return await self._publish_surely([*begun, *writes[len(begun) :]], token, until)
        except Full:
            if begun:
                self._known.given_up(token)
            raise

    async def _begun(self, writes: Sequence[Write], token: str) -> list[Write]:
        """Servers that run out of space in a batch have been seen to store its first messages: those, to be written
        once more. Raises Unanswered."""
        begun: list[Write] = []
        for write in writes:
            message = await self._reader.latest(write.subject)
            if message is None or message.token != token:
                break
            begun.append(msgspec.structs.replace(write, expected=message.sequence))
        return begun

    async def _purge(self, writes: Sequence[Write]) -> None:
        """Remove messages where there is no space even for saying that they are gone. Raises Refused and Unanswered."""
        for write in writes:
            until = {} if write.expected is None else {"seq": write.expected + 1}
            await self._connection.ask("STREAM.PURGE", {"filter": write.subject, **until})

    async def _publish_afterwards(self, writes: Sequence[Write], token: str) -> int:
        """Tell the other nodes of it when there is space now; who is not told finds out when it asks for an item."""
        try:
            return await self._publish([msgspec.structs.replace(write, expected=0) for write in writes], token, 0)
        except (Refused, Unanswered, WrongSequence):
            return 0

    async def _look(self, writes: Sequence[Write], token: str, until: float) -> int:
        """The sequence of the first message when the batch is stored; 0 when it is not. Raises StoreFailure.

        The last messages are looked at: servers without space have been seen to store the first ones of a batch.
        """
        while True:
            try:
                for place in range(len(writes) - 1, max(-1, len(writes) - 9), -1):
                    message = await self._reader.latest(writes[place].subject)
                    if message is not None and message.token == token:
                        return message.sequence - place
                    if message is None or message.sequence == writes[place].expected:
                        return 0
                return 0
            except Unanswered as error:
                await self._be_patient(until, error)

    async def _publish(self, writes: Sequence[Write], token: str, attempt: int) -> int:
        """The sequence of the first message."""
        return await publish(self._connection, writes, token, f"{token}.{attempt}") - len(writes) + 1

    async def _be_patient(self, until: float, error: Exception) -> None:
        if time.monotonic() > until:
            faster = isinstance(error, WrongSequence)
            what = "others are faster again and again" if faster else "the NATS servers do not answer"
            raise StoreFailure(f"{what}: {error}")
        await pause(_AGAIN_SECONDS if isinstance(error, Unanswered) else _SOON_SECONDS)

    def _note_failure(self, failure: StoreFailure) -> None:
        if not self._failing:
            self._failing = True
            kind = "are refused" if isinstance(failure, Refused) else "fail"
            _log.warning("commits to the cluster's store %s: %s; nothing is lost that was acknowledged", kind, failure)

    def _note_success(self) -> None:
        if self._failing:
            self._failing = False
            _log.warning("commits to the cluster's store work again")


def _grows(fold: Fold) -> bool:
    """Whether the store is larger afterwards: something takes no other message's place, or is put into the journal."""
    return any(write.head is not None and not write.expected for write in fold.writes) or any(
        isinstance(change, Put) for change in fold.noted
    )


def _slices(fold: Fold) -> list[slice]:
    return batches([len(write.payload) for write in fold.writes], BATCH_MESSAGES, BATCH_BYTES * 2)


def _items_of(changes: Sequence[AnyChange]) -> list[ItemKey]:
    found: list[ItemKey] = []
    for change in changes:
        if isinstance(change, Put | Claim):
            found.append((change.item.queue, change.item.id))
        elif isinstance(change, Defer | Done | WriteDown):
            found.append((change.queue, change.id))
    return found


def _fail(commit: Commit, error: Exception) -> None:
    if not commit.done.done():
        commit.done.set_exception(error)
