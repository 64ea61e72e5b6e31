"""What comes in tells nobody who was erased or is held elsewhere; it goes in once, on its journaled basis."""

from __future__ import annotations

import sqlite3
from dataclasses import replace

import pytest
from tests.attack.review_world import CONSENT, KEPT, code_of, collect, empty, filled, people, row

from hedgerow.app.declaring import Schema
from hedgerow.app.service import retrying
from hedgerow.app.service.collecting import CollectRequest
from hedgerow.app.space import open_space
from hedgerow.cli.commands import collect as collect_command
from hedgerow.cli.commands import dataset as dataset_command
from hedgerow.model.errors import HedgerowError
from hedgerow.model.records import QuarantineBatch
from hedgerow.model.words import Basis, ColumnType

PUBLIC = {"research": Basis.PUBLIC_TASK}
TYPED = Schema(types={"age": ColumnType.INTEGER})


def _file(folder, name, text):
    path = folder / name
    path.write_text(text)
    return path


def _request(path, keep=("age", "diag"), schema=TYPED, dataset="visits"):
    return CollectRequest(path, dataset, "pid", PUBLIC, keep=keep, schema=schema)


def _take(space, request):
    return space.service.collect(space.service.plan_collect(request))


def _forbid(space, who, dataset):
    rule = f'@id("no-{who}") forbid(principal == User::"{who}", action, resource == Dataset::"{dataset}");'
    space.service.apply_policy(space.service.policy()["text"] + "\n" + rule)


class TestWhoMayNotSeeRisk:
    def test_a_probe_of_one_row_is_answered_alike_for_erased_and_others(self, tmp_path):
        told = []
        with filled(tmp_path, 8) as space:
            space.service.erase_subject("p0003")
            administrator = space.acting_as("adm")
            for number in (3, 7, 77):
                taken = collect(administrator, tmp_path, [row(number)], dataset="probe", bases=PUBLIC)
                told.append({name: held for name, held in taken.items() if name != "entry"})
                administrator.drop("probe")
            assert told[0] == told[1] == told[2]
            assert (told[0]["rows"], told[0]["people"], told[0]["version"]) == (1, 1, None)
            assert collect_command._taken({**told[0], "entry": 9}) == (
                "Took 1 row of 1 person into probe; journal entry 9."
            )

    def test_who_may_is_told_what_was_taken(self, tmp_path):
        with filled(tmp_path, 8) as space:
            space.service.erase_subject("p0003")
            taken = collect(space, tmp_path, [row(3), row(77)], dataset="probe", bases=PUBLIC)
        assert (taken["rows"], taken["people"], taken["version"]) == (1, 1, 1)
        assert taken["left_out_as_erased"] == 1

    def test_a_retry_does_not_tell_an_erased_person_either(self, tmp_path):
        told = []
        with filled(tmp_path, 8) as space:
            space.service.erase_subject("p0003")
            space.service.apply_policy(
                space.service.policy()["text"] + '\n@id("adm-retries") permit(principal == User::"adm", '
                'action == Action::"quarantine.manage", resource);'
            )
            for ref in ("p0003", "p0077"):
                text = f"pid,age,diag\n{ref},forty,A\nx1,30,B\nx2,31,C\n"
                _take(space, _request(_file(tmp_path, "b.csv", text), dataset=f"of-{ref}"))
                (batch,) = space.service.quarantine_list(f"of-{ref}")
                taken = space.acting_as("adm").service.quarantine_retry(batch["batch"], empty_broken=True)
                told.append({name: taken[name] for name in ("rows", "people", "version", "new_people")})
        assert told == [{"rows": 1, "people": 1, "version": None, "new_people": None}] * 2


