"""Rows of images: frames stored once, however many observations show them.

The observation after one step is the observation before the next, and of a stack of four frames three
are in the next one again. A row therefore holds where the frames of its two observations are kept.
"""

from __future__ import annotations

import math
from array import array

import numpy as np

from dqn_exp.images import ImageBox

REMEMBERED = 1024
"""Latest frames that are known again. A step of N environments stores N new ones and shows again those of
as many steps as are stacked, plus those of the steps whose n-step sums are not complete."""
SPARE = 8
"""One frame in so many more than rows: an episode of L steps shows L + 1. Where they do not do, room for as
many again is made, as often as necessary."""


def spare(rows: int) -> int:
    """Frames there is room for at first beside one for each row."""
    return rows // SPARE + REMEMBERED


class FrameStore:
    """uint8 frames by their number, each kept as long as it is referred to."""

    def __init__(self, shape: tuple[int, ...], room: int) -> None:
        self._more = spare(room)
        # np.zeros takes memory from the system only as frames are written
        self._frames = np.zeros((room + self._more, *shape), np.uint8)
        self._references = array("i")  # one for each number that was ever in use
        self._free: list[int] = []
        self._latest: dict[bytes, int] = {}

    def refer(self, frame: np.ndarray) -> int:
        """The number of a frame; it is stored unless one of the latest is equal to it."""
        content = frame.tobytes()
        number = self._latest.get(content)
        if number is None:
            number = self._latest[content] = self._store(frame)
            if len(self._latest) > REMEMBERED:
                self.release(self._latest.pop(next(iter(self._latest))))
        self._references[number] += 1
        return number

    def release(self, number: int) -> None:
        """Take back one reference."""
        self._references[number] -= 1
        if self._references[number] == 0:
            self._free.append(number)

    def take(self, numbers: np.ndarray) -> np.ndarray:
        """uint8[*numbers.shape, *shape]"""
        return self._frames.take(numbers, axis=0)

    def _store(self, frame: np.ndarray) -> int:
        if self._free:
            number = self._free.pop()
        else:
            number = len(self._references)
            self._references.append(0)
            self._make_room(number + 1)
        self._frames[number] = frame
        self._references[number] = 1  # of those that are known again
        return number

    def _make_room(self, count: int) -> None:
        lacking = count - len(self._frames)
        if lacking > 0:
            more = np.zeros((max(lacking, self._more), *self._frames.shape[1:]), np.uint8)
            self._frames = np.concatenate([self._frames, more])

    def state(self) -> np.ndarray:
        """All frames up to the highest number that was ever in use."""
        return self._frames[: len(self._references)]

    def load_state(self, frames: np.ndarray, referred: np.ndarray) -> None:
        """`referred`: the numbers of `frames` that are referred to, as often as they are."""
        self._make_room(len(frames))
        self._frames[: len(frames)] = frames
        references = np.bincount(referred.ravel(), minlength=len(frames)).astype(np.intc)
        self._references = array("i", references.tobytes())
        self._free = np.flatnonzero(references == 0).tolist()
        self._latest = {}


class StackedFrames:
    """A column of observations [stack * C, H, W] that are put together from their frames when taken."""

    def __init__(self, store: FrameStore, numbers: np.ndarray, shape: tuple[int, ...]) -> None:
        """`numbers` [rows, stack]: where the frames of each row are, the oldest first."""
        self._store, self._numbers, self._shape = store, numbers, shape

    def take(self, indices: np.ndarray, axis: int = 0) -> np.ndarray:
        """uint8[B, stack * C, H, W]"""
        frames = self._store.take(self._numbers.take(indices, axis=axis))
        return frames.reshape(len(indices), *self._shape)


class FrameRows:
    """Room for `capacity` rows of two observations of images."""

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
            [store.refer(frame) for frame in images.reshape(self._stack, *self._frame)]
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
        """Of all frames that there is room for at first."""
        return (capacity + spare(capacity)) * math.prod(images.frame)

    @staticmethod
    def bytes_per_row(images: ImageBox) -> int:
        """One new frame, and the numbers of all that are shown."""
        references = array("i").itemsize
        return math.prod(images.frame) + 2 * images.stack * 4 + references
