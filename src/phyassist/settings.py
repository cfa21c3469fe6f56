"""The one settings object: flags, then PHYASSIST_* variables, then config.toml in the home folder.

Read by the command line and by `web.app` alone; everything else is handed values.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from platformdirs import user_data_path
from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from phyassist.domain.learning import Limits
from phyassist.errors import BadSetting

PREFIX = "PHYASSIST_"
CONFIG_NAME = "config.toml"


def default_home() -> Path:
    """The folder that this platform keeps a person's application data in."""
    return user_data_path("phyassist", appauthor=False)


class Settings(BaseSettings):
    """All that can be set.  The help of a setting stands on its field; `docs/settings.md` is made from it."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    home: Path = Field(
        default_factory=default_home,
        description="Folder of everything that PhyAssist keeps: database, models, logs, config.toml. "
        "Set by flag or variable, not in config.toml, which lies inside it.",
    )
    host: str = Field(
        "127.0.0.1",
        description="Address that the workspace listens on. The default is reached from this computer only.",
    )
    port: int = Field(8420, ge=1, le=65535, description="Port that the workspace listens on.")
    names: str = Field(
        "",
        description="Host names under which browsers reach the workspace, parted by commas, such as "
        "notes.practice.example. A request for any other name is refused. Empty: this computer's own.",
    )
    tls_cert: Path | None = Field(
        None, description="Certificate (PEM, with its chain) to serve over TLS with. Goes with tls_key."
    )
    tls_key: Path | None = Field(
        None, description="The certificate's private key (PEM, without a password). Readable by you alone."
    )
    behind_proxy: str = Field(
        "",
        description="Addresses or networks of the proxies in front, parted by commas: what these say in "
        "X-Forwarded-Proto and X-Forwarded-For is believed, and nobody else's. Empty: there is none.",
    )
    store_url: str = Field(
        default_factory=lambda done: f"sqlite:///{(done['home'] / 'practice.db').absolute()}",
        description="Database of the practice, as an SQLAlchemy URL. Default: practice.db in home.",
    )
    models_dir: Path = Field(
        default_factory=lambda done: done["home"] / "models",
        description="Folder of the model files. Default: models in home.",
    )
    model: str = Field(
        "",
        description="Model that answers: a name of the catalogue or a path to a .gguf file. "
        "Empty: chosen by this computer's memory and cores. With model_url: the name that the server knows.",
    )
    model_url: str = Field(
        "",
        description="Address of an OpenAI-compatible server to use instead of a model file, "
        "such as http://127.0.0.1:8000/v1.",
    )
    model_base: str = Field(
        "",
        description="Model whose weights the practice's own server at model_url has: a name of the catalogue "
        "or a path to its .gguf file. Adapters are trained for it and handed to the server. Empty: unknown; "
        "the server answers without adapters.",
    )
    model_key: SecretStr = Field(
        SecretStr(""), description="Key that the server at model_url asks for. Never shown and never logged."
    )
    own_servers: str = Field(
        "",
        description="Host names of model servers that the practice runs itself, parted by commas. A server "
        "at model_url that is neither this computer nor among these is an outside one: names and numbers "
        "are replaced on the way there, and only where outside servers are allowed.",
    )
    outside_servers: bool = Field(
        False,
        description="Whether text may go to an outside model server where no practice has chosen. "
        "A practice's own choice stands on its page.",
    )
    hub_url: str = Field(
        "",
        description="Address of a mirror of the model hub to fetch model files from. Empty: the hub itself.",
    )
    context_tokens: int = Field(
        8192, ge=1024, le=1_048_576, description="Length of the model's window, in tokens."
    )
    threads: int = Field(
        0, ge=0, le=1024, description="Threads that the engine computes with. 0: one for each core."
    )
    language: Literal["", "zh", "en"] = Field(
        "",
        description="Language of the command line's output and of drafts without a patient. "
        "Empty: as the text is; the page follows the browser.",
    )
    jurisdiction: Literal["cn", "other"] = Field(
        "cn",
        description="Rules that drafts follow where no practice has chosen: "
        "cn writes no diagnosis, only signs to consider and referral; other leaves it to the counsellor.",
    )
    upload_bytes_max: int = Field(
        20_000_000, ge=1, description="Largest file that can be poured in, in bytes."
    )
    adapters_per_patient: int = Field(
        6, ge=1, le=1000, description="Adapters that are kept of one patient, refused ones too."
    )
    adapters_per_practice: int = Field(
        60, ge=1, le=10_000, description="Adapters that are kept in all, everybody's together."
    )
    learn_characters_max: int = Field(
        600_000,
        ge=1000,
        description="Characters that one run learns from, prompts and kept replies, each once. Where there "
        "is more, the oldest notes are left out, and the page says so.",
    )
    learn_minutes_max: int = Field(
        60,
        ge=1,
        le=10_080,
        description="Minutes that the steps of one run may take. Where the plan "
        "expects more, the oldest notes are left out; a run that is slower ends with what it has learnt.",
    )
    counsellor: str = Field(
        default="", description="Who signs in on the command line where several people work: a name."
    )
    passphrase_file: Path | None = Field(
        None,
        description="File whose first line is the passphrase, for commands that run unattended. "
        "Keep it readable by yourself alone.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="How much is logged in the home folder's logs. Never what a patient said."
    )

    @property
    def limits(self) -> Limits:
        """How much may be learnt, as one value."""
        return Limits(
            adapters_per_patient=self.adapters_per_patient,
            adapters_per_practice=self.adapters_per_practice,
            characters_per_run=self.learn_characters_max,
            minutes_per_run=self.learn_minutes_max,
        )

    @property
    def config_file(self) -> Path:
        return self.home / CONFIG_NAME

    @property
    def logs_dir(self) -> Path:
        return self.home / "logs"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags, variables, then the file that lies in the home folder which those two name."""
        del dotenv_settings, file_secret_settings
        chosen = {**env_settings(), **init_settings()}
        home = Path(chosen["home"]) if "home" in chosen else default_home()
        from_file = InitSettingsSource(settings_cls, _read_config(home / CONFIG_NAME))
        return init_settings, env_settings, from_file


