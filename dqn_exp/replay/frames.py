"""Storage of image observations that stores each frame once, even if several observations contain it.

The observation after one step is the observation before the next step, and of a stack of four frames three
are in the next stack again. A row therefore holds the numbers under which its frames are stored.
"""

from __future__ import annotations

import math
from array import array

import numpy as np

from dqn_exp.images import ImageBox

REMEMBERED = 1024
"""The number of latest frames that a new frame is compared with. A step of N environments stores N new
frames, and repeats those of as many steps as are stacked and of steps whose n-step sums are incomplete."""
SPARE = 8
"""There is room for one more frame for every 8 rows, because an episode of L steps has L + 1 frames. If the
room is used up, the same extra room is added, as often as necessary."""


def spare(rows: int) -> int:
    """The initial room for frames in addition to one frame for each row."""
    return rows // SPARE + REMEMBERED


class FrameStore:
    """Stores uint8 frames by number; a frame is kept as long as it has references."""

    def __init__(self, shape: tuple[int, ...], room: int) -> None:
        self._more = spare(room)
        # The system provides the memory of np.zeros only when frames are written
        self._frames = np.zeros((room + self._more, *shape), np.uint8)
        self._references = array("i")  # a count for each number that was ever used
        self._free: list[int] = []
        self._latest: dict[bytes, int] = {}

    def add_reference(self, frame: np.ndarray) -> int:
        """Add a reference to `frame`; returns its number. Stores it if none of the latest frames is equal."""
        content = frame.tobytes()
        number = self._latest.get(content)
        if number is None:
            number = self._latest[content] = self._store(frame)
            if len(self._latest) > REMEMBERED:
                self.release(self._latest.pop(next(iter(self._latest))))
        self._references[number] += 1
        return number

    def release(self, number: int) -> None:
        """Remove one reference; a frame without references may be overwritten."""
        self._references[number] -= 1
        if self._references[number] == 0:
            self._free.append(number)

    def take(self, numbers: np.ndarray) -> np.ndarray:
        """The frames of `numbers`, uint8[*numbers.shape, *shape]."""
        return self._frames.take(numbers, axis=0)

    def _store(self, frame: np.ndarray) -> int:
        if self._free:
            number = self._free.pop()
        else:
            number = len(self._references)
            self._references.append(0)
            self._make_room(number + 1)
        self._frames[number] = frame
        self._references[number] = 1  # the reference of the table of latest frames
        return number

    def _make_room(self, count: int) -> None:
        lacking = count - len(self._frames)
        if lacking > 0:
            more = np.zeros((max(lacking, self._more), *self._frames.shape[1:]), np.uint8)
            self._frames = np.concatenate([self._frames, more])

    def state(self) -> np.ndarray:
        """All frames up to the highest number that was ever used."""
        return self._frames[: len(self._references)]

    def load_state(self, frames: np.ndarray, referred: np.ndarray) -> None:
        """Restore `frames`; `referred` holds the number of a frame once for each reference to it."""
        self._make_room(len(frames))
        self._frames[: len(frames)] = frames
        references = np.bincount(referred.ravel(), minlength=len(frames)).astype(np.intc)
        self._references = array("i", references.tobytes())
        self._free = np.flatnonzero(references == 0).tolist()
        self._latest = {}


class StackedFrames:
    """A column of observations [stack * C, H, W], which `take` assembles from their frames."""

    def __init__(self, store: FrameStore, numbers: np.ndarray, shape: tuple[int, ...]) -> None:
        """`numbers` [rows, stack]: the numbers of the frames of each row, the oldest first."""
        self._store, self._numbers, self._shape = store, numbers, shape

    def take(self, indices: np.ndarray, axis: int = 0) -> np.ndarray:
        """The observations of the rows `indices`, uint8[B, stack * C, H, W]."""
        frames = self._store.take(self._numbers.take(indices, axis=axis))
        return frames.reshape(len(indices), *self._shape)


class FrameRows:
    """`Rows` of image observations."""

    def __init__(self, capacity: int, images: ImageBox) -> None:
        self._stack, self._frame = images.stack, images.frame
        self._store = FrameStore(images.frame, capacity)
        self._numbers = np.zeros((2, capacity, images.stack), np.int32)
        self._written = 0
        self.observation, self.next_observation = (
            StackedFrames(self._store, numbers, images.shape) for numbers in self._numbers
        )

    def write(self, index: int, observation: np.ndarray, next_observation: np.ndarray) -> None:
        store, room = self._store, self._numbers[:, index]
        new = [
            [store.add_reference(frame) for frame in images.reshape(self._stack, *self._frame)]
            for images in (observation, next_observation)
        ]
        if index < self._written:
            for number in room.ravel().tolist():
                store.release(number)
        room[:] = new
        self._written = max(self._written, index + 1)

    def not_finite(self, size: int) -> tuple[np.ndarray, np.ndarray]:
        return np.zeros(0, np.int64), np.zeros(0)

    def state(self, size: int) -> dict[str, np.ndarray]:
        return {"frames": self._store.state(), "numbers": self._numbers[:, :size]}

    def load_state(self, size: int, state: dict[str, np.ndarray]) -> None:
        self._numbers[:, :size] = state["numbers"]
        self._written = size
        self._store.load_state(state["frames"], state["numbers"])

    @staticmethod
    def bytes_reserved(capacity: int, images: ImageBox) -> int:
        """The bytes of all frames that there is room for initially."""
        return (capacity + spare(capacity)) * math.prod(images.frame)

    @staticmethod
    def bytes_per_row(images: ImageBox) -> int:
        """The bytes of one new frame, of the numbers of all frames of a row, and of a reference count."""
        references = array("i").itemsize
        return math.prod(images.frame) + 2 * images.stack * 4 + references
