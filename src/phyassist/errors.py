"""The one exception tree.

PhyAssistError                     an expected failure: one sentence, and what to do next
├── BadInput                       what came in cannot be used as it is
│   ├── EmptyText                  PA-TEXT-EMPTY
│   ├── TextTooLong                PA-TEXT-LONG
│   ├── UnreadableFile             PA-FILE-UNREADABLE
│   ├── UnknownName                PA-NAME-UNKNOWN
│   ├── NameNeeded                 PA-NAME-NEEDED
│   └── BadSetting                 PA-SETTING
├── VaultError
│   ├── NotSetUp                   PA-VAULT-NOT-SET-UP
│   ├── AlreadySetUp               PA-VAULT-SET-UP
│   ├── Locked                     PA-VAULT-LOCKED
│   ├── WrongPassphrase            PA-VAULT-PASSPHRASE
│   ├── CodeNeeded                 PA-VAULT-CODE
│   ├── TooManyTries               PA-VAULT-TRIES
│   ├── WeakPassphrase             PA-VAULT-WEAK
│   ├── KeysChanged                PA-VAULT-KEYS-CHANGED
│   └── CannotOpen                 PA-VAULT-CANNOT-OPEN
├── StoreError
│   ├── NotFound                   PA-STORE-NOT-FOUND
│   ├── NotYourPatient             PA-STORE-ACCESS
│   │   └── ReadOnly               PA-STORE-READ-ONLY
│   ├── ChangedMeanwhile           PA-STORE-CHANGED
│   ├── StoreFull                  PA-STORE-FULL
│   ├── BackupUnusable             PA-STORE-BACKUP
│   ├── AuditBroken                PA-STORE-AUDIT
│   ├── StoreClosed                PA-STORE-CLOSED
│   └── StoreUnusable              PA-STORE-UNUSABLE
│       └── StoreAway              PA-STORE-AWAY
├── ModelError
│   ├── ModelMissing               PA-MODEL-MISSING
│   ├── ModelDamaged               PA-MODEL-DAMAGED
│   ├── FetchFailed                PA-MODEL-FETCH
│   ├── EngineDown                 PA-MODEL-ENGINE
│   ├── ServerRefused              PA-MODEL-SERVER
│   ├── AdapterMissing             PA-MODEL-ADAPTER
│   ├── OutsideForbidden           PA-MODEL-OUTSIDE
│   └── PromptTooLong              PA-MODEL-LONG
├── NotAllowed                     PA-RULE
│   └── ConsentMissing             PA-RULE-CONSENT
├── TrainingFailed                 PA-TRAINING
│   └── NoWorker                   PA-TRAINING-WORKER
├── HubFailed                      PA-HUB
├── MissingLibrary                 PA-LIBRARY
└── WorkersDied                    PA-WORKERS

Messages name what, which id and what next; never what a patient said.  `docs/errors.md` explains each code.
"""

from __future__ import annotations

from typing import ClassVar


class PhyAssistError(Exception):
    """An expected failure: `str(error)` is one sentence, `hint` the next step, `code` is stable.

    `reason` says more than the code, where a page has words of its own for that.
    """

    code: ClassVar[str] = "PA-ERROR"
    hint: str = ""

    def __init__(self, what: str, *, hint: str = "", reason: str = "") -> None:
        super().__init__(what)
        self.reason = reason
        if hint:
            self.hint = hint

    @property
    def what(self) -> str:
        return str(self.args[0])

    def __str__(self) -> str:
        return f"{self.what}; {self.hint}" if self.hint else self.what


class BadInput(PhyAssistError):
    code = "PA-INPUT"


class EmptyText(BadInput):
    code = "PA-TEXT-EMPTY"


class TextTooLong(BadInput):
    code = "PA-TEXT-LONG"


class UnreadableFile(BadInput):
    code = "PA-FILE-UNREADABLE"


class UnknownName(BadInput):
    code = "PA-NAME-UNKNOWN"


class NameNeeded(BadInput):
    """Several people work here, and who signs in did not say who they are."""

    code = "PA-NAME-NEEDED"


class BadSetting(BadInput):
    code = "PA-SETTING"


class VaultError(PhyAssistError):
    code = "PA-VAULT"


class NotSetUp(VaultError):
    code = "PA-VAULT-NOT-SET-UP"


class AlreadySetUp(VaultError):
    code = "PA-VAULT-SET-UP"


class Locked(VaultError):
    code = "PA-VAULT-LOCKED"


class WrongPassphrase(VaultError):
    code = "PA-VAULT-PASSPHRASE"


