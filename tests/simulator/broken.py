"""Rooms broken on purpose: each must be caught by the invariant it breaks."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace

from tests.simulator.world import World

from hedgerow.adapters.store.memory import MemoryStore, MemoryTransaction
from hedgerow.model.engine import PeopleFilter
from hedgerow.model.records import (
    Account,
    Charge,
    Commitment,
    ConsentEvent,
    ConsentState,
    JournalEntry,
    Member,
    Request,
    SealedField,
    Subject,
)
from hedgerow.model.words import Basis
from hedgerow.spine import approvals, awaiting, decide, dropping, erasure, gate, requests, telling
from hedgerow.spine.approvals import Approvals
from hedgerow.spine.balance import POPULATION
from hedgerow.spine.consent import Consents
from hedgerow.spine.dropping import Dropping
from hedgerow.spine.gate import Gate
from hedgerow.spine.intake import Intake
from hedgerow.spine.journal import Journal
from hedgerow.spine.lease import Leases
from hedgerow.spine.ledger import Ledger
from hedgerow.spine.policy import Policies
from hedgerow.spine.tables import Tables


def lease_without_consent_filter(patch):
    whole = Consents.covered
    patch(Consents, "covered", lambda self, r, d, v, p, _: whole(self, r, d, v, p, Basis.CONTRACT))


def consent_cached_forever(patch):
    fresh, kept = Consents.covered, {}

    def covered(self, reader, dataset, version, purpose, basis):
        key = (self, dataset, purpose)  # an id alone would be given again to a later room
        if key not in kept:
            kept[key] = fresh(self, reader, dataset, version, purpose, basis)
        return kept[key]

    patch(Consents, "covered", covered)


def late_choice_undoes_a_newer_one(patch):
    patch(Consents, "_known_ranks", lambda *_: {})


def person_read_without_basis(patch):
    checked = Leases._people

    def people(self, reader, dataset, facts, grant):
        if grant.kind == "person":
            return {facts.dataset.name: PeopleFilter.of([grant.subject])}
        return checked(self, reader, dataset, facts, grant)

    patch(Leases, "_people", people)


def refund_after_failure(patch):
    failed = Gate._failed

    def refund(self, use, code, versions):
        failed(self, use, code, versions)
        with self._store.write() as tx:
            tx.remove(Charge, request=use.request.request_id)
            tx.remove(Account)
            for account in self._ledger.recount(tx).values():
                tx.put(account)

    patch(Gate, "_failed", refund)


def refund_after_restart(patch):
    sweep = Tables.sweep

    def swept(self, store):
        with store.write() as tx:
            tx.remove(Charge, committed=False)
            tx.remove(Account)
            for account in Ledger(None).recount(tx).values():
                tx.put(account)
        return sweep(self, store)

    patch(Tables, "sweep", swept)


def reserve_after_run(patch):
    reserve, commit, waiting = Ledger.reserve, Ledger.commit, {}

    def later(self, tx, request_id, *rest, **more):
        waiting[request_id] = rest, more

    def now(self, tx, request_id):
        if request_id in waiting:
            rest, more = waiting.pop(request_id)
            reserve(self, tx, request_id, *rest, **more)
        commit(self, tx, request_id)

    patch(Ledger, "reserve", later)
    patch(Ledger, "commit", now)


def population_not_debited(patch):
    debit = Ledger._debit
    patch(
        Ledger, "_debit", lambda self, tx, where, event: where == POPULATION or debit(self, tx, where, event)
    )


def limit_read_before_the_charge_lands(patch):
    # A debit that forgets what was spent before: each use finds the whole budget.
    patch(Ledger, "_debit", lambda _, tx, where, event: tx.put(_only(where, event)))


def _only(where, event):
    return Account(*where, str(getattr(event, "epsilon", 0)), "0", "")


def erase_forgets_rows(patch):
    patch(Tables, "without", lambda *_: ([], []))


def erase_forgets_fields(patch):
    patch(erasure, "_PERSONAL", (Member, ConsentEvent, ConsentState, Commitment))


def erase_keeps_the_key(patch):
    remove = MemoryTransaction.remove
    patch(MemoryTransaction, "remove", lambda self, kind, **eq: kind is Subject or remove(self, kind, **eq))


def erase_keeps_stored_releases(patch):
    patch(requests.Requests, "withdraw", lambda *_: 0)


def release_in_flight_overtakes_the_erasure(patch):
    patch(Journal, "erased_since", lambda *_: False)


def drop_resets_the_version(patch):
    emptied = Dropping._emptied
    patch(Dropping, "_emptied", lambda self, record: replace(emptied(self, record), version=0))


def drop_forgets_members(patch):
    patch(dropping, "_GOES", tuple(kind for kind in dropping._GOES if kind is not Member))


def drop_forgets_sealed_fields(patch):
    patch(dropping, "_GOES", tuple(kind for kind in dropping._GOES if kind is not SealedField))


def drop_forgets_people(patch):
    remove = Dropping._remove

    def removed(self, tx, dataset):
        for number in tx.values(Member, "number", dataset=dataset):
            for kind in (*erasure._PERSONAL, Subject):
                tx.remove(kind, number=number)
        remove(self, tx, dataset)

    patch(Dropping, "_remove", removed)


def drop_gives_the_budget_back(patch):
    remove = Dropping._remove

    def removed(self, tx, dataset):
        tx.remove(Charge, dataset=dataset)
        tx.remove(Account)
        for account in Ledger(None).recount(tx).values():
            tx.put(account)
        remove(self, tx, dataset)

    patch(Dropping, "_remove", removed)


def use_in_flight_overtakes_the_drop(patch):
    patch(Journal, "dropped_since", lambda *_: False)


def collect_ignores_tombstones(patch):
    patch(Intake, "_revived", lambda _, __, erased: list(erased))


def known_id_runs_again(patch):
    patch(Gate, "_replay_of", lambda *_: None)
    _open_over(patch)


def spent_id_runs_again(patch):
    find = Gate._replay_of

    def only_done(self, reader, request):
        found = find(self, reader, request)
        return None if found is not None and found.state == requests.SPENT else found

    patch(Gate, "_replay_of", only_done)
    _open_over(patch)


def _open_over(patch):
    opened = requests.Requests.open

    def over(self, tx, request, *rest):
        tx.remove(Request, id=request.request_id)
        opened(self, tx, request, *rest)

    patch(requests.Requests, "open", over)


def replay_after_a_withdrawal(patch):
    patch(requests.Requests, "_has_withdrawals", lambda *_: False)


def id_bound_to_nothing(patch):
    patch(requests, "binding_of", lambda *_: "same")
    patch(gate, "binding_of", lambda *_: "same")
    patch(telling, "binding_of", lambda *_: "same")


def use_without_intent(patch):
    append = Journal.append

    def skip(self, tx, action, actor, facts, about=()):
        if action == "use.intend":
            return self.head(tx).size
        return append(self, tx, action, actor, facts, about)

    patch(Journal, "append", skip)


def intent_after_the_run(patch):
    append, waiting = Journal.append, []

    def later(self, tx, action, actor, facts, about=()):
        if action == "use.intend":
            waiting.append((action, actor, facts, about))
            return self.head(tx).size
        while waiting:
            append(self, tx, *waiting.pop())
        return append(self, tx, action, actor, facts, about)

    patch(Journal, "append", later)


def entry_altered(patch):
    add = MemoryTransaction.add

    def altered(record):
        if isinstance(record, JournalEntry) and b'"action":"collect"' in record.body:
            return replace(record, body=record.body.replace(b"collect", b"elected"))
        return record

    patch(MemoryTransaction, "add", lambda self, records: add(self, map(altered, records)))


def acknowledged_before_it_is_durable(patch):
    whole, restart = MemoryStore.write, World.restart

    @contextmanager
    def write(self):
        before = self._tables
        with whole(self) as tx:
            yield tx
        self._before = before

    def restarted(self):
        if hasattr(self.inner_store, "_before"):
            self.inner_store._tables = self.inner_store._before
        restart(self)

    patch(MemoryStore, "write", write)
    patch(World, "restart", restarted)


def sweep_takes_named_files(patch):
    def sweep(self, store):
        for name in list(self._shelf.names())[:1]:
            self._shelf.delete(name)
        return 1

    patch(Tables, "sweep", sweep)


def failed_run_deletes_what_a_commit_named(patch):
    def take_back(take):
        def taken(self, *args, **kwargs):
            files, write = [], Intake._write

            def noted(*given, **named):
                files.extend(write(*given, **named))
                return tuple(files)

            Intake._write = noted
            try:
                return take(self, *args, **kwargs)
            except BaseException:
                for file in files:
                    self._tables._shelf.inner.delete(file.name)
                raise
            finally:
                Intake._write = write

        return taken

    patch(Intake, "take", take_back(Intake.take))


def stale_decision_cache(patch):
    patch(MemoryStore, "stamp", lambda _: 0)


def policies_compiled_once(patch):
    fresh = Policies.standing

    def standing(self, reader):
        return self._compiled or fresh(self, reader)

    patch(Policies, "standing", standing)


def ended_purpose_goes_on(patch):
    patch(decide, "_purpose_objections", lambda *_: [])


def gate_asks_for_no_approval(patch):
    patch(Gate, "_approved", lambda *_: None)


def grant_is_never_used_up(patch):
    patch(Approvals, "_use", lambda _, __, record, ___: record)


def one_s_own_grant_counts(patch):
    patch(approvals, "are_apart", lambda *_: True)


def grant_holds_for_any_parameters(patch):
    patch(awaiting, "_parameters", lambda *_: {})


def grant_outlives_what_it_rests_on(patch):
    patch(awaiting, "_VERSIONS", ())


def grant_never_expires(patch):
    patch(Approvals, "_aged", lambda _, __, record, *___: record)


def denial_is_no_end(patch):
    vote = Approvals._vote

    def voted(self, tx, record, actor, *, is_granted, reason):
        return vote(self, tx, record, actor, is_granted=True, reason=reason)

    patch(Approvals, "_vote", voted)


VARIANTS = {
    lease_without_consent_filter: "a: basis",
    consent_cached_forever: "a: basis",
    late_choice_undoes_a_newer_one: "a: basis",
    person_read_without_basis: "a: basis",
    refund_after_failure: "b: budget",
    refund_after_restart: "b: budget",
    reserve_after_run: "b: budget",
    population_not_debited: "b: budget",
    limit_read_before_the_charge_lands: "b: budget",
    erase_forgets_rows: "c: erased",
    erase_forgets_fields: "c: erased",
    erase_keeps_the_key: "c: erased",
    erase_keeps_stored_releases: "c: erased",
    release_in_flight_overtakes_the_erasure: "c: erased",
    collect_ignores_tombstones: "c: erased",
    known_id_runs_again: "d: one release",
    spent_id_runs_again: "d: one release",
    replay_after_a_withdrawal: "d: one release",
    id_bound_to_nothing: "d: one release",
    use_without_intent: "e: journal",
    intent_after_the_run: "e: journal",
    entry_altered: "e: journal",
    acknowledged_before_it_is_durable: "f: lost",
    sweep_takes_named_files: "f: lost",
    failed_run_deletes_what_a_commit_named: "f: lost",
    drop_resets_the_version: "g: dropped",
    drop_forgets_members: "g: dropped",
    drop_forgets_sealed_fields: "c: erased",
    drop_forgets_people: "f: lost",
    drop_gives_the_budget_back: "b: budget",
    use_in_flight_overtakes_the_drop: "g: dropped",
    gate_asks_for_no_approval: "h: approved",
    grant_is_never_used_up: "h: approved",
    one_s_own_grant_counts: "h: approved",
    grant_holds_for_any_parameters: "h: approved",
    grant_outlives_what_it_rests_on: "h: approved",
    grant_never_expires: "h: approved",
    denial_is_no_end: "h: approved",
    stale_decision_cache: "decision",
    policies_compiled_once: "decision",
    ended_purpose_goes_on: "decision",
}

FOCUS = {
    gate_asks_for_no_approval: ("ask",),
    grant_is_never_used_up: ("ask",),
    one_s_own_grant_counts: ("ask",),
    grant_holds_for_any_parameters: ("ask",),
    grant_outlives_what_it_rests_on: ("ask",),
    grant_never_expires: ("ask",),
    denial_is_no_end: ("ask",),
    consent_cached_forever: ("query", "release", "choose"),
    late_choice_undoes_a_newer_one: ("choose", "release"),
    refund_after_failure: ("query",),
    erase_keeps_stored_releases: ("release", "erase"),
    release_in_flight_overtakes_the_erasure: ("release", "erase"),
    collect_ignores_tombstones: ("collect", "erase"),
    drop_gives_the_budget_back: ("query", "drop"),
    use_in_flight_overtakes_the_drop: ("query",),
    known_id_runs_again: ("query", "repeat"),
    acknowledged_before_it_is_durable: ("collect", "query", "choose"),
    spent_id_runs_again: ("query", "repeat"),
    replay_after_a_withdrawal: ("release", "repeat", "choose"),
    failed_run_deletes_what_a_commit_named: ("collect",),
    ended_purpose_goes_on: ("allocate_and_wait", "query"),
}
"""Acts that are enough to show a fault which a whole workspace shows late."""
