"""Heads of an earlier run read as is best on the validation posts, nothing trained.

    python -m benchmarks.calibrate_heads FOLDER --base BASE [--data ../shared/data]

`phyassist train-heads` does it at its end; here it is done anew for a run, or for a published folder, as it
stands: `heads.json` is written over, and what each set scores on validation posts that nothing was fitted to
is printed.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from phyassist.training.heads.calibration import choose_calibration
from phyassist.training.heads.model import CONFIG, load_headed
from phyassist.training.heads.posts import load_posts
from phyassist.training.heads.score import find_logits


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--base", required=True)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    options = parser.parse_args()
    headed = load_headed(options.base, options.folder)
    if headed.words is None:
        raise SystemExit(f"{options.folder} has no words beside its heads")
    sets = tuple(dict.fromkeys(ask.set for ask in headed.asks))
    posts = load_posts(sets, options.data, "val")
    texts = [post.text for post in posts]
    spoken = headed.words.score(texts, headed.asks)
    calibration, scores = choose_calibration(find_logits(headed, texts), spoken, posts, headed.asks)
    said = json.loads((options.folder / CONFIG).read_text("utf-8")) | {"calibration": calibration.to_json()}
    (options.folder / CONFIG).write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")
    for name, score in scores.items():
        print(f"{name}: {score:.2f}, {calibration.by_set[name]}")


if __name__ == "__main__":
    main()