class CodeNeeded(VaultError):
    """The passphrase was right; the code of the second factor is missing, wrong or used."""

    code = "PA-VAULT-CODE"


class TooManyTries(VaultError):
    """`wait_s` says how many seconds must pass before the next try is looked at."""

    code = "PA-VAULT-TRIES"

    def __init__(self, what: str, *, wait_s: int, hint: str = "") -> None:
        super().__init__(what, hint=hint)
        self.wait_s = wait_s


class WeakPassphrase(VaultError):
    code = "PA-VAULT-WEAK"


class KeysChanged(VaultError):
    """A colleague's keys are not the ones that were used before: nothing is given to them or taken."""

    code = "PA-VAULT-KEYS-CHANGED"


class CannotOpen(VaultError):
    """Wrong key, wrong place or damaged data: the three cannot be told apart."""

    code = "PA-VAULT-CANNOT-OPEN"


class StoreError(PhyAssistError):
    code = "PA-STORE"


class NotFound(StoreError):
    code = "PA-STORE-NOT-FOUND"


class NotYourPatient(StoreError):
    code = "PA-STORE-ACCESS"


class ReadOnly(NotYourPatient):
    """The patient was shared for reading: there is nothing to hide, and nothing may be changed."""

    code = "PA-STORE-READ-ONLY"


class ChangedMeanwhile(StoreError):
    """Someone, or another tab, wrote first; nothing of either is lost."""

    code = "PA-STORE-CHANGED"


class StoreFull(StoreError):
    code = "PA-STORE-FULL"


class BackupUnusable(StoreError):
    """A file that is no whole backup, or that cannot be written or read."""

    code = "PA-STORE-BACKUP"


class AuditBroken(StoreError):
    """The audit log is not whole, or not the one that an anchor was made of."""

    code = "PA-STORE-AUDIT"


class StoreClosed(StoreError):
    """The store is being moved to another one, or was; it can be read."""

    code = "PA-STORE-CLOSED"


class StoreUnusable(StoreError):
    code = "PA-STORE-UNUSABLE"


class StoreAway(StoreUnusable):
    """The database does not answer, or takes no changes, for a while: trying again helps."""

    code = "PA-STORE-AWAY"


class ModelError(PhyAssistError):
    code = "PA-MODEL"


class ModelMissing(ModelError):
    code = "PA-MODEL-MISSING"


class ModelDamaged(ModelError):
    code = "PA-MODEL-DAMAGED"


class FetchFailed(ModelError):
    code = "PA-MODEL-FETCH"


class EngineDown(ModelError):
    code = "PA-MODEL-ENGINE"


class ServerRefused(ModelError):
    code = "PA-MODEL-SERVER"


class AdapterMissing(ModelError):
    code = "PA-MODEL-ADAPTER"


class OutsideForbidden(ModelError):
    """The model's server is neither this machine nor the practice's own, and nothing may leave."""

    code = "PA-MODEL-OUTSIDE"


class PromptTooLong(ModelError):
    code = "PA-MODEL-LONG"


class NotAllowed(PhyAssistError):
    code = "PA-RULE"


class ConsentMissing(NotAllowed):
    """The patient has not agreed to this use of their words, or has withdrawn."""

    code = "PA-RULE-CONSENT"


class TrainingFailed(PhyAssistError):
    code = "PA-TRAINING"


class NoWorker(TrainingFailed):
    """There is no computer that may train, or none that is there."""

    code = "PA-TRAINING-WORKER"


class HubFailed(PhyAssistError):
    """The model hub refused, or could not be reached, while an adapter was published or pulled."""

    code = "PA-HUB"


class MissingLibrary(PhyAssistError):
    code = "PA-LIBRARY"


class WorkersDied(PhyAssistError):
    code = "PA-WORKERS"


def find_error(code: str) -> type[PhyAssistError]:
    """The class that bears this code; the root where none does."""
    found = [PhyAssistError]
    for kind in found:
        found += kind.__subclasses__()
    return next((kind for kind in found if kind.code == code), PhyAssistError)


def describe_frames(error: BaseException) -> str:
    """Where an unexpected error came from: classes, files and lines, its causes first.

    Neither messages nor locals: both may hold what a patient said.
    """
    blocks: list[str] = []
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        lines = [f"{type(link).__module__}.{type(link).__qualname__}"]
        trace = link.__traceback__
        while trace is not None:
            code = trace.tb_frame.f_code
            lines.append(f"  {code.co_filename}:{trace.tb_lineno} {code.co_qualname}")
            trace = trace.tb_next
        blocks.append("\n".join(lines))
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return "\n".join(reversed(blocks))