def load_settings(**flags: object) -> Settings:
    """The settings of this run; a flag that is None was not given.

    Raises BadSetting for an unknown key or a value out of range; the message never repeats the value.
    """
    given: dict[str, Any] = {name: value for name, value in flags.items() if value is not None}
    _refuse_unknown_variables(os.environ)
    try:
        return Settings(**given)
    except ValidationError as error:
        raise _as_bad_setting(error) from None


def _read_config(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise BadSetting(
            f"{path} cannot be read ({type(error).__name__})", hint="check the file or move it away"
        ) from error
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadSetting(
            f"{path} is not TOML ({error})", hint="one setting a line, such as port = 8421"
        ) from None
    if "home" in values:
        raise BadSetting(
            f"home stands in {path}, which lies inside it", hint="use --home or PHYASSIST_HOME instead"
        )
    for key in values:
        if key not in Settings.model_fields:
            raise BadSetting(f"{path} holds an unknown setting: {key}", hint=_nearest(key))
    return values


def _refuse_unknown_variables(environ: Mapping[str, str]) -> None:
    for name in sorted(environ):
        key = name.removeprefix(PREFIX).lower()
        if name.startswith(PREFIX) and key not in Settings.model_fields:
            raise BadSetting(f"the variable {name} is no setting", hint=_nearest(key))


def _nearest(key: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(key, Settings.model_fields, n=1)
    return f"did you mean {near[0]}" if near else "docs/settings.md lists them all"


def _as_bad_setting(error: ValidationError) -> BadSetting:
    """Name and rule of the first setting that was refused, without its value."""
    first = error.errors(include_input=False, include_url=False)[0]
    name = ".".join(str(part) for part in first["loc"]) or "settings"
    rule = first["msg"][:1].lower() + first["msg"][1:]
    return BadSetting(f"the setting {name} is not usable: {rule}", hint="docs/settings.md says what it takes")