class TestForbiddenDataSets:
    def _world(self, folder):
        space = filled(folder, 8)
        collect(space, folder, people(4, start=500), dataset="secret")
        space.service.choose("p0500", "research", granted=True, notice="", channel="")
        space.service.add_principal("duo", ["administrator", "privacy-officer"])
        return space

    def _plan(self, session, folder, number):
        of_one = row(number)
        path = _file(folder, "one.csv", ",".join(of_one) + "\n" + ",".join(map(str, of_one.values())) + "\n")
        return session.service.plan_collect(
            CollectRequest(path, "probe", "pid", CONSENT, keep=KEPT)
        ).as_json()

    def test_a_plan_counts_nobody_who_is_held_only_there(self, tmp_path):
        with self._world(tmp_path) as space:
            assert self._plan(space, tmp_path, 500)["held"]["people_new"] == 0
            _forbid(space, "duo", "secret")
            duo = space.acting_as("duo")
            plans = [self._plan(duo, tmp_path, number) for number in (500, 501, 900)]
        assert [plan["held"] for plan in plans] == [None] * 3
        assert plans[0]["coverage"] == plans[1]["coverage"] == plans[2]["coverage"]

    def test_what_was_taken_counts_nobody_either(self, tmp_path):
        with self._world(tmp_path) as space:
            _forbid(space, "duo", "secret")
            space.service.erase_subject("p0501")
            duo, told = space.acting_as("duo"), []
            for number in (500, 501, 900):
                taken = collect(duo, tmp_path, [row(number)], dataset="probe", bases=PUBLIC)
                told.append({name: held for name, held in taken.items() if name not in ("entry", "version")})
                duo.drop("probe")
        assert told[0] == told[1] == told[2]

    def test_a_drop_does_not_tell_who_is_there_too(self, tmp_path):
        with self._world(tmp_path) as space:
            collect(space, tmp_path, [row(500)], dataset="probe")
            assert space.plan_drop("probe")["people_only_here"] == 0
            _forbid(space, "duo", "secret")
            plan = space.acting_as("duo").plan_drop("probe")
            assert (plan["rows"], plan["people"], plan["people_only_here"]) == (1, 1, None)
            assert next(dataset_command._counted(plan)) == "1 row of 1 person"


class TestJournaledBases:
    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE dataset_purposes SET basis = 'legitimate-interest'",
            "UPDATE dataset_purposes SET purpose = 'marketing'",
            "DELETE FROM dataset_purposes",
        ],
    )
    def test_a_basis_changed_beside_the_journal_is_found(self, tmp_path, statement):
        with filled(tmp_path, 5) as space:
            assert space.service.verify()["verified"]
        with sqlite3.connect(tmp_path / "space" / "hedgerow.db") as store:
            assert store.execute(statement).rowcount == 1
        store.close()
        with open_space(tmp_path / "space") as space, pytest.raises(HedgerowError) as caught:
            space.service.verify()
        assert (caught.value.code, caught.value.details["kind"]) == ("records.differ", "lawful bases")

    def test_bases_added_retried_dropped_and_stated_anew_are_as_told(self, tmp_path):
        with filled(tmp_path, 5) as space:
            collect(space, tmp_path, people(5, 20), bases={**CONSENT, "marketing": Basis.CONSENT})
            space.drop("visits")
            assert space.service.verify()["verified"]
            collect(space, tmp_path, people(5), bases=PUBLIC)
            assert space.service.verify()["verified"]


class TestRetriedBatches:
    GOOD = "pid,age,diag\n" + "".join(f"q{i},{20 + i},A\n" for i in range(6))

    def _world(self, folder):
        space = empty(folder)
        request = _request(_file(folder, "b.csv", self.GOOD + "q900,forty,B\n"))
        _take(space, request)
        (batch,) = space.service.quarantine_list()
        return space, request, batch["batch"]

    def _meanwhile(self, monkeypatch, act):
        """Do something once between the reading of a batch and its commit."""
        read, done = retrying._read_again, []

        def reading(*args, **named):
            if not done:
                done.append(True)
                act()
            return read(*args, **named)

        monkeypatch.setattr(retrying, "_read_again", reading)

    def test_of_two_retries_one_counts(self, tmp_path, monkeypatch):
        space, _, batch = self._world(tmp_path)
        with space:
            officer = space.acting_as("po").service
            self._meanwhile(monkeypatch, lambda: officer.quarantine_retry(batch, empty_broken=True))
            act = lambda: space.service.quarantine_retry(batch, empty_broken=True)  # noqa: E731
            assert code_of(act) == "table.changed"
            assert len(space.service.export_subject("q900")["values"]["visits"]["rows"]) == 1
            assert space.service.report()["held"][0]["rows"] == 7

    def test_a_batch_destroyed_meanwhile_is_not_taken_in(self, tmp_path, monkeypatch):
        space, _, batch = self._world(tmp_path)
        with space:
            self._meanwhile(monkeypatch, lambda: space.acting_as("po").service.quarantine_discard(batch))
            act = lambda: space.service.quarantine_retry(batch, empty_broken=True)  # noqa: E731
            assert code_of(act) == "table.changed"
            assert code_of(lambda: space.service.show_subject("q900")) == "subject.unknown"
            assert code_of(lambda: space.service.quarantine_discard(batch)) == "quarantine.unknown"

    def test_a_batch_of_a_dropped_data_set_does_not_enter_the_new_one(self, tmp_path, monkeypatch):
        space, request, batch = self._world(tmp_path)
        with space:

            def correct():
                space.service.drop("visits")
                _take(space, replace(request, path=_file(tmp_path, "c.csv", self.GOOD)))

            self._meanwhile(monkeypatch, correct)
            act = lambda: space.service.quarantine_retry(batch, empty_broken=True)  # noqa: E731
            assert code_of(act) == "table.changed"
            assert code_of(lambda: space.service.show_subject("q900")) == "subject.unknown"

    def test_rows_of_a_person_erased_meanwhile_do_not_wait_again(self, tmp_path, monkeypatch):
        space = empty(tmp_path)
        with space:
            held = _file(tmp_path, "o.csv", "pid,age,diag\nq77,30,A\nq78,31,A\n")
            _take(space, _request(held, dataset="other"))
            text = self.GOOD + "q900,forty,B\nq77,one,B,too,many\n"
            _take(space, _request(_file(tmp_path, "b.csv", text)))
            (batch,) = space.service.quarantine_list()
            self._meanwhile(monkeypatch, lambda: space.service.erase_subject("q77"))
            act = lambda: space.service.quarantine_retry(batch["batch"], empty_broken=True)  # noqa: E731
            assert code_of(act) == "table.changed"
            assert not any(b"q77," in raw for raw in _waiting(space))


