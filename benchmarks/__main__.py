"""Command line of the benchmarks: run subjects, print tables, write and compare results."""

from __future__ import annotations

import argparse
import functools
import importlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks import SUBJECTS, peak, plot, record, report, roofline, table
from benchmarks.case import OURS, Case
from benchmarks.harness import Plan, run
from benchmarks.load import BUSY, busiest
from benchmarks.peers import PEERS, interpreters, set_up
from benchmarks.processor import described

PEERS_DIR = "GLASSGRAD_PEERS"
PLOT, ROOFLINE = "ratios.svg", "roofline.svg"
DESCRIPTION = (
    "Benchmark glassgrad against other libraries. Each case runs in one process per library, in "
    "turn, after checking that all compute the same results. Times are medians, with ratios to "
    "glassgrad's."
)


def parser() -> argparse.ArgumentParser:
    """The argument parser."""
    p = argparse.ArgumentParser(prog="glassgrad bench", description=DESCRIPTION)
    p.add_argument(
        "subjects",
        nargs="*",
        metavar="subject",
        help=f"what to measure: {', '.join(SUBJECTS)} (default: all)",
    )
    p.add_argument(
        "--peers",
        default=",".join(PEERS),
        help="libraries to compare with, comma-separated (default: %(default)s); those not "
        "installed are skipped",
    )
    p.add_argument(
        "--peers-dir",
        type=Path,
        default=os.environ.get(PEERS_DIR),
        metavar="DIR",
        help=f"directory of the peers' environments, made by --setup-peers (default: ${PEERS_DIR})",
    )
    p.add_argument(
        "--setup-peers",
        type=Path,
        metavar="DIR",
        help="create the environments of --peers in a directory with pip; if no subject is named, "
        "do nothing else",
    )
    p.add_argument(
        "--python",
        action="append",
        default=[],
        metavar="PEER=PATH",
        help="Python interpreter to use for a peer; may be repeated",
    )
    p.add_argument(
        "--cases", default="", metavar="TEXT", help="run only cases whose names contain this text"
    )
    p.add_argument(
        "--busy", action="store_true", help="measure although other work keeps the machine busy"
    )
    p.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    p.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help=f"directory to write {record.RESULTS}, {PLOT} and {ROOFLINE} to",
    )
    p.add_argument(
        "--publish",
        action="store_true",
        help="keep the medians in benchmarks/results, as those of this processor, and make "
        "README's table from all processors' files there",
    )
    p.add_argument(
        "--table", action="store_true", help="only make README's table again, and do nothing else"
    )
    p.add_argument(
        "--compare",
        type=Path,
        metavar="OLD",
        help="show changes from the results of another run: of times, or of ratios to the peers "
        "if its processor is another one",
    )
    return p


def pythons(args: argparse.Namespace, fail: Any) -> dict[str, str]:
    """Interpreter of each peer, from --peers-dir and --python."""
    directory = args.setup_peers or args.peers_dir
    if directory is not None and not Path(directory).is_dir():
        fail(f"there is no directory {directory}; create it with --setup-peers {directory}")
    found = interpreters(None if directory is None else Path(directory).absolute())
    for text in args.python:
        peer, equals, path = text.partition("=")
        if not equals or peer not in PEERS:
            fail(f"--python must be PEER=PATH with a peer of {', '.join(PEERS)}, not {text}")
        found[peer] = path
    for peer, path in found.items():
        if not Path(path).is_file():
            fail(f"there is no interpreter {path} for {peer}")
    return found


def before_start(console: Console, where: record.Result, busy: bool, fail: Any) -> float | None:
    """Tell what is measured on; refuse a machine that does something else."""
    say = functools.partial(console.print, markup=False, soft_wrap=True)
    say(f"On {described(where)}")
    if where["dropped"]:
        settings = ", ".join(f"{name}={value}" for name, value in where["dropped"].items())
        say(f"Dropped from the environment, as it may hold a side back: {settings}")
    others, who = busiest()
    if others is None:
        say("What else runs here is not known: this system has no /proc/stat")
    elif others > BUSY:
        names = "; ".join(who) or "processes that have ended, or other virtual machines"
        text = f"other work takes {others:.1f} of {where['cores']} cores: {names}"
        if not busy:
            fail(f"{text}. Stop it, or pass --busy: rows are marked then, not to be trusted")
        say(f"Busy: {text}")
    else:
        say(f"Other work takes {others:.2f} of {where['cores']} cores")
    return others


