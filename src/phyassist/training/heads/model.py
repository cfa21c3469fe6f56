"""A generator's middle layers with LoRA, and heads that read them: one attention over the text per label.

The reading is the label-wise attention of CAML (Mullenbach et al., NAACL 2018), over a causal model's layers.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from phyassist.errors import BadInput, ModelMissing
from phyassist.lm.hashing import count_sha256
from phyassist.training.adapters import check_weights
from phyassist.training.base import find_device, load_base, load_tokenizer
from phyassist.training.bases import ADAPTER_WEIGHTS, check_fits, fetch_base, find_base_mark
from phyassist.training.heads.calibration import Calibration, load_calibration
from phyassist.training.heads.posts import Ask
from phyassist.training.heads.recipe import HeadRecipe
from phyassist.training.heads.words import TERMS, WordModel, load_words
from phyassist.training.lora import find_targets
from phyassist.training.recipe import Recipe

CONFIG, WEIGHTS = "heads.json", "heads.safetensors"
ADAPTER = "heads"


@dataclass(frozen=True, slots=True)
class Batch:
    """Texts of similar length, padded at the end: ids (posts, tokens) and which of them the heads read."""

    ids: Any
    mask: Any


class Reader:
    """The tokens of a text as the model sees it: its first token, then the text's own, as often as is said.

    What a token of a causal model says of a text read twice, it says having seen all of it (Springer et al.,
    ICLR 2025): the heads read the last time alone.
    """

    def __init__(self, tokenizer: Any, text_tokens: int, times: int) -> None:
        self._tokenizer, self._most, self._times = tokenizer, text_tokens, times
        first = tokenizer.bos_token_id
        self.first = first if first is not None else tokenizer.eos_token_id
        self._between: list[int] = tokenizer("\n", add_special_tokens=False)["input_ids"]

    def read(self, text: str) -> list[int]:
        """At most `text_tokens` ids each time, the first token among them; of a longer text its beginning and
        its end.
        """
        ids = self._cut(self._tokenizer(text, add_special_tokens=False)["input_ids"])
        return [self.first, *ids, *([*self._between, *ids] * (self._times - 1))]

    def pad(self, texts: Sequence[Sequence[Any]]) -> Batch:
        """Some that were read, as one batch.

        The first token is what a causal model rests its attention on: the heads do not read it.
        """
        import torch

        ids = torch.zeros(len(texts), max(map(len, texts)), dtype=torch.long)
        mask = torch.zeros(ids.shape)
        for no, text in enumerate(texts):
            ids[no, : len(text)] = torch.tensor(text)
            mask[no, self._find_last(len(text)) : len(text)] = 1
        return Batch(ids, mask)

    def find(self, text: str, words: str) -> tuple[int, ...]:
        """Where in what `read` gives some words of the text stand; empty where they do not."""
        apart = r"\s+".join(re.escape(word).replace("'", "['’]") for word in words.replace("’", "'").split())
        found = re.search(apart, text, re.IGNORECASE) if apart else None
        if found is None:
            return ()
        told = self._tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        places = self._cut(told["offset_mapping"])
        last = self._find_last(1 + self._times * len(places) + (self._times - 1) * len(self._between))
        return tuple(
            last + no for no, (begin, end) in enumerate(places) if end > found.start() and begin < found.end()
        )

    def _find_last(self, length: int) -> int:
        """Where in so many tokens the text begins for the last time."""
        return length - (length - 1 - (self._times - 1) * len(self._between)) // self._times

    def _cut(self, told: Sequence[Any]) -> list[Any]:
        room = self._most - 1
        if len(told) <= room:
            return list(told)
        begin = room * 2 // 3
        return [*told[:begin], *told[begin - room :]]


class Headed:
    """A base model up to `last_layer`, LoRA from `first_layer`, and the heads of some asks."""

    def __init__(self, base: str, asks: Sequence[Ask], recipe: HeadRecipe) -> None:
        """Raises ModelMissing, BadInput where the base has not so many layers."""
        import torch
        from peft import LoraConfig, get_peft_model

        self.base, self.asks, self.recipe = base, tuple(asks), recipe
        self.device = find_device()
        model: Any = load_base(base, Recipe(), self.device)
        if recipe.last_layer >= model.config.num_hidden_layers or recipe.first_layer > recipe.last_layer:
            raise BadInput(
                f"{base} has {model.config.num_hidden_layers} layers, not {recipe.last_layer + 1}",
                hint="set first_layer and last_layer within them",
            )
        config = LoraConfig(
            task_type="CAUSAL_LM",
            r=recipe.rank,
            lora_alpha=recipe.alpha,
            target_modules=list(find_targets(model)),
            layers_to_transform=list(range(recipe.first_layer, recipe.last_layer + 1)),
        )
        torch.manual_seed(recipe.seed)
        self.peft = get_peft_model(model, config)
        self._trunk = self.peft.get_base_model().model
        self.reader = Reader(load_tokenizer(base), recipe.text_tokens, recipe.times_read)
        heads = make_heads(self._trunk.config.hidden_size, self.asks, recipe.dropout)
        self.heads = heads.to(self.device)
        # What stands beside the heads once they have learnt.
        self.words: WordModel | None = None
        self.calibration: Calibration | None = None

    def read_below(self, batch: Batch) -> Any:
        """What stands before `first_layer`, (posts, tokens, width); no part of it is ever trained."""
        import torch

        with torch.inference_mode():
            hidden = self._trunk.embed_tokens(batch.ids.to(self.device))
            return self._through(hidden, 0, self.recipe.first_layer)

    def read_above(self, hidden: Any, mask: Any) -> tuple[Any, Any]:
        """Logits of all labels, (posts, labels), and where each of them looked, (posts, tokens, labels)."""
        hidden = hidden.to(self.device, self._trunk.dtype)
        hidden = self._through(hidden, self.recipe.first_layer, self.recipe.last_layer + 1)
        said: tuple[Any, Any] = self.heads(hidden.float(), mask.to(self.device))
        return said

    def _through(self, hidden: Any, begin: int, end: int) -> Any:
        import torch

        places = torch.arange(hidden.shape[1], device=self.device)[None]
        turns = self._trunk.rotary_emb(hidden, places)
        for layer in self._trunk.layers[begin:end]:
            # Padding stands at the end, where no token of a causal model looks.
            hidden = layer(hidden, attention_mask=None, position_ids=places, position_embeddings=turns)
        return hidden

    def save(self, folder: Path) -> None:
        """LoRA in peft's form, in half precision, and the heads beside it; their description last."""
        from peft import get_peft_model_state_dict
        from safetensors.torch import save_file

        held = get_peft_model_state_dict(self.peft)
        lora = {name: value.half().cpu().contiguous() for name, value in held.items()}
        self.peft.peft_config["default"].save_pretrained(str(folder / ADAPTER), auto_mapping_dict=None)
        save_file(lora, folder / ADAPTER / ADAPTER_WEIGHTS, metadata={"format": "pt"})
        save_file(self.heads.state_dict(), folder / WEIGHTS)
        said = {"recipe": asdict(self.recipe), "asks": [asdict(ask) for ask in self.asks]}
        if self.words is not None and self.calibration is not None:
            self.words.save(folder)
            said["calibration"] = self.calibration.to_json()
        (folder / CONFIG).write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")