def _waiting(space):
    quarantine = space.opened.spine.quarantine
    with space.opened.store.read() as reader:
        batches = reader.find(QuarantineBatch)
        return [broken.raw for batch in batches for broken in quarantine.rows(reader, batch)]


class TestErasedFromBrokenRows:
    BROKEN = (
        'q50,"Ann Smith,40,B\nq51,Bob Jones,41,X\nq52,"Cy X",42,C\n'
        'q53,"Dan D,43,E\nq54,Eve Secret,44,HIV\nq55,Fay",45\n'
    )

    def test_a_line_within_another_row_goes(self, tmp_path):
        with empty(tmp_path) as space:
            good = "pid,name,age,diag\n" + "".join(f"q{i},Given{i} Fam{i},{20 + i},A\n" for i in range(30))
            keep = ("name", "age", "diag")
            _take(space, _request(_file(tmp_path, "b.csv", good + self.BROKEN), keep))
            _take(space, _request(_file(tmp_path, "c.csv", "pid,name,age,diag\nq54,Eve,44,HIV\n"), keep))
            assert any(b"Eve Secret" in raw for raw in _waiting(space))
            space.service.erase_subject("q54")
            assert not any(b"Eve Secret" in raw for raw in _waiting(space))
            assert any(b"Ann Smith" in raw for raw in _waiting(space))


class TestFilesWithoutHeadings:
    ROWS = "Ann Smith,Leeds,HIV\nBob Jones,York,Flu\nCy Xu,Leeds,HIV\n"

    @pytest.mark.parametrize("subject", ["pid", "Ann Smith"])
    @pytest.mark.parametrize(
        "rows",
        [
            ROWS,
            "Ann Smith,Leeds,HIV\nBob Jones,York,Flu\n",
            "p1,leeds,hiv\np2,york,flu\np3,leeds,flu\n",
            "a_1,12 Main Street,HIV\na_2,4 High Street,HIV\n",
        ],
    )
    def test_no_value_of_the_first_line_is_repeated(self, tmp_path, rows, subject):
        with empty(tmp_path) as space:
            key = rows.split(",")[0] if subject != "pid" else subject
            request = CollectRequest(_file(tmp_path, "n.csv", rows), "visits", key, PUBLIC)
            with pytest.raises(HedgerowError) as caught:
                space.service.plan_collect(request)
        said = f"{caught.value.message} {caught.value.next_step}"
        assert caught.value.code == "collect.no-headings"
        assert "3 columns" in said
        for value in rows.splitlines()[0].split(","):
            assert value not in said

    @pytest.mark.parametrize(
        "headings",
        ["pid,name,age", "PatientID,City,Diagnosis", "patient_ref,shoeSize,width", "Fall,Ort,Befund"],
    )
    def test_names_of_columns_are_still_offered(self, tmp_path, headings):
        with empty(tmp_path) as space:
            path = _file(tmp_path, "n.csv", f"{headings}\nAnn Smith,Leeds,HIV\nBob Jones,York,Flu\n")
            key, *rest = headings.split(",")
            with pytest.raises(HedgerowError) as caught:
                space.service.plan_collect(CollectRequest(path, "visits", key, PUBLIC))
            assert (caught.value.code, ",".join(rest) in caught.value.message) == (
                "collect.not-minimal",
                True,
            )
            with pytest.raises(HedgerowError) as caught:
                space.service.plan_collect(CollectRequest(path, "visits", "nope", PUBLIC))
            assert caught.value.code == "collect.no-subject-key"
            assert ", ".join(rest) in caught.value.next_step