def chosen(subject: str, text: str) -> list[Case]:
    """The cases of a subject whose names contain the text."""
    cases = importlib.import_module(f"benchmarks.{subject}").CASES
    return [case for case in cases if text in case.name]


def measure(console: Console, subject: str, cases: list[Case], plan: Plan) -> list[record.Result]:
    """Run the cases of a subject."""
    results = []
    for case in cases:
        with console.status(f"{subject}: {case.name}"):
            results.append(run(subject, case, plan))
    return results


def measure_peaks(console: Console, peaks: record.Result) -> None:
    """Update the machine's peak FLOP/s and bytes/s with new measurements.

    Other processes can only lower a sample, so the maximum over many short samples counts.
    """
    for case in peak.CASES:
        with console.status(f"peak: {case.name}"):
            result = run("peak", case, Plan([], rounds=50))
        samples = result["sides"].get(OURS, {}).get("samples", ())
        peaks[case.name] = max([peaks.get(case.name, 0.0), *samples])
        if samples:
            now = report.readable(peaks[case.name], case.unit)
            console.print(f"Peak of all cores: {now}")


def main(argv: list[str] | None = None) -> int:
    """Run the command line; return 1 if the results of two libraries differ."""
    p = parser()
    args = p.parse_args(argv)
    console = Console(highlight=False)
    if unknown := set(args.subjects) - set(SUBJECTS):
        p.error(f"no subject {', '.join(sorted(unknown))}; there are {', '.join(SUBJECTS)}")
    peers = [peer.strip() for peer in args.peers.split(",") if peer.strip()]
    if strange := set(peers) - set(PEERS):
        p.error(f"no peer {', '.join(sorted(strange))}; there are {', '.join(PEERS)}")
    try:
        before = record.read(args.compare) if args.compare else None
    except (OSError, ValueError) as error:
        p.error(f"--compare: {error}")
    if args.table:
        table.update()
        return 0
    if args.setup_peers:
        args.setup_peers = args.setup_peers.absolute()
        try:
            set_up(args.setup_peers, peers, functools.partial(console.print, soft_wrap=True))
        except subprocess.CalledProcessError:
            print("glassgrad bench: pip could not install a peer; see above", file=sys.stderr)
            return 1
        if not args.subjects:
            console.print(f"Next: glassgrad bench --peers-dir {args.setup_peers}", markup=False)
            return 0
    plan = Plan(peers, pythons(args, p.error), *((5, 0.03, 20.0) if args.quick else (15, 0.1)))
    where, everything = record.machine(), list[record.Result]()
    where["others"] = before_start(console, where, args.busy, p.error)
    peaks = {"cores": where["cores"]}
    for subject in args.subjects or SUBJECTS:
        cases = chosen(subject, args.cases)
        if "flops" not in peaks or any(case.flops or case.bytes for case in cases):
            measure_peaks(console, peaks)
        results = measure(console, subject, cases, plan)
        console.print(report.table(subject, results, peaks))
        for side, why in report.skipped(results).items():
            console.print(f"Skipped {side}: {why}", markup=False)
        for doubt in report.doubts(results):
            console.print(doubt, markup=False, soft_wrap=True)
        everything += results
        done = record.run_of(where, peaks, everything)
        if args.out:
            record.write(args.out, done)
    if args.publish:
        console.print(f"Wrote {table.publish(done)}", soft_wrap=True, markup=False)
        table.update()
    if args.out:
        title = f"Time relative to glassgrad, {where['date'][:10]}, {where['processor']}"
        (args.out / PLOT).write_text(plot.svg(everything, title), encoding="utf-8")
        console.print(f"Wrote {args.out / record.RESULTS} and {PLOT}", soft_wrap=True, markup=False)
        if roofs := roofline.svg(everything, peaks, f"Roofline of {described(where)}"):
            (args.out / ROOFLINE).write_text(roofs, encoding="utf-8")
            console.print(f"Wrote {args.out / ROOFLINE}", soft_wrap=True, markup=False)
    if before is not None:
        other = before["machine"].get("processor") != where["processor"]
        console.print(report.comparison(record.changes(before["results"], everything, other)))
        if other:
            console.print(f"The other run's machine: {described(before['machine'])}.", markup=False)
    return 1 if any("wrong" in result for result in everything) else 0


if __name__ == "__main__":
    sys.exit(main())