def load_headed(base: str, folder: Path) -> Headed:
    """Raises ModelMissing where there are no heads or no base, BadInput on another base than theirs,
    ModelDamaged, UnreadableFile.
    """
    from peft import set_peft_model_state_dict
    from safetensors.torch import load_file

    said = _load_description(folder)
    mark = find_base_mark(folder / ADAPTER, folder)
    if mark is not None:
        check_fits(mark, fetch_base(base))
    headed = Headed(base, _list_asks(said), HeadRecipe(**said["recipe"]))
    for weights in (folder / ADAPTER / ADAPTER_WEIGHTS, folder / WEIGHTS):
        check_weights(weights)
    set_peft_model_state_dict(headed.peft, load_file(folder / ADAPTER / ADAPTER_WEIGHTS))
    headed.heads.load_state_dict(load_file(folder / WEIGHTS))
    headed.words = load_words(folder)
    if headed.words is not None:
        headed.calibration = said["calibration"]
    return headed


def _list_asks(said: Mapping[str, Any]) -> list[Ask]:
    return [Ask(each["set"], each["question"], tuple(each["labels"])) for each in said["asks"]]


def identify_heads(folder: Path) -> str:
    """A SHA-256 of what makes the labels: the heads, and how they are read."""
    digest = hashlib.sha256()
    for name in (CONFIG, WEIGHTS):
        digest.update(bytes.fromhex(count_sha256(folder / name)))
    return digest.hexdigest()


def check_heads(folders: Sequence[Path], sets: Sequence[str]) -> None:
    """Raises BadInput where some set is known to none of these heads, ModelMissing where there are none."""
    known = {each["set"] for folder in folders for each in _load_description(folder)["asks"]}
    unknown = [name for name in sets if name not in known]
    if unknown:
        raise BadInput(
            f"these heads know no {', '.join(unknown)}",
            hint=f"name what they know with --sets {','.join(sorted(known))}, or train heads for it",
        )


def _load_description(folder: Path) -> Any:
    try:
        said = json.loads((folder / CONFIG).read_text("utf-8"))
        said["recipe"], said["asks"]
        if (folder / TERMS).is_file():
            said["calibration"] = load_calibration(said["calibration"], _list_asks(said))
    except OSError:
        raise ModelMissing(
            f"{folder} holds no heads", hint="name a folder that phyassist train-heads made"
        ) from None
    except (ValueError, KeyError, TypeError):
        raise BadInput(f"{folder / CONFIG} does not describe heads", hint="train or pull them anew") from None
    return said


def make_heads(width: int, asks: Sequence[Ask], dropout: float) -> Any:
    """A module from (posts, tokens, width) and a mask to the logits of all labels, (posts, labels), and the
    shares of each label's attention, (posts, tokens, labels).
    """
    import torch
    from torch import nn

    labels = sum(len(ask.labels) for ask in asks)

    class Heads(nn.Module):  # type: ignore[misc]  # torch is typed as anything here
        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.LayerNorm(width)
            self.query = nn.Linear(width, labels, bias=False)
            self.weight = nn.Parameter(torch.zeros(labels, 2 * width))
            self.bias = nn.Parameter(torch.zeros(labels))
            self.drop = nn.Dropout(dropout)
            nn.init.zeros_(self.query.weight)

        def forward(self, hidden: Any, mask: Any) -> tuple[Any, Any]:
            hidden = self.norm(hidden)
            looked = self.query(hidden).masked_fill(mask[..., None] == 0, -1e9).softmax(1)
            found = torch.einsum("btl,btw->blw", looked, hidden)
            mean = (hidden * mask[..., None]).sum(1) / mask.sum(1, keepdim=True).clamp(min=1)
            read = self.drop(torch.cat([found, mean[:, None].expand_as(found)], dim=-1))
            return (read * self.weight).sum(-1) + self.bias, looked

    return Heads()
