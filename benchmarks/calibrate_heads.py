"""Heads of earlier runs read as is best on the validation posts, nothing trained.

    python -m benchmarks.calibrate_heads FOLDER… --base BASE [--data ../shared/data]

`phyassist train-heads` does it at its end; here it is done anew for a run, or for a published folder, as it
stands.  Of several that know a set the mean is read, and each is calibrated for it.  `heads.json` is written
over, and what each set scores on validation posts that nothing was fitted to is printed.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from phyassist.training.heads.calibration import Heard, choose_calibration
from phyassist.training.heads.model import CONFIG, load_headed
from phyassist.training.heads.posts import Post, list_asks, load_posts
from phyassist.training.heads.score import find_logits


def listen(folder: Path, base: str, posts: Sequence[Post]) -> Heard:
    """What a run says of the posts of its sets; of others nothing, which is not read."""
    headed = load_headed(base, folder)
    if headed.words is None:
        raise SystemExit(f"{folder} has no words beside its heads")
    known = {ask.set for ask in headed.asks}
    rows = [no for no, post in enumerate(posts) if post.set in known]
    texts = [posts[no].text for no in rows]
    heads = np.zeros((len(posts), sum(len(ask.labels) for ask in headed.asks)), np.float32)
    words = heads.copy()
    heads[rows], words[rows] = find_logits(headed, texts), headed.words.score(texts, headed.asks)
    return Heard(heads, words, headed.asks)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folders", type=Path, nargs="+", metavar="folder")
    parser.add_argument("--base", required=True)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    options = parser.parse_args()
    described = [json.loads((folder / CONFIG).read_text("utf-8")) for folder in options.folders]
    sets = tuple(dict.fromkeys(ask["set"] for said in described for ask in said["asks"]))
    posts = load_posts(sets, options.data, "val")
    heard = [listen(folder, options.base, posts) for folder in options.folders]
    calibrations, scores = choose_calibration(heard, posts, list_asks(sets))
    for folder, said, calibration in zip(options.folders, described, calibrations, strict=True):
        new = said | {"calibration": calibration.to_json()}
        (folder / CONFIG).write_text(json.dumps(new, indent=2) + "\n", encoding="utf-8")
    ways = {name: way for calibration in calibrations for name, way in calibration.by_set.items()}
    for name, score in scores.items():
        print(f"{name}: {score:.2f}, {ways[name]}")


if __name__ == "__main__":
    main()
