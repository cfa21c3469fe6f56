"""The page of `phyassist demo`: one question, a base and its adapter side by side.  Made with Gradio."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from phyassist.domain.people import Language
from phyassist.errors import PhyAssistError
from phyassist.training.side_by_side import Pair, Question, ask_as_the_app_does

NOTICE = (
    "**Research demonstration, not for patients · 研究演示，不面向来访者**  \n"
    "Write nothing about a real person. What comes out is a model's guess: no advice, no diagnosis.  \n"
    "请勿输入任何真实人物的信息。输出只是模型的推测，不是建议，也不是诊断。"
)
DRAFT, CLOSED = "draft · 草稿", "closed question · 封闭式问题"
LANGUAGES: tuple[tuple[str, Language], ...] = (("English", "en"), ("中文", "zh"))
EXAMPLES: list[list[str]] = [
    [
        "Since the move I sleep four hours a night. At work I read the same line five times. "
        "My sister calls, and I let it ring.",
        "What keeps her from sleeping?",
        DRAFT,
        "en",
    ],
    [
        "I have an exam on Monday and my hands shake when I open the book.",
        "What causes the stress?",
        CLOSED,
        "en",
    ],
    [
        "搬家以后我每天只睡四个小时。上班时同一行字要读五遍。妹妹打来电话，我就让它响着。",
        "她为什么睡不好？",
        DRAFT,
        "zh",
    ],
]
REPLY_TOKENS_MAX = 600


def make_page(pair: Pair, *, title: str) -> Any:
    """The page as a Gradio app, to be launched."""
    import gradio as gr

    def answer(
        text: str, asked: str, kind: str, language: Language, reply_tokens: float
    ) -> Iterator[tuple[str, str]]:
        question = Question(text, asked, language, is_closed=kind == CLOSED)
        try:
            messages = ask_as_the_app_does(question)
        except PhyAssistError as error:
            raise gr.Error(str(error), print_exception=False) from None
        for replies in pair.stream(messages, reply_tokens=int(reply_tokens)):
            yield replies.base, replies.adapter

    # Nothing is reported to anybody, and no font is fetched from elsewhere.
    with gr.Blocks(title=title, analytics_enabled=False) as page:
        gr.Markdown(f"# {title}\n\n{NOTICE}")
        text = gr.Textbox(label="Text · 文本", lines=6, max_length=4000)
        asked = gr.Textbox(label="Question · 问题", lines=1, max_length=400)
        with gr.Row():
            kind = gr.Radio([DRAFT, CLOSED], value=DRAFT, label="Task · 任务")
            language = gr.Radio(list(LANGUAGES), value="en", label="Language · 语言")
            tokens = gr.Slider(
                20, REPLY_TOKENS_MAX, 200, step=20, label="At most so many tokens · 最多词元数"
            )
        with gr.Row():
            ask = gr.Button("Ask both · 同时提问", variant="primary")
            stop = gr.Button("Stop · 停止")
        with gr.Row():
            base = gr.Textbox(label="Base · 基座模型", lines=12, buttons=["copy"])
            adapter = gr.Textbox(label="With the adapter · 加上适配器", lines=12, buttons=["copy"])
        # One question at a time: both answer from the same weights.
        asking = ask.click(
            answer,
            [text, asked, kind, language, tokens],
            [base, adapter],
            concurrency_limit=1,
            api_name="ask",
        )
        stop.click(None, cancels=[asking])
        gr.Examples(EXAMPLES, [text, asked, kind, language], cache_examples=False)
    return page


def make_theme() -> Any:
    """Plain, in the reader's own fonts."""
    import gradio as gr

    return gr.themes.Base(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"])
