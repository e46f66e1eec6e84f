"""How well a small model passes the exam, through the whole agent: model, function call, sandbox, parser, repair.

    python tests/bench/nano.py MODEL_FOLDER [--part tuning|final] [--count N] [--temperature 0.7] [--seed 1]
        [--json FILE] [--workers N] [--show N] [--unseeded]

Needs the extras ``mlx`` and ``sandbox``. Each question is a session of its own, with a kernel of its own. A question is
right if the answer that the parser found is. A repair is a reply that the parser could not use, or several in a row,
followed by one that it could. Tokens and first-token times are taken around ``mlx_lm.stream_generate``, so without the
chat template; memory is this process's, without the kernels. Workers share one model, which answers one at a time:
they overlap only the sandbox. Same model, seed and temperature: same answers, for any number of workers. All replies to
one question have one seed, the retries too; ``--unseeded`` samples each anew, as an agent without a seed does.
"""

from __future__ import annotations

import argparse
import json
import re
import resource
import statistics
import sys
import threading
import time
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "nano"))

from exam import build_exam
from exam_forms import answer_of, build_prompt, choose_forms
from grade import is_right

from lllm.errors import LLLMError, ModelBehaviorError
from lllm.llm import Agent
from lllm.log import MemoryLog
from lllm.providers.mlx import MLXProvider
from lllm.providers.mlx_model import Place, load_model
from lllm.providers.mlx_thread import in_model_thread
from lllm.tools import python_function, run_python

MAX_TOKENS = 400
RAISED = re.compile(r"[A-Za-z_][\w.]*(Error|Exception|Exit|Interrupt|Limit|Timeout|Died)(: .*)?")
"""How the text that a model reads of a cell ends, if the cell ended by an exception."""


@dataclass
class Taken:
    """One question and what became of it."""

    kind: str
    operation: str
    wording_id: str
    form: str
    question: str
    expected: str
    answer: str = ""
    right: bool = False
    error: str = ""
    codes: list = field(default_factory=list)
    results: list = field(default_factory=list)
    calls: int = 0
    function_errors: int = 0
    unusable_replies: int = 0
    episodes: int = 0
    repaired: int = 0
    wall_s: float = 0.0


class TokenClock:
    """What the model's thread took: tokens, and times from the prompt to the first one."""

    def __init__(self):
        self.first_s, self.tokens, self.decoded, self.decode_s = [], 0, 0, 0.0

    def timed(self, generate):
        """Return ``generate`` with a watch."""

        def generate_timed(*args, **options):
            begun, first, count = time.perf_counter(), 0.0, 0
            steps = generate(*args, **options)
            try:
                for step in steps:
                    count += 1
                    first = first or time.perf_counter()
                    yield step
            finally:
                steps.close()
                self._count(begun, first, count)

        return generate_timed

    def _count(self, begun, first, count):
        if count:
            self.first_s.append(first - begun)
            self.tokens += count
            self.decoded += count - 1
            self.decode_s += time.perf_counter() - first

    def to_dict(self):
        """Return the figures."""
        ms = [1e3 * each for each in self.first_s]
        cuts = statistics.quantiles(ms, n=20, method="inclusive") if len(ms) > 1 else (ms or [0.0]) * 19
        return {
            "replies": len(ms),
            "tokens": self.tokens,
            "tokens_per_s": self.decoded / self.decode_s if self.decode_s else 0.0,
            "first_token_p50_ms": cuts[9],
            "first_token_p95_ms": cuts[18],
        }


def load(folder, clock):
    """Load the model in the thread of the models; return the seconds it took, and what it raised."""
    done, told = threading.Event(), []

    def work():
        try:
            import mlx_lm

            mlx_lm.stream_generate = clock.timed(mlx_lm.stream_generate)
            begun = time.perf_counter()
            load_model(Place(folder))
            told.append(time.perf_counter() - begun)
        except Exception as error:  # noqa: BLE001 - whatever it is, this thread goes on and the other tells it
            told.append(error)
        finally:
            done.set()

    in_model_thread(work)
    done.wait()
    if isinstance(told[0], Exception):
        sys.exit(f"the model cannot be loaded: {told[0]}")
    return told[0]


@cache
def function_of(name):
    """Return what runs Python, by its name."""
    return run_python if name == "run_python" else python_function(name=name)


def sit(question, form, provider, model_args):
    """Put one question to a fresh agent; a failed call is an answer, too."""
    log = MemoryLog()
    taken = Taken(question.kind, question.operation, question.wording_id, form.name, question.text, question.expected)
    prompt = build_prompt(form, function_of(form.function))
    agent = Agent(
        name="nano", system_prompt=prompt, model="nano", provider=provider, log_base=log, model_args=model_args
    )
    begun = time.perf_counter()
    try:
        with agent:
            taken.answer = answer_of(form, agent.ask(question.text).parsed)
    except LLLMError as error:
        taken.error = f"{type(error).__name__}: {error}"[:300]
        taken.unusable_replies += isinstance(error, ModelBehaviorError)  # the last one, which nobody answers
    taken.wall_s = time.perf_counter() - begun
    taken.right = not taken.error and is_right(question.expected, taken.answer)
    for name in log.session_names():
        count_events(taken, log.read_session(name))
    return taken


