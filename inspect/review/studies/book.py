"""Studies in the chained log: planned, looked at, closed. Nothing is changed; the first answer counts."""

from __future__ import annotations

import threading
from dataclasses import replace

from taktsight.errors import ReviewError
from taktsight.inspect.review.figures.noted import Noted, noted
from taktsight.inspect.review.store.store import ReviewStore
from taktsight.inspect.review.store.values import PartKey
from taktsight.inspect.review.studies.values import ACTIONS, ANSWERS, CLOSE, LOOK, PLAN, Look, Study
from taktsight.quality.study_plan import PlannedLook

MOST_NAME = 80
MOST_PARTS, MOST_TRIALS, MOST_APPRAISERS = 300, 5, 20
CHUNK = 20_000


class Studies:
    """All studies of a store; any thread may ask."""

    def __init__(self, store: ReviewStore) -> None:
        self._store = store
        self._lock = threading.RLock()
        self._studies: dict[int, Study] = {}
        self._last = 0

    def all(self) -> list[Study]:
        """The newest first."""
        with self._lock:
            self._catch_up()
            return list(reversed(self._studies.values()))

    def of(self, study: int) -> Study | None:
        """One study; None where there is none of this number."""
        with self._lock:
            self._catch_up()
            return self._studies.get(study)

    def plan(
        self,
        actor: str,
        *,
        name: str,
        parts: dict[PartKey, str],
        appraisers: tuple[str, ...],
        trials: int,
        seed: int,
        machine: bool,
        reason: str = "",
    ) -> Study:
        """A new study.

        Raises:
            ReviewError: If it cannot be: too few parts, no appraiser, references of some parts alone.
        """
        _check(name, parts, appraisers, trials)
        new = {
            "name": name,
            "seed": seed,
            "trials": trials,
            "appraisers": sorted(appraisers),
            "machine": machine,
            "parts": {str(key): reference for key, reference in parts.items()},
        }
        with self._lock:
            seq = self._store.note(actor, PLAN, "study", None, new, reason[:2000])
            self._catch_up()
            return self._studies[seq]

    def next_look(self, study: Study, appraiser: str) -> PlannedLook | None:
        """What this person looks at now; None where all is done."""
        return next((look for look in study.looks_of(appraiser) if look.code not in study.looks), None)

    def answer(self, appraiser: str, study_id: int, code: str, answer: str, shown_ms: int) -> Study:
        """Records one look; on the disk when this returns. Sent again it is the same look.

        Raises:
            ReviewError: If it is not this person's turn at this look, or no answer.
        """
        with self._lock:
            study = self.of(study_id)
            if study is None or appraiser not in study.appraisers:
                raise ReviewError("there is no such study, or you are no appraiser of it")
            if study.closed:
                raise ReviewError("the study is closed: looks are taken no more")
            if code in study.looks and study.looks[code].appraiser == appraiser:
                return study
            due = self.next_look(study, appraiser)
            if due is None or due.code != code:
                raise ReviewError("this look is not the one that comes now; load the page again")
            if answer not in ANSWERS:
                raise ReviewError(f"{answer[:40]!r} is no answer; {' or '.join(ANSWERS)} is")
            new = {"code": code, "answer": answer, "shown_ms": max(0, min(shown_ms, 1 << 31))}
            self._store.note(appraiser, LOOK, f"study:{study_id}", None, new, "")
            self._catch_up()
            return self._studies[study_id]

    def close(self, actor: str, study_id: int, reason: str) -> None:
        """Ends a study; what was looked at stays.

        Raises:
            ReviewError: If there is none, it is closed, or nothing says why.
        """
        with self._lock:
            study = self.of(study_id)
            if study is None or study.closed:
                raise ReviewError("there is no such study, or it is closed already")
            if not reason.strip() and len(study.finished) < len(study.appraisers):
                raise ReviewError("not everybody is done: say why the study ends now")
            self._store.note(actor, CLOSE, f"study:{study_id}", None, None, reason[:2000])

    def _catch_up(self) -> None:
        while rows := noted(self._store, ACTIONS, self._last, CHUNK):
            looks: dict[int, dict[str, Look]] = {}
            for row in rows:
                self._take(row, looks)
            for study, new in looks.items():
                known = self._studies[study]
                self._studies[study] = replace(known, looks={**new, **known.looks})
            self._last = rows[-1].seq

    def _take(self, row: Noted, looks: dict[int, dict[str, Look]]) -> None:
        if row.action == PLAN:
            self._studies[row.seq] = _study(row)
            return
        _, _, number = row.subject.partition(":")
        study = self._studies.get(int(number)) if number.isdecimal() else None
        if study is None:
            return
        if row.action == CLOSE:
            self._studies[study.id] = replace(study, closed=study.closed or row.utc)
        elif not study.closed:
            new = row.new
            look = Look(row.seq, row.utc, row.actor, new["code"], new["answer"], new["shown_ms"])
            looks.setdefault(study.id, {}).setdefault(look.code, look)


def _study(row: Noted) -> Study:
    new = row.new
    return Study(
        id=row.seq,
        utc=row.utc,
        actor=row.actor,
        name=new["name"],
        seed=new["seed"],
        trials=new["trials"],
        appraisers=tuple(new["appraisers"]),
        machine=new["machine"],
        parts={PartKey.parse(key): reference for key, reference in new["parts"].items()},
        looks={},
    )


def _check(name: str, parts: dict[PartKey, str], appraisers: tuple[str, ...], trials: int) -> None:
    if not name.strip() or len(name) > MOST_NAME or not name.isprintable():
        raise ReviewError(f"a study has a name of {MOST_NAME} letters at most")
    if not 2 <= len(parts) <= MOST_PARTS:
        raise ReviewError(f"{len(parts)} parts: a study has 2 to {MOST_PARTS}")
    if not 1 <= len(appraisers) <= MOST_APPRAISERS or len(set(appraisers)) < len(appraisers):
        raise ReviewError(f"a study has 1 to {MOST_APPRAISERS} appraisers, each once")
    if not 1 <= trials <= MOST_TRIALS:
        raise ReviewError(f"{trials} trials: a study has 1 to {MOST_TRIALS}")
    if len({bool(reference) for reference in parts.values()}) > 1:
        raise ReviewError(
            "of some parts it is said what they are, of others not: say it of all, or of none"
        )
