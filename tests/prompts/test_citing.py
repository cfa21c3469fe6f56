"""What an advice may cite: a sentence that says it, whatever the model says that it rests on."""

from __future__ import annotations

import pytest

from phyassist.domain.library import Document, DocumentId, Passage, Reference, Scope
from phyassist.prompts.citing import fill_shelf, find_citation

TEXT = (
    "说明看到什么、为什么别人的帮助有用、那里会做什么，并说自己仍保持联系。"
    "当天与督导或儿童保护机构商量。记下所作的建议。"
)


def make_passage(text: str) -> Passage:
    document = Document(
        DocumentId("card-zh-referral"), Scope.SHIPPED, Reference("何时与如何转介"), "md", 0, 1
    )
    return Passage(document, no=0, page=1, heading="如何", text=text)


@pytest.mark.parametrize(
    ("advice", "cited"),
    [
        # The 1.5B wrote these three of it, and said that they rest on its first sentence.
        ("了解来访者的需求和感受，帮助来访者找到解决问题的方法。", ""),
        ("帮助来访者建立积极的应对策略，如多关注自己，做让自己开心舒适的事。", ""),
        ("鼓励来访者保护自己的边界，并与亲密的朋友分享自己的私人信息。", ""),
        ("向来访者说明看到什么，为什么别人的帮助有用，并说自己仍保持联系。", "别人的帮助有用"),
        ("当天与督导商量，是否要联系儿童保护机构。", "儿童保护机构"),
    ],
)
def test_a_sentence_is_cited_where_it_says_what_the_advice_says(advice: str, cited: str) -> None:
    found = find_citation(advice, fill_shelf([make_passage(TEXT)], "zh"))

    assert (found is not None) == bool(cited)
    assert found is None or cited in found.quote
