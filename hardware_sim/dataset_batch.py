"""Data sets of many plants, several at once, each in its own folder; what is there already is not made again."""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

from hardware_sim.dataset import Order, write_dataset
from trellis.durable import make_folder


def orders(first: Order, count: int) -> list[Order]:
    """The same order for `count` plants: names PLANT-SEED, seeds one after the other."""
    seeds = range(first.seed, first.seed + count)
    return [replace(first, plant=f"{first.plant}-{seed:04d}", seed=seed) for seed in seeds]


def write_many(wanted: list[Order], folder: Path, jobs: int) -> Iterator[str]:
    """Write each order to folder `PLANT` inside `folder`, `jobs` at once; yields names as they are done.

    Raises:
        InputError: A folder was begun with another order.
    """
    missing = [order for order in wanted if not (folder / order.plant / "truth.json").exists()]
    yield from (order.plant for order in wanted if order not in missing)
    # Fresh processes: one that is forked would inherit threads of the ray caster that are not there.
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        tasks = [pool.submit(_write, order, folder / order.plant) for order in missing]
        try:
            for task in as_completed(tasks):
                yield task.result()
        finally:
            for task in tasks:
                task.cancel()


def _write(order: Order, folder: Path) -> str:
    make_folder(folder)
    for _ in write_dataset(order, folder):
        pass
    return order.plant