def count_events(taken, events):
    """Count what a session's log tells."""
    is_repair = False
    for event in events:
        data = event.data
        if event.kind == "model.reply":
            taken.codes += [call["arguments"] for call in data["message"].get("calls", ())]
        elif event.kind == "function.result":
            result = data["message"]["content"]
            taken.results.append(result)
            taken.calls += 1
            taken.function_errors += "error" in data or bool(RAISED.fullmatch(result.rpartition("\n")[2]))
        elif event.kind == "message":
            taken.unusable_replies += data["message"].get("creator") == "exception"
        elif event.kind == "model.request":
            is_repair = bool(data.get("retry"))
            taken.episodes += data.get("retry") == 1
    taken.repaired = taken.episodes - bool(taken.error and is_repair)


def summarize(all_taken):
    """Return the figures over all questions."""
    shares = {"all": share(all_taken)}
    for name in ("kind", "form", "operation"):
        groups = defaultdict(list)
        for taken in all_taken:
            groups[f"{taken.kind}/{taken.operation}" if name == "operation" else getattr(taken, name)].append(taken)
        shares[name] = {key: share(groups[key]) for key in sorted(groups)}
    totals = {
        name: sum(getattr(taken, name) for taken in all_taken)
        for name in ("calls", "function_errors", "unusable_replies", "episodes", "repaired")
    }
    after_repair = [taken for taken in all_taken if taken.episodes and taken.episodes == taken.repaired]
    right = sum(taken.right for taken in after_repair)
    after_error = [taken for taken in all_taken if taken.function_errors]
    return (
        shares
        | totals
        | {
            "repaired_and_right": right,
            "right_after_function_error": share(after_error),
            "errors": Counter(taken.error.partition(":")[0] for taken in all_taken if taken.error),
        }
    )


def share(some):
    """Return how many there are, how many are right, and the percentage."""
    right = sum(taken.right for taken in some)
    return {"count": len(some), "right": right, "percent": round(100 * right / max(1, len(some)), 1)}


def memory_mib():
    """Return this process's memory, now and at its highest."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def show(found, all_taken, limit):
    """Print the figures, and the first failures."""
    for name in ("kind", "form", "operation"):
        print(f"by {name}")
        for key, each in found[name].items():
            print(f"  {key:34s} {each['right']:4d} of {each['count']:4d}  {each['percent']:5.1f}%")
    whole = found["all"]
    print(f"right in all: {whole['right']} of {whole['count']}, {whole['percent']}%")
    print(f"calls {found['calls']}, of which failed {found['function_errors']}; right after such: ", end="")
    print(f"{found['right_after_function_error']['right']} of {found['right_after_function_error']['count']}")
    print(f"unusable replies {found['unusable_replies']} in {found['episodes']} episodes, ", end="")
    print(f"repaired {found['repaired']}, questions repaired and right {found['repaired_and_right']}")
    print(f"errors: {dict(found['errors']) or 'none'}")
    for name in ("replies", "tokens", "tokens_per_s", "first_token_p50_ms", "first_token_p95_ms"):
        print(f"{name}: {found['speed'][name]:.1f}")
    for name, value in found["machine"].items():
        print(f"{name}: {value:.1f}")
    for taken in [taken for taken in all_taken if not taken.right][:limit]:
        show_failure(taken)


def show_failure(taken):
    """Print one failure."""
    print(f"\n{taken.wording_id} in form {taken.form}: {taken.question}")
    for code, result in zip(taken.codes, taken.results, strict=False):
        print(f"  code     {code[:300]}\n  result   {result[-200:]!r}")
    print(f"  answer   {taken.answer[:200]!r}\n  expected {taken.expected!r}")
    if taken.error:
        print(f"  error    {taken.error}")


def parse_arguments():
    """Return what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--part", choices=("tuning", "final"), default="final")
    parser.add_argument("--count", type=int, help="of questions; default: 200 for tuning, else 500")
    parser.add_argument("--temperature", type=float, default=0.7)
    parser.add_argument("--seed", type=int, default=1, help="of the questions, their forms and the sampling")
    parser.add_argument("--json", type=Path, help="a file for all figures and all questions")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--show", type=int, default=20, help="so many failures")
    parser.add_argument("--unseeded", action="store_true", help="give the model no seed")
    return parser.parse_args()


def main():
    """Sit the exam and print the report."""
    asked = parse_arguments()
    if (seen := run_python.function("print('up')")) != "up":
        sys.exit(f"no sandbox works here: {seen}")
    clock = TokenClock()
    load_s = load(asked.model, clock)
    loaded_mib, _ = memory_mib()
    exam = build_exam(asked.seed, asked.count, asked.part)
    forms = choose_forms(asked.seed, len(exam))
    provider = MLXProvider(asked.model)

    def work(item):
        place, (question, form) = item
        args = {"temperature": asked.temperature, "max_tokens": MAX_TOKENS}
        seed = {} if asked.unseeded else {"seed": asked.seed * 100_003 + place}
        return sit(question, form, provider, args | seed)

    begun = time.perf_counter()
    with ThreadPoolExecutor(asked.workers) as pool:
        all_taken = list(pool.map(work, enumerate(zip(exam, forms, strict=True))))
    wall_s = time.perf_counter() - begun
    machine = {"load_s": load_s, "rss_after_load_mib": loaded_mib, "rss_peak_mib": memory_mib()[1], "wall_s": wall_s}
    found = summarize(all_taken) | {"speed": clock.to_dict(), "machine": machine}
    show(found, all_taken, asked.show)
    if asked.json:
        said = {name: str(value) if isinstance(value, Path) else value for name, value in vars(asked).items()}
        report = {"asked": said, **found, "questions": [asdict(taken) for taken in all_taken]}
        asked.json.write_text(json.dumps(report, indent=1), "utf-8")


if __name__ == "__main__":
    main()
