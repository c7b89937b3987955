"""The notebook's study of the buffer size in the notebook's manner: one trial after another."""

from __future__ import annotations

import torch
from notebook import solve
from protocol import read_work


def main() -> None:
    torch.set_num_threads(1)
    work = read_work()
    for buffer_size in work["buffer_sizes"]:
        for seed in range(work["seeds"]):
            episodes = solve({**work, "buffer_size": buffer_size}, seed)
            print(f"buffer {buffer_size}, seed {seed}: {episodes} episodes", flush=True)


if __name__ == "__main__":
    main()
